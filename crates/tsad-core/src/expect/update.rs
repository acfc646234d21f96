//! Newer rows: which of two expectations describes them better.

use super::calendar::DAY;
use super::expectation::{Expectation, Fitted};
use super::level::LevelKind;
use super::phases::PhaseKind;

/// A newer expectation must err at most this share of what the older one errs.
const WORTH: f64 = 0.8;
/// Newer rows must cover so many cycles of the older expectation's longest season.
const CYCLES: f64 = 2.0;
/// They must be at least this share of the rows that the older one was learned from.
const SHARE: f64 = 0.1;

impl Expectation {
    /// The expectation that a model goes on with: `newer`, learned from the rows given, if its held-out error is a fifth less
    /// than what this one errs in them and they cover two cycles of its seasons; else this one. With `keep_level` the level
    /// at which windows see a series without its trend must stay what it is.
    #[must_use]
    pub fn updated(&self, newer: Fitted, times: &[i64], values: &[f64], keep_level: bool) -> Self {
        let span = match (times.first(), times.last()) {
            (Some(first), Some(last)) => last.saturating_sub(*first) as f64 + self.interval(),
            _ => 0.0,
        };
        let new = &newer.expectation;
        if span < CYCLES * self.longest_season() || (new.rows as f64) < SHARE * self.rows as f64 {
            return self.clone();
        }
        let mut aside = newer.aside.iter().peekable();
        let (mut sum, mut count) = (0.0, 0.0);
        for (i, (time, value)) in times.iter().zip(values).enumerate() {
            if aside.next_if(|a| **a == i).is_none() && value.is_finite() {
                sum += (value - self.centre(*time)).abs();
                count += 1.0;
            }
        }
        let better = new.heldout_error < WORTH * (sum / count);
        let kept = if keep_level {
            self.at_own_level(newer.expectation)
        } else {
            Some(newer.expectation)
        };
        kept.filter(|_| better).unwrap_or_else(|| self.clone())
    }

    /// Another expectation by which the series without its trend lies where it lies by this one; none where that cannot be.
    fn at_own_level(&self, mut other: Self) -> Option<Self> {
        if !self.has_trend() && !other.has_trend() {
            return Some(other);
        }
        let same_scale = self.forecast.log_shift.is_some() == other.forecast.log_shift.is_some();
        if !(self.has_trend() && other.has_trend() && same_scale) {
            return None;
        }
        // The time at which its line passes the level of this one.
        let (own, line) = (self.forecast.mean.level.value, &mut other.forecast.mean.level);
        let since = (own - line.value) / line.slope;
        if since.abs() >= 4e18 {
            return None;
        }
        line.origin = line.origin.saturating_add(since.round() as i64);
        line.value = own;
        debug_assert_eq!(line.kind, LevelKind::Line);
        Some(other)
    }

    /// The length of the longest season, in units of the time; 0 without one.
    fn longest_season(&self) -> f64 {
        let of = |phases: &super::phases::Phases| match phases.kind {
            PhaseKind::Day => DAY as f64,
            PhaseKind::Week | PhaseKind::Daytype => 7.0 * DAY as f64,
            PhaseKind::Month => 31.0 * DAY as f64,
            PhaseKind::MonthOfYear | PhaseKind::WeekOfYear => 366.0 * DAY as f64,
            PhaseKind::Period => phases.period,
        };
        let seasons = self.forecast.mean.seasons.iter();
        seasons.map(|s| of(&s.profile.phases)).fold(0.0, f64::max)
    }
}
