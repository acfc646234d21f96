//! `tsad.clean`: the rows with anomalies replaced.

use crate::error::{Result, fail};
use crate::output::{self, Output};
use crate::read::request::request;
use crate::read::series::{Scored, for_each_part};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;

/// `tsad.clean`, all forms.
#[pg_extern(sql = false)]
fn _clean(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/detect.sql declares the function with these arguments and the columns below.
    let (request, mut output) = unsafe { (request(fcinfo, 10)?, Output::new(fcinfo)) };
    if request.values.len() > 1 {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!(
                "one value column is cleaned at a time, got {}",
                request.values.len()
            ),
            "Call the function once for each column.",
        ));
    }
    for_each_part(&request, |columns, scored| {
        for i in scored.range.clone() {
            if request.range.contains(scored.rows.in_request_unit(i)) {
                let value = value(&scored, i);
                let expected = replacement(&scored, i, value);
                output.push(|| {
                    [
                        Some(scored.rows.key.datum()),
                        scored.rows.display_time[i].and_then(output::time),
                        scored.rows.times[i]
                            .filter(|_| columns.time.is_integer())
                            .and_then(IntoDatum::into_datum),
                        value.and_then(IntoDatum::into_datum),
                        expected.or(value).and_then(IntoDatum::into_datum),
                        expected.is_some().into_datum(),
                        scored.points[i].status.name().into_datum(),
                    ]
                });
            }
        }
        Ok(())
    })
}

fn value(scored: &Scored, i: usize) -> Option<f64> {
    let values = scored.rows.values[i].as_ref()?;
    values.first().copied().filter(|v| !v.is_nan())
}

/// The expected value in the place of a missing, an infinite or, in an anomalous row, an unexpected one.
fn replacement(scored: &Scored, i: usize, value: Option<f64>) -> Option<f64> {
    let time = scored.rows.times[i].filter(|_| !scored.rows.infinite[i])?;
    let band = scored.model.as_ref()?.expected(time)?.into_iter().next()??;
    let wrong = match value {
        None => true,
        Some(v) => v.is_infinite() || (scored.points[i].is_anomaly == Some(true) && band.change(v) != 0),
    };
    wrong.then_some(band.expected)
}
