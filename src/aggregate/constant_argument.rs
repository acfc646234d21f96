//! An argument of an aggregate that must be the same for all rows: its options.

use crate::error::{Result, fail};
use crate::jsonb::RawJsonb;
use crate::memory::{copy, probe};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

/// A `jsonb`, as it came with the first row.
#[derive(Clone)]
pub(super) struct Constant {
    /// As text; empty for NULL.
    text: String,
    /// The bytes of the datum last seen, to compare with the next row's.
    seen: Option<Vec<u8>>,
}

impl Constant {
    /// The argument of the first row.
    ///
    /// # Safety
    /// The datum must be a valid value of type `jsonb`.
    pub(super) unsafe fn of(datum: Option<pg_sys::Datum>) -> Result<Self> {
        // SAFETY: the caller vouches for the datum.
        let json = datum.map(|d| unsafe { RawJsonb::copy(d) });
        let text = json.map_or_else(String::new, |j| j.text());
        // It is copied with the state.
        probe(text.len())?;
        Ok(Self::of_text(text))
    }

    /// The argument as text, from another process.
    pub(super) fn of_text(text: String) -> Self {
        Self { text, seen: None }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The same; none for NULL.
    pub(super) fn given(&self) -> Option<&str> {
        Some(self.text()).filter(|t| !t.is_empty())
    }

    /// Checks that another row has the same.
    ///
    /// # Safety
    /// As [`Constant::of`].
    pub(super) unsafe fn check(&mut self, datum: Option<pg_sys::Datum>) -> Result<()> {
        let Some(datum) = datum else {
            return if self.text.is_empty() {
                Ok(())
            } else {
                Err(different())
            };
        };
        // SAFETY: the caller vouches for the datum.
        let bytes = unsafe { pgrx::varlena_to_byte_slice(datum.cast_mut_ptr()) };
        if self.seen.as_deref() != Some(bytes) {
            // SAFETY: as above.
            self.same(&unsafe { Self::of(Some(datum))? })?;
            self.seen = Some(copy(bytes)?);
        }
        Ok(())
    }

    /// Checks that the rows of another process have the same.
    pub(super) fn same(&self, other: &Self) -> Result<()> {
        if self.text == other.text {
            Ok(())
        } else {
            Err(different())
        }
    }
}

fn different() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "the options differ between rows of one series",
        "Pass a constant, or group by what the options depend on.",
    )
}
