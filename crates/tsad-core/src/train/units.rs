//! Where scores of normal samples that were not seen lie, and how wide they are.
//!
//! Distances of windows that centres were found with are smaller than those of windows to come, the more so the fewer
//! there were. Which channels say most is judged by the former (measured: docs/experiments.md), but a score around 0
//! must mean what will be normal.

use super::held_out::HeldOut;
use crate::control::Check;
use crate::model::unit::MIN_LOG_DEVIATION;
use crate::model::{ChannelModel, ScaleModel, ViewModel};
use crate::numeric::moments::Moments;
use crate::params::ValidParams;
use crate::score::combine::scale_weight;
use crate::series::Series;
use crate::view::PerView;
use crate::window::placement::{mean, runs};
use crate::window::plan::WindowPlan;

impl ScaleModel {
    /// [`ViewModel::calibrate`] of all views.
    pub(crate) fn calibrate(&mut self, held_out: &HeldOut, in_sample: &HeldOut, plan: &WindowPlan) {
        for (v, view) in self.views.iter_mut().enumerate() {
            view.calibrate(v, held_out, in_sample, plan);
        }
    }
}

impl ViewModel {
    /// Puts the log distances of all windows in place of view `v`, in the units of aligned windows.
    pub(crate) fn fill(&self, v: usize, distances: &[f32], unaligned: &[bool], windows: &mut HeldOut) {
        let all = windows.iter_mut().flatten().zip(distances).zip(unaligned);
        for ((window, d), unaligned) in all {
            window[v] = self.align(self.log(*d), *unaligned);
        }
    }

    /// Sets the units of the score of view `v` by the log distances of the training windows, to centres found without
    /// them and to those found with them.
    ///
    /// In retrospective scores the mean is that in the sample, which [`recentre_on_held_out`] moves to where scores of
    /// unseen samples lie, and the deviation the geometric mean of both: the one in the sample alone is nothing where
    /// centres are nearly as many as windows, the held-out one alone lets a view count for little because a single
    /// stretch of the training is like no other (docs/experiments.md). Where windows do not cover every sample there
    /// are no retrospective scores, and nothing is asked of the sample.
    pub(crate) fn calibrate(&mut self, v: usize, held_out: &HeldOut, in_sample: &HeldOut, plan: &WindowPlan) {
        let mut windows = Moments::default();
        for window in held_out.iter().flatten() {
            windows.add(f64::from(window[v]), 1.0);
        }
        (self.window_mean, self.window_deviation) = windows.mean_and_deviation();
        if !plan.covering {
            (self.mean, self.deviation) = (self.window_mean, self.window_deviation);
            return;
        }
        let (_, held_out_deviation) = sample_moments(v, held_out, plan);
        let (mean, in_sample_deviation) = sample_moments(v, in_sample, plan);
        (self.mean, self.deviation) = (mean, (held_out_deviation * in_sample_deviation).sqrt());
    }
}

/// Moves the means of all views to the level of held-out samples: by the same number of deviations in every channel, so
/// that their order stays. Nothing changes at lengths of which nothing is held out.
///
/// Returns how many times the scores of what was not seen are wider than usual, because views are measured in units
/// smaller than the deviation of their held-out windows: the root of the mean ratio over views, window lengths and
/// channels, not below one. The root, because a part of that ratio is what few windows hide, not what newer ones will
/// show (docs/experiments.md). One where of a length nothing is held out.
pub(crate) fn recentre_on_held_out(
    channels: &mut [ChannelModel],
    held_out: &[Vec<Option<HeldOut>>],
    series: &Series,
    params: &ValidParams,
    check: Check,
) -> f64 {
    let segments: Vec<(i64, usize)> = series.segments.iter().map(|s| (s.start, s.len())).collect();
    let (mut ratios, mut weights, mut complete) = (0.0, 0.0, true);
    for scale in 0..channels[0].scales.len() {
        let of_scale = held_out.iter().map(|c| c[scale].as_ref());
        let Some(held_out) = of_scale.collect::<Option<Vec<&HeldOut>>>() else {
            complete = false;
            continue;
        };
        let plan = WindowPlan::aligned(&segments, channels[0].scales[scale].length, params.centres);
        let weight = scale_weight(channels, scale);
        let mut rises = PerView::<f64>::default();
        for (channel, held_out) in channels.iter().zip(held_out) {
            for (v, view) in channel.scales[scale].views.iter().enumerate() {
                check();
                let unit = view.deviation.max(MIN_LOG_DEVIATION);
                let (mean, deviation) = sample_moments(v, held_out, &plan);
                rises[v] += (mean - view.mean) / unit;
                ratios += weight * deviation.max(MIN_LOG_DEVIATION) / unit;
                weights += weight;
            }
        }
        let count = channels.len() as f64;
        for channel in channels.iter_mut() {
            for (view, rise) in channel.scales[scale].views.iter_mut().zip(rises) {
                view.mean += rise / count * view.deviation.max(MIN_LOG_DEVIATION);
            }
        }
    }
    if complete {
        (ratios / weights).max(1.0).sqrt()
    } else {
        1.0
    }
}

/// Mean and deviation over the samples of the mean log distance of view `v` of the windows that cover each.
pub(crate) fn sample_moments(v: usize, windows: &HeldOut, plan: &WindowPlan) -> (f64, f64) {
    let mut moments = Moments::default();
    for (distances, starts) in windows.iter().zip(&plan.starts) {
        for run in runs(starts, plan.length) {
            let score = mean(&distances[run.windows])[v];
            moments.add(f64::from(score), run.samples.len() as f64);
        }
    }
    moments.mean_and_deviation()
}

#[cfg(test)]
mod tests {
    use crate::calibrate::TailPrior;
    use crate::numeric::sampling::uniform;
    use crate::params::Params;
    use crate::series::Samples;
    use crate::train::train;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    #[test]
    fn what_is_usual_is_coarser_the_less_was_seen() {
        let rise = |count: i64| {
            let mut rng = ChaCha8Rng::seed_from_u64(8);
            let mut rows = Samples::new(1).unwrap();
            for i in 0..count {
                rows.push(i * 60_000_000, &[uniform(&mut rng)]).unwrap();
            }
            let params = Params::default().validate().unwrap();
            let model = train(rows, &params, &|| {}).unwrap();
            let trained = model.trained().unwrap();
            assert_eq!(trained.causal.prior.body, TailPrior::CAUSAL.body);
            trained.calibration.prior.body / TailPrior::RETROSPECTIVE.body
        };
        let (few, many) = (rise(1000), rise(20_000));
        assert!(
            few > 1.1 && few > many && (1.0..1.1).contains(&many),
            "{few} {many}"
        );
    }
}
