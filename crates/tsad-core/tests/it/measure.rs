//! What holds for the measures whatever the scores, and what they refuse.

use proptest::collection::vec;
use proptest::prelude::*;
use tsad_core::measure::{self, Measures};
use tsad_core::{ErrorKind, Result};

type Measure = fn(&[f64], &[bool]) -> Result<f64>;

/// Scores (with many ties) and labels of both kinds.
fn judged() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    let sample = (
        prop_oneof![(-9..9_i8).prop_map(f64::from), -1e3..1e3_f64],
        prop::bool::weighted(0.2),
    );
    vec(sample, 2..400)
        .prop_map(|samples| samples.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
        .prop_filter("both kinds of label", |(_, labels)| {
            labels.contains(&true) && labels.contains(&false)
        })
}

fn all(found: &Measures) -> [f64; 9] {
    [
        found.vus_pr,
        found.vus_roc,
        found.auc_pr,
        found.auc_roc,
        found.point_f1,
        found.event_f1,
        found.range_f1,
        found.affiliation_f1,
        found.point_adjusted_f1,
    ]
}

proptest! {
    #[test]
    fn every_measure_lies_between_0_and_1((scores, labels) in judged(), window in 0..80_usize) {
        for value in all(&measure::evaluate(&scores, &labels, window)?) {
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{value}");
        }
    }

    #[test]
    fn rank_measures_see_only_the_order((scores, labels) in judged(), window in 0..40_usize) {
        let mut sorted = scores.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        // Strictly increasing and far from linear.
        let other: Vec<f64> = scores
            .iter()
            .map(|score| (sorted.partition_point(|s| s < score) as f64).powi(3) - 1e5)
            .collect();
        let (a, b) = (measure::evaluate(&scores, &labels, window)?, measure::evaluate(&other, &labels, window)?);
        prop_assert_eq!((a.vus_pr, a.vus_roc), (b.vus_pr, b.vus_roc));
        prop_assert_eq!((a.auc_pr, a.auc_roc, a.point_f1), (b.auc_pr, b.auc_roc, b.point_f1));
    }

    #[test]
    fn time_has_no_direction((scores, labels) in judged(), window in 0..40_usize) {
        let back = |window| {
            let (scores, labels): (Vec<f64>, Vec<bool>) =
                scores.iter().copied().zip(labels.iter().copied()).rev().unzip();
            measure::evaluate(&scores, &labels, window)
        };
        let (a, b) = (measure::evaluate(&scores, &labels, window)?, back(window)?);
        for (a, b) in all(&a).iter().zip(&all(&b)) {
            prop_assert!((a - b).abs() < 1e-9, "{a} forwards, {b} backwards");
        }
    }

    #[test]
    fn the_labels_themselves_are_a_perfect_score((_, labels) in judged(), window in 0..40_usize) {
        let scores: Vec<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        let found = measure::evaluate(&scores, &labels, window)?;
        // The guard in the denominator costs the point F1 5e-6.
        for value in all(&found) {
            prop_assert!(value > 1.0 - 1e-5, "{found:?}");
        }
        let decided = measure::evaluate_decisions(&labels, &labels, 1)?;
        prop_assert_eq!(decided.detection_delay, Some(0.0));
        prop_assert_eq!(decided.false_alarms_per_day, 0.0);
    }

    #[test]
    fn decisions_stay_in_range(
        (predicted, labels) in vec((any::<bool>(), any::<bool>()), 1..200)
            .prop_map(|flags| flags.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
            .prop_filter("an event", |(_, labels)| labels.contains(&true)),
    ) {
        let found = measure::evaluate_decisions(&predicted, &labels, 60_000_000)?;
        for part in [found.point, found.event, found.range, found.affiliation] {
            for value in [part.precision, part.recall, part.f1()] {
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{found:?}");
            }
        }
        prop_assert_eq!(found.detection_delay.is_some(), found.event.recall > 0.0);
    }

    #[test]
    fn a_period_is_found_or_125(values in vec(-1e6..1e6_f64, 0..900)) {
        prop_assert!((6..=303).contains(&measure::period_length(&values)));
    }
}

#[test]
fn what_cannot_be_judged_is_refused() {
    const LABELS: &[bool] = &[false, true, false];
    let cases: [(&[f64], &[bool], ErrorKind, &str); 6] = [
        (
            &[],
            &[],
            ErrorKind::TooLittleData,
            "there are no samples to evaluate",
        ),
        (
            &[1.0, 2.0],
            LABELS,
            ErrorKind::InvalidParameter,
            "2 scores and 3 labels do not fit together",
        ),
        (
            &[1.0, f64::NAN, 2.0],
            LABELS,
            ErrorKind::NotFinite,
            "score 2 of 3 is NaN",
        ),
        (
            &[1.0, 2.0, f64::NEG_INFINITY],
            LABELS,
            ErrorKind::NotFinite,
            "score 3 of 3 is infinite",
        ),
        (
            &[1.0, 2.0],
            &[false; 2],
            ErrorKind::TooLittleData,
            "none of the 2 samples are labelled anomalous",
        ),
        (
            &[1.0, 2.0],
            &[true; 2],
            ErrorKind::TooLittleData,
            "all of the 2 samples are labelled anomalous",
        ),
    ];
    let functions: [Measure; 9] = [
        |s, l| measure::evaluate(s, l, 5).map(|found| found.vus_pr),
        |s, l| measure::vus(s, l, 5).map(|found| found.pr),
        measure::auc_pr,
        measure::auc_roc,
        measure::best_point_f1,
        measure::best_event_f1,
        measure::best_range_f1,
        measure::best_affiliation_f1,
        measure::best_point_adjusted_f1,
    ];
    for (scores, labels, kind, message) in cases {
        for function in functions {
            let e = function(scores, labels).unwrap_err();
            assert_eq!((e.kind(), e.message()), (kind, message));
        }
    }
}

#[test]
fn decisions_without_events_are_refused_except_for_false_alarms() {
    let (predicted, labels) = ([true, false], [false, false]);
    for found in [
        measure::point(&predicted, &labels).map(|_| ()),
        measure::event(&predicted, &labels).map(|_| ()),
        measure::range(&predicted, &labels).map(|_| ()),
        measure::affiliation(&predicted, &labels).map(|_| ()),
        measure::point_adjusted(&predicted, &labels).map(|_| ()),
        measure::detection_delay(&predicted, &labels).map(|_| ()),
        measure::evaluate_decisions(&predicted, &labels, 1).map(|_| ()),
    ] {
        let e = found.unwrap_err();
        assert_eq!(
            (e.kind(), e.message()),
            (ErrorKind::TooLittleData, "no sample is labelled anomalous")
        );
    }
    assert_eq!(
        measure::false_alarms_per_day(&predicted, &labels, 86_400_000_000).unwrap(),
        1.0
    );
    let e = measure::point(&[true], &labels).unwrap_err();
    assert_eq!(
        (e.kind(), e.message()),
        (
            ErrorKind::InvalidParameter,
            "1 decisions and 2 labels do not fit together"
        )
    );
}

#[test]
fn equal_scores_are_chance() {
    let labels: Vec<bool> = (0..100).map(|i| i % 10 == 0).collect();
    let found = measure::evaluate(&[7.0; 100], &labels, 0).unwrap();
    assert!((found.auc_roc - 0.5).abs() < 1e-12);
    assert!((found.auc_pr - 0.1).abs() < 1e-12);
    assert!((found.vus_pr - 0.1).abs() < 1e-12);
    assert_eq!((found.event_f1, found.affiliation_f1), (0.0, 0.0));
}

#[test]
fn extreme_scores_do_not_overflow() {
    let labels = [false, true, false, true, false];
    let found = measure::evaluate(&[f64::MIN, f64::MAX, 0.0, f64::MAX / 2.0, -1.0], &labels, 3).unwrap();
    assert!((found.event_f1 - 1.0).abs() < 1e-12);
    assert!((found.auc_roc - 1.0).abs() < 1e-12);
}
