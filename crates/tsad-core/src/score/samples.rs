//! The scores of the samples of one segment.

use super::causal::{WindowCadence, blended, causal_score, part, weight};
use super::combine::{ChannelPooling, ResidualBoost, scale_weight, softplus};
use super::distance::ScoringMode;
use crate::control::Check;
use crate::metric::Metric;
use crate::model::{ChannelModel, PerComponent};
use crate::residual::{Excesses, Residuals};
use crate::series::Segment;
use crate::view::{Extractor, PerView, View};
use crate::window::placement::{Run, hop, mean, runs, starts};
use std::borrow::Cow;
use std::ops::Range;

/// Rows between two calls of the cancel hook.
pub(super) const ROWS_PER_CHECK: usize = 1 << 14;
/// Windows between two calls of it.
const WINDOWS_PER_CHECK: usize = 1 << 10;

/// The scores of the samples of one segment.
pub(crate) struct Scores {
    pub(super) channels: usize,
    /// Per sample the score; empty if the segment is shorter than every window.
    pub(crate) score: Vec<f64>,
    /// Per sample the weight of each aspect; empty unless shares are wanted.
    pub(super) views: Vec<PerComponent<f32>>,
    /// Per sample the weight of each channel; empty unless shares are wanted.
    pub(super) weights: Vec<f32>,
    /// In causal mode, of every length the first sample that a window ends at, and the weight.
    begun: Vec<(usize, f64)>,
}

impl Scores {
    pub(crate) fn of_segment(
        channels: &[ChannelModel],
        metric: Option<&Metric>,
        residuals: &Residuals,
        segment: &Segment,
        mode: ScoringMode,
        shares: bool,
        check: Check,
    ) -> Self {
        let scaled: Vec<Vec<f32>> = channels
            .iter()
            .enumerate()
            .map(|(c, m)| {
                check();
                segment.channel(c).iter().map(|v| m.scale.apply(*v)).collect()
            })
            .collect();
        let excesses = residuals.excesses(&scaled, check);
        Self::of_distances(
            channels,
            segment,
            &excesses,
            mode,
            shares,
            check,
            |scale, length, starts| {
                let mut extractor = Extractor::new(length);
                let models = channels.iter().zip(&scaled);
                let distances = |(c, values): (&ChannelModel, &Vec<f32>)| {
                    let model = &c.looked_at(mode)[scale];
                    Cow::Owned(model.log_distances(
                        (segment.start, values),
                        starts,
                        &mut extractor,
                        metric,
                        mode,
                        check,
                    ))
                };
                models.map(distances).collect()
            },
        )
    }

    /// The scores of a segment from the excesses of its samples and from log distances: `distances` gives these per
    /// channel and window, for the index of a scale, its window length and the starts of the windows.
    pub(crate) fn of_distances<'a>(
        channels: &[ChannelModel],
        segment: &Segment,
        excesses: &Excesses,
        mode: ScoringMode,
        shares: bool,
        check: Check,
        mut distances: impl FnMut(usize, usize, &[usize]) -> Vec<Cow<'a, [PerView<f32>]>>,
    ) -> Self {
        let mut out = Self {
            channels: channels.len(),
            score: Vec::new(),
            views: Vec::new(),
            weights: Vec::new(),
            begun: Vec::new(),
        };
        check();
        let scales = channels[0].looked_at(mode);
        let lengths: Vec<usize> = scales.iter().map(|s| s.length).collect();
        let fitting = lengths.iter().filter(|l| **l <= segment.len()).count();
        if fitting == 0 {
            return out;
        }
        out.score = vec![0.0; segment.len()];
        if shares {
            out.views = vec![PerComponent::default(); segment.len()];
            out.weights = vec![0.0; segment.len() * channels.len()];
        }
        for (s, &length) in lengths.iter().enumerate().take(fitting) {
            match mode {
                ScoringMode::Retrospective => {
                    let starts = starts(segment.start, segment.len(), length, hop(length));
                    let distances = distances(s, length, &starts);
                    out.add_scale(channels, s, runs(&starts, length), &distances, check);
                }
                ScoringMode::Causal => {
                    let cadence = WindowCadence::of(&channels[0], s);
                    let starts = starts(segment.start, segment.len(), length, cadence.hop());
                    let distances = distances(s, length, &starts);
                    let windows = cadence.aligned(segment.start, &starts);
                    let windows: Vec<(usize, usize)> = windows.into_iter().map(|w| (w, starts[w])).collect();
                    out.add_latest(channels, s, &windows, cadence.back(), &distances, check);
                }
            }
        }
        let total = match mode {
            ScoringMode::Retrospective => (0..fitting).map(|s| scale_weight(channels, s)).sum(),
            ScoringMode::Causal => 1.0,
        };
        out.finish(total, excesses, mode, check);
        out
    }

    /// Adds the scores at one window length: per view the mean over the top quarter of the channels.
    fn add_scale(
        &mut self,
        channels: &[ChannelModel],
        scale: usize,
        runs: impl Iterator<Item = Run>,
        distances: &[Cow<'_, [PerView<f32>]>],
        check: Check,
    ) {
        let mut pooling = ChannelPooling::new(channels.len(), !self.views.is_empty());
        let weight = scale_weight(channels, scale);
        for (n, run) in runs.enumerate() {
            if n.is_multiple_of(WINDOWS_PER_CHECK) {
                check();
            }
            let means = distances.iter().map(|d| mean(&d[run.windows.clone()]));
            let models = channels.iter().map(|c| &c.scales[scale]);
            let (sum, views) = pooling.add(models, weight, ScoringMode::Retrospective, means);
            self.spread(run.samples, sum, &views, &pooling.weights);
        }
    }

    /// Adds what the latest window of one length says of each sample. Windows are their indices among the distances and
    /// their starts; each has to rise above the one `back` windows before it.
    fn add_latest(
        &mut self,
        channels: &[ChannelModel],
        scale: usize,
        windows: &[(usize, usize)],
        back: usize,
        distances: &[Cow<'_, [PerView<f32>]>],
        check: Check,
    ) {
        let length = channels[0].causal_scales()[scale].length;
        let mut pooling = ChannelPooling::new(channels.len(), !self.views.is_empty());
        let mut means: Vec<f64> = Vec::with_capacity(windows.len());
        for (n, (w, start)) in windows.iter().enumerate() {
            if n.is_multiple_of(WINDOWS_PER_CHECK) {
                check();
            }
            let own = distances.iter().map(|d| d[*w]);
            let (mean, views) = blended(&mut pooling, channels, scale, own);
            let before = n.checked_sub(back).map(|b| means[b]);
            means.push(mean);
            let next = windows
                .get(n + 1)
                .map_or(self.score.len(), |(_, s)| s + length - 1);
            let samples = start + length - 1..next;
            self.spread(samples, part(length, mean, before), &views, &pooling.weights);
        }
        if let Some((_, first)) = windows.first() {
            self.begun.push((first + length - 1, weight(length)));
        }
    }

    /// Adds to the scores of samples, and to the weights of views and channels where these are wanted.
    fn spread(&mut self, samples: Range<usize>, sum: f64, views: &PerView<f32>, channels: &[f32]) {
        self.score[samples.clone()].iter_mut().for_each(|s| *s += sum);
        if self.views.is_empty() {
            return;
        }
        for i in samples {
            for (sum, view) in self.views[i].iter_mut().zip(views) {
                *sum += view;
            }
            let own = i * self.channels..(i + 1) * self.channels;
            let pairs = self.weights[own].iter_mut().zip(channels);
            pairs.for_each(|(w, weight)| *w += weight);
        }
    }
}

impl Scores {
    /// Turns the sums over window lengths, which in retrospective scores have the weight `total` together, into scores;
    /// not a number where no window has ended yet.
    fn finish(&mut self, total: f64, excesses: &Excesses, mode: ScoringMode, check: Check) {
        let mut boost = ResidualBoost::new(self.channels);
        let channels = self.channels;
        for (i, score) in self.score.iter_mut().enumerate() {
            if i.is_multiple_of(ROWS_PER_CHECK) {
                check();
            }
            boost.absorb(match mode {
                ScoringMode::Retrospective => excesses.of(i),
                ScoringMode::Causal => excesses.until(i),
            });
            let share = match mode {
                ScoringMode::Retrospective => {
                    *score = softplus(*score / (total * View::COUNT as f64) + boost.sum);
                    1.0 / total
                }
                ScoringMode::Causal => {
                    let ended = self.begun.iter().filter(|(first, _)| *first <= i);
                    let weights: f64 = ended.map(|(_, weight)| weight).sum();
                    *score = causal_score(*score, weights, boost.sum);
                    1.0 / weights
                }
            };
            if let Some(views) = self.views.get_mut(i) {
                boost.join(share, views, &mut self.weights[i * channels..(i + 1) * channels]);
            }
        }
    }
}
