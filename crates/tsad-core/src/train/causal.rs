//! Learns windows for causal scores alone, which may stand at any phase.

use super::held_out::HeldOut;
use crate::control::Check;
use crate::model::{ChannelModel, ScaleModel};
use crate::params::ValidParams;
use crate::residual::Excesses;
use crate::score::causal::{blended, causal_score, part, weight};
use crate::score::combine::{ChannelPooling, ResidualBoost};
use crate::series::Series;
use crate::window::plan::{AnchorPoints, WindowPlan, causal_lengths};

impl ChannelModel {
    /// Learns windows for causal scores alone, at the given lengths, from channel `c` of a series. Returns the held-out
    /// distances at each length; none where the series is too short for them.
    pub(crate) fn learn_causal(
        &mut self,
        series: &Series,
        c: usize,
        anchors: &AnchorPoints,
        lengths: &[usize],
        params: &ValidParams,
        check: Check,
    ) -> Vec<Option<HeldOut>> {
        let scaled = self.scaled(series, c);
        let fit = |length: &usize| {
            let plan = WindowPlan::at_anchors(anchors, *length, params.centres);
            ScaleModel::fit(&scaled, &plan, self.index, params, check)
        };
        let (causal, held_out) = lengths.iter().map(fit).unzip();
        self.causal = causal;
        held_out
    }
}

/// Learns windows for causal scores alone, of all channels of a series, at the lengths of the model and at three
/// quarters of each. Returns the held-out distances of each channel at each length; none if such windows are not asked
/// for, or if there are too few anchor points for any.
pub(crate) fn learn(
    channels: &mut [ChannelModel],
    series: &Series,
    anchors: &AnchorPoints,
    params: &ValidParams,
    check: Check,
) -> Option<Vec<Vec<Option<HeldOut>>>> {
    if !params.causal {
        return None;
    }
    let mut lengths = causal_lengths(&channels[0].lengths());
    lengths.retain(|l| anchors.suffice(*l));
    let learn =
        |(c, m): (usize, &mut ChannelModel)| m.learn_causal(series, c, anchors, &lengths, params, check);
    (!lengths.is_empty()).then(|| channels.iter_mut().enumerate().map(learn).collect())
}

/// The causal scores of the training samples at the anchor points at which windows of their own were learned, by
/// centres found without these.
pub(crate) fn held_out_scores(
    channels: &[ChannelModel],
    held_out: &[Vec<&HeldOut>],
    excesses: &[Excesses],
    anchors: &AnchorPoints,
    check: Check,
) -> Vec<Vec<f64>> {
    let mut pooling = ChannelPooling::new(channels.len(), false);
    let mut boost = ResidualBoost::new(channels.len());
    let mut scores = |(s, anchors): (usize, &Vec<usize>)| {
        let mut sums = vec![(0.0, 0.0); anchors.len()];
        for (scale, model) in channels[0].causal.iter().enumerate() {
            let pairs = held_out[0][scale][s].len() / 2;
            let first = anchors.len() - pairs;
            for pair in 0..pairs {
                if pair.is_multiple_of(256) {
                    check();
                }
                let mut mean = |w: usize| {
                    let of = held_out.iter().map(|c| c[scale][s][w]);
                    blended(&mut pooling, channels, scale, of).0
                };
                let (before, mean) = (mean(2 * pair), mean(2 * pair + 1));
                let (sum, weights) = &mut sums[first + pair];
                *sum += part(model.length, mean, Some(before));
                *weights += weight(model.length);
            }
        }
        let score = |((sum, weights), anchor): (&(f64, f64), &usize)| {
            boost.absorb(excesses[s].until(*anchor));
            causal_score(*sum, *weights, boost.sum)
        };
        sums.iter().zip(anchors).map(score).collect()
    };
    anchors.of.iter().enumerate().map(&mut scores).collect()
}
