//! The companion baseline: what value was to be expected, by the season of the training part.
//!
//! It explains an anomaly to a reader and decides what is too small to matter; it does not enter the score.

use crate::control::Check;
use crate::numeric::quantile::nearest;
use crate::series::RobustScale;
use crate::series::Series;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

/// The longest season, in samples.
pub const LONGEST_PERIOD: usize = 4096;
/// The shortest season, in samples.
const SHORTEST_PERIOD: usize = 4;
/// A season must be seen this many times.
const LEAST_CYCLES: usize = 3;
/// The least autocorrelation of a season.
const LEAST_CORRELATION: f64 = 0.3;
/// Of lags nearly as good as the best the shortest counts, for a multiple of a period is as good as the period.
const AS_GOOD: f64 = 0.95;
/// A season must bring the typical deviation below this share of what it is without.
const WORTH: f64 = 0.8;
/// The band holds all but this share of the training samples on either side.
const OUTSIDE: f64 = 0.01;
/// Values further out, in robust scales, count as this far when a season is sought.
const CLIP: f32 = 5.0;

/// What values of one channel are expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The median of the training samples at each phase of the season; one value where there is no season.
    pub(crate) medians: Vec<f64>,
    /// What is added to the median for the lower end of the band; at most 0.
    pub(crate) below: f64,
    /// What is added to the median for the upper end of the band; at least 0.
    pub(crate) above: f64,
}

/// What value was to be expected of a channel at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The median of the training samples at this phase of the season.
    pub expected: f64,
    /// The lower end of the band that holds 98 % of the training samples.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

impl Band {
    /// Whether a value lies above the band (1), below it (-1) or in it (0).
    pub fn change(&self, value: f64) -> i8 {
        i8::from(value > self.upper) - i8::from(value < self.lower)
    }
}

impl Baseline {
    /// The season in samples; none if none was found.
    pub fn period(&self) -> Option<usize> {
        Some(self.medians.len()).filter(|p| *p > 1)
    }

    /// What is expected in a cell of the grid.
    pub fn at(&self, cell: i64) -> Band {
        let expected = self.medians[cell.rem_euclid(self.medians.len() as i64) as usize];
        Band {
            expected,
            lower: expected + self.below,
            upper: expected + self.above,
        }
    }

    /// Learns channel `c` of a series that is not empty. A season is the lag of the highest autocorrelation
    /// (at least 0.3, in the longest stretch without a gap), if it is seen three times and makes the typical
    /// deviation a fifth smaller; otherwise the baseline is the median. Medians and quantiles withstand incidents
    /// in less than half of the cycles and, for the band, in 1 % of the samples.
    pub(super) fn fit(series: &Series, c: usize, scale: &RobustScale, check: Check) -> Self {
        let values: Vec<(i64, f64)> = series
            .segments
            .iter()
            .flat_map(|s| (s.start..).zip(s.channel(c).iter().copied()))
            .collect();
        let flat = Self::of_period(&values, 1, check);
        let Some(period) = season(series, c, scale, check) else {
            return flat;
        };
        let seasonal = Self::of_period(&values, period, check);
        check();
        if seasonal.spread(&values) < WORTH * flat.spread(&values) {
            seasonal
        } else {
            flat
        }
    }

    /// The baseline for channel `c` of a newer series: the old one, the old one moved by the typical difference, or one
    /// learned anew; each only if it makes the typical deviation a fifth smaller than the one before.
    pub(super) fn updated(old: &Self, series: &Series, c: usize, scale: &RobustScale, check: Check) -> Self {
        let values: Vec<(i64, f64)> = series
            .segments
            .iter()
            .flat_map(|s| (s.start..).zip(s.channel(c).iter().copied()))
            .collect();
        let mut off: Vec<f64> = values
            .iter()
            .map(|(cell, v)| v - old.at(*cell).expected)
            .collect();
        let off = nearest(&mut off, 0.5);
        let moved = Self {
            medians: old.medians.iter().map(|m| m + off).collect(),
            ..old.clone()
        };
        let mut best = old.clone();
        for next in [moved, Self::fit(series, c, scale, check)] {
            check();
            if next.typical_deviation(&values) < WORTH * best.typical_deviation(&values) {
                best = next;
            }
        }
        best
    }

    fn of_period(values: &[(i64, f64)], period: usize, check: Check) -> Self {
        check();
        let mut phases: Vec<Vec<f64>> = vec![Vec::new(); period];
        for (cell, v) in values {
            phases[cell.rem_euclid(period as i64) as usize].push(*v);
        }
        let all = nearest(&mut values.iter().map(|v| v.1).collect::<Vec<_>>(), 0.5);
        check();
        let medians: Vec<f64> = phases
            .iter_mut()
            .map(|p| if p.is_empty() { all } else { nearest(p, 0.5) })
            .collect();
        let mut baseline = Self {
            medians,
            below: 0.0,
            above: 0.0,
        };
        let mut rest: Vec<f64> = values
            .iter()
            .map(|(cell, v)| v - baseline.at(*cell).expected)
            .collect();
        check();
        // A median of m values has been drawn towards each of them.
        let cycles = values.len() as f64 / period as f64;
        let wider = cycles / (cycles - 1.0).max(1.0);
        baseline.below = (nearest(&mut rest, OUTSIDE) * wider).min(0.0);
        baseline.above = (nearest(&mut rest, 1.0 - OUTSIDE) * wider).max(0.0);
        baseline
    }

    /// The median absolute deviation from the baseline of the values it was learned from, made larger by what few
    /// cycles hide.
    fn spread(&self, values: &[(i64, f64)]) -> f64 {
        let cycles = values.len() as f64 / self.medians.len() as f64;
        self.typical_deviation(values) * cycles / (cycles - 1.0).max(1.0)
    }

    /// The median absolute deviation from the baseline.
    fn typical_deviation(&self, values: &[(i64, f64)]) -> f64 {
        let mut rest: Vec<f64> = values
            .iter()
            .map(|(cell, v)| (v - self.at(*cell).expected).abs())
            .collect();
        nearest(&mut rest, 0.5)
    }
}

/// The lag of the highest autocorrelation of channel `c`, by the Fourier transform of the power (Wiener and
/// Khinchin), in the longest segment.
fn season(series: &Series, c: usize, scale: &RobustScale, check: Check) -> Option<usize> {
    let segment = series.segments.iter().max_by_key(|s| s.len())?;
    let n = segment.len();
    let longest = (n / LEAST_CYCLES).min(LONGEST_PERIOD);
    if longest < SHORTEST_PERIOD + 2 {
        return None;
    }
    let scaled: Vec<f32> = segment
        .channel(c)
        .iter()
        .map(|v| scale.apply(*v).clamp(-CLIP, CLIP))
        .collect();
    let mean = scaled.iter().map(|v| f64::from(*v)).sum::<f64>() / n as f64;
    // Zeros behind the values keep the ends from meeting at the lags that are looked at.
    let size = (n + longest + 2).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let mut signal = vec![0.0; size];
    signal
        .iter_mut()
        .zip(&scaled)
        .for_each(|(s, v)| *s = f64::from(*v) - mean);
    let mut lines = forward.make_output_vec();
    check();
    forward.process(&mut signal, &mut lines).ok()?;
    check();
    for line in &mut lines {
        *line = Complex::new(line.norm_sqr(), 0.0);
    }
    inverse.process(&mut lines, &mut signal).ok()?;
    check();
    let power = signal[0] / n as f64;
    if power <= 0.0 {
        return None;
    }
    let correlation = |lag: usize| signal[lag] / (n - lag) as f64 / power;
    let peak = |lag: &usize| {
        let here = correlation(*lag);
        here >= correlation(lag - 1) && here >= correlation(lag + 1) && here >= LEAST_CORRELATION
    };
    // Of a slow course neighbours are alike, and noise makes peaks among them that are no season: one begins only
    // after values have once been unlike.
    let unlike = (1..longest).find(|l| correlation(*l) < LEAST_CORRELATION);
    let first = unlike.unwrap_or(0).max(SHORTEST_PERIOD);
    let peaks: Vec<usize> = (first..longest).filter(peak).collect();
    let best = peaks.iter().map(|l| correlation(*l)).fold(0.0, f64::max);
    let foot = peaks
        .iter()
        .copied()
        .find(|l| correlation(*l) >= AS_GOOD * best)?;
    // The top of the same hill, which noise has made jagged; its repetitions, at multiples of the lag, tell more
    // exactly where.
    let hill = peaks.into_iter().filter(|l| (foot..foot + foot / 2).contains(l));
    let repeated = |lag: usize| {
        let multiples = longest / lag;
        (1..=multiples).map(|k| correlation(k * lag)).sum::<f64>() / multiples as f64
    };
    hill.max_by(|a, b| repeated(*a).total_cmp(&repeated(*b)).then(b.cmp(a)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Segment;

    fn series(values: Vec<f64>) -> Series {
        let segment = Segment {
            start: -7,
            imputed: vec![false; values.len()],
            values,
        };
        Series {
            channels: 1,
            settled: segment.len() - 1,
            segments: vec![segment],
        }
    }

    fn fit(value: impl Fn(i64) -> f64, n: i64) -> Baseline {
        let values: Vec<f64> = (0..n).map(value).collect();
        let scale = RobustScale::fit(values.iter().copied());
        Baseline::fit(&series(values), 0, &scale, &|| {})
    }

    #[test]
    fn a_season_is_found_and_followed() {
        let wave = |i: i64| {
            10.0 + 5.0 * (i as f64 * std::f64::consts::TAU / 48.0).sin()
                + 0.3 * ((i * 7919 % 101) as f64 / 50.0 - 1.0)
        };
        let b = fit(wave, 1000);
        assert_eq!(b.period(), Some(48));
        for i in 1000..1100 {
            let band = b.at(i - 7);
            assert!((band.expected - wave(i)).abs() < 0.7, "{i}: {band:?}");
            assert!(
                band.lower < band.expected && band.expected < band.upper && band.upper - band.lower < 2.0
            );
            assert_eq!(
                (
                    band.change(wave(i) + 3.0),
                    band.change(band.expected),
                    band.change(-1.0)
                ),
                (1, 0, -1)
            );
        }
    }

    #[test]
    fn noise_on_a_slow_wave_is_no_season_of_its_own() {
        let wave = |i: i64| {
            20.0 * (i as f64 * std::f64::consts::TAU / 288.0).sin() + (i * i * 31 % 1009) as f64 / 200.0
        };
        let b = fit(wave, 2016);
        assert_eq!(b.period(), Some(288));
        assert!((b.at(72 - 7).expected - 22.5).abs() < 2.0);
    }

    #[test]
    fn without_a_season_the_band_is_that_of_all_values() {
        let b = fit(|i| ((i * i * 31 + i * 7919) % 1009) as f64, 900);
        assert_eq!(b.period(), None);
        let band = b.at(12345);
        assert!(
            (band.expected - 504.0).abs() < 60.0 && band.lower < 40.0 && band.upper > 960.0,
            "{band:?}"
        );
        assert_eq!(fit(|_| 3.0, 50).at(0).change(3.0), 0);
        assert_eq!(fit(|_| 3.0, 50).at(0).change(3.1), 1);
    }

    #[test]
    fn an_incident_does_not_move_the_expectation() {
        let wave = |i: i64| 5.0 * (i as f64 * std::f64::consts::TAU / 48.0).sin();
        let b = fit(|i| if (300..308).contains(&i) { 100.0 } else { wave(i) }, 1000);
        assert_eq!(b.period(), Some(48));
        assert!((0..48).all(|i| (b.at(i - 7).expected - wave(i)).abs() < 0.1));
    }
}
