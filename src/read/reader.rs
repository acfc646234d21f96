//! The rows of a request as they are read, series after series.

use super::cursor::{Cursor, Row};
use super::request::{Request, invalid};
use super::rows::Rows;
use super::source::Source;
use crate::error::{Result, shown};
use crate::interrupt::check;
use crate::jsonb::RawJsonb;
use crate::memory::{push, spare};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::{BTreeSet, VecDeque};

/// The time of a row.
struct Time {
    /// As the core takes it; at the end of the range if infinite.
    core: Option<i64>,
    display_time: Option<i64>,
    infinite: bool,
}

/// Reads rows and cuts them into series.
pub(crate) struct Reader<'a> {
    source: &'a Source,
    cursor: Cursor,
    /// The number of rows that were handed out.
    position: u64,
    batch: VecDeque<(RawJsonb, Time, Option<Vec<f64>>)>,
    seen: BTreeSet<RawJsonb>,
}

impl<'a> Reader<'a> {
    /// Begins with the rows of a request, and those that lie up to `reach` before and after its range.
    ///
    /// # Safety
    /// There must be an SPI connection.
    pub(crate) unsafe fn open(source: &'a Source, request: &Request, reach: i64, may_go_back: bool) -> Self {
        // Infinite bounds stay as they are.
        let moved = |t: i64, by: i64| {
            if t == i64::MIN || t == i64::MAX {
                t
            } else {
                t.saturating_add(by)
            }
        };
        let oid = match source.columns.time.is_integer() {
            true => pg_sys::INT8OID,
            false => pg_sys::TIMESTAMPTZOID,
        };
        let parameter = |t: Option<i64>| (oid, t.map(pg_sys::Datum::from));
        let parameters = [
            parameter(request.range.since.map(|t| moved(t, -reach))),
            parameter(request.range.until.map(|t| moved(t, reach))),
        ];
        // SAFETY: as above; the parameters are timestamps or integers, as the column is.
        let cursor = unsafe { Cursor::open(&source.query, &parameters, may_go_back) };
        Self {
            source,
            cursor,
            position: 0,
            batch: VecDeque::new(),
            seen: BTreeSet::new(),
        }
    }

    /// The number of rows read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Goes back to where that many rows were read.
    pub(crate) fn go_to(&mut self, position: u64) {
        self.batch.clear();
        self.cursor.go_to(position);
        self.position = position;
    }

    pub(crate) fn close(self) {
        self.cursor.close();
    }

    /// The key of the next series, of which no row is read yet.
    pub(crate) fn begin(&mut self) -> Result<Option<RawJsonb>> {
        if self.batch.is_empty() && !self.fill()? {
            return Ok(None);
        }
        let Some((key, ..)) = self.batch.front() else {
            return Ok(None);
        };
        let key = key.clone();
        if !self.seen.insert(key.clone()) {
            return Err(invalid(
                format!("series {} comes in several pieces", shown(&key.text())),
                "A series column takes different values for equal, for example by its collation; cast it to text in a view.",
            ));
        }
        Ok(Some(key))
    }

    /// Reads rows of the series that `rows` are of until there are `most`; whether it has more.
    pub(crate) fn read(&mut self, rows: &mut Rows, most: usize) -> Result<bool> {
        loop {
            if self.batch.is_empty() && !self.fill()? {
                return Ok(false);
            }
            if self.batch.front().is_none_or(|(key, ..)| *key != rows.key) {
                return Ok(false);
            }
            if rows.times.len() >= most {
                return Ok(true);
            }
            while let Some((_, time, values)) = self
                .batch
                .pop_front_if(|(key, ..)| *key == rows.key && rows.times.len() < most)
            {
                self.position += 1;
                push(&mut rows.times, time.core)?;
                push(&mut rows.display_time, time.display_time)?;
                push(&mut rows.infinite, time.infinite)?;
                push(&mut rows.values, values)?;
            }
        }
    }

    /// Reads another batch; false at the end.
    fn fill(&mut self) -> Result<bool> {
        check();
        spare()?;
        let columns = &self.source.columns;
        let (batch, array, time_type) = (&mut self.batch, columns.array, columns.time);
        self.cursor.batch(|row| {
            spare()?;
            // SAFETY: the first column of the query is a jsonb that is never NULL.
            let key = row.datum(1).map(|d| unsafe { RawJsonb::copy(d) });
            let key = key.ok_or_else(|| {
                invalid(
                    "a series has no key",
                    "This is a fault of pg_tsad; please report it.",
                )
            })?;
            let key = batch
                .back()
                .map(|(last, ..)| last)
                .filter(|last| **last == key)
                .cloned()
                .unwrap_or(key);
            let value = row.datum(2).map(|d| time_type.value(d));
            let display_time = row.datum(4).map(|d| d.value() as i64);
            let time = Time {
                core: value
                    .and_then(|v| v.ok())
                    .or(display_time.filter(|_| value.is_some())),
                display_time,
                infinite: value.is_some_and(|v| v.is_err()),
            };
            batch.push_back((key, time, values(&row, array)));
            Ok(())
        })
    }
}

fn values(row: &Row, array: bool) -> Option<Vec<f64>> {
    let datum = row.datum(3);
    if array {
        // SAFETY: the column is a float8[].
        let list = unsafe { Vec::<Option<f64>>::from_datum(datum?, false) };
        return list.map(|list| list.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect());
    }
    // SAFETY: the column is a float8.
    let value = datum.and_then(|d| unsafe { f64::from_datum(d, false) });
    Some(vec![value.unwrap_or(f64::NAN)])
}
