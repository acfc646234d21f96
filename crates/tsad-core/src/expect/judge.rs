//! The evidence of rows against their expectation.

use super::expectation::{Expectation, Fitted};
use crate::control::Check;
use serde::{Deserialize, Serialize};

/// By what a row was flagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// It was not.
    #[default]
    None,
    /// It lies outside its band.
    Point,
    /// It belongs to a run of rows that lie on one side.
    Run,
    /// It repeats one value for too long.
    Frozen,
}

/// The evidence of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowEvidence {
    /// The probability of so much evidence of any kind in a normal row; 1 without a value.
    pub p: f64,
    /// The distance outside the band in spreads, with a sign; inside it the distance from the expected value, at most 1.
    pub excess: f64,
    /// Whether the evidence is below the error rate that was asked for.
    pub flagged: bool,
    /// By what it was flagged.
    pub kind: RowKind,
    /// Above (1) or below (-1) what was expected; 0 unless flagged, and where frozen.
    pub sign: i8,
}

/// A break in which more rows are missing than the training lets expect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silence {
    /// The time of the last row before it.
    pub from: i64,
    /// The time of the first row after it.
    pub to: i64,
    /// How many rows were to be expected between them.
    pub missed: f64,
}

impl Expectation {
    /// The error rate of one row for its own evidence, when the decision over all methods is made at `alpha`: half of it,
    /// 20 times stricter, at most 0.0002, because a tail learned from few hundred rows is not to be trusted near its edge.
    #[must_use]
    pub fn row_alpha(alpha: f64) -> f64 {
        let _ = alpha;
        todo!()
    }

    /// Judges rows, in ascending order of time, after the training, at an error rate of `alpha` a row.
    #[must_use]
    pub fn judge(&self, times: &[i64], values: &[f64], alpha: f64, check: Check) -> Vec<RowEvidence> {
        let _ = (times, values, alpha, check);
        todo!()
    }

    /// Breaks between rows, in ascending order of time, that are longer than the training lets expect.
    #[must_use]
    pub fn silences(&self, times: &[i64], check: Check) -> Vec<Silence> {
        let _ = (times, check);
        todo!()
    }

    /// How many rows were to be expected between two times.
    #[must_use]
    pub fn missed_between(&self, from: i64, to: i64) -> f64 {
        let _ = (from, to);
        todo!()
    }

    /// Whether so many missed rows are more than a break of the training lets expect.
    #[must_use]
    pub fn is_silence(&self, missed: f64) -> bool {
        let _ = missed;
        todo!()
    }
}

impl Fitted {
    /// Judges the training rows themselves (the same rows as in [`Expectation::fit`]) by expectations that have not seen
    /// them: what is odd in the whole history, without a date that ends the training.
    #[must_use]
    pub fn judge_history(&self, times: &[i64], values: &[f64], alpha: f64, check: Check) -> Vec<RowEvidence> {
        let _ = (times, values, alpha, check);
        todo!()
    }
}
