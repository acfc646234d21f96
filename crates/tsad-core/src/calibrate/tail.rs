//! The generalised Pareto tail.

use serde::{Deserialize, Serialize};

/// A fit needs this many excesses; with fewer an exponential tail is assumed.
const MIN_EXCESSES: usize = 10;
/// The heaviest tail allowed: beyond it a few scores decide the shape.
const MAX_SHAPE: f64 = 0.5;
/// The lightest tail that is told from an exponential one. A bounded tail is never predicted, but speaks for an
/// exponential one against the usual shape.
const MIN_SHAPE: f64 = -0.15;
/// The shape that tails of scores of normal data usually have.
const PRIOR_SHAPE: f64 = 0.07;
/// The usual scale counts as much as this many excesses.
const SCALE_PRIOR_WEIGHT: f64 = 18.0;
/// The usual shape counts as much as this many clusters.
const SHAPE_PRIOR_WEIGHT: f64 = 16.0;
/// A cluster tells as much of the scale as this many independent excesses.
const EXCESSES_PER_CLUSTER: f64 = 3.0;
/// The smallest scale, in score units: scores are not known more precisely.
const MIN_SCALE: f64 = 0.05;

/// A generalised Pareto distribution of the excess over the start of the tail.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// The shape, -0.15 (bounded) to 0.5 (heavy), 0 being exponential. That of a prediction is never below 0, which
    /// errs towards fewer false alarms.
    pub shape: f64,
    /// The scale, above 0, in score units.
    pub scale: f64,
}

impl Tail {
    /// Fits positive excesses in ascending order by probability-weighted moments (Hosking and Wallis 1987,
    /// doi:10.1080/00401706.1987.10488243).
    pub fn fit(ascending: &[f64]) -> Self {
        let n = ascending.len() as f64;
        let mean = ascending.iter().sum::<f64>() / n.max(1.0);
        let weighted = |(i, e): (usize, &f64)| (1.0 - (i as f64 + 0.65) / n) * e;
        let first = ascending.iter().enumerate().map(weighted).sum::<f64>() / n.max(1.0);
        Self::of_moments(ascending.len(), mean, first)
    }

    /// The same from the number of excesses, their mean, and the mean of them weighted by `1 - (i + 0.65) / n`, the
    /// lowest being number 0.
    pub(super) fn of_moments(n: usize, mean: f64, weighted: f64) -> Self {
        let spread = mean - 2.0 * weighted;
        let shape = if n < MIN_EXCESSES || spread <= 0.0 {
            0.0
        } else {
            (2.0 - mean / spread).clamp(MIN_SHAPE, MAX_SHAPE)
        };
        Self {
            shape,
            scale: (mean * (1.0 - shape)).max(MIN_SCALE),
        }
    }

    /// The tail to expect of new data, when this one was fitted to `clusters` (at least 1) exceedance clusters
    /// and the scale usually is `prior_scale`.
    ///
    /// A Bayesian prediction: shape and scale are means of what was seen and what is usual, weighed by how much was
    /// seen. With an exponential excess whose rate follows a gamma distribution worth n excesses, a new excess
    /// follows a generalised Pareto distribution of shape 1/n, which is added to the shape; so is the variance of
    /// the shape itself, about one over the number of clusters.
    #[must_use]
    pub fn predictive(self, clusters: usize, prior_scale: f64) -> Self {
        let k = clusters.max(1) as f64;
        let shape = (k * self.shape + SHAPE_PRIOR_WEIGHT * PRIOR_SHAPE) / (k + SHAPE_PRIOR_WEIGHT);
        let doubt = 1.0 / (k + SHAPE_PRIOR_WEIGHT);
        let known = EXCESSES_PER_CLUSTER * k + SCALE_PRIOR_WEIGHT;
        // The mean excess is what was measured; which scale it means depends on the shape.
        let seen = self.scale / (1.0 - self.shape) * (1.0 - shape);
        let scale = (EXCESSES_PER_CLUSTER * k * seen + SCALE_PRIOR_WEIGHT * prior_scale) / known;
        Self {
            shape: (shape + doubt + 1.0 / known).clamp(0.0, MAX_SHAPE),
            scale,
        }
    }

    /// The probability that an excess is larger than `excess`.
    pub fn survival(&self, excess: f64) -> f64 {
        let x = excess.max(0.0) / self.scale;
        if self.shape.abs() < 1e-9 {
            (-x).exp()
        } else {
            (-(self.shape * x).max(-1.0).ln_1p() / self.shape).exp()
        }
    }

    /// The excess that is exceeded with probability `p`, above 0 and at most 1.
    pub fn quantile_above(&self, p: f64) -> f64 {
        if self.shape.abs() < 1e-9 {
            -p.ln() * self.scale
        } else {
            ((-p.ln() * self.shape).exp_m1()) / self.shape * self.scale
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_pareto_sample_is_recovered() {
        for shape in [-0.1, 0.0, 0.1, 0.3] {
            let truth = Tail { shape, scale: 2.0 };
            let n = 20_000;
            let sample: Vec<f64> = (0..n)
                .map(|i| truth.quantile_above(1.0 - (i as f64 + 0.5) / n as f64))
                .collect();
            let fit = Tail::fit(&sample);
            assert!((fit.shape - shape).abs() < 0.03, "{shape}: {fit:?}");
            assert!((fit.scale - 2.0).abs() < 0.1, "{shape}: {fit:?}");
        }
    }

    #[test]
    fn quantile_and_survival_are_inverse() {
        for shape in [-0.1, 0.0, 0.2, 0.5] {
            let t = Tail { shape, scale: 0.7 };
            for p in [1.0, 0.5, 1e-3, 1e-8] {
                assert!((t.survival(t.quantile_above(p)) / p - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_bounded_tail_ends_and_is_never_predicted() {
        let bounded = Tail {
            shape: MIN_SHAPE,
            scale: 0.3,
        };
        assert_eq!(bounded.survival(2.1), 0.0);
        for clusters in [1, 10, 1000] {
            let predicted = bounded.predictive(clusters, 0.35);
            assert!(predicted.shape >= 0.0 && predicted.survival(2.1) > 0.0);
            let exponential = Tail {
                shape: 0.0,
                scale: 0.3,
            };
            assert!(predicted.shape <= exponential.predictive(clusters, 0.35).shape);
        }
    }

    #[test]
    fn few_or_no_excesses_give_an_exponential_tail() {
        assert_eq!(
            Tail::fit(&[]),
            Tail {
                shape: 0.0,
                scale: MIN_SCALE
            }
        );
        assert_eq!(Tail::fit(&[1.0, 2.0, 30.0]).shape, 0.0);
    }
}
