//! Values that are wrong in a payload that is well-formed.

use crate::codec::{HEADER, assert_corrupt, read, sealed, small};
use crate::codec_payload::refused_or_usable;
use crate::common::{MINUTE, mackey_glass, rows, scored, trained, waves, wide_rows, with_context};
use serde_cbor::Value;
use std::collections::BTreeMap;
use tsad_core::{Params, Samples};

fn decoded() -> Value {
    serde_cbor::from_slice(&small()[HEADER..]).unwrap()
}

fn encoded(value: &Value) -> Vec<u8> {
    serde_cbor::to_vec(value).unwrap()
}

fn at<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(value, |v, name| match v {
        Value::Map(map) => map.get_mut(&Value::Text((*name).to_owned())).unwrap(),
        Value::Array(list) => &mut list[name.parse::<usize>().unwrap()],
        other => panic!("{name} in {other:?}"),
    })
}

/// The payload with one value replaced.
fn with(path: &str, new: Value) -> Vec<u8> {
    let mut value = decoded();
    let path: Vec<&str> = path.split('/').collect();
    *at(&mut value, &path) = new;
    encoded(&value)
}

fn floats(values: &[f32]) -> Value {
    Value::Bytes(values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

const SCALE: &str = "body/trained/channels/0/scales/0";

#[test]
fn an_unchanged_payload_is_accepted() {
    let payload = encoded(&decoded());
    assert!(refused_or_usable(&payload, "unchanged"));
}

#[test]
fn numbers_out_of_range_are_refused() {
    let (int, float) = (Value::Integer, Value::Float);
    let (nan, infinite) = (float(f64::NAN), float(f64::INFINITY));
    let cases = [
        (
            "channels",
            vec![int(0), int(-1), int(1025), int(1 << 40), nan.clone()],
        ),
        ("rows", vec![int(-1), float(0.5), int(i128::from(u64::MAX))]),
        (
            "library",
            vec![Value::Text("0.1\0".to_owned()), Value::Text("x".repeat(1001))],
        ),
        ("first_time", vec![int(1 << 62), float(1.0)]),
        ("params/centres", vec![int(0), int(-3), int(1 << 33)]),
        (
            "params/max_gap",
            vec![int(-1), int(1001), int(i128::from(u64::MAX))],
        ),
        ("params/contamination", vec![nan.clone(), float(0.5), float(-0.1)]),
        ("params/alpha", vec![nan.clone(), float(0.0), float(2.0)]),
        ("body/trained/grid/interval", vec![int(0), int(-60)]),
        (
            "body/trained/grid/phase",
            vec![int(-1), int(60_000_000), int(i128::from(i64::MAX))],
        ),
        ("body/trained/samples", vec![int(0), int(-1)]),
        ("body/trained/imputed", vec![int(121), int(-1)]),
        (
            "body/trained/channels/0/index",
            vec![int(1), int(-1), int(1 << 32)],
        ),
        (
            "body/trained/channels/0/scale/median",
            vec![nan.clone(), infinite.clone()],
        ),
        (
            "body/trained/channels/0/scale/scale",
            vec![
                nan.clone(),
                infinite.clone(),
                float(0.0),
                float(-1.0),
                float(5e-324),
            ],
        ),
        (
            "body/trained/calibration/alpha",
            vec![nan.clone(), float(0.0), float(-1.0), float(0.6)],
        ),
        (
            "body/trained/calibration/threshold",
            vec![nan.clone(), infinite.clone(), float(f64::MIN)],
        ),
        (
            "body/trained/calibration/achieved",
            vec![nan.clone(), float(1.5), float(-0.5)],
        ),
        (
            "body/trained/calibration/tail/shape",
            vec![nan.clone(), float(0.6), float(-0.1)],
        ),
        (
            "body/trained/calibration/tail/scale",
            vec![nan.clone(), infinite.clone(), float(0.0), float(5e-324)],
        ),
        (
            "body/trained/calibration/samples",
            vec![int(-1), int(0), int(i128::from(u64::MAX))],
        ),
        (
            "body/trained/regimes/all/0/axes/0/deviation/scale",
            vec![float(0.0), float(5e-324), float(1e300), nan.clone()],
        ),
        (
            "body/trained/regimes/all/0/axes/0/deviation/degrees",
            vec![float(0.0), float(5e-324), float(1e15), nan.clone()],
        ),
        ("body/trained/regimes/all/0/axes/0/kappa", vec![float(1e300)]),
    ];
    for (path, wrong) in cases {
        for new in wrong {
            let how = format!("{path} = {new:?}");
            assert_corrupt(&sealed(1, 1, 0, &with(path, new)), &how);
        }
    }
    for (name, wrong) in [
        ("length", vec![int(7), int(12), int(-8), int(4097), int(1 << 31)]),
        ("amplitude/mean", vec![nan.clone(), infinite.clone()]),
        ("shape/deviation", vec![nan, infinite, float(-1.0)]),
    ] {
        for new in wrong {
            let how = format!("{name} = {new:?}");
            assert_corrupt(&sealed(1, 1, 0, &with(&format!("{SCALE}/{name}"), new)), &how);
        }
    }
}

#[test]
fn vectors_of_wrong_length_or_content_are_refused() {
    for view in ["amplitude", "shape", "spectrum", "profile"] {
        for name in ["location", "factor", "centres"] {
            let path = format!("{SCALE}/{view}/{name}");
            let mut value = decoded();
            let Value::Bytes(right) = at(&mut value, &path.split('/').collect::<Vec<_>>()).clone() else {
                panic!("{path} is not a string of bytes");
            };
            let mut endless = right.clone();
            endless[..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
            for wrong in [
                Value::Bytes(Vec::new()),
                Value::Bytes(right[1..].to_vec()),
                Value::Bytes(right[4..].to_vec()),
                Value::Bytes([right.as_slice(), &[0; 4]].concat()),
                Value::Bytes(endless),
                floats(&vec![f32::NAN; right.len() / 4]),
                Value::Null,
                Value::Text("centres".to_owned()),
            ] {
                assert_corrupt(&sealed(1, 1, 0, &with(&path, wrong)), &path);
            }
        }
    }
}

#[test]
fn lists_that_are_empty_repeated_or_unsorted_are_refused() {
    let mut value = decoded();
    let channel = at(&mut value, &["body", "trained", "channels", "0"]).clone();
    let scale = at(&mut value, &SCALE.split('/').collect::<Vec<_>>()).clone();
    let (none, int) = (Value::Array(Vec::new()), Value::Integer);
    for (path, wrong) in [
        ("body/trained/channels", none.clone()),
        ("body/trained/channels", Value::Array(vec![channel; 2])),
        ("body/trained/channels/0/scales", none.clone()),
        ("body/trained/channels/0/scales", Value::Array(vec![scale; 2])),
        ("params/scales", none.clone()),
        ("params/scales", Value::Array(vec![int(32), int(8)])),
        ("params/scales", Value::Array(vec![int(8); 1000])),
        ("body/trained/calibration/knots", none),
        (
            "body/trained/calibration/knots",
            Value::Array(vec![Value::Float(1.0)]),
        ),
        (
            "body/trained/calibration/knots",
            Value::Array(vec![Value::Float(2.0), Value::Float(1.0)]),
        ),
        (
            "body/trained/calibration/knots",
            Value::Array(vec![Value::Float(f64::NAN); 9]),
        ),
        ("body", Value::Map(BTreeMap::new())),
        ("body/trained", Value::Null),
    ] {
        assert_corrupt(&sealed(1, 1, 0, &with(path, wrong)), path);
    }
}

#[test]
fn fields_too_many_or_too_few_are_refused() {
    for path in [
        "",
        "params",
        "body",
        "body/trained",
        "body/trained/calibration",
        SCALE,
    ] {
        let names: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        let mut more = decoded();
        let Value::Map(map) = at(&mut more, &names) else {
            panic!("{path} is not a map");
        };
        map.insert(Value::Text("sequel".to_owned()), Value::Null);
        assert_corrupt(&sealed(1, 1, 0, &encoded(&more)), path);
        let mut fewer = decoded();
        let Value::Map(map) = at(&mut fewer, &names) else {
            panic!("{path} is not a map");
        };
        map.pop_last();
        // Options may be left out: they have defaults.
        if path != "params" {
            assert_corrupt(&sealed(1, 1, 0, &encoded(&fewer)), path);
        }
    }
}

#[test]
fn windows_for_causal_scores_that_do_not_fit_are_refused() {
    let params = Params {
        scales: vec![8, 16],
        centres: 2,
        causal: true,
        ..Params::default()
    };
    let model = trained(waves(200), params);
    assert_eq!(model.info(0).causal_scales, [8, 12, 16]);
    let payload: Value = serde_cbor::from_slice(&model.to_bytes().unwrap()[HEADER..]).unwrap();
    assert!(refused_or_usable(&encoded(&payload), "unchanged"));
    let causal = "body/trained/channels/0/causal".split('/').collect::<Vec<_>>();
    type Change = fn(&mut Vec<Value>);
    let changes: [(&str, Change); 5] = [
        ("in another order", |all| all.reverse()),
        ("one twice", |all| all.push(all[2].clone())),
        ("another length", |all| {
            *at(&mut all[0], &["length"]) = Value::Integer(10)
        }),
        ("one longer than the others", |all| {
            *at(&mut all[2], &["length"]) = Value::Integer(32)
        }),
        ("another thing", |all| all[1] = Value::Integer(12)),
    ];
    for (how, change) in changes {
        let mut payload = payload.clone();
        let Value::Array(all) = at(&mut payload, &causal) else {
            panic!("not a list")
        };
        change(all);
        assert_corrupt(&sealed(1, 1, 0, &encoded(&payload)), how);
    }
    // A model need not have any.
    let mut without = payload;
    *at(&mut without, &causal) = Value::Array(Vec::new());
    assert!(refused_or_usable(&encoded(&without), "none"));
}

#[test]
fn a_usable_model_of_absurd_numbers_scores_without_panic() {
    let (int, float) = (Value::Integer, Value::Float);
    let grid = "body/trained/grid/interval";
    for (path, new) in [
        (grid, int(i128::from(i64::MAX))),
        ("params/max_gap", int(1000)),
        ("params/seed", int(i128::from(u64::MAX))),
        ("rows", int(1 << 53)),
        ("last_time", int(i128::from(i64::MAX))),
        ("first_time", int(i128::from(i64::MIN))),
        ("body/trained/channels/0/scale/median", float(f64::MAX)),
        ("body/trained/channels/0/scale/scale", float(3e-308)),
        ("body/trained/calibration/threshold", float(-1e170)),
        ("body/trained/calibration/tail/scale", float(1e-9)),
        (&format!("{SCALE}/shape/mean"), float(-1e9)),
        (&format!("{SCALE}/shape/mean"), float(1e9)),
        (&format!("{SCALE}/spectrum/deviation"), float(1e9)),
    ] {
        assert!(refused_or_usable(&with(path, new), path), "{path}");
    }
    let far = read(&sealed(1, 1, 0, &with(grid, int(1)))).unwrap();
    let times = [i64::MIN, -1, 0, 1, i64::MAX];
    assert_eq!(scored(&far, &rows(times.map(|t| (t, 1.0)))).len(), 5);
}

#[test]
fn scores_far_below_the_usual_are_positive_and_their_shares_sum_to_1() {
    let mut value = decoded();
    for view in ["amplitude", "shape", "spectrum", "profile"] {
        let path = format!("{SCALE}/{view}/mean");
        *at(&mut value, &path.split('/').collect::<Vec<_>>()) = Value::Float(1e6);
    }
    let model = read(&sealed(1, 1, 0, &encoded(&value))).unwrap();
    for p in scored(&model, &waves(100)) {
        assert!(p.score.unwrap() > 0.0);
        assert!(
            (p.views.unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-6,
            "{:?}",
            p.views
        );
        assert_eq!(p.channels.unwrap(), [1.0]);
    }
}

#[test]
fn dynamics_that_do_not_fit_are_refused() {
    let values = (0..).map(|i| i * MINUTE).zip(mackey_glass(1300));
    let params = Params {
        scales: vec![64],
        centres: 2,
        ..Params::default()
    };
    let bytes = trained(rows(values), params).to_bytes().unwrap();
    let payload: Value = serde_cbor::from_slice(&bytes[HEADER..]).unwrap();
    let cases = [
        ("weights", floats(&[1.0; 7])),
        ("weights", Value::Null),
        ("limit", Value::Float(f64::INFINITY)),
        ("slope", Value::Float(0.0)),
        ("slope", Value::Float(f64::NAN)),
    ];
    for (name, new) in cases {
        let mut value = payload.clone();
        let path = format!("body/trained/residuals/predictors/0/dynamics/{name}");
        *at(&mut value, &path.split('/').collect::<Vec<_>>()) = new;
        assert_corrupt(&sealed(1, 1, 0, &encoded(&value)), name);
    }
    // Of several channels none has any.
    let mut alone = payload;
    let predictor = ["body", "trained", "residuals", "predictors", "0"];
    let dynamics = at(&mut alone, &[&predictor[..], &["dynamics"]].concat()).clone();
    let both = (0..900_i64).map(|i| (i * MINUTE, vec![(i as f64 / 5.0).sin(), (i as f64 / 3.0).cos()]));
    let params = Params {
        scales: vec![64],
        ..Params::default()
    };
    let bytes = trained(wide_rows(2, &both.collect::<Vec<_>>()), params)
        .to_bytes()
        .unwrap();
    let mut several: Value = serde_cbor::from_slice(&bytes[HEADER..]).unwrap();
    let Value::Map(first) = at(&mut several, &predictor) else {
        panic!("no map");
    };
    first.insert(Value::Text("dynamics".to_owned()), dynamics);
    assert_corrupt(&sealed(1, 1, 0, &encoded(&several)), "several");
}

#[test]
fn residuals_that_do_not_fit_are_refused() {
    let mut rows = Samples::new(2).unwrap();
    for i in 0..400_i64 {
        let (a, b) = ((i as f64 / 5.0).sin(), (i as f64 / 3.0).cos());
        rows.push(i * MINUTE, &[a + 0.1 * b, b]).unwrap();
    }
    let params = Params {
        scales: vec![32],
        centres: 2,
        ..Params::default()
    };
    let bytes = trained(rows, params).to_bytes().unwrap();
    let payload: Value = serde_cbor::from_slice(&bytes[HEADER..]).unwrap();
    let float = Value::Float;
    let cases = [
        ("predictors", Value::Array(vec![Value::Null])),
        ("predictors/0/weights", floats(&[1.0; 7])),
        ("predictors/0/factor", float(0.0)),
        ("predictors/0/limit", float(-1.0)),
        ("predictors/1/location", float(f64::NAN)),
        ("relations/0/first", Value::Integer(1)),
        ("relations/0/locations", floats(&[0.0])),
        ("relations/0/factors", floats(&[1.0, f32::INFINITY])),
        ("relations/0/weights", floats(&[1.0; 3])),
        ("relations/0/limits", floats(&[1.0; 3])),
        ("relations/0/limits", floats(&[1.0, 0.0])),
    ];
    for (path, new) in cases {
        let mut value = payload.clone();
        let whole = format!("body/trained/residuals/{path}");
        *at(&mut value, &whole.split('/').collect::<Vec<_>>()) = new;
        assert_corrupt(&sealed(1, 1, 0, &encoded(&value)), path);
    }
    let mut twice = payload;
    let Value::Array(relations) = at(&mut twice, &["body", "trained", "residuals", "relations"]) else {
        panic!("no list");
    };
    relations.push(relations[0].clone());
    assert_corrupt(&sealed(1, 1, 0, &encoded(&twice)), "a relation twice");
}

#[test]
fn a_context_of_windows_that_does_not_fit_is_refused() {
    let model = with_context();
    let payload: Value = serde_cbor::from_slice(&model.to_bytes().unwrap()[HEADER..]).unwrap();
    assert!(refused_or_usable(&encoded(&payload), "unchanged"));
    let cases = [
        ("weight", Value::Float(1.5)),
        ("weight", Value::Float(f64::NAN)),
        ("components", floats(&[1.0; 7])),
        ("map", floats(&[])),
        ("whitening", Value::Array(Vec::new())),
        ("whitening/1", floats(&[1.0; 3])),
        ("gains", floats(&[1.0, 1.0, -1.0, 1.0])),
        ("gains", floats(&[1.0; 3])),
        ("usual/0/slope", Value::Float(-1.0)),
        ("usual/3/at_zero", Value::Float(f64::INFINITY)),
    ];
    for (path, new) in cases {
        let mut value = payload.clone();
        let whole = format!("{SCALE}/beside/{path}");
        *at(&mut value, &whole.split('/').collect::<Vec<_>>()) = new;
        assert_corrupt(&sealed(1, 1, 0, &encoded(&value)), path);
    }
}
