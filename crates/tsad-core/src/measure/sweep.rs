//! The even thresholds at which the event-wise measures look for their best value.

use std::ops::Range;

use super::input::check_scored;
use super::run::runs;
use crate::control::Check;
use crate::error::Result;

/// Thresholds tried, both ends included.
const THRESHOLDS: usize = 100;

/// The highest `measure(alarms, events)` over the thresholds, where an alarm is a run of samples *above* the
/// threshold; at least 0.
pub(super) fn best(
    scores: &[f64],
    labels: &[bool],
    measure: impl Fn(&[Range<usize>], &[Range<usize>]) -> f64,
) -> Result<f64> {
    let best = best_of(scores, labels, &|| {}, |alarms, events| [measure(alarms, events)])?;
    Ok(best[0])
}

/// Several measures in one sweep; calls `check` once per threshold.
pub(super) fn best_of<const N: usize>(
    scores: &[f64],
    labels: &[bool],
    check: Check<'_>,
    measure: impl Fn(&[Range<usize>], &[Range<usize>]) -> [f64; N],
) -> Result<[f64; N]> {
    check_scored(scores, labels)?;
    let events = runs(labels.iter().copied());
    let mut best = [0.0_f64; N];
    for threshold in thresholds(scores) {
        check();
        let alarms = runs(scores.iter().map(|score| *score > threshold));
        for (best, value) in best.iter_mut().zip(measure(&alarms, &events)) {
            *best = best.max(value);
        }
    }
    Ok(best)
}

fn thresholds(scores: &[f64]) -> impl Iterator<Item = f64> {
    let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts = (THRESHOLDS - 1) as f64;
    let step = (high - low) / parts;
    (0..THRESHOLDS).map(move |i| {
        if i + 1 == THRESHOLDS {
            high
        } else if step.is_finite() {
            // In this order of operations, so that a score on a threshold falls to the same side as in the
            // reference.
            i as f64 * step + low
        } else {
            low + i as f64 / parts * high - i as f64 / parts * low
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_reach_from_end_to_end() {
        for scores in [[-1.0, 3.0], [2.0, 2.0], [f64::MIN, f64::MAX], [0.0, 5e-324]] {
            let found: Vec<f64> = thresholds(&scores).collect();
            assert_eq!(found.len(), THRESHOLDS);
            assert_eq!((found[0], found[THRESHOLDS - 1]), (scores[0], scores[1]));
            assert!(
                found.is_sorted() && found.iter().all(|t| t.is_finite()),
                "{scores:?}"
            );
        }
    }
}
