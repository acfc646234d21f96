//! The detected period of rows without a calendar.

use super::robust::{median, scale_of};
use crate::control::Check;
use crate::numeric::autocovariance::autocovariance;

/// Values farther out, in spreads, count as this far.
const CLIP: f64 = 4.0;
/// The fewest values, and the shortest lag looked at.
const LEAST: (usize, usize) = (24, 4);
/// The least autocorrelation of a period.
const CORRELATION: f64 = 0.2;
/// Of lags nearly as good as the best the shortest counts.
const AS_GOOD: f64 = 0.9;

/// The lag of the highest bump of the autocorrelation of values on a regular grid.
pub(super) fn detect(values: &[f64], check: Check) -> Option<usize> {
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
    let middle = median(&mut values.to_vec(), check);
    let scale = scale_of(values, check).max(1e-300);
    let size = (2 * n).next_power_of_two();
    let mut signal: Vec<f64> = values
        .iter()
        .map(|v| ((v - middle) / scale).clamp(-CLIP, CLIP))
        .collect();
    let mean = signal.iter().sum::<f64>() / n as f64;
    signal.iter_mut().for_each(|v| *v -= mean);
    signal.resize(size, 0.0);
    autocovariance(&mut signal, check)?;
    let power = signal[0].max(1e-300);
    let of_lag = |lag: usize| signal[lag] / power * n as f64 / (n - lag) as f64;
    Some((0..=n / 3).map(of_lag).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_of_equal_lags_is_the_period() {
        let wave: Vec<f64> = (0..600)
            .map(|i| (f64::from(i) * std::f64::consts::TAU / 37.0).sin())
            .collect();
        assert_eq!(detect(&wave, &|| {}), Some(37));
        let noise: Vec<f64> = (0_u64..600).map(|i| (i * i * 31 % 1009) as f64).collect();
        assert_eq!(detect(&noise, &|| {}), None);
        assert_eq!(detect(&[3.0; 100], &|| {}), None);
        assert_eq!(detect(&[], &|| {}), None);
    }
}
