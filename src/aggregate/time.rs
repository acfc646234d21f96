//! What the aggregates say of times that they cannot take.

use crate::error::fail;
use crate::time::{Infinite, TimeType};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

/// A row without a time.
pub(super) fn null_time() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        "time is NULL",
        "Leave rows without time out, for example with FILTER (WHERE ts IS NOT NULL).",
    )
}

/// A row at the end of all times.
pub(super) fn infinite_time(_: Infinite) -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
        "time is infinite",
        "Leave rows with infinite times out, for example with FILTER (WHERE isfinite(ts)).",
    )
}

/// An argument of another type, which the declarations do not allow.
pub(super) fn unknown_time() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        "the time has a type that cannot be one",
        format!("Pass a time of type {}.", TimeType::NAMES),
    )
}
