//! Measures of decisions: how many events were found, how late, and at what price in false alarms.

use std::ops::Range;

use super::input::{check_decided, check_events};
use super::precision::PrecisionRecall;
use super::run::{cover, samples};
use super::sweep;
use crate::error::{Error, ErrorKind, Result};

/// Microseconds of a day.
const DAY_US: f64 = 86_400e6;

/// Precision and recall of flagged samples, sample by sample.
///
/// Both 0 to 1; precision without a flagged sample is 0. O(n).
///
/// # Errors
/// `InvalidParameter` where the lengths differ, `TooLittleData` without samples or without a labelled event.
pub fn point(predicted: &[bool], labels: &[bool]) -> Result<PrecisionRecall> {
    let (alarms, events) = check_decided(predicted, labels)?;
    check_events(&events)?;
    let hits: usize = cover(&events, &alarms).iter().map(|cover| cover.samples).sum();
    Ok(PrecisionRecall::of_counts(
        hits,
        samples(&alarms),
        samples(&events),
    ))
}

/// Event recall and sample-wise precision.
///
/// Recall is the share of labelled events with at least one flagged sample, precision the share of flagged
/// samples that lie in events; both 0 to 1, precision without a flagged sample is 0. An event at the end of the
/// series includes the last sample, which TSB-AD's code forgets. O(n).
///
/// Source: the composite F-score of Garg, Zhang, Samaran, Savitha and Foo, IEEE TNNLS 33(6), 2022,
/// doi:10.1109/TNNLS.2021.3105827.
///
/// # Errors
/// As [`point`].
///
/// ```
/// let labels = [false, true, true, false, false, true];
/// let found = tsad_core::measure::event(&[false, false, true, true, false, false], &labels)?;
/// assert_eq!((found.precision, found.recall), (0.5, 0.5));
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn event(predicted: &[bool], labels: &[bool]) -> Result<PrecisionRecall> {
    let (alarms, events) = check_decided(predicted, labels)?;
    check_events(&events)?;
    Ok(agree(&alarms, &events))
}

/// Precision and recall after point adjustment. **Do not trust it**: a random score can look near perfect.
///
/// Every event with one flagged sample counts as flagged throughout, so long events reward chance hits with all
/// their samples. It is here only because much of the literature reports it. The code that the literature uses
/// forgets to adjust the first sample of the series; this does not. O(n).
///
/// Source: Xu et al., WWW 2018, doi:10.1145/3178876.3185996; why not to use it: Kim, Choi, Choi, Lee and Yoon,
/// AAAI 2022, doi:10.1609/aaai.v36i7.20680.
///
/// # Errors
/// As [`point`].
pub fn point_adjusted(predicted: &[bool], labels: &[bool]) -> Result<PrecisionRecall> {
    let (alarms, events) = check_decided(predicted, labels)?;
    check_events(&events)?;
    Ok(agree_adjusted(&alarms, &events))
}

/// The best F1 of event recall and sample-wise precision over 100 thresholds spread evenly between the lowest
/// and the highest score ("Event-based-F1" in TSB-AD).
///
/// From 0 to 1. The threshold is chosen with the labels in hand; the value depends on the spacing of the scores,
/// not only on their order. O(100 n).
///
/// # Errors
/// As [`super::auc_roc`].
pub fn best_event_f1(scores: &[f64], labels: &[bool]) -> Result<f64> {
    sweep::best(scores, labels, |alarms, events| agree(alarms, events).f1())
}

/// The best point-adjusted F1 over 100 thresholds spread evenly between the lowest and the highest score.
/// **Do not trust it**, see [`point_adjusted`].
///
/// From 0 to 1. O(100 n).
///
/// # Errors
/// As [`super::auc_roc`].
pub fn best_point_adjusted_f1(scores: &[f64], labels: &[bool]) -> Result<f64> {
    sweep::best(scores, labels, |alarms, events| {
        agree_adjusted(alarms, events).f1()
    })
}

/// The mean number of samples from the beginning of a labelled event to the first flagged sample in it, over the
/// events that were found; `None` where none was.
///
/// 0 is at once, also where the alarm began before the event. Read it beside event recall: a detector that finds
/// only the easy events is quick. O(n).
///
/// # Errors
/// As [`point`].
///
/// ```
/// let labels = [false, true, true, true, false, true];
/// let delay = tsad_core::measure::detection_delay(&[false, false, false, true, false, true], &labels)?;
/// assert_eq!(delay, Some(1.0));
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn detection_delay(predicted: &[bool], labels: &[bool]) -> Result<Option<f64>> {
    let (_, events) = check_decided(predicted, labels)?;
    check_events(&events)?;
    let delays: Vec<usize> = events
        .iter()
        .filter_map(|event| predicted[event.clone()].iter().position(|flag| *flag))
        .collect();
    let sum = delays.iter().sum::<usize>() as f64;
    Ok((!delays.is_empty()).then(|| sum / delays.len() as f64))
}

/// False alarms per day: runs of flagged samples that touch no labelled event, over the observed time.
///
/// `span_us` is the time the samples cover, in microseconds (for n regular samples n times the interval). Labels
/// without any event are allowed: then every alarm is false. 0 or more. O(n).
///
/// # Errors
/// `InvalidParameter` where the lengths differ or `span_us` is not positive, `TooLittleData` without samples.
///
/// ```
/// // Two days, sampled every six hours; the second alarm touches the event.
/// let labels = [false, false, false, false, false, true, false, false];
/// let predicted = [true, true, false, false, true, true, false, false];
/// let rate = tsad_core::measure::false_alarms_per_day(&predicted, &labels, 2 * 86_400_000_000)?;
/// assert_eq!(rate, 0.5);
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn false_alarms_per_day(predicted: &[bool], labels: &[bool], span_us: i64) -> Result<f64> {
    if span_us <= 0 {
        return Err(Error::new(
            ErrorKind::InvalidParameter,
            format!("the observed time must be positive, not {span_us} microseconds"),
        ));
    }
    let (alarms, events) = check_decided(predicted, labels)?;
    let false_alarms = cover(&alarms, &events)
        .iter()
        .filter(|cover| cover.pieces == 0)
        .count();
    Ok(false_alarms as f64 * DAY_US / span_us as f64)
}

pub(super) fn agree(alarms: &[Range<usize>], events: &[Range<usize>]) -> PrecisionRecall {
    let found = cover(events, alarms);
    let hits: usize = found.iter().map(|cover| cover.samples).sum();
    let touched = found.iter().filter(|cover| cover.pieces > 0).count();
    PrecisionRecall {
        precision: PrecisionRecall::of_counts(hits, samples(alarms), hits).precision,
        recall: touched as f64 / events.len() as f64,
    }
}

pub(super) fn agree_adjusted(alarms: &[Range<usize>], events: &[Range<usize>]) -> PrecisionRecall {
    let found = cover(events, alarms);
    let raw: usize = found.iter().map(|cover| cover.samples).sum();
    let hits: usize = events
        .iter()
        .zip(&found)
        .filter(|(_, cover)| cover.pieces > 0)
        .map(|(event, _)| event.len())
        .sum();
    PrecisionRecall::of_counts(hits, samples(alarms) - raw + hits, samples(events))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Vec<bool> {
        text.bytes().map(|b| b == b'1').collect()
    }

    #[test]
    fn one_hit_adjusts_the_whole_event() {
        let (predicted, labels) = (flags("0000100001"), flags("0011110000"));
        let raw = point(&predicted, &labels).unwrap();
        assert_eq!((raw.precision, raw.recall), (0.5, 0.25));
        let adjusted = point_adjusted(&predicted, &labels).unwrap();
        assert_eq!((adjusted.precision, adjusted.recall), (0.8, 1.0));
    }

    /// TSB-AD's code leaves the first sample unadjusted and takes the last one out of its event.
    #[test]
    fn the_ends_of_the_series_are_like_the_rest() {
        assert_eq!(
            point_adjusted(&flags("0100"), &flags("1110")).unwrap().recall,
            1.0
        );
        assert_eq!(event(&flags("0001"), &flags("0001")).unwrap().recall, 1.0);
    }

    #[test]
    fn nothing_found_has_no_delay() {
        assert_eq!(detection_delay(&flags("1000"), &flags("0011")).unwrap(), None);
        assert_eq!(
            detection_delay(&flags("0110"), &flags("0011")).unwrap(),
            Some(0.0)
        );
    }

    #[test]
    fn every_alarm_is_false_without_events() {
        let rate = false_alarms_per_day(&flags("1011"), &flags("0000"), 86_400_000_000).unwrap();
        assert_eq!(rate, 2.0);
        let e = false_alarms_per_day(&flags("10"), &flags("00"), 0).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidParameter);
    }
}
