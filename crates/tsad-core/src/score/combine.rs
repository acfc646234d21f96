//! How views, channels and residuals become one number, and which of them is most to blame.

use super::distance::ScoringMode;
use crate::model::{ChannelModel, PerComponent, ScaleModel};
use crate::residual::RESIDUALS;
use crate::view::{PerView, View};

/// The weight of an excess beside the mean over windows, which has the deviation of about 1 on normal samples.
pub(crate) const RESIDUAL_WEIGHT: f32 = 3.0;

/// What the residuals of a sample add to its score: for each the mean over the top quarter of the channels.
pub(crate) struct ResidualBoost {
    top: usize,
    order: Vec<(f32, usize)>,
    /// What they add.
    pub(crate) sum: f64,
    each: [f32; RESIDUALS],
    weights: Vec<f32>,
}

impl ResidualBoost {
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            top: channels.div_ceil(4),
            order: Vec::with_capacity(channels),
            sum: 0.0,
            each: [0.0; RESIDUALS],
            weights: vec![0.0; channels],
        }
    }

    /// The number of channels.
    pub(crate) fn channels(&self) -> usize {
        self.weights.len()
    }

    /// Takes in the excesses of a sample.
    pub(crate) fn absorb(&mut self, excesses: [&[f32]; RESIDUALS]) {
        self.sum = 0.0;
        self.weights.fill(0.0);
        for (each, excesses) in self.each.iter_mut().zip(excesses) {
            *each = 0.0;
            self.order.clear();
            let over = excesses.iter().enumerate().filter(|(_, e)| **e > 0.0);
            self.order.extend(over.map(|(c, e)| (*e, c)));
            self.order
                .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for &(excess, c) in self.order.iter().take(self.top) {
                let share = RESIDUAL_WEIGHT * excess / self.top as f32;
                *each += share;
                self.weights[c] += share;
            }
            self.sum += f64::from(*each);
        }
    }

    /// Adds the weights of the residuals to those of the windows, which are sums over views and window lengths of
    /// which `share` makes the mean over the lengths.
    pub(crate) fn join(&self, share: f64, views: &mut PerComponent<f32>, weights: &mut [f32]) {
        let (windows, residuals) = views.split_at_mut(View::COUNT);
        let share = (share / View::COUNT as f64) as f32;
        windows.iter_mut().for_each(|w| *w *= share);
        residuals.copy_from_slice(&self.each);
        for (weight, own) in weights.iter_mut().zip(&self.weights) {
            *weight = *weight * share / self.top as f32 + own;
        }
    }
}

/// Blends the channels of one window length: per view the mean over the top quarter of them.
pub(crate) struct ChannelPooling {
    order: Vec<(f32, usize)>,
    z: Vec<PerView<f32>>,
    /// Whether the weights of views and channels are wanted.
    shares: bool,
    /// The weight of each channel in what was blended last.
    pub(crate) weights: Vec<f32>,
}

impl ChannelPooling {
    pub(crate) fn new(channels: usize, shares: bool) -> Self {
        Self {
            order: Vec::with_capacity(channels),
            z: vec![PerView::default(); channels],
            shares,
            weights: vec![0.0; channels],
        }
    }

    /// The sum over the views, and the weight of each view, both times the weight of the length, from the model and
    /// the log distances of each channel.
    pub(crate) fn add<'a>(
        &mut self,
        models: impl Iterator<Item = &'a ScaleModel>,
        scale_weight: f64,
        mode: ScoringMode,
        distances: impl Iterator<Item = PerView<f32>>,
    ) -> (f64, PerView<f32>) {
        let top = self.z.len().div_ceil(4);
        for (z, (distances, model)) in self.z.iter_mut().zip(distances.zip(models)) {
            *z = model.calibrated(distances, mode);
        }
        let (mut sum, mut views) = (0.0_f64, PerView::<f32>::default());
        self.weights.fill(0.0);
        for (v, view) in views.iter_mut().enumerate() {
            self.order.clear();
            self.order
                .extend(self.z.iter().enumerate().map(|(c, z)| (z[v], c)));
            if self.order.len() > 1 {
                self.order
                    .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            }
            for &(z, c) in &self.order[..top] {
                sum += f64::from(z) * scale_weight / top as f64;
                if self.shares {
                    let weight = (softplus(f64::from(z)) * scale_weight) as f32;
                    *view += weight;
                    self.weights[c] += weight;
                }
            }
        }
        (sum, views)
    }
}

/// The weight of a window length in the retrospective score: its samples to the power of 5/8, and once more as many
/// where the windows beside have as much to say as the views themselves, in the mean over the channels.
///
/// The longer a window, the more it has seen, and the more it blurs: incidents of hundreds of samples ask for a higher
/// power, those of a few for a lower one (docs/experiments.md).
pub(crate) fn scale_weight(channels: &[ChannelModel], scale: usize) -> f64 {
    let beside = |c: &ChannelModel| c.scales[scale].context.as_ref().map_or(0.0, |b| b.weight);
    let said = 1.0 + channels.iter().map(beside).sum::<f64>() / channels.len() as f64;
    let length = channels[0].scales[scale].length as f64;
    // By roots, which are rounded alike on all machines.
    length.sqrt() * length.sqrt().sqrt().sqrt() * said
}

/// `log(1 + exp(x))`: keeps the order, is positive (in single precision too, for the sake of the shares), and is
/// nearly `x` where `x` is large.
pub(crate) fn softplus(x: f64) -> f64 {
    (x.max(0.0) + (-x.abs()).exp().ln_1p()).max(f64::from(f32::MIN_POSITIVE))
}

/// The channel of largest weight, the first of several.
pub(crate) fn most_to_blame(weights: &[f32]) -> Option<usize> {
    let all = weights.iter().enumerate();
    all.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map(|(c, _)| c)
}

pub(crate) fn shares(weights: PerComponent<f32>) -> PerComponent<f64> {
    let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    weights.map(|w| f64::from(w) / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softplus_is_positive_increasing_and_nearly_the_identity_above() {
        let at = [-50.0, -5.0, 0.0, 1.0, 30.0, 1e4].map(softplus);
        assert!(at.is_sorted_by(|a, b| a < b) && at[0] > 0.0);
        assert!((at[2] - 2.0_f64.ln()).abs() < 1e-15 && at[5] == 1e4);
    }
}
