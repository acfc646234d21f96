//! Turns the scores of samples into points of rows: p-value, decision and status.

use super::blame::severity;
use super::combine::{most_to_blame, shares};
use super::distance::ScoringMode;
use super::point::{Evidence, Point, Status};
use super::regime::RegimeAssignment;
use super::samples::Scores;
use crate::model::{Model, Trained};
use crate::params::Decision;
use crate::series::{Place, Segment, Series};

/// Turns the scores of samples into points of rows.
pub(super) struct PointBuilder<'a> {
    pub(super) model: &'a Model,
    pub(super) trained: &'a Trained,
    /// How many samples after one can touch its score.
    pub(super) reach: usize,
    pub(super) series: &'a Series,
    pub(super) scored: &'a [Scores],
    /// Per segment the scores that decide: those without what rows tell by themselves.
    pub(super) judged: &'a [Vec<f64>],
    /// Per segment the verdicts of the windows of the regimes, and which one counts for a sample.
    pub(super) assignments: Vec<(Vec<RegimeAssignment>, Vec<usize>)>,
    /// Per segment and sample whether a value nearby deviates enough to matter.
    pub(super) exceeds_min_deviation: Vec<Vec<bool>>,
    pub(super) mode: ScoringMode,
}

impl PointBuilder<'_> {
    pub(super) fn point(&self, time: i64, row: &[f64], place: Option<Place>) -> Point {
        if row.iter().all(|v| v.is_nan()) {
            let mut point = Point::unscored(time, Status::Missing);
            point.imputed = place.is_some();
            return point;
        }
        let Some(place) = place else {
            return Point::unscored(time, Status::Gap);
        };
        let scores = &self.scored[place.segment];
        let Some(&score) = scores.score.get(place.sample).filter(|s| s.is_finite()) else {
            let status = match self.mode {
                ScoringMode::Causal => Status::Warmup,
                ScoringMode::Retrospective if self.series.segments.len() == 1 => Status::InsufficientData,
                ScoringMode::Retrospective => Status::Gap,
            };
            return Point::unscored(time, status);
        };
        let (assignments, of_sample) = &self.assignments[place.segment];
        // Windows of regimes reach past the sample: of what was known when the row came they say nothing.
        let assignment = match self.mode {
            ScoringMode::Retrospective => of_sample.get(place.sample).map(|w| &assignments[*w]),
            ScoringMode::Causal => None,
        };
        let direction = assignment.and_then(|v| v.p_value);
        let calibration = match self.mode {
            ScoringMode::Retrospective => &self.trained.calibration,
            ScoringMode::Causal => &self.trained.causal,
        };
        let judged = self.judged[place.segment][place.sample];
        let mut p_value = match self.mode {
            ScoringMode::Retrospective => self.p_value(judged, direction),
            ScoringMode::Causal => calibration.p_value(judged),
        };
        let mut status = self.status(time, direction);
        if p_value < calibration.alpha && !self.exceeds_min_deviation[place.segment][place.sample] {
            // Not significant, to the reader: the p-value must say so too.
            p_value = calibration.alpha;
            status = Status::SmallDeviation;
        }
        let is_anomaly = p_value < calibration.alpha;
        let weights = scores.weights.chunks_exact(scores.channels).nth(place.sample);
        let segment = &self.series.segments[place.segment];
        Point {
            time,
            status,
            score: Some(score),
            window_score: Some(score),
            p_value: Some(p_value),
            is_anomaly: Some(is_anomaly),
            severity: Some(severity(p_value, calibration.alpha)),
            in_shadow: false,
            evidence: is_anomaly.then_some(Evidence::Window),
            regime: assignment.map(|v| v.regime),
            direction_p_value: direction,
            direction_channels: assignment.and_then(|v| self.spread(v.channels.as_deref()?)),
            views: scores.views.get(place.sample).copied().map(shares),
            channels: weights.map(|w| channel_shares(self.model, self.trained, w)),
            change: weights.and_then(|w| self.change(segment, place.sample, w)),
            imputed: segment.imputed[place.sample],
            is_final: self.mode == ScoringMode::Causal
                || place.segment + 1 < self.series.segments.len()
                || place.sample + self.reach <= self.series.settled.min(segment.len() - 1),
        }
    }

    /// Where the value of the channel of largest weight lies against its band.
    fn change(&self, segment: &Segment, sample: usize, weights: &[f32]) -> Option<i8> {
        let c = most_to_blame(weights)?;
        let expectation = self.model.expectation(self.trained.channels[c].index)?;
        let time = self.trained.grid.time(segment.start + sample as i64);
        Some(expectation.at(time).change(segment.channel(c)[sample]))
    }

    /// The p-value that decides, from the score of the windows and the p-value of the direction.
    fn p_value(&self, score: f64, direction: Option<f64>) -> f64 {
        let metric = self.trained.calibration.p_value(score);
        let p = match self.model.params.decision {
            Decision::Metric => return metric,
            Decision::Direction => direction.unwrap_or(1.0),
            Decision::Either => (2.0 * metric.min(direction.unwrap_or(1.0))).min(1.0),
        };
        p.max(f64::MIN_POSITIVE)
    }

    /// The channels' shares in the order of the rows, 0 for a channel that is left out.
    fn spread(&self, shares: &[f64]) -> Option<Vec<f64>> {
        let mut out = vec![0.0; self.model.channels];
        for (share, c) in shares.iter().zip(&self.trained.channels) {
            out[c.index] = *share;
        }
        Some(out)
    }

    fn status(&self, time: i64, direction: Option<f64>) -> Status {
        let undirected = self.mode == ScoringMode::Retrospective
            && self.model.params.decision == Decision::Direction
            && direction.is_none();
        match status_at(self.model, self.trained, time) {
            Status::Ok if undirected => Status::NoDirection,
            status => status,
        }
    }
}

/// The status of a scored row by its time.
pub(crate) fn status_at(model: &Model, trained: &Trained, time: i64) -> Status {
    if time < model.first_time {
        Status::BeforeModel
    } else if time <= model.last_time {
        Status::InTrainingRange
    } else if let Some(age) = model.params.max_age()
        && time.saturating_sub(model.last_time) > age
    {
        Status::StaleModel
    } else if trained.channels.iter().all(|c| c.scale.constant) {
        Status::Constant
    } else {
        Status::Ok
    }
}

/// The share of every channel of the rows, 0 for those that the model leaves out.
pub(crate) fn channel_shares(model: &Model, trained: &Trained, weights: &[f32]) -> Vec<f64> {
    let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    let mut out = vec![0.0; model.channels];
    for (w, c) in weights.iter().zip(&trained.channels) {
        out[c.index] = f64::from(*w) / total;
    }
    out
}

/// For every sample whether a value of any channel nearby deviates from its expectation by the least deviation asked
/// for: within half the shortest window or, in causal mode, within the shortest window that ends with the sample.
pub(super) fn exceeds_min_deviation(
    model: &Model,
    trained: &Trained,
    segment: &Segment,
    mode: ScoringMode,
) -> Vec<bool> {
    if !model.params.asks_for_deviation() {
        return vec![true; segment.len()];
    }
    let mut out = vec![false; segment.len()];
    let shortest = trained.channels[0].scales[0].length;
    let (before, after) = match mode {
        ScoringMode::Retrospective => (shortest / 2, shortest / 2),
        ScoringMode::Causal => (0, shortest - 1),
    };
    for c in 0..trained.channels.len() {
        let mut done = 0;
        for (i, value) in segment.channel(c).iter().enumerate() {
            if is_far(model, trained, c, segment.start + i as i64, *value) {
                let end = (i + after + 1).min(segment.len());
                out[done.max(i.saturating_sub(before))..end].fill(true);
                done = end;
            }
        }
    }
    out
}

/// Whether the value of channel `c` in a cell deviates from its expectation by the least deviation asked
/// for. Nothing is known to be near where there is no expectation.
pub(super) fn is_far(model: &Model, trained: &Trained, c: usize, cell: i64, value: f64) -> bool {
    model.expectation(trained.channels[c].index).is_none_or(|e| {
        let time = trained.grid.time(cell);
        model.params.is_far(value, e.centre(time))
    })
}
