//! `tsad.events`: one row an episode.

use super::detect::contributions;
use crate::composite;
use crate::error::{Result, fail};
use crate::interrupt::check;
use crate::memory::{guarded, push, settle};
use crate::output::{self, Output, shares};
use crate::read::request::{Detail, Range, TimeUnit, invalid, request};
use crate::read::series::{Scored, for_each_part};
use crate::read::source::Columns;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use std::collections::BTreeMap;
use tsad_core::model::ScoreComponent;
use tsad_core::{Event, EventParams, Evidence, MergeGap, Model, Point};

/// `tsad.events`, all forms.
#[pg_extern(sql = false)]
fn _events(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/detect.sql declares the function with these arguments and the columns below.
    let (request, limits, mut output) = unsafe {
        (
            request(fcinfo, 14)?.with(Detail::Shares),
            Limits::of(fcinfo)?.or_integers(fcinfo)?,
            Output::new(fcinfo),
        )
    };
    let mut gathered = Gathered::default();
    for_each_part(&request, |columns, scored| {
        limits.fit_times(columns)?;
        let Some(model) = scored.model.as_ref().filter(|m| m.is_trained()) else {
            if scored.is_last {
                scored.warn();
            }
            return Ok(());
        };
        gathered.take(&request.range, &scored)?;
        if !scored.is_last {
            return Ok(());
        }
        let Gathered {
            points,
            display_time,
            silences,
            ..
        } = std::mem::take(&mut gathered);
        let mut events = guarded(|| tsad_core::events(&points, &limits.params(model)))?;
        let breaks: BTreeMap<i64, Option<i64>> = silences.iter().flat_map(|s| s.shown).collect();
        events.extend(silences.into_iter().map(|s| s.event));
        events.sort_by_key(|e| e.start);
        for (n, event) in events.into_iter().enumerate() {
            output.push(|| {
                let times = [
                    Some(event.start),
                    Some(event.last).filter(|_| !event.open),
                    Some(event.peak),
                ];
                // A silence lasts from row to row, which need not be anomalous.
                let shown_at = |time: i64| match event.evidence {
                    Some(Evidence::Silence) => breaks.get(&time).copied()?,
                    _ => display_time
                        .get(points.partition_point(|p| p.time < time))
                        .copied()?,
                };
                let [started, ended, peak] = times.map(|t| t.and_then(shown_at));
                let seq = |n: usize| times[n].filter(|_| columns.time.is_integer());
                let duration = (!columns.time.is_integer()).then_some(event.last - event.start);
                [
                    Some(scored.rows.key.datum()),
                    (n as i64 + 1).into_datum(),
                    started.and_then(output::time),
                    ended.and_then(output::time),
                    duration.and_then(composite::interval),
                    peak.and_then(output::time),
                    event.peak_score.into_datum(),
                    event.min_p_value.into_datum(),
                    (event.points as i64).into_datum(),
                    i16::from(event.direction()).into_datum(),
                    event.evidence.map(Evidence::name).and_then(IntoDatum::into_datum),
                    contributions(columns, &event.channels),
                    shares(ScoreComponent::ALL.iter().map(|v| v.name()), &event.views),
                    seq(0).and_then(IntoDatum::into_datum),
                    seq(1).and_then(IntoDatum::into_datum),
                    seq(2).and_then(IntoDatum::into_datum),
                ]
            });
        }
        Ok(())
    })
}

/// The anomalous points of a series so far, and its last point, which tells whether an episode is over.
#[derive(Default)]
pub(crate) struct Gathered {
    pub points: Vec<Point>,
    /// The time of each as a `timestamptz`.
    display_time: Vec<Option<i64>>,
    /// Breaks that are longer than expected.
    silences: Vec<Break>,
    /// By column the time of the last row with a value, also as a `timestamptz`.
    last: Vec<Option<(i64, Option<i64>)>>,
}

/// A break that is longer than expected.
struct Break {
    event: Event,
    /// The times of its ends, each with itself as a `timestamptz`.
    shown: [(i64, Option<i64>); 2],
}

impl Gathered {
    /// Takes what counts of another part, in the order of time.
    pub(crate) fn take(&mut self, range: &Range, scored: &Scored) -> Result<()> {
        // The last point of the part before is the last one no more.
        if self.points.last().is_some_and(|p| p.is_anomaly != Some(true)) {
            self.points.pop();
            self.display_time.pop();
        }
        let timed = |i: &usize| scored.rows.times[*i].is_some() && !scored.rows.infinite[*i];
        let inside = |i: &usize| range.contains(scored.rows.in_request_unit(*i)) && timed(i);
        let rows = scored.range.clone().filter(inside);
        let mut last = None;
        for i in rows {
            last = Some(i);
            if scored.points[i].is_anomaly == Some(true) {
                self.push(scored, i)?;
            }
        }
        if let Some(model) = scored.model.as_ref().filter(|m| m.is_trained()) {
            self.find_silences(range, scored, model)?;
        }
        match last.filter(|i| scored.points[*i].is_anomaly != Some(true)) {
            Some(i) => self.push(scored, i),
            None => Ok(()),
        }
    }

    /// Breaks among the rows of a part, and between it and the part before.
    fn find_silences(&mut self, range: &Range, scored: &Scored, model: &Model) -> Result<()> {
        let Some(row_model) = model.row_model() else {
            return Ok(());
        };
        self.last.resize(model.channels(), None);
        for c in 0..model.channels() {
            let known = |i: &usize| {
                let value = scored.rows.values[*i].as_ref().and_then(|v| v.get(c));
                !scored.rows.infinite[*i] && value.is_some_and(|v| !v.is_nan())
            };
            let inside = |i: &usize| range.contains(scored.rows.in_request_unit(*i));
            let timed = |i: usize| Some((scored.rows.times[i]?, scored.rows.display_time[i]));
            let times: Vec<(i64, Option<i64>)> = guarded(|| {
                let rows = scored.range.clone().filter(inside).filter(known);
                self.last[c].into_iter().chain(rows.filter_map(timed)).collect()
            })?;
            self.last[c] = times.last().copied();
            let found = guarded(|| {
                let times: Vec<i64> = times.iter().map(|t| t.0).collect();
                row_model.silences(c, &times, &check)
            })?;
            for silence in found {
                let ends = (silence.from, silence.to);
                if self
                    .silences
                    .iter()
                    .any(|b| (b.event.start, b.event.last) == ends)
                {
                    continue;
                }
                let event = guarded(|| Event::of_silence(&silence, false, c, model.channels()))?;
                let at = times.partition_point(|t| t.0 <= silence.from);
                let shown = [times[at.saturating_sub(1)], times[at.min(times.len() - 1)]];
                push(&mut self.silences, Break { event, shown })?;
            }
        }
        Ok(())
    }

    fn push(&mut self, scored: &Scored, i: usize) -> Result<()> {
        settle()?;
        push(&mut self.points, scored.points[i].clone())?;
        push(&mut self.display_time, scored.rows.display_time[i])
    }
}

/// How points become episodes, as asked for.
pub(crate) struct Limits {
    /// In the unit of the times.
    merge_gap: Option<i64>,
    focus: f64,
    min_points: usize,
    /// In the unit of the times.
    min_duration: i64,
    /// An argument that fits only one kind of times, if there was one.
    bound_to: Option<(&'static str, TimeUnit)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            merge_gap: None,
            focus: 0.5,
            min_points: 1,
            min_duration: 0,
            bound_to: None,
        }
    }
}

impl Limits {
    /// # Safety
    /// `fcinfo` must be that of a function with these arguments at 10 to 13.
    pub(crate) unsafe fn of(fcinfo: pg_sys::FunctionCallInfo) -> Result<Self> {
        // SAFETY: sql/detect.sql declares the arguments 10 to 13 so.
        let (merge_gap, min_points, min_duration, focus) = unsafe {
            let gap = pgrx::pg_getarg::<Interval>(fcinfo, 10);
            (
                gap,
                pgrx::pg_getarg::<i32>(fcinfo, 11),
                pgrx::pg_getarg::<Interval>(fcinfo, 12),
                pgrx::pg_getarg::<f64>(fcinfo, 13),
            )
        };
        let micros = |name: &str, interval: Interval| {
            i64::try_from(interval.as_micros())
                .ok()
                .filter(|m| *m >= 0)
                .ok_or_else(|| {
                    invalid(
                        format!("{name} is out of range"),
                        "Give an interval that is not negative.",
                    )
                })
        };
        let min_points = usize::try_from(min_points.unwrap_or(1)).ok().filter(|n| *n >= 1);
        let focus = focus.unwrap_or(0.5);
        if !(0.0..=1.0).contains(&focus) {
            return Err(invalid("focus is out of range", "Give a share from 0 to 1."));
        }
        let merge_gap = merge_gap.map(|i| micros("merge_gap", i)).transpose()?;
        let min_duration = min_duration.map(|i| micros("min_duration", i)).transpose()?;
        let min_duration = min_duration.unwrap_or(0);
        Ok(Self {
            focus,
            merge_gap,
            min_points: min_points
                .ok_or_else(|| invalid("min_points is out of range", "Give a number of at least 1."))?,
            min_duration,
            bound_to: match (merge_gap, min_duration) {
                (Some(_), _) => Some(("merge_gap", TimeUnit::Timestamps)),
                (None, 1..) => Some(("min_duration", TimeUnit::Timestamps)),
                _ => None,
            },
        })
    }

    /// The same with the durations for times that are integers, if they were given.
    ///
    /// # Safety
    /// `fcinfo` must be that of a function with these arguments at 17 and 18.
    unsafe fn or_integers(self, fcinfo: pg_sys::FunctionCallInfo) -> Result<Self> {
        // SAFETY: sql/detect.sql declares the arguments 17 and 18 so.
        let [merge_gap, min_duration] = unsafe { [17, 18].map(|n| pgrx::pg_getarg::<i64>(fcinfo, n)) };
        let name = match (merge_gap, min_duration) {
            (Some(_), _) => "merge_gap_seq",
            (None, Some(_)) => "min_duration_seq",
            (None, None) => return Ok(self),
        };
        if let Some((other, _)) = self.bound_to {
            return Err(invalid(
                format!("both {other} and {name} were given"),
                "Pass merge_gap and min_duration where the time column is a time, merge_gap_seq and \
                 min_duration_seq where it is an integer.",
            ));
        }
        if merge_gap.is_some_and(|g| g < 0) || min_duration.is_some_and(|d| d < 0) {
            return Err(invalid(
                format!("{name} is out of range"),
                "Give a difference of times that is not negative.",
            ));
        }
        Ok(Self {
            merge_gap,
            min_duration: min_duration.unwrap_or(0),
            bound_to: Some((name, TimeUnit::Integers)),
            ..self
        })
    }

    /// Checks that durations were given as the times are.
    fn fit_times(&self, columns: &Columns) -> Result<()> {
        let (what, hint) = match self.bound_to {
            Some((name, TimeUnit::Timestamps)) if columns.time.is_integer() => (
                format!("{name} is an interval, but the times are integers without a unit"),
                format!("Pass {name}_seq, a difference of two times."),
            ),
            Some((name, TimeUnit::Integers)) if !columns.time.is_integer() => (
                format!("{name} is an integer, but the times are not"),
                "Pass merge_gap or min_duration, an interval.".to_owned(),
            ),
            _ => return Ok(()),
        };
        Err(fail(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, what, hint))
    }

    /// Short breaks are merged unless asked otherwise. Successive samples always belong together.
    pub(crate) fn params(&self, model: &Model) -> EventParams {
        let interval = model.interval().unwrap_or(0);
        let window = interval.saturating_mul(model.shortest_window().unwrap_or(0) as i64);
        let successive = interval.saturating_add(interval / 2);
        let longest = i64::try_from(model.longest_window().unwrap_or(0)).unwrap_or(i64::MAX);
        EventParams {
            focus: self.focus,
            reach: interval.saturating_mul(longest),
            gap: match self.merge_gap {
                Some(gap) => MergeGap::Fixed(gap.max(successive)),
                None => MergeGap::ByEvidence { interval, window },
            },
            min_points: self.min_points,
            min_duration: self.min_duration,
        }
    }
}
