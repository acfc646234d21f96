//! `tsad.score`: row by row as a window function, each by the rows before it.
//!
//! The transition function advances a [`Stream`], which also holds the result of the latest row; the final function only
//! reads it, so that the executor may call it after every row. Declarations stand in sql/score.sql.

use super::memory::{place, state_of};
use super::model_aggregates::{raw, unpacked};
use super::time::unknown_time;
use crate::composite::composite;
use crate::error::{Result, fail, report};
use crate::jsonb::RawJsonb;
use crate::memory::{Kept, out_of_memory, settle};
use crate::output::shares;
use crate::time::TimeType;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::panic::ErrorReport};
use std::sync::Arc;
use tsad_core::model::ScoreComponent;
use tsad_core::{Model, Point, Status, Stream};

/// The scorer of a partition and what it said of the latest row.
struct State {
    seen: Seen,
    time_type: TimeType,
    scorer: Scorer,
    latest: Latest,
    /// Shares as they were last handed out: they change only when a window ends.
    channels: Shares,
    views: Shares,
}

/// What scores a partition.
enum Scorer {
    Stream(Box<Kept<tsad_core::Result<Stream>>>),
    /// There is no model.
    None,
    /// There is one that cannot be used, for this reason.
    Broken(String),
}

/// The result of a row.
struct Latest {
    point: Point,
    message: Option<String>,
}

/// The model argument of the first row, to compare with the next row's without reading it.
enum Seen {
    Null,
    Datum {
        /// As it stood in the row: a pointer, or the beginning of the value.
        raw: Vec<u8>,
        header: Vec<u8>,
    },
}

/// Shares and the `jsonb` made of them.
#[derive(Default)]
struct Shares(Option<(Vec<f64>, RawJsonb)>);

/// Adds a row `(state, model, time, value)`.
#[pg_extern(sql = false)]
fn _score_value(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/score.sql declares the fourth argument as float8.
    let value = unsafe { pgrx::pg_getarg::<f64>(fcinfo, 3) }.unwrap_or(f64::NAN);
    add(fcinfo, Some(&[value]))
}

/// Adds a row `(state, model, time, values)`.
#[pg_extern(sql = false)]
fn _score_values(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: sql/score.sql declares the fourth argument as float8[].
    let array = unsafe { pgrx::pg_getarg::<Array<f64>>(fcinfo, 3) };
    let values: Option<Vec<f64>> = array.map(|a| a.iter().map(|v| v.unwrap_or(f64::NAN)).collect());
    add(fcinfo, values.as_deref())
}

fn add(fcinfo: pg_sys::FunctionCallInfo, values: Option<&[f64]>) -> Result<Internal> {
    // SAFETY: sql/score.sql declares the arguments as internal, bytea, a type of time and a value or values.
    let (state, model, time) = unsafe {
        (
            state_of::<State>(fcinfo, 0),
            pgrx::pg_getarg_datum(fcinfo, 1),
            pgrx::pg_getarg_datum(fcinfo, 2),
        )
    };
    if let Some(state) = state {
        // SAFETY: the argument is a bytea.
        if !unsafe { state.seen.is(model) } {
            return Err(different_models());
        }
        state.push(time, values)?;
        // SAFETY: the first argument is not NULL, or there were no state.
        return Ok(Internal::from(unsafe { pgrx::pg_getarg_datum(fcinfo, 0) }));
    }
    // SAFETY: fcinfo is that of the running call.
    let time_type = TimeType::of(unsafe { pgrx::pg_getarg_type(fcinfo, 2) }).ok_or_else(unknown_time)?;
    // SAFETY: the argument is a bytea.
    let (seen, scorer) = unsafe { (Seen::of(model), Scorer::of(model, time_type)?) };
    let mut state = State {
        seen,
        time_type,
        scorer,
        latest: Latest {
            point: Point::unscored(0, Status::Missing),
            message: None,
        },
        channels: Shares::default(),
        views: Shares::default(),
    };
    state.push(time, values)?;
    Ok(Internal::from(Some(place(fcinfo, "tsad.score", state)?)))
}

impl Scorer {
    /// # Safety
    /// The datum must be a valid value of type `bytea`.
    unsafe fn of(model: Option<pg_sys::Datum>, time_type: TimeType) -> Result<Self> {
        // SAFETY: the caller vouches for the datum.
        let Some(bytes) = model.map(|m| unsafe { unpacked(m) }) else {
            return Ok(Self::None);
        };
        let stream = Kept::new(|| Model::from_bytes(bytes).map(|model| Stream::new(Arc::new(model))))?;
        let why = match stream.get() {
            Some(Ok(stream)) if stream.model().time_kind() == time_type.kind() => None,
            Some(Ok(stream)) => Some(format!(
                "the model was trained on {} as times, got {}",
                stream.model().time_kind().name(),
                time_type.kind().name()
            )),
            Some(Err(e)) => Some(e.message().to_owned()),
            None => None,
        };
        Ok(match why {
            Some(why) => Self::Broken(why),
            None => Self::Stream(Box::new(stream)),
        })
    }
}

impl Seen {
    /// The bytes of a model's header, in which stand its length and its checksum.
    const HEADER: usize = 20;

    /// # Safety
    /// The datum must be a valid value of type `bytea`.
    unsafe fn of(model: Option<pg_sys::Datum>) -> Self {
        // SAFETY: the caller vouches for the datum.
        model.map_or(Self::Null, |m| unsafe {
            Self::Datum {
                raw: raw(m)[..raw(m).len().min(4 * Self::HEADER)].to_vec(),
                header: Self::header(m),
            }
        })
    }

    /// The header of a model.
    ///
    /// # Safety
    /// As [`Seen::of`].
    unsafe fn header(model: pg_sys::Datum) -> Vec<u8> {
        // SAFETY: the caller vouches for the datum; only its beginning is fetched and unpacked.
        unsafe {
            let slice = pg_sys::pg_detoast_datum_slice(model.cast_mut_ptr(), 0, Self::HEADER as i32);
            pgrx::varlena_to_byte_slice(slice).to_vec()
        }
    }

    /// Whether another row has the same model. What stands in the row is compared where that is little: a pointer to
    /// where the model is kept. Otherwise, and where it differs, the headers decide.
    ///
    /// # Safety
    /// As [`Seen::of`].
    unsafe fn is(&mut self, model: Option<pg_sys::Datum>) -> bool {
        match (self, model) {
            (Self::Null, None) => true,
            (Self::Datum { raw: seen, header }, Some(model)) => {
                // SAFETY: the caller vouches for the datum.
                let now = unsafe { raw(model) };
                if now.len() <= 4 * Self::HEADER && now == seen.as_slice() {
                    return true;
                }
                // SAFETY: as above.
                *header == unsafe { Self::header(model) }
            }
            _ => false,
        }
    }
}

impl State {
    /// Scores the next row. Whatever is wrong with it becomes its status and message.
    fn push(&mut self, time: Option<pg_sys::Datum>, values: Option<&[f64]>) -> Result<()> {
        let unscored = |status, message: Option<&str>| Latest {
            point: Point::unscored(0, status),
            message: message.map(str::to_owned),
        };
        // What is made here is small.
        settle()?;
        let stream = match &mut self.scorer {
            Scorer::Stream(stream) => stream,
            Scorer::None => {
                self.latest = unscored(Status::UnseenSeries, Some("there is no model for this series"));
                return Ok(());
            }
            Scorer::Broken(why) => {
                self.latest = unscored(Status::Error, Some(why));
                return Ok(());
            }
        };
        let time = match time.map(|t| self.time_type.value(t)) {
            Some(Ok(time)) => time,
            Some(Err(_)) => {
                self.latest = unscored(Status::Error, Some("time is infinite"));
                return Ok(());
            }
            None => {
                self.latest = unscored(Status::Error, Some("time is NULL"));
                return Ok(());
            }
        };
        let channels = stream_of(stream)?.model().channels();
        if let Some(values) = values.filter(|v| v.len() != channels) {
            let message = format!(
                "the model was trained on {channels} value columns, got {}",
                values.len()
            );
            self.latest = unscored(Status::Error, Some(&message));
            return Ok(());
        }
        let infinite = values.is_some_and(|v| v.iter().any(|v| v.is_infinite()));
        let clean: Vec<f64> = match values {
            Some(values) => values
                .iter()
                .map(|v| if v.is_infinite() { f64::NAN } else { *v })
                .collect(),
            None => vec![f64::NAN; channels],
        };
        let push = |stream: &mut tsad_core::Result<Stream>| match stream {
            Ok(stream) => stream.push(time, &clean),
            Err(e) => Err(e.clone()),
        };
        let point = stream.with(push)?.map_err(report)?;
        self.latest = if infinite {
            unscored(Status::Error, Some("value is infinite"))
        } else {
            let message = match point.status {
                Status::Error => Some("the row is older than one before it".to_owned()),
                Status::InsufficientData => stream_of(stream)?.model().untrained_reason().map(str::to_owned),
                _ => None,
            };
            Latest { point, message }
        };
        Ok(())
    }

    fn fields(&mut self) -> [Option<pg_sys::Datum>; 12] {
        let Latest { point, message } = &self.latest;
        let threshold = match &self.scorer {
            Scorer::Stream(stream) if point.score.is_some() => {
                stream_of(stream).ok().and_then(|s| s.model().causal_threshold())
            }
            _ => None,
        };
        let severity = point.score.zip(threshold).map(|(s, t)| s / t);
        let channels = point.channels.as_deref();
        let names = |n: usize| -> Vec<String> {
            match n {
                1 => vec!["value".to_owned()],
                _ => (1..=n).map(|i| i.to_string()).collect(),
            }
        };
        let views = || ScoreComponent::ALL.iter().map(|v| v.name().to_owned()).collect();
        [
            point.score.into_datum(),
            threshold.into_datum(),
            point.p_value.into_datum(),
            point.is_anomaly.into_datum(),
            severity.into_datum(),
            point.change.map(i16::from).into_datum(),
            channels.and_then(|c| self.channels.datum(c, || names(c.len()))),
            point.views.as_ref().and_then(|v| self.views.datum(v, views)),
            point.imputed.into_datum(),
            point.is_final.into_datum(),
            point.status.name().into_datum(),
            message.as_deref().and_then(IntoDatum::into_datum),
        ]
    }
}

/// The stream, unless memory ran out in an earlier row.
fn stream_of(kept: &Kept<tsad_core::Result<Stream>>) -> Result<&Stream> {
    match kept.get() {
        Some(Ok(stream)) => Ok(stream),
        Some(Err(e)) => Err(report(e.clone())),
        None => Err(out_of_memory(0)),
    }
}

impl Shares {
    fn datum(&mut self, now: &[f64], names: impl FnOnce() -> Vec<String>) -> Option<pg_sys::Datum> {
        if self.0.as_ref().is_none_or(|(last, _)| last != now) {
            let names = names();
            let made = shares(names.iter().map(String::as_str), now)?;
            // SAFETY: the datum is a jsonb that was just made.
            self.0 = Some((now.to_vec(), unsafe { RawJsonb::copy(made) }));
        }
        self.0.as_ref().map(|(_, json)| json.datum())
    }
}

/// The result of the latest row; NULL if there was none. It leaves the rows' state as it is.
#[pg_extern(sql = false)]
fn _score_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal> {
    // SAFETY: the argument is a state.
    let Some(state) = (unsafe { state_of::<State>(fcinfo, 0) }) else {
        return Ok(Internal::default());
    };
    // SAFETY: sql/score.sql declares the type with these fields; the composite copies them.
    unsafe { composite(fcinfo, state.fields()) }
}

fn different_models() -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "the model differs between rows of one partition",
        "Say in the window what tells the series apart, as in OVER (PARTITION BY host ORDER BY ts).",
    )
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

    const TRAINED: usize = 1000;
    const ROWS: usize = 2500;

    #[pg_test]
    fn score_gives_the_causal_scores_of_the_core() {
        let value = |i: usize| (i as f64 * 0.21).sin() + (i * 7919 % 1009) as f64 / 2000.0;
        let (seq, values): (Vec<i64>, Vec<f64>) = (0..ROWS).map(|i| (i as i64, value(i))).unzip();
        Spi::run("CREATE TABLE causal (seq bigint, v float8)").expect("a table");
        Spi::run_with_args(
            "INSERT INTO causal SELECT * FROM unnest($1, $2)",
            &[seq.clone().into(), values.clone().into()],
        )
        .expect("rows");
        let found: Vec<Option<f64>> = Spi::connect(|client| {
            let query = format!(
                "SELECT (tsad.score(m, seq, v) OVER (ORDER BY seq)).score FROM causal,
                   (SELECT tsad.train(seq, v) AS m FROM causal WHERE seq < {TRAINED}) t ORDER BY seq"
            );
            let table = client.select(&query, None, &[]).expect("scores");
            table
                .map(|row| row.get::<f64>(1).expect("a score or NULL"))
                .collect()
        });
        let mut samples = Samples::new(1)
            .expect("one channel")
            .with_times(tsad_core::TimeKind::Integer);
        for (seq, value) in seq.iter().zip(&values) {
            samples.push(*seq, &[*value]).expect("a finite value");
        }
        let params = Params::default().validate().expect("defaults are valid");
        let model = tsad_core::train(samples.head(TRAINED), &params, &|| {}).expect("a model");
        let points = tsad_core::score_causal(&model, samples, &|| {}).expect("points");
        let expected: Vec<Option<f64>> = points.iter().map(|p| p.score).collect();
        assert_eq!(found, expected);
        assert!(found.iter().flatten().count() > ROWS - 64);
    }
}
