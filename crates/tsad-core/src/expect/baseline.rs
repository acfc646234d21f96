//! What values of one channel are expected: the median at each phase of the season, and a band.

use super::season::season;
use crate::control::Check;
use crate::numeric::quantile::nearest;
use crate::series::{RobustScale, Series};

/// A season must bring the typical deviation below this share of what it is without.
const WORTH: f64 = 0.8;
/// The band holds all but this share of the training samples on either side.
const OUTSIDE: f64 = 0.01;
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
    pub(crate) fn fit(series: &Series, c: usize, scale: &RobustScale, check: Check) -> Self {
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
    pub(crate) fn updated(old: &Self, series: &Series, c: usize, scale: &RobustScale, check: Check) -> Self {
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
