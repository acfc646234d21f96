//! The spectrum view: log power in logarithmically spaced bands.

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::collections::BTreeSet;
use std::f64::consts::TAU;
use std::sync::Arc;

/// The number of bands aimed at; short windows have fewer.
const BANDS: usize = 16;
/// Added to the power before the logarithm, in squared units of the robust scale.
const POWER_FLOOR: f32 = 1e-4;

/// The transform of one window length with its buffers.
pub(super) struct Spectrum {
    transform: Arc<dyn RealToComplex<f32>>,
    taper: Vec<f32>,
    edges: Vec<usize>,
    tapered: Vec<f32>,
    lines: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Spectrum {
    pub(super) fn new(length: usize) -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(length);
        Self {
            taper: hann(length),
            edges: edges(length),
            tapered: transform.make_input_vec(),
            lines: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
        }
    }

    /// Writes the logarithm of the power per band of the mean-removed window under a Hann taper.
    pub(super) fn extract(&mut self, centred: &[f32], out: &mut [f32]) {
        for (t, (c, w)) in self.tapered.iter_mut().zip(centred.iter().zip(&self.taper)) {
            *t = c * w;
        }
        let done = self
            .transform
            .process_with_scratch(&mut self.tapered, &mut self.lines, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers were made by the transform itself");
        let size = 1.0 / centred.len() as f32;
        for (o, band) in out.iter_mut().zip(self.edges.windows(2)) {
            let power: f32 = self.lines[band[0]..band[1]].iter().map(Complex::norm_sqr).sum();
            *o = (power * size + POWER_FLOOR).ln();
        }
    }
}

/// The number of bands of a window of `length` samples.
pub(super) fn dim(length: usize) -> usize {
    edges(length).len() - 1
}

/// The symmetric Hann taper.
fn hann(length: usize) -> Vec<f32> {
    let last = (length - 1) as f64;
    (0..length)
        .map(|t| (0.5 - 0.5 * (TAU * t as f64 / last).cos()) as f32)
        .collect()
}

/// The first line of every band and the line after the last: from 1 (the constant is left out) to half
/// the length, in equal ratios, without empty bands.
fn edges(length: usize) -> Vec<usize> {
    let end = length / 2 + 1;
    let steps = (0..=BANDS).map(|i| {
        let edge = (end as f64).powf(i as f64 / BANDS as f64).round();
        (edge as usize).clamp(1, end)
    });
    steps.collect::<BTreeSet<usize>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_all_lines_once() {
        for length in [8, 9, 32, 64, 100, 128, 4096] {
            let e = edges(length);
            assert_eq!((e[0], e[e.len() - 1]), (1, length / 2 + 1));
            assert!(e.len() <= BANDS + 1 && e.windows(2).all(|w| w[0] < w[1]));
        }
        assert_eq!(edges(32), [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17]);
    }

    #[test]
    fn power_agrees_with_the_plain_sum() {
        let length = 20;
        let centred: Vec<f32> = (0..length).map(|t| ((t * t) as f32).sin()).collect();
        let mut s = Spectrum::new(length);
        let mut out = vec![0.0; dim(length)];
        s.extract(&centred, &mut out);
        let taper = hann(length);
        for (o, band) in out.iter().zip(edges(length).windows(2)) {
            let mut power = 0.0;
            for k in band[0]..band[1] {
                let (mut re, mut im) = (0.0, 0.0);
                for t in 0..length {
                    let x = f64::from(centred[t]) * f64::from(taper[t]);
                    let angle = TAU * (k * t) as f64 / length as f64;
                    re += x * angle.cos();
                    im -= x * angle.sin();
                }
                power += re * re + im * im;
            }
            let expected = (power / length as f64 + 1e-4).ln();
            assert!((f64::from(*o) - expected).abs() < 1e-4);
        }
    }
}
