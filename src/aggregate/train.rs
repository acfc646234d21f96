//! `tsad.train`: rows to a model.
//!
//! The functions take their arguments raw: their declarations, and those of the aggregates over them, stand in
//! sql/train.sql. pgrx cannot declare an aggregate with an internal state that is combined in parallel.

use super::constant_argument::Constant;
use super::state::{TrainState, place, state_of};
use super::time::{infinite_time, null_time, unknown_time};
use crate::error::{Result, report};
use crate::interrupt::check;
use crate::memory::guarded;
use crate::notes::{are_mixed, say_left_out, warn_mixed};
use crate::time::TimeType;
use pgrx::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// Adds a row `(state, time, value [, options])` with one value; NULL is a gap.
#[pg_extern(sql = false)]
fn _train_value(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/train.sql declares the third argument as float8.
    let value = unsafe { pgrx::pg_getarg::<f64>(fcinfo, 2) }.unwrap_or(f64::NAN);
    add(fcinfo, &[value])
}

/// Adds a row `(state, time, values [, options])` with several values; a NULL element is a gap, and so is a NULL
/// array once the number of values is known.
#[pg_extern(sql = false)]
fn _train_values(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/train.sql declares the third argument as float8[].
    let array = unsafe { pgrx::pg_getarg::<Array<f64>>(fcinfo, 2) };
    let values: Vec<f64> = match array {
        Some(array) => array.iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
        // SAFETY: the first argument is the state.
        None => match unsafe { state_of(fcinfo, 0) } {
            Some(state) => vec![f64::NAN; state.rows.channels()],
            None => return Ok(Internal::default()),
        },
    };
    add(fcinfo, &values)
}

fn add(fcinfo: pg_sys::FunctionCallInfo, values: &[f64]) -> Result<Internal> {
    // SAFETY: sql/train.sql declares the arguments as internal, a type of time, ..., jsonb.
    let (state, time, options) = unsafe {
        let options = ((*fcinfo).nargs > 3)
            .then(|| pgrx::pg_getarg_datum(fcinfo, 3))
            .flatten();
        (state_of(fcinfo, 0), pgrx::pg_getarg_datum(fcinfo, 1), options)
    };
    let time = time.ok_or_else(null_time)?;
    let Some(state) = state else {
        // SAFETY: fcinfo is that of the running call.
        let time_type = TimeType::of(unsafe { pgrx::pg_getarg_type(fcinfo, 1) }).ok_or_else(unknown_time)?;
        // SAFETY: the argument is a jsonb, as above.
        let options = unsafe { Constant::of(options)? };
        let mut state = TrainState::new(values.len(), time_type, options)?;
        state.push(time_type.value(time).map_err(infinite_time)?, values)?;
        return Ok(Internal::from(Some(place(fcinfo, state)?)));
    };
    // SAFETY: the argument is a jsonb, as above.
    unsafe { state.options.check(options)? };
    state.push(state.time_type.value(time).map_err(infinite_time)?, values)?;
    // SAFETY: the first argument is not NULL, or there were no state.
    Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) }))
}

/// Joins two states.
#[pg_extern(sql = false)]
fn _train_combine(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: both arguments are states.
    let (left, right) = unsafe { (state_of(fcinfo, 0), state_of(fcinfo, 1)) };
    match (left, right) {
        (Some(left), Some(right)) => {
            left.append(right)?;
            // SAFETY: the first argument is not NULL, or there were no state.
            Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) }))
        }
        (None, Some(right)) => Ok(Internal::from(Some(place(fcinfo, guarded(|| right.clone())?)?))),
        // SAFETY: as above; NULL where there is no state at all.
        (_, None) => Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) })),
    }
}

/// The state as bytes.
#[pg_extern(sql = false)]
fn _train_serialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let state = unsafe { state_of(fcinfo, 0) };
    state.map(|state| guarded(|| state.to_bytes())).transpose()
}

/// The state from bytes.
#[pg_extern(sql = false)]
fn _train_deserialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: the first argument is a bytea.
    match unsafe { pgrx::pg_getarg::<&[u8]>(fcinfo, 0) } {
        Some(bytes) => Ok(Internal::from(Some(place(
            fcinfo,
            TrainState::from_bytes(bytes)?,
        )?))),
        None => Ok(Internal::default()),
    }
}

/// The model; NULL if there was no row.
#[pg_extern(sql = false)]
fn _train_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { state_of(fcinfo, 0) }) else {
        return Ok(None);
    };
    // The state is left as it is: a window may call the final function again.
    let shared = guarded(|| state.rows.shared_times(&check))?;
    if are_mixed(shared, state.rows.len()) {
        let hint = "If several series are mixed, GROUP BY the columns that tell them apart.";
        warn_mixed("", shared, state.rows.len(), hint);
    }
    let train = || {
        let model = tsad_core::train(state.rows.clone(), &state.params, &check)?;
        Ok((model.to_bytes()?, model.channels_left_out()))
    };
    let (bytes, left_out) = guarded(train)?.map_err(report)?;
    say_left_out(&[], &left_out);
    Ok(Some(bytes))
}
