//! What causal scores are made of: the latest windows, and how far each has risen.

use super::combine::{ChannelPooling, RESIDUAL_WEIGHT, softplus};
use super::distance::ScoringMode;
use crate::model::{ChannelModel, ScaleModel};
use crate::view::{PerView, View};
use crate::window::placement::{first_aligned, hop};
use crate::window::plan::lag;

/// The weight of what residuals add, beside roots: of the excess itself 0.4, whatever it weighs in a retrospective
/// score.
const RESIDUAL_SHARE: f64 = 0.4 / RESIDUAL_WEIGHT as f64;
/// The weight of what a window has risen by.
const RISE_WEIGHT: f64 = 0.5;

/// Which windows of a length causal scores look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowCadence {
    length: usize,
    /// The samples from one window to the next.
    hop: usize,
}

impl WindowCadence {
    /// With windows of their own causal scores look at every sample; else aligned with the training, because others
    /// see a periodic series in phases that it has not seen.
    pub(crate) fn of(channel: &ChannelModel, scale: usize) -> Self {
        let length = channel.causal_scales()[scale].length;
        let hop = if channel.causal.is_empty() { hop(length) } else { 1 };
        Self { length, hop }
    }

    /// The samples from one window to the next.
    pub(crate) fn hop(self) -> usize {
        self.hop
    }

    /// Of the windows that start at `starts` in a segment whose first sample has the absolute number `first`, those in
    /// step, as indices.
    pub(crate) fn aligned(self, first: i64, starts: &[usize]) -> Vec<usize> {
        let from = first_aligned(first, self.hop);
        let fits = |w: &usize| starts[*w] >= from && (starts[*w] - from).is_multiple_of(self.hop);
        (0..starts.len()).filter(fits).collect()
    }

    /// Whether a window ends with the sample number `end` of a segment whose first one has the number `first`.
    pub(crate) fn is_due(self, first: i64, end: i64) -> bool {
        let start = i128::from(end) - self.length as i128 + 1;
        start >= i128::from(first) && start.rem_euclid(self.hop as i128) == 0
    }

    /// How many windows back the one stands that a window has to rise above.
    pub(crate) fn back(self) -> usize {
        (lag(self.length) / self.hop).max(1)
    }
}

/// The weight of a window length in the causal score: the fourth root of its samples.
///
/// Long windows know most, but are late to see an incident and slow to forget it (docs/experiments.md).
pub(crate) fn weight(length: usize) -> f64 {
    (length as f64).sqrt().sqrt()
}

/// Blends the channels of a window: the mean over the views, and the weight of each view.
pub(crate) fn blended(
    pooling: &mut ChannelPooling,
    channels: &[ChannelModel],
    scale: usize,
    distances: impl Iterator<Item = PerView<f32>>,
) -> (f64, PerView<f32>) {
    let models = || channels.iter().map(|c| &c.causal_scales()[scale]);
    let weight = models().next().map_or(1.0, |s| weight(s.length));
    let (sum, views) = pooling.add(models(), weight, ScoringMode::Causal, distances);
    (sum / (weight * View::COUNT as f64), views)
}

/// What a window adds to the causal score, by its own mean and that of the one that it has to rise above.
///
/// A window of the past goes on to be unusual for its whole length after an incident; one that has just become so says
/// that it is now.
pub(crate) fn part(length: usize, mean: f64, before: Option<f64>) -> f64 {
    let rise = before.map_or(0.0, |b| (mean - b).max(0.0));
    weight(length) * softplus(mean + RISE_WEIGHT * rise).sqrt()
}

/// The causal score from the sum over the lengths of which a window has ended, the sum of their weights, and what the
/// residuals add; not a number without a window.
pub(crate) fn causal_score(sum: f64, weights: f64, residual: f64) -> f64 {
    (sum / weights + RESIDUAL_SHARE * residual).powi(2)
}

impl ChannelModel {
    /// The windows that scores of a kind look at.
    pub(crate) fn looked_at(&self, mode: ScoringMode) -> &[ScaleModel] {
        match mode {
            ScoringMode::Retrospective => &self.scales,
            ScoringMode::Causal => self.causal_scales(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_their_own_end_at_every_sample() {
        let cadence = WindowCadence { length: 16, hop: 1 };
        assert_eq!(cadence.aligned(5, &[0, 1, 2]), [0, 1, 2]);
        assert!(cadence.is_due(0, 15) && cadence.is_due(0, 16) && !cadence.is_due(0, 14));
        assert_eq!(cadence.back(), 2);
    }

    #[test]
    fn windows_of_the_training_end_in_step() {
        let cadence = WindowCadence { length: 16, hop: 2 };
        assert_eq!(cadence.aligned(-1, &[0, 1, 3, 5, 6]), [1, 2, 3]);
        assert!(cadence.aligned(1, &[0]).is_empty());
        assert!(cadence.is_due(-1, 15) && !cadence.is_due(-1, 14) && !cadence.is_due(-1, 16));
        assert_eq!(cadence.back(), 1);
    }

    #[test]
    fn a_rise_counts_and_a_fall_does_not() {
        let level = part(32, 2.0, None);
        assert_eq!(part(32, 2.0, Some(3.0)), level);
        assert!(part(32, 2.0, Some(0.0)) > level);
    }
}
