//! Filling the result of a set-returning function.

use crate::interrupt::check;
use crate::memory::{RoomForErrors, spare};
use pgrx::{PgLogLevel, PgMemoryContexts, pg_sys};
use std::fmt::Write;

/// The tuplestore of a running call.
pub(crate) struct Output {
    store: *mut pg_sys::Tuplestorestate,
    columns: pg_sys::TupleDesc,
    scratch: PgMemoryContexts,
    rows: usize,
    _room: RoomForErrors,
}

/// Rows between two calls that free what they allocated.
const FREE_EVERY: usize = 500;

impl Output {
    /// Prepares the result of the running call.
    ///
    /// # Safety
    /// `fcinfo` must be that of the running call of a function that returns a set of rows.
    pub(crate) unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        // SAFETY: the caller vouches for fcinfo; where a set is not accepted an error is raised.
        unsafe {
            pg_sys::InitMaterializedSRF(fcinfo, 0);
            let result = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            Self {
                store: (*result).setResult,
                columns: (*result).setDesc,
                scratch: PgMemoryContexts::new("tsad result rows"),
                rows: 0,
                _room: RoomForErrors::new(),
            }
        }
    }

    /// Adds a row; `make` gives its columns, in the order of the declaration.
    pub(crate) fn push<const N: usize>(&mut self, make: impl FnOnce() -> [Option<pg_sys::Datum>; N]) {
        if let Err(e) = spare() {
            e.report(PgLogLevel::ERROR);
        }
        self.rows += 1;
        if self.rows.is_multiple_of(FREE_EVERY) {
            check();
            // SAFETY: nothing of the rows before is used any more: the tuplestore holds copies.
            unsafe { self.scratch.reset() };
        }
        let (store, columns) = (self.store, self.columns);
        // SAFETY: the store and its descriptor live as long as the call, and the declaration has N columns.
        unsafe {
            self.scratch.switch_to(|_| {
                let row = make();
                let mut nulls = row.map(|d| d.is_none());
                let mut values = row.map(|d| d.unwrap_or(pg_sys::Datum::from(0)));
                pg_sys::tuplestore_putvalues(store, columns, values.as_mut_ptr(), nulls.as_mut_ptr());
            });
        }
    }
}

/// A time in microseconds as a `timestamptz`.
pub(crate) fn time(micros: i64) -> Option<pg_sys::Datum> {
    Some(pg_sys::Datum::from(micros))
}

/// Shares that sum to 1 as a `jsonb` object, in steps of 0.0001: the rounded shares sum to 1 as well.
pub(crate) fn shares<'a>(names: impl Iterator<Item = &'a str>, shares: &[f64]) -> Option<pg_sys::Datum> {
    let text = std::ffi::CString::new(shares_text(names, shares)).ok()?;
    // SAFETY: the text is a JSON object.
    unsafe { pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) }
}

/// The same as JSON text.
pub(crate) fn shares_text<'a>(names: impl Iterator<Item = &'a str>, shares: &[f64]) -> String {
    const STEPS: f64 = 10_000.0;
    let mut steps: Vec<i64> = shares.iter().map(|s| (s * STEPS).floor() as i64).collect();
    let mut order: Vec<usize> = (0..steps.len()).collect();
    let rest = |i: &usize| shares[*i] * STEPS - (shares[*i] * STEPS).floor();
    order.sort_by(|i, j| rest(j).total_cmp(&rest(i)).then(i.cmp(j)));
    let short = (STEPS as i64 - steps.iter().sum::<i64>()).max(0) as usize;
    for i in order.into_iter().cycle().take(short) {
        steps[i] += 1;
    }
    let mut text = String::from("{");
    for (name, step) in names.zip(steps) {
        let comma = if text.len() > 1 { "," } else { "" };
        let name = serde_json::Value::from(name);
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{comma}{name}:{}.{:04}",
            step / STEPS as i64,
            step % STEPS as i64
        );
    }
    text.push('}');
    text
}
