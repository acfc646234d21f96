//! Robust statistics, and tails of the normal and of Student's distribution.

use crate::control::{Check, ComparisonTicker};
use crate::numeric::quantile;
use statrs::function::erf::{erfc, erfc_inv};

/// Values are taken within this.
pub(super) const LARGEST: f64 = 1e300;

/// Up to so many values are put in order without a look at the cancel hook.
const SHORT: usize = 1 << 17;

/// A rough scale looks at about so many residuals.
const ROUGH: usize = 10_000;

/// A number between two others; the lower one where it is not a number.
pub(super) fn within(x: f64, low: f64, high: f64) -> f64 {
    if x >= low { x.min(high) } else { low }
}

/// Puts the value of rank `at` in its place and gives it, what is before and what is after.
fn select<'v>(values: &'v mut [f64], at: usize, check: Check) -> (f64, &'v [f64]) {
    let (_, v, after) = if values.len() <= SHORT {
        values.select_nth_unstable_by(at, f64::total_cmp)
    } else {
        let pace = ComparisonTicker::new(check);
        values.select_nth_unstable_by(at, |a, b| {
            pace.step();
            a.total_cmp(b)
        })
    };
    (*v, after)
}

/// The quantile at probability `p`, interpolated, of values that are reordered; 0 of none.
pub(super) fn quantile(values: &mut [f64], p: f64, check: Check) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let at = p * (values.len() - 1) as f64;
    let (low, after) = select(values, at.floor() as usize, check);
    let part = at - at.floor();
    if part == 0.0 || after.is_empty() {
        return low;
    }
    let high = after.iter().copied().fold(f64::INFINITY, f64::min);
    low + (high - low) * part
}

/// The median of values that are reordered; 0 of none.
pub(super) fn median(values: &mut [f64], check: Check) -> f64 {
    match values.len() {
        0 => 0.0,
        n if n <= SHORT => quantile::median_of(values),
        _ => quantile(values, 0.5, check),
    }
}

/// The mean; 0 of none.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    values.sum::<f64>() / n
}

/// The spread of residuals in units of a standard deviation; not fooled by a few outliers, nor by many equal values.
pub(super) fn scale_of(residuals: &[f64], check: Check) -> f64 {
    if residuals.is_empty() {
        return 0.0;
    }
    let mut a = residuals.to_vec();
    check();
    let centre = median(&mut a, check);
    a.iter_mut().for_each(|v| *v = (*v - centre).abs());
    check();
    let ninety = quantile(&mut a, 0.9, check);
    // What is left of the first quantile is below it: the median is among that.
    let rank = 0.9 * (a.len() - 1) as f64;
    let part = 0.5 * (a.len() - 1) as f64 / rank.floor().max(1.0);
    let below = rank.floor() as usize + 1;
    let half = if a.len() < 20 {
        quantile(&mut a, 0.5, check)
    } else {
        quantile(&mut a[..below], part, check)
    };
    let s = (1.4826 * half).max(ninety / 1.645);
    if s > 0.0 {
        return s.max(0.6 * mean(a.iter().map(|v| v.min(6.0 * s))));
    }
    let cap = quantile(&mut a, 0.995, check);
    1.2533 * mean(a.iter().map(|v| v.min(cap)))
}

/// The same of every so many residuals, where there are many: for what need not be known to more than a hundredth.
pub(super) fn rough_scale_of(residuals: impl ExactSizeIterator<Item = f64>, check: Check) -> f64 {
    let stride = (residuals.len() / ROUGH).max(1);
    scale_of(&residuals.step_by(stride).collect::<Vec<f64>>(), check)
}

/// The probability that a standard normal variable is above `z`.
pub(super) fn normal_tail(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// The value that a standard normal variable exceeds with probability `p`, taken as at least 1e-300 and below 1.
pub(super) fn normal_quantile(p: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * p.clamp(1e-300, 1.0_f64.next_down()))
}

/// The probability that a variable of Student's distribution is above `z` (Wallace 1959, doi:10.1214/aoms/1177706095; good
/// for at least 4 degrees of freedom).
pub(super) fn student_tail(z: f64, freedom: f64) -> f64 {
    let bend = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0);
    normal_tail(bend * (freedom * (z * z / freedom).ln_1p()).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated_and_long_slices_are_checked() {
        let values: Vec<f64> = (0..101).map(|i| f64::from(i * 37 % 101)).collect();
        for p in [0.0, 0.05, 0.333, 0.5, 1.0] {
            assert!((quantile(&mut values.clone(), p, &|| {}) - 100.0 * p).abs() < 1e-9);
        }
        let calls = std::cell::Cell::new(0);
        let mut many: Vec<f64> = (0_u64..1_000_000)
            .map(|i| (i * 7919 % 1_000_003) as f64)
            .collect();
        median(&mut many, &|| calls.set(calls.get() + 1));
        assert!(calls.get() > 10);
        assert_eq!((median(&mut [], &|| {}), scale_of(&[], &|| {})), (0.0, 0.0));
    }

    #[test]
    fn the_scale_of_normal_residuals_is_their_deviation_and_outliers_do_not_matter() {
        let mut r: Vec<f64> = (0..2000)
            .map(|i| 3.0 * normal_quantile((f64::from(i) + 0.5) / 2000.0))
            .collect();
        assert!((scale_of(&r, &|| {}) - 3.0).abs() < 0.05);
        r[..40].fill(1e6);
        assert!(scale_of(&r, &|| {}) < 3.5);
        assert_eq!(scale_of(&[5.0; 30], &|| {}), 0.0);
        r.fill(0.0);
        r[7] = 1.0;
        assert!(scale_of(&r, &|| {}) >= 0.0);
    }

    #[test]
    fn tails_agree_with_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.025, 1.959_964),
            (1e-3, 3.090_232),
            (1e-10, 6.361_341),
            (0.9, -1.281_552),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-6, "{p}");
            assert!((normal_tail(z) / p - 1.0).abs() < 1e-5, "{p}");
        }
        assert!((student_tail(2.571, 5.0) - 0.025).abs() < 5e-4);
    }
}
