//! The regular grid of a series: sampling interval and phase.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// A regular grid of times: cell `i` is centred on `phase + i * interval`.
///
/// The grid is absolute, so a time falls into the same cell whatever part of a series is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The sampling interval, in the unit of the times; at least 1.
    pub interval: i64,
    /// The time of cell 0, from 0 to `interval - 1`.
    pub phase: i64,
}

impl Grid {
    /// Finds the grid of sorted times: the interval is the median difference of successive distinct
    /// times, the phase the circular mean of the times' positions within the interval.
    ///
    /// # Errors
    /// `TooLittleData` if there are fewer than two distinct times.
    pub fn of_times(sorted: &[i64]) -> Result<Self> {
        let mut steps: Vec<u64> = sorted
            .windows(2)
            .map(|w| w[1].abs_diff(w[0]))
            .filter(|&d| d > 0)
            .collect();
        if steps.is_empty() {
            return Err(
                Error::new(ErrorKind::TooLittleData, "fewer than two distinct times")
                    .with_hint("A sampling interval needs at least two rows with different times."),
            );
        }
        let middle = (steps.len() - 1) / 2;
        let (_, &mut step, _) = steps.select_nth_unstable(middle);
        let interval = i64::try_from(step).unwrap_or(i64::MAX);
        Ok(Self {
            interval,
            phase: phase_of(sorted, interval),
        })
    }

    /// The time of the middle of a cell.
    pub fn time(&self, cell: i64) -> i64 {
        self.phase.saturating_add(cell.saturating_mul(self.interval))
    }

    /// The cell that `time` falls into, rounded to the nearest.
    pub fn cell(&self, time: i64) -> i64 {
        let interval = i128::from(self.interval);
        let offset = i128::from(time) - i128::from(self.phase) + interval / 2;
        // The quotient of a 64-bit offset by at least 1 leaves 64 bits only at the very ends of the range.
        i64::try_from(offset.div_euclid(interval)).unwrap_or(i64::MAX)
    }
}

/// The circular mean of the times' positions within the interval.
fn phase_of(sorted: &[i64], interval: i64) -> i64 {
    let first = sorted[0].rem_euclid(interval);
    if sorted.iter().all(|t| t.rem_euclid(interval) == first) {
        return first;
    }
    let (mut sin, mut cos) = (0.0, 0.0);
    for t in sorted {
        let angle = TAU * (t.rem_euclid(interval) as f64 / interval as f64);
        sin += angle.sin();
        cos += angle.cos();
    }
    let turn = (sin.atan2(cos) / TAU).rem_euclid(1.0);
    ((turn * interval as f64).round() as i64).rem_euclid(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_times_give_their_step_and_offset() {
        let times: Vec<i64> = (0..10).map(|i| 7 + 60 * i).collect();
        let g = Grid::of_times(&times).unwrap();
        assert_eq!((g.interval, g.phase), (60, 7));
        assert_eq!(g.cell(7), 0);
        assert_eq!(g.cell(7 - 29), 0);
        assert_eq!(g.cell(7 - 31), -1);
    }

    #[test]
    fn jitter_around_a_phase_near_zero_does_not_split_cells() {
        let jitter = |i: i64| if i % 5 == 0 { i % 7 - 3 } else { 0 };
        let times: Vec<i64> = (1..200).map(|i| 1000 * i + jitter(i)).collect();
        let g = Grid::of_times(&times).unwrap();
        assert_eq!(g.interval, 1000);
        let cells: Vec<i64> = times.iter().map(|&t| g.cell(t)).collect();
        assert!(cells.windows(2).all(|w| w[1] == w[0] + 1));
    }

    #[test]
    fn missing_rows_and_duplicates_leave_the_interval_alone() {
        let times = [0, 10, 10, 10, 20, 30, 70, 80, 90, 100];
        assert_eq!(Grid::of_times(&times).unwrap().interval, 10);
    }

    #[test]
    fn one_distinct_time_has_no_interval() {
        assert_eq!(
            Grid::of_times(&[5, 5]).unwrap_err().kind(),
            ErrorKind::TooLittleData
        );
        assert_eq!(Grid::of_times(&[]).unwrap_err().kind(), ErrorKind::TooLittleData);
    }

    #[test]
    fn the_ends_of_the_time_range_do_not_overflow() {
        let g = Grid::of_times(&[i64::MIN, i64::MAX]).unwrap();
        assert_eq!(g.interval, i64::MAX);
        let _ = (g.cell(i64::MIN), g.cell(i64::MAX));
        let tight = Grid {
            interval: 1,
            phase: 0,
        };
        assert_eq!(tight.cell(i64::MAX), i64::MAX);
    }
}
