//! The robust scale of a channel.

use crate::numeric::quantile::median_of;
use serde::{Deserialize, Serialize};

/// Scaled values are clipped to this range on both sides.
const CLIP: f64 = 1e4;

/// Location and scale of a channel, estimated from its training samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RobustScale {
    /// The median.
    pub median: f64,
    /// The scale: the largest of 1.4826 times the median absolute deviation, a tenth of the standard
    /// deviation, and a trace of the median's size; 1 where all of these are zero.
    pub scale: f64,
    /// Whether all training samples were equal.
    pub constant: bool,
}

impl RobustScale {
    /// Estimates location and scale of at least one finite value.
    pub fn fit(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        let median = median_of(&mut sorted);
        let constant = sorted.iter().all(|v| *v == sorted[0]);
        let n = sorted.len() as f64;
        let mean = sorted.iter().map(|v| v / n).sum::<f64>();
        // A power of two near the deviations, so that their squares stay in the range of numbers.
        let largest = sorted
            .iter()
            .map(|v| (v - mean).abs())
            .fold(f64::MIN_POSITIVE, f64::max);
        let unit = f64::from_bits(largest.to_bits() & f64::INFINITY.to_bits());
        let squares = sorted.iter().map(|v| (v - mean) / unit).map(|d| d * (d / n));
        let sd = squares.sum::<f64>().sqrt() * unit;
        for v in &mut sorted {
            *v = (*v - median).abs();
        }
        let spread = 1.4826 * median_of(&mut sorted);
        let trace = 1e-9 * median.abs();
        let scale = spread.max(0.1 * sd).max(trace);
        let scale = if scale.is_finite() && scale > f64::MIN_POSITIVE {
            scale
        } else {
            1.0
        };
        Self {
            median,
            scale,
            constant,
        }
    }

    /// The scaled value, clipped to +-10,000.
    #[inline]
    pub fn apply(&self, value: f64) -> f32 {
        ((value - self.median) / self.scale).clamp(-CLIP, CLIP) as f32
    }

    /// The value that was scaled, but for what was clipped.
    pub fn undo(&self, scaled: f32) -> f64 {
        self.median + f64::from(scaled) * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_does_not_move_the_scale() {
        let clean = RobustScale::fit((0..100).map(f64::from));
        let dirty = RobustScale::fit((0..99).map(f64::from).chain([400.0]));
        assert!((clean.median - 49.5).abs() < 1e-12 && (clean.scale - 1.4826 * 25.0).abs() < 1e-9);
        assert!((dirty.scale / clean.scale - 1.0).abs() < 0.05);
    }

    #[test]
    fn mostly_equal_values_take_the_scale_from_the_deviation() {
        let s = RobustScale::fit((0..100).map(|i| if i == 7 { 10.0 } else { 0.0 }));
        assert!(!s.constant && (s.scale - 0.1 * 0.99_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn constants_and_huge_values_stay_finite() {
        let zero = RobustScale::fit([0.0; 5].into_iter());
        assert!(zero.constant && zero.scale == 1.0);
        let huge = RobustScale::fit([1e308, -1e308, 1e308, -1e308].into_iter());
        assert!(huge.apply(1e308).is_finite() && huge.apply(f64::MIN).is_finite());
        assert_eq!(RobustScale::fit([3.0; 4].into_iter()).apply(3.0), 0.0);
    }
}
