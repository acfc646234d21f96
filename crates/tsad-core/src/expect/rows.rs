//! Training rows as fits see them: local times, and the phase of each row for each key.

use super::calendar::Calendar;
use super::phases::Phases;
use crate::control::Check;
use std::ops::Range;

/// Rows between two calls of the cancel hook.
const EVERY: usize = 1 << 15;

/// Rows with the keys that seasons may go by.
pub(super) struct Rows<'a> {
    /// The keys.
    pub(super) keys: &'a [Phases],
    /// Local times.
    pub(super) local: Vec<i64>,
    /// For each key the phase of each row.
    pub(super) phase: Vec<Vec<u32>>,
}

impl<'a> Rows<'a> {
    /// Of local times.
    pub(super) fn new(keys: &'a [Phases], calendar: &Calendar, local: Vec<i64>, check: Check) -> Self {
        let mut phase: Vec<Vec<u32>> = keys.iter().map(|_| Vec::with_capacity(local.len())).collect();
        for block in local.chunks(EVERY) {
            check();
            for t in block {
                let m = calendar.at_local(*t);
                for (out, key) in phase.iter_mut().zip(keys) {
                    out.push(key.of(&m) as u32);
                }
            }
        }
        Self { keys, local, phase }
    }

    /// Some of the rows.
    pub(super) fn gather(&self, rows: &[usize]) -> Self {
        Self {
            keys: self.keys,
            local: rows.iter().map(|i| self.local[*i]).collect(),
            phase: self
                .phase
                .iter()
                .map(|p| rows.iter().map(|i| p[*i]).collect())
                .collect(),
        }
    }
}

/// Some of many values.
pub(super) fn pick(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|i| values[*i]).collect()
}

/// `parts` ranges of nearly equal length, the longer ones first.
pub(super) fn split(n: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let (each, more) = (n / parts, n % parts);
    (0..parts).map(move |i| {
        let from = i * each + i.min(more);
        from..from + each + usize::from(i < more)
    })
}
