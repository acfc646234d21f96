//! What is expected of rows, which of them are to blame, and what is too small to matter.

use crate::common::{MINUTE, assert_agreement, rows, scored, trained};
use std::sync::Arc;
use tsad_core::drift::Advice;
use tsad_core::{
    ErrorKind, Explainer, Model, Params, Point, Samples, Status, Stream, drift, score_causal, update,
};

/// A wave of 40 rows with noise, and a bump of the given height at rows 3000 to 3009.
fn wave(n: i64, bump: f64) -> Samples {
    let value = |i: i64| {
        let noise = 0.05 * ((i * 7919 % 1009) as f64 / 1009.0 - 0.5);
        let extra = if (3000..3010).contains(&i) { bump } else { 0.0 };
        10.0 + (i as f64 * std::f64::consts::TAU / 40.0).sin() + noise + extra
    };
    rows((0..n).map(|i| (i * MINUTE, value(i))))
}

fn flagged(points: &[Point]) -> usize {
    points.iter().filter(|p| p.is_anomaly == Some(true)).count()
}

#[test]
fn a_model_tells_what_was_expected_and_which_way_a_value_went() {
    let model = trained(wave(2500, 0.0), Params::default());
    let parts = model.info(0).expectation.remove(0).unwrap();
    assert!(parts.iter().any(|p| p.starts_with("period")), "{parts:?}");
    for (bump, change) in [(1.0, 1), (-1.0, -1)] {
        let points = scored(&model, &wave(4000, bump));
        assert!(
            points[3000..3010]
                .iter()
                .all(|p| p.is_anomaly == Some(true) && p.change == Some(change))
        );
        let still = points[2500..2900].iter().filter(|p| p.change == Some(0)).count();
        assert!(still > 380, "{still}");
    }
    let band = model.expected(3005 * MINUTE).unwrap()[0].unwrap();
    let normal = wave(3006, 0.0).row(3005)[0];
    assert!((band.expected - normal).abs() < 0.1 && band.lower < normal && normal < band.upper);
    let read = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(read.expected(7), model.expected(7));
}

#[test]
fn what_deviates_little_is_no_anomaly() {
    let points = |absolute, relative| {
        let params = Params {
            min_deviation: absolute,
            min_deviation_relative: relative,
            ..Params::default()
        };
        let model = trained(wave(2500, 0.0), params);
        let points = scored(&model, &wave(4000, 1.0));
        assert_agreement(&model, &points);
        points
    };
    assert!(flagged(&points(None, None)) >= 10);
    assert!(flagged(&points(Some(0.9), Some(0.05))) >= 10);
    for small in [
        points(Some(1.2), None),
        points(None, Some(0.2)),
        points(Some(0.1), Some(0.2)),
    ] {
        assert_eq!(flagged(&small[2990..3020]), 0);
        assert_eq!(small[3005].status, Status::SmallDeviation);
    }
    let bad = Params {
        min_deviation: Some(-1.0),
        ..Params::default()
    };
    assert_eq!(bad.validate().unwrap_err().kind(), ErrorKind::InvalidParameter);
}

/// Minutes that grow.
fn growing(from: i64, n: i64) -> Samples {
    let noise = |i: i64| (i * i * 31 % 1009 + i * 7919 % 1013) as f64 / 500.0;
    rows((from..from + n).map(|i| (i * MINUTE, 100.0 + 0.05 * i as f64 + noise(i))))
}

#[test]
fn growth_is_seen_by_nobody_and_told_by_everybody() {
    let model = trained(growing(0, 2500), Params::default());
    let parts = model.info(0).expectation.remove(0).unwrap();
    assert_eq!(parts[0], "line", "{parts:?}");
    let later = growing(2500, 3000);
    let points = scored(&model, &later);
    assert_agreement(&model, &points);
    assert!(flagged(&points) < 30, "{}", flagged(&points));
    let nothing = &|| {};
    let causal = score_causal(&model, later.clone(), nothing).unwrap();
    let mut stream = Stream::new(Arc::new(model.clone()));
    for (i, expected) in causal.iter().enumerate() {
        assert_eq!(
            &stream.push(later.times()[i], later.row(i)).unwrap(),
            expected,
            "{i}"
        );
    }
    assert!(flagged(&causal) < 60, "{}", flagged(&causal));
    let mut explainer = Explainer::new(&model, later.clone(), nothing).unwrap().unwrap();
    let window = explainer.explain(4000 * MINUTE, nothing).unwrap().window;
    let first = (window.first / MINUTE) as usize - 2500;
    for (i, v) in window.values.iter().enumerate() {
        assert!((v - later.row(first + i)[0]).abs() < 1e-6);
    }
    let d = drift(&model, later.clone(), nothing).unwrap();
    assert_eq!(d.advice, Advice::Keep, "{d:?}");
    assert!(d.shifts[0].unwrap().abs() < 3.0, "{d:?}");
    let newer = update(&model, later, nothing).unwrap();
    let after = scored(&newer, &growing(5500, 1000));
    assert!(flagged(&after) < 20, "{}", flagged(&after));
}
