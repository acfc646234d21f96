//! What kind of values a column has.

use super::robust::{mean, quantile};
use crate::control::{Check, ComparisonTicker};

/// Counts have a median of at most this ...
const COUNT_MEDIAN: f64 = 8.0;
/// ... a 90 % quantile of at most this ...
const COUNT_LARGE: f64 = 25.0;
/// ... and a variance of at least this share of Poisson's.
const COUNT_VARIANCE: f64 = 0.6;

/// What kind of values a column has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Values {
    /// They may be counts of events: whole, small, and scattered like them.
    pub(super) may_count: bool,
    /// How many different values there are.
    pub(super) distinct: usize,
    /// The step between neighbouring values, 0 of one value.
    pub(super) step: f64,
    /// The typical absolute value.
    pub(super) size: f64,
    /// The smallest value, that at 0.5 % and the median.
    pub(super) least: f64,
    pub(super) low: f64,
    pub(super) median: f64,
}

impl Values {
    /// Of at least one finite value.
    pub(super) fn of(values: &[f64], check: Check) -> Self {
        let mut sorted = values.to_vec();
        let pace = ComparisonTicker::new(check);
        sorted.sort_unstable_by(|a, b| {
            pace.step();
            a.total_cmp(b)
        });
        check();
        let at = |p: f64| crate::numeric::quantile::interpolated(&sorted, p);
        let mut steps: Vec<f64> = sorted
            .windows(2)
            .map(|w| w[1] - w[0])
            .filter(|d| *d > 0.0)
            .collect();
        let mut sizes: Vec<f64> = values.iter().map(|v| v.abs()).collect();
        let whole = values.iter().all(|v| *v >= 0.0 && v.fract() == 0.0);
        check();
        let may_count = whole && at(0.5) <= COUNT_MEDIAN && at(0.9) <= COUNT_LARGE && {
            let cap = at(0.995);
            let centre = mean(values.iter().map(|v| v.min(cap)));
            let variance = mean(values.iter().map(|v| (v.min(cap) - centre).powi(2)));
            let least = COUNT_VARIANCE * mean(values.iter().copied());
            variance >= least && least > 0.0
        };
        Self {
            may_count,
            distinct: steps.len() + 1,
            step: quantile(&mut steps, 0.05, check),
            size: super::robust::median(&mut sizes, check),
            least: sorted[0],
            low: at(0.005),
            median: at(0.5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_small_whole_and_scattered() {
        let of = |value: fn(i32) -> i32| {
            let values: Vec<f64> = (0..200).map(|i| f64::from(value(i * 7919 % 200))).collect();
            Values::of(&values, &|| {})
        };
        assert!(of(|i| i * i % 9).may_count);
        assert!(!of(|i| 5 + i % 2).may_count && !of(|i| i).may_count && !of(|_| 0).may_count);
        assert_eq!(
            (of(|i| 5 * (i % 3)).step, of(|_| 7).distinct, of(|_| 7).step),
            (5.0, 1, 0.0)
        );
    }
}
