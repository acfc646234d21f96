//! `tsad.explain`: why rows or episodes got their score.

use super::detect::contributions;
use super::events::{Gathered, Limits};
use super::score_series::{self, given};
use crate::error::{Result, report};
use crate::interrupt::check;
use crate::memory::{Kept, guarded, settle};
use crate::output::{self, Output, shares};
use crate::read::models::Found;
use crate::read::request::{Detail, Range, invalid, request, required};
use crate::read::rows::{Rows, samples};
use crate::read::series::{Scored, Series, for_each_part, for_each_series, score};
use crate::read::source::Columns;
use pgrx::pg_sys;
use pgrx::prelude::*;
use tsad_core::expect::Expected;
use tsad_core::model::ScoreComponent;
use tsad_core::{Event, Explainer, Explanation, Model, Point};

/// The columns of a row but for the series.
const COLUMNS: usize = 34;

/// `tsad.explain` over tables and queries, all forms.
#[pg_extern(sql = false)]
fn _explain(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/explain.sql declares the function with these arguments and the columns of `fields`.
    let (request, each, mut output) = unsafe {
        (
            request(fcinfo, 11)?.with(Detail::All),
            pgrx::pg_getarg::<String>(fcinfo, 10),
            Output::new(fcinfo),
        )
    };
    let each = required("each", each)?;
    if each != "episode" && each != "row" {
        return Err(invalid(
            format!("each cannot be \"{each}\""),
            "Say \"episode\" (one row an episode, explained at its peak) or \"row\" (one row for every row).",
        ));
    }
    let mut tell = |columns: &Columns, scored: &Scored, chosen: &[Chosen]| {
        explain(columns, scored, chosen, |row| {
            output.push(|| {
                let mut with_series = [Some(scored.rows.key.datum()); COLUMNS + 1];
                with_series[1..].copy_from_slice(&row());
                with_series
            });
        })
    };
    if each == "row" {
        return for_each_part(&request, |columns, scored| {
            let asked = |i: &usize| request.range.contains(scored.rows.in_request_unit(*i));
            let chosen = |row| Chosen { row, event: None };
            let chosen: Vec<Chosen> = guarded(|| scored.range.clone().filter(asked).map(chosen).collect())?;
            tell(columns, &scored, &chosen)
        });
    }
    for_each_series(&request, true, |series| {
        episodes(series, &request.range, &mut tell)
    })
}

/// Explains the episodes of a series at their peaks. A series that is read in parts is read twice: when a part comes
/// it is not known yet where the episodes in it have their peak.
fn episodes(
    series: &mut Series,
    range: &Range,
    mut tell: impl FnMut(&Columns, &Scored, &[Chosen]) -> Result<()>,
) -> Result<()> {
    let (mut gathered, mut model, mut all) = (Gathered::default(), None, None);
    series.parts(|part| {
        let (columns, is_all) = (part.columns, part.is_all());
        let detail = if is_all { Detail::All } else { Detail::Shares };
        let scored = part.score(detail)?;
        if scored.model.as_ref().is_none_or(|m| !m.is_trained()) {
            if scored.is_last {
                scored.warn();
            }
            return Ok(());
        }
        gathered.take(range, &scored)?;
        model = scored.model.clone();
        all = is_all.then_some((columns, scored));
        Ok(())
    })?;
    let Some(model) = model else {
        return Ok(());
    };
    let found = found(&gathered.points, &model)?;
    if let Some((columns, scored)) = all {
        let peaks = peaks(&scored.rows, &scored.range, &found)?;
        return tell(columns, &scored, &peaks);
    }
    series.parts(|part| {
        let columns = part.columns;
        let peaks = peaks(&part.rows, &part.range, &found)?;
        if peaks.is_empty() {
            return Ok(());
        }
        tell(columns, &part.score(Detail::All)?, &peaks)
    })
}

/// `tsad.explain(model, ts, "values" [, at])`.
#[pg_extern(sql = false)]
fn _explain_series(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/explain.sql declares the function with a bytea, an array of times, a float8[], an array of times.
    let (given, at) = unsafe { (given(fcinfo)?, score_series::times(fcinfo, 3)?) };
    // SAFETY: sql/explain.sql declares the columns of `fields`.
    let mut output = unsafe { Output::new(fcinfo) };
    let Some((columns, rows, model)) = given else {
        return Ok(());
    };
    let (taken, messages) = samples(&columns, &rows, Some(model.channels()))?;
    let scored = score(&columns, rows, taken, messages, Found::Model(model), Detail::All)?;
    let chosen = match at {
        Some(at) => {
            let asked = |(i, t): (usize, &Option<i64>)| {
                t.is_some_and(|t| at.contains(&t))
                    .then_some(Chosen { row: i, event: None })
            };
            guarded(|| scored.rows.times.iter().enumerate().filter_map(asked).collect())?
        }
        None => match scored.model.as_ref().filter(|m| m.is_trained()) {
            Some(model) => {
                let mut gathered = Gathered::default();
                gathered.take(&Range::default(), &scored)?;
                peaks(&scored.rows, &scored.range, &found(&gathered.points, model)?)?
            }
            None => Vec::new(),
        },
    };
    explain(&columns, &scored, &chosen, |row| output.push(row))
}

/// A row to be explained.
struct Chosen {
    /// Its index.
    row: usize,
    /// The episode whose peak it is, with its number from 1.
    event: Option<(i64, Event)>,
}

/// The episodes of a series, numbered from 1, as `tsad.events` finds them by default.
fn found(points: &[Point], model: &Model) -> Result<Vec<(i64, Event)>> {
    guarded(|| {
        (1..)
            .zip(tsad_core::events(points, &Limits::default().params(model)))
            .collect()
    })
}

/// The rows among those in `range` at which episodes have their peak.
fn peaks(rows: &Rows, range: &std::ops::Range<usize>, found: &[(i64, Event)]) -> Result<Vec<Chosen>> {
    let chosen = |(n, event): &(i64, Event)| {
        let row = rows.at(event.peak)?;
        range.contains(&row).then(|| Chosen {
            row,
            event: Some((*n, event.clone())),
        })
    };
    guarded(|| found.iter().filter_map(chosen).collect())
}

/// Makes the rows of the answer, one for each that was chosen.
fn explain(
    columns: &Columns,
    scored: &Scored,
    chosen: &[Chosen],
    mut push: impl FnMut(&dyn Fn() -> [Option<pg_sys::Datum>; COLUMNS]),
) -> Result<()> {
    let model = scored.model.as_ref().filter(|_| !chosen.is_empty());
    let mut explainer = match model {
        Some(model) => {
            let (rows, _) = samples(columns, &scored.rows, Some(model.channels()))?;
            let explainer = Kept::new(|| Explainer::new(model, rows.clone(), &check))?;
            if let Some(Err(e)) = explainer.get() {
                return Err(report(e.clone()));
            }
            Some(explainer)
        }
        None => None,
    };
    for chosen in chosen {
        settle()?;
        // Of rows at one time one may have no score of its own, being infinite.
        let at = chosen.row..scored.rows.times.len();
        let mut alike = at.take_while(|i| scored.rows.times[*i] == scored.rows.times[chosen.row]);
        let row = alike.find(|i| chosen.event.is_some() && scored.points[*i].score.is_some());
        let row = row.unwrap_or(chosen.row);
        let point = &scored.points[row];
        let explained = match explainer.as_mut().filter(|_| point.score.is_some()) {
            Some(explainer) => explainer.with(|explainer| match explainer {
                Ok(Some(explainer)) => explainer.explain(point.time, &check),
                Ok(None) | Err(_) => None,
            })?,
            None => None,
        };
        let told = EpisodeRows {
            columns,
            scored,
            row,
            event: chosen.event.as_ref(),
            point,
            explained: explained.as_ref(),
        };
        push(&|| told.fields());
    }
    Ok(())
}

/// Everything that is told of one row.
struct EpisodeRows<'a> {
    columns: &'a Columns,
    scored: &'a Scored,
    row: usize,
    event: Option<&'a (i64, Event)>,
    point: &'a Point,
    explained: Option<&'a Explanation>,
}

impl EpisodeRows<'_> {
    fn fields(&self) -> [Option<pg_sys::Datum>; COLUMNS] {
        let (point, rows, i) = (self.point, &self.scored.rows, self.row);
        let threshold = self
            .model()
            .and_then(Model::threshold)
            .filter(|_| point.score.is_some());
        let event = self.event;
        let began = event.map(|(_, e)| e.start);
        let ended = event.and_then(|(_, e)| (!e.open).then_some(e.last));
        let window = self.explained.map(|e| &e.window);
        let normal = self.explained.and_then(|e| e.normal.as_ref());
        let normal_range = normal.and_then(|n| n.range);
        let band = self.band();
        [
            rows.display_time[i].and_then(output::time),
            rows.times[i].and_then(|t| self.seq(t)),
            event.and_then(|(n, _)| n.into_datum()),
            began.and_then(|t| self.time(t)),
            ended.and_then(|t| self.time(t)),
            self.value_column().and_then(IntoDatum::into_datum),
            self.value().and_then(IntoDatum::into_datum),
            band.and_then(|b| b.expected.into_datum()),
            band.and_then(|b| b.lower.into_datum()),
            band.and_then(|b| b.upper.into_datum()),
            point.change.map(i16::from).and_then(IntoDatum::into_datum),
            point.score.and_then(IntoDatum::into_datum),
            threshold.and_then(IntoDatum::into_datum),
            point.p_value.and_then(IntoDatum::into_datum),
            point.is_anomaly.and_then(IntoDatum::into_datum),
            self.reason().into_datum(),
            point
                .views
                .as_ref()
                .and_then(|v| shares(ScoreComponent::ALL.iter().map(|v| v.name()), v)),
            point
                .channels
                .as_ref()
                .and_then(|c| contributions(self.columns, c)),
            self.explained.and_then(scales),
            point.regime.and_then(|r| (r as i32).into_datum()),
            point.direction_p_value.and_then(IntoDatum::into_datum),
            point
                .direction_channels
                .as_ref()
                .and_then(|c| contributions(self.columns, c)),
            window.and_then(|w| self.time(w.first)),
            window.and_then(|w| self.time(w.last)),
            window.and_then(|w| w.values.clone().into_datum()),
            normal_range.and_then(|r| self.time(r.0)),
            normal_range.and_then(|r| self.time(r.1)),
            normal.and_then(|n| n.values.clone().into_datum()),
            point.is_final.into_datum(),
            point.status.name().into_datum(),
            began.and_then(|t| self.seq(t)),
            ended.and_then(|t| self.seq(t)),
            window.and_then(|w| self.seq(w.first)),
            normal_range.and_then(|r| self.seq(r.0)),
        ]
    }

    fn model(&self) -> Option<&Model> {
        self.scored.model.as_deref()
    }

    fn time(&self, core: i64) -> Option<pg_sys::Datum> {
        self.columns.time.display_time(core)
    }

    fn seq(&self, core: i64) -> Option<pg_sys::Datum> {
        core.into_datum().filter(|_| self.columns.time.is_integer())
    }

    /// The name of the column most to blame or, within an array, its subscript.
    fn value_column(&self) -> Option<String> {
        let c = self.explained?.channel;
        let name = self.columns.names.get(c);
        Some(name.cloned().unwrap_or_else(|| (c + 1).to_string()))
    }

    fn value(&self) -> Option<f64> {
        let c = self.explained.map_or(0, |e| e.channel);
        let values = self.scored.rows.values[self.row].as_ref()?;
        values.get(c).copied().filter(|v| !v.is_nan())
    }

    fn band(&self) -> Option<Expected> {
        let c = self.explained?.channel;
        self.model()?.expected(self.point.time)?.into_iter().nth(c)?
    }

    /// The explanation as a sentence.
    fn reason(&self) -> String {
        let (Some(score), Some(p), Some(explained)) = (self.point.score, self.point.p_value, self.explained)
        else {
            let messages = &self.scored.messages;
            let message = messages.rows[self.row].or(messages.series.as_deref());
            return format!("not scored: {}", message.unwrap_or(self.point.status.name()));
        };
        let mut parts = Vec::new();
        if self.point.is_anomaly != Some(true) {
            parts.push(format!("not an anomaly, p-value {}", short(p)));
        }
        if let (Some(name), Some(value), Some(band)) = (self.value_column(), self.value(), self.band()) {
            let range = format!("{} to {}", short(band.lower), short(band.upper));
            parts.push(match self.point.change {
                Some(0) => format!(
                    "{name} is {}, within the expected {range}: its course, not its value, is unusual",
                    short(value)
                ),
                _ => format!(
                    "{name} is {}, expected {} ({range})",
                    short(value),
                    short(band.expected)
                ),
            });
        }
        let views = ScoreComponent::ALL
            .iter()
            .map(|v| v.name())
            .zip(self.point.views.unwrap_or_default());
        if let Some((view, share)) = views.max_by(|a, b| a.1.total_cmp(&b.1)) {
            parts.push(format!("mostly seen in {view} ({:.0} %)", 100.0 * share));
        }
        let length = explained.window.values.len();
        let share = explained
            .scales
            .iter()
            .find(|s| s.0 == length)
            .map_or(0.0, |s| s.1);
        parts.push(format!("over {length} samples ({:.0} %)", 100.0 * share));
        if let (Some(true), Some(threshold)) =
            (self.point.is_anomaly, self.model().and_then(Model::threshold))
        {
            parts.push(format!("score {:.1} times the threshold", score / threshold));
        }
        parts.join("; ")
    }
}

/// The shares of the window lengths.
fn scales(explained: &Explanation) -> Option<pg_sys::Datum> {
    let names: Vec<String> = explained.scales.iter().map(|s| s.0.to_string()).collect();
    let weights: Vec<f64> = explained.scales.iter().map(|s| s.1).collect();
    shares(names.iter().map(String::as_str), &weights)
}

/// A number with about four significant digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    match digits {
        -3..=8 => {
            let rounded = format!("{value:.*}", digits.max(0) as usize);
            match rounded.contains('.') {
                true => rounded.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => rounded,
            }
        }
        _ => format!("{value:.3e}"),
    }
}

#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
mod tests {
    use super::*;

    #[pg_test]
    fn numbers_in_sentences_are_short() {
        let all = [0.0, 12.0, 1234.56, -0.001_234_56, 99_999.0, 1e12, 1e-12, 0.5].map(short);
        assert_eq!(
            all,
            [
                "0",
                "12",
                "1235",
                "-0.001235",
                "99999",
                "1.000e12",
                "1.000e-12",
                "0.5"
            ]
        );
    }
}
