//! What is expected of every row: one expectation a column.

use crate::calibrate::Calibration;
use crate::control::Check;
use crate::expect::{Expectation, Expected, Silence};
use serde::{Deserialize, Serialize};

/// A break of more sampling intervals is not waited for: 45 days of minutes.
const LONGEST_BREAK: i64 = 1 << 16;

/// The part of a model that judges rows by themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowModel {
    /// The sampling interval, in the unit of the times; above 0.
    pub(crate) interval: i64,
    /// The error probability per row of the decision over all columns and windows, above 0 and at most 0.5.
    pub(crate) alpha: f64,
    /// Rows tell by themselves if the least p-value of those near each other is at most this, above 0 and at most `alpha`:
    /// lower only where somebody said that what rows told was normal.
    pub(crate) told: f64,
    /// One for each column of a row; none where a column has too few values.
    pub(crate) columns: Vec<Option<Expectation>>,
}

impl RowModel {
    /// What is expected in each column at a time.
    #[must_use]
    pub fn expected(&self, time: i64) -> Vec<Option<Expected>> {
        self.columns
            .iter()
            .map(|c| c.as_ref().map(|e| e.at(time)))
            .collect()
    }

    /// The same at another error probability.
    pub(crate) fn at(&self, alpha: f64) -> Self {
        let told = if self.told < self.alpha {
            self.told.min(alpha)
        } else {
            alpha
        };
        Self {
            alpha,
            told,
            columns: self.columns.clone(),
            ..*self
        }
    }

    /// Whether every number lies where training puts it.
    pub(crate) fn is_sound(&self) -> bool {
        let sound = |e: &Option<Expectation>| e.as_ref().is_none_or(Expectation::is_sound);
        self.interval >= 1
            && Calibration::ALPHA.contains(&self.alpha)
            && self.told > 0.0
            && self.told <= self.alpha
            && self.columns.iter().any(Option::is_some)
            && self.columns.iter().all(sound)
    }

    /// Breaks of column `c` between rows with values, in ascending order of time, that are longer than the training lets
    /// expect.
    #[must_use]
    pub fn silences(&self, c: usize, times: &[i64], check: Check) -> Vec<Silence> {
        let expectation = self.columns.get(c).and_then(Option::as_ref);
        expectation.map_or_else(Vec::new, |e| e.silences(times, check))
    }

    /// When a break of column `c` after a row at `from` gets longer than the training lets expect, if no row comes, and how many
    /// rows it has missed by then. None where no break is too long, or none that can be waited for.
    #[must_use]
    pub fn silent_after(&self, c: usize, from: i64) -> Option<(i64, f64)> {
        let expectation = self.columns.get(c)?.as_ref()?;
        let at = |k: i64| from.saturating_add(self.interval.saturating_mul(k));
        let missed = |k: i64| expectation.missed_between(from, at(k));
        let is_long = |k: i64| expectation.is_silence(missed(k));
        let mut long = 4;
        while !is_long(long) {
            long *= 2;
            if long > LONGEST_BREAK {
                return None;
            }
        }
        let mut short = long / 2;
        while short + 1 < long {
            let middle = i64::midpoint(short, long);
            if is_long(middle) {
                long = middle;
            } else {
                short = middle;
            }
        }
        Some((at(long), missed(long)))
    }

    /// The columns of which something is expected, counted from 0.
    pub fn columns_known(&self) -> impl Iterator<Item = usize> {
        self.live().map(|(c, _)| c)
    }

    /// The columns that have an expectation.
    pub(crate) fn live(&self) -> impl Iterator<Item = (usize, &Expectation)> {
        self.columns
            .iter()
            .enumerate()
            .filter_map(|(c, e)| e.as_ref().map(|e| (c, e)))
    }

    /// The error probability of the rows of one column, so that all of them together keep theirs.
    pub(crate) fn column_alpha(&self) -> f64 {
        Expectation::row_alpha(self.alpha) / self.live().count().max(1) as f64
    }

    /// How many rows before and after one can have a part in its evidence.
    pub(crate) fn reach(&self) -> usize {
        self.live().map(|(_, e)| e.reach()).max().unwrap_or(0)
    }
}
