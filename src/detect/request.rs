//! The arguments of the set-returning functions.

use crate::error::{Result, fail};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

/// What to score, with which models, and when.
pub(super) struct Request {
    pub relation: pg_sys::Oid,
    pub time: String,
    pub values: Vec<String>,
    pub series: Vec<String>,
    pub models: Models,
    /// Rows from this time on, in microseconds.
    pub since: Option<i64>,
    /// Rows up to and including this time, in microseconds.
    pub until: Option<i64>,
}

/// Where the models are.
pub(super) enum Models {
    /// A table with the series columns and a column `model`.
    Table(pg_sys::Oid),
    /// One model for all series.
    One(Vec<u8>),
}

/// The arguments that `tsad.detect` and `tsad.events` have in common, in the order of sql/detect.sql.
///
/// # Safety
/// `fcinfo` must be that of a function declared so.
pub(super) unsafe fn request(fcinfo: pg_sys::FunctionCallInfo, several: bool) -> Result<Request> {
    // SAFETY: the caller vouches for the types of the arguments.
    unsafe {
        let value_columns = if several {
            pgrx::pg_getarg::<Vec<Option<String>>>(fcinfo, 2)
        } else {
            pgrx::pg_getarg::<String>(fcinfo, 2).map(|v| vec![Some(v)])
        };
        let values = names("value_columns", required("value_column", value_columns)?)?;
        if values.is_empty() {
            return Err(invalid(
                "value_columns is empty",
                "Name at least one value column.",
            ));
        }
        let series = pgrx::pg_getarg::<Vec<Option<String>>>(fcinfo, 3).unwrap_or_default();
        Ok(Request {
            relation: required("relation", pgrx::pg_getarg::<pg_sys::Oid>(fcinfo, 0))?,
            time: required("time_column", pgrx::pg_getarg::<String>(fcinfo, 1))?,
            values,
            series: names("series_columns", series)?,
            models: models(
                pgrx::pg_getarg::<pg_sys::Oid>(fcinfo, 4),
                pgrx::pg_getarg::<Vec<u8>>(fcinfo, 5),
            )?,
            since: pgrx::pg_getarg_datum(fcinfo, 6).map(|d| d.value() as i64),
            until: pgrx::pg_getarg_datum(fcinfo, 7).map(|d| d.value() as i64),
        })
    }
}

fn models(table: Option<pg_sys::Oid>, one: Option<Vec<u8>>) -> Result<Models> {
    match (table, one) {
        (Some(table), None) => Ok(Models::Table(table)),
        (None, Some(one)) => Ok(Models::One(one)),
        (None, None) => Err(invalid(
            "no model was given",
            "Pass models => 'a table with the series columns and a column model', or model => a value that tsad.train returned.",
        )),
        (Some(_), Some(_)) => Err(invalid(
            "both models and model were given",
            "Pass models (a table, one model per series) or model (one for all), not both.",
        )),
    }
}

/// The argument, which must not be NULL.
pub(super) fn required<T>(name: &str, argument: Option<T>) -> Result<T> {
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

pub(super) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> pg_sys::panic::ErrorReport {
    fail(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, hint)
}
