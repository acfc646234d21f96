//! How far the values of a series jump out, which its few independent windows cannot tell yet.

use crate::control::Check;
use crate::series::Series;

/// The share of the second differences that counts as jumps.
const TAIL_FRACTION: f64 = 0.01;
/// The mean log excess of the jumps of series without heavy tails: 0.10 of normal noise, 0.17 of a heteroscedastic or
/// switching series, 0.3 of Student's t with three degrees of freedom.
const PRIOR_INDEX: f64 = 0.13;
/// What is usual counts as much as this many jumps.
const PRIOR_WEIGHT: f64 = 40.0;
/// The largest factor.
const MAX_FACTOR: f64 = 4.0;

/// The factor, 1 to 4, by which the tail of the scores is to be expected heavier than usual; the mean over the
/// channels.
///
/// A window's distance grows with the size of a jump in it, and its logarithm enters the score: a tail of values that
/// falls as a power makes a tail of scores that falls exponentially, with a scale in proportion to the tail index
/// (the estimate of Hill 1975, doi:10.1214/aos/1176343247, here of the second differences, which leave out level, trend
/// and slow seasons). A thousand samples tell more of it than their four independent windows.
pub(crate) fn tail_index_factor(series: &Series, check: Check) -> f64 {
    let of = |c: usize| {
        check();
        (index(series, c) / PRIOR_INDEX).clamp(1.0, MAX_FACTOR)
    };
    (0..series.channels).map(of).sum::<f64>() / series.channels as f64
}

/// The tail index of the second differences of channel `c`, drawn towards the usual one.
fn index(series: &Series, c: usize) -> f64 {
    let second = |w: &[f64]| (w[2] - 2.0 * w[1] + w[0]).abs();
    let differences = series
        .segments
        .iter()
        .flat_map(|s| s.channel(c).windows(3).map(second));
    let mut jumps: Vec<f64> = differences.filter(|d| d.is_finite()).collect();
    let count = (TAIL_FRACTION * jumps.len() as f64) as usize;
    if count == 0 {
        return PRIOR_INDEX;
    }
    let (larger, least, _) = jumps.select_nth_unstable_by(count, |a, b| b.total_cmp(a));
    if *least <= 0.0 {
        return PRIOR_INDEX;
    }
    let excess: f64 = larger.iter().map(|d| (d / *least).ln()).sum();
    (excess + PRIOR_WEIGHT * PRIOR_INDEX) / (count as f64 + PRIOR_WEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Segment;

    /// A series of numbers whose quantile function is `quantile`, in a scattered order.
    fn series(quantile: impl Fn(f64) -> f64) -> Series {
        let n = 20_011;
        let value = |i: usize| quantile(((i * 7919 % n) as f64 + 0.5) / n as f64);
        let segment = Segment {
            start: 0,
            values: (0..n).map(|i| if i % 3 == 1 { value(i) } else { 0.0 }).collect(),
            imputed: vec![false; n],
        };
        Series {
            channels: 1,
            settled: n,
            segments: vec![segment],
        }
    }

    #[test]
    fn a_power_law_is_heavy_and_an_exponential_is_not() {
        let heavy = tail_index_factor(&series(|p| (1.0 - p).powf(-1.0 / 3.0)), &|| {});
        assert!((heavy - 0.3 / PRIOR_INDEX).abs() < 0.3, "{heavy}");
        let light = tail_index_factor(&series(|p| (-(1.0 - p).ln()).sqrt()), &|| {});
        assert!(light < 1.2, "{light}");
    }

    #[test]
    fn constant_and_short_series_are_not_heavy() {
        assert_eq!(tail_index_factor(&series(|_| 3.0), &|| {}), 1.0);
        let mut short = series(|p| 1.0 / (1.0 - p));
        short.segments[0] = short.segments[0].slice(0, 50);
        assert_eq!(tail_index_factor(&short, &|| {}), 1.0);
    }
}
