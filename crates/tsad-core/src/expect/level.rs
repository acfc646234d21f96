//! The level of a column: constant, that of the last quarter, or a line.

use super::robust::{mean, median, quantile};
use crate::control::Check;
use serde::{Deserialize, Serialize};

/// Rows from which slopes are taken, about.
const STARTS: usize = 2000;
/// Distances over which slopes are taken.
const DISTANCES: usize = 12;

/// A line goes no farther.
const FARTHEST: f64 = 1e305;

/// How the level goes with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LevelKind {
    /// One level.
    Constant,
    /// The level of the last quarter of the training.
    Recent,
    /// A line.
    Line,
}

impl LevelKind {
    /// The kind in a word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Recent => "recent",
            Self::Line => "line",
        }
    }
}

/// The level: `value + slope * (time - origin)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Level {
    /// How it goes with time.
    pub(crate) kind: LevelKind,
    /// A local time: the last one of the training, unless an update has moved along the line.
    pub(crate) origin: i64,
    /// The level at the origin, on the scale of the model.
    pub(crate) value: f64,
    /// Its change in a unit of the time (microsecond or integer); 0 unless it is a line.
    pub(crate) slope: f64,
}

/// How a level is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LevelSpec {
    /// How it goes with time.
    pub(super) kind: LevelKind,
    /// Values are counts: a mean instead of a median.
    pub(super) counts: bool,
    /// Slopes are taken over whole cycles of this length, in units of the time.
    pub(super) cycle: f64,
    /// A slope that is known already.
    pub(super) slope: Option<f64>,
}

impl Level {
    /// Fits at least one value.
    pub(super) fn fit(spec: LevelSpec, local: &[i64], values: &[f64], check: Check) -> Self {
        let n = values.len();
        let origin = local.last().copied().unwrap_or(0);
        let mut level = Self {
            kind: spec.kind,
            origin,
            value: 0.0,
            slope: 0.0,
        };
        let mut rest = match spec.kind {
            LevelKind::Constant => values.to_vec(),
            LevelKind::Recent => values[n - (n / 4).max(n.min(7))..].to_vec(),
            LevelKind::Line => {
                level.slope = spec
                    .slope
                    .unwrap_or_else(|| seasonal_slope(local, values, spec.cycle, check));
                values.iter().zip(local).map(|(v, t)| v - level.at(*t)).collect()
            }
        };
        level.value = if spec.counts {
            let cap = quantile(&mut rest, 0.995, check);
            mean(rest.iter().map(|v| v.min(cap)))
        } else {
            median(&mut rest, check)
        };
        level
    }

    /// The level at a local time.
    pub(super) fn at(&self, local: i64) -> f64 {
        if self.slope == 0.0 {
            return self.value;
        }
        let y = self.value + self.slope * local.saturating_sub(self.origin) as f64;
        y.clamp(-FARTHEST, FARTHEST)
    }
}

/// The median of the slopes between rows that lie a whole number of cycles apart, the longer half of the distances (Theil
/// 1950; Sen 1968, doi:10.1080/01621459.1968.10480934; Hirsch et al. 1982, doi:10.1029/WR018i001p00107).
pub(super) fn seasonal_slope(local: &[i64], values: &[f64], cycle: f64, check: Check) -> f64 {
    let n = values.len();
    let (Some(first), Some(last)) = (local.first(), local.last()) else {
        return 0.0;
    };
    let most = (last.saturating_sub(*first) as f64 / cycle + 0.01).floor();
    // Also where it is not a number.
    if !(1.0..9e15).contains(&most) {
        return 0.0;
    }
    let mut slopes = Vec::new();
    for cycles in distances(most) {
        check();
        for i in (0..n).step_by((n / STARTS).max(1)) {
            let target = local[i].saturating_add((cycles * cycle).round() as i64);
            let off = |j: usize| local[j].saturating_sub(target).unsigned_abs();
            let after = local.partition_point(|t| *t < target);
            let (low, high) = (after.saturating_sub(1).min(n - 1), after.min(n - 1));
            let j = if off(high) <= off(low) { high } else { low };
            let apart = local[j].saturating_sub(local[i]) as f64;
            if off(j) as f64 <= 0.02 * cycle && apart > 0.0 {
                slopes.push((values[j] - values[i]) / apart);
            }
        }
    }
    if slopes.len() < 5 {
        return 0.0;
    }
    median(&mut slopes, check)
}

/// Twelve distances in cycles, from half of the most to the most, without duplicates.
fn distances(most: f64) -> Vec<f64> {
    let first = ((most + 1.0) / 2.0).floor();
    let step = (most - first) / (DISTANCES - 1) as f64;
    let mut out: Vec<f64> = (0..DISTANCES - 1)
        .map(|i| (i as f64 * step + first).floor())
        .chain([most])
        .collect();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_seasonal_line_needs_two_cycles() {
        let local: Vec<i64> = (0..21).collect();
        let values: Vec<f64> = (0..21)
            .map(|i| f64::from(i) * 0.5 + f64::from(i % 7) * 10.0)
            .collect();
        assert!((seasonal_slope(&local, &values, 7.0, &|| {}) - 0.5).abs() < 1e-12);
        assert_eq!(seasonal_slope(&local[..6], &values[..6], 7.0, &|| {}), 0.0);
        assert_eq!(distances(2.0), [1.0, 2.0]);
        assert_eq!(
            seasonal_slope(&[i64::MIN, 0, i64::MAX], &[0.0; 3], f64::NAN, &|| {}),
            0.0
        );
    }

    #[test]
    fn the_recent_level_is_that_of_the_last_quarter() {
        let local: Vec<i64> = (0..100).collect();
        let values: Vec<f64> = (0..100).map(|i| if i < 70 { 1.0 } else { 5.0 }).collect();
        let level = |kind| {
            let spec = LevelSpec {
                kind,
                counts: false,
                cycle: 1.0,
                slope: None,
            };
            Level::fit(spec, &local, &values, &|| {}).at(200)
        };
        assert_eq!((level(LevelKind::Constant), level(LevelKind::Recent)), (1.0, 5.0));
    }
}
