//! How uniform p-values are.

use serde::Serialize;

/// Fewer independent p-values tell nothing.
pub(crate) const MIN_P_VALUES: usize = 10;
/// P-values less uniform than this with that probability are no accident...
const SIGNIFICANCE_LEVEL: f64 = 0.01;
/// ... and matter from this distance on.
const MIN_DISTANCE: f64 = 0.15;

/// How far p-values are from the uniform distribution that they have on normal data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Uniformity {
    /// The number of p-values.
    pub count: usize,
    /// The largest difference between the two distribution functions, 0 to 1 (Kolmogorov and Smirnov); none without
    /// p-values.
    pub distance: Option<f64>,
    /// The probability of such a distance on normal data, 0 to 1.
    pub probability: Option<f64>,
    /// The largest excess of low p-values, 0 to 1: by how much scores are higher than they were.
    pub excess: Option<f64>,
    /// The probability of such an excess on normal data, 0 to 1 (Smirnov's limit).
    pub excess_probability: Option<f64>,
    /// The median; 0.5 on normal data, lower where scores are higher than they were.
    pub median: Option<f64>,
}

impl Uniformity {
    /// Compares p-values with the uniform distribution. The probability is the limit distribution's, corrected for
    /// small numbers (Stephens 1970, doi:10.1111/j.2517-6161.1970.tb00821.x).
    pub fn of(mut p: Vec<f64>) -> Self {
        p.sort_by(f64::total_cmp);
        let n = p.len() as f64;
        if p.is_empty() {
            return Self {
                count: 0,
                distance: None,
                probability: None,
                excess: None,
                excess_probability: None,
                median: None,
            };
        }
        let above = |(i, p): (usize, &f64)| (i + 1) as f64 / n - p;
        let below = |(i, p): (usize, &f64)| p - i as f64 / n;
        let excess = p.iter().enumerate().map(above).fold(0.0, f64::max);
        let distance = p.iter().enumerate().map(below).fold(excess, f64::max);
        let scaled = distance * (n.sqrt() + 0.12 + 0.11 / n.sqrt());
        Self {
            count: p.len(),
            distance: Some(distance),
            probability: Some(kolmogorov(scaled)),
            excess: Some(excess),
            excess_probability: Some((-2.0 * n * excess * excess).exp()),
            median: Some(p[p.len() / 2]),
        }
    }

    /// Whether the p-values are neither uniform by accident nor nearly so.
    pub fn is_off(&self) -> bool {
        self.count >= MIN_P_VALUES
            && self.distance.is_some_and(|d| d >= MIN_DISTANCE)
            && self.probability.is_some_and(|p| p < SIGNIFICANCE_LEVEL)
    }

    /// Whether low p-values are more frequent, neither by accident nor by little. That they are rarer is no reason to
    /// do anything: held-out scores, which the calibration is made of, are somewhat higher than those of a model that
    /// has seen all of the training.
    pub fn is_low(&self) -> bool {
        self.count >= MIN_P_VALUES
            && self.excess.is_some_and(|d| d >= MIN_DISTANCE)
            && self.excess_probability.is_some_and(|p| p < SIGNIFICANCE_LEVEL)
    }
}

/// The probability that a Kolmogorov variable exceeds `x`, at least 0.
fn kolmogorov(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (1..=20).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_p_values_are_told_from_others() {
        let even: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
        let u = Uniformity::of(even.clone());
        assert!((u.distance.unwrap() - 0.005).abs() < 1e-12 && u.probability.unwrap() > 0.999 && !u.is_off());
        let low = Uniformity::of(even.iter().map(|p| p.powi(2)).collect());
        assert!(low.is_off() && low.is_low() && low.median.unwrap() < 0.3);
        let high = Uniformity::of(even.iter().map(|p| p.sqrt()).collect());
        assert!(high.is_off() && !high.is_low());
        assert_eq!(Uniformity::of(Vec::new()).distance, None);
    }

    #[test]
    fn the_distribution_is_that_of_the_tables() {
        // Smirnov (1948), doi:10.1214/aoms/1177730256: 1 - L(z).
        for (z, p) in [(0.5, 0.963945), (1.0, 0.27), (1.36, 0.049486), (1.63, 0.009846)] {
            assert!((kolmogorov(z) - p).abs() < 2e-5, "{z}");
        }
        assert_eq!((kolmogorov(0.0), kolmogorov(30.0)), (1.0, 0.0));
    }
}
