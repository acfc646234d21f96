//! The rows of a request, series by series, and their scores.

use super::cursor::{Cursor, Row};
use super::models::{Finder, Found};
use super::request::{Detail, Models, Request, invalid};
use super::source::{Columns, Source};
use crate::error::{Result, report};
use crate::inspect::model_version;
use crate::jsonb::RawJsonb;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use tsad_core::{Model, Point, Samples, Status};

/// The rows of one series.
pub(super) struct Rows {
    pub key: RawJsonb,
    /// Times as the core takes them, ascending; rows without time are last.
    pub times: Vec<Option<i64>>,
    /// The same as `timestamptz`, in microseconds; none where times are integers.
    pub shown: Vec<Option<i64>>,
    /// Whether the time of a row is infinite.
    pub infinite: Vec<bool>,
    /// The values of each row; none where an array is NULL.
    pub values: Vec<Option<Vec<f64>>>,
}

impl Rows {
    /// The time of row `i` in the unit in which requests give times: as a `timestamptz`, or the integer itself.
    pub(super) fn asked(&self, i: usize) -> Option<i64> {
        self.shown[i].or(self.times[i])
    }

    /// The number of values of the first row that has an array.
    fn width(&self) -> Option<usize> {
        self.values.iter().flatten().map(Vec::len).find(|n| *n > 0)
    }

    /// The number of rows that no later row can touch, given how far in time that reaches.
    fn settled(&self, reach: i64) -> usize {
        let last = self.times.len().checked_sub(1);
        match last.and_then(|i| self.times[i].filter(|_| !self.infinite[i])) {
            Some(time) => self.before(time.saturating_sub(reach)),
            // Rows without a time come last.
            None => self.times.len(),
        }
    }

    /// The number of rows before a time.
    fn before(&self, time: i64) -> usize {
        self.times.partition_point(|t| t.is_some_and(|t| t < time))
    }

    /// The rows from number `end` on, with those before them that touch them, and how many these are.
    fn rest(&self, end: usize, reach: i64) -> (Self, usize) {
        let from = match self.times.get(end).copied().flatten() {
            Some(time) => self.before(time.saturating_sub(reach)),
            None => end,
        };
        let rest = Self {
            key: self.key.clone(),
            times: self.times[from..].to_vec(),
            shown: self.shown[from..].to_vec(),
            infinite: self.infinite[from..].to_vec(),
            values: self.values[from..].to_vec(),
        };
        (rest, end - from)
    }

    /// A time of the core as a `timestamptz`.
    pub(super) fn shown_at(&self, time: i64) -> Option<i64> {
        let at = self.times.partition_point(|t| t.is_some_and(|t| t < time));
        self.shown.get(at).copied().flatten()
    }
}

/// The scores of one series, or of a part of it.
pub(super) struct Scored {
    pub rows: Rows,
    /// The rows that count; those around them are read for the sake of the windows.
    pub range: Range<usize>,
    /// Whether no further part of the series follows.
    pub is_last: bool,
    pub model: Option<Rc<Model>>,
    /// What tells the model from others, where everything is wanted.
    pub version: Option<String>,
    /// One per row.
    pub points: Vec<Point>,
    /// Why a row was not scored, where there is more to say than its status.
    pub messages: Messages,
}

/// Messages of rows.
pub(super) struct Messages {
    /// Of the whole series.
    pub series: Option<String>,
    /// Of single rows.
    pub rows: Vec<Option<&'static str>>,
}

/// A longer series is scored in parts, where only its scores are wanted, so that memory does not grow with it.
const MOST_ROWS: usize = 100_000;

/// Calls `each` for every series of a request in turn, with the scores of all its rows that were read, among
/// them some before `since` and after `until`.
pub(super) fn for_each_series(
    request: &Request,
    each: impl FnMut(&Columns, Scored) -> Result<()>,
) -> Result<()> {
    for_each(request, usize::MAX, each)
}

/// The same, in parts of a series in the order of time. The parts overlap by what windows reach, so that scores are
/// those of the whole series. Where a model is trained on the rows themselves there is one part.
pub(super) fn for_each_part(
    request: &Request,
    each: impl FnMut(&Columns, Scored) -> Result<()>,
) -> Result<()> {
    match request.models {
        Models::Train(..) => for_each(request, usize::MAX, each),
        _ => for_each(request, MOST_ROWS, each),
    }
}

fn for_each(
    request: &Request,
    most: usize,
    mut each: impl FnMut(&Columns, Scored) -> Result<()>,
) -> Result<()> {
    let source = Source::new(request)?;
    Spi::connect(|_| {
        let columns = &source.columns;
        let channels = columns.channels();
        // SAFETY: within an SPI connection.
        let finder = unsafe { Finder::new(request, channels)? };
        let reach = if request.range.is_bounded() {
            // SAFETY: as above.
            unsafe { finder.reach()? }
        } else {
            0
        };
        // SAFETY: as above.
        let mut reader = unsafe { Reader::open(&source, request, reach) };
        while let Some(mut rows) = reader.begin()? {
            let mut more = reader.read(&mut rows, most)?;
            let width = channels.or_else(|| rows.width());
            let found = {
                let (samples, _) = samples(columns, &rows, width)?;
                // SAFETY: as above.
                unsafe { finder.find(&rows, &samples)? }
            };
            let reach = found.reach();
            let mut begin = 0;
            loop {
                let end = if more {
                    rows.settled(reach)
                } else {
                    rows.times.len()
                };
                if end <= begin && more {
                    // The windows reach further than what was read.
                    let longer = rows.times.len().saturating_add(most);
                    more = reader.read(&mut rows, longer)?;
                    continue;
                }
                let rest = more.then(|| rows.rest(end, reach));
                let (samples, messages) = samples(columns, &rows, width)?;
                let scored = score(rows, samples, messages, found.clone(), request.detail)?;
                each(
                    columns,
                    Scored {
                        range: begin..end,
                        is_last: !more,
                        ..scored
                    },
                )?;
                let Some((next, first)) = rest else {
                    break;
                };
                (rows, begin) = (next, first);
                let longer = rows.times.len().saturating_add(most);
                more = reader.read(&mut rows, longer)?;
            }
        }
        reader.cursor.close();
        Ok(())
    })
}

/// Calls `each` for every series of a request in turn, with its rows as the core takes them and what is wrong with
/// single rows.
pub(super) fn for_each_rows(
    request: &Request,
    mut each: impl FnMut(&Source, Rows, Samples, &[Option<&'static str>]) -> Result<()>,
) -> Result<()> {
    let source = Source::new(request)?;
    Spi::connect(|_| {
        // SAFETY: within an SPI connection.
        let mut reader = unsafe { Reader::open(&source, request, 0) };
        while let Some(rows) = reader.next_series()? {
            let columns = &source.columns;
            let (samples, messages) = samples(columns, &rows, columns.channels())?;
            each(&source, rows, samples, &messages)?;
        }
        reader.cursor.close();
        Ok(())
    })
}

/// The time of a row.
struct Time {
    /// As the core takes it; at the end of the range if infinite.
    core: Option<i64>,
    shown: Option<i64>,
    infinite: bool,
}

/// Reads rows and cuts them into series.
struct Reader<'a> {
    source: &'a Source,
    cursor: Cursor,
    batch: VecDeque<(RawJsonb, Time, Option<Vec<f64>>)>,
    seen: BTreeSet<RawJsonb>,
}

impl<'a> Reader<'a> {
    unsafe fn open(source: &'a Source, request: &Request, reach: i64) -> Self {
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
        let cursor = unsafe { Cursor::open(&source.query, &parameters) };
        Self {
            source,
            cursor,
            batch: VecDeque::new(),
            seen: BTreeSet::new(),
        }
    }

    fn next_series(&mut self) -> Result<Option<Rows>> {
        let Some(mut rows) = self.begin()? else {
            return Ok(None);
        };
        self.read(&mut rows, usize::MAX)?;
        Ok(Some(rows))
    }

    /// Begins with the next series, of which no row is read yet.
    fn begin(&mut self) -> Result<Option<Rows>> {
        if self.batch.is_empty() && !self.fill()? {
            return Ok(None);
        }
        let Some((key, ..)) = self.batch.front() else {
            return Ok(None);
        };
        let key = key.clone();
        if !self.seen.insert(key.clone()) {
            return Err(invalid(
                format!("series {} comes in several pieces", key.text()),
                "A series column takes different values for equal, for example by its collation; cast it to text in a view.",
            ));
        }
        Ok(Some(Rows {
            key,
            times: Vec::new(),
            shown: Vec::new(),
            infinite: Vec::new(),
            values: Vec::new(),
        }))
    }

    /// Reads rows of the series that `rows` are of until there are `most`; whether it has more.
    fn read(&mut self, rows: &mut Rows, most: usize) -> Result<bool> {
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
                rows.times.push(time.core);
                rows.shown.push(time.shown);
                rows.infinite.push(time.infinite);
                rows.values.push(values);
            }
        }
    }

    /// Reads another batch; false at the end.
    fn fill(&mut self) -> Result<bool> {
        pgrx::check_for_interrupts!();
        let columns = &self.source.columns;
        let (batch, array, time_type) = (&mut self.batch, columns.array, columns.time);
        self.cursor.batch(|row| {
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
            let shown = row.datum(4).map(|d| d.value() as i64);
            let time = Time {
                core: value.and_then(|v| v.ok()).or(shown.filter(|_| value.is_some())),
                shown,
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

/// The rows of a series as the core takes them, those left out that have no finite time; and what is wrong with
/// single rows. Infinite values become gaps. The number of channels is that of the columns or, of an array, of the
/// first row that has one.
pub(super) fn samples(
    columns: &Columns,
    rows: &Rows,
    count: Option<usize>,
) -> Result<(Samples, Vec<Option<&'static str>>)> {
    let channels = count.or_else(|| rows.width()).unwrap_or(1);
    let mut samples = Samples::new(channels)
        .map_err(report)?
        .with_times(columns.time.kind());
    let mut messages = vec![None; rows.times.len()];
    let mut clean = vec![f64::NAN; channels];
    for (i, message) in messages.iter_mut().enumerate() {
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
            Some(time) => samples.push(time, &clean).map_err(report)?,
            None => *message = Some("time is NULL"),
        }
    }
    Ok((samples, messages))
}

/// Scores the rows of a series, with as much detail as is wanted. Whatever is wrong with the
/// series or a row becomes a status and a message.
pub(super) fn score(
    rows: Rows,
    samples: Samples,
    messages: Vec<Option<&'static str>>,
    found: Found,
    detail: Detail,
) -> Result<Scored> {
    let unscored = |rows: Rows, messages, status: Status, message: String| Scored {
        points: rows
            .shown
            .iter()
            .map(|t| Point::unscored(t.unwrap_or(0), status))
            .collect(),
        messages: Messages {
            series: Some(message),
            rows: messages,
        },
        model: None,
        version: None,
        range: 0..rows.times.len(),
        is_last: true,
        rows,
    };
    let model = match found {
        Found::Model(model) => model,
        Found::None => {
            let message = "there is no model for this series".to_owned();
            return Ok(unscored(rows, messages, Status::UnseenSeries, message));
        }
        Found::Broken(why) => return Ok(unscored(rows, messages, Status::Error, why)),
    };
    let check = || {
        pgrx::check_for_interrupts!();
    };
    let scored = match detail {
        Detail::Scores => tsad_core::score_only(&model, samples, &check),
        Detail::Shares => tsad_core::score_with_shares(&model, samples, &check),
        Detail::All => tsad_core::score(&model, samples, &check),
    };
    let version = match detail {
        Detail::All => Some(model_version(&model).map_err(report)?),
        Detail::Scores | Detail::Shares => None,
    };
    let mut scored = match scored {
        Ok(points) => points.into_iter(),
        Err(e) => return Ok(unscored(rows, messages, Status::Error, e.message().to_owned())),
    };
    let point = |i: usize| {
        let timed = rows.times[i].is_some() && !rows.infinite[i];
        let point = if timed { scored.next() } else { None };
        match point {
            Some(point) if messages[i].is_none() => point,
            _ => Point::unscored(rows.times[i].unwrap_or(0), Status::Error),
        }
    };
    Ok(Scored {
        points: (0..rows.times.len()).map(point).collect(),
        messages: Messages {
            series: model.untrained_reason().map(str::to_owned),
            rows: messages,
        },
        version,
        model: Some(model),
        range: 0..rows.times.len(),
        is_last: true,
        rows,
    })
}
