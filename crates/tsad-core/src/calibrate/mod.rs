//! From score to p-value and decision, by the scores of held-out training windows.

mod tail;

pub use tail::Tail;

use serde::{Deserialize, Serialize};

/// What the calibration was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The training samples, each scored by centres found without the windows around it.
    HeldOut,
    /// The training samples with all centres, because there were too few to hold some out: p-values are too small.
    InSample,
}

/// The number of knots of the body of the distribution.
const KNOTS: usize = 64;
/// The share of the scores that the tail is fitted to.
const TAIL_SHARE: f64 = 0.1;

/// The distribution of scores on normal data, and the threshold at an error probability.
///
/// Up to its 90 % quantile the distribution is the empirical one, interpolated; beyond, a generalised Pareto
/// tail (Pickands 1975, doi:10.1214/aos/1176343003; Siffer et al. 2017, doi:10.1145/3097983.3098144).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What the calibration was made on.
    pub source: Source,
    /// The number of scores it was made on.
    pub samples: u64,
    /// Scores of equally spaced probability, from the lowest to the start of the tail; never decreasing.
    pub knots: Vec<f64>,
    /// The distribution beyond the last knot.
    pub tail: Tail,
    /// The error probability per sample.
    pub alpha: f64,
    /// The score above which a sample is an anomaly.
    pub threshold: f64,
    /// The share of the calibration scores above the threshold.
    pub achieved: f64,
}

impl Calibration {
    /// Fits the distribution of at least one finite score, and the threshold at error probability `alpha`.
    pub fn fit(mut scores: Vec<f64>, source: Source, alpha: f64) -> Self {
        scores.sort_by(f64::total_cmp);
        let n = scores.len();
        let quantile = |p: f64| {
            let at = p * (n - 1) as f64;
            let (low, high) = (at.floor() as usize, at.ceil() as usize);
            scores[low] + (scores[high] - scores[low]) * (at - low as f64)
        };
        let knots: Vec<f64> = (0..KNOTS)
            .map(|k| quantile((1.0 - TAIL_SHARE) * k as f64 / (KNOTS - 1) as f64))
            .collect();
        let start = knots[KNOTS - 1];
        let excesses: Vec<f64> = scores.iter().map(|s| s - start).filter(|e| *e > 0.0).collect();
        let mut calibration = Self {
            source,
            samples: n as u64,
            tail: Tail::fit(&excesses),
            knots,
            alpha,
            threshold: 0.0,
            achieved: 0.0,
        };
        calibration.threshold = calibration.quantile_above(alpha);
        let above = scores.iter().filter(|s| **s > calibration.threshold).count();
        calibration.achieved = above as f64 / n as f64;
        calibration
    }

    /// Whether a score lies above the threshold.
    pub fn is_anomaly(&self, score: f64) -> bool {
        score > self.threshold
    }

    /// The probability of a score at least as high on normal data, from above 0 to 1; it lies below `alpha`
    /// exactly when the score lies above the threshold.
    pub fn p_value(&self, score: f64) -> f64 {
        let p = self.survival(score);
        if self.is_anomaly(score) {
            p.min(self.alpha.next_down()).max(f64::MIN_POSITIVE)
        } else {
            p.max(self.alpha)
        }
    }

    fn survival(&self, score: f64) -> f64 {
        let start = self.knots[self.knots.len() - 1];
        if score > start {
            return TAIL_SHARE * self.tail.survival(score - start);
        }
        let above = self.knots.partition_point(|k| *k < score);
        if above == 0 {
            return 1.0;
        }
        let (low, high) = (self.knots[above - 1], self.knots[above]);
        let part = (score - low) / (high - low);
        1.0 - (1.0 - TAIL_SHARE) * ((above - 1) as f64 + part) / (self.knots.len() - 1) as f64
    }

    /// The score that normal data exceeds with probability `p`.
    fn quantile_above(&self, p: f64) -> f64 {
        let last = self.knots.len() - 1;
        if p <= TAIL_SHARE {
            return self.knots[last] + self.tail.quantile_above(p / TAIL_SHARE);
        }
        let at = (1.0 - p) / (1.0 - TAIL_SHARE) * last as f64;
        let low = (at.floor() as usize).min(last - 1);
        self.knots[low] + (self.knots[low + 1] - self.knots[low]) * (at - low as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Quantiles of the exponential distribution: a sample without noise.
    fn exponential(n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| -(1.0 - (i as f64 + 0.5) / n as f64).ln())
            .collect()
    }

    #[test]
    fn p_values_of_an_exponential_sample_are_right_in_body_and_tail() {
        let c = Calibration::fit(exponential(5000), Source::HeldOut, 1e-3);
        for x in [0.1_f64, 0.7, 2.0, 4.0, 7.0] {
            let (p, expected) = (c.p_value(x), (-x).exp());
            assert!((p / expected - 1.0).abs() < 0.2, "{x} {p} {expected}");
        }
        assert!((c.threshold - 1e-3_f64.ln().abs()).abs() < 0.3);
        assert!((c.achieved / 1e-3 - 1.0).abs() < 0.3);
    }

    #[test]
    fn equal_scores_give_a_threshold_just_above_and_finite_p_values() {
        let c = Calibration::fit(vec![0.7; 300], Source::InSample, 1e-4);
        assert!(c.threshold > 0.7 && c.threshold < 20.0);
        assert!(!c.is_anomaly(0.7) && c.p_value(0.7) >= c.alpha);
        assert!(c.is_anomaly(1e4) && c.p_value(1e4) > 0.0);
    }

    proptest! {
        #[test]
        fn flag_threshold_and_p_value_agree(
            scores in prop::collection::vec(0.0_f64..20.0, 1..200),
            alpha in prop::sample::select(vec![1e-9, 1e-4, 0.01, 0.09, 0.1, 0.3, 0.5]),
            at in 0.0_f64..40.0,
        ) {
            let c = Calibration::fit(scores.clone(), Source::HeldOut, alpha);
            for s in scores.into_iter().chain([at, c.threshold, c.threshold.next_up(), c.threshold.next_down()]) {
                let p = c.p_value(s);
                prop_assert!(p > 0.0 && p <= 1.0);
                prop_assert_eq!(s > c.threshold, p < alpha);
                prop_assert_eq!(c.is_anomaly(s), p < alpha);
                prop_assert!(c.p_value(s + 0.5) <= p);
            }
        }
    }
}
