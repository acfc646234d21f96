//! From the core's errors to PostgreSQL's: the one place that knows SQLSTATEs.

use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use std::borrow::Cow;
use tsad_core::{Error, ErrorKind};

/// What every SQL function returns: an error report keeps its SQLSTATE and hint on the way out.
pub(crate) type Result<T> = std::result::Result<T, ErrorReport>;

/// An error of the adapter itself.
#[track_caller]
pub(crate) fn fail(code: PgSqlErrorCode, message: impl Into<String>, hint: impl Into<String>) -> ErrorReport {
    let (message, hint) = (message.into(), hint.into());
    ErrorReport::new(code, bounded(&message), "pg_tsad").set_hint(bounded(&hint))
}

/// An error of the core.
#[track_caller]
pub(crate) fn report(error: Error) -> ErrorReport {
    let report = ErrorReport::new(code_of(error.kind()), bounded(error.message()), "pg_tsad");
    match error.hint() {
        Some(hint) => report.set_hint(bounded(hint)),
        None => report,
    }
}

/// An error of the server interface: the query of ours that failed is a fault of ours.
#[track_caller]
pub(crate) fn internal(error: pgrx::spi::Error) -> ErrorReport {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        format!("could not read rows: {error}"),
        "pg_tsad",
    )
}

/// The most characters of a value of a user's in a message. tsad._shown has the same.
const MAX_SHOWN: usize = 100;
/// The most characters of a message or hint: what a user wrote may be of any length, and logs take all of it.
const LONGEST: usize = 2000;

/// The beginning of a value of a user's, such as the key of a series, for a message.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    beginning(text, MAX_SHOWN)
}

fn bounded(text: &str) -> String {
    beginning(text, LONGEST).into_owned()
}

fn beginning(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

fn code_of(kind: ErrorKind) -> PgSqlErrorCode {
    match kind {
        ErrorKind::InvalidParameter | ErrorKind::TooLittleData => {
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE
        }
        ErrorKind::NotFinite => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        ErrorKind::NullTime => PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        ErrorKind::Dimension => PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
        ErrorKind::Corrupt => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
        ErrorKind::Newer => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        ErrorKind::Limit => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        ErrorKind::OutOfMemory => PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
        _ => PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
    }
}

/// The names nearest to a misspelt one, as the beginning of a hint; empty where none is near.
pub(crate) fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut near: Vec<(usize, &str)> = known
        .map(|k| {
            (
                strsim::damerau_levenshtein(&wanted.to_lowercase(), &k.to_lowercase()),
                k,
            )
        })
        .filter(|(distance, k)| *distance <= k.chars().count().max(wanted.chars().count()).div_ceil(3))
        .collect();
    near.sort();
    match near.first() {
        Some((_, name)) => format!("Did you mean \"{name}\"? "),
        None => String::new(),
    }
}
