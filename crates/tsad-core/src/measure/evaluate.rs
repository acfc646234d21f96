//! All measures at once.

use super::affiliation::{self, affiliation};
use super::event::{self, detection_delay, event, false_alarms_per_day, point};
use super::precision::PrecisionRecall;
use super::range::{self, range};
use super::rank;
use super::sweep;
use super::vus::{Vus, vus_with};
use crate::control::Check;
use crate::error::Result;

/// The measures of a score; each lies between 0 and 1, higher is better.
///
/// Those named F1 take the best threshold with the labels in hand: what the score could reach, not what a user
/// gets. The names in brackets are those of TSB-AD.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measures {
    /// Volume under the precision-recall surface (VUS-PR); see [`vus`](super::vus()). The one to rank by.
    pub vus_pr: f64,
    /// Volume under the ROC surface (VUS-ROC); see [`vus`](super::vus()).
    pub vus_roc: f64,
    /// Average precision (AUC-PR); see [`auc_pr`](super::auc_pr()).
    pub auc_pr: f64,
    /// Area under the ROC curve (AUC-ROC); see [`auc_roc`](super::auc_roc()).
    pub auc_roc: f64,
    /// Sample-wise F1 (Standard-F1); see [`best_point_f1`](super::best_point_f1()).
    pub point_f1: f64,
    /// Event recall with sample-wise precision (Event-based-F1); see [`best_event_f1`](super::best_event_f1()).
    pub event_f1: f64,
    /// Range-based F1 (R-based-F1); see [`best_range_f1`](super::best_range_f1()).
    pub range_f1: f64,
    /// Affiliation F1 (Affiliation-F); see [`best_affiliation_f1`](super::best_affiliation_f1()).
    pub affiliation_f1: f64,
    /// Point-adjusted F1 (PA-F1), **not to be trusted**; see [`point_adjusted`](super::point_adjusted()).
    pub point_adjusted_f1: f64,
}

/// All measures of a score: `scores` and `labels` in time order, `window` as in [`vus`](super::vus()).
///
/// O(n log n + 100 n + `window` m) for m samples in events and their buffers.
///
/// # Errors
/// `InvalidParameter` where the lengths differ, `NotFinite` where a score is NaN or infinite, `TooLittleData`
/// without samples or where the labels are all alike.
pub fn evaluate(scores: &[f64], labels: &[bool], window: usize) -> Result<Measures> {
    evaluate_with(scores, labels, window, &|| {})
}

/// As [`evaluate()`]; calls `check` every pass over the samples, so that a caller can cancel by unwinding from it.
///
/// # Errors
/// As [`evaluate()`].
pub fn evaluate_with(scores: &[f64], labels: &[bool], window: usize, check: Check<'_>) -> Result<Measures> {
    check();
    let Vus {
        pr: vus_pr,
        roc: vus_roc,
    } = vus_with(scores, labels, window, check)?;
    let [event_f1, range_f1, affiliation_f1, point_adjusted_f1] =
        sweep::best_of(scores, labels, check, |alarms, events| {
            [
                event::agree(alarms, events).f1(),
                range::agree(alarms, events).f1(),
                affiliation::agree(alarms, events, labels.len()).f1(),
                event::agree_adjusted(alarms, events).f1(),
            ]
        })?;
    check();
    let [auc_pr, auc_roc, point_f1] = rank::all(scores, labels, check)?;
    Ok(Measures {
        vus_pr,
        vus_roc,
        auc_pr,
        auc_roc,
        point_f1,
        event_f1,
        range_f1,
        affiliation_f1,
        point_adjusted_f1,
    })
}

/// The measures of decisions at the threshold in use.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DecisionMeasures {
    /// Sample by sample; see [`point()`](super::point()).
    pub point: PrecisionRecall,
    /// Event recall and sample-wise precision; see [`event()`](super::event()).
    pub event: PrecisionRecall,
    /// See [`range()`](super::range()).
    pub range: PrecisionRecall,
    /// See [`affiliation()`](super::affiliation()).
    pub affiliation: PrecisionRecall,
    /// Mean delay of the found events in samples, `None` where none was found; see [`detection_delay`].
    pub detection_delay: Option<f64>,
    /// See [`false_alarms_per_day`].
    pub false_alarms_per_day: f64,
}

/// All measures of decisions: `predicted` and `labels` in time order, `span_us` the microseconds they cover.
///
/// O(n).
///
/// # Errors
/// `InvalidParameter` where the lengths differ or `span_us` is not positive, `TooLittleData` without samples or
/// without a labelled event.
pub fn evaluate_decisions(predicted: &[bool], labels: &[bool], span_us: i64) -> Result<DecisionMeasures> {
    Ok(DecisionMeasures {
        point: point(predicted, labels)?,
        event: event(predicted, labels)?,
        range: range(predicted, labels)?,
        affiliation: affiliation(predicted, labels)?,
        detection_delay: detection_delay(predicted, labels)?,
        false_alarms_per_day: false_alarms_per_day(predicted, labels, span_us)?,
    })
}
