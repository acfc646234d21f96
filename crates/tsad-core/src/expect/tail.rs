//! The tail of excesses over the band: empirical up to a threshold, a generalised Pareto distribution with a prior beyond.

use super::robust::{quantile, within};
use crate::control::Check;
use serde::{Deserialize, Serialize};

/// The probability that the excess of a normal row is at least so large.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExcessTail {
    /// Where the tail begins, in spreads; at least 1.
    pub(crate) threshold: f64,
    /// The probability of an excess beyond the threshold, in (0, 1).
    pub(crate) share: f64,
    /// The shape, -0.1 to 0.5.
    pub(crate) shape: f64,
    /// The scale, above 0, in spreads.
    pub(crate) scale: f64,
}

/// The prior of an [`ExcessTail`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    /// The usual shape, known to 0.1.
    pub(super) shape: f64,
    /// The usual scale, in spreads, worth [`WEIGHT`] exceedances.
    pub(super) scale: f64,
}

impl Prior {
    /// Of single rows.
    pub(super) const ROW: Self = Self {
        shape: 0.10,
        scale: 0.45,
    };
    /// Of sums of rows.
    pub(super) const SUM: Self = Self {
        shape: 0.0,
        scale: 0.4,
    };
}

/// What the prior of the scale is worth, in independent exceedances.
const WEIGHT: f64 = 12.0;
/// A fit looks at fewer than twice so many exceedances.
const ENOUGH: usize = 3000;
/// No tail begins farther out.
const FARTHEST: f64 = 1e15;
/// A shape below this is exponential.
const EXPONENTIAL: f64 = 1e-9;

impl ExcessTail {
    /// Learns from the held-out excesses of one side, at least 0, in spreads; `clusters` is the share of exceedances that
    /// are independent.
    ///
    /// The mode of the posterior on a grid: a generalised Pareto distribution (Pickands 1975, doi:10.1214/aos/1176343003),
    /// a normal prior of the shape and one of the scale that is worth 12 exceedances.
    pub(super) fn fit(excesses: &[f64], clusters: f64, prior: Prior, check: Check) -> Self {
        let n = excesses.len().max(1);
        let start = match n {
            400.. => 0.95,
            100.. => 0.9,
            _ => 0.8,
        };
        let threshold = within(quantile(&mut excesses.to_vec(), start, check), 1.0, FARTHEST);
        let mut beyond: Vec<f64> = excesses
            .iter()
            .filter(|v| **v > threshold)
            .map(|v| v - threshold)
            .collect();
        let count = beyond.len() as f64;
        beyond.sort_unstable_by(f64::total_cmp);
        let stride = (beyond.len() / ENOUGH).max(1);
        let weight = if beyond.len() > ENOUGH {
            clusters * stride as f64
        } else {
            clusters
        };
        let beyond: Vec<f64> = beyond.into_iter().step_by(stride).collect();
        let (shape, scale) = posterior_mode(&beyond, weight, prior, check);
        Self {
            threshold,
            share: (count + 1.0) / (n as f64 + 20.0),
            shape,
            // What few exceedances leave in doubt.
            scale: scale * (1.0 + 0.3 / (1.0 + clusters * count).sqrt()),
        }
    }

    /// The probability that the excess of a normal row is at least `excess`; 1 up to the threshold.
    pub(super) fn p(&self, excess: f64) -> f64 {
        if excess <= self.threshold {
            return 1.0;
        }
        let y = (excess - self.threshold) / self.scale;
        let log = if self.shape.abs() <= EXPONENTIAL {
            y
        } else {
            (self.shape * y).max(1e-12 - 1.0).ln_1p() / self.shape
        };
        self.share * (-log).exp()
    }

    /// The excess of probability `p`, in spreads; at least the threshold.
    pub(super) fn limit(&self, p: f64) -> f64 {
        let log = -(p / self.share).ln();
        let y = if self.shape.abs() <= EXPONENTIAL {
            log
        } else {
            (self.shape * log).exp_m1() / self.shape
        };
        self.threshold + (self.scale * y).max(0.0)
    }
}

/// Shape and scale of the highest posterior density, of ascending exceedances.
fn posterior_mode(beyond: &[f64], weight: f64, prior: Prior, check: Check) -> (f64, f64) {
    let mut best = (f64::INFINITY, prior.shape, prior.scale);
    let n = beyond.len() as f64;
    let sum: f64 = beyond.iter().sum();
    let largest = beyond.last().copied().unwrap_or(0.0);
    for i in 0..13 {
        check();
        let shape = -0.1 + f64::from(i) * 0.05;
        for j in 0..21 {
            let scale = prior.scale * (-1.5 + f64::from(j) * 0.2).exp();
            let slope = shape / scale;
            if 1.0 + slope * largest <= 0.02 {
                continue;
            }
            let each = if shape.abs() > EXPONENTIAL {
                n * scale.ln() + (1.0 / shape + 1.0) * log_sum(beyond, slope)
            } else {
                n * scale.ln() + sum / scale
            };
            let of_prior =
                WEIGHT * (scale.ln() + prior.scale / scale) + 0.5 * ((shape - prior.shape) / 0.1).powi(2);
            let cost = weight * each + of_prior;
            if cost < best.0 {
                best = (cost, shape, scale);
            }
        }
    }
    (best.1, best.2)
}

/// The sum of `ln(1 + slope * y)`: the logarithm of products of four, which neither overflow nor vanish.
fn log_sum(beyond: &[f64], slope: f64) -> f64 {
    let factor = |y: &f64| (1.0 + slope * y).clamp(1e-9, 1e70);
    beyond
        .chunks(4)
        .map(|c| c.iter().map(factor).product::<f64>().ln())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::robust::normal_quantile;

    #[test]
    fn limits_of_normal_rows_lie_at_four_to_ten_spreads() {
        for n in [60, 300, 3000, 30_000] {
            let v: Vec<f64> = (0..n)
                .map(|i| normal_quantile((f64::from(i) + 0.5) / f64::from(n)).max(0.0))
                .collect();
            let tail = ExcessTail::fit(&v, 1.0, Prior::ROW, &|| {});
            let limit = tail.limit(1e-5);
            assert!((4.0..10.0).contains(&limit), "{n}: {tail:?} {limit}");
            assert!((tail.p(limit) / 1e-5 - 1.0).abs() < 1e-6);
            assert_eq!(tail.p(0.5), 1.0);
        }
    }

    #[test]
    fn any_excesses_give_a_proper_tail() {
        for v in [vec![], vec![0.0; 20], vec![1e300; 20], vec![0.0, 1e300]] {
            let tail = ExcessTail::fit(&v, 1.0, Prior::ROW, &|| {});
            assert!(
                tail.share > 0.0 && tail.share < 1.0 && tail.scale > 0.0 && tail.scale.is_finite(),
                "{tail:?}"
            );
            assert!(tail.p(f64::INFINITY) >= 0.0 && tail.limit(1e-300) > 0.0);
        }
    }
}
