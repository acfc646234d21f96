//! The arguments of the set-returning functions.

use crate::error::{Result, fail};
use crate::jsonb::RawJsonb;
use crate::memory::copy;
use crate::options::params;
use crate::spi::read_one;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use tsad_core::ValidParams;

/// What to score, with which models, and when.
pub(crate) struct Request {
    pub from: RowSource,
    pub time: String,
    pub values: Vec<String>,
    pub series: Vec<String>,
    pub models: Models,
    pub range: Range,
    pub detail: Detail,
    /// A condition on the rows, in SQL; columns are those of `t`.
    pub filter: Option<String>,
}

impl Request {
    /// The same, with what only explains.
    pub(crate) fn with(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }
}

/// The range of times that is returned, both ends included, in the unit of `given`.
#[derive(Default)]
pub(crate) struct Range {
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// How its times, and that before which to train, were given, if any were.
    pub given: Option<TimeUnit>,
}

impl Range {
    /// Whether it leaves anything out.
    pub(crate) fn is_bounded(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether a row with such a time belongs to it.
    pub(crate) fn contains(&self, time: Option<i64>) -> bool {
        match time {
            Some(time) => self.since.is_none_or(|s| time >= s) && self.until.is_none_or(|u| time <= u),
            None => !self.is_bounded(),
        }
    }
}

/// How times were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    /// As `timestamptz`, in microseconds.
    Timestamps,
    /// As integers, for a column of integers.
    Integers,
}

/// What is worked out beside scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Scores,
    /// The shares of views and channels too.
    Shares,
    /// Regimes and principal directions as well.
    All,
}

/// Where the rows are.
pub(crate) enum RowSource {
    Relation(pg_sys::Oid),
    /// The name of a relation, or a query.
    Text(String),
}

/// Where the models are.
pub(crate) enum Models {
    /// Nothing is scored.
    None,
    /// A table with the series columns and a column `model`.
    Table(pg_sys::Oid),
    /// One model for all series.
    One(Vec<u8>),
    /// Trained on the rows of each series before a time, in the unit of the range, and forgotten afterwards.
    Train(i64, Box<ValidParams>),
}

/// The arguments that `tsad.detect` and `tsad.events` have in common, in the order of sql/detect.sql; the three times
/// as integers stand from argument `integers` on.
///
/// # Safety
/// `fcinfo` must be that of a function declared so.
pub(crate) unsafe fn request(fcinfo: pg_sys::FunctionCallInfo, integers: usize) -> Result<Request> {
    // SAFETY: the caller vouches for the types of the arguments; a timestamptz is its microseconds.
    unsafe {
        let three =
            |n: usize| [n, n + 1, n + 2].map(|n| pgrx::pg_getarg_datum(fcinfo, n).map(|d| d.value() as i64));
        let (range, train_until) = range(three(6), three(integers))?;
        Ok(Request {
            models: models(
                pgrx::pg_getarg::<pg_sys::Oid>(fcinfo, 4),
                pgrx::pg_getarg::<&[u8]>(fcinfo, 5).map(copy).transpose()?,
                train_until,
                pgrx::pg_getarg::<RawJsonb>(fcinfo, 9),
            )?,
            range,
            ..rows_only(fcinfo)?
        })
    }
}

/// The range and the end of the training, of which each is given as timestamps or as integers.
fn range(timestamps: [Option<i64>; 3], integers: [Option<i64>; 3]) -> Result<(Range, Option<i64>)> {
    let any = |times: &[Option<i64>; 3]| times.iter().any(Option::is_some);
    let (given, [since, until, train_until]) = match (any(&timestamps), any(&integers)) {
        (true, true) => {
            return Err(invalid(
                "times were given both as timestamps and as integers",
                "Pass since, until and train_until where the time column is a time, since_seq, until_seq and \
                 train_until_seq where it is an integer.",
            ));
        }
        (true, false) => (Some(TimeUnit::Timestamps), timestamps),
        (false, true) => (Some(TimeUnit::Integers), integers),
        (false, false) => (None, timestamps),
    };
    let range = Range { since, until, given };
    Ok((range, train_until))
}

/// The first four arguments of all functions over tables: relation, time column, value columns, series columns.
///
/// # Safety
/// `fcinfo` must be that of a function declared so.
pub(crate) unsafe fn rows_only(fcinfo: pg_sys::FunctionCallInfo) -> Result<Request> {
    // SAFETY: the caller vouches for the types of the arguments; the first is text or regclass, the third text or
    // text[].
    unsafe {
        let from = if pgrx::pg_getarg_type(fcinfo, 0) == pg_sys::TEXTOID {
            pgrx::pg_getarg::<String>(fcinfo, 0).map(RowSource::Text)
        } else {
            pgrx::pg_getarg::<pg_sys::Oid>(fcinfo, 0).map(RowSource::Relation)
        };
        let values = if pgrx::pg_getarg_type(fcinfo, 2) == pg_sys::TEXTOID {
            columns(&required("value_column", pgrx::pg_getarg::<String>(fcinfo, 2))?)?
        } else {
            let list = pgrx::pg_getarg::<Vec<Option<String>>>(fcinfo, 2);
            names("value_columns", required("value_columns", list)?)?
        };
        if values.is_empty() {
            return Err(invalid(
                "value_columns is empty",
                "Name at least one value column.",
            ));
        }
        let series = pgrx::pg_getarg::<Vec<Option<String>>>(fcinfo, 3).unwrap_or_default();
        Ok(Request {
            from: required("relation", from)?,
            time: required("time_column", pgrx::pg_getarg::<String>(fcinfo, 1))?,
            values,
            series: names("series_columns", series)?,
            models: Models::None,
            range: Range::default(),
            detail: Detail::Scores,
            filter: None,
        })
    }
}

/// The value columns in a text: one name, or an array of names in braces.
fn columns(text: &str) -> Result<Vec<String>> {
    if !(text.starts_with('{') && text.ends_with('}')) {
        return Ok(vec![text.to_owned()]);
    }
    let list = read_one::<Vec<Option<String>>>("SELECT $1::pg_catalog.text[]", &[text.into()])?;
    names("value_columns", list.unwrap_or_default())
}

fn models(
    table: Option<pg_sys::Oid>,
    one: Option<Vec<u8>>,
    train_until: Option<i64>,
    options: Option<RawJsonb>,
) -> Result<Models> {
    if options.is_some() && train_until.is_none() {
        return Err(invalid(
            "options were given without train_until",
            "Options are those of the training; a model that was trained before has its own.",
        ));
    }
    match (table, one, train_until) {
        (Some(table), None, None) => Ok(Models::Table(table)),
        (None, Some(one), None) => Ok(Models::One(one)),
        (None, None, Some(until)) => Ok(Models::Train(until, Box::new(params(options.as_ref())?))),
        (None, None, None) => Err(invalid(
            "no model was given",
            "Pass models => 'a table with the series columns and a column model', model => a value that tsad.train \
             returned, or train_until => a time before which the rows are normal.",
        )),
        _ => Err(invalid(
            "more than one of models, model and train_until was given",
            "Pass models (a table, one model per series), model (one for all) or train_until (train now), not several.",
        )),
    }
}

/// The argument, which must not be NULL.
pub(crate) fn required<T>(name: &str, argument: Option<T>) -> Result<T> {
    argument.ok_or_else(|| {
        fail(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{name} is NULL"),
            "Pass a value, or leave the argument out if it has a default.",
        )
    })
}

fn names(argument: &str, list: Vec<Option<String>>) -> Result<Vec<String>> {
    list.into_iter().map(|name| required(argument, name)).collect()
}

pub(crate) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> pg_sys::panic::ErrorReport {
    fail(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, hint)
}
