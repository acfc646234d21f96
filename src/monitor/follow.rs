//! `tsad._follow`: the episodes of a batch of series of a monitor, from where each was left.

use crate::error::{Result, report};
use crate::function::detect::channel_names;
use crate::function::events::Limits;
use crate::inspect::iso;
use crate::interrupt::check;
use crate::jsonb::RawJsonb;
use crate::memory::{guarded, is_out_of_memory};
use crate::output::{self, Output, shares_text};
use crate::read::models::one;
use crate::read::request::{Request, invalid, required, rows_only};
use crate::read::rows::Rows;
use crate::read::series::for_each_rows;
use crate::read::source::{Columns, Source};
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tsad_core::expect::Expectation;
use tsad_core::model::ScoreComponent;
use tsad_core::{
    Check, Checkpoint, EpisodeUpdate, ErrorKind, Event, Evidence, FollowLimits, FollowResult, Model, Point,
    RetrainReason, Samples, follow,
};

/// What is known of a series of the batch.
struct Series {
    /// Why there is no model, if there is none.
    model: std::result::Result<Model, String>,
    checkpoint: Checkpoint,
    limits: FollowLimits,
    /// The length of time before a mark whose rows are read again.
    known: i64,
    /// Rows up to this time are not counted.
    start: i64,
    /// The row after which a silence was last waited for.
    silent_from: Option<i64>,
    /// The newest row that was seen before.
    newest: Option<i64>,
    answer: Option<Answer>,
}

/// What is told of it.
struct Answer {
    rows: usize,
    newest: Option<i64>,
    /// The rows after `start` in the last `known` before the mark that was given, and before the new one.
    before: [Known; 2],
    followed: std::result::Result<FollowResult, String>,
    episodes: Value,
    /// The first new row.
    next: Option<i64>,
    waiting: Option<Waiting>,
}

/// Up to when the next row is waited for. Times are as shown.
#[derive(Clone, Copy)]
struct Waiting {
    /// The last row with a value.
    from: i64,
    /// When it is a silence that none followed; the end of time where it never is.
    until: i64,
    /// The rows that were to be expected by then.
    missed: f64,
}

/// Rows that were read again.
#[derive(Clone, Copy, Default)]
struct Known {
    count: usize,
    /// The sum of the checksums of their times and values: another one where a value was changed, in whatever order
    /// they come.
    digest: i64,
}

/// `tsad._follow(...)`: one row per element of `keys`.
#[pg_extern(sql = false)]
fn _follow(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/monitor/follow.sql declares the function with these arguments and the columns below.
    let (request, limits, (keys, mut batch), mut output) = unsafe {
        (
            filtered(fcinfo)?,
            Limits::of(fcinfo)?,
            series(fcinfo)?,
            Output::new(fcinfo),
        )
    };
    for_each_rows(&request, |source, rows, samples, _| {
        if let Some(series) = keys.get(&rows.key.text()).and_then(|n| batch.get_mut(*n)) {
            series.answer = Some(series.follow(&source.columns, &limits, &rows, &samples)?);
        }
        Ok(())
    })?;
    for (n, series) in batch.iter().enumerate() {
        let answer = series.answer.as_ref();
        let (followed, message) = match (&series.model, answer.map(|a| &a.followed)) {
            (Err(why), _) | (_, Some(Err(why))) => (None, Some(why.as_str())),
            (Ok(_), Some(Ok(followed))) => (Some(followed), None),
            (Ok(_), None) => (None, None),
        };
        let checkpoint = followed.map_or(&series.checkpoint, |f| &f.checkpoint);
        let due = followed.and_then(|f| f.retrain).map(|d| match d {
            RetrainReason::Schedule => "schedule",
            RetrainReason::Adapt => "adapt",
        });
        let before = answer.map_or_else(Default::default, |a| a.before);
        let waiting = answer.and_then(|a| a.waiting);
        output.push(|| {
            [
                (n as i32 + 1).into_datum(),
                (answer.map_or(0, |a| a.rows) as i64).into_datum(),
                answer.and_then(|a| a.newest).and_then(output::time),
                output::time(checkpoint.watermark),
                pgrx::JsonB(json!(checkpoint.carry)).into_datum(),
                due.and_then(IntoDatum::into_datum),
                message.and_then(IntoDatum::into_datum),
                (before[0].count as i64).into_datum(),
                (before[1].count as i64).into_datum(),
                before[0].digest.into_datum(),
                before[1].digest.into_datum(),
                answer
                    .filter(|_| followed.is_some())
                    .and_then(|a| pgrx::JsonB(a.episodes.clone()).into_datum()),
                answer.and_then(|a| a.next).and_then(output::time),
                waiting.and_then(|w| output::time(w.from)),
                waiting.and_then(|w| output::time(w.until)),
                waiting.and_then(|w| w.missed.into_datum()),
            ]
        });
    }
    Ok(())
}

/// `tsad._follow_query(relation, time_column, value_columns, series_columns, filter)`: the query that `tsad._follow`
/// reads rows with.
#[pg_extern(sql = false)]
fn _follow_query(fcinfo: pg_sys::FunctionCallInfo) -> Result<String> {
    // SAFETY: sql/monitor/follow.sql declares the function with the first five arguments of tsad._follow.
    Ok(Source::new(&unsafe { filtered(fcinfo)? })?.query)
}

/// `tsad._model_context(model)`: how far before the time up to which a series is settled rows must be read.
#[pg_extern(sql = false)]
fn _model_context(model: &[u8]) -> Result<Option<Interval>> {
    let model = one(model, None)?;
    let context = context(&model);
    context
        .map(|c| Interval::new(0, 0, c).map_err(|e| invalid(e.to_string(), "")))
        .transpose()
}

/// `tsad._model_interval(model)`: the sampling interval.
#[pg_extern(sql = false)]
fn _model_interval(model: &[u8]) -> Result<Option<Interval>> {
    let interval = one(model, None)?.interval();
    interval
        .map(|i| Interval::new(0, 0, i).map_err(|e| invalid(e.to_string(), "")))
        .transpose()
}

/// Rows that touch a score, and rows that can put a row into the shade, in microseconds; no fewer rows than a model is
/// trained on.
fn context(model: &Model) -> Option<i64> {
    let interval = model.interval()?;
    let longest = i64::try_from(model.longest_window().unwrap_or(0)).unwrap_or(i64::MAX);
    let least = interval.saturating_mul(Expectation::MIN_ROWS as i64);
    Some(
        model
            .reach()?
            .saturating_add(interval.saturating_mul(longest))
            .max(least),
    )
}

/// How late rows may be where nobody says: an hour, or one sampling interval if that is longer; in microseconds.
fn usual_lateness(model: &Model) -> i64 {
    model.interval().unwrap_or(0).max(3_600_000_000)
}

/// # Safety
/// `fcinfo` must be that of a function whose first arguments are those of `tsad._follow`.
unsafe fn filtered(fcinfo: pg_sys::FunctionCallInfo) -> Result<Request> {
    // SAFETY: the caller vouches for the arguments.
    unsafe {
        Ok(Request {
            filter: pgrx::pg_getarg::<String>(fcinfo, 4),
            ..rows_only(fcinfo)?
        })
    }
}

/// The series of the batch, and their places by key.
///
/// # Safety
/// `fcinfo` must be that of `tsad._follow`.
unsafe fn series(fcinfo: pg_sys::FunctionCallInfo) -> Result<(BTreeMap<String, usize>, Vec<Series>)> {
    // SAFETY: the caller vouches for the arguments. A timestamptz is its microseconds.
    unsafe {
        let times = |n: usize| {
            let list = pgrx::pg_getarg::<Vec<Option<TimestampWithTimeZone>>>(fcinfo, n).unwrap_or_default();
            list.into_iter().map(|t| t.map(i64::from)).collect::<Vec<_>>()
        };
        let span = |n: usize| {
            let interval = pgrx::pg_getarg::<Interval>(fcinfo, n);
            interval.map(|i| i64::try_from(i.as_micros()).unwrap_or(i64::MAX))
        };
        let keys = required("keys", pgrx::pg_getarg::<Vec<Option<String>>>(fcinfo, 5))?;
        let models = pgrx::pg_getarg::<Array<&[u8]>>(fcinfo, 6);
        let carries = pgrx::pg_getarg::<Vec<Option<RawJsonb>>>(fcinfo, 8).unwrap_or_default();
        let (settled, next, trained) = (times(7), times(9), times(14));
        let start = pgrx::pg_getarg::<TimestampWithTimeZone>(fcinfo, 17).map_or(i64::MIN, i64::from);
        let (late, adapt_after) = (span(15).map(|s| s.max(0)), span(16).filter(|s| *s > 0));
        let (silent, newest) = (times(18), times(19));
        let mut carries = carries.into_iter();
        let mut models = models.iter().flat_map(|list| list.iter());
        let at = |list: &[Option<i64>], n: usize| list.get(n).copied().flatten();
        let batch = (0..keys.len()).map(|n| {
            let model = match models.next().flatten() {
                Some(bytes) => match one(bytes, None) {
                    Err(e) if is_out_of_memory(&e) => return Err(e),
                    read => read.map_err(|e| e.message().to_owned()),
                },
                None => Err("there is no model for this series".to_owned()),
            };
            // Windows carry an incident as far as they are long: what lasts no longer than that is none of the new
            // normal.
            let smear = model.as_ref().ok().and_then(context).unwrap_or(0);
            let late = late.unwrap_or_else(|| model.as_ref().map_or(0, usual_lateness));
            Ok(Series {
                known: smear,
                start,
                silent_from: at(&silent, n),
                newest: at(&newest, n),
                model,
                checkpoint: Checkpoint {
                    watermark: at(&settled, n).unwrap_or(i64::MIN),
                    // What cannot be read was not written here; the episode begins anew.
                    carry: carries
                        .next()
                        .flatten()
                        .and_then(|c| serde_json::from_str(&c.text()).ok()),
                },
                limits: FollowLimits {
                    late,
                    next_training: at(&next, n),
                    adapt_after: adapt_after.map(|a| a.max(smear)),
                    trained_until: at(&trained, n).unwrap_or(i64::MIN),
                },
                answer: None,
            })
        });
        let batch = batch.collect::<Result<_>>()?;
        let places = keys.into_iter().enumerate();
        Ok((places.filter_map(|(n, k)| Some((k?, n))).collect(), batch))
    }
}

impl Series {
    fn follow(&self, columns: &Columns, limits: &Limits, rows: &Rows, samples: &Samples) -> Result<Answer> {
        let newest = rows.display_time.iter().flatten().max().copied();
        let count = |checkpoint: i64| {
            let known = checkpoint
                .saturating_sub(self.known)
                .max(self.start)
                .saturating_add(1)..=checkpoint;
            let mut seen = Known::default();
            for (time, values) in rows.display_time.iter().zip(&rows.values) {
                if let Some(time) = time.filter(|t| known.contains(t)) {
                    seen.count += 1;
                    seen.digest = seen.digest.wrapping_add(digest(time, values.as_deref()));
                }
            }
            seen
        };
        let answer = |followed: std::result::Result<FollowResult, String>, episodes, waiting| Answer {
            next: rows
                .display_time
                .iter()
                .flatten()
                .filter(|t| self.newest.is_some_and(|s| **t > s))
                .min()
                .copied(),
            waiting,
            rows: rows.times.len(),
            newest,
            before: [
                count(self.checkpoint.watermark),
                count(
                    followed
                        .as_ref()
                        .map_or(self.checkpoint.watermark, |f| f.checkpoint.watermark),
                ),
            ],
            followed,
            episodes,
        };
        let Ok(model) = &self.model else {
            return Ok(answer(Err(String::new()), Value::Null, None));
        };
        let params = limits.params(model);
        let timed = rows.times.iter().zip(&rows.infinite);
        let shown = rows
            .display_time
            .iter()
            .zip(timed)
            .filter(|(_, (t, infinite))| t.is_some() && !**infinite);
        let followed = || {
            let mut points = scored(model, samples, &check)?;
            for (point, (time, _)) in points.iter_mut().zip(shown.clone()) {
                point.time = time.unwrap_or(point.time);
            }
            let first = self.checkpoint.watermark.saturating_sub(params.reach);
            points.retain(|p| p.time >= first);
            Ok::<FollowResult, tsad_core::Error>(follow(&points, &params, &self.checkpoint, &self.limits))
        };
        match guarded(followed)? {
            Err(e) if e.kind() == ErrorKind::OutOfMemory => Err(report(e)),
            Err(e) => Ok(answer(Err(e.message().to_owned()), Value::Null, None)),
            Ok(followed) => {
                let (silences, waiting) = guarded(|| self.silences(model, rows, &followed.checkpoint))?;
                let episodes = followed.episodes.iter().chain(&silences);
                let episodes = episodes.map(|t| episode(columns, t)).collect();
                Ok(answer(Ok(followed), episodes, waiting))
            }
        }
    }

    /// Breaks between rows that are longer than expected, and up to when the next row is waited for.
    fn silences(
        &self,
        model: &Model,
        rows: &Rows,
        checkpoint: &Checkpoint,
    ) -> (Vec<EpisodeUpdate>, Option<Waiting>) {
        let (mut found, mut waiting): (Vec<EpisodeUpdate>, Option<Waiting>) = (Vec::new(), None);
        let Some(row_model) = model.row_model() else {
            return (found, waiting);
        };
        // Times without a zone are judged as they stand, and shown in one.
        let timed = |i: usize| Some((rows.times[i]?, rows.display_time[i]?));
        let zone = (0..rows.times.len())
            .find_map(timed)
            .map_or(0, |(t, d)| d.saturating_sub(t));
        for c in 0..model.channels() {
            check();
            let known = |i: &usize| {
                let value = rows.values[*i].as_ref().and_then(|v| v.get(c));
                !rows.infinite[*i] && value.is_some_and(|v| !v.is_nan())
            };
            let mut times: Vec<(i64, i64)> = (0..rows.times.len()).filter(known).filter_map(timed).collect();
            times.sort_unstable();
            // The last row of before may lie further back than what was read.
            if let Some(before) = self
                .silent_from
                .filter(|s| times.first().is_none_or(|(_, d)| s < d))
            {
                times.insert(0, (before.saturating_sub(zone), before));
            }
            let Some((last, shown)) = times.last().copied() else {
                continue;
            };
            let plain: Vec<i64> = times.iter().map(|t| t.0).collect();
            for silence in row_model.silences(c, &plain, &check) {
                let shown = |t: i64| times[plain.partition_point(|p| *p < t)].1;
                let mut event = Event::of_silence(&silence, false, c, model.channels());
                (event.start, event.last) = (shown(silence.from), shown(silence.to));
                event.peak = event.start;
                let is_known = |e: &EpisodeUpdate| (e.event.start, e.event.last) == (event.start, event.last);
                if event.last > self.checkpoint.watermark && !found.iter().any(is_known) {
                    let is_final = event.last <= checkpoint.watermark;
                    found.push(EpisodeUpdate { event, is_final });
                }
            }
            if row_model.columns_known().any(|k| k == c) {
                let after = row_model.silent_after(c, last);
                let (until, missed) = after.map_or((i64::MAX, 0.0), |(t, missed)| {
                    (shown.saturating_add(t.saturating_sub(last)), missed)
                });
                if waiting.is_none_or(|w| until < w.until) {
                    waiting = Some(Waiting {
                        from: shown,
                        until,
                        missed,
                    });
                }
            }
        }
        (found, waiting)
    }
}

/// The checksum of a row.
fn digest(time: i64, values: Option<&[f64]>) -> i64 {
    let bytes = values.unwrap_or_default().iter().map(|v| v.to_le_bytes());
    let first = crc32c::crc32c(&time.to_le_bytes());
    i64::from(bytes.fold(first, |sum, b| crc32c::crc32c_append(sum, &b)))
}

/// The points of rows. Where a score can still change, the few windows that cover the row say less than the
/// calibration takes for granted: a row counts as anomalous then only if it also is by what came before it.
fn scored(model: &Model, samples: &Samples, check: Check) -> tsad_core::Result<Vec<Point>> {
    let flagged = |p: &Point| p.is_anomaly == Some(true);
    let by_windows = |p: &Point| flagged(p) && p.evidence == Some(Evidence::Window);
    let mut points = tsad_core::score_only(model, samples.clone(), check)?;
    if !points.iter().any(flagged) {
        return Ok(points);
    }
    // The same scores, with what is to blame.
    points = tsad_core::score_with_shares(model, samples.clone(), check)?;
    let open = points.iter().rposition(|p| p.is_final).map_or(0, |i| i + 1);
    if points[open..].iter().any(by_windows) {
        let reach = model.reach().unwrap_or(0);
        let before = points[open].time.saturating_sub(reach.saturating_mul(2));
        let first = points.partition_point(|p| p.time < before);
        let causal =
            tsad_core::score_causal(model, samples.clone().sorted_by_time(check).tail(first), check)?;
        for (point, early) in points[first..].iter_mut().zip(&causal).skip(open - first) {
            if by_windows(point) && !flagged(early) {
                point.is_anomaly = Some(false);
            }
        }
    }
    Ok(points)
}

/// An episode as a JSON object.
fn episode(columns: &Columns, told: &EpisodeUpdate) -> Value {
    let event: &Event = &told.event;
    let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_default();
    let names = channel_names(columns, event.channels.len());
    json!({
        "kind": event.evidence.unwrap_or(Evidence::Window).name(),
        "started_at": iso(event.start),
        "last_at": iso(event.last),
        "ended_at": iso(event.last).filter(|_| !event.open),
        "peak_at": iso(event.peak),
        "peak_score": event.peak_score,
        "min_p_value": event.min_p_value,
        "n_points": event.points,
        "direction": event.direction(),
        "contributions": parsed(shares_text(names.iter().map(String::as_str), &event.channels)),
        "views": parsed(shares_text(ScoreComponent::ALL.iter().map(|v| v.name()), &event.views)),
        "is_final": told.is_final,
    })
}
