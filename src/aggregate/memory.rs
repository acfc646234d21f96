//! Transition states: values of Rust behind arguments of type `internal`.

use crate::error::{Result, fail};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::{PgMemoryContexts, pg_sys};
use std::ffi::c_void;

/// The state behind an `internal` argument, if there is one already.
///
/// # Safety
/// Argument `n` must be NULL or a pointer that [`place`] returned for a state of this type.
pub(super) unsafe fn state_of<'a, T>(fcinfo: pg_sys::FunctionCallInfo, n: usize) -> Option<&'a mut T> {
    // SAFETY: the caller vouches for the argument, and the executor for its lifetime during the call.
    unsafe { pgrx::pg_getarg_datum(fcinfo, n).and_then(|d| d.cast_mut_ptr::<T>().as_mut()) }
}

/// Moves a state into the memory context of the aggregate, which drops it.
pub(super) fn place<T>(fcinfo: pg_sys::FunctionCallInfo, aggregate: &str, state: T) -> Result<pg_sys::Datum> {
    let mut context = std::ptr::null_mut();
    // SAFETY: fcinfo is that of the running call.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } == 0 {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "a support function of an aggregate was called by itself",
            format!("Call the aggregate {aggregate}."),
        ));
    }
    let pointer: *mut T = PgMemoryContexts::For(context).leak_and_drop_on_delete(state);
    Ok(pg_sys::Datum::from(pointer.cast::<c_void>()))
}

/// What comes from another process is not what went there.
pub(super) fn broken(aggregate: &str) -> pg_sys::panic::ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
        format!("invalid transition state of {aggregate}"),
        "This is a fault of pg_tsad; please report it.",
    )
}
