//! Functions that look and change nothing.

use crate::error::{Result, fail, report};
use crate::memory::{guarded, probe};
use pgrx::JsonB;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use serde_json::{Value, json};
use tsad_core::model::RegimeInfo;
use tsad_core::score::Target;
use tsad_core::{Model, TimeKind};

/// The version of the loaded library.
///
/// It can differ from the version of the installed SQL objects (`pg_extension.extversion`) between an upgrade of the
/// package and `ALTER EXTENSION pg_tsad UPDATE`.
#[pg_extern(sql = false)]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// What a model tells of itself.
#[pg_extern(sql = false)]
fn model_info(model: &[u8]) -> Result<JsonB> {
    let (read, info) = guarded(|| {
        let read = Model::from_bytes(model)?;
        let info = read.info(model.len());
        Ok::<_, tsad_core::Error>((read, info))
    })?
    .map_err(report)?;
    // What is told, as values and as text.
    probe(4 * model.len())?;
    let mut json = serde_json::to_value(&info).unwrap_or_default();
    if let Value::Object(map) = &mut json {
        let integer = info.times == TimeKind::Integer;
        let time = |t: Option<i64>| match t {
            Some(t) if integer => json!(t),
            Some(t) => json!(iso(t)),
            None => Value::Null,
        };
        let range = json!({"from": time(info.first_time), "to": time(info.last_time)});
        map.insert("training_range".to_owned(), range);
        if integer {
            map.insert("sampling_interval".to_owned(), json!(info.interval));
        } else {
            let seconds = info.interval.map(|micros| micros as f64 / 1e6);
            map.insert("sampling_interval_seconds".to_owned(), json!(seconds));
        }
        map.insert(
            "model_version".to_owned(),
            json!(guarded(|| model_version(&read))?.map_err(report)?),
        );
        map.insert("seed".to_owned(), json!(info.options.seed));
    }
    Ok(JsonB(json))
}

/// What tells a model from others: its checksum, in hexadecimal.
pub(crate) fn model_version(model: &Model) -> tsad_core::Result<String> {
    model.checksum().map(|crc| format!("{crc:08x}"))
}

/// The regimes of a model.
#[pg_extern(sql = false)]
#[allow(
    clippy::type_complexity,
    reason = "a row of a table function is a tuple of names and types"
)]
fn model_regimes(
    model: &[u8],
) -> Result<
    TableIterator<
        'static,
        (
            name!(regime, i32),
            name!(size, i64),
            name!(share, f64),
            name!(window, i32),
            name!(example, JsonB),
            name!(centres, JsonB),
            name!(directions, JsonB),
        ),
    >,
> {
    let regimes = guarded(|| Model::from_bytes(model).map(|m| m.regimes()))?.map_err(report)?;
    // Numbers as values and as text take up to 16 times what they take in a model.
    probe(16 * model.len())?;
    let row = |r: RegimeInfo| {
        let centres = r.centres.iter().map(|c| (c.view.to_owned(), json!(c.centre)));
        (
            r.regime as i32,
            r.size as i64,
            r.share,
            r.window as i32,
            JsonB(example(&r.example)),
            JsonB(Value::Object(centres.collect())),
            JsonB(json!(r.directions)),
        )
    };
    Ok(TableIterator::new(
        regimes.into_iter().map(row).collect::<Vec<_>>(),
    ))
}

/// The values of a window: of one column as they are, of several a list a time.
fn example(channels: &[Vec<f64>]) -> Value {
    match channels {
        [one] => json!(one),
        several => {
            let times = 0..several.first().map_or(0, Vec::len);
            let row = |i: usize| several.iter().map(|c| c[i]).collect::<Vec<f64>>();
            json!(times.map(row).collect::<Vec<_>>())
        }
    }
}

/// The same model with the threshold at another error probability.
#[pg_extern(sql = false)]
fn recalibrate(
    model: Option<&[u8]>,
    alpha: Option<f64>,
    alarms_per_day: Option<f64>,
) -> Result<Option<Vec<u8>>> {
    let Some(model) = model else {
        return Ok(None);
    };
    let target = match (alpha, alarms_per_day) {
        (Some(alpha), None) => Target::Alpha(alpha),
        (None, Some(rate)) => Target::AlarmsPerDay(rate),
        _ => {
            return Err(fail(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "pass one of alpha and alarms_per_day",
                "For example alarms_per_day => 0.5.",
            ));
        }
    };
    let recalibrated = || Model::from_bytes(model)?.recalibrated(target)?.to_bytes();
    guarded(recalibrated)?.map(Some).map_err(report)
}

/// A time in microseconds as ISO 8601 text in UTC.
pub(crate) fn iso(micros: i64) -> Option<String> {
    let time = TimestampWithTimeZone::try_from(micros).ok()?;
    time.to_iso_string_with_timezone("UTC").ok()
}

#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn version_is_the_one_of_the_package() {
        let version = Spi::get_one::<&str>("SELECT tsad.version()");
        assert_eq!(version, Ok(Some(env!("CARGO_PKG_VERSION"))));
    }
}
