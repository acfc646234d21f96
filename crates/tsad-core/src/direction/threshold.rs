//! The distribution of the deviation from a reference direction, by its moments.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Gamma};

/// The smallest mean deviation: directions are not known more precisely.
const MIN_MEAN: f64 = 1e-6;
/// The bounds of the effective dimension less one.
const DEGREES: (f64, f64) = (0.05, 1e4);
/// The bounds of the scale: those of a mean deviation, up to 1, over the degrees, and room for rounding.
const SCALES: (f64, f64) = (0.99 * MIN_MEAN / DEGREES.1, 1.01 / DEGREES.0);

/// The deviation `z = 1 - |r . u|` of normal windows as a scaled chi-square distribution whose degrees of
/// freedom and scale agree with the first two moments of the history (Ide and Kashima, KDD 2004,
/// doi:10.1145/1014052.1014102, in batch form).
///
/// Not the tail of the von Mises-Fisher distribution in its nominal dimension: normal directions vary in few
/// dimensions only, and with them it raised 14 % false alarms where 0.5 % were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Degrees of freedom: the effective dimension less one, above 0.
    pub degrees: f64,
    /// The scale, above 0: `z / scale` follows the chi-square distribution.
    pub scale: f64,
}

impl Deviation {
    /// Fits deviations, each from 0 to 1, at least one.
    pub fn fit(deviations: &[f64]) -> Self {
        let n = deviations.len() as f64;
        let first = (deviations.iter().sum::<f64>() / n).max(MIN_MEAN);
        let second = deviations.iter().map(|z| z * z).sum::<f64>() / n;
        let variance = (second - first * first).max(MIN_MEAN * MIN_MEAN);
        let degrees = (2.0 * first * first / variance).clamp(DEGREES.0, DEGREES.1);
        Self {
            degrees,
            scale: first / degrees,
        }
    }

    /// Whether both numbers are such as [`Deviation::fit`] finds.
    pub(crate) fn is_sound(&self) -> bool {
        (DEGREES.0..=DEGREES.1).contains(&self.degrees) && (SCALES.0..=SCALES.1).contains(&self.scale)
    }

    /// The scaled chi-square is a gamma distribution of half the degrees and twice the scale. Both are bounded here
    /// too: beyond, the iterations of the library need not end.
    fn distribution(&self) -> Option<Gamma> {
        let degrees = self.degrees.clamp(DEGREES.0, DEGREES.1);
        let scale = self.scale.clamp(SCALES.0, SCALES.1);
        Gamma::new(degrees / 2.0, 1.0 / (2.0 * scale)).ok()
    }

    /// The probability of a deviation at least as large as `z` on normal data, from 0 to 1.
    pub fn p_value(&self, z: f64) -> f64 {
        // Of less than this nothing is left to the library, which has no answer for it.
        if z < f64::MIN_POSITIVE / SCALES.0 {
            return 1.0;
        }
        let distribution = self.distribution();
        distribution.map_or(1.0, |g| g.sf(z.min(1.0)).clamp(0.0, 1.0))
    }

    /// The deviation that normal data exceeds with probability `alpha`, above 0 and below 1.
    pub fn threshold(&self, alpha: f64) -> f64 {
        // At a probability of 1 there would be no finite deviation.
        let p = (1.0 - alpha).clamp(0.0, 1.0 - f64::EPSILON);
        self.distribution().map_or(1.0, |g| g.inverse_cdf(p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_sample_has_two_degrees_of_freedom() {
        let n = 20_000;
        let sample: Vec<f64> = (0..n)
            .map(|i| -0.01 * (1.0 - (f64::from(i) + 0.5) / f64::from(n)).ln())
            .collect();
        let d = Deviation::fit(&sample);
        assert!(
            (d.degrees - 2.0).abs() < 0.02 && (d.scale - 0.005).abs() < 1e-4,
            "{d:?}"
        );
        assert!((d.p_value(0.05) / (-5.0_f64).exp() - 1.0).abs() < 0.05);
        assert!((d.p_value(d.threshold(1e-3)) / 1e-3 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn absurd_numbers_have_an_answer_at_once() {
        for degrees in [5e-324, 0.05, 1e4, 1e15, f64::MAX] {
            for scale in [5e-324, 1e-10, 20.0, 1e300] {
                let d = Deviation { degrees, scale };
                for z in [0.0, 5e-324, 1e-16, 0.5, 1.0] {
                    assert!((0.0..=1.0).contains(&d.p_value(z)), "{d:?} {z}");
                }
                for alpha in [0.5, 1e-3, 1e-16, 1e-300] {
                    assert!(d.threshold(alpha).is_finite(), "{d:?} {alpha}");
                }
            }
        }
    }

    #[test]
    fn equal_directions_leave_a_finite_distribution() {
        let d = Deviation::fit(&[0.0; 50]);
        assert!(d.p_value(0.0) == 1.0 && d.p_value(0.5) < 1e-9 && d.scale > 0.0);
    }
}
