//! Rows as they come: in any order, with duplicates and missing values.

use crate::control::{Check, ComparisonTicker};
use crate::error::{Error, ErrorKind, Result, no_memory};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What the times of a series mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeKind {
    /// Points in time, in microseconds.
    #[default]
    Timestamp,
    /// Integers without a known unit, a sequence number for example.
    Integer,
}

impl TimeKind {
    /// The kind in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamps",
            Self::Integer => "integers",
        }
    }
}

/// Rows of a series in any order: a time and one value per channel each.
///
/// Times are integers, in microseconds unless the kind says otherwise; a missing value is NaN.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples {
    channels: usize,
    kind: TimeKind,
    times: Vec<i64>,
    values: Vec<f64>,
    /// How many earlier rows were dropped.
    left_out: u64,
}

impl Samples {
    /// The largest number of channels of one series.
    pub const MAX_CHANNELS: usize = 1024;

    /// Makes an empty set of rows with `channels` values each.
    ///
    /// # Errors
    /// `Dimension` unless `channels` lies in 1 to [`Samples::MAX_CHANNELS`].
    pub fn new(channels: usize) -> Result<Self> {
        if channels == 0 || channels > Self::MAX_CHANNELS {
            return Err(Error::new(
                ErrorKind::Dimension,
                format!(
                    "a series must have 1 to {} channels, got {channels}",
                    Self::MAX_CHANNELS
                ),
            )
            .with_hint(
                "Give at least one value column, and train groups of columns apart if there are more.",
            ));
        }
        Ok(Self {
            channels,
            kind: TimeKind::default(),
            times: Vec::new(),
            values: Vec::new(),
            left_out: 0,
        })
    }

    /// Says what the times mean.
    #[must_use]
    pub fn with_times(mut self, kind: TimeKind) -> Self {
        self.kind = kind;
        self
    }

    /// What the times mean.
    pub fn time_kind(&self) -> TimeKind {
        self.kind
    }

    /// Adds a row; a NaN is a missing value.
    ///
    /// # Errors
    /// `Dimension` if the number of values is not the number of channels, `NotFinite` if one is infinite, `OutOfMemory`
    /// if there is no room; the rows are as they were then.
    pub fn push(&mut self, time: i64, values: &[f64]) -> Result<()> {
        if values.len() != self.channels {
            return Err(Error::new(
                ErrorKind::Dimension,
                format!(
                    "different numbers of values in one series: {} and {}",
                    self.channels,
                    values.len()
                ),
            )
            .with_hint(
                "Every row of a series must have the same number of values; use NULL for a missing one.",
            ));
        }
        if values.iter().any(|v| v.is_infinite()) {
            return Err(Error::new(ErrorKind::NotFinite, "value is infinite")
                .with_hint("Replace infinite values by NULL (a gap) or filter them out."));
        }
        self.make_room(1)?;
        self.times.push(time);
        self.values.extend_from_slice(values);
        Ok(())
    }

    /// Room for `more` rows.
    fn make_room(&mut self, more: usize) -> Result<()> {
        self.times.try_reserve(more).map_err(no_memory)?;
        self.values
            .try_reserve(more.saturating_mul(self.channels))
            .map_err(no_memory)
    }

    /// Adds all rows of `other`.
    ///
    /// # Errors
    /// `Dimension` if the numbers of channels differ, `OutOfMemory` if there is no room; the rows are as they were
    /// then.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        if other.channels != self.channels {
            return Err(Error::new(
                ErrorKind::Dimension,
                format!(
                    "different numbers of values in one series: {} and {}",
                    self.channels, other.channels
                ),
            )
            .with_hint(
                "Every row of a series must have the same number of values; use NULL for a missing one.",
            ));
        }
        self.make_room(other.len())?;
        self.times.extend_from_slice(&other.times);
        self.values.extend_from_slice(&other.values);
        self.left_out += other.left_out;
        Ok(())
    }

    /// The first `n` rows, in the order in which they were added.
    #[must_use]
    pub fn head(&self, n: usize) -> Self {
        let n = n.min(self.len());
        Self {
            channels: self.channels,
            kind: self.kind,
            times: self.times[..n].to_vec(),
            values: self.values[..n * self.channels].to_vec(),
            left_out: self.left_out,
        }
    }

    /// The rows from number `first` on, in the order in which they were added.
    #[must_use]
    pub fn tail(&self, first: usize) -> Self {
        let first = first.min(self.len());
        Self {
            channels: self.channels,
            kind: self.kind,
            times: self.times[first..].to_vec(),
            values: self.values[first * self.channels..].to_vec(),
            left_out: self.left_out,
        }
    }

    /// Drops the earliest rows beyond `most` and counts them. Of rows of one time those go first whose values come
    /// first, so that what stays does not depend on the order in which rows were added, nor on when, and how often,
    /// rows were dropped before. The order of the others is kept.
    ///
    /// Time is linear in the number of rows.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room to order the rows; they are as they were then.
    pub fn keep_latest(&mut self, most: usize, check: Check) -> Result<()> {
        let surplus = self.len().saturating_sub(most);
        if surplus == 0 {
            return Ok(());
        }
        let in_order =
            self.times.is_sorted() && self.times[surplus - 1] < self.times[surplus.min(self.len() - 1)];
        if in_order || most == 0 {
            self.times.drain(..surplus);
            self.values.drain(..surplus * self.channels);
            self.left_out += surplus as u64;
            return Ok(());
        }
        let (mut order, mut stays) = (Vec::new(), Vec::new());
        order.try_reserve_exact(self.len()).map_err(no_memory)?;
        stays.try_reserve_exact(self.len()).map_err(no_memory)?;
        order.extend(0..self.len());
        stays.resize(self.len(), true);
        let ticker = ComparisonTicker::new(check);
        order.select_nth_unstable_by(surplus, |&i, &j| {
            ticker.step();
            self.canonically(i, j)
        });
        order[..surplus].iter().for_each(|i| stays[*i] = false);
        let mut of_row = stays.iter();
        self.times.retain(|_| of_row.next() == Some(&true));
        let mut of_value = stays.iter().flat_map(|s| std::iter::repeat_n(s, self.channels));
        self.values.retain(|_| of_value.next() == Some(&true));
        self.left_out += surplus as u64;
        Ok(())
    }

    /// [`Samples::keep_latest`] for rows that keep arriving: only once half as many as `most` are to be dropped, so
    /// that it takes constant time a row. What stays in the end does not depend on it.
    ///
    /// # Errors
    /// As [`Samples::keep_latest`].
    pub fn thin(&mut self, most: usize, check: Check) -> Result<()> {
        if self.len() > most + most / 2 {
            self.keep_latest(most, check)?;
        }
        Ok(())
    }

    /// How many earlier rows [`Samples::keep_latest`] dropped.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The channels with a value in fewer than half of the rows; none are where there are no rows.
    pub fn sparse_channels(&self) -> Vec<usize> {
        let mut known = vec![0; self.channels()];
        for i in 0..self.len() {
            for (n, v) in known.iter_mut().zip(self.row(i)) {
                *n += usize::from(!v.is_nan());
            }
        }
        let sparse = |c: &usize| 2 * known[*c] < self.len();
        (0..self.channels()).filter(sparse).collect()
    }

    /// The rows whose time an earlier row has as well: they are averaged.
    pub fn shared_times(&self, check: Check) -> usize {
        let shared = |sorted: &[i64]| sorted.windows(2).filter(|w| w[0] == w[1]).count();
        if self.times.is_sorted() {
            return shared(&self.times);
        }
        let mut times = self.times.clone();
        let ticker = ComparisonTicker::new(check);
        times.sort_unstable_by(|a, b| {
            ticker.step();
            a.cmp(b)
        });
        shared(&times)
    }

    /// The same rows with other values, row after row; an infinite one counts as missing.
    ///
    /// # Errors
    /// `Dimension` if their number is another.
    pub(crate) fn with_values(mut self, values: Vec<f64>) -> Result<Self> {
        if values.len() != self.values.len() {
            return Err(Error::new(
                ErrorKind::Dimension,
                format!("{} values instead of {}", values.len(), self.values.len()),
            ));
        }
        self.values = values;
        self.values
            .iter_mut()
            .filter(|v| v.is_infinite())
            .for_each(|v| *v = f64::NAN);
        Ok(self)
    }

    /// The same after `more` earlier rows were dropped elsewhere.
    #[must_use]
    pub fn with_left_out(mut self, more: u64) -> Self {
        self.left_out += more;
        self
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The number of values in a row.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The times of the rows.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The values of all rows, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values of row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.channels..(i + 1) * self.channels]
    }

    /// Sorts the rows by time; rows of equal time keep their order.
    #[must_use]
    pub fn sorted_by_time(self, check: Check) -> Self {
        if self.times.is_sorted() {
            return self;
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        let ticker = ComparisonTicker::new(check);
        order.sort_by(|&i, &j| {
            ticker.step();
            self.times[i].cmp(&self.times[j])
        });
        self.permuted(&order)
    }

    /// Sorts the rows by time and then by the values, so that the result does not depend on the order in
    /// which rows were added.
    #[must_use]
    pub fn sorted_canonically(self, check: Check) -> Self {
        if self.times.is_sorted_by(|a, b| a < b) {
            return self;
        }
        let mut order: Vec<usize> = (0..self.len()).collect();
        let ticker = ComparisonTicker::new(check);
        order.sort_by(|&i, &j| {
            ticker.step();
            self.canonically(i, j)
        });
        self.permuted(&order)
    }

    /// Whether row `i` comes before row `j`: by time and then by the values.
    fn canonically(&self, i: usize, j: usize) -> Ordering {
        self.times[i].cmp(&self.times[j]).then_with(|| {
            let pairs = self.row(i).iter().zip(self.row(j));
            let differing = pairs.map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne());
            differing.unwrap_or(Ordering::Equal)
        })
    }

    /// The rows with only the given channels, in that order.
    #[must_use]
    pub fn select(&self, channels: &[usize], check: Check) -> Self {
        let rows = (0..self.len()).map(|i| {
            if i.is_multiple_of(ComparisonTicker::COMPARISONS_PER_CHECK as usize) {
                check();
            }
            self.row(i)
        });
        Self {
            channels: channels.len(),
            kind: self.kind,
            times: self.times.clone(),
            values: rows.flat_map(|r| channels.iter().map(|&c| r[c])).collect(),
            left_out: self.left_out,
        }
    }

    fn permuted(&self, order: &[usize]) -> Self {
        Self {
            channels: self.channels,
            kind: self.kind,
            times: order.iter().map(|&i| self.times[i]).collect(),
            values: order.iter().flat_map(|&i| self.row(i)).copied().collect(),
            left_out: self.left_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_another_width_and_infinite_values_are_refused() {
        let mut s = Samples::new(2).unwrap();
        assert_eq!(s.push(0, &[1.0]).unwrap_err().kind(), ErrorKind::Dimension);
        let e = s.push(0, &[1.0, f64::NEG_INFINITY]).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NotFinite);
        assert!(s.is_empty());
        assert_eq!(Samples::new(0).unwrap_err().kind(), ErrorKind::Dimension);
        let one = Samples::new(1).unwrap();
        assert_eq!(s.append(&one).unwrap_err().kind(), ErrorKind::Dimension);
    }

    #[test]
    fn canonical_order_does_not_depend_on_the_order_of_arrival() {
        let rows = [(3, 1.0), (1, f64::NAN), (1, -0.0), (1, 0.0), (2, 5.0)];
        let mut a = Samples::new(1).unwrap();
        let mut b = Samples::new(1).unwrap();
        for (t, v) in rows {
            a.push(t, &[v]).unwrap();
        }
        for (t, v) in rows.into_iter().rev() {
            b.push(t, &[v]).unwrap();
        }
        let bits = |s: &Samples| s.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let (a, b) = (a.sorted_canonically(&|| {}), b.sorted_canonically(&|| {}));
        assert_eq!(a.times(), b.times());
        assert_eq!(bits(&a), bits(&b));
    }

    #[test]
    fn the_latest_rows_stay_whatever_the_order_and_the_portions() {
        let all: Vec<(i64, [f64; 2])> = (0..300_i64)
            .map(|i| (i * 7919 % 101, [(i % 7) as f64, (i % 3) as f64]))
            .collect();
        let taken = |rows: &mut dyn Iterator<Item = &(i64, [f64; 2])>, portion: usize| {
            let mut kept = Samples::new(2).unwrap();
            for (n, (t, v)) in rows.enumerate() {
                kept.push(*t, v).unwrap();
                if n % portion == 0 {
                    kept.keep_latest(50, &|| {}).unwrap();
                }
            }
            kept.keep_latest(50, &|| {}).unwrap();
            kept.sorted_canonically(&|| {})
        };
        let at_once = taken(&mut all.iter(), 1000);
        assert_eq!((at_once.len(), at_once.left_out()), (50, 250));
        // 300 rows at 101 times: the last 16 times have 48 of them, two more come from the time before.
        assert!(at_once.times().iter().all(|t| *t >= 84), "{:?}", at_once.times());
        assert_eq!(at_once, taken(&mut all.iter().rev(), 60));
        let mut sorted = all.clone();
        sorted.sort_by_key(|r| r.0);
        assert_eq!(at_once, taken(&mut sorted.iter(), 51));
        let mut none = at_once;
        none.keep_latest(0, &|| {}).unwrap();
        assert_eq!((none.len(), none.values().len(), none.left_out()), (0, 0, 300));
    }

    #[test]
    fn where_there_is_no_room_rows_stay_as_they_are() {
        let mut rows = Samples::new(Samples::MAX_CHANNELS).unwrap();
        let row = vec![1.0; Samples::MAX_CHANNELS];
        rows.push(1, &row).unwrap();
        let before = rows.clone();
        let none = rows.make_room(1 << 50).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::OutOfMemory);
        assert!(none.hint().is_some());
        assert_eq!(rows, before);
    }

    #[test]
    fn sorting_by_time_keeps_rows_of_equal_time_in_order() {
        let mut s = Samples::new(1).unwrap();
        for (t, v) in [(2, 1.0), (1, 9.0), (1, 3.0)] {
            s.push(t, &[v]).unwrap();
        }
        let s = s.sorted_by_time(&|| {});
        assert_eq!(s.values(), [9.0, 3.0, 1.0]);
    }

    #[test]
    fn a_long_sort_can_be_cancelled() {
        let mut rows = Samples::new(1).unwrap();
        for i in 0..60_000_i64 {
            rows.push(i * 7919 % 60_013, &[0.0]).unwrap();
        }
        let stop = || panic!("cancelled");
        let latest = |mut rows: Samples, check: Check| {
            rows.keep_latest(10_000, check).unwrap();
            rows
        };
        let sorts: [fn(Samples, Check) -> Samples; 3] =
            [Samples::sorted_by_time, Samples::sorted_canonically, latest];
        for sort in sorts {
            let run = || sort(rows.clone(), &stop);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        }
    }
}
