//! Learns what is expected of every row, before any window is looked at.

use crate::control::Check;
use crate::error::Result;
use crate::expect::{Expectation, FitOptions, LocalTime};
use crate::model::RowModel;
use crate::params::ValidParams;
use crate::series::{Grid, Samples, TimeKind};

/// Rows are replaced at so many separate times at most.
const MAX_INCIDENTS: usize = 2;
/// Rows set aside at most so many rows apart belong to one incident.
const NEAR: usize = 8;

/// What rows tell by themselves.
pub(super) struct Learned {
    /// None where no column has enough values.
    pub(super) model: Option<RowModel>,
    /// The rows as windows are to see them: with what was to be expected in place of incidents.
    pub(super) cleaned: Samples,
}

/// Learns an expectation of each column from rows in ascending order of time.
pub(super) fn learn(rows: &Samples, params: &ValidParams, check: Check) -> Result<Learned> {
    let local = LocalTime::utc();
    let options = FitOptions {
        calendar: rows.time_kind() == TimeKind::Timestamp,
        local: &local,
        zone_known: false,
        holidays: &[],
        contamination: params.contamination,
    };
    let (mut columns, mut aside) = (Vec::new(), Vec::new());
    for c in 0..rows.channels() {
        check();
        let (times, values) = column(rows, c);
        let fitted = Expectation::fit(&times, &values, &options, check);
        let indices = fitted.as_ref().map_or(&[][..], |f| &f.aside);
        let incidents = if is_incident(indices) { indices } else { &[] };
        aside.push(incidents.iter().map(|i| times[*i]).collect::<Vec<i64>>());
        columns.push(fitted.map(|f| f.expectation));
    }
    let interval = Grid::of_times(rows.times()).map_or(1, |g| g.interval);
    let model = columns.iter().any(Option::is_some).then(|| RowModel {
        interval,
        alpha: params.alpha_at(interval, rows.time_kind()),
        columns,
    });
    let cleaned = match &model {
        Some(model) => model.cleaned(rows, &aside, check)?,
        None => rows.clone(),
    };
    Ok(Learned { model, cleaned })
}

/// Whether rows that were set aside, ascending, are incidents: what happens at more separate times is a habit of the series,
/// and windows are to know it (measured: with such rows replaced they rank worse).
fn is_incident(aside: &[usize]) -> bool {
    let times = aside.windows(2).filter(|w| w[1] - w[0] > NEAR).count() + 1;
    times <= MAX_INCIDENTS
}

/// Times and values of a column; rows of one time count as one, with the mean of their values.
fn column(rows: &Samples, c: usize) -> (Vec<i64>, Vec<f64>) {
    let (mut times, mut values): (Vec<i64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut count = 0.0;
    for (i, time) in rows.times().iter().enumerate() {
        let value = rows.row(i)[c];
        if value.is_nan() {
            continue;
        }
        match (times.last(), values.last_mut()) {
            (Some(last), Some(mean)) if last == time => {
                count += 1.0;
                *mean += (value - *mean) / count;
            }
            _ => {
                times.push(*time);
                values.push(value);
                count = 1.0;
            }
        }
    }
    (times, values)
}
