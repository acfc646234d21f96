//! Aggregates of a model and rows: `tsad.recalibrate` by labels, `tsad.update_model`, `tsad.drift`.
//!
//! The functions take their arguments raw: `(state, model, time, value or values [, label])`; their declarations stand
//! in sql/model.sql.

use super::memory::{broken, place, state_of};
use super::time::{infinite_time, null_time, unknown_time};
use crate::error::{Result, fail, report};
use crate::interrupt::check;
use crate::memory::{copy, guarded, push, room};
use crate::time::TimeType;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::{Internal, JsonB, pg_sys::panic::ErrorReport};
use serde_json::{Value, json};
use tsad_core::calibrate::Labels;
use tsad_core::{Model, Samples};

/// A model and the rows of a group so far.
#[derive(Clone)]
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
const MAX_VALUES: usize = 1 << 24;

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
        (
            TimeType::of(pgrx::pg_getarg_type(fcinfo, 2)),
            copy(raw(model))?,
            copy(unpacked(model))?,
        )
    };
    let time_type = time_type.ok_or_else(unknown_time)?;
    let mut state = ModelRows::of(seen, bytes, time_type)?;
    state.push(time, values, label)?;
    Ok(Internal::from(Some(place(fcinfo, "of which it is part", state)?)))
}

impl ModelRows {
    /// No rows yet.
    fn of(seen: Vec<u8>, bytes: Vec<u8>, time_type: TimeType) -> Result<Self> {
        let model = guarded(|| Model::from_bytes(&bytes))?.map_err(report)?;
        let rows = Samples::new(model.channels()).map_err(report)?;
        Ok(Self {
            rows: rows.with_times(time_type.kind()),
            model,
            seen,
            bytes,
            time_type,
            labels: Vec::new(),
        })
    }

    fn push(&mut self, time: pg_sys::Datum, values: Option<&[f64]>, label: Option<bool>) -> Result<()> {
        if (self.rows.len() + 1) * self.rows.channels() > MAX_VALUES {
            return Err(too_many());
        }
        let time = self.time_type.value(time).map_err(infinite_time)?;
        let channels = self.rows.channels();
        if let Some(given) = values.map(<[f64]>::len).filter(|n| *n != channels) {
            return Err(fail(
                PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
                format!("the model was trained on {channels} value columns, got {given}"),
                "Pass the same columns, in the same order, that the model was trained on.",
            ));
        }
        let missing = vec![f64::NAN; channels];
        self.rows.push(time, values.unwrap_or(&missing)).map_err(report)?;
        if let Some(label) = label {
            push(&mut self.labels, (time, label))?;
        }
        Ok(())
    }

    /// Checks that a row has the model of the first one.
    ///
    /// # Safety
    /// The datum must be a valid value of type `bytea`.
    unsafe fn same_model(&mut self, datum: pg_sys::Datum) -> Result<()> {
        // SAFETY: the caller vouches for the datum. Mostly it is the very same datum, and stays unread.
        let same = unsafe { raw(datum) == self.seen || unpacked(datum) == self.bytes };
        if same {
            return Ok(());
        }
        Err(different_models())
    }

    /// Takes the rows of another process.
    fn append(&mut self, other: &Self) -> Result<()> {
        if self.bytes != other.bytes {
            return Err(different_models());
        }
        if (self.rows.len() + other.rows.len()) * self.rows.channels() > MAX_VALUES {
            return Err(too_many());
        }
        self.rows.append(&other.rows).map_err(report)?;
        room(&mut self.labels, other.labels.len())?;
        self.labels.extend_from_slice(&other.labels);
        Ok(())
    }

    /// The state as bytes for another process of the same server: four numbers, the model, times, values, labels.
    fn to_bytes(&self) -> Vec<u8> {
        let numbers = [
            self.bytes.len() as u64,
            u64::from(self.time_type.oid().to_u32()),
            self.rows.len() as u64,
            self.labels.len() as u64,
        ];
        let mut out: Vec<u8> = numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
        out.extend_from_slice(&self.bytes);
        out.extend(self.rows.times().iter().flat_map(|t| t.to_ne_bytes()));
        out.extend(self.rows.values().iter().flat_map(|v| v.to_ne_bytes()));
        let labels = self.labels.iter();
        out.extend(
            labels
                .flat_map(|(t, l)| [*t, i64::from(*l)])
                .flat_map(i64::to_ne_bytes),
        );
        out
    }

    /// The inverse of [`ModelRows::to_bytes`].
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || broken("of a model and rows");
        let (numbers, rest) = bytes.split_first_chunk::<32>().ok_or_else(damaged)?;
        let number = |n: usize| {
            let (words, _) = numbers.as_chunks::<8>();
            usize::try_from(u64::from_ne_bytes(words[n])).map_err(|_| damaged())
        };
        let (length, count, labelled) = (number(0)?, number(2)?, number(3)?);
        let oid = u32::try_from(number(1)?).map_err(|_| damaged())?;
        let time_type = TimeType::of(pg_sys::Oid::from(oid)).ok_or_else(damaged)?;
        let (model, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        let mut state = Self::of(Vec::new(), copy(model)?, time_type)?;
        let channels = state.rows.channels();
        let (words, tail) = rest.as_chunks::<8>();
        if !tail.is_empty() || words.len() != count * (1 + channels) + 2 * labelled {
            return Err(damaged());
        }
        let (times, words) = words.split_at(count);
        let (values, labels) = words.split_at(count * channels);
        for (time, row) in times.iter().zip(values.chunks_exact(channels)) {
            let row: Vec<f64> = row.iter().map(|v| f64::from_ne_bytes(*v)).collect();
            state.rows.push(i64::from_ne_bytes(*time), &row).map_err(report)?;
        }
        let label = |l: &[[u8; 8]]| (i64::from_ne_bytes(l[0]), i64::from_ne_bytes(l[1]) != 0);
        room(&mut state.labels, labelled)?;
        state.labels.extend(labels.chunks_exact(2).map(label));
        Ok(state)
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

/// Joins two states.
#[pg_extern(sql = false)]
fn _model_combine(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: both arguments are states.
    let (left, right) = unsafe { (state_of::<ModelRows>(fcinfo, 0), state_of::<ModelRows>(fcinfo, 1)) };
    match (left, right) {
        (None, Some(right)) => Ok(Internal::from(Some(place(
            fcinfo,
            "of which it is part",
            guarded(|| right.clone())?,
        )?))),
        (left, right) => {
            if let (Some(left), Some(right)) = (left, right) {
                left.append(right)?;
            }
            // SAFETY: NULL where there is no state at all.
            Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) }))
        }
    }
}

/// The state as bytes.
#[pg_extern(sql = false)]
fn _model_serialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let state = unsafe { state_of::<ModelRows>(fcinfo, 0) };
    state.map(|state| guarded(|| state.to_bytes())).transpose()
}

/// The state from bytes.
#[pg_extern(sql = false)]
fn _model_deserialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: the first argument is a bytea.
    match unsafe { pgrx::pg_getarg::<&[u8]>(fcinfo, 0) } {
        Some(bytes) => Ok(Internal::from(Some(place(
            fcinfo,
            "of which it is part",
            ModelRows::from_bytes(bytes)?,
        )?))),
        None => Ok(Internal::default()),
    }
}

/// The model with the rows folded in; NULL if there was no row.
#[pg_extern(sql = false)]
fn _update_model_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { state_of::<ModelRows>(fcinfo, 0) }) else {
        return Ok(None);
    };
    let update = || tsad_core::update(&state.model, state.rows.clone(), &check)?.to_bytes();
    guarded(update)?.map(Some).map_err(report)
}

/// How the rows compare with what the model was trained on; NULL if there was no row.
#[pg_extern(sql = false)]
fn _drift_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<JsonB>> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { state_of::<ModelRows>(fcinfo, 0) }) else {
        return Ok(None);
    };
    let drift = || tsad_core::drift(&state.model, state.rows.clone(), &check);
    let drift = guarded(drift)?.map_err(report)?;
    let mut json = serde_json::to_value(&drift).unwrap_or_default();
    if let Value::Object(map) = &mut json {
        match state.time_type.is_integer() {
            true => map.insert("age".to_owned(), json!(drift.age)),
            false => map.insert(
                "age_seconds".to_owned(),
                json!(drift.age.map(|micros| micros as f64 / 1e6)),
            ),
        };
    }
    Ok(Some(JsonB(json)))
}

/// The model with the threshold that agrees best with the labels; NULL if there was no row.
#[pg_extern(sql = false)]
fn _recalibrate_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { state_of::<ModelRows>(fcinfo, 0) }) else {
        return Ok(None);
    };
    let recalibrate = || {
        let points = tsad_core::score(&state.model, state.rows.clone(), &check)?;
        let model = state.model.recalibrated_by_labels(&points, &state.stretches())?;
        model.to_bytes()
    };
    guarded(recalibrate)?.map(Some).map_err(report)
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

/// The contents of a `bytea`, in memory of the server's until the call ends.
///
/// # Safety
/// As [`raw`].
pub(crate) unsafe fn unpacked<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: the caller vouches for the datum; what comes back is valid and flat.
    unsafe { pgrx::varlena_to_byte_slice(pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr())) }
}

fn different_models() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "the model differs between rows of one group",
        "Group by what tells the models apart.",
    )
}

fn null_model() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        "model is NULL",
        "Leave rows without model out, for example with an inner join.",
    )
}

fn too_many() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("too many values in one series, the limit is {MAX_VALUES}"),
        "Pass a shorter time range, or averages over longer intervals.",
    )
}
