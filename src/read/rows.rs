//! The rows of one series, and as the core takes them.

use super::source::Columns;
use crate::error::{Result, report};
use crate::interrupt::check;
use crate::jsonb::RawJsonb;
use crate::memory::guarded;
use tsad_core::Samples;

/// The rows of one series.
pub(crate) struct Rows {
    pub key: RawJsonb,
    /// Times as the core takes them, ascending; rows without time are last.
    pub times: Vec<Option<i64>>,
    /// The same as `timestamptz`, in microseconds; none where times are integers.
    pub display_time: Vec<Option<i64>>,
    /// Whether the time of a row is infinite.
    pub infinite: Vec<bool>,
    /// The values of each row; none where an array is NULL.
    pub values: Vec<Option<Vec<f64>>>,
}

impl Rows {
    /// Of a series, none so far.
    pub(crate) fn of(key: RawJsonb) -> Self {
        Self {
            key,
            times: Vec::new(),
            display_time: Vec::new(),
            infinite: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The time of row `i` in the unit in which requests give times: as a `timestamptz`, or the integer itself.
    pub(crate) fn in_request_unit(&self, i: usize) -> Option<i64> {
        self.display_time[i].or(self.times[i])
    }

    /// The number of values of the first row that has an array.
    pub(crate) fn width(&self) -> Option<usize> {
        self.values.iter().flatten().map(Vec::len).find(|n| *n > 0)
    }

    /// The number of rows that no later row can touch, given how far in time that reaches.
    pub(super) fn settled(&self, reach: i64) -> usize {
        let last = self.times.len().checked_sub(1);
        match last.and_then(|i| self.times[i].filter(|_| !self.infinite[i])) {
            Some(time) => self.before(time.saturating_sub(reach)),
            // Rows without a time come last.
            None => self.times.len(),
        }
    }

    /// The number of rows before a time.
    pub(super) fn before(&self, time: i64) -> usize {
        self.times.partition_point(|t| t.is_some_and(|t| t < time))
    }

    /// The rows from number `end` on, with those before them that touch them, and how many these are.
    pub(super) fn rest(&self, end: usize, reach: i64) -> Result<(Self, usize)> {
        let from = match self.times.get(end).copied().flatten() {
            Some(time) => self.before(time.saturating_sub(reach)),
            None => end,
        };
        let copy = || {
            (
                self.times[from..].to_vec(),
                self.display_time[from..].to_vec(),
                self.infinite[from..].to_vec(),
                self.values[from..].to_vec(),
            )
        };
        let (times, display_time, infinite, values) = guarded(copy)?;
        let rest = Self {
            key: self.key.clone(),
            times,
            display_time,
            infinite,
            values,
        };
        Ok((rest, end - from))
    }

    /// A time of the core as a `timestamptz`.
    pub(crate) fn shown_at(&self, time: i64) -> Option<i64> {
        self.display_time.get(self.before(time)).copied().flatten()
    }

    /// The first row at a time.
    pub(crate) fn at(&self, time: i64) -> Option<usize> {
        let at = self.before(time);
        let here = self.times.get(at).copied().flatten();
        (here == Some(time)).then_some(at)
    }
}

/// The rows of a series as the core takes them, those left out that have no finite time; and what is wrong with
/// single rows. Infinite values become gaps. The number of channels is that of the columns or, of an array, of the
/// first row that has one.
pub(crate) fn samples(
    columns: &Columns,
    rows: &Rows,
    count: Option<usize>,
) -> Result<(Samples, Vec<Option<&'static str>>)> {
    guarded(|| core_rows(columns, rows, count))?.map_err(report)
}

fn core_rows(
    columns: &Columns,
    rows: &Rows,
    count: Option<usize>,
) -> tsad_core::Result<(Samples, Vec<Option<&'static str>>)> {
    let channels = count.or_else(|| rows.width()).unwrap_or(1);
    let mut samples = Samples::new(channels)?.with_times(columns.time.kind());
    let mut messages = vec![None; rows.times.len()];
    let mut clean = vec![f64::NAN; channels];
    for (i, message) in messages.iter_mut().enumerate() {
        if i.is_multiple_of(1 << 14) {
            check();
        }
        clean.fill(f64::NAN);
        match &rows.values[i] {
            Some(values) if values.len() == channels => {
                for (c, v) in clean.iter_mut().zip(values) {
                    *c = if v.is_infinite() { f64::NAN } else { *v };
                }
                if values.iter().any(|v| v.is_infinite()) {
                    *message = Some("value is infinite");
                }
            }
            Some(_) => *message = Some("the row has another number of values than the others of its series"),
            None => {}
        }
        match rows.times[i] {
            _ if rows.infinite[i] => *message = Some("time is infinite"),
            Some(time) => samples.push(time, &clean)?,
            None => *message = Some("time is NULL"),
        }
    }
    Ok((samples, messages))
}
