//! Evaluation: how well scores or decisions agree with labels.
//!
//! Three families:
//!
//! | what is judged | functions | depends on |
//! | --- | --- | --- |
//! | the order of the scores | [`vus`], [`auc_pr`], [`auc_roc`], [`best_point_f1`] | ranks only |
//! | the score at its best threshold | [`best_event_f1`], [`best_range_f1`], [`best_affiliation_f1`], [`best_point_adjusted_f1`] | spacing of the scores |
//! | decisions | [`point()`], [`event()`], [`range()`], [`affiliation()`], [`point_adjusted`], [`detection_delay`], [`false_alarms_per_day`] | the threshold in use |
//!
//! [`evaluate`] gives the first two families at once, [`evaluate_decisions`] the third, [`evaluate_rows`] all of
//! them for rows as a database has them. To choose between detectors use
//! VUS-PR ([`vus`], with [`period_length`] as window); it forgives labels that are off by some samples, is hard to
//! please by chance, and is what the TSB-AD benchmark ranks by. The values are those of TSB-AD's own evaluation
//! code (Liu and Paparrizos, NeurIPS 2024), so they compare with published figures.
//!
//! Samples are taken as equally spaced, one score and one label each, in time order. Give samples that have no
//! score the lowest score of the series, or leave them out of both. Scores must be finite, higher is more
//! anomalous; labels must hold both kinds, since with one kind alone none of the score measures is defined.
//!
//! ```
//! use tsad_core::measure::{evaluate, period_length};
//!
//! let values: Vec<f64> = (0..600).map(|i| (i as f64 * 0.2).sin() + if i == 500 { 3.0 } else { 0.0 }).collect();
//! let labels: Vec<bool> = (0..600).map(|i| (499..503).contains(&i)).collect();
//! let scores: Vec<f64> = values.iter().map(|v| v.abs()).collect();
//! let found = evaluate(&scores, &labels, period_length(&values))?;
//! assert!(found.vus_pr > 0.2 && found.event_f1 > 0.99);
//! # Ok::<(), tsad_core::Error>(())
//! ```

mod affiliation;
mod event;
mod period;
mod range;
mod rank;
mod rows;
mod run;
mod sweep;
mod vus;

use std::ops::Range;

pub use affiliation::{affiliation, best_affiliation_f1};
pub use event::{
    best_event_f1, best_point_adjusted_f1, detection_delay, event, false_alarms_per_day, point,
    point_adjusted,
};
pub use period::period_length;
pub use range::{best_range_f1, range};
pub use rank::{auc_pr, auc_roc, best_point_f1};
pub use rows::{Evaluation, Judged, evaluate_rows, sort_by_time};
pub use vus::{Vus, vus, vus_with};

use crate::control::Check;
use crate::error::{Error, ErrorKind, Result};

/// Precision and recall, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecall {
    /// Of what was flagged, the share that was right.
    pub precision: f64,
    /// Of what was labelled, the share that was found.
    pub recall: f64,
}

impl PrecisionRecall {
    /// The harmonic mean of both; 0 where both are 0.
    #[must_use]
    pub fn f1(&self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 {
            2.0 * self.precision * self.recall / sum
        } else {
            0.0
        }
    }

    /// From counts; a share of nothing is 0.
    fn of_counts(hits: usize, flagged: usize, labelled: usize) -> Self {
        let share = |of: usize| if of == 0 { 0.0 } else { hits as f64 / of as f64 };
        Self {
            precision: share(flagged),
            recall: share(labelled),
        }
    }
}

/// The measures of a score; each lies between 0 and 1, higher is better.
///
/// Those named F1 take the best threshold with the labels in hand: what the score could reach, not what a user
/// gets. The names in brackets are those of TSB-AD.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measures {
    /// Volume under the precision-recall surface (VUS-PR); see [`vus`]. The one to rank by.
    pub vus_pr: f64,
    /// Volume under the ROC surface (VUS-ROC); see [`vus`].
    pub vus_roc: f64,
    /// Average precision (AUC-PR); see [`auc_pr`].
    pub auc_pr: f64,
    /// Area under the ROC curve (AUC-ROC); see [`auc_roc`].
    pub auc_roc: f64,
    /// Sample-wise F1 (Standard-F1); see [`best_point_f1`].
    pub point_f1: f64,
    /// Event recall with sample-wise precision (Event-based-F1); see [`best_event_f1`].
    pub event_f1: f64,
    /// Range-based F1 (R-based-F1); see [`best_range_f1`].
    pub range_f1: f64,
    /// Affiliation F1 (Affiliation-F); see [`best_affiliation_f1`].
    pub affiliation_f1: f64,
    /// Point-adjusted F1 (PA-F1), **not to be trusted**; see [`point_adjusted`].
    pub point_adjusted_f1: f64,
}

/// All measures of a score: `scores` and `labels` in time order, `window` as in [`vus`].
///
/// O(n log n + 100 n + `window` m) for m samples in events and their buffers.
///
/// # Errors
/// `InvalidParameter` where the lengths differ, `NotFinite` where a score is NaN or infinite, `TooLittleData`
/// without samples or where the labels are all alike.
pub fn evaluate(scores: &[f64], labels: &[bool], window: usize) -> Result<Measures> {
    evaluate_with(scores, labels, window, &|| {})
}

/// As [`evaluate`]; calls `check` every pass over the samples, so that a caller can cancel by unwinding from it.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_with(scores: &[f64], labels: &[bool], window: usize, check: Check<'_>) -> Result<Measures> {
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
    /// Sample by sample; see [`point()`].
    pub point: PrecisionRecall,
    /// Event recall and sample-wise precision; see [`event()`].
    pub event: PrecisionRecall,
    /// See [`range()`].
    pub range: PrecisionRecall,
    /// See [`affiliation()`].
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

fn check_lengths(what: &str, count: usize, labels: usize) -> Result<()> {
    if count != labels {
        return Err(Error::new(
            ErrorKind::InvalidParameter,
            format!("{count} {what} and {labels} labels do not fit together"),
        )
        .with_hint("Give every sample one of each, in time order."));
    }
    if count == 0 {
        return Err(Error::new(
            ErrorKind::TooLittleData,
            "there are no samples to evaluate",
        ));
    }
    Ok(())
}

/// What the measures of a score ask of their input.
fn check_scored(scores: &[f64], labels: &[bool]) -> Result<()> {
    check_lengths("scores", scores.len(), labels.len())?;
    if let Some(i) = scores.iter().position(|score| !score.is_finite()) {
        let what = if scores[i].is_nan() { "NaN" } else { "infinite" };
        return Err(Error::new(
            ErrorKind::NotFinite,
            format!("score {} of {} is {what}", i + 1, scores.len()),
        )
        .with_hint("Leave samples without a score out, or give them the lowest score of the series."));
    }
    let positives = labels.iter().filter(|label| **label).count();
    if positives == 0 || positives == labels.len() {
        let what = if positives == 0 { "none" } else { "all" };
        return Err(Error::new(
            ErrorKind::TooLittleData,
            format!("{what} of the {} samples are labelled anomalous", labels.len()),
        )
        .with_hint("A score can only be judged where both normal and anomalous samples are known."));
    }
    Ok(())
}

/// What the measures of decisions ask of their input; the runs of both sides.
#[expect(clippy::type_complexity, reason = "the two lists go apart at once")]
fn check_decided(predicted: &[bool], labels: &[bool]) -> Result<(Vec<Range<usize>>, Vec<Range<usize>>)> {
    check_lengths("decisions", predicted.len(), labels.len())?;
    Ok((
        run::runs(predicted.iter().copied()),
        run::runs(labels.iter().copied()),
    ))
}

fn check_events(events: &[Range<usize>]) -> Result<()> {
    if events.is_empty() {
        return Err(
            Error::new(ErrorKind::TooLittleData, "no sample is labelled anomalous")
                .with_hint("Without labelled events only the false alarms can be counted."),
        );
    }
    Ok(())
}
