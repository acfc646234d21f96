//! The latest windows of a stream.

use super::channel::ChannelModel;
use super::score::{Blend, Sight, causal_score};
use super::windows::hop;
use crate::view::PerView;

/// The latest window of every length: what the causal score of a sample is made of (see [`super::score_causal`]).
pub(super) struct Latest {
    lengths: Vec<usize>,
    /// Per length the log distances of every channel.
    windows: Vec<Option<Vec<PerView<f32>>>>,
    blend: Blend,
    /// The score, until another window ends.
    score: Option<Blended>,
}

/// A causal score and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blended {
    pub score: f64,
    /// The weight of each view.
    pub views: PerView<f32>,
    /// The weight of each channel.
    pub channels: Vec<f32>,
}

impl Latest {
    pub(super) fn new(channels: &[ChannelModel]) -> Self {
        let lengths: Vec<usize> = channels[0].scales.iter().map(|s| s.length).collect();
        Self {
            windows: vec![None; lengths.len()],
            blend: Blend::new(channels.len(), true),
            score: None,
            lengths,
        }
    }

    /// Forgets all windows: a new segment begins.
    pub(super) fn clear(&mut self) {
        self.windows.fill(None);
        self.score = None;
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
        self.score = None;
    }

    /// The score by the windows so far; none before the first one.
    pub(super) fn score(&mut self, channels: &[ChannelModel]) -> Option<&Blended> {
        if self.score.is_none() {
            self.score = self.blended(channels);
        }
        self.score.as_ref()
    }

    fn blended(&mut self, channels: &[ChannelModel]) -> Option<Blended> {
        let mut out = Blended {
            score: 0.0,
            views: PerView::default(),
            channels: vec![0.0; channels.len()],
        };
        let mut ended = 0;
        for (scale, window) in self.windows.iter().enumerate() {
            let Some(window) = window else { continue };
            let distances = window.iter().copied();
            let (sum, views) = self.blend.add(channels, scale, Sight::Causal, distances);
            ended += 1;
            out.score += sum;
            out.views.iter_mut().zip(&views).for_each(|(o, v)| *o += v);
            let weights = out.channels.iter_mut().zip(&self.blend.weights);
            weights.for_each(|(o, w)| *o += w);
        }
        out.score = causal_score(out.score, ended);
        (ended > 0).then_some(out)
    }
}
