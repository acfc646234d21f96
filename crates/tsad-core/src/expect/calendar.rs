//! The calendar: days, weekdays, months, and when clocks are changed. Microseconds and days count from 2000-01-01.

use super::local::LocalTime;
use crate::civil::{DAYS_TO_2000, civil_from_days, days_from_civil};
use serde::{Deserialize, Serialize};

/// A day, in microseconds.
pub(super) const DAY: i64 = 86_400_000_000;
/// An hour, in microseconds.
pub(super) const HOUR: i64 = 3_600_000_000;
/// Times up to a millisecond before the end of a phase belong to the next one: they were rounded.
const ROUNDED: i64 = 1000;
/// The weekday of holidays, Monday being 0.
const SUNDAY: i64 = 6;

/// By which days the seasons of a column go: wall clock and holidays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calendar {
    /// The wall clock.
    pub(crate) local: LocalTime,
    /// Days (local, since 1970-01-01) that are like Sundays; ascending.
    pub(crate) holidays: Vec<i64>,
}

/// A time as the calendar sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    /// Wall clock, microseconds since 2000-01-01; where there is no calendar the integer itself.
    pub(super) local: i64,
    /// Days since 1970-01-01.
    day: i64,
    /// Microseconds of the day.
    pub(super) of_day: i64,
    /// Monday is 0; a holiday is a Sunday.
    pub(super) weekday: i64,
}

/// Where a day stands in its month and year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DayOf {
    /// Days since the first of the month.
    pub(super) month_day: i64,
    /// Days until the last of the month.
    pub(super) month_left: i64,
    /// Months since January.
    pub(super) month: i64,
    /// Days since the first of January.
    pub(super) year_day: i64,
}

impl Calendar {
    /// The most holidays: two a week for a century.
    pub(super) const MAX_HOLIDAYS: usize = 10_000;

    /// A time (UTC) on the wall clock.
    pub(super) fn moment(&self, time: i64) -> Moment {
        self.at_local(self.local.local(time))
    }

    /// The time that a wall clock shows.
    pub(super) fn at_local(&self, local: i64) -> Moment {
        let t = local.saturating_add(ROUNDED);
        let day = t.div_euclid(DAY) + DAYS_TO_2000;
        let holiday = !self.holidays.is_empty() && self.holidays.binary_search(&day).is_ok();
        Moment {
            local,
            day,
            of_day: t.rem_euclid(DAY),
            weekday: if holiday { SUNDAY } else { weekday(day) },
        }
    }
}

impl Moment {
    /// Month and year of the day.
    pub(super) fn date(&self) -> DayOf {
        let (year, month, day) = civil_from_days(self.day);
        let next = if month == 12 {
            days_from_civil(year + 1, 1, 1)
        } else {
            days_from_civil(year, month + 1, 1)
        };
        DayOf {
            month_day: day - 1,
            month_left: next - 1 - self.day,
            month: month - 1,
            year_day: self.day - days_from_civil(year, 1, 1),
        }
    }
}

/// By how many hours (-1, 0, 1) the clocks of Europe, North America and Australia stand differently at two times (UTC,
/// microseconds since 2000-01-01).
pub(super) fn clock_changes(since: i64, time: i64) -> [i64; 3] {
    let (before, now) = (summer(since), summer(time));
    [0, 1, 2].map(|i| i64::from(now[i]) - i64::from(before[i]))
}

/// Whether it is summer time in Europe, North America and Australia, by the rules of today, to the day.
fn summer(time: i64) -> [bool; 3] {
    let day = time.div_euclid(DAY) + DAYS_TO_2000;
    let (year, ..) = civil_from_days(day);
    // The n-th Sunday of a month from 0; the last Sunday before a month.
    let nth = |month: i64, n: i64| {
        let first = days_from_civil(year, month, 1);
        first + (SUNDAY - weekday(first)) + 7 * n
    };
    let last_before = |month: i64| {
        let last = days_from_civil(year, month, 1) - 1;
        last - (weekday(last) + 1).rem_euclid(7)
    };
    [
        day >= last_before(4) && day < last_before(11),
        day >= nth(3, 1) && day < nth(11, 0),
        // A day early, for there the change comes before midnight in UTC.
        day < nth(4, 0) - 1 || day >= nth(10, 0) - 1,
    ]
}

/// The weekday of a day since 1970-01-01, a Thursday; Monday is 0.
fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_begin_with_monday() {
        assert_eq!(weekday(days_from_civil(2024, 7, 1)), 0);
    }

    #[test]
    fn a_moment_knows_its_day_and_holidays_are_sundays() {
        let noon = (days_from_civil(2024, 2, 28) - DAYS_TO_2000) * DAY + 12 * HOUR;
        let mut calendar = Calendar::default();
        let m = calendar.moment(noon);
        assert_eq!((m.weekday, m.of_day - ROUNDED), (2, 12 * HOUR));
        let date = m.date();
        assert_eq!(
            (date.month_day, date.month_left, date.month, date.year_day),
            (27, 1, 1, 58)
        );
        calendar.holidays = vec![days_from_civil(2024, 2, 28)];
        assert_eq!(calendar.moment(noon).weekday, SUNDAY);
        for extreme in [i64::MIN, i64::MAX] {
            let _ = (calendar.moment(extreme).date(), clock_changes(0, extreme));
        }
    }

    #[test]
    fn clocks_change_by_the_rules_of_today() {
        let at = |y, m, d| (days_from_civil(y, m, d) - DAYS_TO_2000) * DAY;
        assert_eq!(clock_changes(at(2024, 1, 1), at(2024, 7, 1)), [1, 1, -1]);
        assert_eq!(clock_changes(at(2024, 3, 30), at(2024, 3, 31)), [1, 0, 0]);
        assert_eq!(clock_changes(at(2024, 3, 9), at(2024, 3, 10)), [0, 1, 0]);
        assert_eq!(clock_changes(at(2024, 10, 26), at(2024, 10, 27)), [-1, 0, 0]);
        assert_eq!(clock_changes(at(2024, 11, 2), at(2024, 11, 3)), [0, -1, 0]);
        assert_eq!(clock_changes(at(2024, 4, 5), at(2024, 4, 6)), [0, 0, -1]);
        assert_eq!(clock_changes(at(2024, 10, 4), at(2024, 10, 5)), [0, 0, 1]);
    }
}
