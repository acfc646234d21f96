//! `tsad.score_series`: the rows of a series given as arrays.

use super::detect::fields;
use crate::error::{Result, fail};
use crate::jsonb::RawJsonb;
use crate::memory::{guarded, settle};
use crate::output::Output;
use crate::read::models::{Found, one};
use crate::read::request::Detail;
use crate::read::rows::{Rows, samples};
use crate::read::series::score;
use crate::read::source::Columns;
use crate::time::TimeType;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::rc::Rc;
use tsad_core::Model;

/// `tsad.score_series(model, ts, "values")`.
#[pg_extern(sql = false)]
fn _score_series(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/score_series.sql declares the function with a bytea, an array of times and a float8[], and the
    // columns of `fields`.
    let (given, mut output) = unsafe { (given(fcinfo)?, Output::new(fcinfo)) };
    let Some((columns, rows, model)) = given else {
        return Ok(());
    };
    let (samples, messages) = samples(&columns, &rows, Some(model.channels()))?;
    let scored = score(
        &columns,
        rows,
        samples,
        messages,
        Found::Model(model),
        Detail::All,
    )?;
    for i in 0..scored.points.len() {
        output.push(|| fields(&columns, &scored, i));
    }
    Ok(())
}

/// A series and a model given as the first three arguments: a model, an array of times and one of values; none where
/// one of them is NULL.
///
/// # Safety
/// `fcinfo` must be that of a function declared with a `bytea`, an array of times and a `float8[]` first.
pub(crate) unsafe fn given(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<(Columns, Rows, Rc<Model>)>> {
    // SAFETY: the caller vouches for the arguments.
    let (model, times, values) = unsafe {
        let array = |n: usize| {
            pgrx::pg_getarg_datum(fcinfo, n)
                .map(|d| Elements::of(d))
                .transpose()
        };
        (pgrx::pg_getarg::<&[u8]>(fcinfo, 0), array(1)?, array(2)?)
    };
    let (Some(model), Some(times), Some(values)) = (model, times, values) else {
        return Ok(None);
    };
    let width = match *values.sizes {
        [_, width] => width,
        _ => 1,
    };
    if times.sizes.len() > 1 || values.sizes.len() > 2 || times.list.len() * width != values.list.len() {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!("arrays of {times} times and {values} values do not fit together"),
            "Pass one value a time, or a two-dimensional array with one row a time and one column a channel.",
        ));
    }
    let width_known = (!times.list.is_empty()).then_some(width);
    let model = Rc::new(one(model, width_known)?);
    let columns = Columns {
        time: TimeType::of(times.element).ok_or_else(unknown_time)?,
        array: values.sizes.len() == 2,
        names: if values.sizes.len() == 2 {
            Vec::new()
        } else {
            vec!["value".to_owned()]
        },
    };
    let rows = rows(&columns, &times, &values, width)?;
    Ok(Some((columns, rows, model)))
}

/// The times of an array argument as the core takes them, without those that are NULL; none if it is NULL.
///
/// # Safety
/// Argument `n` must be declared as an array of times.
pub(crate) unsafe fn times(fcinfo: pg_sys::FunctionCallInfo, n: usize) -> Result<Option<Vec<i64>>> {
    // SAFETY: the caller vouches for the argument.
    let Some(datum) = (unsafe { pgrx::pg_getarg_datum(fcinfo, n) }) else {
        return Ok(None);
    };
    // SAFETY: as above.
    let elements = unsafe { Elements::of(datum)? };
    guarded(|| elements.list.iter().flatten().map(|d| d.value() as i64).collect()).map(Some)
}

/// The rows in the order of time, those without a time last; rows of equal time keep their order.
fn rows(columns: &Columns, times: &Elements, values: &Elements, width: usize) -> Result<Rows> {
    let raw = |i: &usize| times.list[*i].map(|d| d.value() as i64);
    let infinite = |i: &usize| times.list[*i].is_some_and(|d| columns.time.value(d).is_err());
    let value = |d: &Option<pg_sys::Datum>| d.map_or(f64::NAN, |d| f64::from_bits(d.value() as u64));
    let row = |i: &usize| {
        values.list[i * width..(i + 1) * width]
            .iter()
            .map(value)
            .collect()
    };
    let display_time = |i: &usize| raw(i).filter(|_| !columns.time.is_integer());
    let lists = || {
        let mut order: Vec<usize> = (0..times.list.len()).collect();
        order.sort_by_key(|i| (raw(i).is_none(), raw(i)));
        (
            order.iter().map(raw).collect(),
            order.iter().map(display_time).collect(),
            order.iter().map(infinite).collect(),
            order.iter().map(|i| Some(row(i))).collect(),
        )
    };
    let (times, display_time, infinite, values) = guarded(lists)?;
    Ok(Rows {
        key: RawJsonb::empty(),
        times,
        display_time,
        infinite,
        values,
    })
}

/// An array of a type that is passed by value.
struct Elements {
    element: pg_sys::Oid,
    /// One size per dimension.
    sizes: Vec<usize>,
    list: Vec<Option<pg_sys::Datum>>,
}

impl Elements {
    /// # Safety
    /// The datum must be an array whose elements are passed by value.
    unsafe fn of(datum: pg_sys::Datum) -> Result<Self> {
        settle()?;
        // SAFETY: the caller vouches for the datum; the header says how many elements there are, and
        // deconstruct_array allocates two lists of that many.
        unsafe {
            let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
            let element = (*array).elemtype;
            let (mut length, mut by_value, mut align) = (0, false, 0);
            pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
            let (mut list, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
            pg_sys::deconstruct_array(
                array,
                element,
                i32::from(length),
                by_value,
                align,
                &mut list,
                &mut nulls,
                &mut count,
            );
            let sizes = array.add(1).cast::<i32>();
            Ok(Self {
                element,
                sizes: (0..(*array).ndim as usize)
                    .map(|d| *sizes.add(d) as usize)
                    .collect(),
                list: guarded(|| {
                    (0..count as usize)
                        .map(|i| (!*nulls.add(i)).then(|| *list.add(i)))
                        .collect()
                })?,
            })
        }
    }
}

impl std::fmt::Display for Elements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.sizes.split_first() {
            None => f.write_str("0"),
            Some((first, rest)) => {
                write!(f, "{first}")?;
                rest.iter().try_for_each(|size| write!(f, " x {size}"))
            }
        }
    }
}

fn unknown_time() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        "the times have a type that cannot be one",
        "Pass an array of timestamptz or bigint.",
    )
}
