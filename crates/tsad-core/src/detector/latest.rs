//! The latest windows of a stream.

use super::channel::ChannelModel;
use super::score::{Blend, Residual, Sight, causal_score};
use super::windows::hop;
use crate::residual::RESIDUALS;
use crate::view::{PerAspect, PerView};

/// The latest window of every length: what the causal score of a sample is made of (see [`super::score_causal`]).
pub(super) struct Latest {
    lengths: Vec<usize>,
    /// Per length the log distances of every channel.
    windows: Vec<Option<Vec<PerView<f32>>>>,
    blend: Blend,
    residual: Residual,
    /// The sums over the lengths, until another window ends.
    sums: Option<Blended>,
}

/// A causal score and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blended {
    pub score: f64,
    /// The weight of each aspect.
    pub views: PerAspect<f32>,
    /// The weight of each channel.
    pub channels: Vec<f32>,
}

impl Latest {
    pub(super) fn new(channels: &[ChannelModel]) -> Self {
        let lengths: Vec<usize> = channels[0].scales.iter().map(|s| s.length).collect();
        Self {
            windows: vec![None; lengths.len()],
            blend: Blend::new(channels.len(), true),
            residual: Residual::new(channels.len()),
            sums: None,
            lengths,
        }
    }

    /// Forgets all windows: a new segment begins.
    pub(super) fn clear(&mut self) {
        self.windows.fill(None);
        self.sums = None;
    }

    /// Whether a window of the length number `scale` ends with a sample: `first` is the number of the first sample
    /// of the segment, `end` that of this one.
    pub(super) fn is_due(&self, scale: usize, first: i64, end: i64) -> bool {
        let length = self.lengths[scale];
        let start = i128::from(end) - length as i128 + 1;
        start >= i128::from(first) && start.rem_euclid(hop(length) as i128) == 0
    }

    /// Takes in a window: the log distances of every channel.
    pub(super) fn add(&mut self, scale: usize, distances: Vec<PerView<f32>>) {
        self.windows[scale] = Some(distances);
        self.sums = None;
    }

    /// The score of a sample by the windows so far and its excesses; none before the first window.
    pub(super) fn score(
        &mut self,
        channels: &[ChannelModel],
        excesses: [&[f32]; RESIDUALS],
    ) -> Option<Blended> {
        if self.sums.is_none() {
            self.sums = self.summed(channels);
        }
        let mut out = self.sums.clone()?;
        let ended = self.windows.iter().flatten().count();
        self.residual.blend(excesses);
        self.residual
            .join(1.0 / ended as f64, &mut out.views, &mut out.channels);
        out.score = causal_score(out.score, ended, self.residual.sum);
        Some(out)
    }

    fn summed(&mut self, channels: &[ChannelModel]) -> Option<Blended> {
        let mut out = Blended {
            score: 0.0,
            views: PerAspect::default(),
            channels: vec![0.0; channels.len()],
        };
        for (scale, window) in self.windows.iter().enumerate() {
            let Some(window) = window else { continue };
            let distances = window.iter().copied();
            let (sum, views) = self.blend.add(channels, scale, Sight::Causal, distances);
            out.score += sum;
            out.views.iter_mut().zip(&views).for_each(|(o, v)| *o += v);
            let weights = out.channels.iter_mut().zip(&self.blend.weights);
            weights.for_each(|(o, w)| *o += w);
        }
        self.windows.iter().any(Option::is_some).then_some(out)
    }
}
