//! Standardisation of features by the training windows.

/// Standardised features are clipped to this range on both sides.
const CLIP: f32 = 50.0;
/// Added to every standard deviation: no feature is known more precisely than this.
const DEVIATION_FLOOR: f64 = 1e-6;
/// The share of a feature's largest training value that is added to its standard deviation.
const FLOOR_SHARE: f64 = 1e-3;

/// Location and scale of every feature of a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    /// The mean of each feature over the training windows.
    pub mean: Vec<f32>,
    /// What a feature is multiplied by after its mean is taken off.
    pub factor: Vec<f32>,
}

impl Standard {
    /// Estimates location and scale of features given window after window, `dim` each, at least one window.
    pub fn fit(features: &[f32], dim: usize) -> Self {
        let n = (features.len() / dim) as f64;
        let (mut sum, mut largest) = (vec![0.0_f64; dim], vec![0.0_f64; dim]);
        for f in features.chunks_exact(dim) {
            for j in 0..dim {
                let v = f64::from(f[j]);
                sum[j] += v;
                largest[j] = largest[j].max(v.abs());
            }
        }
        let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
        let mut square = vec![0.0_f64; dim];
        for f in features.chunks_exact(dim) {
            for j in 0..dim {
                square[j] += (f64::from(f[j]) - mean[j]).powi(2);
            }
        }
        let factor =
            |(s, l): (&f64, &f64)| (1.0 / ((s / n).sqrt() + DEVIATION_FLOOR + FLOOR_SHARE * l)) as f32;
        Self {
            factor: square.iter().zip(&largest).map(factor).collect(),
            mean: mean.into_iter().map(|m| m as f32).collect(),
        }
    }

    /// Leaves features as they are, but for the clipping.
    pub fn identity(dim: usize) -> Self {
        Self {
            mean: vec![0.0; dim],
            factor: vec![1.0; dim],
        }
    }

    /// Standardises the features of one window in place, clipped to +-50.
    #[inline]
    pub fn apply(&self, features: &mut [f32]) {
        for ((f, m), k) in features.iter_mut().zip(&self.mean).zip(&self.factor) {
            *f = ((*f - m) * k).clamp(-CLIP, CLIP);
        }
    }

    /// The same of windows one after the other.
    pub fn apply_all(&self, features: &mut [f32]) {
        features
            .chunks_exact_mut(self.mean.len())
            .for_each(|f| self.apply(f));
    }

    /// The features that are standardised to these, but for the clipping.
    pub fn undo(&self, standardised: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        let of = self.mean.iter().zip(&self.factor);
        standardised
            .zip(of)
            .map(|(z, (m, k))| f64::from(*m) + z / f64::from(*k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_windows_get_mean_zero_and_deviation_one() {
        let features: Vec<f32> = (0..200).flat_map(|i| [i as f32, 5.0]).collect();
        let s = Standard::fit(&features, 2);
        let mut all = features.clone();
        all.chunks_exact_mut(2).for_each(|f| s.apply(f));
        let first: Vec<f32> = all.iter().step_by(2).copied().collect();
        let mean = first.iter().sum::<f32>() / 200.0;
        let sd = (first.iter().map(|v| v * v).sum::<f32>() / 200.0).sqrt();
        assert!(mean.abs() < 1e-3 && (sd - 1.0).abs() < 0.01);
        assert!(all.iter().skip(1).step_by(2).all(|v| *v == 0.0));
    }

    #[test]
    fn standardising_can_be_undone() {
        let s = Standard::fit(&[1.0, -4.0, 3.0, 4.0, 8.0, 9.0], 2);
        let mut f = [2.0, 7.0];
        s.apply(&mut f);
        let back: Vec<f64> = s.undo(f.into_iter().map(f64::from)).collect();
        assert!(
            (back[0] - 2.0).abs() < 1e-5 && (back[1] - 7.0).abs() < 1e-5,
            "{back:?}"
        );
    }

    #[test]
    fn far_features_are_clipped() {
        let s = Standard::fit(&[0.0, 1.0, 2.0], 1);
        let mut f = [1e9];
        s.apply(&mut f);
        assert_eq!(f, [50.0]);
    }
}
