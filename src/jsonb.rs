//! A `jsonb` value kept as its bytes: it is compared, and handed out again, without being parsed.

use pgrx::pg_sys;
use std::rc::Rc;

/// A `jsonb` value as PostgreSQL stores it, with its four-byte header, never compressed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RawJsonb {
    /// In words, so that the header is aligned; the last one is filled up with zeros.
    words: Rc<[u64]>,
}

impl RawJsonb {
    /// Copies a `jsonb` datum.
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
