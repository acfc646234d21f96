//! What training leaves for one column.

use super::forecast::{Counts, Forecast, Ratio, Shifts};
use super::local::LocalTime;
use super::phases::Profile;
use super::robust::normal_quantile;
use super::tail::ExcessTail;
use serde::{Deserialize, Serialize};

/// A normal row leaves its band with this probability.
const OUTSIDE: f64 = 0.01;

/// How an expectation is learned.
#[derive(Debug, Clone, Copy)]
pub struct FitOptions<'a> {
    /// Whether times are microseconds since 2000-01-01 (UTC); otherwise they are integers without a unit, and only a detected
    /// period is a season. A step of the integers then counts as a minute where a constant is a time.
    pub calendar: bool,
    /// The wall clock by which days begin.
    pub local: &'a LocalTime,
    /// Whether `local` is the zone that the series goes by. If not, the band allows for an hour early or late once clocks of
    /// Europe, North America or Australia may have been changed since the training.
    pub zone_known: bool,
    /// Days (local, since 1970-01-01) that are like Sundays, in any order; of more than 10,000 the latest.
    pub holidays: &'a [i64],
    /// The largest share of the training rows that may be set aside as incidents, 0 to 0.5.
    pub contamination: f64,
}

/// What training leaves for one column: plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Mean, band and spread at any time.
    pub(crate) forecast: Forecast,
    /// How far rows lie below and above the band.
    pub(crate) tails: [ExcessTail; 2],
    /// Positive values are judged by their ratio to the expectation too.
    pub(crate) ratio: Option<Ratio>,
    /// How large sums of consecutive residuals are, by ascending length.
    pub(crate) sums: Vec<SumScale>,
    /// How often a value is repeated.
    pub(crate) repeats: Repeats,
    /// When rows are missing.
    pub(crate) breaks: Breaks,
    /// The mean absolute error of rows that lie after those fitted, in units of the values.
    pub(crate) heldout_error: f64,
    /// The number of training rows.
    pub(crate) rows: u64,
    /// How many of them were set aside as incidents.
    pub(crate) set_aside: u64,
}

/// Sums of so many consecutive residuals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SumScale {
    /// The number of rows, 2, 4, 8, ... 256.
    pub(crate) length: usize,
    /// The spread of the sums over what it were if rows were independent; at least 1.
    pub(crate) scale: f64,
    /// Degrees of freedom with which the scale is known, 5 to 200.
    pub(crate) freedom: f64,
    /// The tail of sums in units of the scale.
    pub(crate) tail: ExcessTail,
}

/// Repeated values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeats {
    /// The share of rows that equal the row before, in (0, 1).
    pub(crate) share: f64,
    /// The most equal rows one after the other; at least 1.
    pub(crate) longest: u64,
}

/// When rows are to be expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Breaks {
    /// The distance of expected rows in units of the time, above 0.
    pub(crate) slot: f64,
    /// The share of the times of each phase that had a row, 0 to 1; none: a row is expected in every slot.
    pub(crate) occupied: Option<Profile>,
    /// The most expected rows that one break of the training has missed; at least 0.
    pub(crate) longest: f64,
}

/// An expectation, and what was set aside when it was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// What was learned.
    pub expectation: Expectation,
    /// The training rows that were set aside as incidents, ascending indices into the rows that were given.
    pub aside: Vec<usize>,
}

/// What is expected at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// The expected value.
    pub expected: f64,
    /// The lower end of a band that a normal row leaves with probability 0.01.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

impl Expected {
    /// Whether a value lies above the band (1), below it (-1) or in it (0).
    #[must_use]
    pub fn change(&self, value: f64) -> i8 {
        i8::from(value > self.upper) - i8::from(value < self.lower)
    }
}

impl Expectation {
    /// What is expected at a time: a function of the model and the time alone. For many times see
    /// [`Expectation::outlook`].
    #[must_use]
    pub fn at(&self, time: i64) -> Expected {
        self.outlook().at(time)
    }

    /// What is expected at any number of times.
    #[must_use]
    pub fn outlook(&self) -> Outlook<'_> {
        let limits = |tails: &[ExcessTail; 2], p: f64| [tails[0].limit(p), tails[1].limit(p)];
        Outlook {
            of: self,
            shifts: Shifts::NONE,
            limits: limits(&self.tails, OUTSIDE / 2.0),
            ratio_limits: self.ratio.as_ref().map(|r| limits(&r.tails, OUTSIDE / 4.0)),
        }
    }

    /// The expected value alone.
    #[must_use]
    pub fn centre(&self, time: i64) -> f64 {
        let f = &self.forecast;
        let m = f.calendar.moment(time);
        match f.counts {
            Some(counts) => f.count_at(counts, &m),
            None => f.backward(f.mean.at(&m)),
        }
    }

    /// What was learned, in words: the level (`constant`, `recent` or `line`), each season with the number of phases over
    /// which it is smoothed (such as `week/1`), and how values are taken (`log`, `counts`).
    #[must_use]
    pub fn parts(&self) -> Vec<String> {
        let f = &self.forecast;
        let seasons = f.mean.seasons.iter();
        let named = seasons.map(|s| format!("{}/{}", s.profile.phases.kind.name(), s.width));
        std::iter::once(f.mean.level.kind.name().to_owned())
            .chain(named)
            .chain(f.log_shift.map(|_| "log".to_owned()))
            .chain(f.counts.map(|_| "counts".to_owned()))
            .collect()
    }

    /// The mean absolute error of rows that lie after those fitted, in units of the values.
    #[must_use]
    pub fn heldout_error(&self) -> f64 {
        self.heldout_error
    }

    /// The number of training rows that had a value.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many training rows were set aside as incidents.
    #[must_use]
    pub fn set_aside(&self) -> u64 {
        self.set_aside
    }

    /// The typical distance of rows, in units of the time.
    #[must_use]
    pub fn interval(&self) -> f64 {
        self.forecast.interval
    }
}

/// An expectation from time to time: remembers what all times share.
#[derive(Debug, Clone)]
pub struct Outlook<'a> {
    of: &'a Expectation,
    shifts: Shifts,
    limits: [f64; 2],
    ratio_limits: Option<[f64; 2]>,
}

impl Outlook<'_> {
    /// What is expected at a time.
    pub fn at(&mut self, time: i64) -> Expected {
        let f = &self.of.forecast;
        let m = f.calendar.moment(time);
        if let Some(counts) = f.counts {
            return expected_count(f.count_at(counts, &m), counts);
        }
        let course = f.course(&m, self.shifts.at(f, time));
        let s = f.spread_at(time, &m);
        let mut out = Expected {
            expected: f.backward(course.mean),
            lower: f.backward(course.low - s * self.limits[0]),
            upper: f.backward(course.high + s * self.limits[1]),
        };
        if let (Some(r), Some(limits)) = (&self.of.ratio, self.ratio_limits) {
            // The tighter of the two bands.
            let s = r.spread_at(&m);
            let end = |edge: f64, by: f64| (edge.max(r.shift) + r.shift) * by.exp() - r.shift;
            out.lower = out.lower.max(end(course.low, -s * limits[0])).min(out.expected);
            out.upper = out.upper.min(end(course.high, s * limits[1])).max(out.expected);
        }
        out
    }
}

/// The band of a count, by the normal approximation with a term for the skew.
fn expected_count(mean: f64, counts: Counts) -> Expected {
    let deviation = (mean + counts.size.map_or(0.0, |s| mean * mean / s)).sqrt();
    let z = normal_quantile(OUTSIDE / 2.0);
    Expected {
        expected: mean,
        lower: (mean - z * deviation).floor().max(0.0),
        upper: (mean + z * deviation + z * z / 6.0).ceil(),
    }
}
