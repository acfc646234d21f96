//! Values of types that take more than one word: composites, intervals.

use crate::error::{Result, fail};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::{Internal, IntoDatum, PgMemoryContexts, pg_sys};

/// A value of the composite type that the running function is declared to return, given its fields in order.
///
/// # Safety
/// `fcinfo` must be that of the running call, and the fields those of the type.
pub(crate) unsafe fn composite<const N: usize>(
    fcinfo: pg_sys::FunctionCallInfo,
    fields: [Option<pg_sys::Datum>; N],
) -> Result<Internal> {
    // SAFETY: the caller vouches for fcinfo.
    let columns = unsafe { descriptor(fcinfo)? };
    let mut nulls = fields.map(|f| f.is_none());
    let mut values = fields.map(|f| f.unwrap_or(pg_sys::Datum::from(0)));
    // SAFETY: the descriptor is that of the type, of which the caller vouches that it has N fields of these types.
    // `Internal` hands the datum out as it is.
    unsafe {
        let tuple = pg_sys::heap_form_tuple(columns, values.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(Internal::from(Some(pg_sys::HeapTupleHeaderGetDatum(
            (*tuple).t_data,
        ))))
    }
}

/// The descriptor of the running function's result, which is looked up at its first call.
///
/// # Safety
/// As [`composite`]; the function must not keep anything else between its calls.
unsafe fn descriptor(fcinfo: pg_sys::FunctionCallInfo) -> Result<pg_sys::TupleDesc> {
    // SAFETY: the caller vouches for fcinfo; what is kept lives as long as the place it is kept in.
    unsafe {
        let function = (*fcinfo).flinfo;
        if (*function).fn_extra.is_null() {
            let mut columns = std::ptr::null_mut();
            let class = PgMemoryContexts::For((*function).fn_mcxt)
                .switch_to(|_| pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut columns));
            if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE {
                return Err(fail(
                    PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                    "the declaration of a function does not fit the library",
                    "Run ALTER EXTENSION pg_tsad UPDATE.",
                ));
            }
            (*function).fn_extra = pg_sys::BlessTupleDesc(columns).cast();
        }
        Ok((*function).fn_extra.cast())
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
