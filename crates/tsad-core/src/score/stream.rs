//! Scoring row by row, each by what came before it.

use super::blame::severity;
use super::combine::{most_to_blame, shares};
use super::distance::ScoringMode;
use super::latest::Latest;
use super::point::{Evidence, Point, Status};
use super::point_builder::{channel_shares, is_far, status_at};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Model, Trained};
use crate::residual::{Excesses, LAGS};
use crate::view::Extractor;
use std::collections::VecDeque;
use std::sync::Arc;

/// A causal scorer: rows go in in the order of time, and each comes out with a score that no later row changes.
///
/// The score of a row rests on the windows that end at its sample or before ([`super::score_causal`]); until the first
/// window is full the status is `Warmup`. Rows are put on the model's grid as for retrospective scores: several rows of
/// a cell count as their mean so far, a gap of up to `max_gap` cells is filled linearly as soon as the value behind it
/// is known, and a longer one begins anew. A row that lacks some of its channels gets the score of the windows before
/// it.
///
/// The decision is by the distance to normal windows, whatever the model's `decision`: principal directions need
/// windows on both sides of a sample.
///
/// What is kept is bounded by the longest window, times the channels, however many rows go in. Work a row is
/// bounded by the windows that end at it, and constant on average.
pub struct Stream {
    model: Arc<Model>,
    channels: Vec<Channel>,
    latest: Option<Latest>,
    extractors: Vec<Extractor>,
    /// The number of the first sample of the segment.
    first: i64,
    /// The number of the next sample.
    next: i64,
    /// Cells from `next` on with a value missing that a later row may give; NaN for these.
    pending: VecDeque<Vec<f64>>,
    /// The cell of the latest row that had a value.
    cell: Option<i64>,
    windows: u64,
    /// The excesses of the latest sample.
    excesses: Excesses,
    /// What these are worked out from, from sample to sample.
    recent: Vec<f32>,
    far: Far,
}

/// Where a value last deviated from its expectation by the least deviation asked for.
struct Far {
    required: bool,
    /// The shortest window, in samples.
    reach: u64,
    last: Option<i64>,
}

impl Far {
    fn note(&mut self, model: &Model, trained: &Trained, cell: i64, values: impl Iterator<Item = f64>) {
        let raw = |c: usize, v: f64| {
            let e = model.expectation(trained.channels[c].index);
            e.map_or(v, |e| e.with_trend(trained.grid.time(cell), v))
        };
        let far = |(c, v): (usize, f64)| !v.is_nan() && is_far(model, trained, c, cell, raw(c, v));
        if self.required && values.enumerate().any(far) {
            self.last = Some(cell);
        }
    }

    /// Whether one of the samples before `next` that the shortest window saw last deviated enough.
    fn exceeds_min_deviation(&self, next: i64) -> bool {
        !self.required || self.last.is_some_and(|last| next.abs_diff(last) <= self.reach)
    }
}

/// What is kept of a channel.
struct Channel {
    /// The latest samples of the segment, scaled, between one and two longest windows of them.
    scaled: Vec<f32>,
    /// The latest cell that had a value, and its mean so far.
    known: Option<(i64, f64)>,
    /// The sum of the values in the latest cell, and their number.
    sum: f64,
    count: u32,
}

impl Stream {
    /// Begins a series.
    pub fn new(model: Arc<Model>) -> Self {
        let trained = trained(&model);
        let lengths = trained.map_or(&[][..], |t| t.channels[0].causal_scales());
        Self {
            extractors: lengths.iter().map(|s| Extractor::new(s.length)).collect(),
            channels: (0..trained.map_or(0, |t| t.channels.len()))
                .map(|_| Channel {
                    scaled: Vec::new(),
                    known: None,
                    sum: 0.0,
                    count: 0,
                })
                .collect(),
            latest: trained.map(|t| Latest::new(&t.channels)),
            first: 0,
            next: 0,
            pending: VecDeque::new(),
            cell: None,
            windows: 0,
            excesses: Excesses::zero(trained.map_or(0, |t| t.channels.len()), 1),
            recent: Vec::new(),
            far: Far {
                required: model.params.asks_for_deviation(),
                reach: model.shortest_window().unwrap_or(0) as u64,
                last: None,
            },
            model,
        }
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The number of values that are kept, of all channels.
    pub fn held(&self) -> usize {
        let scaled: usize = self.channels.iter().map(|c| c.scaled.len()).sum();
        scaled + self.pending.len() * self.channels.len()
    }

    /// The number of windows that were looked at so far.
    pub fn windows(&self) -> u64 {
        self.windows
    }

    /// Scores the next row; a NaN is a missing value.
    ///
    /// A row older than a row before it has status `Error` and leaves everything as it is.
    ///
    /// # Errors
    /// `Dimension` if the number of values is not that of the model, `NotFinite` if one is infinite.
    pub fn push(&mut self, time: i64, values: &[f64]) -> Result<Point> {
        let model = self.model.clone();
        model.check_channels(values.len())?;
        if values.iter().any(|v| v.is_infinite()) {
            return Err(Error::new(ErrorKind::NotFinite, "value is infinite")
                .with_hint("Replace infinite values by NULL (a gap) or filter them out."));
        }
        let Some(trained) = trained(&model) else {
            return Ok(Point::unscored(time, Status::InsufficientData));
        };
        let without_trend = |c: usize| {
            let e = model.expectation(c);
            e.map_or(values[c], |e| e.without_trend(time, values[c]))
        };
        let row: Vec<f64> = trained.channels.iter().map(|c| without_trend(c.index)).collect();
        let cell = trained.grid.cell(time);
        if self.cell.is_some_and(|latest| cell < latest) {
            return Ok(Point::unscored(time, Status::Error));
        }
        if row.iter().all(|v| v.is_nan()) {
            return Ok(Point::unscored(time, Status::Missing));
        }
        let in_gap = self.take(trained, cell, &row);
        let Some(latest) = self.latest.as_mut().filter(|_| !in_gap) else {
            return Ok(Point::unscored(time, Status::Gap));
        };
        if self.next <= cell {
            // The row lacks a channel, and is no sample yet.
            self.excesses = Excesses::zero(trained.channels.len(), 1);
        }
        let last = self.excesses.samples() - 1;
        let Some(blended) = latest.score(self.excesses.until(last)) else {
            return Ok(Point::unscored(time, Status::Warmup));
        };
        let calibration = &trained.causal;
        let score = blended.score;
        let mut p_value = calibration.p_value(score);
        let mut status = status_at(&model, trained, time);
        if p_value < calibration.alpha && !self.far.exceeds_min_deviation(self.next) {
            // As for retrospective scores: not significant, to the reader.
            p_value = calibration.alpha;
            status = Status::SmallDeviation;
        }
        let is_anomaly = p_value < calibration.alpha;
        let change = most_to_blame(&blended.channels).and_then(|c| {
            let value = self.channels[c].mean()?;
            let expectation = model.expectation(trained.channels[c].index)?;
            let time = trained.grid.time(cell);
            Some(expectation.at(time).change(expectation.with_trend(time, value)))
        });
        Ok(Point {
            time,
            status,
            score: Some(score),
            window_score: Some(score),
            p_value: Some(p_value),
            is_anomaly: Some(is_anomaly),
            severity: Some(severity(p_value, calibration.alpha)),
            in_shadow: false,
            evidence: is_anomaly.then_some(Evidence::Window),
            regime: None,
            direction_p_value: None,
            direction_channels: None,
            views: Some(shares(blended.views)),
            channels: Some(channel_shares(&model, trained, &blended.channels)),
            change,
            imputed: self.channels.iter().any(|c| c.count == 0),
            is_final: true,
        })
    }

    /// Takes in a row that has a value; true if another channel has had none for too long.
    fn take(&mut self, trained: &Trained, cell: i64, row: &[f64]) -> bool {
        if self.cell != Some(cell) {
            self.cell = Some(cell);
            for channel in &mut self.channels {
                (channel.sum, channel.count) = (0.0, 0);
            }
        }
        let reach = self.model.params.max_gap as u64 + 1;
        // Cells before it can be no samples of the segment that this row belongs to.
        let mut begin = None;
        let mut in_gap = false;
        let before: Vec<Option<(i64, f64)>> = self.channels.iter().map(|c| c.known).collect();
        for (channel, value) in self.channels.iter_mut().zip(row) {
            channel.add(*value);
            let distance = channel.known.map(|(last, _)| cell.abs_diff(last));
            if let Some(mean) = channel.mean() {
                channel.known = Some((cell, mean));
                if distance.is_none_or(|d| d > reach) {
                    begin = begin.max(Some(cell));
                }
            } else if distance.is_none_or(|d| d >= reach) {
                begin = Some(cell.saturating_add(1));
                in_gap = true;
            }
        }
        if let Some(begin) = begin.filter(|b| *b > self.next || self.next == self.first) {
            self.restart(begin);
        }
        if self.next > cell {
            self.amend(trained, cell);
        } else {
            self.fill(cell, &before);
            self.settle(trained);
        }
        in_gap
    }

    /// Begins a segment at a cell; cells that wait from there on stay.
    fn restart(&mut self, first: i64) {
        let gone = usize::try_from(first.saturating_sub(self.next)).unwrap_or(0);
        self.pending.drain(..gone.min(self.pending.len()));
        (self.first, self.next) = (first, first);
        self.channels.iter_mut().for_each(|c| c.scaled.clear());
        self.recent.clear();
        self.latest.iter_mut().for_each(Latest::clear);
    }

    /// Writes what is known of the cells up to `cell`, linear behind the values before.
    fn fill(&mut self, cell: i64, before: &[Option<(i64, f64)>]) {
        let wanted = cell.abs_diff(self.next) as usize + 1;
        while self.pending.len() < wanted {
            self.pending.push_back(vec![f64::NAN; self.channels.len()]);
        }
        for (c, channel) in self.channels.iter().enumerate() {
            let Some(mean) = channel.mean() else { continue };
            if let Some((last, value)) = before[c] {
                for at in last.saturating_add(1).max(self.next)..cell {
                    let share = at.abs_diff(last) as f64 / cell.abs_diff(last) as f64;
                    let filled = (value + share * (mean - value)).clamp(f64::MIN, f64::MAX);
                    self.pending[at.abs_diff(self.next) as usize][c] = filled;
                }
            }
            self.pending[wanted - 1][c] = mean;
        }
    }

    /// Makes samples of the cells at the front that lack nothing.
    fn settle(&mut self, trained: &Trained) {
        while self
            .pending
            .front()
            .is_some_and(|cell| cell.iter().all(|v| !v.is_nan()))
        {
            let Some(sample) = self.pending.pop_front() else {
                return;
            };
            let longest = trained.longest_window();
            self.far
                .note(&self.model, trained, self.next, sample.iter().copied());
            for ((channel, model), value) in self.channels.iter_mut().zip(&trained.channels).zip(sample) {
                if channel.scaled.len() >= 2 * longest {
                    channel.scaled.drain(..longest);
                }
                channel.scaled.push(model.scale.apply(value));
            }
            self.next = self.next.saturating_add(1);
            self.look(trained);
        }
    }

    /// Another row of a cell that is a sample already: its mean has changed.
    fn amend(&mut self, trained: &Trained, cell: i64) {
        if self.next == self.first || cell.saturating_add(1) != self.next {
            return;
        }
        let means = self.channels.iter().map(|c| c.mean().unwrap_or(f64::NAN));
        self.far.note(&self.model, trained, cell, means);
        for (channel, model) in self.channels.iter_mut().zip(&trained.channels) {
            let mean = channel.mean();
            if let (Some(mean), Some(sample)) = (mean, channel.scaled.last_mut()) {
                *sample = model.scale.apply(mean);
            }
        }
        self.recent.pop();
        self.look(trained);
    }

    /// Looks at the windows that end with the latest sample.
    fn look(&mut self, trained: &Trained) {
        let Some(latest) = &mut self.latest else { return };
        let end = self.next.saturating_sub(1);
        let metric = trained.metric.as_ref().ok();
        for (scale, extractor) in self.extractors.iter_mut().enumerate() {
            if !latest.is_due(scale, self.first, end) {
                continue;
            }
            let distances = self
                .channels
                .iter()
                .zip(&trained.channels)
                .map(|(channel, model)| {
                    let model = &model.causal_scales()[scale];
                    let start = channel.scaled.len() - model.length;
                    let first = self.next.saturating_sub(channel.scaled.len() as i64);
                    model.log_distances(
                        (first, &channel.scaled),
                        &[start],
                        extractor,
                        metric,
                        ScoringMode::Causal,
                        &|| {},
                    )[0]
                });
            latest.add(&trained.channels, scale, end, distances);
            self.windows += 1;
        }
        let tail = |c: &Channel| c.scaled.len().saturating_sub(LAGS + 1);
        let tails: Vec<&[f32]> = self.channels.iter().map(|c| &c.scaled[tail(c)..]).collect();
        self.excesses = trained.residuals.latest(&tails, &mut self.recent);
    }
}

impl Channel {
    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum += value;
            self.count += 1;
        }
    }

    /// The mean of the values in the latest cell.
    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.sum / f64::from(self.count)).clamp(f64::MIN, f64::MAX))
    }
}

fn trained(model: &Model) -> Option<&Trained> {
    match &model.body {
        Body::Trained(trained) => Some(trained),
        Body::Untrained(_) => None,
    }
}
