//! The detected period of rows without a calendar: its length, and how far that may be wrong.

use super::robust::{median, scale_of};
use crate::control::Check;
use crate::numeric::autocovariance::autocovariance;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use std::f64::consts::TAU;
use std::ops::Range;

/// Values farther out, in spreads, count as this far.
const CLIP: f64 = 4.0;
/// The fewest values, and the shortest lag looked at.
const LEAST: (usize, usize) = (24, 4);
/// The least autocorrelation of a period.
const CORRELATION: f64 = 0.2;
/// Of lags nearly as good as the best the shortest counts.
const AS_GOOD: f64 = 0.9;

/// A period lies within this share of the lag of its bump.
const NEAR: f64 = 0.1;
/// Harmonics looked at.
const HARMONICS: usize = 8;
/// The course of the phase is seen in at most so many parts.
const PARTS: usize = 8;

/// A period in rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Period {
    /// Its length.
    pub(super) rows: f64,
    /// The standard error of the length.
    pub(super) error: f64,
}

/// The period of values on a regular grid: the lag of the highest bump of the autocorrelation, then the frequency of the
/// strongest harmonic near it, by the course of its phase over the values (Tretter 1985, doi:10.1109/TIT.1985.1057115).
pub(super) fn period(values: &[f64], check: Check) -> Option<Period> {
    let lag = detect(values, check)?;
    let signal = without_slow_course(&standardized(values, check), lag);
    check();
    // Half a row in each of the cycles that a lag of a third of the values holds.
    let coarse = Period {
        rows: lag as f64,
        error: 1.5 * (lag * lag) as f64 / values.len() as f64,
    };
    Some(refined(&signal, lag, check).unwrap_or(coarse))
}

/// What is left of a signal after its running mean over a period.
fn without_slow_course(signal: &[f64], lag: usize) -> Vec<f64> {
    let mut sums = vec![0.0];
    sums.extend(signal.iter().scan(0.0, |sum, v| {
        *sum += v;
        Some(*sum)
    }));
    let last = signal.len() - lag;
    let slow = |i: usize| {
        let from = i.saturating_sub(lag / 2).min(last);
        (sums[from + lag] - sums[from]) / lag as f64
    };
    signal.iter().enumerate().map(|(i, v)| v - slow(i)).collect()
}

fn refined(signal: &[f64], lag: usize, check: Check) -> Option<Period> {
    let (n, lag) = (signal.len(), lag as f64);
    let parts = ((n as f64 / lag) as usize).min(PARTS);
    if parts < 3 {
        return None;
    }
    let (harmonic, mut frequency) = strongest_harmonic(signal, lag, check)?;
    let parts: Vec<Range<usize>> = super::rows::split(n, parts).collect();
    let mut error = 0.0;
    for _ in 0..2 {
        let lines: Vec<Complex<f64>> = parts.iter().map(|p| line(signal, p, frequency, check)).collect();
        let course = Course::of(&lines, &parts, signal);
        frequency += course.slope / TAU;
        error = course.error / TAU;
    }
    let rows = harmonic as f64 / frequency;
    let near = (rows - lag).abs() < 1.2 * NEAR * lag;
    near.then(|| Period {
        rows,
        error: rows * error / frequency,
    })
}

/// The strongest of the harmonics of a period near `lag` rows: its number, and its frequency in cycles a row.
fn strongest_harmonic(signal: &[f64], lag: f64, check: Check) -> Option<(usize, f64)> {
    let size = (2 * signal.len()).next_power_of_two();
    let mut padded = signal.to_vec();
    padded.resize(size, 0.0);
    let transform = RealFftPlanner::<f64>::new().plan_fft_forward(size);
    let mut lines = transform.make_output_vec();
    check();
    transform.process(&mut padded, &mut lines).ok()?;
    check();
    let fundamental = size as f64 / lag;
    let mut best: Option<(f64, usize, usize)> = None;
    for harmonic in 1..=HARMONICS {
        let centre = harmonic as f64 * fundamental;
        let about = (NEAR * harmonic as f64).min(0.4) * fundamental;
        let (from, to) = ((centre - about).ceil() as usize, (centre + about) as usize);
        for (i, line) in lines.iter().enumerate().take(to + 1).skip(from) {
            let power = line.norm_sqr();
            if best.is_none_or(|b| power > b.0) {
                best = Some((power, harmonic, i));
            }
        }
    }
    best.map(|(_, harmonic, i)| (harmonic, i as f64 / size as f64))
}

/// The Fourier sum of a part at a frequency in cycles a row, with phases from the begin of the signal.
fn line(signal: &[f64], part: &Range<usize>, frequency: f64, check: Check) -> Complex<f64> {
    check();
    let each = signal[part.clone()].iter().zip(part.clone());
    each.map(|(v, i)| Complex::from_polar(*v, -TAU * (frequency * i as f64).fract()))
        .sum()
}

/// How the phase of a line runs over the parts of a signal, in radians a row.
struct Course {
    slope: f64,
    /// The standard error of the slope.
    error: f64,
}

impl Course {
    /// A least-squares line through the phases of at least three parts, which lie within half a turn of their mean.
    fn of(lines: &[Complex<f64>], parts: &[Range<usize>], signal: &[f64]) -> Self {
        let k = lines.len() as f64;
        let whole: Complex<f64> = lines.iter().sum();
        let phases: Vec<f64> = lines.iter().map(|c| (c * whole.conj()).arg()).collect();
        let middles: Vec<f64> = parts.iter().map(|p| (p.start + p.end) as f64 / 2.0).collect();
        let (phase, middle) = (phases.iter().sum::<f64>() / k, middles.iter().sum::<f64>() / k);
        let spread: f64 = middles.iter().map(|m| (m - middle).powi(2)).sum();
        let joint = middles
            .iter()
            .zip(&phases)
            .map(|(m, p)| (m - middle) * (p - phase));
        let slope = joint.sum::<f64>() / spread;
        let off = middles
            .iter()
            .zip(&phases)
            .map(|(m, p)| p - phase - slope * (m - middle));
        let scatter = off.map(|o| o * o).sum::<f64>() / (k - 2.0);
        // What noise gives a part on average: few parts may agree by chance.
        let power: f64 = signal.iter().map(|v| v * v).sum();
        let of_lines: f64 = lines.iter().map(|c| c.norm_sqr()).sum::<f64>().max(1e-300);
        let noise = (power - 2.0 * of_lines * k / signal.len() as f64).max(0.01 * power);
        let of_noise = 0.5 * noise / of_lines;
        Self {
            slope,
            error: (scatter.max(of_noise) / spread).sqrt(),
        }
    }
}

/// The lag of the highest bump of the autocorrelation of values on a regular grid.
fn detect(values: &[f64], check: Check) -> Option<usize> {
    let n = values.len();
    if n < LEAST.0 {
        return None;
    }
    let a = autocorrelation(values, check)?;
    // Of a slow course neighbours are alike: a bump begins only after values have once been unlike.
    let highest = a[1..].iter().copied().fold(0.0, f64::max);
    let unlike = a.iter().position(|c| *c < 0.5 * highest);
    let start = unlike.unwrap_or(0).max(LEAST.1);
    let is_top = |i: &usize| a[*i] >= a[i - 1] && a[*i] >= a[i + 1];
    let tops: Vec<usize> = (start + 1..a.len().saturating_sub(1)).filter(is_top).collect();
    let best = tops.iter().map(|i| a[*i]).fold(f64::NEG_INFINITY, f64::max);
    let good = tops.iter().find(|i| a[**i] >= AS_GOOD * best).or(tops.first());
    good.copied().filter(|lag| a[*lag] > CORRELATION)
}

/// The autocorrelation of up to a third of the values.
fn autocorrelation(values: &[f64], check: Check) -> Option<Vec<f64>> {
    let n = values.len();
    let mut signal = standardized(values, check);
    signal.resize((2 * n).next_power_of_two(), 0.0);
    autocovariance(&mut signal, check)?;
    let power = signal[0].max(1e-300);
    let of_lag = |lag: usize| signal[lag] / power * n as f64 / (n - lag) as f64;
    Some((0..=n / 3).map(of_lag).collect())
}

/// Values in spreads about their mean, those far out cut.
fn standardized(values: &[f64], check: Check) -> Vec<f64> {
    let middle = median(&mut values.to_vec(), check);
    let scale = scale_of(values, check).max(1e-300);
    let mut signal: Vec<f64> = values
        .iter()
        .map(|v| ((v - middle) / scale).clamp(-CLIP, CLIP))
        .collect();
    let mean = signal.iter().sum::<f64>() / values.len() as f64;
    signal.iter_mut().for_each(|v| *v -= mean);
    signal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wave and pulses, both with noise.
    fn series(rows: usize, period: f64) -> [Vec<f64>; 2] {
        let noise = |i: usize| ((i * i * 31 + 17 * i) % 1009) as f64 / 1009.0 - 0.5;
        let wave = (0..rows).map(|i| (i as f64 * TAU / period).sin() + 1.5 * noise(i));
        let pulse = |i: usize| f64::from((i as f64 / period).fract() < 0.1);
        let pulses = (0..rows).map(|i| 3.0 * pulse(i) + 0.5 * noise(i));
        [wave.collect(), pulses.collect()]
    }

    #[test]
    fn the_length_is_known_as_well_as_it_says() {
        for length in [23.0, 37.3, 60.0, 144.0] {
            for values in series(2000, length) {
                let found = period(&values, &|| {}).unwrap();
                let ratio = (found.rows / length).round();
                let off = (found.rows / ratio - length).abs();
                assert!(
                    off < 4.0 * found.error / ratio && off < 0.005 * length,
                    "{length}: {found:?}"
                );
                assert!(found.error < 0.004 * found.rows, "{length}: {found:?}");
            }
        }
    }

    #[test]
    fn the_shortest_of_equal_lags_is_the_period() {
        let wave: Vec<f64> = (0..600).map(|i| (f64::from(i) * TAU / 37.0).sin()).collect();
        assert_eq!(detect(&wave, &|| {}), Some(37));
        let noise: Vec<f64> = (0_u64..600).map(|i| (i * i * 31 % 1009) as f64).collect();
        assert_eq!(detect(&noise, &|| {}), None);
        assert_eq!(detect(&[3.0; 100], &|| {}), None);
        assert_eq!(detect(&[], &|| {}), None);
    }
}
