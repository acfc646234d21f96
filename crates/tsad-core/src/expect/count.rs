//! Normal scores of counts.

use super::robust::{normal_quantile, normal_tail};
use statrs::function::gamma::ln_gamma;
use std::collections::HashMap;

/// Larger counts are taken for this one.
const LARGEST: f64 = 1e5;
/// From this mean on the tail is approximated in closed form ...
const LARGE_MEAN: f64 = 64.0;
/// ... if the size is at least this.
const LARGE_SIZE: f64 = 2.0;
/// The most terms of a sum over a tail.
const TERMS: usize = 8192;
/// Means are told apart to this share, so that a score can be found again.
const STEP: f64 = 0.01;
/// The most scores that are kept.
const KEPT: usize = 1 << 16;
/// Scores lie within this.
const HIGHEST: f64 = 37.1;

/// Normal scores (mid-p, Lancaster 1961, doi:10.1080/01621459.1961.10482105) of counts that follow a negative binomial
/// distribution, or Poisson's.
pub(super) struct CountScores {
    size: Option<f64>,
    seen: HashMap<(u32, i32), f64>,
}

impl CountScores {
    /// For a size (variance = mean + mean^2 / size); none is Poisson.
    pub(super) fn new(size: Option<f64>) -> Self {
        Self {
            size,
            seen: HashMap::new(),
        }
    }

    /// The normal score of a value where `mean`, above 0, is expected.
    pub(super) fn score(&mut self, value: f64, mean: f64) -> f64 {
        let value = value.clamp(0.0, LARGEST).floor();
        let size = self.size.filter(|s| *s < 1e12);
        let score = if mean >= LARGE_MEAN && size.is_none_or(|s| s >= LARGE_SIZE) {
            smooth(value, mean, size)
        } else {
            let step = (mean.max(1e-300).ln() / STEP).round();
            let key = (value as u32, step as i32);
            if let Some(score) = self.seen.get(&key) {
                return *score;
            }
            let score = exact(value, (step * STEP).exp(), size);
            if self.seen.len() < KEPT {
                self.seen.insert(key, score);
            }
            score
        };
        score.clamp(-HIGHEST, HIGHEST)
    }
}

/// By summing the terms of the tail on the side of the value.
fn exact(value: f64, mean: f64, size: Option<f64>) -> f64 {
    let own = log_probability(value, mean, size).exp();
    // The term of k + 1 over that of k.
    let ratio = |k: f64| match size {
        None => mean / (k + 1.0),
        Some(s) => (k + s) / (k + 1.0) * (mean / (s + mean)),
    };
    let (mut upper, mut term, mut k) = (0.0, own, value);
    for _ in 0..TERMS {
        term *= ratio(k);
        k += 1.0;
        upper += term;
        if term <= upper * 1e-12 {
            break;
        }
    }
    let above = upper + 0.5 * own;
    if above < 0.5 {
        return normal_quantile(above);
    }
    let (mut below, mut term, mut k) = (0.0, own, value);
    for _ in 0..TERMS {
        if k < 1.0 || term <= 0.0 {
            break;
        }
        k -= 1.0;
        term /= ratio(k);
        below += term;
    }
    -normal_quantile((below + 0.5 * own).min(0.5))
}

fn log_probability(v: f64, mean: f64, size: Option<f64>) -> f64 {
    match size {
        None => v * mean.ln() - mean - ln_gamma(v + 1.0),
        Some(s) => {
            let both = (s + mean).ln();
            ln_gamma(v + s) - ln_gamma(v + 1.0) - ln_gamma(s) + s * (s.ln() - both) + v * (mean.ln() - both)
        }
    }
}

/// By the modified signed root of the deviance (Barndorff-Nielsen 1986, doi:10.1093/biomet/73.2.307), which without a
/// correction for continuity is close to the mid-p score (Pierce and Peters 1992, doi:10.1111/j.2517-6161.1992.tb01448.x).
fn smooth(value: f64, mean: f64, size: Option<f64>) -> f64 {
    let deviation = (mean + size.map_or(0.0, |s| mean * mean / s)).sqrt();
    let near = 0.05 * deviation;
    if (value - mean).abs() >= near {
        return modified_root(value.max(0.5), mean, size);
    }
    // The root and its correction are both 0 at the mean: a line between values beside it.
    let (low, high) = (
        modified_root(mean - near, mean, size),
        modified_root(mean + near, mean, size),
    );
    low + (high - low) * (value - mean + near) / (2.0 * near)
}

fn modified_root(v: f64, mean: f64, size: Option<f64>) -> f64 {
    let (half_deviance, standard) = match size {
        None => (v * (v / mean).ln() - v + mean, (v / mean).ln() * v.sqrt()),
        Some(s) => {
            let both = ((v + s) / (mean + s)).ln();
            let own = (v / mean).ln();
            (v * own - (v + s) * both, (own - both) * (v + v * v / s).sqrt())
        }
    };
    let root = (2.0 * half_deviance.max(0.0)).sqrt() * (v - mean).signum();
    if root == 0.0 || standard / root <= 0.0 {
        return root;
    }
    root + (standard / root).ln() / root
}

/// The probability of a normal score at least so far out, on either side.
pub(super) fn rarest(score: f64) -> f64 {
    2.0 * normal_tail(score.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_poisson_agree_with_tables() {
        let mut s = CountScores::new(None);
        // P(X >= 10) - P(X = 10) / 2 for a mean of 3: 0.000697...
        let p = normal_tail(s.score(10.0, 3.0));
        assert!((p - 6.975e-4).abs() < 1e-5, "{p}");
        assert!((s.score(0.0, 3.0) + normal_quantile(0.5 * (-3.0_f64).exp())).abs() < 0.01);
    }

    #[test]
    fn the_closed_form_continues_the_sum() {
        for size in [None, Some(2.5), Some(30.0)] {
            for v in [0.0, 5.0, 40.0, 70.0, 75.0, 80.0, 120.0, 200.0, 400.0] {
                let (a, b) = (exact(v, 75.0, size), smooth(v, 75.0, size));
                let near = if v == 0.0 { 0.5 } else { 0.05 };
                assert!(a.abs() > 30.0 || (a - b).abs() < near, "{size:?} {v}: {a} {b}");
            }
        }
    }

    #[test]
    fn scores_of_any_input_are_finite_and_soon_there() {
        for size in [None, Some(0.05), Some(1e300), Some(f64::INFINITY)] {
            let mut s = CountScores::new(size);
            for mean in [1e-300, 1e-6, 1.0, 63.0, 1e4, 1e300] {
                for v in [-5.0, 0.0, 0.5, 3.0, 1e5, 1e300, f64::INFINITY] {
                    assert!(s.score(v, mean).is_finite(), "{size:?} {mean} {v}");
                }
            }
        }
    }
}
