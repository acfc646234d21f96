//! `tsad.plot`: rows to a picture. Declared in sql/plot.sql, like the training aggregate.

use super::constant_argument::Constant;
use super::memory::{broken, place, state_of};
use super::timezone::Zone;
use crate::error::{Result, report};
use crate::interrupt::check;
use crate::memory::{guarded, settle};
use crate::options;
use crate::time::TimeType;
use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::{Internal, pg_getarg};
use tsad_core::picture::{Axis, Options, Row, Sketch, draw};

/// What there is of a picture before it is drawn.
#[derive(Clone)]
struct PlotState {
    sketch: Sketch,
    constant: Constant,
    options: Options,
    time_type: TimeType,
}

impl PlotState {
    fn new(constant: Constant, time_type: TimeType) -> Result<Self> {
        let options = options::picture(constant.given())?;
        // An unknown time zone is told at the first row.
        Zone::of(options.timezone.as_deref())?;
        Ok(Self {
            sketch: Sketch::default(),
            constant,
            options,
            time_type,
        })
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        let text = self.constant.text().as_bytes();
        let mut out = u64::from(self.time_type.oid().to_u32()).to_ne_bytes().to_vec();
        out.extend_from_slice(&(text.len() as u64).to_ne_bytes());
        out.extend_from_slice(text);
        out.extend(self.sketch.to_bytes().map_err(report)?);
        Ok(out)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let broken = || broken("tsad.plot");
        let (oid, rest) = bytes.split_first_chunk::<8>().ok_or_else(broken)?;
        let oid = u32::try_from(u64::from_ne_bytes(*oid)).map_err(|_| broken())?;
        let time_type = TimeType::of(pg_sys::Oid::from(oid)).ok_or_else(broken)?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
        let length = usize::try_from(u64::from_ne_bytes(*length)).map_err(|_| broken())?;
        let (text, rest) = rest.split_at_checked(length).ok_or_else(broken)?;
        let text = std::str::from_utf8(text).map_err(|_| broken())?;
        let mut state = Self::new(Constant::of_text(text.to_owned()), time_type)?;
        state.sketch = guarded(|| Sketch::from_bytes(rest))?.map_err(|_| broken())?;
        Ok(state)
    }
}

/// Which argument is what, by the number of them.
#[derive(Default)]
struct Form {
    score: Option<usize>,
    threshold: Option<usize>,
    is_anomaly: Option<usize>,
    lower: Option<usize>,
    upper: Option<usize>,
    series: Option<usize>,
    options: Option<usize>,
}

impl Form {
    fn of(arguments: usize) -> Self {
        let none = Self::default();
        match arguments {
            4 => Self {
                options: Some(3),
                ..none
            },
            5 => Self {
                score: Some(3),
                is_anomaly: Some(4),
                ..none
            },
            8 => Self {
                score: Some(3),
                threshold: Some(4),
                is_anomaly: Some(5),
                series: Some(6),
                options: Some(7),
                ..none
            },
            10 => Self {
                score: Some(3),
                threshold: Some(4),
                is_anomaly: Some(5),
                lower: Some(6),
                upper: Some(7),
                series: Some(8),
                options: Some(9),
            },
            _ => none,
        }
    }
}

/// Adds a row `(state, time, value, ...)`. A row whose time is NULL or infinite has no place and is left out.
#[pg_extern(sql = false)]
fn _plot_row(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: fcinfo is that of the running call.
    let form = Form::of(unsafe { (*fcinfo).nargs } as usize);
    // SAFETY: sql/plot.sql declares the arguments with these types, in this order.
    let (state, time, options) = unsafe {
        (
            state_of::<PlotState>(fcinfo, 0),
            pgrx::pg_getarg_datum(fcinfo, 1),
            form.options.and_then(|n| pgrx::pg_getarg_datum(fcinfo, n)),
        )
    };
    let (state, datum) = match state {
        // SAFETY: the options are a jsonb; the state is not NULL.
        Some(state) => unsafe {
            state.constant.check(options)?;
            (state, pgrx::pg_getarg_datum(fcinfo, 0))
        },
        None => {
            // SAFETY: as above.
            let (constant, oid) = unsafe { (Constant::of(options)?, pgrx::pg_getarg_type(fcinfo, 1)) };
            let time_type = TimeType::of(oid).unwrap_or(TimeType::TimestampTz);
            let datum = place(fcinfo, "tsad.plot", PlotState::new(constant, time_type)?)?;
            // SAFETY: it was just made.
            (unsafe { &mut *datum.cast_mut_ptr::<PlotState>() }, Some(datum))
        }
    };
    if let Some(time) = time.and_then(|t| state.time_type.value(t).ok()) {
        // SAFETY: as above.
        let number = |n: Option<usize>| n.and_then(|n| unsafe { pg_getarg::<f64>(fcinfo, n) });
        let row = Row {
            time,
            value: number(Some(2)),
            score: number(form.score),
            threshold: number(form.threshold),
            // SAFETY: as above.
            is_anomaly: form
                .is_anomaly
                .and_then(|n| unsafe { pg_getarg::<bool>(fcinfo, n) }),
            lower: number(form.lower),
            upper: number(form.upper),
        };
        // SAFETY: as above.
        let series = form.series.and_then(|n| unsafe { pg_getarg::<&str>(fcinfo, n) });
        // A bucket is small.
        settle()?;
        state.sketch.add(series.unwrap_or(""), &row).map_err(report)?;
    }
    Ok(Internal::from(datum))
}

/// Joins two states.
#[pg_extern(sql = false)]
fn _plot_combine(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: both arguments are states.
    let (left, right) = unsafe { (state_of::<PlotState>(fcinfo, 0), state_of::<PlotState>(fcinfo, 1)) };
    match (left, right) {
        (Some(left), Some(right)) => {
            left.constant.same(&right.constant)?;
            let merged = || {
                let mut sketch = left.sketch.clone();
                sketch.merge(&right.sketch).map(|()| sketch)
            };
            left.sketch = guarded(merged)?.map_err(report)?;
            // SAFETY: the first argument is not NULL, or there were no state.
            Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) }))
        }
        (None, Some(right)) => Ok(Internal::from(Some(place(
            fcinfo,
            "tsad.plot",
            guarded(|| right.clone())?,
        )?))),
        // SAFETY: as above; NULL where there is no state at all.
        (_, None) => Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) })),
    }
}

/// The state as bytes.
#[pg_extern(sql = false)]
fn _plot_serialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<Vec<u8>>> {
    // SAFETY: the argument is a state.
    let state = unsafe { state_of::<PlotState>(fcinfo, 0) };
    state.map(|state| guarded(|| state.to_bytes())?).transpose()
}

/// The state from bytes.
#[pg_extern(sql = false)]
fn _plot_deserialize(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: the first argument is a bytea.
    match unsafe { pg_getarg::<&[u8]>(fcinfo, 0) } {
        Some(bytes) => Ok(Internal::from(Some(place(
            fcinfo,
            "tsad.plot",
            PlotState::from_bytes(bytes)?,
        )?))),
        None => Ok(Internal::default()),
    }
}

/// The picture; NULL if there was no row with a time.
#[pg_extern(sql = false)]
fn _plot_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<String>> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { state_of::<PlotState>(fcinfo, 0) }) else {
        return Ok(None);
    };
    check();
    let zone = Zone::of(state.options.timezone.as_deref())?;
    let offset = |time: i64| zone.offset(time);
    let axis = match state.time_type.is_integer() {
        true => Axis::Integers,
        false => Axis::Clock(zone.clock(&offset)),
    };
    guarded(|| draw(&state.sketch, &state.options, &axis))
}
