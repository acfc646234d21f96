//! Whether the numbers of an expectation lie where learning puts them: a checksum does not protect against malice, and beyond
//! these bounds sums overflow, loops do not end and slices are too short.

use super::calendar::Calendar;
use super::expectation::{Breaks, Expectation, Repeats, SumScale};
use super::forecast::{Counts, Forecast, Ratio, Recurring};
use super::level::{Level, LevelKind};
use super::phases::{MOST, PhaseKind, Phases, Profile};
use super::run;
use super::seasonal::Season;
use super::tail::ExcessTail;
use std::ops::RangeInclusive;

/// Values, and what is added to them or subtracted: values are taken within 1e300.
const VALUES: f64 = 1e302;
/// Distances of times, in units of the time.
const SPANS: RangeInclusive<f64> = 1e-3..=2e19;
/// Scales of tails, in spreads: that of the prior times at most e^2.5, and 1.3.
const TAIL_SCALES: RangeInclusive<f64> = 1e-3..=1e3;
/// Where tails begin.
const THRESHOLDS: RangeInclusive<f64> = 1.0..=1e15;
/// Whole numbers that are exact as `f64`, and fit the integers of SQL.
const COUNTS: u64 = 1 << 53;
/// Sums of residuals that count four spreads at most, over the square root of their number, and those of counts.
const SUM_SCALES: RangeInclusive<f64> = 1.0..=1e3;
/// The most seasons of a mean.
const SEASONS: usize = 4;
/// The farthest wall clock from UTC, in seconds.
const OFFSETS: RangeInclusive<i32> = -57_600..=57_600;

impl Expectation {
    /// Whether every number lies in its range.
    #[must_use]
    pub(crate) fn is_sound(&self) -> bool {
        self.forecast.is_sound()
            && self.tails.iter().all(ExcessTail::is_sound)
            && self.ratio.as_ref().is_none_or(Ratio::is_sound)
            && self.sums.len() <= run::lengths().count()
            && self
                .sums
                .iter()
                .map(|s| s.length)
                .eq(run::lengths().take(self.sums.len()))
            && self.sums.iter().all(SumScale::is_sound)
            && self.repeats.is_sound()
            && self.breaks.is_sound()
            && (0.0..=VALUES).contains(&self.heldout_error)
            && self.rows <= COUNTS
            && self.set_aside <= self.rows
    }
}

/// Whether a number is above 0, in units of the values.
fn is_positive(x: f64) -> bool {
    x > 0.0 && x <= VALUES
}

impl Forecast {
    fn is_sound(&self) -> bool {
        self.calendar.is_sound()
            && SPANS.contains(&self.interval)
            && self.log_shift.is_none_or(is_positive)
            && self.mean.level.is_sound()
            && self.mean.seasons.len() <= SEASONS
            && self.mean.seasons.iter().all(Season::is_sound)
            && is_positive(self.spread)
            && self
                .spread_by_phase
                .as_ref()
                .is_none_or(|p| p.is_within(0.0, VALUES))
            && is_positive(self.spread_floor)
            && (0.0..=VALUES).contains(&self.slope_doubt)
            && self.recurring.as_ref().is_none_or(Recurring::is_sound)
            && self.step.is_none_or(is_positive)
            && self.counts.is_none_or(Counts::is_sound)
    }
}

impl Calendar {
    fn is_sound(&self) -> bool {
        let clocks = &self.local.transitions;
        clocks.len() <= super::local::LocalTime::MAX_TRANSITIONS
            && clocks.is_sorted_by(|a, b| a.0 < b.0)
            && clocks.iter().all(|t| OFFSETS.contains(&t.1))
            && self.holidays.len() <= Self::MAX_HOLIDAYS
            && self.holidays.is_sorted_by(|a, b| a < b)
    }
}

impl Level {
    fn is_sound(&self) -> bool {
        self.value.abs() <= VALUES
            && self.slope.abs() <= VALUES
            && (self.slope == 0.0 || self.kind == LevelKind::Line)
    }
}

impl Season {
    fn is_sound(&self) -> bool {
        self.profile.is_within(-VALUES, VALUES)
            && self.width % 2 == 1
            && self.width <= MOST
            && self.reach <= self.profile.phases.ring() / 2
            && (0.0..=1e6).contains(&self.shrink)
    }
}

impl Phases {
    fn is_sound(&self) -> bool {
        let whole = match self.kind {
            PhaseKind::Period => SPANS.contains(&self.period) && (0.0..=*SPANS.end()).contains(&self.doubt),
            _ => self.period == 0.0 && self.doubt == 0.0 && self.origin == 0,
        };
        whole && (1..=MOST).contains(&self.per_cycle)
    }
}

impl Profile {
    fn is_within(&self, low: f64, high: f64) -> bool {
        of_phases(&self.phases, &self.values, low, high)
    }
}

impl Recurring {
    fn is_sound(&self) -> bool {
        of_phases(&self.phases, &self.below, -VALUES, 0.0)
            && of_phases(&self.phases, &self.above, 0.0, VALUES)
    }
}

/// A number for each phase, between two others.
fn of_phases(phases: &Phases, values: &[f64], low: f64, high: f64) -> bool {
    phases.is_sound() && values.len() == phases.count() && values.iter().all(|v| (low..=high).contains(v))
}

impl Counts {
    fn is_sound(self) -> bool {
        self.size.is_none_or(|s| (0.05..=VALUES).contains(&s)) && (1e-9..=1.0).contains(&self.floor)
    }
}

impl Ratio {
    fn is_sound(&self) -> bool {
        is_positive(self.shift)
            && is_positive(self.spread)
            && self
                .spread_by_phase
                .as_ref()
                .is_none_or(|p| p.is_within(0.0, VALUES))
            && self.tails.iter().all(ExcessTail::is_sound)
    }
}

impl ExcessTail {
    fn is_sound(&self) -> bool {
        THRESHOLDS.contains(&self.threshold)
            && self.share > 0.0
            && self.share < 1.0
            && (-0.11..=0.51).contains(&self.shape)
            && TAIL_SCALES.contains(&self.scale)
    }
}

impl SumScale {
    fn is_sound(&self) -> bool {
        SUM_SCALES.contains(&self.scale) && (5.0..=200.0).contains(&self.freedom) && self.tail.is_sound()
    }
}

impl Repeats {
    fn is_sound(&self) -> bool {
        self.share > 0.0 && self.share < 1.0 && (1..=COUNTS).contains(&self.longest)
    }
}

impl Breaks {
    fn is_sound(&self) -> bool {
        SPANS.contains(&self.slot)
            && self.occupied.as_ref().is_none_or(|p| p.is_within(0.0, 1.0))
            && (0.0..=1e18).contains(&self.longest)
    }
}
