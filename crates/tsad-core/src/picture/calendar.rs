//! The time axis: dates, clocks and where the ticks go.

use super::tick::Tick;
use crate::civil::{DAYS_TO_2000, civil_from_days, days_from_civil};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The clock by which times are shown.
pub struct Clock<'a> {
    /// How it is called on the axis, such as "UTC" or "Europe/Berlin".
    pub name: String,
    /// Seconds east of Greenwich at a time, microseconds since 2000-01-01 00:00 UTC.
    pub offset: &'a dyn Fn(i64) -> i64,
}

impl Clock<'_> {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            offset: &|_| 0,
        }
    }

    /// Date and time of day. Wide integers, because the last years that PostgreSQL knows end where i64 does.
    fn local(&self, time: i64) -> Local {
        Local::of(i128::from(time) + i128::from((self.offset)(time)) * i128::from(SECOND))
    }

    /// The time at which the clock shows `local`, unless it is skipped by a change of the clocks.
    fn time_of(&self, local: i128) -> Option<i64> {
        let guess = i64::try_from(local).ok()?;
        let back = |at: i64| i64::try_from(local - i128::from((self.offset)(at)) * i128::from(SECOND)).ok();
        let time = back(back(guess)?)?;
        (self.local(time).micros == local).then_some(time)
    }

    /// Date and time to the second, for text.
    pub(super) fn show(&self, time: i64) -> String {
        let local = self.local(time);
        format!("{} {}", local.iso_date(), local.clock(SECOND))
    }
}

/// A date and a time of day.
struct Local {
    micros: i128,
    days: i64,
    year: i64,
    month: i64,
    day: i64,
}

impl Local {
    fn of(micros: i128) -> Self {
        // At most some 1e8 days.
        let days = micros.div_euclid(i128::from(DAY)) as i64;
        let (year, month, day) = civil(days);
        Self {
            micros,
            days,
            year,
            month,
            day,
        }
    }

    fn clock(&self, step: i64) -> String {
        let of_day = self.micros.rem_euclid(i128::from(DAY)) as i64;
        let (h, m, s, us) = (
            of_day / HOUR,
            of_day / MINUTE % 60,
            of_day / SECOND % 60,
            of_day % SECOND,
        );
        if step % MINUTE == 0 {
            format!("{h:02}:{m:02}")
        } else if step % SECOND == 0 {
            format!("{h:02}:{m:02}:{s:02}")
        } else if step % 1000 == 0 {
            format!("{h:02}:{m:02}:{s:02}.{:03}", us / 1000)
        } else {
            format!("{h:02}:{m:02}:{s:02}.{us:06}")
        }
    }

    fn month_name(&self) -> &'static str {
        const NAMES: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        NAMES[(self.month - 1).rem_euclid(12) as usize]
    }

    fn year_name(&self) -> String {
        if self.year > 0 {
            self.year.to_string()
        } else {
            format!("{} BC", 1 - self.year)
        }
    }

    fn iso_date(&self) -> String {
        if self.year > 0 {
            format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
        } else {
            format!("{:04}-{:02}-{:02} BC", 1 - self.year, self.month, self.day)
        }
    }
}

/// Year, month and day of a number of days since 2000-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    civil_from_days(days + DAYS_TO_2000)
}

/// The inverse of [`civil`] for the first day of a month.
fn days_of(year: i64, month: i64) -> i64 {
    days_from_civil(year, month, 1) - DAYS_TO_2000
}

/// From one tick to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Micros(i64),
    Days(i64),
    Months(i64),
    Years(i64),
}

impl Step {
    /// The sensible steps, from small to large.
    fn all() -> impl Iterator<Item = Self> {
        let decimal = (0..6).flat_map(|e| [1, 2, 5].map(|m| Self::Micros(m * 10_i64.pow(e))));
        let clock = [
            (SECOND, [1, 2, 5, 10, 15, 30]),
            (MINUTE, [1, 2, 5, 10, 15, 30]),
            (HOUR, [1, 2, 3, 6, 12, 0]),
        ]
        .into_iter()
        .flat_map(|(unit, steps)| steps.map(|n| Self::Micros(n * unit)))
        .filter(|s| *s != Self::Micros(0));
        let days = [1, 2, 7, 14].map(Self::Days).into_iter();
        let months = [1, 3, 6].map(Self::Months).into_iter();
        let years = (0..6).flat_map(|e| [1, 2, 5].map(|m| Self::Years(m * 10_i64.pow(e))));
        decimal.chain(clock).chain(days).chain(months).chain(years)
    }

    fn micros(self) -> f64 {
        match self {
            Self::Micros(n) => n as f64,
            Self::Days(n) => (n * DAY) as f64,
            Self::Months(n) => (n * 30) as f64 * DAY as f64,
            Self::Years(n) => (n * 365) as f64 * DAY as f64,
        }
    }

    /// The pixels that a label and the space around it take.
    fn room(self) -> f64 {
        match self {
            Self::Micros(n) if n % 1000 != 0 => 118.0,
            Self::Micros(n) if n % SECOND != 0 => 100.0,
            Self::Micros(n) if n % MINUTE != 0 => 84.0,
            Self::Micros(_) => 68.0,
            Self::Days(_) => 62.0,
            Self::Years(_) => 52.0,
            Self::Months(_) => 46.0,
        }
    }

    fn label(self, at: &Local) -> String {
        match self {
            Self::Micros(step) => at.clock(step),
            Self::Days(_) => format!("{} {}", at.day, at.month_name()),
            Self::Months(_) => at.month_name().to_owned(),
            Self::Years(_) => at.year_name(),
        }
    }

    /// What the labels leave open and holds for several of them.
    fn context(self, at: &Local) -> String {
        match self {
            Self::Micros(_) => format!("{} {} {}", at.day, at.month_name(), at.year_name()),
            Self::Days(_) | Self::Months(_) => at.year_name(),
            Self::Years(_) => String::new(),
        }
    }
}

/// Ticks from `from` to `to` on an axis of `width` pixels.
pub(super) fn ticks(from: i64, to: i64, width: f64, clock: &Clock<'_>) -> Vec<Tick> {
    let span = to.abs_diff(from) as f64;
    let step = Step::all()
        .find(|s| s.micros() * width >= s.room() * span)
        .unwrap_or(Step::Years(200_000));
    let mut out: Vec<Tick> = Vec::new();
    let mut context = String::new();
    for time in times(from, to, step, clock) {
        let local = clock.local(time);
        let here = step.context(&local);
        let changed = out.is_empty() || here != context;
        out.push(Tick {
            time,
            label: step.label(&local),
            context: changed.then(|| here.clone()),
        });
        context = here;
    }
    out
}

fn times(from: i64, to: i64, step: Step, clock: &Clock<'_>) -> Vec<i64> {
    let first = clock.local(from);
    let last = clock.local(to);
    let within = |time: &i64| (from..=to).contains(time);
    let midnight = |days: i64| clock.time_of(i128::from(days) * i128::from(DAY));
    // One multiple earlier and later than the ends show: a change of the clocks lies between.
    let multiples = |a: i64, b: i64, n: i64| (a.div_euclid(n) - 1..=b.div_euclid(n) + 1).map(move |k| k * n);
    match step {
        // Below an hour the clocks' changes do not matter: the hour that comes twice gets its ticks twice.
        Step::Micros(n) if n < HOUR => {
            let phase = i128::from((clock.offset)(from)) * i128::from(SECOND);
            let n = i128::from(n);
            let start = (i128::from(from) + phase).div_euclid(n);
            (start..)
                .map(|k| k * n - phase)
                .take_while(|t| *t <= i128::from(to))
                .filter_map(|t| i64::try_from(t).ok())
                .filter(within)
                .collect()
        }
        Step::Micros(n) => {
            let n = i128::from(n);
            (first.micros.div_euclid(n)..=last.micros.div_euclid(n) + 1)
                .filter_map(|k| clock.time_of(k * n))
                .filter(within)
                .collect()
        }
        // Weeks begin on Monday; 2000-01-03 was one.
        Step::Days(n) => {
            let monday = if n % 7 == 0 { 2 } else { 0 };
            multiples(first.days - monday, last.days - monday, n)
                .filter_map(|d| midnight(d + monday))
                .filter(within)
                .collect()
        }
        Step::Months(n) => multiples(
            first.year * 12 + first.month - 1,
            last.year * 12 + last.month - 1,
            n,
        )
        .filter_map(|m| midnight(days_of(m.div_euclid(12), m.rem_euclid(12) + 1)))
        .filter(within)
        .collect(),
        Step::Years(n) => multiples(first.year, last.year, n)
            .filter_map(|y| midnight(days_of(y, 1)))
            .filter(within)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree_over_all_of_postgresqls_years() {
        assert_eq!(civil(0), (2000, 1, 1));
        assert_eq!(civil(59), (2000, 2, 29));
        assert_eq!(civil(-1), (1999, 12, 31));
        for month in (-4713 * 12..294_277 * 12).step_by(7) {
            let (year, month) = (
                i64::from(month).div_euclid(12),
                i64::from(month).rem_euclid(12) + 1,
            );
            assert_eq!(civil(days_of(year, month)), (year, month, 1));
        }
    }

    #[test]
    fn ticks_are_where_a_person_would_put_them() {
        let labels = |from: i64, span: i64| -> Vec<String> {
            let found = ticks(from, from + span, 800.0, &Clock::utc());
            assert!(found[0].context.is_some());
            found.into_iter().map(|t| t.label).collect()
        };
        let day = 9_500 * DAY;
        assert_eq!(labels(day, 10 * DAY)[..3], ["4 Jan", "5 Jan", "6 Jan"]);
        assert_eq!(labels(day, 40)[..2], ["00:00:00.000000", "00:00:00.000010"]);
        assert_eq!(labels(day, 2 * MINUTE)[..3], ["00:00:00", "00:00:15", "00:00:30"]);
        assert_eq!(labels(day, 5 * HOUR)[..3], ["00:00", "00:30", "01:00"]);
        assert_eq!(labels(day, 300 * DAY)[..3], ["Feb", "Mar", "Apr"]);
        assert_eq!(labels(day, 3 * 365 * DAY)[..2], ["Apr", "Jul"]);
        assert_eq!(labels(day, 30 * 365 * DAY)[..2], ["2028", "2030"]);
    }

    #[test]
    fn a_change_of_the_clocks_keeps_midnight_at_midnight() {
        // Clocks go forward one hour at noon of day 3.
        let offset = |t: i64| if t < 3 * DAY + 12 * HOUR { 3600 } else { 7200 };
        let clock = Clock {
            name: "somewhere".to_owned(),
            offset: &offset,
        };
        let found: Vec<i64> = ticks(0, 6 * DAY, 600.0, &clock).iter().map(|t| t.time).collect();
        let expected: Vec<i64> = (1..=6)
            .map(|d| d * DAY - if d > 3 { 2 * HOUR } else { HOUR })
            .collect();
        assert_eq!(found, expected);
        for tick in ticks(3 * DAY, 4 * DAY, 600.0, &clock) {
            assert!(tick.label.ends_with(":00"), "{tick:?}");
        }
    }

    #[test]
    fn the_ends_of_time_have_ticks() {
        assert!(!ticks(i64::MIN / 50, i64::MAX, 800.0, &Clock::utc()).is_empty());
        assert!(
            !ticks(
                i64::MAX - 100,
                i64::MAX,
                800.0,
                &Clock {
                    name: "x".into(),
                    offset: &|_| 50_000
                }
            )
            .is_empty()
        );
        assert!(
            ticks(-211_813_488_000 * SECOND, 0, 800.0, &Clock::utc())
                .iter()
                .any(|t| t.label == "4001 BC")
        );
    }
}
