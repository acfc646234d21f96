//! The axis that all series of a picture share: times of a clock, or integers.

use super::calendar::{self, Clock};
use super::scale;
use super::svg::text_width;
use super::tick::Tick;

/// What the times of the rows are.
pub enum Axis<'a> {
    /// Microseconds since 2000-01-01 00:00 UTC, shown by a clock.
    Clock(Clock<'a>),
    /// Integers without a unit.
    Integers,
}

impl Axis<'_> {
    /// Ticks from `from` to `to` on an axis of `width` pixels.
    pub(super) fn ticks(&self, from: i64, to: i64, width: f64) -> Vec<Tick> {
        match self {
            Self::Clock(clock) => calendar::ticks(from, to, width, clock),
            Self::Integers => integers(from, to, width),
        }
    }

    /// A time as text.
    pub(super) fn show(&self, time: i64) -> String {
        match self {
            Self::Clock(clock) => clock.show(time),
            Self::Integers => scale::integer(time),
        }
    }

    /// The name of the clock; empty where there is none.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Clock(clock) => &clock.name,
            Self::Integers => "",
        }
    }

    /// What to show around a single time: a minute, or the neighbours.
    pub(super) fn around(&self, time: i64) -> (i64, i64) {
        let reach = if matches!(self, Self::Clock(_)) {
            30_000_000
        } else {
            2
        };
        (time.saturating_sub(reach), time.saturating_add(reach))
    }
}

fn integers(from: i64, to: i64, width: f64) -> Vec<Tick> {
    let room = text_width(&scale::integer(from), 11.0).max(text_width(&scale::integer(to), 11.0)) + 24.0;
    let span = to.abs_diff(from) as f64;
    let step = (0..19)
        .flat_map(|e| [1, 2, 5].map(|m| m * 10_i128.pow(e)))
        .find(|step| *step as f64 * width >= room * span)
        .unwrap_or(i128::from(i64::MAX));
    (i128::from(from).div_euclid(step)..=i128::from(to).div_euclid(step))
        .filter_map(|k| i64::try_from(k * step).ok())
        .filter(|time| (from..=to).contains(time))
        .map(|time| Tick {
            time,
            label: scale::integer(time),
            context: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_round_ticks() {
        let labels =
            |from, to| -> Vec<String> { integers(from, to, 600.0).into_iter().map(|t| t.label).collect() };
        assert_eq!(labels(-3, 3).len(), 7);
        assert_eq!(labels(0, 10_000)[..3], ["0", "2,000", "4,000"]);
        assert!(!labels(i64::MIN, i64::MAX).is_empty());
        assert_eq!(labels(i64::MAX - 1, i64::MAX).len(), 2);
    }
}
