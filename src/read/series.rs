//! The rows of a request, series by series, and their scores.

use super::models::{Finder, Found, Lookup};
use super::reader::Reader;
use super::request::{Detail, Models, Request};
use super::rows::{Rows, samples};
use super::source::{Columns, Source};
use super::training::Training;
use crate::error::{Result, fail, report, shown};
use crate::inspect::model_version;
use crate::interrupt::check;
use crate::jsonb::RawJsonb;
use crate::memory::guarded;
use crate::notes::{are_mixed, left_out, warn_mixed};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use std::ops::Range;
use std::rc::Rc;
use tsad_core::{ErrorKind, Model, Point, Samples, Status};

/// The scores of one series, or of a part of it.
pub(crate) struct Scored {
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

impl Scored {
    /// Says that the series gave no episodes because it was not scored.
    pub(crate) fn warn(&self) {
        let why = self.messages.series.as_deref().unwrap_or_default();
        fail(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("series {} was not scored: {why}", shown(&self.rows.key.text())),
            "tsad.detect tells the status of every row.",
        )
        .report(PgLogLevel::WARNING);
    }
}

/// Messages of rows.
pub(crate) struct Messages {
    /// Of the whole series.
    pub series: Option<String>,
    /// Of single rows.
    pub rows: Vec<Option<&'static str>>,
    /// Which values of its rows have no part in their scores.
    pub unused: Option<String>,
}

/// A longer series is read and scored in parts, so that memory does not grow with it.
const MAX_ROWS: usize = 100_000;

/// Calls `each` for every series of a request in turn, with the scores of its rows in parts, in the order of time; among
/// them are some before `since` and after `until`. The parts overlap by what windows reach, so that scores are those of
/// the whole series.
pub(crate) fn for_each_part(
    request: &Request,
    mut each: impl FnMut(&Columns, Scored) -> Result<()>,
) -> Result<()> {
    for_each_series(request, false, |series| {
        series.parts(|part| each(part.columns, part.score(request.detail)?))
    })
}

/// Calls `each` for every series of a request in turn. It must go through the parts of the series once, and may do so
/// again if it said so before.
pub(crate) fn for_each_series(
    request: &Request,
    again: bool,
    mut each: impl FnMut(&mut Series) -> Result<()>,
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
        let may_go_back = again || matches!(request.models, Models::Train(..));
        // SAFETY: as above.
        let mut reader = unsafe { Reader::open(&source, request, reach, may_go_back) };
        let mut mixed = Mixed::default();
        while let Some(key) = reader.begin()? {
            let start = reader.position();
            let mut rows = Rows::of(key.clone());
            let more = reader.read(&mut rows, MAX_ROWS)?;
            mixed.look_at(&rows);
            // SAFETY: as above.
            let (found, width) = match unsafe { finder.find(&key)? } {
                Lookup::Found(found) => (found, channels.or_else(|| rows.width())),
                Lookup::Train(until, params) => {
                    let training = Training::new(until, params, columns);
                    let (model, width) = training.train(&rows, more, &mut reader)?;
                    (Found::Model(Rc::new(model)), width)
                }
            };
            each(&mut Series {
                key,
                start,
                first: Some((rows, more)),
                columns,
                width: width.or_else(|| found.channels()),
                found,
                reader: &mut reader,
            })?;
        }
        reader.close();
        mixed.warn();
        Ok(())
    })
}

/// The series so many rows of which share their time that they may be several; a long one is judged by its first part.
#[derive(Default)]
struct Mixed {
    /// The number of such series.
    count: usize,
    /// The first one, its rows that have the time of another, and its rows.
    first: Option<(RawJsonb, usize, usize)>,
}

impl Mixed {
    fn look_at(&mut self, rows: &Rows) {
        let shared = rows.times.windows(2).filter(|w| w[0].is_some() && w[0] == w[1]);
        let shared = shared.count();
        if are_mixed(shared, rows.times.len()) {
            self.count += 1;
            let first = || (rows.key.clone(), shared, rows.times.len());
            self.first.get_or_insert_with(first);
        }
    }

    /// One warning, for however many series.
    fn warn(&self) {
        let Some((key, shared, rows)) = &self.first else {
            return;
        };
        let others = match self.count - 1 {
            0 => String::new(),
            1 => " (and of one other series)".to_owned(),
            n => format!(" (and of {n} other series)"),
        };
        let what = format!(" of series {}{others}", shown(&key.text()));
        let hint = "If several series are mixed, name the columns that tell them apart in series_columns.";
        warn_mixed(&what, *shared, *rows, hint);
    }
}

/// One series of a request and its model.
pub(crate) struct Series<'a, 'b> {
    key: RawJsonb,
    /// The number of rows read before it.
    start: u64,
    /// Its first rows and whether it has more, once.
    first: Option<(Rows, bool)>,
    columns: &'a Columns,
    width: Option<usize>,
    found: Found,
    reader: &'a mut Reader<'b>,
}

impl<'a> Series<'a, '_> {
    /// Calls `each` for its parts in the order of time.
    pub(crate) fn parts(&mut self, mut each: impl FnMut(Part<'a>) -> Result<()>) -> Result<()> {
        let (mut rows, mut more) = match self.first.take() {
            Some(first) => first,
            None => {
                self.reader.go_to(self.start);
                let mut rows = Rows::of(self.key.clone());
                let more = self.reader.read(&mut rows, MAX_ROWS)?;
                (rows, more)
            }
        };
        let reach = self.found.reach();
        let mut begin = 0;
        loop {
            let end = if more {
                rows.settled(reach)
            } else {
                rows.times.len()
            };
            if end <= begin && more {
                // The windows reach further than what was read.
                let longer = rows.times.len().saturating_add(MAX_ROWS);
                more = self.reader.read(&mut rows, longer)?;
                continue;
            }
            let rest = more.then(|| rows.rest(end, reach)).transpose()?;
            each(Part {
                rows,
                range: begin..end,
                is_last: !more,
                columns: self.columns,
                width: self.width,
                found: self.found.clone(),
            })?;
            let Some((next, first)) = rest else {
                return Ok(());
            };
            (rows, begin) = (next, first);
            let longer = rows.times.len().saturating_add(MAX_ROWS);
            more = self.reader.read(&mut rows, longer)?;
        }
    }
}

/// A part of a series, not yet scored.
pub(crate) struct Part<'a> {
    pub rows: Rows,
    /// The rows that count; those around them are read for the sake of the windows.
    pub range: Range<usize>,
    /// Whether no further part of the series follows.
    pub is_last: bool,
    pub columns: &'a Columns,
    width: Option<usize>,
    found: Found,
}

impl Part<'_> {
    /// Whether it is the whole series.
    pub(crate) fn is_all(&self) -> bool {
        self.is_last && self.range == (0..self.rows.times.len())
    }

    pub(crate) fn score(self, detail: Detail) -> Result<Scored> {
        let (samples, messages) = samples(self.columns, &self.rows, self.width)?;
        let scored = score(self.columns, self.rows, samples, messages, self.found, detail)?;
        Ok(Scored {
            range: self.range,
            is_last: self.is_last,
            ..scored
        })
    }
}

/// Calls `each` for every series of a request in turn, with its rows as the core takes them and what is wrong with
/// single rows.
pub(crate) fn for_each_rows(
    request: &Request,
    mut each: impl FnMut(&Source, Rows, Samples, &[Option<&'static str>]) -> Result<()>,
) -> Result<()> {
    let source = Source::new(request)?;
    Spi::connect(|_| {
        // SAFETY: within an SPI connection.
        let mut reader = unsafe { Reader::open(&source, request, 0, false) };
        while let Some(key) = reader.begin()? {
            let mut rows = Rows::of(key);
            reader.read(&mut rows, usize::MAX)?;
            let columns = &source.columns;
            let (samples, messages) = samples(columns, &rows, columns.channels())?;
            each(&source, rows, samples, &messages)?;
        }
        reader.close();
        Ok(())
    })
}

/// Scores the rows of a series, with as much detail as is wanted. Whatever is wrong with the
/// series or a row becomes a status and a message.
pub(crate) fn score(
    columns: &Columns,
    rows: Rows,
    samples: Samples,
    messages: Vec<Option<&'static str>>,
    found: Found,
    detail: Detail,
) -> Result<Scored> {
    let unscored = |rows: Rows, messages, status: Status, message: String| {
        let point = |t: &Option<i64>| Point::unscored(t.unwrap_or(0), status);
        Ok(Scored {
            points: guarded(|| rows.display_time.iter().map(point).collect())?,
            messages: Messages {
                series: Some(message),
                rows: messages,
                unused: None,
            },
            model: None,
            version: None,
            range: 0..rows.times.len(),
            is_last: true,
            rows,
        })
    };
    let model = match found {
        Found::Model(model) => model,
        Found::None => {
            let message = "there is no model for this series".to_owned();
            return unscored(rows, messages, Status::UnseenSeries, message);
        }
        Found::Broken(why) => return unscored(rows, messages, Status::Error, why),
    };
    let score = || {
        let scored = match detail {
            Detail::Scores => tsad_core::score_only(&model, samples.clone(), &check),
            Detail::Shares => tsad_core::score_with_shares(&model, samples.clone(), &check),
            Detail::All => tsad_core::score(&model, samples.clone(), &check),
        };
        let mut scored = scored?.into_iter();
        let point = |i: usize| {
            let timed = rows.times[i].is_some() && !rows.infinite[i];
            let point = if timed { scored.next() } else { None };
            match point {
                Some(point) if messages[i].is_none() => point,
                _ => Point::unscored(rows.times[i].unwrap_or(0), Status::Error),
            }
        };
        Ok::<Vec<Point>, tsad_core::Error>((0..rows.times.len()).map(point).collect())
    };
    let points = match guarded(score)? {
        Ok(points) => points,
        Err(e) if e.kind() == ErrorKind::OutOfMemory => return Err(report(e)),
        Err(e) => return unscored(rows, messages, Status::Error, e.message().to_owned()),
    };
    let version = match detail {
        Detail::All => Some(guarded(|| model_version(&model))?.map_err(report)?),
        Detail::Scores | Detail::Shares => None,
    };
    Ok(Scored {
        points,
        messages: Messages {
            series: model.untrained_reason().map(str::to_owned),
            rows: messages,
            unused: left_out(&columns.names, &model.channels_left_out()),
        },
        version,
        model: Some(model),
        range: 0..rows.times.len(),
        is_last: true,
        rows,
    })
}
