//! Learns what is expected of every row, before any window is looked at.

use crate::calibrate::Calibration;
use crate::control::Check;
use crate::error::Result;
use crate::expect::{Expectation, FitOptions, Fitted, LocalTime};
use crate::model::RowModel;
use crate::params::ValidParams;
use crate::score::rows::ColumnValues;
use crate::series::{Grid, Samples, TimeKind};

/// Rows are replaced at so many separate times at most.
const MAX_INCIDENTS: usize = 2;
/// Rows set aside at most so many rows apart belong to one incident.
const NEAR: usize = 8;

/// What rows tell by themselves.
pub(super) struct Learned {
    /// None where no column has enough values.
    pub(super) model: Option<RowModel>,
    /// The rows as windows are to see them: without trends, and with what was to be expected in place of incidents.
    pub(super) cleaned: Samples,
}

/// A column of the rows, and what was learned of it.
struct Column {
    times: Vec<i64>,
    values: Vec<f64>,
    fitted: Option<Fitted>,
}

/// Learns an expectation of each column from rows in ascending order of time.
pub(super) fn learn(rows: &Samples, params: &ValidParams, check: Check) -> Result<Learned> {
    let columns = columns(rows, params, check);
    let aside = aside(&columns);
    let columns: Vec<Option<Expectation>> = columns
        .into_iter()
        .map(|c| c.fitted.map(|f| f.expectation))
        .collect();
    let interval = Grid::of_times(rows.times()).map_or(1, |g| g.interval);
    let alpha = params
        .alpha_at(interval, rows.time_kind())
        .clamp(*Calibration::ALPHA.start(), *Calibration::ALPHA.end());
    let model = columns.iter().any(Option::is_some).then_some(RowModel {
        interval,
        alpha,
        told: alpha,
        columns,
    });
    let cleaned = match &model {
        Some(model) => model.without_trend(model.cleaned(rows, &aside, check)?, check)?,
        None => rows.clone(),
    };
    Ok(Learned { model, cleaned })
}

/// Exchanges expectations that newer rows, in ascending order of time, contradict; `windows` says whether there are windows
/// that have seen the series without its trends.
pub(super) fn update(
    old: &RowModel,
    rows: &Samples,
    params: &ValidParams,
    windows: bool,
    check: Check,
) -> Result<Learned> {
    let columns = columns(rows, params, check);
    let aside = aside(&columns);
    let exchanged = columns.into_iter().zip(&old.columns).map(|(c, old)| {
        check();
        match (old, c.fitted) {
            (Some(old), Some(new)) => Some(old.updated(new, &c.times, &c.values, windows, check)),
            (None, Some(new)) if !(windows && new.expectation.has_trend()) => Some(new.expectation),
            (old, _) => old.clone(),
        }
    });
    let model = RowModel {
        columns: exchanged.collect(),
        ..old.clone()
    };
    let cleaned = model.without_trend(model.cleaned(rows, &aside, check)?, check)?;
    Ok(Learned {
        model: Some(model),
        cleaned,
    })
}

/// Every column by itself.
fn columns(rows: &Samples, params: &ValidParams, check: Check) -> Vec<Column> {
    let local = LocalTime::utc();
    let options = FitOptions {
        calendar: rows.time_kind() == TimeKind::Timestamp,
        local: &local,
        zone_known: false,
        holidays: &[],
        contamination: params.contamination,
    };
    let of_column = |c: usize| {
        check();
        let ColumnValues { times, values, .. } = ColumnValues::of(rows, c);
        let fitted = Expectation::fit(&times, &values, &options, check);
        Column {
            times,
            values,
            fitted,
        }
    };
    (0..rows.channels()).map(of_column).collect()
}

/// By column the times of incidents.
fn aside(columns: &[Column]) -> Vec<Vec<i64>> {
    let of = |c: &Column| -> Vec<i64> {
        let aside = c
            .fitted
            .iter()
            .filter(|f| is_incident(&f.aside))
            .flat_map(|f| &f.aside);
        aside.map(|i| c.times[*i]).collect()
    };
    columns.iter().map(of).collect()
}

/// Whether rows that were set aside, ascending, are incidents: what happens at more separate times is a habit of the series,
/// and windows are to know it (measured: with such rows replaced they rank worse).
fn is_incident(aside: &[usize]) -> bool {
    let times = aside.windows(2).filter(|w| w[1] - w[0] > NEAR).count() + 1;
    times <= MAX_INCIDENTS
}
