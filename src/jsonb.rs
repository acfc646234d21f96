//! A `jsonb` value kept as its bytes: it is compared, and handed out again, without being parsed.

use crate::memory::probe;
use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, IntoDatum, PgLogLevel};
use std::rc::Rc;

/// A `jsonb` value as PostgreSQL stores it, with its four-byte header, never compressed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RawJsonb {
    /// In words, so that the header is aligned; the last one is filled up with zeros.
    words: Rc<[u64]>,
}

impl RawJsonb {
    /// Copies a `jsonb` datum. It raises an error, 53200, where there is no memory for it.
    ///
    /// # Safety
    /// The datum must be a valid, not NULL value of type `jsonb`.
    pub(crate) unsafe fn copy(datum: pg_sys::Datum) -> Self {
        // SAFETY: the caller vouches for the datum; detoasting returns a valid varlena with a 4-byte header, which is
        // freed only if it is a copy.
        unsafe {
            let original = datum.cast_mut_ptr::<pg_sys::varlena>();
            let flat = pg_sys::pg_detoast_datum(original);
            let size = pgrx::varsize_any(flat);
            // A small one has room in what is kept back. Twice: it is collected, and then put where references are counted.
            if size > 1 << 16
                && let Err(report) = probe(size.saturating_mul(2))
            {
                report.report(PgLogLevel::ERROR);
            }
            let bytes = std::slice::from_raw_parts(flat.cast::<u8>(), size);
            let words = bytes.chunks(8).map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_ne_bytes(word)
            });
            let words = words.collect();
            if flat != original {
                pg_sys::pfree(flat.cast());
            }
            Self { words }
        }
    }

    /// An empty object.
    pub(crate) fn empty() -> Self {
        // SAFETY: the text is a JSON object, and jsonb_in makes a value of it.
        unsafe {
            let text = pg_sys::Datum::from(c"{}".as_ptr());
            let datum = pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text)]);
            Self::copy(datum.unwrap_or(pg_sys::Datum::from(0)))
        }
    }

    /// The value as a datum that lives as long as `self`.
    pub(crate) fn datum(&self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.words.as_ptr())
    }

    /// The value as JSON text.
    pub(crate) fn text(&self) -> String {
        // SAFETY: the words hold a valid jsonb varlena, and jsonb_out takes exactly that.
        let text = unsafe {
            pgrx::direct_function_call::<&std::ffi::CStr>(pg_sys::jsonb_out, &[Some(self.datum())])
        };
        text.map_or_else(String::new, |t| t.to_string_lossy().into_owned())
    }
}

impl FromDatum for RawJsonb {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the caller vouches for the datum.
        (!is_null).then(|| unsafe { Self::copy(datum) })
    }
}

impl IntoDatum for RawJsonb {
    /// A copy in the current memory context.
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let from = self.words.as_ptr();
        // SAFETY: the words hold a varlena with a 4-byte header, and what is allocated has its size.
        unsafe {
            let size = pgrx::varsize_any(from.cast());
            let to = pg_sys::palloc(size);
            std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), size);
            Some(pg_sys::Datum::from(to))
        }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

// SAFETY: a jsonb is copied.
unsafe impl UnboxDatum for RawJsonb {
    type As<'src> = Self;

    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self
    where
        Self: 'src,
    {
        // SAFETY: the caller vouches for the datum.
        unsafe { Self::copy(datum.sans_lifetime()) }
    }
}

// SAFETY: the datum lives in the memory context of the call.
unsafe impl BoxRet for RawJsonb {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: as above.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}

// SAFETY: the type is jsonb, in and out.
unsafe impl SqlTranslatable for RawJsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(RawJsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
