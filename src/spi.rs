//! Single values by SQL.
//!
//! `Spi::get_one` of pgrx takes whatever it runs for a change, and has the transaction numbered: a standby refuses that,
//! and elsewhere each call would use up a number and write WAL.

use crate::error::{Result, internal};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CString;

/// The only value of a query that reads; none where it is NULL or there is no row.
pub(crate) fn read_one<T: FromDatum + IntoDatum>(
    query: &str,
    args: &[DatumWithOid<'_>],
) -> Result<Option<T>> {
    Spi::connect(|client| {
        let rows = client.select(query, Some(1), args)?;
        if rows.is_empty() {
            return Ok(None);
        }
        rows.first().get_one::<T>()
    })
    .map_err(internal)
}

/// The only value of a statement that may write, if it does. Where that is forbidden the server says so itself.
pub(crate) fn run_one<T: FromDatum>(statement: &str) -> Option<T> {
    // A statement of ours holds no zero byte: text in SQL cannot.
    let statement = CString::new(statement).unwrap_or_default();
    Spi::connect(|_| {
        // SAFETY: within an SPI connection; a failure is raised as an error (what is only returned concerns COPY and the
        // like). The table of the rows lives until the connection ends, and the value is copied before.
        unsafe {
            pg_sys::SPI_execute(statement.as_ptr(), false, 1);
            let rows = pg_sys::SPI_tuptable;
            if rows.is_null() || pg_sys::SPI_processed == 0 {
                return None;
            }
            let mut null = false;
            let datum = pg_sys::SPI_getbinval(*(*rows).vals, (*rows).tupdesc, 1, &mut null);
            T::from_datum(datum, null)
        }
    })
}
