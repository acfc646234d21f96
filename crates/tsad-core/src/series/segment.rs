//! Segments: stretches of the grid without a long gap.

use super::grid::Grid;
use super::samples::Samples;
use crate::control::Check;
use std::ops::Range;

/// Rows, or segments, between two calls of the cancel hook.
const CELLS_PER_CHECK: usize = 1 << 14;

/// A series on its grid, cut into segments at every gap longer than `max_gap` intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The number of channels.
    pub channels: usize,
    /// The segments in time order, none empty.
    pub segments: Vec<Segment>,
    /// How many samples of the last segment no later row can change; the segments before it are settled.
    pub settled: usize,
}

/// A stretch of successive grid cells, every channel of every cell known or filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The grid cell of the first sample.
    pub start: i64,
    /// The values, channel after channel, each as long as [`Segment::len`].
    pub values: Vec<f64>,
    /// Whether any channel of a cell was filled by linear interpolation.
    pub imputed: Vec<bool>,
}

/// Where a row landed: its segment and the sample in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The index of the segment.
    pub segment: usize,
    /// The index of the sample within the segment.
    pub sample: usize,
}

impl Segment {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.imputed.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.imputed.is_empty()
    }

    /// The samples of one channel.
    pub fn channel(&self, c: usize) -> &[f64] {
        &self.values[c * self.len()..(c + 1) * self.len()]
    }

    /// The samples from `from` to before `to`, as a segment of its own.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        let channels = self.values.len() / self.len().max(1);
        let mut values = Vec::with_capacity(channels * (to - from));
        (0..channels).for_each(|c| values.extend_from_slice(&self.channel(c)[from..to]));
        Self {
            start: self.start + from as i64,
            values,
            imputed: self.imputed[from..to].to_vec(),
        }
    }
}

impl Series {
    /// Puts rows sorted by time on the grid. Rows of one cell are averaged per channel; a gap of up to
    /// `max_gap` missing cells in a channel is filled linearly; a longer one ends the segment for all
    /// channels.
    ///
    /// Returns the series and the place of every row; a row has none where a channel is in a long gap.
    pub fn on_grid(rows: &Samples, grid: &Grid, max_gap: usize, check: Check) -> (Self, Vec<Option<Place>>) {
        let cells = Cells::of_rows(rows, grid, check);
        let stretches = cells.stretches(max_gap, check);
        let fill = |(i, s): (usize, Stretch)| {
            if i.is_multiple_of(CELLS_PER_CHECK) {
                check();
            }
            cells.fill(s, check)
        };
        let segments: Vec<Segment> = stretches.into_iter().enumerate().map(fill).collect();
        check();
        let places = places(&cells, &segments, check);
        let series = Self {
            channels: rows.channels(),
            settled: segments.last().map_or(0, |s| cells.settled(s)),
            segments,
        };
        (series, places)
    }

    /// The series without `ranges` of samples, each given with the index of its segment, in order and apart: a segment
    /// ends where one begins, as at a gap.
    #[must_use]
    pub fn without(&self, ranges: &[(usize, Range<usize>)]) -> Self {
        let mut segments = Vec::new();
        for (s, segment) in self.segments.iter().enumerate() {
            let own = ranges.iter().filter(|r| r.0 == s).map(|r| &r.1);
            let mut from = 0;
            for cut in own {
                if from < cut.start {
                    segments.push(segment.slice(from, cut.start));
                }
                from = cut.end;
            }
            if from < segment.len() {
                segments.push(segment.slice(from, segment.len()));
            }
        }
        Self {
            channels: self.channels,
            settled: segments.last().map_or(0, Segment::len),
            segments,
        }
    }

    /// The number of samples in all segments.
    pub fn len(&self) -> usize {
        self.segments.iter().map(Segment::len).sum()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The number of samples of which at least one channel was filled.
    pub fn imputed(&self) -> usize {
        let filled = |s: &Segment| s.imputed.iter().filter(|i| **i).count();
        self.segments.iter().map(filled).sum()
    }

    /// The first `n` samples and the rest, a segment in the middle being cut in two.
    pub fn split(&self, n: usize) -> (Self, Self) {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        let mut left = n;
        for s in &self.segments {
            let cut = left.min(s.len());
            if cut > 0 {
                head.push(s.slice(0, cut));
            }
            if cut < s.len() {
                tail.push(s.slice(cut, s.len()));
            }
            left -= cut;
        }
        let part = |segments: Vec<Segment>| Self {
            channels: self.channels,
            settled: segments.last().map_or(0, Segment::len),
            segments,
        };
        (part(head), part(tail))
    }
}

/// The occupied cells of a grid with the mean of their rows.
struct Cells {
    channels: usize,
    /// Cell numbers, strictly increasing.
    numbers: Vec<i64>,
    /// Means, cell after cell; NaN where a cell has no value of a channel.
    means: Vec<f64>,
    /// For every row the index of its cell.
    of_row: Vec<usize>,
}

/// A stretch of the grid that becomes a segment: its first and its last cell.
#[derive(Clone, Copy)]
struct Stretch {
    first: i64,
    last: i64,
}

impl Cells {
    fn of_rows(rows: &Samples, grid: &Grid, check: Check) -> Self {
        let channels = rows.channels();
        let mut numbers: Vec<i64> = Vec::with_capacity(rows.len());
        let mut means: Vec<f64> = Vec::with_capacity(rows.values().len());
        let mut of_row = Vec::with_capacity(rows.len());
        let mut counts = vec![0_u32; channels];
        for (i, &time) in rows.times().iter().enumerate() {
            if i.is_multiple_of(CELLS_PER_CHECK) {
                check();
            }
            let number = grid.cell(time);
            if numbers.last() != Some(&number) {
                close(&mut means, &mut counts);
                numbers.push(number);
                means.resize(numbers.len() * channels, 0.0);
            }
            let at = (numbers.len() - 1) * channels;
            for (c, v) in rows.row(i).iter().enumerate().filter(|(_, v)| v.is_finite()) {
                means[at + c] += v;
                counts[c] += 1;
            }
            of_row.push(numbers.len() - 1);
        }
        close(&mut means, &mut counts);
        Self {
            channels,
            numbers,
            means,
            of_row,
        }
    }

    fn mean(&self, cell: usize, channel: usize) -> f64 {
        self.means[cell * self.channels + channel]
    }

    fn known(&self, cell: usize, channel: usize) -> bool {
        !self.mean(cell, channel).is_nan()
    }

    fn complete(&self, cell: usize) -> bool {
        (0..self.channels).all(|c| self.known(cell, c))
    }

    /// Where every channel either has a value or lies between two that are at most `max_gap` missing cells
    /// apart. That depends on the cells around only, so a stretch is the same wherever reading began.
    fn stretches(&self, max_gap: usize, check: Check) -> Vec<Stretch> {
        let first = self.runs(0, max_gap);
        (1..self.channels).fold(first, |common, c| {
            check();
            intersection(&common, &self.runs(c, max_gap))
        })
    }

    /// The stretches of one channel, none of more than `max_gap` missing cells in a row.
    fn runs(&self, channel: usize, max_gap: usize) -> Vec<Stretch> {
        let mut found: Vec<Stretch> = Vec::new();
        for cell in (0..self.numbers.len()).filter(|&k| self.known(k, channel)) {
            let number = self.numbers[cell];
            match found.last_mut() {
                Some(run) if number.abs_diff(run.last) <= max_gap as u64 + 1 => run.last = number,
                _ => found.push(Stretch {
                    first: number,
                    last: number,
                }),
            }
        }
        found
    }

    fn fill(&self, stretch: Stretch, check: Check) -> Segment {
        let len = stretch.last.abs_diff(stretch.first) as usize + 1;
        let from = self.numbers.partition_point(|n| *n < stretch.first);
        let to = self.numbers.partition_point(|n| *n <= stretch.last);
        let mut imputed = vec![true; len];
        for cell in (from..to).filter(|&k| self.complete(k)) {
            imputed[self.numbers[cell].abs_diff(stretch.first) as usize] = false;
        }
        let mut values = vec![0.0; len * self.channels];
        // Short segments are many: the hook is for long ones.
        let long = len * self.channels >= CELLS_PER_CHECK;
        for (c, line) in values.chunks_exact_mut(len).enumerate() {
            if long {
                check();
            }
            self.fill_channel(c, stretch.first, from, line);
        }
        Segment {
            start: stretch.first,
            values,
            imputed,
        }
    }

    /// Writes the values of one channel from the cell `first` on, linear between known ones; `from` is the
    /// index of the first occupied cell there.
    fn fill_channel(&self, channel: usize, first: i64, from: usize, line: &mut [f64]) {
        let before = (0..from).rev().find(|&k| self.known(k, channel));
        let known = before.into_iter().chain(from..self.numbers.len());
        // Relative to the first cell: below 0 for the known cell before it.
        let at = |k: usize| (self.numbers[k].saturating_sub(first), self.mean(k, channel));
        let mut previous: Option<(i64, f64)> = None;
        for here in known.filter(|&k| self.known(k, channel)).map(at) {
            if let Some(previous) = previous {
                for i in (previous.0 + 1).max(0)..here.0.min(line.len() as i64) {
                    let share = (i - previous.0) as f64 / (here.0 - previous.0) as f64;
                    let value = previous.1 + share * (here.1 - previous.1);
                    line[i as usize] = value.clamp(f64::MIN, f64::MAX);
                }
            }
            if (0..line.len() as i64).contains(&here.0) {
                line[here.0 as usize] = here.1;
            }
            if here.0 + 1 >= line.len() as i64 {
                break;
            }
            previous = Some(here);
        }
    }

    /// How many samples of the last segment no later row can change. A later row may still fall into the last
    /// occupied cell; what was filled between it and the known cell before changes with it.
    fn settled(&self, last: &Segment) -> usize {
        let closed = self.numbers.len() - 1;
        let latest = |c: usize| (0..closed).rev().find(|&k| self.known(k, c));
        let common = (0..self.channels)
            .map(|c| latest(c).map(|k| self.numbers[k]))
            .min()
            .flatten();
        let samples = common.map_or(0, |number| number.saturating_sub(last.start).saturating_add(1));
        usize::try_from(samples).unwrap_or(0).min(last.len())
    }
}

/// The cells that two lists of stretches, both in order, have in common.
fn intersection(a: &[Stretch], b: &[Stretch]) -> Vec<Stretch> {
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    while i < a.len() && j < b.len() {
        let common = Stretch {
            first: a[i].first.max(b[j].first),
            last: a[i].last.min(b[j].last),
        };
        if common.first <= common.last {
            found.push(common);
        }
        if a[i].last <= b[j].last {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// Turns the sums of the last cell into means; a sum beyond the range of numbers counts as the largest one.
fn close(means: &mut [f64], counts: &mut [u32]) {
    if let Some(at) = means.len().checked_sub(counts.len()) {
        for (sum, n) in means[at..].iter_mut().zip(counts) {
            *sum = match *n {
                0 => f64::NAN,
                n => (*sum / f64::from(n)).clamp(f64::MIN, f64::MAX),
            };
            *n = 0;
        }
    }
}

fn places(cells: &Cells, segments: &[Segment], check: Check) -> Vec<Option<Place>> {
    let mut segment = 0;
    let place = |(i, &cell): (usize, &usize)| {
        if i.is_multiple_of(CELLS_PER_CHECK) {
            check();
        }
        let number = cells.numbers[cell];
        while segment < segments.len()
            && number.saturating_sub(segments[segment].start) >= segments[segment].len() as i64
        {
            segment += 1;
        }
        let s = segments.get(segment)?;
        let sample = usize::try_from(number.checked_sub(s.start)?).ok()?;
        Some(Place { segment, sample })
    };
    cells.of_row.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid {
        interval: 10,
        phase: 0,
    };

    fn rows(channels: usize, list: &[(i64, &[f64])]) -> Samples {
        let mut s = Samples::new(channels).unwrap();
        for (t, v) in list {
            s.push(*t, v).unwrap();
        }
        s
    }

    #[test]
    fn duplicates_are_averaged_and_short_gaps_filled() {
        let rows = rows(1, &[(0, &[1.0]), (0, &[3.0]), (10, &[f64::NAN]), (40, &[10.0])]);
        let (series, places) = Series::on_grid(&rows, &GRID, 3, &|| {});
        assert_eq!(series.segments.len(), 1);
        assert_eq!(series.segments[0].values, [2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(series.segments[0].imputed, [false, true, true, true, false]);
        assert_eq!(series.imputed(), 3);
        let at = |sample| Some(Place { segment: 0, sample });
        assert_eq!(places, [at(0), at(0), at(1), at(4)]);
    }

    #[test]
    fn a_gap_of_more_than_max_gap_cells_splits() {
        let list: &[(i64, &[f64])] = &[(0, &[1.0]), (10, &[1.0]), (50, &[2.0]), (60, &[2.0])];
        let (whole, _) = Series::on_grid(&rows(1, list), &GRID, 3, &|| {});
        assert_eq!(whole.segments.len(), 1);
        let (split, places) = Series::on_grid(&rows(1, list), &GRID, 2, &|| {});
        assert_eq!(
            split.segments.iter().map(Segment::len).collect::<Vec<_>>(),
            [2, 2]
        );
        assert_eq!(
            places[2],
            Some(Place {
                segment: 1,
                sample: 0
            })
        );
        let (none, _) = Series::on_grid(&rows(1, list), &GRID, 0, &|| {});
        assert_eq!(none.segments.len(), 2);
    }

    #[test]
    fn a_long_gap_in_one_channel_splits_all_and_its_rows_have_no_place() {
        let nan = f64::NAN;
        let list: Vec<(i64, Vec<f64>)> = (0..8)
            .map(|i| {
                (
                    10 * i,
                    vec![i as f64, if (2..5).contains(&i) { nan } else { 1.0 }],
                )
            })
            .collect();
        let list: Vec<(i64, &[f64])> = list.iter().map(|(t, v)| (*t, v.as_slice())).collect();
        let (series, places) = Series::on_grid(&rows(2, &list), &GRID, 1, &|| {});
        assert_eq!(series.segments.len(), 2);
        assert_eq!(series.segments[1].start, 5);
        assert_eq!(series.segments[1].channel(0), [5.0, 6.0, 7.0]);
        assert_eq!(places[3], None);
        let (filled, places) = Series::on_grid(&rows(2, &list), &GRID, 3, &|| {});
        assert_eq!(filled.segments.len(), 1);
        assert!(places.iter().all(Option::is_some));
    }

    #[test]
    fn missing_values_at_the_ends_are_not_invented() {
        let nan = f64::NAN;
        let rows = rows(1, &[(0, &[nan]), (10, &[5.0]), (20, &[nan])]);
        let (series, places) = Series::on_grid(&rows, &GRID, 4, &|| {});
        assert_eq!(series.segments[0].values, [5.0]);
        assert_eq!(
            places,
            [
                None,
                Some(Place {
                    segment: 0,
                    sample: 0
                }),
                None
            ]
        );
        let empty = Samples::new(1).unwrap();
        assert!(Series::on_grid(&empty, &GRID, 4, &|| {}).0.is_empty());
    }

    #[test]
    fn a_split_series_keeps_every_sample_once() {
        let list: Vec<(i64, [f64; 1])> = (0..20).map(|i| (10 * i + 200 * (i / 10), [i as f64])).collect();
        let list: Vec<(i64, &[f64])> = list.iter().map(|(t, v)| (*t, v.as_slice())).collect();
        let (series, _) = Series::on_grid(&rows(1, &list), &GRID, 4, &|| {});
        for n in [0, 5, 10, 13, 20] {
            let (head, tail) = series.split(n);
            assert_eq!((head.len(), tail.len()), (n, 20 - n));
            let all = head.segments.iter().chain(&tail.segments);
            let values: Vec<f64> = all.flat_map(|s| s.values.clone()).collect();
            assert_eq!(values, (0..20).map(f64::from).collect::<Vec<_>>());
        }
    }
}
