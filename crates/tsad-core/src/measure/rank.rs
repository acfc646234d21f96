//! Measures that need only the order of the scores, sample by sample: ROC and precision-recall.

use super::input::check_scored;
use crate::control::{Check, ComparisonTicker};
use crate::error::Result;

/// What [`best_point_f1`] adds to the denominator, as TSB-AD does.
const F1_GUARD: f64 = 1e-5;

/// The confusion counts of "score >= t" at each distinct score t, from the highest down.
struct Step {
    true_positives: f64,
    false_positives: f64,
}

/// [`auc_pr`], [`auc_roc`] and [`best_point_f1`] with one sort, in which `check` is called now and then.
pub(super) fn all(scores: &[f64], labels: &[bool], check: Check<'_>) -> Result<[f64; 3]> {
    check_scored(scores, labels)?;
    let steps = steps(scores, labels, check);
    check();
    Ok([pr(&steps, labels), roc(&steps), f1(&steps, labels)])
}

fn steps(scores: &[f64], labels: &[bool], check: Check<'_>) -> Vec<Step> {
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    let ticker = ComparisonTicker::new(check);
    order.sort_unstable_by(|a, b| {
        ticker.step();
        b.0.total_cmp(&a.0)
    });
    let mut steps = Vec::new();
    let (mut hits, mut alarms) = (0_usize, 0_usize);
    // Equality and not identity: 0.0 and -0.0 are one threshold.
    #[expect(clippy::float_cmp, reason = "tied scores are exactly equal")]
    for tie in order.chunk_by(|a, b| a.0 == b.0) {
        hits += tie.iter().filter(|(_, label)| *label).count();
        alarms += tie.len();
        steps.push(Step {
            true_positives: hits as f64,
            false_positives: (alarms - hits) as f64,
        });
    }
    steps
}

/// Area under the ROC curve: the probability that a random anomalous sample scores higher than a random normal
/// one, ties counted half.
///
/// From 0 to 1; 0.5 is chance, 0 is the wrong way round. Only the order of the scores matters. O(n log n).
///
/// Source: Hanley and McNeil, Radiology 143, 1982, doi:10.1148/radiology.143.1.7063747.
///
/// # Errors
/// `InvalidParameter` where the lengths differ, `NotFinite` where a score is NaN or infinite, `TooLittleData`
/// without samples or where the labels are all alike.
///
/// ```
/// let area = tsad_core::measure::auc_roc(&[0.1, 0.9, 0.2, 0.3], &[false, true, false, true])?;
/// assert_eq!(area, 1.0);
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn auc_roc(scores: &[f64], labels: &[bool]) -> Result<f64> {
    check_scored(scores, labels)?;
    Ok(roc(&steps(scores, labels, &|| {})))
}

fn roc(steps: &[Step]) -> f64 {
    let (mut twice, mut last) = (0.0, (0.0, 0.0));
    for step in steps {
        twice += (step.false_positives - last.1) * (step.true_positives + last.0);
        last = (step.true_positives, step.false_positives);
    }
    twice / (2.0 * last.0 * last.1)
}

/// Area under the precision-recall curve as average precision: the precision at every distinct score, weighted
/// with the recall it adds.
///
/// From 0 to 1; chance is the share of anomalous samples. No interpolation between the points, which would be
/// too kind (Davis and Goadrich, ICML 2006, doi:10.1145/1143844.1143874). O(n log n).
///
/// # Errors
/// As [`auc_roc`].
///
/// ```
/// let area = tsad_core::measure::auc_pr(&[0.1, 0.9, 0.2, 0.3], &[false, true, false, true])?;
/// assert_eq!(area, 1.0);
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn auc_pr(scores: &[f64], labels: &[bool]) -> Result<f64> {
    check_scored(scores, labels)?;
    Ok(pr(&steps(scores, labels, &|| {}), labels))
}

fn pr(steps: &[Step], labels: &[bool]) -> f64 {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let (mut area, mut last) = (0.0, 0.0);
    for step in steps {
        let precision = step.true_positives / (step.true_positives + step.false_positives);
        area += (step.true_positives - last) / positives * precision;
        last = step.true_positives;
    }
    area
}

/// The best sample-wise F1 over all thresholds ("Standard-F1" in TSB-AD).
///
/// From 0 to 1. The threshold is chosen with the labels in hand, so this is what the score could reach, not what
/// a user gets. As in TSB-AD 0.00001 is added to the denominator, so a perfect score gives 0.999995.
/// O(n log n).
///
/// # Errors
/// As [`auc_roc`].
pub fn best_point_f1(scores: &[f64], labels: &[bool]) -> Result<f64> {
    check_scored(scores, labels)?;
    Ok(f1(&steps(scores, labels, &|| {}), labels))
}

fn f1(steps: &[Step], labels: &[bool]) -> f64 {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    steps
        .iter()
        .map(|step| {
            let precision = step.true_positives / (step.true_positives + step.false_positives);
            let recall = step.true_positives / positives;
            2.0 * precision * recall / (precision + recall + F1_GUARD)
        })
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half() {
        let labels = [true, false, true, false];
        assert!((auc_roc(&[1.0; 4], &labels).unwrap() - 0.5).abs() < 1e-15);
        assert!((auc_pr(&[1.0; 4], &labels).unwrap() - 0.5).abs() < 1e-15);
    }

    #[test]
    fn signed_zeros_are_one_score() {
        let labels = [true, false];
        assert!((auc_roc(&[0.0, -0.0], &labels).unwrap() - 0.5).abs() < 1e-15);
        assert!((auc_roc(&[-0.0, 0.0], &labels).unwrap() - 0.5).abs() < 1e-15);
    }

    #[test]
    fn a_reversed_score_has_no_area() {
        assert!(auc_roc(&[1.0, 2.0, 3.0], &[true, false, false]).unwrap().abs() < 1e-15);
    }

    #[test]
    fn point_f1_by_hand() {
        // Best at the second score: two alarms, one hit of one.
        let f1 = best_point_f1(&[3.0, 2.0, 1.0], &[false, true, false]).unwrap();
        assert!((f1 - 2.0 * 0.5 / (1.5 + F1_GUARD)).abs() < 1e-15);
    }
}
