//! Learns the context of the windows of one length in their distances: what the windows beside them let expect.

use super::held_out::HeldOut;
use super::units::sample_moments;
use crate::control::Check;
use crate::metric::context::{Context, Learned, Triple};
use crate::model::neighbours::distance;
use crate::model::unit::MIN_LOG_DEVIATION;
use crate::model::{LinearFit, NeighbourContext, ViewModel};
use crate::view::{PerView, View};
use crate::window::plan::WindowPlan;

/// From this many windows with neighbours on the context counts fully, below it by their share.
const FULL_WEIGHT_WINDOWS: f64 = 300.0;
/// What is added counts by this many times the share of the windows' variance that neighbours explain, at most fully:
/// where they explain next to nothing, what they leave is the window itself once more.
const EXPLAINED_FACTOR: f64 = 2.5;
/// A context that would count less than this is left out.
const MIN_WEIGHT: f64 = 0.05;

impl LinearFit {
    /// The line of least squares through pairs of numbers, level where they fall.
    fn through(pairs: impl Iterator<Item = (f32, f32)> + Clone) -> Self {
        let count = pairs.clone().count() as f64;
        let means = |of: fn((f32, f32)) -> f32| pairs.clone().map(|p| f64::from(of(p))).sum::<f64>() / count;
        let (x_mean, y_mean) = (means(|p| p.0), means(|p| p.1));
        let (mut square, mut product) = (0.0, 0.0);
        for (x, y) in pairs {
            square += (f64::from(x) - x_mean).powi(2);
            product += (f64::from(x) - x_mean) * (f64::from(y) - y_mean);
        }
        let slope = if square > 0.0 {
            (product / square).max(0.0)
        } else {
            0.0
        };
        Self {
            intercept: (y_mean - slope * x_mean) as f32,
            slope: slope as f32,
        }
    }
}

impl NeighbourContext {
    /// Learns from the windows of a plan, their joint features one after the other and their log distances `plain` by
    /// the views, and takes the result into the calibration of retrospective scores by the views. Also returns of each
    /// window with both neighbours the log distances by a map that has not seen it; none, and nothing changes, where
    /// neighbours explain too little.
    ///
    /// With z what a view says so far, c the same of the context and w its weight, the view says (z + w c) / (1 + w).
    pub(crate) fn learn(
        joint: &[f32],
        dims: PerView<usize>,
        plan: &WindowPlan,
        plain: &HeldOut,
        views: &mut PerView<ViewModel>,
        check: Check,
    ) -> Option<(Self, Vec<Option<PerView<f32>>>)> {
        let triples = triples(plan);
        let Learned {
            context,
            held_out,
            explained,
        } = Context::learn(joint, dims, &triples, &plan.folds, check)?;
        let weight =
            (triples.len() as f64 / FULL_WEIGHT_WINDOWS).min(1.0) * (EXPLAINED_FACTOR * explained).min(1.0);
        if weight < MIN_WEIGHT {
            return None;
        }
        let flat: Vec<PerView<f32>> = plain.iter().flatten().copied().collect();
        let pairs = triples.iter().zip(&held_out);
        let mut out = Self {
            context,
            weight,
            gains: [1.0; View::COUNT],
            fallback: std::array::from_fn(|v| {
                LinearFit::through(pairs.clone().map(|(t, context)| (flat[t.own][v], context[v])))
            }),
        };
        let mut known = vec![None; flat.len()];
        for (t, context) in pairs {
            known[t.own] = Some(*context);
        }
        // What is added, as yet in its own units.
        let mut added: HeldOut = plain.iter().map(|s| vec![PerView::default(); s.len()]).collect();
        for ((added, plain), known) in added.iter_mut().flatten().zip(&flat).zip(&known) {
            *added = out.added(*known, plain);
        }
        out.gains = std::array::from_fn(|v| {
            let view = &mut views[v];
            let (mean, own) = sample_moments(v, &added, plan);
            let deviation = view.deviation.max(MIN_LOG_DEVIATION);
            let gain = weight * deviation / own.max(MIN_LOG_DEVIATION);
            view.mean += gain * mean;
            view.deviation = (1.0 + weight) * deviation;
            gain as f32
        });
        Some((out, known))
    }
}

/// The windows that have both neighbours among those of the plan.
fn triples(plan: &WindowPlan) -> Vec<Triple> {
    let away = distance(plan.length);
    let mut out = Vec::new();
    let mut first = 0;
    for starts in &plan.starts {
        for (own, start) in starts.iter().enumerate() {
            let before = start.checked_sub(away).map(|s| starts.binary_search(&s));
            if let (Some(Ok(before)), Ok(after)) = (before, starts.binary_search(&(start + away))) {
                let [before, own, after] = [before, own, after].map(|i| first + i);
                out.push(Triple { before, own, after });
            }
        }
        first += starts.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::placement::hop;

    #[test]
    fn a_line_goes_through_its_points_and_never_falls() {
        let rising = LinearFit::through([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)].into_iter());
        assert_eq!((rising.intercept, rising.slope, rising.at(3.0)), (1.0, 2.0, 7.0));
        let falling = LinearFit::through([(0.0, 3.0), (1.0, 1.0)].into_iter());
        assert_eq!((falling.intercept, falling.slope), (2.0, 0.0));
        let level = LinearFit::through([(1.0, 4.0), (1.0, 6.0)].into_iter());
        assert_eq!((level.intercept, level.slope), (5.0, 0.0));
    }

    #[test]
    fn neighbours_share_no_sample_and_stand_in_step() {
        for length in [8, 16, 30, 100, 256] {
            let away = distance(length);
            assert!((length..length + hop(length)).contains(&away));
            assert_eq!(away % hop(length), 0);
        }
        let plan = WindowPlan::aligned(&[(0, 100), (100, 20), (200, 90)], 32, 4);
        let all = triples(&plan);
        let flat: Vec<(usize, usize)> = (0..3)
            .flat_map(|s| plan.starts[s].iter().map(move |a| (s, *a)))
            .collect();
        assert!(!all.is_empty());
        for t in all {
            let [before, own, after] = [t.before, t.own, t.after].map(|i| flat[i]);
            assert!(before.0 == own.0 && own.0 == after.0);
            assert_eq!((before.1 + 32, own.1 + 32), (own.1, after.1));
        }
    }
}
