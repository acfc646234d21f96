//! The evidence of rows against their expectation.

use super::count::rarest;
use super::expectation::Expectation;
use super::forecast::{Deviation, Forecast, Walk};
use super::robust::LARGEST;
use super::run::{Sums, runs};
use super::silence::Expecting;
use super::tail::ExcessTail;
use crate::control::Check;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Below its share of the error rate the evidence of rows is so many times stricter.
const SAFETY: f64 = 20.0;
/// The highest error rate of the evidence of rows.
const HIGHEST_ALPHA: f64 = 2e-4;
/// What single rows, runs and repeats have of the error rate.
const POINT: f64 = 0.6;
const RUN: f64 = 0.3;
pub(super) const FROZEN: f64 = 0.1;
/// A ratio is shown as the excess from so many spreads on.
const RATIO_SHOWN: f64 = 3.0;
/// Rows between two calls of the cancel hook.
const EVERY: usize = 1 << 13;

/// By what a row was flagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// It was not.
    #[default]
    None,
    /// It lies outside its band.
    Point,
    /// It belongs to a run of rows that lie on one side.
    Run,
    /// It repeats one value for too long.
    Frozen,
}

/// The evidence of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowEvidence {
    /// The probability of so much evidence of any kind in a normal row; 1 without a value.
    pub p: f64,
    /// The distance outside the band in spreads, with a sign; inside it the distance from the expected value, at most 1.
    pub excess: f64,
    /// Whether the evidence is below the error rate that was asked for.
    pub flagged: bool,
    /// By what it was flagged.
    pub kind: RowKind,
    /// Above (1) or below (-1) what was expected; 0 unless flagged, and where frozen.
    pub sign: i8,
}

/// The evidence of a row without a value.
const NOTHING: RowEvidence = RowEvidence {
    p: 1.0,
    excess: 0.0,
    flagged: false,
    kind: RowKind::None,
    sign: 0,
};

/// A break in which more rows are missing than the training lets expect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silence {
    /// The time of the last row before it.
    pub from: i64,
    /// The time of the first row after it.
    pub to: i64,
    /// How many rows were to be expected between them.
    pub missed: f64,
}

/// Rows with values, against their forecasts.
#[derive(Default)]
pub(super) struct Judged {
    /// Indices into the rows that were given.
    pub(super) index: Vec<usize>,
    pub(super) values: Vec<f64>,
    pub(super) deviations: Vec<Deviation>,
}

impl Expectation {
    /// The share of the error rate of a decision over all methods that windows have.
    pub const WINDOWS: f64 = 0.5;

    /// The error rate of the evidence of rows, when the decision over all methods is made at `alpha` a row: the rest of it,
    /// 20 times stricter, at most 0.0002, because a tail learned from few hundred rows is not to be trusted near its edge.
    #[must_use]
    pub fn row_alpha(alpha: f64) -> f64 {
        (alpha * (1.0 - Self::WINDOWS) / SAFETY).min(HIGHEST_ALPHA)
    }

    /// Judges rows, in ascending order of time, at an error rate of `alpha` a row, in (0, 1): `p < alpha` and `flagged` agree.
    #[must_use]
    pub fn judge(&self, times: &[i64], values: &[f64], alpha: f64, check: Check) -> Vec<RowEvidence> {
        let rows = times.len().min(values.len());
        let judged = self.deviations(&self.forecast, times, values, 0..rows, check);
        let frozen = self.repeats.frozen(&judged.values, alpha * FROZEN);
        self.decide(rows, &judged, &frozen, alpha, check)
    }

    /// Rows with values against a forecast.
    pub(super) fn deviations(
        &self,
        forecast: &Forecast,
        times: &[i64],
        values: &[f64],
        rows: Range<usize>,
        check: Check,
    ) -> Judged {
        let mut walk = Walk::new(forecast, self.ratio.as_ref().map(|r| r.shift));
        let mut out = Judged::default();
        for i in rows {
            if i % EVERY == 0 {
                check();
            }
            if values[i].is_finite() {
                let value = values[i].clamp(-LARGEST, LARGEST);
                let mut d = walk.deviation(times[i], value, None);
                if let Some(r) = self.ratio.as_ref().filter(|_| d.ratio != 0.0) {
                    d.ratio /= r.spread_at(&forecast.calendar.moment(times[i]));
                }
                out.index.push(i);
                out.values.push(value);
                out.deviations.push(d);
            }
        }
        out
    }

    /// Evidence and decision of `rows` rows; `frozen` are the runs of equal values among those judged, with their
    /// probability.
    pub(super) fn decide(
        &self,
        rows: usize,
        judged: &Judged,
        frozen: &[(Range<usize>, f64)],
        alpha: f64,
        check: Check,
    ) -> Vec<RowEvidence> {
        let mut out = vec![NOTHING; rows];
        let each = judged.index.chunks(EVERY).zip(judged.deviations.chunks(EVERY));
        for (i, d) in each {
            check();
            i.iter().zip(d).for_each(|(i, d)| out[*i] = self.point(d, alpha));
        }
        check();
        let plain: Vec<f64> = judged.deviations.iter().map(|d| d.plain).collect();
        check();
        let mut sums = Sums::new(&plain);
        check();
        if let Some(counts) = self.forecast.counts {
            let expected = judged.deviations.iter().map(|d| d.count);
            sums = sums.with_counts(&judged.values, expected, counts.size);
        }
        let mut mark = |range: Range<usize>, p: f64, kind: RowKind, sign: i8| {
            for i in &judged.index[range] {
                let row = &mut out[*i];
                row.p = row.p.min(p);
                if !row.flagged {
                    (row.flagged, row.kind, row.sign) = (true, kind, sign);
                }
            }
        };
        for run in runs(&self.sums, &sums, &plain, alpha * RUN, check) {
            mark(run.from..run.to, run.p / RUN, RowKind::Run, run.sign);
        }
        check();
        for (range, p) in frozen {
            // The rate itself is the most that a flagged row may have.
            mark(
                range.clone(),
                (p / FROZEN).min(alpha * (1.0 - 1e-9)),
                RowKind::Frozen,
                0,
            );
        }
        out
    }

    /// The evidence of a single row.
    fn point(&self, d: &Deviation, alpha: f64) -> RowEvidence {
        let side = |e: f64, tails: &[ExcessTail; 2]| match e {
            e if e < 0.0 => tails[0].p(-e),
            e if e > 0.0 => tails[1].p(e),
            _ => 1.0,
        };
        let mut p = side(d.excess, &self.tails);
        let (mut shown, mut excess) = (d.plain, d.excess);
        if let Some(r) = &self.ratio {
            let second = side(d.ratio, &r.tails);
            if second < p {
                excess = d.ratio;
            }
            p = (2.0 * p.min(second)).min(1.0);
            if d.ratio.abs() > d.plain.abs() && d.ratio.abs() > RATIO_SHOWN {
                shown = d.ratio;
            }
        }
        if self.forecast.counts.is_some() && p < 1.0 {
            // Normal scores already: never rarer than that.
            p = p.max(rarest(d.excess));
        }
        let flagged = p < alpha * POINT;
        RowEvidence {
            p: (p / POINT).min(1.0),
            excess: shown,
            flagged,
            kind: if flagged { RowKind::Point } else { RowKind::None },
            sign: if flagged {
                i8::from(excess > 0.0) - i8::from(excess < 0.0)
            } else {
                0
            },
        }
    }

    /// Breaks between rows, in ascending order of time, that are longer than the training lets expect.
    #[must_use]
    pub fn silences(&self, times: &[i64], check: Check) -> Vec<Silence> {
        let mut out = Vec::new();
        for (i, pair) in times.windows(2).enumerate() {
            if i % EVERY == 0 {
                check();
            }
            let (from, to) = (pair[0], pair[1]);
            // No slot misses more than one row.
            let slots = to.saturating_sub(from) as f64 / self.breaks.slot + 1.0;
            if to.saturating_sub(from) as f64 <= 2.5 * self.forecast.interval || !self.is_silence(slots) {
                continue;
            }
            check();
            let missed = self.missed_between(from, to);
            if self.is_silence(missed) {
                out.push(Silence { from, to, missed });
            }
        }
        out
    }

    /// How many rows were to be expected between two times; the second may be the present.
    #[must_use]
    pub fn missed_between(&self, from: i64, to: i64) -> f64 {
        let expecting = Expecting {
            calendar: &self.forecast.calendar,
            interval: self.forecast.interval,
        };
        self.breaks.missed(from, to, expecting)
    }

    /// Whether so many missed rows are more than twice the worst break of the training, and three more.
    #[must_use]
    pub fn is_silence(&self, missed: f64) -> bool {
        self.breaks.is_long(missed)
    }
}
