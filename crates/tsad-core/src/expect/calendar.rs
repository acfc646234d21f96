//! The calendar: days, weekdays, months, and when clocks are changed. Microseconds and days count from 2000-01-01.

use super::local::LocalTime;
use serde::{Deserialize, Serialize};

/// A day, in microseconds.
pub(super) const DAY: i64 = 86_400_000_000;
/// An hour, in microseconds.
pub(super) const HOUR: i64 = 3_600_000_000;
/// From 1970-01-01 to 2000-01-01, in days.
pub(super) const EPOCH: i64 = 10_957;
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
        let day = t.div_euclid(DAY) + EPOCH;
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
        let (year, month, day) = civil(self.day);
        let next = if month == 12 {
            days(year + 1, 1, 1)
        } else {
            days(year, month + 1, 1)
        };
        DayOf {
            month_day: day - 1,
            month_left: next - 1 - self.day,
            month: month - 1,
            year_day: self.day - days(year, 1, 1),
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
    let day = time.div_euclid(DAY) + EPOCH;
    let (year, ..) = civil(day);
    // The n-th Sunday of a month from 0; the last Sunday before a month.
    let nth = |month: i64, n: i64| {
        let first = days(year, month, 1);
        first + (SUNDAY - weekday(first)) + 7 * n
    };
    let last_before = |month: i64| {
        let last = days(year, month, 1) - 1;
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

/// Year, month (from 1) and day (from 1) of a number of days since 1970-01-01, in the Gregorian calendar throughout
/// (H. Hinnant, *chrono-compatible low-level date algorithms*, 2013).
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

/// Days since 1970-01-01 of a date; the inverse of `civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(EPOCH + 59), (2000, 2, 29));
        assert_eq!(days(2024, 12, 31), 20_088);
        assert!((-200_000..200_000).step_by(37).all(|d| {
            let (y, m, day) = civil(d);
            days(y, m, day) == d
        }));
        assert_eq!(weekday(days(2024, 7, 1)), 0);
    }

    #[test]
    fn a_moment_knows_its_day_and_holidays_are_sundays() {
        let noon = (days(2024, 2, 28) - EPOCH) * DAY + 12 * HOUR;
        let mut calendar = Calendar::default();
        let m = calendar.moment(noon);
        assert_eq!((m.weekday, m.of_day - ROUNDED), (2, 12 * HOUR));
        let date = m.date();
        assert_eq!(
            (date.month_day, date.month_left, date.month, date.year_day),
            (27, 1, 1, 58)
        );
        calendar.holidays = vec![days(2024, 2, 28)];
        assert_eq!(calendar.moment(noon).weekday, SUNDAY);
        for extreme in [i64::MIN, i64::MAX] {
            let _ = (calendar.moment(extreme).date(), clock_changes(0, extreme));
        }
    }

    #[test]
    fn clocks_change_by_the_rules_of_today() {
        let at = |y, m, d| (days(y, m, d) - EPOCH) * DAY;
        assert_eq!(clock_changes(at(2024, 1, 1), at(2024, 7, 1)), [1, 1, -1]);
        assert_eq!(clock_changes(at(2024, 3, 30), at(2024, 3, 31)), [1, 0, 0]);
        assert_eq!(clock_changes(at(2024, 3, 9), at(2024, 3, 10)), [0, 1, 0]);
        assert_eq!(clock_changes(at(2024, 10, 26), at(2024, 10, 27)), [-1, 0, 0]);
        assert_eq!(clock_changes(at(2024, 11, 2), at(2024, 11, 3)), [0, -1, 0]);
        assert_eq!(clock_changes(at(2024, 4, 5), at(2024, 4, 6)), [0, 0, -1]);
        assert_eq!(clock_changes(at(2024, 10, 4), at(2024, 10, 5)), [0, 0, 1]);
    }
}
