//! Newer rows: which of two expectations describes them better.

use super::calendar::DAY;
use super::expectation::{Expectation, Fitted};
use super::level::LevelKind;
use super::phases::PhaseKind;
use super::robust::{LARGEST, mean, median, within};
use crate::control::Check;

/// A newer expectation must err at most this share of what the older one errs.
const WORTH: f64 = 0.8;
/// Newer rows must cover so many cycles of the older expectation's longest season.
const CYCLES: f64 = 2.0;
/// They must be at least this share of the rows that the older one was learned from.
const SHARE: f64 = 0.1;

impl Expectation {
    /// The expectation that a model goes on with: `newer`, learned from the rows given, if its held-out error is a fifth less
    /// than what this one errs in them and they cover two cycles of its seasons. Of fewer cycles, and where nothing better
    /// was learned, this one, at the level of the rows given if that takes as much of the error away. With `keep_level` the
    /// level at which windows see a series without its trend must stay what it is.
    #[must_use]
    pub fn updated(
        &self,
        newer: Fitted,
        times: &[i64],
        values: &[f64],
        keep_level: bool,
        check: Check,
    ) -> Self {
        let span = match (times.first(), times.last()) {
            (Some(first), Some(last)) => last.saturating_sub(*first) as f64 + self.interval(),
            _ => 0.0,
        };
        let new = &newer.expectation;
        if (new.rows as f64) < SHARE * self.rows as f64 {
            return self.clone();
        }
        let mut aside = newer.aside.iter().peekable();
        let mut normal = |i: usize, value: &f64| aside.next_if(|a| **a == i).is_none() && value.is_finite();
        let rows: Vec<usize> = values
            .iter()
            .enumerate()
            .filter(|(i, v)| normal(*i, v))
            .map(|(i, _)| i)
            .collect();
        let error = |e: &Self| {
            let off = rows
                .iter()
                .map(|i| (values[*i].clamp(-LARGEST, LARGEST) - e.centre(times[*i])).abs());
            off.sum::<f64>() / rows.len() as f64
        };
        let (heldout_error, now) = (new.heldout_error, error(self));
        if span >= CYCLES * self.longest_season() && heldout_error < WORTH * now {
            let kept = if keep_level {
                self.at_own_level(newer.expectation)
            } else {
                Some(newer.expectation)
            };
            if let Some(kept) = kept {
                return kept;
            }
        }
        let moved = self.at_level_of(&rows, times, values, check);
        moved
            .filter(|m| error(m) < WORTH * now)
            .unwrap_or_else(|| self.clone())
    }

    /// This expectation at the level of some rows; a line reaches it at another time.
    fn at_level_of(&self, rows: &[usize], times: &[i64], values: &[f64], check: Check) -> Option<Self> {
        if rows.len() < Self::MIN_ROWS {
            return None;
        }
        let mut out = self.clone();
        let f = &mut out.forecast;
        let mut off: Vec<f64> = rows
            .iter()
            .map(|i| {
                let m = f.calendar.moment(times[*i]);
                f.forward(values[*i].clamp(-LARGEST, LARGEST)) - f.mean.at(&m)
            })
            .collect();
        let by = match f.counts {
            Some(_) => mean(off.iter().copied()),
            None => median(&mut off, check),
        };
        let level = &mut f.mean.level;
        if level.kind == LevelKind::Line {
            let since = by / level.slope;
            if !since.is_finite() || since.abs() >= 4e18 {
                return None;
            }
            level.origin = level.origin.saturating_sub(since.round() as i64);
        } else {
            level.value = within(level.value + by, -LARGEST, LARGEST);
        }
        Some(out)
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
