//! The period of a series, the customary window of the volume measures.

use crate::numeric::autocovariance::autocovariance as autocovariance_of;

/// The period where the autocorrelation shows none.
const FALLBACK: usize = 125;
/// Only the beginning of a long series is read.
const READ: usize = 20_000;
/// The largest lag looked at.
const MAX_LAG: usize = 400;
/// The first lag looked at; its own neighbours must exist for it to be a peak.
const FIRST_LAG: usize = 3;
/// Lags that count as a period.
const PERIODS: std::ops::RangeInclusive<usize> = 6..=303;

/// The period of `values` in samples: the lag of the highest local maximum of the autocorrelation function, read
/// over lags 3 to 400 of the first 20,000 values.
///
/// 125 where there is no local maximum, or where the highest one lies outside 6 to 303. So a constant, empty or
/// very short series and one with NaN or infinite values within the first 20,000 give 125. The autocorrelation is
/// the biased estimate (divided by n at every lag) by fast Fourier transform. O(m log m), m = min(n, 20,000).
///
/// These rules are TSB-AD's (Liu and Paparrizos, NeurIPS 2024) and are kept to the letter because the window
/// decides the value of [`super::vus`].
///
/// ```
/// let values: Vec<f64> = (0..1000).map(|i| (i as f64 * std::f64::consts::TAU / 24.0).sin()).collect();
/// assert_eq!(tsad_core::measure::period_length(&values), 24);
/// assert_eq!(tsad_core::measure::period_length(&[1.0; 1000]), 125);
/// ```
#[must_use]
pub fn period_length(values: &[f64]) -> usize {
    let correlation = autocovariance(&values[..values.len().min(READ)]);
    let lags = correlation.len().min(MAX_LAG + 1);
    let mut best: Option<usize> = None;
    for lag in FIRST_LAG + 1..lags.saturating_sub(1) {
        let here = correlation[lag];
        let peak = here > correlation[lag - 1] && here > correlation[lag + 1];
        if peak && best.is_none_or(|best| here >= correlation[best]) {
            best = Some(lag);
        }
    }
    best.filter(|lag| PERIODS.contains(lag)).unwrap_or(FALLBACK)
}

/// The autocovariance at lags 0..n, up to a constant factor; empty where it is not defined.
fn autocovariance(values: &[f64]) -> Vec<f64> {
    let length = values.len();
    let mean = values.iter().sum::<f64>() / length as f64;
    let mut padded: Vec<f64> = values.iter().map(|value| value - mean).collect();
    if !padded.iter().all(|value| value.is_finite()) {
        return Vec::new();
    }
    padded.resize((2 * length).next_power_of_two().max(2), 0.0);
    if autocovariance_of(&mut padded, &|| {}).is_none() {
        return Vec::new();
    }
    padded.truncate(length);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_autocovariance_is_the_sum_of_products() {
        let values = [1.0, 4.0, 2.0, -3.0, 6.0];
        let fast = autocovariance(&values);
        let scale = fast.len().next_power_of_two() as f64 * 2.0;
        assert!((scale - 16.0).abs() < 1e-12);
        for (lag, fast) in fast.iter().enumerate() {
            let slow: f64 = (0..5 - lag)
                .map(|i| (values[i] - 2.0) * (values[i + lag] - 2.0))
                .sum();
            assert!((fast / scale - slow).abs() < 1e-12, "lag {lag}");
        }
    }

    #[test]
    fn nothing_to_read_gives_the_fallback() {
        for values in [
            &[][..],
            &[1.0],
            &[1.0, 2.0, 1.0, 2.0],
            &[f64::NAN; 50],
            &[0.1; 700],
        ] {
            assert_eq!(period_length(values), FALLBACK);
        }
    }

    #[test]
    fn a_period_below_six_is_no_period() {
        let values: Vec<f64> = (0..500)
            .map(|i| f64::from(u8::from(i % 500 < 5 && i % 5 == 0)))
            .collect();
        assert_eq!(period_length(&values), FALLBACK);
    }

    #[test]
    fn only_the_first_values_are_read() {
        let wave = |i: usize| (i as f64 * std::f64::consts::TAU / 24.0).sin();
        let late = |from| {
            (0..30_000)
                .map(|i| if i < from { 0.0 } else { wave(i) })
                .collect::<Vec<_>>()
        };
        assert_eq!(period_length(&late(READ)), FALLBACK);
        assert_eq!(period_length(&late(READ - 1000)), 24);
        assert_eq!(READ, 20_000);
    }
}
