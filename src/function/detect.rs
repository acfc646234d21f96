//! `tsad.detect`: one row out per row in.

use crate::error::Result;
use crate::output::{self, Output, shares};
use crate::read::request::{Detail, request};
use crate::read::series::{Messages, Scored, for_each_part};
use crate::read::source::Columns;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::borrow::Cow;
use tsad_core::Evidence;
use tsad_core::expect::Expected;
use tsad_core::model::ScoreComponent;

/// `tsad.detect`, all forms.
#[pg_extern(sql = false)]
fn _detect(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/detect.sql declares the function with these arguments and the columns of `narrow`.
    let (request, mut output) = unsafe { (request(fcinfo, 10)?, Output::new(fcinfo)) };
    for_each_part(&request, |columns, scored| {
        for i in scored.range.clone() {
            if request.range.contains(scored.rows.in_request_unit(i)) {
                output.push(|| narrow(columns, &scored, i));
            }
        }
        Ok(())
    })
}

/// `tsad.detect_details`, all forms.
#[pg_extern(sql = false)]
fn _detect_details(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/detect.sql declares the function with these arguments and the columns of `fields`.
    let (request, mut output) = unsafe { (request(fcinfo, 10)?.with(Detail::All), Output::new(fcinfo)) };
    for_each_part(&request, |columns, scored| {
        for i in scored.range.clone() {
            if request.range.contains(scored.rows.in_request_unit(i)) {
                output.push(|| {
                    let mut row = [Some(scored.rows.key.datum()); 25];
                    row[1..].copy_from_slice(&fields(columns, &scored, i));
                    row
                });
            }
        }
        Ok(())
    })
}

/// The columns of row `i` that most readers want: what happened, not why.
fn narrow(columns: &Columns, scored: &Scored, i: usize) -> [Option<pg_sys::Datum>; 16] {
    let point = &scored.points[i];
    let (value, values) = values(columns, scored, i);
    let band = band(columns, scored, i);
    [
        Some(scored.rows.key.datum()),
        scored.rows.display_time[i].and_then(output::time),
        seq(columns, scored, i),
        value,
        values,
        band.and_then(|b| b.expected.into_datum()),
        band.and_then(|b| b.lower.into_datum()),
        band.and_then(|b| b.upper.into_datum()),
        point.score.and_then(IntoDatum::into_datum),
        point.severity.and_then(IntoDatum::into_datum),
        point.p_value.and_then(IntoDatum::into_datum),
        point.is_anomaly.and_then(IntoDatum::into_datum),
        point
            .score
            .map(|_| point.in_shadow)
            .and_then(IntoDatum::into_datum),
        point.is_final.into_datum(),
        point.status.name().into_datum(),
        message(scored, i),
    ]
}

/// The expectation of a single column; of several, each has its own.
fn band(columns: &Columns, scored: &Scored, i: usize) -> Option<Expected> {
    let model = scored.model.as_ref().filter(|_| !columns.array)?;
    let time = scored.rows.times[i].filter(|_| !scored.rows.infinite[i])?;
    model.expected(time)?.into_iter().next()?
}

/// The time of a row where it is an integer.
fn seq(columns: &Columns, scored: &Scored, i: usize) -> Option<pg_sys::Datum> {
    let time = scored.rows.times[i].filter(|_| columns.time.is_integer());
    time.and_then(IntoDatum::into_datum)
}

/// The threshold of a row that has a score.
fn threshold(scored: &Scored, i: usize) -> Option<f64> {
    let threshold = scored.model.as_ref().and_then(|m| m.threshold());
    threshold.filter(|_| scored.points[i].score.is_some())
}

/// Why a row or its series was not scored, or which of its values were not.
fn message(scored: &Scored, i: usize) -> Option<pg_sys::Datum> {
    let Messages { series, rows, unused } = &scored.messages;
    let message = rows[i].or(series.as_deref()).or(unused.as_deref());
    message.and_then(IntoDatum::into_datum)
}

/// The value of a row with one, the values of one with several.
fn values(columns: &Columns, scored: &Scored, i: usize) -> (Option<pg_sys::Datum>, Option<pg_sys::Datum>) {
    let known = |v: &f64| !v.is_nan();
    let Some(values) = scored.rows.values[i].as_ref() else {
        return (None, None);
    };
    if columns.array {
        let several: Vec<Option<f64>> = values.iter().copied().map(|v| Some(v).filter(known)).collect();
        return (None, several.into_datum());
    }
    let one = values.first().copied().filter(known);
    (one.and_then(IntoDatum::into_datum), None)
}

/// The columns of row `i` but for the series.
pub(crate) fn fields(columns: &Columns, scored: &Scored, i: usize) -> [Option<pg_sys::Datum>; 24] {
    let point = &scored.points[i];
    let (value, values) = values(columns, scored, i);
    let threshold = threshold(scored, i);
    let band = band(columns, scored, i);
    [
        scored.rows.display_time[i].and_then(output::time),
        seq(columns, scored, i),
        value,
        values,
        point.score.and_then(IntoDatum::into_datum),
        threshold.and_then(IntoDatum::into_datum),
        point.p_value.and_then(IntoDatum::into_datum),
        point.is_anomaly.and_then(IntoDatum::into_datum),
        point.severity.and_then(IntoDatum::into_datum),
        point
            .score
            .map(|_| point.in_shadow)
            .and_then(IntoDatum::into_datum),
        point.evidence.map(Evidence::name).and_then(IntoDatum::into_datum),
        point.change.map(i16::from).and_then(IntoDatum::into_datum),
        band.and_then(|b| b.expected.into_datum()),
        band.and_then(|b| b.lower.into_datum()),
        band.and_then(|b| b.upper.into_datum()),
        point.regime.and_then(|r| (r as i32).into_datum()),
        point.direction_p_value.and_then(IntoDatum::into_datum),
        point.channels.as_ref().and_then(|c| contributions(columns, c)),
        point
            .views
            .as_ref()
            .and_then(|v| shares(ScoreComponent::ALL.iter().map(|v| v.name()), v)),
        point.imputed.into_datum(),
        point.is_final.into_datum(),
        point.status.name().into_datum(),
        message(scored, i),
        scored.version.as_deref().and_then(IntoDatum::into_datum),
    ]
}

/// The shares of the channels, by column name or, within an array, by subscript.
pub(crate) fn contributions(columns: &Columns, channels: &[f64]) -> Option<pg_sys::Datum> {
    let names = channel_names(columns, channels.len());
    shares(names.iter().map(String::as_str), channels)
}

/// The names of the columns, or the subscripts within an array.
pub(crate) fn channel_names(columns: &Columns, count: usize) -> Cow<'_, [String]> {
    if columns.names.len() == count {
        return Cow::Borrowed(&columns.names);
    }
    (1..=count).map(|n| n.to_string()).collect()
}

#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
#[allow(
    clippy::expect_used,
    reason = "clippy.toml's exception for tests knows only cfg(test)"
)]
mod tests {
    use pgrx::prelude::*;
    use tsad_core::{Params, Samples};

    const NAB: &str = include_str!("../../tests/data/nab/nab.csv");
    const TRAINED: usize = 600;

    /// The rows of a shipped series: time as text, value.
    fn series(name: &str) -> Vec<(&'static str, f64)> {
        let fields = NAB.lines().map(|l| l.split(',').collect::<Vec<_>>());
        let own = fields.filter(|f| f[0] == name);
        own.map(|f| (f[1], f[2].parse().expect("a number"))).collect()
    }

    #[pg_test]
    fn detect_gives_the_scores_of_the_core() {
        for name in ["facility_1", "traffic_7"] {
            let rows = series(name);
            assert!(rows.len() > 2000);
            let (times, values): (Vec<String>, Vec<f64>) =
                rows.iter().map(|(t, v)| (t.to_string(), *v)).unzip();
            Spi::run(&format!("CREATE TABLE {name} (ts timestamptz, v float8)")).expect("a table");
            let insert = format!("INSERT INTO {name} SELECT t::timestamptz, v FROM unnest($1, $2) u (t, v)");
            Spi::run_with_args(&insert, &[times.into(), values.into()]).expect("rows");
            Spi::run(&format!(
                "CREATE TABLE {name}_model AS SELECT tsad.train(ts, v) AS model
                   FROM (SELECT * FROM {name} ORDER BY ts LIMIT {TRAINED}) first_rows"
            ))
            .expect("a model");
            let found: Vec<(i64, Option<f64>)> = Spi::connect(|client| {
                let query = format!(
                    "SELECT ts, score FROM tsad.detect('{name}', 'ts', 'v', models => '{name}_model')"
                );
                let table = client.select(&query, None, &[]).expect("scores");
                let row = |row: spi::SpiHeapTupleData| {
                    let time = row
                        .get::<TimestampWithTimeZone>(1)
                        .expect("a time")
                        .expect("not NULL");
                    (time.into_inner(), row.get::<f64>(2).expect("a score"))
                };
                table.map(row).collect()
            });
            let mut samples = Samples::new(1).expect("one channel");
            for ((time, _), (_, value)) in found.iter().zip(&rows) {
                samples.push(*time, &[*value]).expect("a finite value");
            }
            let params = Params::default().validate().expect("defaults are valid");
            let model = tsad_core::train(samples.head(TRAINED), &params, &|| {}).expect("a model");
            let points = tsad_core::score(&model, samples, &|| {}).expect("points");
            assert_eq!(points.len(), found.len());
            assert_eq!(found.len(), rows.len());
            for ((time, score), point) in found.iter().zip(&points) {
                assert_eq!(*time, point.time);
                let (score, expected) = (score.expect("scored"), point.score.expect("scored"));
                assert!(
                    (score - expected).abs() <= 1e-12 * expected.abs(),
                    "{name} {time}: {score} {expected}"
                );
            }
        }
    }
}
