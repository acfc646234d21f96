//! Aggregates of a model and rows: `tsad.recalibrate` by labels.
//!
//! The functions take their arguments raw: `(state, model, time, value or values, label)`; their declarations stand in
//! sql/model.sql.

use super::memory::{place, state_of};
use super::state::too_many;
use super::time::{infinite_time, null_time, unknown_time};
use crate::error::{Result, fail, report};
use crate::time::TimeType;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::panic::ErrorReport};
use tsad_core::calibrate::Labels;
use tsad_core::{Model, Samples};

/// A model and the rows of a group so far.
struct ModelRows {
    model: Model,
    /// The model's datum as it stands in the first row: compressed, or a pointer to where it is kept.
    seen: Vec<u8>,
    bytes: Vec<u8>,
    time_type: TimeType,
    rows: Samples,
    /// Times and labels of the labelled rows.
    labels: Vec<(i64, bool)>,
}

/// The largest number of values (rows times channels) of one series.
const MAX_VALUES: usize = super::state::MAX_VALUES;

/// Adds a row `(state, model, time, value, label)` with one value; NULL is a gap, and no label.
#[pg_extern(sql = false)]
fn _model_value(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/model.sql declares the fourth argument as float8.
    let value = unsafe { pgrx::pg_getarg::<f64>(fcinfo, 3) }.unwrap_or(f64::NAN);
    add(fcinfo, Some(&[value]))
}

/// Adds a row `(state, model, time, values, label)` with several values.
#[pg_extern(sql = false)]
fn _model_values(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/model.sql declares the fourth argument as float8[].
    let array = unsafe { pgrx::pg_getarg::<Array<f64>>(fcinfo, 3) };
    let values: Option<Vec<f64>> = array.map(|a| a.iter().map(|v| v.unwrap_or(f64::NAN)).collect());
    add(fcinfo, values.as_deref())
}

fn add(fcinfo: pg_sys::FunctionCallInfo, values: Option<&[f64]>) -> Result<Internal> {
    // SAFETY: sql/model.sql declares the arguments as internal, bytea, a type of time, ..., boolean.
    let (state, model, time, label) = unsafe {
        let label = ((*fcinfo).nargs > 4)
            .then(|| pgrx::pg_getarg::<bool>(fcinfo, 4))
            .flatten();
        (
            state_of::<ModelRows>(fcinfo, 0),
            pgrx::pg_getarg_datum(fcinfo, 1),
            pgrx::pg_getarg_datum(fcinfo, 2),
            label,
        )
    };
    let model = model.ok_or_else(null_model)?;
    let time = time.ok_or_else(null_time)?;
    if let Some(state) = state {
        // SAFETY: the argument is a bytea.
        unsafe { state.same_model(model)? };
        state.push(time, values, label)?;
        // SAFETY: the first argument is not NULL, or there were no state.
        return Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) }));
    }
    // SAFETY: fcinfo is that of the running call, and the argument a bytea.
    let (time_type, seen, bytes) = unsafe {
        let bytes = Vec::<u8>::from_datum(model, false).unwrap_or_default();
        (
            TimeType::of(pgrx::pg_getarg_type(fcinfo, 2)),
            raw(model).to_vec(),
            bytes,
        )
    };
    let time_type = time_type.ok_or_else(unknown_time)?;
    let model = Model::from_bytes(&bytes).map_err(report)?;
    let rows = Samples::new(model.channels())
        .map_err(report)?
        .with_times(time_type.kind());
    let mut state = ModelRows {
        model,
        seen,
        bytes,
        time_type,
        rows,
        labels: Vec::new(),
    };
    state.push(time, values, label)?;
    Ok(Internal::from(Some(place(fcinfo, "of which it is part", state)?)))
}

impl ModelRows {
    fn push(&mut self, time: pg_sys::Datum, values: Option<&[f64]>, label: Option<bool>) -> Result<()> {
        if (self.rows.len() + 1) * self.rows.channels() > MAX_VALUES {
            return Err(too_many());
        }
        let time = self.time_type.value(time).map_err(infinite_time)?;
        let missing = vec![f64::NAN; self.rows.channels()];
        self.rows.push(time, values.unwrap_or(&missing)).map_err(report)?;
        self.labels.extend(label.map(|l| (time, l)));
        Ok(())
    }

    /// Checks that a row has the model of the first one.
    ///
    /// # Safety
    /// The datum must be a valid value of type `bytea`.
    unsafe fn same_model(&mut self, datum: pg_sys::Datum) -> Result<()> {
        // SAFETY: the caller vouches for the datum. Mostly it is the very same datum, and stays unread.
        let same = unsafe {
            raw(datum) == self.seen || Vec::<u8>::from_datum(datum, false).as_deref() == Some(&self.bytes)
        };
        if same {
            return Ok(());
        }
        Err(fail(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the model differs between rows of one group",
            "Group by what tells the models apart.",
        ))
    }

    /// The labels as stretches: runs of rows, in time order, with the same label and no row of another one between.
    fn stretches(&self) -> Labels {
        let mut sorted = self.labels.clone();
        sorted.sort_unstable();
        let mut labels = Labels::default();
        for run in sorted.chunk_by(|a, b| a.1 == b.1) {
            let range = (run[0].0, run[run.len() - 1].0);
            let list = if run[0].1 {
                &mut labels.anomalous
            } else {
                &mut labels.normal
            };
            list.push(range);
        }
        labels
    }
}

/// The model with the threshold that agrees best with the labels; NULL if there was no row.
#[pg_extern(sql = false)]
fn _recalibrate_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { state_of::<ModelRows>(fcinfo, 0) }) else {
        return Ok(None);
    };
    let check = || {
        pgrx::check_for_interrupts!();
    };
    let points = tsad_core::score(&state.model, state.rows.clone(), &check).map_err(report)?;
    let model = state
        .model
        .recalibrated_by_labels(&points, &state.stretches())
        .map_err(report)?;
    model.to_bytes().map(Some).map_err(report)
}

/// A datum of variable length as it stands.
///
/// # Safety
/// The datum must be a valid, not NULL varlena; the bytes live as long as it does.
pub(super) unsafe fn raw<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: the caller vouches for the datum.
    unsafe {
        let pointer = datum.cast_mut_ptr::<pg_sys::varlena>();
        std::slice::from_raw_parts(pointer.cast::<u8>(), pgrx::varsize_any(pointer))
    }
}

fn null_model() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        "model is NULL",
        "Leave rows without model out, for example with an inner join.",
    )
}
