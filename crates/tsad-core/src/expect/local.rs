//! Local time: the offset of the wall clock from UTC.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// No clock is farther from UTC, in seconds (PostgreSQL allows less than 16 hours).
const FARTHEST: i32 = 16 * 3600;

/// The offset of the wall clock from UTC by time: pure data, so that a model is a function of itself and time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalTime {
    /// From which time (UTC, microseconds since 2000-01-01) which offset (seconds east of Greenwich) holds; ascending. The
    /// first offset holds before its time too; without any it is 0.
    pub(crate) transitions: Vec<(i64, i32)>,
}

impl LocalTime {
    /// The most changes of a clock: four a year for five thousand years.
    pub const MAX_TRANSITIONS: usize = 20_000;

    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self::default()
    }

    /// The clock that shows UTC plus each offset (seconds, at most 16 hours either way) from each time on (UTC,
    /// microseconds since 2000-01-01). The first offset holds before its time too.
    ///
    /// # Errors
    /// `InvalidParameter` if the times are not strictly ascending, an offset is too large or there are more than
    /// [`LocalTime::MAX_TRANSITIONS`].
    pub fn new(transitions: Vec<(i64, i32)>) -> Result<Self> {
        let wrong = |message: &str| {
            let error = Error::new(ErrorKind::InvalidParameter, message);
            Err(error.with_hint("Give the changes of one clock, each with its time and its offset from UTC."))
        };
        if transitions.len() > Self::MAX_TRANSITIONS {
            return wrong("a time zone may have at most 20000 changes of the clock");
        }
        if transitions.windows(2).any(|w| w[0].0 >= w[1].0) {
            return wrong("the changes of the clock of a time zone must be in ascending order");
        }
        if transitions.iter().any(|t| !(-FARTHEST..=FARTHEST).contains(&t.1)) {
            return wrong("the offset of a time zone must be at most 16 hours");
        }
        Ok(Self { transitions })
    }

    /// The offset at a time (UTC, microseconds since 2000-01-01), in seconds east of Greenwich.
    #[must_use]
    pub fn offset_at(&self, time: i64) -> i32 {
        let after = self.transitions.partition_point(|t| t.0 <= time);
        self.transitions.get(after.saturating_sub(1)).map_or(0, |t| t.1)
    }

    /// What the wall clock shows at a time, in microseconds since 2000-01-01 00:00 of the wall clock.
    pub(super) fn local(&self, time: i64) -> i64 {
        time.saturating_add(i64::from(self.offset_at(time)) * SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_offset_holds_from_its_time_on_and_the_first_before_it() {
        let zone = LocalTime::new(vec![(0, 3600), (10 * SECOND, 7200)]).unwrap();
        assert_eq!(
            [-5, 0, 10 * SECOND - 1, 10 * SECOND, i64::MAX].map(|t| zone.offset_at(t)),
            [3600, 3600, 3600, 7200, 7200]
        );
        assert_eq!(zone.local(0), 3600 * SECOND);
        assert_eq!(
            (zone.local(i64::MAX), LocalTime::utc().local(i64::MIN)),
            (i64::MAX, i64::MIN)
        );
    }

    #[test]
    fn wrong_transitions_are_refused() {
        assert!(LocalTime::new(vec![(5, 0), (5, 1)]).is_err());
        assert!(LocalTime::new(vec![(5, 60_000)]).is_err());
        assert!(LocalTime::new((0..20_001).map(|i| (i, 0)).collect()).is_err());
    }
}
