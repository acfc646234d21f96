//! Values of types that take more than one word: composites, intervals.

use crate::error::{Result, fail};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::{Internal, IntoDatum, pg_sys};

/// A value of the composite type that the running function is declared to return, given its fields in order.
///
/// # Safety
/// `fcinfo` must be that of the running call, and the fields those of the type.
pub(crate) unsafe fn composite<const N: usize>(
    fcinfo: pg_sys::FunctionCallInfo,
    fields: [Option<pg_sys::Datum>; N],
) -> Result<Internal> {
    let mut columns = std::ptr::null_mut();
    // SAFETY: the caller vouches for fcinfo.
    let class = unsafe { pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut columns) };
    if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            "the declaration of a function does not fit the library",
            "Run ALTER EXTENSION pg_tsad UPDATE.",
        ));
    }
    let mut nulls = fields.map(|f| f.is_none());
    let mut values = fields.map(|f| f.unwrap_or(pg_sys::Datum::from(0)));
    // SAFETY: the descriptor is that of the type, of which the caller vouches that it has N fields of these types.
    // `Internal` hands the datum out as it is.
    unsafe {
        let columns = pg_sys::BlessTupleDesc(columns);
        let tuple = pg_sys::heap_form_tuple(columns, values.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(Internal::from(Some(pg_sys::HeapTupleHeaderGetDatum(
            (*tuple).t_data,
        ))))
    }
}

/// A duration in microseconds as an `interval` of days and time.
pub(crate) fn interval(micros: i64) -> Option<pg_sys::Datum> {
    const DAY: i64 = 86_400_000_000;
    let days = i32::try_from(micros / DAY).unwrap_or(i32::MAX);
    Interval::new(0, days, micros % DAY)
        .ok()
        .and_then(IntoDatum::into_datum)
}
