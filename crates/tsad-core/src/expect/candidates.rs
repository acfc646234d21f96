//! The keys that seasons of a column may go by.

use super::calendar::DAY;
use super::period::{Period, period};
use super::phases::{PhaseKind, Phases};
use super::robust::median;
use crate::control::Check;

/// A period is sought in at most so many of the latest rows.
const LATEST: usize = 40_000;
/// The shortest detected period, in rows.
const SHORTEST: f64 = 4.5;
/// A detected period must be seen this many times.
const CYCLES: f64 = 3.0;
/// A period is taken to be one of a clock where it is known to this share of its length.
const CLOCKED: f64 = 0.05;

/// The rows of a training in numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    /// Whether times are those of a calendar.
    pub(super) calendar: bool,
    /// The typical distance of rows in units of the time, above 0.
    pub(super) interval: f64,
    /// What the rows cover, in units of the time.
    pub(super) span: f64,
}

impl Sampling {
    /// Of at least two ascending times.
    pub(super) fn of(times: &[i64], calendar: bool, check: Check) -> Self {
        let mut steps = differences(times);
        check();
        let interval = median(&mut steps, check).max(1.0);
        let whole = match (times.first(), times.last()) {
            (Some(a), Some(b)) => b.saturating_sub(*a) as f64,
            _ => 0.0,
        };
        Self {
            calendar,
            interval,
            span: whole + interval,
        }
    }

    /// A day in units of the time; a step of integers counts as a minute.
    pub(super) fn day(&self) -> f64 {
        if self.calendar {
            DAY as f64
        } else {
            1440.0 * self.interval
        }
    }
}

/// The distances of rows.
pub(super) fn differences(times: &[i64]) -> Vec<f64> {
    times
        .windows(2)
        .map(|w| w[1].saturating_sub(w[0]) as f64)
        .collect()
}

/// Keys of which the training holds at least two cycles, coarser ones first.
pub(super) fn candidates(local: &[i64], values: &[f64], s: &Sampling, check: Check) -> Vec<Phases> {
    let mut keys = Vec::new();
    if s.calendar {
        let days = s.span / DAY as f64;
        let every = s.interval / DAY as f64;
        let mut add = |kind, fits: bool| {
            if fits {
                keys.push(Phases::calendar(kind, s.interval));
            }
        };
        add(PhaseKind::Day, every < 0.6 && days >= 1.95);
        add(PhaseKind::Daytype, every < 0.6 && days >= 9.0);
        add(PhaseKind::Week, every < 1.5 && days >= 13.9);
        add(PhaseKind::Month, every < 1.5 && days >= 150.0);
        let yearly = if every > 20.0 {
            PhaseKind::MonthOfYear
        } else {
            PhaseKind::WeekOfYear
        };
        add(yearly, every >= 0.6 && days >= 730.0 - every);
    }
    let found = if keys.iter().any(|k| k.kind == PhaseKind::MonthOfYear) {
        None
    } else {
        detected(local, values, s, check)
    };
    if let Some(period) = found {
        keys.push(Phases::periodic(period, s.interval, local[0]));
    }
    keys
}

/// The cycle over which slopes are taken, in units of the time.
pub(super) fn cycle_of(keys: &[Phases], interval: f64) -> f64 {
    let has = |kind| keys.iter().any(|k: &Phases| k.kind == kind);
    let day = DAY as f64;
    if has(PhaseKind::Week) {
        7.0 * day
    } else if has(PhaseKind::Day) {
        day
    } else if has(PhaseKind::WeekOfYear) || has(PhaseKind::MonthOfYear) {
        365.25 * day
    } else {
        let found = keys.iter().find(|k| k.kind == PhaseKind::Period);
        found.map_or(interval, |k| k.period)
    }
}

/// A period that is none of the calendar, of rows that come regularly, and its standard error, in units of the time.
fn detected(local: &[i64], values: &[f64], s: &Sampling, check: Check) -> Option<(f64, f64)> {
    let mut off = differences(local);
    off.iter_mut().for_each(|d| *d = (*d - s.interval).abs());
    if median(&mut off, check) >= 0.1 * s.interval {
        return None;
    }
    let found = period(&gridded(local, values, s.interval), check).filter(|p| p.rows > SHORTEST)?;
    let length = found.rows * s.interval;
    let day = s.day();
    let known = s.calendar && [day, 7.0 * day].iter().any(|p| (length - p).abs() < 0.02 * p);
    (!known && length * CYCLES <= s.span).then(|| of_clock(found, s))
}

/// Whole parts of a day, whole days and whole rows are taken for what they are, if that is within what is known.
fn of_clock(found: Period, s: &Sampling) -> (f64, f64) {
    let day = (s.day() / s.interval).round();
    let near = |rows: f64| (rows - found.rows).abs() <= 2.0 * found.error;
    let parts = (day / found.rows).round().max(1.0);
    let days = (found.rows / day).round().max(1.0);
    let by_clock = [day / parts, day * days]
        .into_iter()
        .find(|rows| near(*rows) && rows.fract() == 0.0);
    if let Some(rows) = by_clock.filter(|_| s.calendar && found.error < CLOCKED * found.rows) {
        return (rows * s.interval, 0.0);
    }
    let whole = found.rows.round();
    let rows = if near(whole) { whole } else { found.rows };
    (rows * s.interval, found.error * s.interval)
}

/// The latest values on a regular grid, with lines over gaps; as they are where most of the grid would be empty.
fn gridded(local: &[i64], values: &[f64], interval: f64) -> Vec<f64> {
    let n = values.len();
    let cell = |i: usize| (local[i].saturating_sub(local[0]) as f64 / interval).round_ties_even();
    let last = cell(n - 1);
    if last.is_nan() || last >= 4.0 * n as f64 || last < 0.0 {
        return values[n.saturating_sub(LATEST)..].to_vec();
    }
    let last = last as usize;
    let first = (last + 1).saturating_sub(LATEST);
    let mut out = Vec::with_capacity(last + 1 - first);
    let mut j = 0;
    for g in first..=last {
        let at = g as f64;
        while j + 1 < n && cell(j + 1) <= at {
            j += 1;
        }
        let here = cell(j);
        out.push(if j + 1 == n || here >= at {
            values[j]
        } else {
            values[j] + (values[j + 1] - values[j]) * (at - here) / (cell(j + 1) - here)
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_of_the_grid_are_bridged() {
        let grid = gridded(&[0, 10, 20, 50, 60], &[0.0, 1.0, 2.0, 5.0, 6.0], 10.0);
        assert_eq!(grid, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(gridded(&[0, 10, 1000], &[1.0, 2.0, 3.0], 10.0), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn keys_need_two_cycles() {
        let kinds = |n: i64, step: i64| {
            let local: Vec<i64> = (0..n).map(|i| i * step).collect();
            let s = Sampling::of(&local, true, &|| {});
            let values = vec![0.0; local.len()];
            let keys = candidates(&local, &values, &s, &|| {});
            keys.iter().map(|k| k.kind).collect::<Vec<_>>()
        };
        use PhaseKind::{Day, Daytype, Month, Week};
        assert_eq!(kinds(14, DAY), [Week]);
        assert_eq!(kinds(13, DAY), []);
        assert_eq!(kinds(48, DAY / 24), [Day]);
        assert_eq!(kinds(24 * 10, DAY / 24), [Day, Daytype]);
        assert_eq!(kinds(24 * 14, DAY / 24), [Day, Daytype, Week]);
        assert_eq!(kinds(150, DAY), [Week, Month]);
    }
}
