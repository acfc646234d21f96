//! Dates of the Gregorian calendar, kept up for all times (H. Hinnant, *chrono-compatible low-level date algorithms*, 2013).
//! May import nothing.
//!
//! No crate: PostgreSQL's years reach to 294276, far beyond what those for dates allow.

/// From 1970-01-01, from which days count here, to 2000-01-01, from which PostgreSQL's times count, in days.
pub(crate) const DAYS_TO_2000: i64 = 10_957;

/// Year, month (from 1) and day (from 1) of a number of days since 1970-01-01.
pub(crate) fn civil_from_days(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

/// Days since 1970-01-01 of a date, its month from 1 to 12; the inverse of [`civil_from_days`].
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = year - i64::from(month <= 2);
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(DAYS_TO_2000 + 59), (2000, 2, 29));
        assert_eq!(days_from_civil(2024, 12, 31), 20_088);
        assert!((-200_000..200_000).step_by(37).all(|d| {
            let (y, m, day) = civil_from_days(d);
            days_from_civil(y, m, day) == d
        }));
    }
}
