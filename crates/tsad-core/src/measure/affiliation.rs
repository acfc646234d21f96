//! Affiliation precision and recall: how near alarms and events are, measured against chance.

use std::ops::Range;

use super::input::{check_decided, check_events};
use super::precision::PrecisionRecall;
use super::sweep;
use crate::error::Result;

/// A stretch of the time line in samples; sample i is the stretch from i to i + 1.
type Span = (f64, f64);

/// Affiliation precision and recall of flagged samples.
///
/// The time line is cut half-way between neighbouring events, and each zone is judged by itself. Precision: the
/// probability that a random point of the zone is farther from the event than the alarm is, averaged over the
/// alarms' points; recall: the same from the points of the event to the nearest alarm. An alarm near an event is
/// thus worth something, one far away no more than chance (0.5). Averaged over the zones: for precision those
/// with an alarm, for recall all (a zone without an alarm has recall 0). Without any alarm precision is
/// undefined and given as 0. All within 0 to 1; random alarms reach 0.5 and more, so compare only with other
/// affiliation values. O(n).
///
/// Source: Huet, Navarro and Rossi, Local Evaluation of Time Series Anomaly Detection Algorithms, KDD 2022,
/// doi:10.1145/3534678.3539339.
///
/// # Errors
/// `InvalidParameter` where the lengths differ, `TooLittleData` without samples or without a labelled event.
///
/// ```
/// let labels = [false, false, true, false, false, false];
/// let near = tsad_core::measure::affiliation(&[false, true, false, false, false, false], &labels)?;
/// let far = tsad_core::measure::affiliation(&[false, false, false, false, false, true], &labels)?;
/// assert!(near.precision > far.precision && near.recall > far.recall);
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn affiliation(predicted: &[bool], labels: &[bool]) -> Result<PrecisionRecall> {
    let (alarms, events) = check_decided(predicted, labels)?;
    check_events(&events)?;
    Ok(agree(&alarms, &events, labels.len()))
}

/// The best affiliation F1 over 100 thresholds spread evenly between the lowest and the highest score.
///
/// From 0 to 1. The threshold is chosen with the labels in hand; the value depends on the spacing of the scores,
/// not only on their order. 0 where all scores are equal. O(100 n).
///
/// # Errors
/// As [`super::auc_roc`].
pub fn best_affiliation_f1(scores: &[f64], labels: &[bool]) -> Result<f64> {
    sweep::best(scores, labels, |alarms, events| {
        agree(alarms, events, labels.len()).f1()
    })
}

pub(super) fn agree(alarms: &[Range<usize>], events: &[Range<usize>], length: usize) -> PrecisionRecall {
    let span = |range: &Range<usize>| (range.start as f64, range.end as f64);
    let alarms: Vec<Span> = alarms.iter().map(span).collect();
    let events: Vec<Span> = events.iter().map(span).collect();
    let (mut precision, mut judged, mut recall) = (0.0, 0.0, 0.0);
    let mut first = 0;
    for (event, zone) in events.iter().zip(zones(&events, (0.0, length as f64))) {
        while alarms.get(first).is_some_and(|alarm| alarm.1 <= zone.0) {
            first += 1;
        }
        let near: Vec<Span> = alarms[first..]
            .iter()
            .take_while(|alarm| alarm.0 < zone.1)
            .map(|alarm| (alarm.0.max(zone.0), alarm.1.min(zone.1)))
            .collect();
        if !near.is_empty() {
            precision += zone_precision(&near, *event, zone);
            judged += 1.0;
            recall += zone_recall(&near, *event, zone);
        }
    }
    PrecisionRecall {
        precision: if judged > 0.0 { precision / judged } else { 0.0 },
        recall: recall / events.len() as f64,
    }
}

/// Cuts `whole` half-way between neighbouring spans.
fn zones(spans: &[Span], whole: Span) -> impl Iterator<Item = Span> {
    let border = |k: usize| (spans[k - 1].1 + spans[k].0) / 2.0;
    (0..spans.len()).map(move |k| {
        (
            if k == 0 { whole.0 } else { border(k) },
            if k + 1 == spans.len() {
                whole.1
            } else {
                border(k + 1)
            },
        )
    })
}

/// Mean over the points of `alarms` of the probability that a random point of `zone` is farther from `event`.
fn zone_precision(alarms: &[Span], event: Span, zone: Span) -> f64 {
    let margin = (event.0 - zone.0).min(zone.1 - event.1);
    // Points of the zone at most d away: the event, d on the side of the alarm, and d or all of the other side.
    let farther = |d: f64| 1.0 - (length(event) + d + d.min(margin)) / length(zone);
    let outside = |from: f64, to: f64| integral(from.max(0.0), to.max(0.0), margin, farther);
    let sum: f64 = alarms
        .iter()
        .map(|alarm| {
            common(*alarm, event)
                + outside(event.0 - alarm.1, event.0 - alarm.0)
                + outside(alarm.0 - event.1, alarm.1 - event.1)
        })
        .sum();
    sum / alarms.iter().copied().map(length).sum::<f64>()
}

/// Mean over the points of `event` of the probability that a random point of `zone` is farther from it than the
/// nearest alarm is.
fn zone_recall(alarms: &[Span], event: Span, zone: Span) -> f64 {
    let sum: f64 = alarms
        .iter()
        .zip(zones(alarms, zone))
        .map(|(alarm, nearest)| {
            let part = (event.0.max(nearest.0), event.1.min(nearest.1));
            if part.0 >= part.1 {
                return 0.0;
            }
            // Points of the zone within d of y: d towards the alarm, and d or what the zone has on the other side.
            let before = |y: f64| {
                let d = alarm.0 - y;
                1.0 - (d + d.min(y - zone.0)) / length(zone)
            };
            let after = |y: f64| {
                let d = y - alarm.1;
                1.0 - (d + d.min(zone.1 - y)) / length(zone)
            };
            common(part, *alarm)
                + integral(part.0, part.1.min(alarm.0), (alarm.0 + zone.0) / 2.0, before)
                + integral(part.0.max(alarm.1), part.1, (alarm.1 + zone.1) / 2.0, after)
        })
        .sum();
    sum / length(event)
}

fn length(span: Span) -> f64 {
    span.1 - span.0
}

fn common(a: Span, b: Span) -> f64 {
    (a.1.min(b.1) - a.0.max(b.0)).max(0.0)
}

/// The integral of a function that is linear but for one kink; 0 where `to` is not beyond `from`.
fn integral(from: f64, to: f64, kink: f64, f: impl Fn(f64) -> f64) -> f64 {
    if to <= from {
        return 0.0;
    }
    let kink = kink.clamp(from, to);
    ((kink - from) * (f(from) + f(kink)) + (to - kink) * (f(kink) + f(to))) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, by midpoints of a fine grid.
    fn by_definition(alarms: &[Span], event: Span, zone: Span) -> (f64, f64) {
        let cells = 1500;
        let grid: Vec<f64> = (0..cells)
            .map(|i| zone.0 + (f64::from(i) + 0.5) * length(zone) / f64::from(cells))
            .collect();
        let away = |y: f64, span: Span| (span.0 - y).max(y - span.1).max(0.0);
        let share =
            |test: &dyn Fn(f64) -> bool| grid.iter().filter(|x| test(**x)).count() as f64 / grid.len() as f64;
        let mean = |points: Vec<f64>| points.iter().sum::<f64>() / points.len() as f64;
        let inside = |y: f64, span: Span| span.0 <= y && y <= span.1;
        let precision = grid
            .iter()
            .filter(|x| alarms.iter().any(|alarm| inside(**x, *alarm)))
            .map(|x| match away(*x, event) {
                0.0 => 1.0,
                d => share(&|y| away(y, event) > d),
            })
            .collect();
        let recall = grid
            .iter()
            .filter(|y| inside(**y, event))
            .map(|y| {
                let d = alarms
                    .iter()
                    .map(|alarm| away(*y, *alarm))
                    .fold(f64::MAX, f64::min);
                if d == 0.0 {
                    1.0
                } else {
                    share(&|x| (x - y).abs() > d)
                }
            })
            .collect();
        (mean(precision), mean(recall))
    }

    #[test]
    fn closed_forms_agree_with_the_definition() {
        let zone = (2.0, 32.0);
        for event in [(5.0, 9.0), (2.0, 4.0), (20.0, 32.0), (15.0, 17.0)] {
            for alarms in [
                vec![(3.0, 6.0)],
                vec![(2.0, 3.0), (10.0, 12.0), (29.0, 31.0)],
                vec![(7.0, 8.0), (16.0, 19.0)],
                vec![(2.0, 32.0)],
            ] {
                let (precision, recall) = by_definition(&alarms, event, zone);
                assert!(
                    (zone_precision(&alarms, event, zone) - precision).abs() < 5e-3,
                    "precision of {alarms:?} for {event:?}"
                );
                assert!(
                    (zone_recall(&alarms, event, zone) - recall).abs() < 5e-3,
                    "recall of {alarms:?} for {event:?}"
                );
            }
        }
    }

    #[test]
    fn an_alarm_across_two_zones_counts_in_both() {
        let labels = [true, false, false, false, false, true];
        let both = affiliation(&[false, true, true, true, true, false], &labels).unwrap();
        let one = affiliation(&[false, true, true, false, false, false], &labels).unwrap();
        assert!((both.recall - 2.0 * one.recall).abs() < 1e-12);
        assert!((both.precision - one.precision).abs() < 1e-12);
    }

    #[test]
    fn no_alarm_is_no_agreement() {
        let none = affiliation(&[false; 3], &[false, true, false]).unwrap();
        assert_eq!((none.precision, none.recall, none.f1()), (0.0, 0.0, 0.0));
    }
}
