//! What users are told of their rows where nothing is wrong with the call.

use crate::error::fail;
use pgrx::PgLogLevel;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

/// That some value columns do not train, given the names of all columns and the numbers of these, from 0; none where
/// all do. Columns without a name are called by their number, from 1.
pub(crate) fn left_out(names: &[String], columns: &[usize]) -> Option<String> {
    if columns.is_empty() {
        return None;
    }
    let name = |c: &usize| match names.get(*c) {
        Some(name) => format!("\"{name}\""),
        None => (c + 1).to_string(),
    };
    let (noun, verb) = match columns.len() {
        1 => ("column", "is"),
        _ => ("columns", "are"),
    };
    let list: Vec<String> = columns.iter().map(name).collect();
    let list = list.join(", ");
    Some(format!(
        "value {noun} {list} {verb} left out: a value in fewer than half of the training rows"
    ))
}

/// A notice of [`left_out`].
pub(crate) fn say_left_out(names: &[String], columns: &[usize]) {
    if let Some(message) = left_out(names, columns) {
        fail(
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            message,
            "Changes of such a column are no anomalies. Train on the rows that have it, or on it alone.",
        )
        .report(PgLogLevel::NOTICE);
    }
}

/// Whether so many rows have the time of another one that they may be those of several series.
pub(crate) fn are_mixed(shared: usize, rows: usize) -> bool {
    shared.saturating_mul(10) > rows
}

/// A warning that rows were averaged that may be those of several series; `what` says whose rows they are.
pub(crate) fn warn_mixed(what: &str, shared: usize, rows: usize, hint: &str) {
    fail(
        PgSqlErrorCode::ERRCODE_WARNING,
        format!("{shared} of {rows} rows{what} have the time of another row: they are averaged"),
        hint,
    )
    .report(PgLogLevel::WARNING);
}
