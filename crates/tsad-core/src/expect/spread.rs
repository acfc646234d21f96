//! The spread of residuals by phase.

use super::phases::{PhaseKind, Phases, Profile};
use super::ring;
use super::robust::mean;
use super::rows::Rows;
use super::seasonal::{count, sum};
use crate::control::Check;

/// So many rows of the overall spread are added to each phase.
const PRIOR_ROWS: f64 = 8.0;
/// Nats per row by which a spread by phase must be better than one spread.
const GAIN: f64 = 0.02;
/// From the mean absolute value of a normal variable to its standard deviation.
const NORMAL: f64 = 1.2533;

/// Residuals whose spread is sought.
pub(super) struct Residuals<'a> {
    /// The rows, without those that were set aside.
    pub(super) rows: &'a Rows<'a>,
    /// Their residuals.
    pub(super) values: &'a [f64],
    /// The spread of held-out residuals.
    pub(super) overall: f64,
    /// The spread of these residuals, above 0.
    pub(super) inside: f64,
    /// No spread is smaller.
    pub(super) floor: f64,
}

impl Residuals<'_> {
    /// The spread by the phases of a key, if that describes the later half of the rows better; else none.
    pub(super) fn by_phase(&self, check: Check) -> Option<Profile> {
        let (n, half) = (self.values.len(), self.values.len() / 2);
        let late = &self.values[half..];
        let cost = |s: &dyn Fn(usize) -> f64| {
            mean((half..n).map(|i| {
                let s = s(i).max(self.floor);
                s.ln() + (self.values[i].abs() / s).min(8.0) * NORMAL
            }))
        };
        let mut order: Vec<usize> = (0..self.rows.keys.len()).collect();
        order.sort_by_key(|k| self.rows.keys[*k].count());
        let mut least = cost(&|_| self.inside);
        let mut chosen = None;
        for k in order {
            check();
            let key = &self.rows.keys[k];
            let yearly = matches!(
                key.kind,
                PhaseKind::Month | PhaseKind::WeekOfYear | PhaseKind::MonthOfYear
            );
            if yearly || late.is_empty() || n < 4 * key.count() && key.ring() < 24 {
                continue;
            }
            // Judged by rows that it has not seen.
            let early = self.profile(key, &self.rows.phase[k][..half], self.inside);
            let new = cost(&|i| early[self.rows.phase[k][i] as usize]);
            if new < least - GAIN {
                least = new;
                chosen = Some(k);
            }
        }
        let k = chosen?;
        let phases = self.rows.keys[k].clone();
        let values = self.profile(&phases, &self.rows.phase[k], self.overall);
        Some(Profile::new(phases, values))
    }

    /// The mean absolute residual of each phase of the first rows, smoothed over neighbours, with rows of the overall spread
    /// added, as a standard deviation.
    fn profile(&self, key: &Phases, phase: &[u32], overall: f64) -> Vec<f64> {
        let inside = self.inside.max(1e-300);
        let mut n = count(phase, key.count());
        let capped = self.values[..phase.len()]
            .iter()
            .map(|r| r.abs().min(6.0 * inside) * NORMAL);
        let mut a = sum(capped, phase, key.count());
        if key.ring() >= 24 {
            let width = (key.per_day() / 24 / 2 * 2 + 1).max(3);
            let times = width.min(3) as f64;
            for v in [&mut n, &mut a] {
                *v = key.each_ring(v, |r| ring::mean(r, width));
                v.iter_mut().for_each(|v| *v = v.max(0.0) * times);
            }
        }
        n.iter()
            .zip(&a)
            .map(|(n, a)| {
                let each = if *n > 1e-9 { a / n / inside } else { 1.0 };
                overall * ((n * each * each + PRIOR_ROWS) / (n + PRIOR_ROWS)).sqrt()
            })
            .collect()
    }
}
