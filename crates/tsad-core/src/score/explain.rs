//! Why a sample got its score: shares of the window lengths, the window most to blame, and what was normal instead.
//!
//! Worked out for single samples on request, so that scoring does not pay for it.

use super::combine::{ChannelPooling, ResidualBoost, most_to_blame, scale_weight};
use super::distance::ScoringMode;
use crate::control::Check;
use crate::error::Result;
use crate::model::{ChannelModel, Model, PerComponent, Trained};
use crate::residual::LAGS;
use crate::series::{Samples, Segment, Series};
use crate::view::{Extractor, PerView, View};
use crate::window::placement::{hop, mean, starts};
use std::collections::BTreeMap;
use std::ops::Range;

/// Why a sample got its score. The shares of views and channels stand in its [`super::Point`].
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The share of each window length in what the windows add to the score, shortest first; they sum to 1.
    pub scales: Vec<(usize, f64)>,
    /// The channel most to blame, counted from 0 in the rows.
    pub channel: usize,
    /// Of the windows of the length most to blame that cover the sample, the one that is least like the training, in
    /// that channel.
    pub window: Excerpt,
    /// The normal window that it is most like in its course.
    pub normal: Option<Normal>,
}

/// Successive samples of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Excerpt {
    /// The time of the first sample.
    pub first: i64,
    /// The time of the last sample.
    pub last: i64,
    /// The values on the grid, filled ones included.
    pub values: Vec<f64>,
}

/// A normal window: the centre of a cluster of training windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Normal {
    /// The times of the first and the last sample of the training window that is nearest to the centre; none if it
    /// is not known any more.
    pub range: Option<(i64, i64)>,
    /// The centre in units of the values, one for each sample of the window: its course in up to 32 steps, at the
    /// level of the normal windows that are most like the window in their amplitude.
    pub values: Vec<f64>,
}

/// Explains the samples of one series.
pub struct Explainer<'a> {
    model: &'a Model,
    trained: &'a Trained,
    series: Series,
    /// Scaled values: segment by segment, channel by channel.
    scaled: Vec<Vec<Vec<f32>>>,
    channels: usize,
    /// Log distances of each channel, by segment, scale and start of the window.
    known: BTreeMap<(usize, usize, usize), Vec<PerView<f32>>>,
}

impl<'a> Explainer<'a> {
    /// Prepares to explain the rows of a series, the same as were scored. None if the model is not trained.
    ///
    /// # Errors
    /// As [`super::score`].
    pub fn new(model: &'a Model, rows: Samples, check: Check) -> Result<Option<Self>> {
        model.check_rows(&rows)?;
        let Some(trained) = model.trained() else {
            return Ok(None);
        };
        let live: Vec<usize> = trained.channels.iter().map(|c| c.index).collect();
        let rows = model
            .without_trend(rows.sorted_by_time(check), check)?
            .select(&live, check);
        check();
        let (series, _) = Series::on_grid(&rows, &trained.grid, model.params.max_gap, check);
        let channel = |s: &Segment, (c, m): (usize, &ChannelModel)| {
            s.channel(c).iter().map(|v| m.scale.apply(*v)).collect()
        };
        let scaled = series.segments.iter().map(|s| {
            check();
            trained
                .channels
                .iter()
                .enumerate()
                .map(|c| channel(s, c))
                .collect()
        });
        Ok(Some(Self {
            model,
            trained,
            channels: model.channels,
            scaled: scaled.collect(),
            series,
            known: BTreeMap::new(),
        }))
    }

    /// Why the sample at a time got its score; none if it has none. Successive times share most of the work.
    pub fn explain(&mut self, time: i64, check: Check) -> Option<Explanation> {
        let cell = self.trained.grid.cell(time);
        let segments = &self.series.segments;
        let segment = segments.partition_point(|s| s.start <= cell).checked_sub(1)?;
        let sample = usize::try_from(cell - segments[segment].start).ok()?;
        let samples = segments[segment].len();
        if sample >= samples {
            return None;
        }
        let lengths: Vec<usize> = self.trained.channels[0].scales.iter().map(|s| s.length).collect();
        let mut pooling = ChannelPooling::new(self.trained.channels.len(), true);
        let (mut scales, mut weights) = (Vec::new(), vec![0.0_f32; self.trained.channels.len()]);
        for (scale, &length) in lengths.iter().enumerate().filter(|(_, l)| **l <= samples) {
            check();
            let windows = self.covering(segment, sample, length);
            let of_channel = |c: usize, this: &mut Self| {
                let all: Vec<PerView<f32>> = windows
                    .iter()
                    .map(|w| this.distances(segment, scale, *w, check)[c])
                    .collect();
                mean(&all)
            };
            let means: Vec<PerView<f32>> = (0..weights.len()).map(|c| of_channel(c, self)).collect();
            let models = self.trained.channels.iter().map(|c| &c.scales[scale]);
            let weight = scale_weight(&self.trained.channels, scale);
            let (_, views) = pooling.add(models, weight, ScoringMode::Retrospective, means.into_iter());
            scales.push((scale, f64::from(views.iter().sum::<f32>())));
            weights
                .iter_mut()
                .zip(&pooling.weights)
                .for_each(|(sum, w)| *sum += w);
        }
        let total: f64 = scales.iter().map(|s| s.1).sum();
        let &(scale, _) = scales
            .iter()
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
        let c = self.most_to_blame(segment, sample, &lengths, weights, check)?;
        let start = self.worst(segment, sample, scale, c, check)?;
        Some(Explanation {
            scales: scales.iter().map(|(s, w)| (lengths[*s], w / total)).collect(),
            channel: self.trained.channels[c].index,
            window: self.excerpt(segment, start, lengths[scale], c),
            normal: self.normal(segment, start, scale, c),
        })
    }

    /// The channel of largest weight, given the weights of the windows.
    fn most_to_blame(
        &self,
        segment: usize,
        sample: usize,
        lengths: &[usize],
        mut weights: Vec<f32>,
        check: Check,
    ) -> Option<usize> {
        let samples = self.series.segments[segment].len();
        let fitting = (0..lengths.len()).filter(|s| lengths[*s] <= samples);
        let total: f64 = fitting.map(|s| scale_weight(&self.trained.channels, s)).sum();
        // Where there are several channels none has dynamics, which would look further.
        let from = sample.saturating_sub(LAGS);
        let tails: Vec<&[f32]> = self.scaled[segment].iter().map(|c| &c[from..=sample]).collect();
        let excesses = self.trained.residuals.excesses(&tails, check);
        let mut boost = ResidualBoost::new(weights.len());
        boost.absorb(excesses.of(sample - from));
        boost.join(1.0 / total, &mut PerComponent::default(), &mut weights);
        most_to_blame(&weights)
    }

    /// The number of values of a row.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The starts of the windows of a length that cover a sample, as in scoring.
    fn covering(&self, segment: usize, sample: usize, length: usize) -> Vec<usize> {
        let s = &self.series.segments[segment];
        let near = Range {
            start: sample.saturating_sub(2 * length),
            end: (sample + 2 * length).min(s.len()),
        };
        // The first and the last window of the segment are covered by reading up to its ends.
        let around = starts(s.start + near.start as i64, near.len(), length, hop(length));
        let real = |w: &usize| {
            let aligned = (s.start + *w as i64).rem_euclid(hop(length) as i64) == 0;
            (aligned || *w == 0 || *w + length == s.len()) && (*w..*w + length).contains(&sample)
        };
        around.into_iter().map(|w| w + near.start).filter(real).collect()
    }

    fn distances(&mut self, segment: usize, scale: usize, start: usize, check: Check) -> &[PerView<f32>] {
        let (trained, scaled) = (self.trained, &self.scaled[segment]);
        let first = self.series.segments[segment].start;
        self.known.entry((segment, scale, start)).or_insert_with(|| {
            let mut extractor = Extractor::new(trained.channels[0].scales[scale].length);
            let metric = trained.metric.as_ref().ok();
            let models = trained.channels.iter().zip(scaled);
            models
                .flat_map(|(m, values)| {
                    m.scales[scale].log_distances(
                        (first, values),
                        &[start],
                        &mut extractor,
                        metric,
                        ScoringMode::Retrospective,
                        check,
                    )
                })
                .collect()
        })
    }

    /// The start of the covering window with the highest calibrated score in channel `c`.
    fn worst(
        &mut self,
        segment: usize,
        sample: usize,
        scale: usize,
        c: usize,
        check: Check,
    ) -> Option<usize> {
        let model = &self.trained.channels[c].scales[scale];
        let windows = self.covering(segment, sample, model.length);
        let score = |w: usize, this: &mut Self| {
            let distances = this.distances(segment, scale, w, check)[c];
            model
                .calibrated(distances, ScoringMode::Retrospective)
                .iter()
                .sum::<f32>()
        };
        let scored: Vec<(usize, f32)> = windows.into_iter().map(|w| (w, score(w, self))).collect();
        scored
            .into_iter()
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
            .map(|(w, _)| w)
    }

    fn excerpt(&self, segment: usize, start: usize, length: usize, c: usize) -> Excerpt {
        let s = &self.series.segments[segment];
        let (first, last) = self.range(s.start + start as i64, length);
        Excerpt {
            first,
            last,
            values: self.with_trend(
                c,
                s.start + start as i64,
                s.channel(c)[start..start + length].iter().copied(),
            ),
        }
    }

    /// Values from a cell on, as the rows have them: windows see them without their trend.
    fn with_trend(&self, c: usize, cell: i64, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let expectation = self.model.expectation(self.trained.channels[c].index);
        let each = (cell..).zip(values).map(|(cell, v)| match expectation {
            Some(e) => e.with_trend(self.trained.grid.time(cell), v),
            None => v,
        });
        each.collect()
    }

    /// The times of the first and the last of `length` cells.
    fn range(&self, cell: i64, length: usize) -> (i64, i64) {
        let grid = &self.trained.grid;
        (grid.time(cell), grid.time(cell.saturating_add(length as i64 - 1)))
    }

    fn normal(&self, segment: usize, start: usize, scale: usize, c: usize) -> Option<Normal> {
        let channel = &self.trained.channels[c];
        let model = &channel.scales[scale];
        let values = &self.scaled[segment][c][start..start + model.length];
        let mut extractor = Extractor::new(model.length);
        let features = model.features(values, &mut extractor);
        let profile = &model.views[View::Profile as usize];
        let (k, _) = profile.centres.nearest(&features[View::Profile as usize]);
        let course = profile.centre(k);
        let amplitude = &model.views[View::Amplitude as usize];
        let (level, _) = amplitude.centres.nearest(&features[View::Amplitude as usize]);
        // The first feature of amplitude is the mean.
        let level = *amplitude.centre(level).first()?;
        let width = (model.length / course.len()).max(1);
        let at = |i: usize| course[(i / width).min(course.len() - 1)] + level;
        let origin = model.origins.get(k).copied().flatten();
        Some(Normal {
            range: origin.map(|cell| self.range(cell, model.length)),
            values: self.with_trend(
                c,
                self.series.segments[segment].start + start as i64,
                (0..model.length).map(|i| channel.scale.median + channel.scale.scale * at(i)),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::placement::runs;
    use crate::{Params, train};

    #[test]
    fn the_windows_that_are_asked_are_those_that_scoring_takes() {
        let mut rows = Samples::new(1).unwrap();
        for i in 0..400_i64 {
            rows.push(7 * i + 3, &[(i as f64 / 3.0).sin()]).unwrap();
        }
        let params = Params {
            scales: vec![8, 24, 64],
            ..Params::default()
        };
        let model = train(rows.head(300), &params.validate().unwrap(), &|| {}).unwrap();
        let explainer = Explainer::new(&model, rows, &|| {}).unwrap().unwrap();
        let first = explainer.series.segments[0].start;
        for length in [8, 24, 64] {
            let starts = starts(first, 400, length, hop(length));
            for run in runs(&starts, length) {
                for sample in run.samples {
                    assert_eq!(explainer.covering(0, sample, length), starts[run.windows.clone()]);
                }
            }
        }
    }
}
