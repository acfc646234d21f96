//! `tsad.validate`: what would go wrong, before anything is trained.

use super::suggest::{Advice, unused};
use crate::error::Result;
use crate::interrupt::check;
use crate::jsonb::RawJsonb;
use crate::memory::{guarded, is_out_of_memory};
use crate::notes::{are_mixed, left_out};
use crate::options::params;
use crate::output::Output;
use crate::read::request::{Request, RowSource, rows_only};
use crate::read::series::for_each_rows;
use crate::read::source::{Relation, is_query};
use pgrx::pg_sys;
use pgrx::prelude::*;
use tsad_core::series::Survey;

/// `tsad.validate`, all forms.
#[pg_extern(sql = false)]
fn _validate(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: sql/survey.sql declares the function with these arguments and the columns of `Finding`.
    let (request, options, output) = unsafe {
        (
            rows_only(fcinfo),
            pgrx::pg_getarg::<RawJsonb>(fcinfo, 4),
            Output::new(fcinfo),
        )
    };
    let mut report = Report { output };
    let checked = request.and_then(|request| {
        let params = params(options.as_ref())?;
        let (mut series, mut ready) = (0, 0);
        for_each_rows(&request, |source, rows, samples, messages| {
            series += 1;
            for what in ["time is NULL", "time is infinite", "value is infinite"] {
                let count = messages.iter().filter(|m| **m == Some(what)).count();
                if count > 0 {
                    let hint = "tsad.train refuses such rows: leave them out with WHERE or FILTER.";
                    report.push(
                        "rows",
                        false,
                        Some(&rows.key),
                        &format!("{what} in {count} rows"),
                        hint,
                    );
                }
            }
            let survey = guarded(|| Survey::of(samples.clone(), params.max_gap, &check))?;
            let advice = Advice::of(&survey, &params);
            match advice.verdict {
                "ready" => ready += 1,
                "constant" => report.push(
                    "values",
                    false,
                    Some(&rows.key),
                    &advice.message,
                    "Leave the series out.",
                ),
                _ => {
                    let hint = "Wait for more rows: what is expected is learned from 14 on.";
                    report.push("length", false, Some(&rows.key), &advice.message, hint);
                }
            }
            if let Some(message) = left_out(&source.columns.names, &unused(&survey)) {
                let hint = "Train on the rows that have it, or on it alone.";
                report.push("columns", false, Some(&rows.key), &message, hint);
            }
            if survey.irregular > 0.5 {
                let message = format!(
                    "{:.0} % of the steps differ from the median step",
                    100.0 * survey.irregular
                );
                let hint =
                    "Train and score averages over equal intervals, for example by time_bucket or date_bin.";
                report.push("interval", false, Some(&rows.key), &message, hint);
            }
            if survey.duplicates > 0 {
                let message = format!("{} rows have the time of another row", survey.duplicates);
                let hint = "They are averaged; name series_columns if several series are mixed.";
                report.push(
                    "duplicates",
                    !are_mixed(survey.duplicates, survey.rows),
                    Some(&rows.key),
                    &message,
                    hint,
                );
            }
            Ok(())
        })?;
        let message = format!("{ready} of {series} series can be trained");
        report.index(&request)?;
        report.push("series", ready == series && series > 0, None, &message, "");
        Ok(())
    });
    if let Err(e) = checked {
        if is_out_of_memory(&e) {
            return Err(e);
        }
        // What would be an error is a finding here.
        report.push(
            "arguments",
            false,
            None,
            e.message(),
            e.hint().unwrap_or_default(),
        );
    }
    Ok(())
}

struct Report {
    output: Output,
}

impl Report {
    fn push(&mut self, check: &str, ok: bool, series: Option<&RawJsonb>, message: &str, hint: &str) {
        let hint = Some(hint).filter(|h| !h.is_empty());
        self.output.push(|| {
            [
                check.into_datum(),
                ok.into_datum(),
                series.map(RawJsonb::datum),
                message.into_datum(),
                hint.and_then(IntoDatum::into_datum),
            ]
        });
    }

    /// Looks for an index that gives the rows in the order in which they are read.
    fn index(&mut self, request: &Request) -> Result<()> {
        let relation = Relation::open(&request.from)?;
        let indexed = match &request.from {
            RowSource::Text(text) if is_query(text) => return Ok(()),
            // A view or foreign table has no index; those below are its own affair.
            _ if !relation.can_have_index()? => return Ok(()),
            _ => relation.has_index(&request.series, &request.time)?,
        };
        let columns: Vec<&str> = request
            .series
            .iter()
            .map(String::as_str)
            .chain([request.time.as_str()])
            .collect();
        let columns = columns.join(", ");
        let (message, hint) = if indexed {
            (format!("an index begins with {columns}"), String::new())
        } else {
            let message = format!("no index begins with {columns}");
            (
                message,
                format!(
                    "Each call sorts the table; CREATE INDEX ON {} ({columns}) avoids that.",
                    relation.name
                ),
            )
        };
        self.push("index", indexed, None, &message, &hint);
        Ok(())
    }
}
