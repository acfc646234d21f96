//! The season of a channel.

use crate::control::Check;
use crate::numeric::autocovariance::autocovariance;
use crate::series::{RobustScale, Series};

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
/// Values further out, in robust scales, count as this far when a season is sought.
const CLIP: f32 = 5.0;

/// The lag of the highest autocorrelation of channel `c`, in the longest segment.
pub(super) fn season(series: &Series, c: usize, scale: &RobustScale, check: Check) -> Option<usize> {
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
    let mut signal = vec![0.0; size];
    signal
        .iter_mut()
        .zip(&scaled)
        .for_each(|(s, v)| *s = f64::from(*v) - mean);
    autocovariance(&mut signal, check)?;
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
