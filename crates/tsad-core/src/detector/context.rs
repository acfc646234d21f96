//! The context of the windows of one length in their distances: what the windows beside them let expect.

use super::channel::{FINEST, HeldOut, ViewModel};
use super::layout::Layout;
use super::windows::hop;
use crate::Check;
pub(super) use crate::metric::context::joint;
use crate::metric::context::{Context, Learned, Triple};
use crate::view::PerView;

/// From this many windows with neighbours on the context counts fully, below it by their share.
const FULL: f64 = 300.0;
/// What is added counts by this many times the share of the windows' variance that neighbours explain, at most fully:
/// where they explain next to nothing, what they leave is the window itself once more.
const TRUST: f64 = 2.5;
/// A context that would count less than this is left out.
const LEAST: f64 = 0.05;

/// What windows of one length let expect of the one between them, and what that adds to its distances.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// The map and the metric.
    pub context: Context,
    /// How much it counts beside what the views say without it, above 0, at most 1.
    pub weight: f64,
    /// What a log distance is multiplied by before it is added to that of the plain view, 0 or more.
    pub gains: PerView<f32>,
    /// The mean log distance of training windows: what a window without both neighbours is given.
    pub usual: PerView<f32>,
}

impl Beside {
    /// Learns from the windows of a layout, their joint features one after the other, and takes the result into the
    /// calibration of scores in hindsight by the views. Also returns what is added to the log distances of each window by
    /// a map that has not seen it; none, and nothing changes, where neighbours explain too little.
    ///
    /// With z what a view says so far, c the same of the context and w its weight, the view says (z + w c) / (1 + w).
    pub(super) fn learn(
        joint: &[f32],
        dims: PerView<usize>,
        layout: &Layout,
        views: &mut PerView<ViewModel>,
        check: Check,
    ) -> Option<(Self, Vec<PerView<f32>>)> {
        let triples = triples(layout);
        let Learned {
            context,
            held_out,
            explained,
        } = Context::learn(joint, dims, &triples, &layout.folds, check)?;
        let weight = (triples.len() as f64 / FULL).min(1.0) * (TRUST * explained).min(1.0);
        if weight < LEAST {
            return None;
        }
        let usual: PerView<f32> = std::array::from_fn(|v| {
            let all = held_out.iter().map(|d| f64::from(d[v]));
            (all.sum::<f64>() / held_out.len() as f64) as f32
        });
        let mut of_windows = vec![usual; layout.windows()];
        for (t, d) in triples.iter().zip(&held_out) {
            of_windows[t.own] = *d;
        }
        let mut rest = of_windows.as_slice();
        let by_segment = layout.starts.iter().map(|starts| {
            let (own, others) = rest.split_at(starts.len());
            rest = others;
            own.to_vec()
        });
        let by_segment: HeldOut = by_segment.collect();
        let gains = std::array::from_fn(|v| {
            let view = &mut views[v];
            let mut own = view.clone();
            own.calibrate(v, &by_segment, layout);
            let deviation = view.deviation.max(FINEST);
            let gain = weight * deviation / own.deviation.max(FINEST);
            view.mean += gain * own.mean;
            view.deviation = (1.0 + weight) * deviation;
            gain as f32
        });
        let out = Self {
            context,
            weight,
            gains,
            usual,
        };
        let added = of_windows.iter().map(|d| out.weighed(d)).collect();
        Some((out, added))
    }

    /// What log distances add.
    pub(super) fn weighed(&self, log_distances: &PerView<f32>) -> PerView<f32> {
        std::array::from_fn(|v| self.gains[v] * log_distances[v])
    }
}

/// How many samples the windows beside one stand away from it: the least multiple of the hop with no sample shared.
pub(super) fn distance(length: usize) -> usize {
    length.div_ceil(hop(length)) * hop(length)
}

/// The windows that have both neighbours among those of the layout.
fn triples(layout: &Layout) -> Vec<Triple> {
    let away = distance(layout.length);
    let mut out = Vec::new();
    let mut first = 0;
    for starts in &layout.starts {
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
