//! Range-based precision and recall.

use std::ops::Range;

use super::input::{check_decided, check_events};
use super::precision::PrecisionRecall;
use super::run::{Cover, cover};
use super::sweep;
use crate::error::Result;

/// Share of recall given for touching an event at all; TSB-AD's choice.
const EXISTENCE: f64 = 0.2;

/// Range-based precision and recall of flagged samples.
///
/// Recall of an event: 0.2 for being touched, and 0.8 times the covered share of it divided by the number of
/// alarms that cover it (an event reported in pieces is worth less). Precision of an alarm: the share of it that
/// lies in events, divided by the number of events it touches. Both are averaged over events and alarms, so a
/// long event counts no more than a short one. Flat positional bias. Precision without alarms is 0. All within
/// 0 to 1. O(n).
///
/// Source: Tatbul, Lee, Zdonik, Alam and Gottschlich, Precision and Recall for Time Series, NeurIPS 2018,
/// arXiv:1803.03639; parameters as in TSB-AD.
///
/// # Errors
/// `InvalidParameter` where the lengths differ, `TooLittleData` without samples or without a labelled event.
///
/// ```
/// let labels = [false, true, true, true, true, false];
/// let predicted = [false, false, false, true, true, true];
/// let found = tsad_core::measure::range(&predicted, &labels)?;
/// assert!((found.recall - (0.2 + 0.8 * 0.5)).abs() < 1e-12);
/// assert!((found.precision - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn range(predicted: &[bool], labels: &[bool]) -> Result<PrecisionRecall> {
    let (alarms, events) = check_decided(predicted, labels)?;
    check_events(&events)?;
    Ok(agree(&alarms, &events))
}

/// The best range-based F1 over 100 thresholds spread evenly between the lowest and the highest score.
///
/// From 0 to 1. The threshold is chosen with the labels in hand. Unlike the rank measures it depends on the
/// spacing of the scores, because TSB-AD's thresholds are even in score and not in rank. O(100 n).
///
/// # Errors
/// As [`super::auc_roc`].
pub fn best_range_f1(scores: &[f64], labels: &[bool]) -> Result<f64> {
    sweep::best(scores, labels, |alarms, events| agree(alarms, events).f1())
}

pub(super) fn agree(alarms: &[Range<usize>], events: &[Range<usize>]) -> PrecisionRecall {
    let overlap = |range: &Range<usize>, cover: &Cover| match cover.pieces {
        0 => 0.0,
        pieces => cover.samples as f64 / range.len() as f64 / pieces as f64,
    };
    let found = cover(events, alarms);
    let touched = found.iter().filter(|cover| cover.pieces > 0).count() as f64;
    let covered: f64 = events
        .iter()
        .zip(&found)
        .map(|(event, cover)| overlap(event, cover))
        .sum();
    let correct: f64 = alarms
        .iter()
        .zip(&cover(alarms, events))
        .map(|(alarm, cover)| overlap(alarm, cover))
        .sum();
    PrecisionRecall {
        precision: if alarms.is_empty() {
            0.0
        } else {
            correct / alarms.len() as f64
        },
        recall: (EXISTENCE * touched + (1.0 - EXISTENCE) * covered) / events.len() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_worth_less_than_one_alarm() {
        let labels = [true; 5];
        let whole = range(&[true, true, true, true, false], &labels).unwrap();
        let pieces = range(&[true, true, false, true, true], &labels).unwrap();
        assert!((whole.recall - (0.2 + 0.8 * 0.8)).abs() < 1e-12);
        assert!((pieces.recall - (0.2 + 0.8 * 0.8 / 2.0)).abs() < 1e-12);
        assert!((pieces.precision - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_alarm_is_no_agreement() {
        let none = range(&[false; 3], &[false, true, false]).unwrap();
        assert_eq!((none.precision, none.recall, none.f1()), (0.0, 0.0, 0.0));
    }
}
