//! Directions and their distribution against NumPy and SciPy, and what a model says of them.

use crate::common::{MINUTE, assert_agreement, rows, scored, trained};
use serde_json::Value;
use tsad_core::direction::{Deviation, Kind, bessel_ratio, concentration};
use tsad_core::{Decision, Model, Params, Samples, Status};

fn reference(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../data/direction_reference.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

fn values(v: &Value) -> Vec<f32> {
    numbers(v).into_iter().map(|v| v as f32).collect()
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{found} for {expected}"
    );
}

/// The same line, whatever the sign.
fn parallel(found: &[f64], expected: &[f64]) {
    let inner: f64 = found.iter().zip(expected).map(|(a, b)| a * b).sum();
    assert!(
        found.len() == expected.len() && inner.abs() > 1.0 - 1e-10,
        "{inner}"
    );
}

#[test]
fn directions_are_those_of_numpy() {
    for case in reference("lags") {
        let found = Kind::Lags.direction(&[&values(&case["window"])]).unwrap();
        parallel(&found, &numbers(&case["direction"]));
    }
    for case in reference("channels") {
        let channels: Vec<Vec<f32>> = case["channels"].as_array().unwrap().iter().map(values).collect();
        let window: Vec<&[f32]> = channels.iter().map(Vec::as_slice).collect();
        parallel(
            &Kind::Channels.direction(&window).unwrap(),
            &numbers(&case["uncentred"]),
        );
        parallel(
            &Kind::Relation.direction(&window).unwrap(),
            &numbers(&case["centred"]),
        );
    }
}

#[test]
fn concentrations_are_those_of_scipy() {
    for case in reference("concentration") {
        let dim = case["dim"].as_u64().unwrap() as usize;
        near(
            bessel_ratio(7.0, dim),
            case["ratio_at_7"].as_f64().unwrap(),
            1e-10,
        );
        let found = concentration(case["resultant"].as_f64().unwrap(), dim);
        near(found, case["kappa"].as_f64().unwrap(), 2e-3);
    }
}

#[test]
fn deviations_are_judged_as_by_scipy() {
    for case in reference("deviation") {
        let found = Deviation::fit(&numbers(&case["z"]));
        near(found.degrees, case["degrees"].as_f64().unwrap(), 1e-9);
        near(found.scale, case["scale"].as_f64().unwrap(), 1e-9);
        for (z, p) in numbers(&case["at"]).into_iter().zip(numbers(&case["p_values"])) {
            assert!(
                (found.p_value(z) - p).abs() <= 1e-8 * p + 1e-14,
                "{z}: {} for {p}",
                found.p_value(z)
            );
        }
        near(
            found.threshold(0.005),
            case["threshold_0_005"].as_f64().unwrap(),
            1e-6,
        );
    }
}

/// Two channels that move together, until the second one turns round at row 3000.
fn related(n: i64) -> Samples {
    let mut rows = Samples::new(2).unwrap();
    for i in 0..n {
        let noise = |k: i64| 0.2 * ((i * k % 1009) as f64 / 1009.0 - 0.5);
        let common = (i as f64 / 23.0).sin() + (i as f64 / 7.3).sin();
        let turned = if (3000..3100).contains(&i) { -1.0 } else { 1.0 };
        rows.push(
            i * MINUTE,
            &[common + noise(7919), turned * common + noise(104_729)],
        )
        .unwrap();
    }
    rows
}

#[test]
fn a_turned_relation_is_found_by_its_direction() {
    for decision in [Decision::Direction, Decision::Either] {
        let params = Params {
            decision,
            alpha: Some(1e-3),
            ..Params::default()
        };
        let model = trained(related(2500), params);
        let points = scored(&model, &related(4000));
        let flagged = |from: usize, to: usize| {
            points[from..to]
                .iter()
                .filter(|p| p.is_anomaly == Some(true))
                .count()
        };
        assert!(flagged(3010, 3090) > 60, "{decision:?}: {}", flagged(3010, 3090));
        assert!(flagged(2500, 2800) < 30, "{decision:?}: {}", flagged(2500, 2800));
        assert_agreement(&model, &points);
        let turned = &points[3050];
        assert!(turned.direction_p_value.unwrap() < 1e-6);
        let shares = turned.direction_channels.as_ref().unwrap();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn regimes_tell_their_size_centre_and_direction() {
    let model = trained(related(2500), Params::default());
    let regimes = model.regimes();
    assert!((2..=12).contains(&regimes.len()));
    assert!((regimes.iter().map(|r| r.share).sum::<f64>() - 1.0).abs() < 1e-9);
    for r in &regimes {
        assert_eq!(r.centres.len(), 2);
        let columns = r.example.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(columns, vec![r.window; r.example.len()]);
        for d in &r.directions {
            let length: f32 = d.mu.iter().map(|v| v * v).sum();
            assert!((length - 1.0).abs() < 1e-5 && d.resultant > 0.5 && d.kappa > 0.0);
            assert!(d.threshold > 0.0 && d.threshold < 1.0, "{d:?}");
        }
    }
    // Every example is a stretch of the training rows.
    let rows = related(2500);
    for r in regimes.iter().filter(|r| r.size > 0) {
        let same = |at: usize| {
            (0..r.window).all(|i| {
                (0..r.example.len()).all(|c| {
                    let value = rows.row(at + i)[c];
                    (r.example[c][i] - value).abs() <= 1e-5 * (1.0 + value.abs())
                })
            })
        };
        assert!((0..=2500 - r.window).any(same));
    }
    let read = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(read.regimes(), regimes);
    let points = scored(&model, &related(4000));
    assert!(
        points
            .iter()
            .all(|p| (p.regime.unwrap() as usize) < regimes.len())
    );
}

#[test]
fn noise_has_no_direction_and_says_so() {
    let noise = || rows((0..3000).map(|i: i64| (i * MINUTE, ((i * i * 7919 + i * 31) % 10_007) as f64)));
    let params = Params {
        decision: Decision::Direction,
        ..Params::default()
    };
    let model = trained(noise().head(2000), params);
    let points = scored(&model, &noise());
    let silent = points[2000..].iter().filter(|p| p.status == Status::NoDirection);
    for p in silent.clone() {
        // Only the row by itself has a say.
        assert_eq!((p.direction_p_value, p.evidence), (None, None));
        assert!(p.p_value.unwrap() > 0.01 && p.is_anomaly == Some(false), "{p:?}");
    }
    assert!(silent.count() > 20);
}
