//! The views of a window: amplitude, shape, spectrum and profile (the modalities of the method). May import `numeric`.
//!
//! A window of `L` samples of one channel, robustly scaled, is described four times: by its level and
//! spread, by its form regardless of both, by its frequency content, and by its course in its size. Every view is a
//! vector of fixed length whose distances are compared within the view only.

mod amplitude;
mod profile;
mod shape;
mod spectrum;
mod standard;

pub use standard::Standard;

use crate::numeric::simd::vectorize;
use crate::numeric::simd_sum;
use spectrum::Spectrum;

/// One of the ways in which a window is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// Level, spread, extremes, roughness and drift of the scaled window.
    Amplitude,
    /// The form of the window regardless of its level and size.
    Shape,
    /// The power of the window in logarithmic frequency bands.
    Spectrum,
    /// The course of the window in its size, regardless of its level.
    Profile,
}

/// One value for each view, in the order of [`View::ALL`].
pub type PerView<T> = [T; View::COUNT];

impl View {
    /// All views, in the order in which they are stored.
    pub const ALL: PerView<Self> = [Self::Amplitude, Self::Shape, Self::Spectrum, Self::Profile];

    /// The number of views.
    pub const COUNT: usize = 4;

    /// The name of the view in results and models.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amplitude => "amplitude",
            Self::Shape => "shape",
            Self::Spectrum => "spectrum",
            Self::Profile => "profile",
        }
    }
}

/// Extracts the views of windows of one length.
pub struct Extractor {
    dims: PerView<usize>,
    ramp: Vec<f32>,
    spectrum: Spectrum,
    centred: Vec<f32>,
}

/// The shortest window that the views are defined for, in samples.
pub const MIN_WINDOW: usize = 8;
/// The longest window, in samples.
pub const MAX_WINDOW: usize = 4096;

impl Extractor {
    /// Prepares the extraction for windows of `length` samples, from [`MIN_WINDOW`] to [`MAX_WINDOW`].
    pub fn new(length: usize) -> Self {
        Self {
            dims: Self::dims_of(length),
            ramp: amplitude::ramp(length),
            spectrum: Spectrum::new(length),
            centred: vec![0.0; length],
        }
    }

    /// The number of features of each view of windows of `length` samples.
    pub fn dims_of(length: usize) -> PerView<usize> {
        [
            amplitude::DIM,
            shape::dim(length),
            spectrum::dim(length),
            profile::dim(length),
        ]
    }

    /// The number of features of each view.
    pub fn dims(&self) -> PerView<usize> {
        self.dims
    }

    /// The number of features of all views together.
    pub fn dim(&self) -> usize {
        self.dims().iter().sum()
    }

    /// Writes the features of `window` to `out`, view after view; `out` is [`Extractor::dim`] long.
    pub fn extract(&mut self, window: &[f32], out: &mut [f32]) {
        let [a, s, p, _] = self.dims();
        let (amplitude, rest) = out.split_at_mut(a);
        let (shape, rest) = rest.split_at_mut(s);
        let (spectrum, profile) = rest.split_at_mut(p);
        let Self { centred, ramp, .. } = self;
        vectorize(
            #[inline(always)]
            || {
                let n = window.len() as f32;
                let mean = simd_sum::sum(window) / n;
                for (c, w) in centred.iter_mut().zip(window) {
                    *c = w - mean;
                }
                let deviation = (simd_sum::dot(centred, centred) / n).sqrt();
                amplitude::extract(window, centred, mean, deviation, ramp, amplitude);
                shape::extract(centred, deviation, shape);
                profile::extract(centred, profile);
            },
        );
        self.spectrum.extract(&self.centred, spectrum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(window: &[f32]) -> PerView<Vec<f32>> {
        let mut e = Extractor::new(window.len());
        let mut out = vec![0.0; e.dim()];
        e.extract(window, &mut out);
        let mut rest = out.as_slice();
        e.dims().map(|dim| {
            let (these, others) = rest.split_at(dim);
            rest = others;
            these.to_vec()
        })
    }

    fn sine(length: usize, period: f32, size: f32, level: f32) -> Vec<f32> {
        (0..length)
            .map(|t| level + size * (std::f32::consts::TAU * t as f32 / period).sin())
            .collect()
    }

    #[test]
    fn a_level_shift_moves_amplitude_only() {
        let [a0, s0, p0, f0] = features(&sine(64, 16.0, 1.0, 0.0));
        let [a1, s1, p1, f1] = features(&sine(64, 16.0, 1.0, 3.0));
        assert!((a1[0] - a0[0] - 3.0).abs() < 1e-4);
        assert!(s0.iter().zip(&s1).all(|(x, y)| (x - y).abs() < 1e-3));
        assert!(p0.iter().zip(&p1).all(|(x, y)| (x - y).abs() < 1e-1));
        assert!(f0.iter().zip(&f1).all(|(x, y)| (x - y).abs() < 1e-3));
    }

    #[test]
    fn a_change_of_frequency_moves_the_spectrum() {
        let [_, _, slow, _] = features(&sine(64, 32.0, 1.0, 0.0));
        let [_, _, fast, _] = features(&sine(64, 4.0, 1.0, 0.0));
        let peak = |v: &[f32]| (0..v.len()).max_by(|&i, &j| v[i].total_cmp(&v[j])).unwrap();
        assert!(peak(&fast) > peak(&slow) + 3);
    }

    #[test]
    fn a_constant_window_has_finite_features() {
        for length in [8, 9, 31, 32, 100] {
            for v in features(&vec![5.0; length]) {
                assert!(v.iter().all(|f| f.is_finite()), "length {length}");
            }
        }
    }
}
