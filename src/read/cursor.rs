//! A read-only cursor whose batches are freed as soon as they were read.

use pgrx::pg_sys;
use std::ffi::CString;

/// The number of rows of a batch.
const BATCH: i64 = 1000;

/// A query that is read batch by batch, under the snapshot of the calling statement and with the rights of the
/// caller. It lives within one SPI connection.
pub(crate) struct Cursor {
    portal: *mut pg_sys::PortalData,
}

/// One row of a batch.
pub(crate) struct Row {
    tuple: pg_sys::HeapTuple,
    columns: pg_sys::TupleDesc,
}

impl Cursor {
    /// Opens a cursor for `query` with parameters given as type and value; [`Cursor::go_to`] works only if it may go
    /// back, for which a plan that cannot do so by itself keeps its rows, on disk beyond `work_mem`.
    ///
    /// # Safety
    /// There must be an SPI connection, and every value must be of its type.
    pub(crate) unsafe fn open(
        query: &str,
        parameters: &[(pg_sys::Oid, Option<pg_sys::Datum>)],
        may_go_back: bool,
    ) -> Self {
        let mut types: Vec<pg_sys::Oid> = parameters.iter().map(|p| p.0).collect();
        let mut values: Vec<pg_sys::Datum> = parameters
            .iter()
            .map(|p| p.1.unwrap_or(pg_sys::Datum::from(0)))
            .collect();
        let nulls: Vec<std::ffi::c_char> = parameters
            .iter()
            .map(|p| if p.1.is_some() { b' ' } else { b'n' } as std::ffi::c_char)
            .collect();
        // A query of ours holds no zero byte: it is made of identifiers, which cannot.
        let query = CString::new(query).unwrap_or_default();
        // SAFETY: all pointers live through the call; a failure is raised as an error.
        let portal = unsafe {
            pg_sys::SPI_cursor_open_with_args(
                std::ptr::null(),
                query.as_ptr(),
                parameters.len() as i32,
                types.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_ptr(),
                true,
                if may_go_back {
                    pg_sys::CURSOR_OPT_SCROLL as i32
                } else {
                    0
                },
            )
        };
        Self { portal }
    }

    /// Calls `each` for the rows of the next batch; false if there was none left.
    pub(crate) fn batch<E>(&mut self, mut each: impl FnMut(Row) -> Result<(), E>) -> Result<bool, E> {
        // SAFETY: the portal is open; the table of the batch is ours until it is freed below. On an error it goes
        // with the SPI connection.
        unsafe {
            pg_sys::SPI_cursor_fetch(self.portal, true, BATCH as _);
            let count = pg_sys::SPI_processed as usize;
            let table = pg_sys::SPI_tuptable;
            for i in 0..count {
                each(Row {
                    tuple: *(*table).vals.add(i),
                    columns: (*table).tupdesc,
                })?;
            }
            pg_sys::SPI_freetuptable(table);
            Ok(count > 0)
        }
    }

    /// Goes to where the first `rows` rows have been read.
    pub(crate) fn go_to(&mut self, rows: u64) {
        let rows = std::ffi::c_long::try_from(rows).unwrap_or(std::ffi::c_long::MAX);
        // SAFETY: the portal is open.
        unsafe { pg_sys::SPI_scroll_cursor_move(self.portal, pg_sys::FetchDirection::FETCH_ABSOLUTE, rows) };
    }

    /// The name, type and type modifier of every column.
    pub(crate) fn columns(&self) -> Vec<(String, pg_sys::Oid, i32)> {
        // SAFETY: an open portal of a query has a descriptor of its columns.
        unsafe {
            let descriptor = pgrx::PgTupleDesc::from_pg_copy((*self.portal).tupDesc);
            let column = |a: &pg_sys::FormData_pg_attribute| (a.name().to_owned(), a.atttypid, a.atttypmod);
            descriptor.iter().map(column).collect()
        }
    }

    /// Closes the cursor.
    pub(crate) fn close(self) {
        // SAFETY: the portal is open.
        unsafe { pg_sys::SPI_cursor_close(self.portal) };
    }
}

impl Row {
    /// The value of column `n`, counted from 1; it lives as long as the batch.
    pub(crate) fn datum(&self, n: i32) -> Option<pg_sys::Datum> {
        let mut null = false;
        // SAFETY: tuple and descriptor belong together.
        let datum = unsafe { pg_sys::SPI_getbinval(self.tuple, self.columns, n, &mut null) };
        (!null).then_some(datum)
    }
}
