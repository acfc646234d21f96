//! The evidence of rows by themselves, over all columns, and the rows as windows are to see them.

use crate::control::Check;
use crate::error::Result;
use crate::expect::{Expectation, RowEvidence, RowKind};
use crate::model::{Model, RowModel};
use crate::series::Samples;

/// No row counts as farther outside its band, in spreads.
const MOST: f64 = 1e9;
/// Told rows at most so many rows apart are of one incident.
const NEAR: usize = 8;
/// Rows between two calls of the cancel hook.
const EVERY: usize = 1 << 13;

/// The evidence of one row over all columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RowVerdict {
    /// The probability of so much evidence in a normal row; below the error probability of the model exactly where flagged.
    pub p: f64,
    /// The distance outside the band in spreads, of the column with most evidence.
    pub excess: f64,
    /// By what the row was flagged.
    pub kind: RowKind,
    /// Above (1) or below (-1) what was expected, or neither.
    pub sign: i8,
    /// The column with most evidence.
    pub column: usize,
}

impl RowVerdict {
    const NONE: Self = Self {
        p: 1.0,
        excess: 0.0,
        kind: RowKind::None,
        sign: 0,
        column: 0,
    };

    pub(crate) fn is_flagged(&self) -> bool {
        self.kind != RowKind::None
    }
}

/// What rows tell by themselves.
pub(crate) struct RowVerdicts {
    /// One for each row.
    pub rows: Vec<RowVerdict>,
    /// By column the rows that windows must not see, ascending.
    aside: Vec<Vec<usize>>,
    /// How many of the rows there are of which no sum has a later row in it: a run or a stretch of equal values that has
    /// begun may still go on.
    pub settled: usize,
}

/// The values of a column, without those that are missing; rows of one time count as one, with the mean of their values.
pub(crate) struct ColumnValues {
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<f64>,
    /// For every row which of the values is its own.
    pub(crate) of_row: Vec<Option<usize>>,
}

impl ColumnValues {
    /// Of rows in ascending order of time.
    pub(crate) fn of(rows: &Samples, c: usize) -> Self {
        let (mut times, mut values): (Vec<i64>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut of_row = Vec::with_capacity(rows.len());
        let mut count = 0.0;
        for (i, time) in rows.times().iter().enumerate() {
            let value = rows.row(i)[c];
            if value.is_nan() {
                of_row.push(None);
                continue;
            }
            match (times.last(), values.last_mut()) {
                (Some(last), Some(mean)) if last == time => {
                    count += 1.0;
                    *mean += value / count - *mean / count;
                }
                _ => {
                    times.push(*time);
                    values.push(value);
                    count = 1.0;
                }
            }
            of_row.push(Some(times.len() - 1));
        }
        Self {
            times,
            values,
            of_row,
        }
    }
}

impl RowModel {
    /// Judges rows in ascending order of time. `is_far` tells whether a value of a column deviates enough from the
    /// expected one to matter.
    pub(crate) fn judge(
        &self,
        rows: &Samples,
        is_far: impl Fn(f64, f64) -> bool,
        check: Check,
    ) -> RowVerdicts {
        let alpha = self.column_alpha();
        let mut verdicts = vec![RowVerdict::NONE; rows.len()];
        let mut aside = vec![Vec::new(); self.columns.len()];
        let mut settled = rows.len();
        for (c, expectation) in self.live() {
            let column = ColumnValues::of(rows, c);
            let evidence = expectation.judge(&column.times, &column.values, alpha, check);
            let known = (column.times.len() + 1).saturating_sub(expectation.longest_sum());
            if let Some(open) = column.times.get(known) {
                settled = settled.min(rows.times().partition_point(|t| t < open));
            }
            for (i, at) in column.of_row.iter().enumerate() {
                if i % EVERY == 0 {
                    check();
                }
                let Some((e, value)) = at.map(|at| (&evidence[at], column.values[at])) else {
                    continue;
                };
                let far = !e.flagged
                    || e.kind == RowKind::Frozen
                    || is_far(value, expectation.centre(rows.times()[i]));
                let own = self.verdict(c, e, alpha, far);
                if own.is_flagged() && e.kind != RowKind::Frozen {
                    aside[c].push(i);
                }
                let best = &mut verdicts[i];
                if (own.is_flagged(), -own.p) > (best.is_flagged(), -best.p) || best.p >= 1.0 {
                    *best = own;
                }
            }
        }
        self.quieten(&mut verdicts, &mut aside);
        RowVerdicts {
            rows: verdicts,
            aside,
            settled,
        }
    }

    /// Takes the word from rows that tell no more than what somebody called normal: from rows near each other together, by
    /// the most severe of them.
    fn quieten(&self, verdicts: &mut [RowVerdict], aside: &mut [Vec<usize>]) {
        if self.told >= self.alpha {
            return;
        }
        let told: Vec<usize> = (0..verdicts.len())
            .filter(|i| verdicts[*i].is_flagged())
            .collect();
        for group in told.chunk_by(|a, b| b - a <= NEAR) {
            let least = group.iter().map(|i| verdicts[*i].p).fold(1.0, f64::min);
            if least > self.told {
                for i in group {
                    (verdicts[*i].kind, verdicts[*i].p) = (RowKind::None, self.alpha);
                }
            }
        }
        for rows in aside {
            rows.retain(|i| verdicts[*i].is_flagged());
        }
    }

    /// The evidence of one column in units of the whole.
    fn verdict(&self, column: usize, e: &RowEvidence, alpha: f64, far: bool) -> RowVerdict {
        let p = (e.p * (self.alpha / alpha)).min(1.0);
        let flagged = e.flagged && far;
        RowVerdict {
            p: match flagged {
                true => p.clamp(f64::MIN_POSITIVE, self.alpha.next_down()),
                false => p.max(self.alpha),
            },
            excess: e.excess.clamp(-MOST, MOST),
            kind: if flagged { e.kind } else { RowKind::None },
            sign: e.sign,
            column,
        }
    }

    /// Whether the expectation of any column has a trend.
    pub(crate) fn has_trend(&self) -> bool {
        self.live().any(|(_, e)| e.has_trend())
    }

    /// The rows without their trends; the same rows where there is none.
    pub(crate) fn without_trend(&self, rows: Samples, check: Check) -> Result<Samples> {
        if !self.has_trend() {
            return Ok(rows);
        }
        let mut values = rows.values().to_vec();
        for (c, e) in self.live().filter(|(_, e)| e.has_trend()) {
            for (i, time) in rows.times().iter().enumerate() {
                if i % EVERY == 0 {
                    check();
                }
                let value = &mut values[i * rows.channels() + c];
                *value = e.without_trend(*time, *value);
            }
        }
        rows.with_values(values)
    }

    /// Training rows with what was to be expected at the times `aside` of each column.
    pub(crate) fn cleaned(&self, rows: &Samples, aside: &[Vec<i64>], check: Check) -> Result<Samples> {
        let at = |times: &Vec<i64>| -> Vec<usize> {
            let known = |i: &usize| times.binary_search(&rows.times()[*i]).is_ok();
            if times.is_empty() {
                Vec::new()
            } else {
                (0..rows.len()).filter(known).collect()
            }
        };
        let aside: Vec<Vec<usize>> = aside.iter().map(at).collect();
        self.replaced(rows, &aside, Expectation::replace, check)
    }

    /// The rows with what was to be expected in place of some of each column.
    pub(crate) fn replaced(
        &self,
        rows: &Samples,
        aside: &[Vec<usize>],
        replace: impl Fn(&Expectation, &[i64], &mut [f64], &[usize]),
        check: Check,
    ) -> Result<Samples> {
        if aside.iter().all(Vec::is_empty) {
            return Ok(rows.clone());
        }
        let mut values = rows.values().to_vec();
        for (c, e) in self.live().filter(|(c, _)| !aside[*c].is_empty()) {
            check();
            let mut own: Vec<f64> = (0..rows.len()).map(|i| rows.row(i)[c]).collect();
            replace(e, rows.times(), &mut own, &aside[c]);
            for i in &aside[c] {
                values[i * rows.channels() + c] = own[*i];
            }
        }
        rows.clone().with_values(values)
    }
}

impl Model {
    /// The rows as windows are to see them: without the trends of their columns.
    pub(crate) fn without_trend(&self, rows: Samples, check: Check) -> Result<Samples> {
        match &self.row_model {
            Some(row_model) => row_model.without_trend(rows, check),
            None => Ok(rows),
        }
    }

    /// What is expected of a column.
    pub(crate) fn expectation(&self, column: usize) -> Option<&Expectation> {
        self.row_model.as_ref()?.columns.get(column)?.as_ref()
    }
}

impl RowVerdicts {
    /// By column the rows that windows must not see, ascending.
    pub(crate) fn aside(&self) -> &[Vec<usize>] {
        &self.aside
    }

    /// Whether windows may see all rows.
    pub(crate) fn is_quiet(&self) -> bool {
        self.aside.iter().all(Vec::is_empty)
    }
}
