//! Thresholds moved without training.

use crate::common::assert_agreement;
use tsad_core::calibrate::{Labels, Source};
use tsad_core::score::Target;
use tsad_core::{ErrorKind, Model, Params, Point, Samples, score, train};

const MINUTE: i64 = 60_000_000;

/// A wave with a little noise and a bump of the given height at row 3000.
fn rows(n: i64, bump: f64) -> Samples {
    let mut rows = Samples::new(1).unwrap();
    for i in 0..n {
        let noise = 0.1 * ((i * 7919 % 1009) as f64 / 1009.0 - 0.5);
        let extra = if (3000..3010).contains(&i) { bump } else { 0.0 };
        rows.push(i * MINUTE, &[(i as f64 / 9.0).sin() + noise + extra])
            .unwrap();
    }
    rows
}

fn trained(params: Params) -> Model {
    train(rows(2500, 0.0), &params.validate().unwrap(), &|| {}).unwrap()
}

fn flagged(points: &[Point]) -> usize {
    points.iter().filter(|p| p.is_anomaly == Some(true)).count()
}

fn agree(model: &Model, points: &[Point]) {
    assert_agreement(model, points);
    assert_eq!(model.alpha().unwrap(), model.info(0).calibration.unwrap().alpha);
}

#[test]
fn another_alpha_is_that_of_a_training_with_it() {
    let model = trained(Params::default());
    for (target, alpha, per_day) in [
        (Target::Alpha(0.01), Some(0.01), None),
        (Target::AlarmsPerDay(3.0), None, Some(3.0)),
    ] {
        let moved = model.recalibrated(target).unwrap();
        let fresh = trained(Params {
            alpha,
            alarms_per_day: per_day,
            ..Params::default()
        });
        assert_eq!(moved.to_bytes().unwrap(), fresh.to_bytes().unwrap());
        let points = score(&moved, rows(4000, 1.0), &|| {}).unwrap();
        agree(&moved, &points);
    }
    let e = model.recalibrated(Target::Alpha(0.7)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::InvalidParameter);
}

#[test]
fn labels_move_the_threshold_to_where_they_agree() {
    let model = trained(Params::default());
    let points = score(&model, rows(4000, 3.0), &|| {}).unwrap();
    agree(&model, &points);
    let bump = (2990 * MINUTE, 3020 * MINUTE);
    let one = Labels {
        anomalous: vec![bump],
        ..Labels::default()
    };
    let none = Labels {
        normal: vec![bump],
        ..Labels::default()
    };
    let calm = model.recalibrated_by_labels(&points, &none).unwrap();
    let keen = calm.recalibrated_by_labels(&points, &one).unwrap();
    let again = |m: &Model| score(m, rows(4000, 3.0), &|| {}).unwrap();
    agree(&calm, &again(&calm));
    agree(&keen, &again(&keen));
    assert_eq!(flagged(&again(&calm)[2990..3020]), 0);
    assert!(flagged(&again(&keen)[2990..3020]) > 0);
    let read = Model::from_bytes(&keen.to_bytes().unwrap()).unwrap();
    assert_eq!(read, keen);
    assert_eq!(keen.info(0).calibration.unwrap().source, Source::Labels);
    let nowhere = Labels {
        normal: vec![(-5, -4)],
        ..Labels::default()
    };
    let e = model.recalibrated_by_labels(&points, &nowhere).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::TooLittleData);
}

#[test]
fn recent_normal_scores_replace_those_of_the_training() {
    let model = trained(Params::default());
    let points = score(&model, rows(9000, 0.0), &|| {}).unwrap();
    let recent = model.recalibrated_on(&points).unwrap();
    let info = recent.info(0).calibration.unwrap();
    assert_eq!(info.source, Source::Recent);
    assert!(info.samples > 5900 && info.samples < 6500, "{info:?}");
    assert_eq!(info.alpha, model.info(0).calibration.unwrap().alpha);
    agree(&recent, &score(&recent, rows(9000, 0.0), &|| {}).unwrap());
    let e = model.recalibrated_on(&points[..2600]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::TooLittleData);
    let untrained = train(rows(10, 0.0), &Params::default().validate().unwrap(), &|| {}).unwrap();
    assert_eq!(
        untrained.recalibrated(Target::Alpha(0.1)).unwrap_err().kind(),
        ErrorKind::TooLittleData
    );
}

#[test]
fn a_small_training_part_flags_neither_everything_nor_nothing() {
    for n in [64, 100, 200, 300, 500, 1000] {
        let params = Params {
            alpha: Some(1e-3),
            ..Params::default()
        };
        let mut all = rows(2900, 0.0);
        for i in 2900..2910 {
            all.push(i * MINUTE, &[40.0]).unwrap();
        }
        for i in 2910..3500 {
            all.push(i * MINUTE, &[(i as f64 / 9.0).sin()]).unwrap();
        }
        let model = train(all.head(n), &params.validate().unwrap(), &|| {}).unwrap();
        let points = score(&model, all, &|| {}).unwrap();
        let share = flagged(&points[n..2700]) as f64 / (2700 - n) as f64;
        // A period that was seen a few times runs out of step.
        let most = if (200..=300).contains(&n) { 0.5 } else { 0.2 };
        assert!(share < most, "{n} rows: {share} flagged");
        assert!(
            flagged(&points[2900..2910]) == 10,
            "{n} rows: the spike is missed"
        );
    }
}

/// What a user said counts for what rows tell by themselves too, in a model without windows as well.
#[test]
fn rows_tell_only_what_nobody_called_normal() {
    let value = |i: i64| match i {
        2600 => 15.0,
        2700 => 60.0,
        _ => (i as f64 / 9.0).sin() + 0.1 * ((i * 7919 % 1009) as f64 / 1009.0 - 0.5),
    };
    for (n, shortest) in [(200, 128), (2500, 32)] {
        let mut all = Samples::new(1).unwrap();
        for i in 2500 - n..2900 {
            all.push(i * MINUTE, &[value(i)]).unwrap();
        }
        let params = Params {
            scales: vec![shortest],
            ..Params::default()
        };
        let model = train(all.head(n as usize), &params.validate().unwrap(), &|| {}).unwrap();
        assert_eq!(model.has_windows(), n > 200);
        let found = |model: &Model| -> Vec<i64> {
            let points = score(model, all.clone(), &|| {}).unwrap();
            let flagged = points.iter().filter(|p| p.is_anomaly == Some(true));
            flagged.map(|p| p.time / MINUTE).collect()
        };
        let points = score(&model, all.clone(), &|| {}).unwrap();
        assert_eq!(found(&model), [2600, 2700]);
        let at = |i: i64| vec![(i * MINUTE, i * MINUTE)];
        let labelled = |normal, anomalous| {
            let labels = Labels { normal, anomalous };
            model.recalibrated_by_labels(&points, &labels).unwrap()
        };
        assert_eq!(found(&labelled(at(2600), at(2700))), [2700]);
        assert!(found(&labelled(at(2700), vec![])).is_empty());
        // What was confirmed is found again, and with it what is odder.
        assert_eq!(found(&labelled(at(2700), at(2600))), [2600, 2700]);
        let quiet = labelled(at(2600), vec![]);
        assert_eq!(Model::from_bytes(&quiet.to_bytes().unwrap()).unwrap(), quiet);
        assert!(quiet.info(0).rows_told_below.unwrap() < quiet.alpha().unwrap());
    }
}
