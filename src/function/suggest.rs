//! `tsad.suggest`: a dry run that tells what would be trained on.

use crate::composite;
use crate::error::Result;
use crate::interrupt::check;
use crate::jsonb::RawJsonb;
use crate::memory::guarded;
use crate::notes::{are_mixed, left_out};
use crate::options::params;
use crate::output::{self, Output};
use crate::read::request::rows_only;
use crate::read::series::for_each_rows;
use pgrx::prelude::*;
use pgrx::{JsonB, pg_sys};
use serde_json::json;
use tsad_core::ValidParams;
use tsad_core::expect::Expectation;
use tsad_core::series::Survey;

/// `tsad.suggest`, all forms.
#[pg_extern(sql = false)]
fn _suggest(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/survey.sql declares the function with these arguments and the columns below.
    let (request, options, mut output) = unsafe {
        (
            rows_only(fcinfo)?,
            pgrx::pg_getarg::<RawJsonb>(fcinfo, 4),
            Output::new(fcinfo),
        )
    };
    let params = params(options.as_ref())?;
    for_each_rows(&request, |source, rows, samples, _| {
        check();
        let survey = guarded(|| Survey::of(samples.clone(), params.max_gap, &check))?;
        let mut advice = Advice::of(&survey, &params);
        let missing = left_out(&source.columns.names, &unused(&survey));
        let mixed = are_mixed(survey.duplicates, survey.rows).then(|| {
            format!(
                "{} of {} rows have the time of another row and are averaged: are there series_columns?",
                survey.duplicates, survey.rows
            )
        });
        let all = [Some(advice.message), missing, mixed].into_iter().flatten();
        advice.message = all.filter(|m| !m.is_empty()).collect::<Vec<_>>().join("; ");
        let integer = source.columns.time.is_integer();
        let shown = |t: Option<i64>| {
            t.filter(|_| !integer)
                .and_then(|t| rows.shown_at(t))
                .and_then(output::time)
        };
        let seq = |t: Option<i64>| t.filter(|_| integer).and_then(IntoDatum::into_datum);
        let span = |t: Option<i64>| t.filter(|_| !integer).and_then(composite::interval);
        let (first, last) = survey.range.unzip();
        let share = survey.imputed as f64 / survey.samples.max(1) as f64;
        output.push(|| {
            [
                Some(rows.key.datum()),
                (rows.times.len() as i64).into_datum(),
                (survey.samples as i64).into_datum(),
                shown(first),
                shown(last),
                span(survey.interval),
                survey.irregular.into_datum(),
                share.into_datum(),
                (survey.stretches as i64).into_datum(),
                span(Some(survey.longest_step)),
                advice.verdict.into_datum(),
                advice.message.as_str().into_datum(),
                JsonB(json!({ "scales": advice.scales })).into_datum(),
                seq(first),
                seq(last),
            ]
        });
        Ok(())
    })
}

/// The columns that windows leave out and that have too few values to be judged by themselves.
pub(crate) fn unused(survey: &Survey) -> Vec<usize> {
    let few = |c: &usize| survey.values[*c] < Expectation::MIN_ROWS;
    survey.sparse.iter().copied().filter(few).collect()
}

/// What to expect of a training.
pub(crate) struct Advice {
    /// `ready`, `insufficient_data` or `constant`.
    pub verdict: &'static str,
    pub message: String,
    /// The window lengths that there is enough data for.
    pub scales: Vec<usize>,
}

impl Advice {
    pub(crate) fn of(survey: &Survey, params: &ValidParams) -> Self {
        // As training chooses them.
        let times = |l: usize| if l == params.scales[0] { 2 } else { 3 };
        let fits = |l: &&usize| survey.samples >= times(**l) * **l && survey.longest_stretch >= **l;
        let scales: Vec<usize> = params.scales.iter().filter(fits).copied().collect();
        let advice = |verdict, message| Self {
            verdict,
            message,
            scales: scales.clone(),
        };
        if survey.interval.is_none() {
            return advice("insufficient_data", "fewer than two distinct times".to_owned());
        }
        let few = Expectation::MIN_ROWS.saturating_sub(survey.values.iter().copied().max().unwrap_or(0));
        if few > 0 && scales.is_empty() {
            return advice(
                "insufficient_data",
                format!("{few} more rows with values are needed"),
            );
        }
        if survey.constant {
            return advice(
                "constant",
                "all values are equal: any change will be an anomaly".to_owned(),
            );
        }
        if scales.is_empty() {
            let needed = params.least_samples().saturating_sub(survey.samples);
            let why = match needed {
                0 => format!(
                    "the longest stretch without a long gap has {} samples, the shortest window {}",
                    survey.longest_stretch, params.scales[0]
                ),
                _ => format!("windows need {needed} more samples"),
            };
            return advice("ready", format!("rows are judged by themselves: {why}"));
        }
        let most = params.most_training_rows(survey.channels);
        let too_long = params.scales.len() - scales.len();
        let message = match (survey.rows.saturating_sub(most), too_long) {
            (0, 0) => String::new(),
            (0, n) => format!(
                "{n} of {} window lengths are too long for the data",
                params.scales.len()
            ),
            (early, _) => format!("only the latest {most} rows train, the first {early} are left out"),
        };
        advice("ready", message)
    }
}
