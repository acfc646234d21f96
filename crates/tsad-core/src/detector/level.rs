//! Where scores of normal samples that were not seen lie, and how wide they are.
//!
//! Distances of windows that centres were found with are smaller than those of windows to come, the more so the fewer
//! there were. Which channels say most is judged by the former (measured: docs/experiments.md), but a score around 0
//! must mean what will be normal.

use super::ValidParams;
use super::channel::{ChannelModel, FINEST, HeldOut, sample_moments};
use super::layout::Layout;
use super::score::scale_weight;
use super::train::complete;
use crate::series::Series;

/// Moves the means of all views to the level of held-out samples: by the same number of deviations in every channel, so
/// that their order stays. Nothing changes at lengths of which nothing is held out.
pub(super) fn level(
    channels: &mut [ChannelModel],
    held_out: &[Vec<Option<HeldOut>>],
    series: &Series,
    params: &ValidParams,
) {
    let count = channels.len() as f64;
    for scale in 0..channels[0].scales.len() {
        let of_scale = held_out.iter().map(|c| c[scale].as_ref());
        let Some(held_out) = of_scale.collect::<Option<Vec<&HeldOut>>>() else {
            continue;
        };
        let layout = layout(channels, scale, series, params);
        for v in 0..channels[0].scales[scale].views.len() {
            let rise = |(channel, held_out): (&ChannelModel, &&HeldOut)| {
                let view = &channel.scales[scale].views[v];
                let (mean, _) = sample_moments(v, held_out, &layout);
                (mean - view.mean) / view.deviation.max(FINEST)
            };
            let rise = channels.iter().zip(&held_out).map(rise).sum::<f64>() / count;
            for channel in channels.iter_mut() {
                let view = &mut channel.scales[scale].views[v];
                view.mean += rise * view.deviation.max(FINEST);
            }
        }
    }
}

/// How many times the scores of what was not seen are wider than usual, because views are measured in units smaller than
/// the deviation of their held-out windows: the root of the mean ratio over views, window lengths and channels, not below
/// one. The root, because a part of that ratio is what few windows hide, not what newer ones will show
/// (docs/experiments.md). One where nothing is held out.
pub(super) fn coarser(
    channels: &[ChannelModel],
    held_out: &[Vec<Option<HeldOut>>],
    series: &Series,
    params: &ValidParams,
) -> f64 {
    let Some(held_out) = complete(held_out) else {
        return 1.0;
    };
    let (mut sum, mut weights) = (0.0, 0.0);
    for scale in 0..channels[0].scales.len() {
        let layout = layout(channels, scale, series, params);
        let weight = scale_weight(channels, scale);
        for (channel, held_out) in channels.iter().zip(&held_out) {
            for (v, view) in channel.scales[scale].views.iter().enumerate() {
                let (_, apart) = sample_moments(v, held_out[scale], &layout);
                sum += weight * apart.max(FINEST) / view.deviation.max(FINEST);
                weights += weight;
            }
        }
    }
    (sum / weights).max(1.0).sqrt()
}

/// Where the windows of a length begin.
fn layout(channels: &[ChannelModel], scale: usize, series: &Series, params: &ValidParams) -> Layout {
    let segments: Vec<(i64, usize)> = series.segments.iter().map(|s| (s.start, s.len())).collect();
    Layout::in_step(&segments, channels[0].scales[scale].length, params.centres)
}
