//! Every value of a model replaced by every extreme one behind a right checksum: what is read can be used by every
//! function, in a bounded time.

use crate::codec::{HEADER, sealed};
use crate::common::{MINUTE, mackey_glass, part, rows, trained, wave, waves, wide_rows, with_context};
use serde_cbor::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tsad_core::calibrate::Labels;
use tsad_core::score::Target;
use tsad_core::{
    ErrorKind, Explainer, Model, Params, Samples, Stream, drift, score, score_causal, score_only,
    score_with_shares, update,
};

/// No call takes longer, on a busy machine and without optimisation; the calls that this is about never end.
const LONGEST: Duration = Duration::from_secs(20);

/// Numbers that training does not write in most places, or at the edge of what it writes.
const FLOATS: [f64; 14] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    1e300,
    1e15,
    -1.0,
    -0.0,
    0.0,
    1.0,
    1e-15,
    1e-300,
    5e-324,
];
const INTEGERS: [i128; 11] = [
    0,
    1,
    -1,
    7,
    4097,
    1 << 31,
    u32::MAX as i128,
    1_000_000_000_000_000,
    i64::MAX as i128,
    i64::MIN as i128,
    u64::MAX as i128,
];

/// Where a value stands in another one.
type Path = Vec<Step>;

#[derive(Clone)]
enum Step {
    Field(Value),
    Item(usize),
}

fn at<'a>(value: &'a mut Value, path: &[Step]) -> &'a mut Value {
    path.iter().fold(value, |v, step| match (v, step) {
        (Value::Map(map), Step::Field(name)) => map.get_mut(name).unwrap(),
        (Value::Array(list), Step::Item(i)) => &mut list[*i],
        (other, _) => panic!("no step into {other:?}"),
    })
}

fn name(path: &[Step]) -> String {
    let step = |s: &Step| match s {
        Step::Field(Value::Text(name)) => name.clone(),
        Step::Field(other) => format!("{other:?}"),
        Step::Item(i) => i.to_string(),
    };
    path.iter().map(step).collect::<Vec<_>>().join("/")
}

/// The places of all values; of a list the first two, the middle and the last one.
fn places(value: &Value, path: &mut Path, out: &mut Vec<Path>) {
    out.push(path.clone());
    let mut inside = |step: Step, v: &Value, path: &mut Path| {
        path.push(step);
        places(v, path, out);
        path.pop();
    };
    match value {
        Value::Map(map) => map
            .iter()
            .for_each(|(k, v)| inside(Step::Field(k.clone()), v, path)),
        Value::Array(list) => {
            let mut some = vec![0, 1, list.len() / 2, list.len().saturating_sub(1)];
            some.sort_unstable();
            some.dedup();
            some.retain(|i| *i < list.len());
            some.into_iter()
                .for_each(|i| inside(Step::Item(i), &list[i], path));
        }
        _ => {}
    }
}

/// What a value may be replaced by.
fn replacements(value: &Value) -> Vec<Value> {
    let int = |i: &i128| Value::Integer(*i);
    let mut out = vec![
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        Value::Array(Vec::new()),
        Value::Map(Default::default()),
        Value::Text("\0".to_owned()),
        Value::Bytes(vec![0; 4]),
    ];
    match value {
        Value::Integer(i) => {
            out.extend(INTEGERS.iter().map(int));
            out.extend([i - 1, i + 1, i * 2].iter().map(int));
            out.push(Value::Float(1e300));
        }
        Value::Float(f) => {
            out.extend(FLOATS.map(Value::Float));
            out.extend([-f, f * 1e6, f * 1e-6].map(Value::Float));
            out.push(Value::Integer(1));
        }
        Value::Text(text) => {
            let zero = format!("{text}\0");
            for text in [
                "",
                "in_sample",
                "integer",
                "too_few_windows",
                &zero,
                &"x".repeat(70_000),
            ] {
                out.push(Value::Text(text.to_owned()));
            }
        }
        Value::Bytes(bytes) => out.extend(vectors(bytes).into_iter().map(Value::Bytes)),
        Value::Array(list) => {
            for fewer in [list.get(1..), list.split_last().map(|l| l.1), list.get(..1)] {
                out.extend(fewer.map(|l| Value::Array(l.to_vec())));
            }
            for more in [list.first(), list.last(), Some(&Value::Null)]
                .into_iter()
                .flatten()
            {
                out.push(Value::Array(
                    [list.as_slice(), std::slice::from_ref(more)].concat(),
                ));
                out.push(Value::Array(vec![more.clone(); list.len()]));
            }
            out.push(Value::Array([list.as_slice(), list].concat()));
            out.push(Value::Array(list.iter().rev().cloned().collect()));
        }
        Value::Map(map) => {
            for name in map.keys() {
                let mut fewer = map.clone();
                fewer.remove(name);
                out.push(Value::Map(fewer));
            }
        }
        _ => out.extend([Value::Integer(0), Value::Float(0.0), Value::Integer(1 << 40)]),
    }
    out.retain(|new| new != value);
    out
}

/// Other lists of numbers, of the same length and of others.
fn vectors(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = vec![Vec::new(), bytes.repeat(2), bytes[..bytes.len() / 2].to_vec()];
    for less in [1, 4, 8] {
        out.extend(bytes.get(less..).map(<[u8]>::to_vec));
        out.push([bytes, &vec![0; less]].concat());
    }
    for f in FLOATS {
        let (single, double) = ((f as f32).to_le_bytes(), f.to_le_bytes());
        for number in [single.as_slice(), &double] {
            if !bytes.len().is_multiple_of(number.len()) {
                continue;
            }
            out.push(number.repeat(bytes.len() / number.len()));
            let rest = bytes.get(number.len()..).unwrap_or_default();
            out.push([number, rest].concat());
            let rest = bytes.get(..bytes.len().saturating_sub(number.len()));
            out.push([rest.unwrap_or_default(), number].concat());
        }
    }
    out.retain(|new| new != bytes);
    out
}

/// Calls every function that takes a model; `calling` is told of each.
fn use_everywhere(model: &Model, calling: &dyn Fn(&str)) {
    let nothing = &|| {};
    calling("info");
    let info = serde_json::to_string(&model.info(0)).unwrap();
    // PostgreSQL has no zero character.
    assert!(!info.contains("\\u0000"), "{info}");
    calling("regimes");
    let regimes = serde_json::to_string(&model.regimes()).unwrap();
    assert!(!regimes.contains("\\u0000"));
    let sizes = model.regimes().iter().map(|r| r.size).max().unwrap_or(0);
    assert!(i64::try_from(sizes).is_ok());
    calling("small ones");
    let _ = (
        model.reach(),
        model.interval(),
        model.threshold(),
        model.causal_threshold(),
    );
    let _ = (
        model.expected(0),
        model.expected(i64::MAX),
        model.expected(i64::MIN),
    );
    let _ = (
        model.shortest_window(),
        model.longest_window(),
        model.untrained_reason(),
    );
    if let Some(rows) = model.row_model() {
        calling("silences");
        let times = [
            i64::MIN,
            i64::MIN + 1,
            -1,
            0,
            1,
            MINUTE,
            90 * MINUTE,
            1 << 50,
            i64::MAX,
        ];
        for silence in (0..model.channels()).flat_map(|c| rows.silences(c, &times, nothing)) {
            assert!(
                silence.missed.is_finite() && silence.missed <= 1e18,
                "{silence:?}"
            );
        }
        calling("expected");
        for band in times.iter().flat_map(|t| rows.expected(*t)).flatten() {
            assert!(band.lower <= band.upper && !band.expected.is_nan(), "{band:?}");
        }
    }
    calling("bytes");
    let bytes = model.to_bytes().unwrap();
    assert_eq!(Model::from_bytes(&bytes).as_ref(), Ok(model));
    model.checksum().unwrap();
    let some = like(model, (300..340).chain(350..390));
    calling("score");
    let points = score(model, some.clone(), nothing).unwrap();
    assert_eq!(points.len(), some.len());
    assert!(
        points.iter().all(|p| p.score.is_none_or(f64::is_finite)),
        "a score is not finite"
    );
    calling("score_only");
    score_only(model, some.clone(), nothing).unwrap();
    calling("score_with_shares");
    score_with_shares(model, some.clone(), nothing).unwrap();
    calling("score_causal");
    score_causal(model, some.clone(), nothing).unwrap();
    calling("stream");
    let mut stream = Stream::new(Arc::new(model.clone()));
    for i in 0..some.len() {
        stream.push(some.times()[i], some.row(i)).unwrap();
    }
    calling("explain");
    if let Some(mut explainer) = Explainer::new(model, some.clone(), nothing).unwrap() {
        for i in [0, 20, 45, 79] {
            explainer.explain(some.times()[i], nothing);
        }
    }
    calling("drift");
    serde_json::to_string(&drift(model, some.clone(), nothing).unwrap()).unwrap();
    calling("recalibrated");
    for target in [Target::Alpha(1e-6), Target::Alpha(0.5), Target::AlarmsPerDay(1.0)] {
        usable_result(model.recalibrated(target), calling);
    }
    calling("recalibrated_by_labels");
    let labels = Labels {
        normal: vec![(300 * MINUTE, 320 * MINUTE)],
        anomalous: vec![(330 * MINUTE, 360 * MINUTE)],
    };
    usable_result(model.recalibrated_by_labels(&points, &labels), calling);
    calling("recalibrated_on");
    usable_result(model.recalibrated_on(&points), calling);
    calling("update");
    usable_result(update(model, some, nothing), calling);
}

fn usable_result(result: tsad_core::Result<Model>, calling: &dyn Fn(&str)) {
    match result {
        Ok(model) => {
            calling("regimes of the result");
            model.regimes();
            model.to_bytes().unwrap();
        }
        Err(e) => {
            let ours = [
                ErrorKind::TooLittleData,
                ErrorKind::InvalidParameter,
                ErrorKind::Limit,
            ];
            assert!(ours.contains(&e.kind()), "{e}");
        }
    }
}

/// Rows that a model takes.
fn like(model: &Model, minutes: impl Iterator<Item = i64>) -> Samples {
    let mut some = match model.time_kind() {
        tsad_core::TimeKind::Timestamp => Samples::new(model.channels()).unwrap(),
        tsad_core::TimeKind::Integer => Samples::new(model.channels())
            .unwrap()
            .with_times(tsad_core::TimeKind::Integer),
    };
    for i in minutes {
        let values: Vec<f64> = (0..model.channels() as i64).map(|c| wave(i + 3 * c)).collect();
        some.push(i * MINUTE, &values).unwrap();
    }
    some
}

/// Replaces every value of a model; of what is read nothing panics and nothing hangs. Returns how many were read.
fn forge(model: &Model) -> usize {
    forge_within(model, &[])
}

/// The same of the values at places of which one of these names is a part; without names of all.
fn forge_within(model: &Model, names: &'static [&'static str]) -> usize {
    let payload: Value = serde_cbor::from_slice(&model.to_bytes().unwrap()[HEADER..]).unwrap();
    let doing = Arc::new(Mutex::new(String::new()));
    let (alive, watched) = channel();
    let worker = {
        let doing = Arc::clone(&doing);
        std::thread::spawn(move || {
            let mut all = Vec::new();
            places(&payload, &mut Vec::new(), &mut all);
            all.retain(|p| names.is_empty() || names.iter().any(|n| name(p).split('/').any(|s| s == *n)));
            let (mut used, mut faults) = (0, Vec::new());
            for path in all {
                let mut forged = payload.clone();
                let original = at(&mut forged, &path).clone();
                for new in replacements(&original) {
                    let how = format!("{} = {}", name(&path), shown(&new));
                    *at(&mut forged, &path) = new;
                    let bytes = sealed(1, 1, 0, &serde_cbor::to_vec(&forged).unwrap());
                    let calling = |what: &str| {
                        *doing.lock().unwrap() = format!("{what} of {how}");
                        alive.send(()).unwrap();
                    };
                    calling("reading");
                    let done = catch_unwind(AssertUnwindSafe(|| match Model::from_bytes(&bytes) {
                        Err(e) => assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}"),
                        Ok(model) => {
                            used += 1;
                            use_everywhere(&model, &calling);
                        }
                    }));
                    if done.is_err() {
                        faults.push(doing.lock().unwrap().clone());
                    }
                }
            }
            (used, faults)
        })
    };
    loop {
        match watched.recv_timeout(LONGEST) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => panic!("no end: {}", doing.lock().unwrap()),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let (used, faults) = worker.join().unwrap();
    assert!(
        faults.is_empty(),
        "{} panics:\n{}",
        faults.len(),
        faults.join("\n")
    );
    used
}

fn shown(value: &Value) -> String {
    let text = format!("{value:?}");
    text.chars().take(90).collect()
}

fn small(params: Params) -> Params {
    Params {
        scales: vec![8, 16],
        centres: 2,
        ..params
    }
}

fn two_columns(n: i64) -> Samples {
    let row = |i: i64| (i * MINUTE, vec![wave(i), wave(i + 3)]);
    wide_rows(2, &(0..n).map(row).collect::<Vec<_>>())
}

#[test]
fn a_forged_model_without_training() {
    assert!(forge(&trained(waves(3), Params::default())) > 50);
}

#[test]
fn a_forged_model_of_one_column() {
    assert!(forge(&trained(waves(300), small(Params::default()))) > 500);
}

#[test]
fn a_forged_model_of_two_columns() {
    let params = Params {
        scales: vec![8],
        ..small(Params::default())
    };
    assert!(forge(&trained(two_columns(300), params)) > 500);
}

#[test]
fn a_forged_model_with_windows_for_causal_scores() {
    let params = Params {
        scales: vec![8],
        causal: true,
        ..small(Params::default())
    };
    assert!(forge(&trained(waves(300), params)) > 500);
}

/// Hours or days by which rows are judged, without windows.
fn expectations(step: i64, n: i64, value: impl Fn(i64) -> f64) -> Model {
    let params = Params {
        scales: vec![4096],
        ..Params::default()
    };
    let model = trained(rows((0..n).map(|i| (i * step * MINUTE, value(i)))), params);
    assert!(model.row_model().is_some() && !model.has_windows());
    model
}

#[test]
fn a_forged_expectation_of_growing_days() {
    let week = |i: i64| [5.0, 6.0, 6.0, 6.0, 5.0, 2.0, 1.0][(i % 7) as usize];
    let grown = expectations(1440, 120, |i| {
        (100.0 + 10.0 * week(i) + wave(i)) * (1.0 + i as f64 / 40.0)
    });
    assert!(forge_within(&grown, &["row_model"]) > 100);
}

#[test]
fn a_forged_expectation_of_hours_with_a_job_and_open_hours() {
    let noise = |i: i64| (i * 7919 % 1009) as f64 / 100.0;
    let job = |i: i64| if i % 48 == 2 { 300.0 } else { 0.0 };
    let jobs = expectations(60, 24 * 21, |i| 100.0 + noise(i) + job(i));
    assert!(forge_within(&jobs, &["row_model"]) > 100);
    let open: Vec<i64> = (0..24 * 21).filter(|i| (8..18).contains(&(i % 24))).collect();
    let params = Params {
        scales: vec![4096],
        ..Params::default()
    };
    let counted = rows(open.iter().map(|i| (i * 60 * MINUTE, (noise(*i) / 2.0).floor())));
    let counts = trained(counted, params);
    assert!(forge_within(&counts, &["row_model"]) > 100);
}

#[test]
fn a_forged_model_with_a_learned_metric_and_context() {
    let model = with_context();
    // An update learns the metric anew, which takes its time; the other values are those of other models.
    assert!(forge_within(&model, &["metric", "head", "beside"]) > 50);
}

#[test]
fn a_forged_model_that_was_updated_and_recalibrated() {
    let all = two_columns(500);
    let params = Params {
        scales: vec![8],
        ..small(Params::default())
    };
    let model = trained(part(&all, 0, 250), params);
    let updated = update(&model, part(&all, 250, 300), &|| {}).unwrap();
    let points = score(&updated, part(&all, 200, 500), &|| {}).unwrap();
    assert!(forge(&updated.recalibrated_on(&points).unwrap()) > 500);
}

#[test]
fn a_forged_model_with_dynamics() {
    let values = (0..).map(|i| i * MINUTE).zip(mackey_glass(1300));
    let params = Params {
        scales: vec![64],
        centres: 2,
        ..Params::default()
    };
    let model = trained(rows(values), params);
    assert!(model.info(0).dynamics);
    assert!(forge(&model) > 500);
}
