//! What is expected at a time: mean, band and spread, all on the scale of the model.

use super::calendar::{Calendar, DAY, HOUR, Moment, clock_changes};
use super::count::CountScores;
use super::mean::Mean;
use super::phases::{Phases, Profile};
use super::robust::{LARGEST, within};
use super::tail::ExcessTail;
use serde::{Deserialize, Serialize};

/// No spread is larger.
const WIDEST: f64 = 1e304;
/// An excess counts at most this much, in spreads.
const FARTHEST: f64 = 1e12;

/// Mean, band and spread at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forecast {
    /// Wall clock and holidays; empty where times are integers.
    pub(crate) calendar: Calendar,
    /// Whether the band allows for an hour early or late once clocks may have been changed since the training.
    pub(crate) clock_change: bool,
    /// The last time of the training (UTC).
    pub(crate) end: i64,
    /// The typical distance of rows in units of the time, above 0.
    pub(crate) interval: f64,
    /// The model is of `ln(max(value, 0) + shift)`; none: of the value itself. Above 0.
    pub(crate) log_shift: Option<f64>,
    /// The expected value.
    pub(crate) mean: Mean,
    /// The spread of held-out residuals, in units of a standard deviation; above 0.
    pub(crate) spread: f64,
    /// The spread by phase, where that is better.
    pub(crate) spread_by_phase: Option<Profile>,
    /// No spread is smaller; above 0.
    pub(crate) spread_floor: f64,
    /// How much a line may be wrong in a unit of the time since the training; at least 0.
    pub(crate) slope_doubt: f64,
    /// What happens now and then at a phase.
    pub(crate) recurring: Option<Recurring>,
    /// The step between values where they are coarse; else none.
    pub(crate) step: Option<f64>,
    /// Values are counts of events.
    pub(crate) counts: Option<Counts>,
}

/// How far below and above the expectation values lie now and then, by phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recurring {
    /// The key.
    pub(crate) phases: Phases,
    /// At most 0 for each phase.
    #[serde(with = "super::packed")]
    pub(crate) below: Vec<f64>,
    /// At least 0 for each phase.
    #[serde(with = "super::packed")]
    pub(crate) above: Vec<f64>,
}

/// Counts follow a negative binomial distribution about the mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// The size (variance = mean + mean^2 / size), at least 0.05; none: Poisson.
    pub(crate) size: Option<f64>,
    /// The mean is at least this; above 0.
    pub(crate) floor: f64,
}

/// Positive values are judged by their ratio to the expectation too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ratio {
    /// Added to values and expectation before the logarithm; above 0.
    pub(crate) shift: f64,
    /// The spread of the logarithm of the ratio; above 0.
    pub(crate) spread: f64,
    /// The same by phase, where that is better.
    pub(crate) spread_by_phase: Option<Profile>,
    /// Below and above.
    pub(crate) tails: [ExcessTail; 2],
}

impl Ratio {
    /// The spread of the logarithm of the ratio at a time.
    pub(super) fn spread_at(&self, m: &Moment) -> f64 {
        let s = self.spread_by_phase.as_ref().map_or(self.spread, |p| p.at(m));
        s.max(1e-300)
    }
}

/// Mean and band of a row, on the scale of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    /// The expected value.
    pub(super) mean: f64,
    /// The lowest expected value: neighbouring phases, what happens now and then, an hour beside a change of the clocks.
    pub(super) low: f64,
    /// The highest.
    pub(super) high: f64,
}

/// A row against its forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Deviation {
    /// The distance outside the band in spreads, 0 inside.
    pub(super) excess: f64,
    /// The same; inside the band the distance from the expected value, at most 1.
    pub(super) plain: f64,
    /// The expected count; else 0.
    pub(super) count: f64,
    /// The logarithm of value over band; 0 inside, and where there is no ratio.
    pub(super) ratio: f64,
}

/// A forecast that goes from row to row: remembers what neighbours share.
pub(super) struct Walk<'a> {
    forecast: &'a Forecast,
    /// Added to values before the logarithm of their ratio.
    ratio_shift: Option<f64>,
    scores: CountScores,
    shifts: Shifts,
}

/// Whether the clock may stand an hour lower or higher than in the training, remembered for a day (UTC).
#[derive(Debug, Clone, Copy)]
pub(super) struct Shifts {
    day: i64,
    moved: [bool; 2],
}

impl Shifts {
    pub(super) const NONE: Self = Self {
        day: i64::MIN,
        moved: [false; 2],
    };

    /// At a time.
    pub(super) fn at(&mut self, forecast: &Forecast, time: i64) -> [bool; 2] {
        let day = time.div_euclid(DAY);
        if forecast.clock_change && day != self.day {
            let changes = clock_changes(forecast.end, time);
            *self = Self {
                day,
                moved: [changes.contains(&-1), changes.contains(&1)],
            };
        }
        self.moved
    }
}

impl Forecast {
    /// From values to the scale of the model.
    pub(super) fn forward(&self, value: f64) -> f64 {
        forward(value, self.log_shift)
    }

    /// From the scale of the model to values.
    pub(super) fn backward(&self, y: f64) -> f64 {
        let value = self.log_shift.map_or(y, |shift| y.exp() - shift);
        value.clamp(f64::MIN, f64::MAX)
    }

    /// The spread at a time, in units of a standard deviation.
    pub(super) fn spread_at(&self, time: i64, m: &Moment) -> f64 {
        let mut s = self.spread_by_phase.as_ref().map_or(self.spread, |p| p.at(m));
        if self.slope_doubt > 0.0 {
            s = s.hypot(self.slope_doubt * time.saturating_sub(self.end).max(0) as f64);
        }
        s.max(self.spread_floor).min(WIDEST)
    }

    /// The expected count.
    pub(super) fn count_at(&self, counts: Counts, m: &Moment) -> f64 {
        within(self.mean.at(m), counts.floor, LARGEST)
    }

    /// Mean and band at a moment, given by how far the clock may stand off.
    pub(super) fn course(&self, m: &Moment, shifts: [bool; 2]) -> Course {
        let mut own = self.course_of_clock(m);
        for (moved, by) in shifts.into_iter().zip([-HOUR, HOUR]) {
            if moved {
                let beside = self.course_of_clock(&self.calendar.at_local(m.local.saturating_add(by)));
                own.low = own.low.min(beside.low);
                own.high = own.high.max(beside.high);
            }
        }
        own
    }

    fn course_of_clock(&self, m: &Moment) -> Course {
        let (mean, mut low, mut high) = self.mean.envelope(m);
        if let Some(r) = &self.recurring {
            let k = r.phases.of(m);
            let at = |v: &[f64]| v.get(k).copied().unwrap_or(0.0);
            low = low.min(mean + at(&r.below));
            high = high.max(mean + at(&r.above));
        }
        Course { mean, low, high }
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(forecast: &'a Forecast, ratio_shift: Option<f64>) -> Self {
        Self {
            forecast,
            ratio_shift,
            scores: CountScores::new(forecast.counts.and_then(|c| c.size)),
            shifts: Shifts::NONE,
        }
    }

    /// A row against its forecast. `learning` is the number of a row that tails are learned from: coarse values are then
    /// spread evenly over their step; otherwise they count from the edge of their step that is nearer to the expectation.
    pub(super) fn deviation(&mut self, time: i64, value: f64, learning: Option<usize>) -> Deviation {
        let f = self.forecast;
        let m = f.calendar.moment(time);
        if let Some(counts) = f.counts {
            let count = f.count_at(counts, &m);
            let score = self.scores.score(value, count);
            return Deviation {
                excess: score,
                plain: score,
                count,
                ratio: 0.0,
            };
        }
        let course = f.course(&m, self.shifts.at(f, time));
        let y = f.forward(
            f.step
                .map_or(value, |step| of_step(value, course.mean, step, learning)),
        );
        let s = f.spread_at(time, &m);
        let excess = (outside(y, course.low, course.high) / s).clamp(-FARTHEST, FARTHEST);
        let plain = if excess == 0.0 {
            ((y - course.mean) / s).clamp(-1.0, 1.0)
        } else {
            excess
        };
        Deviation {
            excess,
            plain,
            count: 0.0,
            ratio: self
                .ratio_shift
                .map_or(0.0, |shift| log_ratio(value, &course, shift)),
        }
    }
}

/// A value on the scale of a model: itself, or the logarithm of what it is with a shift.
pub(super) fn forward(value: f64, log_shift: Option<f64>) -> f64 {
    log_shift.map_or(value, |shift| (value.max(0.0) + shift).ln())
}

/// A coarse value, from the edge of its step that is nearer to the middle, or spread over its step.
fn of_step(value: f64, middle: f64, step: f64, learning: Option<usize>) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_7;
    match learning {
        Some(i) => value + step * ((i as f64 * GOLDEN).fract() - 0.5),
        None if (value - middle).abs() > 0.5 * step => value - 0.5 * step * (value - middle).signum(),
        None => middle,
    }
}

fn log_ratio(value: f64, course: &Course, shift: f64) -> f64 {
    // Inside the band the logarithm need not be known.
    if value >= course.low.max(shift) && value <= course.high {
        return 0.0;
    }
    let log = |v: f64| (v.max(shift) + shift).ln();
    outside((value.max(0.0) + shift).ln(), log(course.low), log(course.high))
}

fn outside(y: f64, low: f64, high: f64) -> f64 {
    if y > high {
        y - high
    } else if y < low {
        y - low
    } else {
        0.0
    }
}
