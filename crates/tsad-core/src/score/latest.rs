//! The latest windows of a stream.

use super::causal::{WindowCadence, blended, causal_score, part, weight};
use super::combine::{ChannelPooling, ResidualBoost};
use crate::model::{ChannelModel, PerComponent, ScaleModel};
use crate::residual::RESIDUALS;
use crate::view::PerView;
use std::collections::VecDeque;

/// The latest windows of every length: what the causal score of a sample is made of (see [`super::score_causal`]).
pub(crate) struct Latest {
    lengths: Vec<Windows>,
    pooling: ChannelPooling,
    boost: ResidualBoost,
    /// The sums over the lengths, until another window ends.
    sums: Option<Blended>,
}

/// The latest windows of a length.
struct Windows {
    length: usize,
    cadence: WindowCadence,
    /// The number of the sample that the latest one ends with.
    end: Option<i64>,
    /// The means of the latest ones, back to the one that it has to rise above, oldest first.
    means: VecDeque<f64>,
    /// The weights of the views and of the channels in the latest one.
    views: PerView<f32>,
    channels: Vec<f32>,
}

impl Windows {
    fn clear(&mut self) {
        self.end = None;
        self.means.clear();
    }

    fn take(&mut self, end: i64, mean: f64) {
        if self.end == Some(end) {
            // Its last sample has changed.
            self.means.pop_back();
        } else if self.means.len() > self.cadence.back() {
            self.means.pop_front();
        }
        self.means.push_back(mean);
        self.end = Some(end);
    }

    /// What the latest window adds to the score.
    fn part(&self) -> Option<f64> {
        let mean = *self.means.back()?;
        let before = self
            .means
            .front()
            .filter(|_| self.means.len() > self.cadence.back());
        Some(part(self.length, mean, before.copied()))
    }
}

/// A causal score and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Blended {
    pub score: f64,
    /// The weight of each aspect.
    pub views: PerComponent<f32>,
    /// The weight of each channel.
    pub channels: Vec<f32>,
}

impl Latest {
    pub(crate) fn new(channels: &[ChannelModel]) -> Self {
        let windows = |(scale, model): (usize, &ScaleModel)| Windows {
            length: model.length,
            cadence: WindowCadence::of(&channels[0], scale),
            end: None,
            means: VecDeque::new(),
            views: PerView::default(),
            channels: vec![0.0; channels.len()],
        };
        let scales = channels[0].causal_scales().iter().enumerate();
        Self {
            lengths: scales.map(windows).collect(),
            pooling: ChannelPooling::new(channels.len(), true),
            boost: ResidualBoost::new(channels.len()),
            sums: None,
        }
    }

    /// Forgets all windows: a new segment begins.
    pub(crate) fn clear(&mut self) {
        self.lengths.iter_mut().for_each(Windows::clear);
        self.sums = None;
    }

    /// Whether a window of the length number `scale` ends with a sample: `first` is the number of the first sample
    /// of the segment, `end` that of this one.
    pub(crate) fn is_due(&self, scale: usize, first: i64, end: i64) -> bool {
        self.lengths[scale].cadence.is_due(first, end)
    }

    /// Takes in the window that ends with the sample number `end`: the log distances of every channel. One that ends
    /// there too is replaced.
    pub(crate) fn add(
        &mut self,
        channels: &[ChannelModel],
        scale: usize,
        end: i64,
        distances: impl Iterator<Item = PerView<f32>>,
    ) {
        let (mean, views) = blended(&mut self.pooling, channels, scale, distances);
        let windows = &mut self.lengths[scale];
        windows.take(end, mean);
        windows.views = views;
        windows.channels.clone_from(&self.pooling.weights);
        self.sums = None;
    }

    /// The score of a sample by the windows so far and its excesses; none before the first window.
    pub(crate) fn score(&mut self, excesses: [&[f32]; RESIDUALS]) -> Option<Blended> {
        if self.sums.is_none() {
            self.sums = self.summed();
        }
        let mut out = self.sums.clone()?;
        let ended = self.lengths.iter().filter(|w| w.end.is_some());
        let weights: f64 = ended.map(|w| weight(w.length)).sum();
        self.boost.absorb(excesses);
        self.boost.join(1.0 / weights, &mut out.views, &mut out.channels);
        out.score = causal_score(out.score, weights, self.boost.sum);
        Some(out)
    }

    fn summed(&self) -> Option<Blended> {
        let mut out = Blended {
            score: 0.0,
            views: PerComponent::default(),
            channels: vec![0.0; self.boost.channels()],
        };
        let mut any = false;
        for windows in &self.lengths {
            let Some(part) = windows.part() else { continue };
            any = true;
            out.score += part;
            let views = out.views.iter_mut().zip(&windows.views);
            views.for_each(|(o, v)| *o += v);
            let weights = out.channels.iter_mut().zip(&windows.channels);
            weights.for_each(|(o, w)| *o += w);
        }
        any.then_some(out)
    }
}
