//! `tsad.evaluate`: labelled scores to measures.
//!
//! The declarations, and those of the aggregates over these functions, stand in sql/evaluate.sql.

use super::memory;
use super::time::{infinite_time, null_time, unknown_time};
use crate::composite::composite;
use crate::error::{Result, fail, report};
use crate::interrupt::check;
use crate::memory::{guarded, push, room};
use crate::time::TimeType;
use pgrx::Internal;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use tsad_core::measure::{self, Evaluation, Judged};

/// The rows of a group so far.
#[derive(Clone)]
struct State {
    rows: Vec<Judged>,
    /// The argument `vus_window`.
    window: Option<i32>,
    /// Whether times are integers without a unit.
    integers: bool,
}

/// The largest number of rows of one group.
const MAX_ROWS: usize = 1 << 24;
/// The bytes of a row in a serialised state.
const ROW_BYTES: usize = 18;

/// Adds a row `(state, score, label boolean [, ts [, is_anomaly [, vus_window]]])`.
#[pg_extern(sql = false)]
fn _evaluate_boolean(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/evaluate.sql declares the third argument as boolean.
    let label = unsafe { pgrx::pg_getarg::<bool>(fcinfo, 2) };
    add(fcinfo, label)
}

/// Adds a row `(state, score, label integer [, ts [, is_anomaly [, vus_window]]])`.
#[pg_extern(sql = false)]
fn _evaluate_integer(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/evaluate.sql declares the third argument as integer.
    let label = match unsafe { pgrx::pg_getarg::<i32>(fcinfo, 2) } {
        None => None,
        Some(0) => Some(false),
        Some(1) => Some(true),
        Some(other) => {
            return Err(invalid(
                format!("label is {other}, neither 0 nor 1"),
                "Pass 1 or true for anomalous rows and 0 or false for normal ones.",
            ));
        }
    };
    add(fcinfo, label)
}

fn add(fcinfo: pg_sys::FunctionCallInfo, label: Option<bool>) -> Result<Internal> {
    // SAFETY: sql/evaluate.sql declares the arguments so.
    let (state, timed, score, alarm, window) = unsafe {
        let count = (*fcinfo).nargs;
        let alarm = (count > 4).then(|| pgrx::pg_getarg::<bool>(fcinfo, 4)).flatten();
        let window = (count > 5).then(|| pgrx::pg_getarg::<i32>(fcinfo, 5)).flatten();
        let score = pgrx::pg_getarg::<f64>(fcinfo, 1).unwrap_or(f64::NAN);
        (
            memory::state_of::<State>(fcinfo, 0),
            count > 3,
            score,
            alarm,
            window,
        )
    };
    let (time, integers) = if timed {
        // SAFETY: as above.
        unsafe { time(fcinfo)? }
    } else {
        (0, false)
    };
    if score.is_infinite() {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            "score is infinite",
            "Replace infinite scores by NULL, or by a number above all others.",
        ));
    }
    if state.as_ref().is_some_and(|s| s.window != window) {
        return Err(different_windows());
    }
    let row = label.map(|label| Judged {
        time,
        score,
        label,
        alarm,
    });
    let Some(state) = state else {
        if let Some(window) = window.filter(|w| *w < 0) {
            return Err(invalid(
                format!("vus_window is out of range: {window}"),
                "Give a number of rows from 0, or NULL for the period of the scores.",
            ));
        }
        if !timed {
            // SAFETY: fcinfo is that of the running call.
            unsafe { require_order(fcinfo)? };
        }
        let rows = row.into_iter().collect();
        return put(
            fcinfo,
            State {
                rows,
                window,
                integers,
            },
        );
    };
    if state.rows.len() >= MAX_ROWS {
        return Err(too_many());
    }
    if let Some(row) = row {
        push(&mut state.rows, row)?;
    }
    first(fcinfo)
}

/// The time of a row, and whether it is an integer without a unit.
///
/// # Safety
/// `fcinfo` must be that of the running call, with a time as argument 3.
unsafe fn time(fcinfo: pg_sys::FunctionCallInfo) -> Result<(i64, bool)> {
    // SAFETY: the caller vouches for the argument.
    let (datum, oid) = unsafe { (pgrx::pg_getarg_datum(fcinfo, 3), pgrx::pg_getarg_type(fcinfo, 3)) };
    let time_type = TimeType::of(oid).ok_or_else(unknown_time)?;
    let time = time_type
        .value(datum.ok_or_else(null_time)?)
        .map_err(infinite_time)?;
    Ok((time, time_type.is_integer()))
}

/// Checks that rows without time come in an order that the query asked for. A window orders by itself.
///
/// # Safety
/// `fcinfo` must be that of the running call.
unsafe fn require_order(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: the caller vouches for fcinfo; the node belongs to the plan.
    let ordered = unsafe {
        let aggregate = pg_sys::AggGetAggref(fcinfo).cast::<pg_sys::Aggref>();
        aggregate.as_ref().is_none_or(|a| !a.aggorder.is_null())
    };
    if ordered {
        return Ok(());
    }
    Err(fail(
        PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        "tsad.evaluate needs to know the order of the rows",
        "Pass the time, as in tsad.evaluate(score, label, ts), or order the rows, as in tsad.evaluate(score, label ORDER BY ts).",
    ))
}

/// Joins two states.
#[pg_extern(sql = false)]
fn _evaluate_combine(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: both arguments are states.
    let (left, right) = unsafe {
        (
            memory::state_of::<State>(fcinfo, 0),
            memory::state_of::<State>(fcinfo, 1),
        )
    };
    match (left, right) {
        (Some(left), Some(right)) => {
            if left.window != right.window {
                return Err(different_windows());
            }
            if left.rows.len() + right.rows.len() > MAX_ROWS {
                return Err(too_many());
            }
            room(&mut left.rows, right.rows.len())?;
            left.rows.extend_from_slice(&right.rows);
            first(fcinfo)
        }
        (None, Some(right)) => put(fcinfo, guarded(|| right.clone())?),
        (_, None) => first(fcinfo),
    }
}

/// The state as bytes for another process of the same server.
#[pg_extern(sql = false)]
fn _evaluate_serialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let state = unsafe { memory::state_of::<State>(fcinfo, 0) };
    state.map(|state| guarded(|| to_bytes(state))).transpose()
}

fn to_bytes(state: &State) -> Vec<u8> {
    let mut out = Vec::with_capacity(6 + ROW_BYTES * state.rows.len());
    out.push(u8::from(state.integers));
    out.push(u8::from(state.window.is_some()));
    out.extend_from_slice(&state.window.unwrap_or(0).to_ne_bytes());
    for row in &state.rows {
        out.extend_from_slice(&row.time.to_ne_bytes());
        out.extend_from_slice(&row.score.to_ne_bytes());
        out.push(u8::from(row.label));
        out.push(row.alarm.map_or(2, u8::from));
    }
    out
}

/// The state from bytes.
#[pg_extern(sql = false)]
fn _evaluate_deserialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: the first argument is a bytea.
    let Some(bytes) = (unsafe { pgrx::pg_getarg::<&[u8]>(fcinfo, 0) }) else {
        return Ok(Internal::default());
    };
    let state = guarded(|| from_bytes(bytes))?.ok_or_else(|| {
        fail(
            PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
            "invalid transition state of tsad.evaluate",
            "This is a fault of pg_tsad; please report it.",
        )
    })?;
    put(fcinfo, state)
}

fn from_bytes(bytes: &[u8]) -> Option<State> {
    let (integers, rest) = bytes.split_first()?;
    let (given, rest) = rest.split_first()?;
    let (window, rest) = rest.split_first_chunk::<4>()?;
    let (rows, tail) = rest.as_chunks::<ROW_BYTES>();
    let row = |row: &[u8; ROW_BYTES]| {
        let (time, rest) = row.split_first_chunk::<8>()?;
        let (score, rest) = rest.split_first_chunk::<8>()?;
        Some(Judged {
            time: i64::from_ne_bytes(*time),
            score: f64::from_ne_bytes(*score),
            label: rest[0] == 1,
            alarm: (rest[1] < 2).then_some(rest[1] == 1),
        })
    };
    tail.is_empty().then_some(State {
        rows: rows.iter().map(row).collect::<Option<_>>()?,
        window: (*given == 1).then_some(i32::from_ne_bytes(*window)),
        integers: *integers == 1,
    })
}

/// The measures of rows with times; NULL if there was no row.
#[pg_extern(sql = false)]
fn _evaluate_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    finish(fcinfo, |rows| measure::sort_by_time(rows, &check))
}

/// The measures of rows in the order of arrival; NULL if there was no row.
#[pg_extern(sql = false)]
fn _evaluate_ordered_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    finish(fcinfo, |_| {})
}

fn finish(fcinfo: pg_sys::FunctionCallInfo, sort: impl Fn(&mut [Judged])) -> Result<Internal> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { memory::state_of::<State>(fcinfo, 0) }) else {
        return Ok(Internal::default());
    };
    // The state is left as it is: a window may call the final function again.
    let evaluate = || {
        let mut rows = state.rows.clone();
        sort(&mut rows);
        let window = state.window.and_then(|w| usize::try_from(w).ok());
        measure::evaluate_rows(&rows, window, &check)
    };
    let mut found = guarded(evaluate)?.map_err(report)?;
    if state.integers {
        // Integers have no unit that could be a day.
        (found.delay_us, found.false_alarms_per_day) = (None, None);
    }
    // SAFETY: sql/evaluate.sql declares the type with these fields.
    unsafe { composite(fcinfo, fields(&found)) }
}

fn fields(found: &Evaluation) -> [Option<pg_sys::Datum>; 22] {
    let count = |n: usize| (n as i64).into_datum();
    let (scores, decisions) = (found.scores.as_ref(), found.decisions.as_ref());
    [
        count(found.rows),
        count(found.unscored),
        count(found.anomalous),
        count(found.events),
        scores.map(|m| m.vus_pr).into_datum(),
        scores.map(|m| m.vus_roc).into_datum(),
        found
            .window
            .map(|w| i32::try_from(w).unwrap_or(i32::MAX))
            .into_datum(),
        scores.map(|m| m.auc_pr).into_datum(),
        scores.map(|m| m.auc_roc).into_datum(),
        scores.map(|m| m.point_f1).into_datum(),
        scores.map(|m| m.event_f1).into_datum(),
        scores.map(|m| m.range_f1).into_datum(),
        scores.map(|m| m.affiliation_f1).into_datum(),
        decisions.map(|d| d.point.precision).into_datum(),
        decisions.map(|d| d.point.recall).into_datum(),
        decisions.map(|d| d.point.f1()).into_datum(),
        decisions.map(|d| d.event.recall).into_datum(),
        decisions.map(|d| d.event.f1()).into_datum(),
        decisions.map(|d| d.range.f1()).into_datum(),
        decisions.map(|d| d.affiliation.f1()).into_datum(),
        found
            .delay_us
            .and_then(|us| crate::composite::interval(us.round() as i64)),
        found.false_alarms_per_day.into_datum(),
    ]
}

fn put(fcinfo: pg_sys::FunctionCallInfo, state: State) -> Result<Internal> {
    Ok(Internal::from(Some(memory::place(
        fcinfo,
        "tsad.evaluate",
        state,
    )?)))
}

/// The first argument as it came.
fn first(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: every support function has a first argument, which is a state or NULL.
    Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) }))
}

fn invalid(message: impl Into<String>, hint: impl Into<String>) -> ErrorReport {
    fail(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, hint)
}

fn different_windows() -> ErrorReport {
    invalid(
        "vus_window differs between rows of one group",
        "Pass a constant, or group by what it depends on.",
    )
}

fn too_many() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("too many rows in one group, the limit is {MAX_ROWS}"),
        "Evaluate shorter time ranges, or one series a group.",
    )
}
