//! What can be said of rows before anything is trained on them.

use super::grid::Grid;
use super::samples::Samples;
use super::segment::{Segment, Series};
use crate::control::Check;

/// What can be said of the rows of a series before anything is trained on them.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The number of rows.
    pub rows: usize,
    /// The number of values in a row.
    pub channels: usize,
    /// The channels with a value in fewer than half of the rows, counted from 0: they do not train.
    pub sparse: Vec<usize>,
    /// By channel the distinct times at which it has a value.
    pub values: Vec<usize>,
    /// The rows without any value.
    pub missing: usize,
    /// The rows whose time an earlier row has as well.
    pub duplicates: usize,
    /// The times of the first and the last row.
    pub range: Option<(i64, i64)>,
    /// The sampling interval, in the unit of the times; none with fewer than two distinct times.
    pub interval: Option<i64>,
    /// The share of the steps between distinct times that differ from the interval by more than a tenth of it, 0 to 1.
    pub irregular: f64,
    /// The samples on the grid, filled ones included.
    pub samples: usize,
    /// The samples that were filled.
    pub imputed: usize,
    /// The stretches between gaps that are too long to fill.
    pub stretches: usize,
    /// The samples of the longest stretch.
    pub longest_stretch: usize,
    /// The longest step between successive rows, in the unit of the times.
    pub longest_step: i64,
    /// Whether all values of every channel are equal.
    pub constant: bool,
}

impl Survey {
    /// Surveys rows in any order; gaps of up to `max_gap` intervals count as filled.
    pub fn of(rows: Samples, max_gap: usize, check: Check) -> Self {
        let rows = rows.sorted_by_time(check);
        let times = rows.times();
        let steps = || times.windows(2).map(|w| w[1].saturating_sub(w[0]));
        let grid = Grid::of_times(times).ok();
        let interval = grid.map(|g| g.interval);
        let distinct = steps().filter(|s| *s > 0).count();
        let off = |step: i64, interval: i64| (step as f64 - interval as f64).abs() > 0.1 * interval as f64;
        let irregular = interval.map_or(0, |i| steps().filter(|s| *s > 0 && off(*s, i)).count());
        let series = grid.map(|g| Series::on_grid(&rows, &g, max_gap, check).0);
        let segments = series.as_ref().map_or(&[][..], |s| &s.segments);
        Self {
            rows: rows.len(),
            channels: rows.channels(),
            sparse: rows.sparse_channels(),
            values: (0..rows.channels()).map(|c| values(&rows, c)).collect(),
            missing: (0..rows.len())
                .filter(|&i| rows.row(i).iter().all(|v| v.is_nan()))
                .count(),
            duplicates: rows.shared_times(check),
            range: times.first().copied().zip(times.last().copied()),
            interval,
            irregular: irregular as f64 / distinct.max(1) as f64,
            samples: segments.iter().map(Segment::len).sum(),
            imputed: series.as_ref().map_or(0, Series::imputed),
            stretches: segments.len(),
            longest_stretch: segments.iter().map(Segment::len).max().unwrap_or(0),
            longest_step: steps().max().unwrap_or(0),
            constant: constant(&rows),
        }
    }
}

/// The distinct times at which a channel has a value, of rows in order of time.
fn values(rows: &Samples, c: usize) -> usize {
    let mut last = None;
    (0..rows.len())
        .filter(|&i| !rows.row(i)[c].is_nan() && last.replace(rows.times()[i]) != Some(rows.times()[i]))
        .count()
}

/// Whether every channel has a value and never another one.
fn constant(rows: &Samples) -> bool {
    (0..rows.channels()).all(|c| {
        let mut values = (0..rows.len()).map(|i| rows.row(i)[c]).filter(|v| !v.is_nan());
        values.next().is_some_and(|first| values.all(|v| v == first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(list: &[(i64, f64)]) -> Samples {
        let mut rows = Samples::new(1).unwrap();
        list.iter().for_each(|(t, v)| rows.push(*t, &[*v]).unwrap());
        rows
    }

    #[test]
    fn a_survey_counts_what_is_there() {
        let nan = f64::NAN;
        let list = [
            (10, 1.0),
            (0, 1.0),
            (20, nan),
            (20, nan),
            (30, 2.0),
            (40, 1.0),
            (100, 1.0),
            (113, 1.0),
            (120, 1.0),
        ];
        let s = Survey::of(rows(&list), 2, &|| {});
        assert_eq!((s.rows, s.missing, s.duplicates, s.values), (9, 2, 1, vec![7]));
        assert_eq!((s.range, s.interval), (Some((0, 120)), Some(10)));
        assert_eq!(
            (s.samples, s.imputed, s.stretches, s.longest_stretch),
            (8, 1, 2, 5)
        );
        assert_eq!((s.longest_step, s.constant), (60, false));
        assert!((s.irregular - 3.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_and_constants_are_surveyed() {
        let s = Survey::of(rows(&[]), 4, &|| {});
        assert_eq!((s.rows, s.interval, s.range, s.constant), (0, None, None, false));
        assert!(Survey::of(rows(&[(0, 3.0), (1, 3.0), (2, f64::NAN)]), 4, &|| {}).constant);
    }
}
