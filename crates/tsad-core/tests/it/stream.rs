//! Row-by-row scoring: causal, bounded, one point a row.

use std::sync::Arc;
use tsad_core::{Model, Params, Point, Samples, Status, Stream, score, score_causal, train};

const STEP: i64 = 60_000_000;

/// A wave with a little deterministic noise.
fn wave(i: i64) -> f64 {
    (i as f64 * 0.19).sin() + 0.2 * ((i * 7919).rem_euclid(1009) as f64 / 1009.0 - 0.5)
}

fn model(channels: usize, params: Params) -> Arc<Model> {
    let mut rows = Samples::new(channels).unwrap();
    for i in 0..1500 {
        let row: Vec<f64> = (0..channels as i64).map(|c| wave(i + 7 * c)).collect();
        rows.push(i * STEP, &row).unwrap();
    }
    let params = Params {
        scales: vec![16, 32, 64],
        ..params
    };
    Arc::new(train(rows, &params.validate().unwrap(), &|| {}).unwrap())
}

fn stream(model: &Arc<Model>, rows: &[(i64, Vec<f64>)]) -> Vec<Point> {
    let mut stream = Stream::new(model.clone());
    rows.iter().map(|(t, v)| stream.push(*t, v).unwrap()).collect()
}

fn later(n: i64) -> Vec<(i64, Vec<f64>)> {
    (0..n)
        .map(|i| ((2000 + i) * STEP, vec![wave(2000 + i)]))
        .collect()
}

#[test]
fn a_score_does_not_depend_on_later_rows() {
    let model = model(1, Params::default());
    let mut rows = later(400);
    let before = stream(&model, &rows);
    for (_, v) in &mut rows[300..] {
        v[0] += 9.0;
    }
    let after = stream(&model, &rows);
    assert_eq!(before[..300], after[..300]);
    assert!(after.iter().all(|p| p.score.is_none() || p.is_final));
    let found = after[100..]
        .iter()
        .position(|p| p.is_anomaly == Some(true))
        .unwrap();
    assert!((200..216).contains(&found), "{found}");
}

#[test]
fn a_score_does_not_depend_on_rows_before_the_longest_window() {
    let model = model(1, Params::default());
    let rows = later(400);
    let (whole, part) = (stream(&model, &rows), stream(&model, &rows[100..]));
    // The longest window, the one that it has to rise above, and how far either ends before the sample.
    let settled = 64 + 2 * 8;
    assert_eq!(whole[100 + settled..], part[settled..]);
}

#[test]
fn flag_threshold_and_p_value_agree_and_shares_sum_to_one() {
    let model = model(2, Params::default());
    let rows: Vec<(i64, Vec<f64>)> = (0..600)
        .map(|i| {
            let jump = if i > 400 { 4.0 } else { 0.0 };
            (
                (2000 + i) * STEP,
                vec![wave(2000 + i), wave(2007 + i) + jump, 0.0][..2].to_vec(),
            )
        })
        .collect();
    let points = stream(&model, &rows);
    let info = model.info(0).causal_calibration.unwrap();
    assert_eq!(model.causal_threshold(), Some(info.threshold));
    let scored: Vec<&Point> = points.iter().filter(|p| p.score.is_some()).collect();
    assert_eq!(scored.len(), 600 - 15);
    for p in scored {
        let (score, p_value) = (p.score.unwrap(), p.p_value.unwrap());
        assert_eq!(p.is_anomaly, Some(score > info.threshold));
        assert_eq!(p.is_anomaly, Some(p_value < info.alpha));
        assert!((p.views.unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-6);
        assert!((p.channels.as_ref().unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }
    let blamed = points[450].channels.as_ref().unwrap();
    assert!(points[450].is_anomaly == Some(true) && blamed[1] > 0.9);
    assert_eq!(points[300].is_anomaly, Some(false));
}

#[test]
fn what_is_kept_does_not_grow_and_work_is_linear() {
    let model = model(2, Params::default());
    let mut stream = Stream::new(model);
    let mut most = 0;
    for i in 0..20_000_i64 {
        // Gaps now and then, of all lengths, in one channel or in both.
        if i % 211 < i / 211 % 11 {
            continue;
        }
        let second = if i % 307 < i / 307 % 9 { f64::NAN } else { wave(i) };
        stream.push((3000 + i) * STEP, &[wave(i), second]).unwrap();
        most = most.max(stream.held());
    }
    assert!(most <= 2 * (2 * 64 + 6), "{most}");
    let expected = 20_000.0 * (1.0 / 2.0 + 1.0 / 4.0 + 1.0 / 8.0);
    assert!(stream.windows() as f64 <= 1.05 * expected, "{}", stream.windows());
}

#[test]
fn the_first_rows_and_those_after_a_long_gap_warm_up() {
    let model = model(1, Params::default());
    let mut rows = later(60);
    rows.retain(|(t, _)| !(30..35).contains(&(t / STEP - 2000)));
    let points = stream(&model, &rows);
    let scored: Vec<bool> = points.iter().map(|p| p.score.is_some()).collect();
    // The first window is the first in step: it begins with an even sample.
    let expected: Vec<bool> = (0..55).map(|i| (15..30).contains(&i) || i >= 30 + 16).collect();
    assert_eq!(scored, expected);
    assert!(
        points
            .iter()
            .all(|p| p.score.is_some() || p.status == Status::Warmup)
    );
}

#[test]
fn short_gaps_are_filled_once_the_value_behind_is_known() {
    let model = model(1, Params::default());
    let mut rows = later(200);
    let line = |i: usize, rows: &[(i64, Vec<f64>)]| {
        let share = (i - 99) as f64 / 5.0;
        rows[99].1[0] + share * (rows[104].1[0] - rows[99].1[0])
    };
    let mut filled = rows.clone();
    for i in 100..104 {
        filled[i].1[0] = line(i, &rows);
        rows[i].1[0] = f64::NAN;
    }
    let (gap, whole) = (stream(&model, &rows), stream(&model, &filled));
    assert!(
        gap[100..104]
            .iter()
            .all(|p| p.status == Status::Missing && p.score.is_none())
    );
    let scores = |points: &[Point]| points.iter().map(|p| p.score).collect::<Vec<_>>();
    assert_eq!(scores(&gap[..100]), scores(&whole[..100]));
    assert_eq!(scores(&gap[104..]), scores(&whole[104..]));
}

#[test]
fn a_row_without_one_of_its_values_has_the_score_of_the_windows_before() {
    let model = model(2, Params::default());
    let mut rows: Vec<(i64, Vec<f64>)> = (0..200)
        .map(|i| ((2000 + i) * STEP, vec![wave(2000 + i), wave(2007 + i)]))
        .collect();
    for row in &mut rows[100..103] {
        row.1[1] = f64::NAN;
    }
    for row in &mut rows[150..160] {
        row.1[0] = f64::NAN;
    }
    let points = stream(&model, &rows);
    assert!(
        points[100..103]
            .iter()
            .all(|p| p.score == points[99].score && p.imputed)
    );
    assert!(!points[103].imputed);
    assert!(points[150..154].iter().all(|p| p.score.is_some()));
    assert!(points[154..160].iter().all(|p| p.status == Status::Gap));
    assert_eq!(points[160].status, Status::Warmup);
    assert!(points[160 + 15].score.is_some());
}

#[test]
fn rows_of_one_cell_count_as_their_mean() {
    let model = model(1, Params::default());
    let rows = later(200);
    let mut twice = Vec::new();
    for (t, v) in &rows {
        twice.push((*t, vec![v[0] - 0.5]));
        twice.push((*t, vec![v[0] + 0.5]));
    }
    let (once, twice) = (stream(&model, &rows), stream(&model, &twice));
    for (p, pair) in once.iter().zip(twice.chunks(2)) {
        let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-4,
            (a, b) => a == b,
        };
        assert!(near(p.score, pair[1].score), "{p:?} {pair:?}");
    }
}

#[test]
fn an_older_row_changes_nothing() {
    let model = model(1, Params::default());
    let rows = later(100);
    let mut out_of_order = rows.clone();
    out_of_order.insert(50, (2010 * STEP, vec![50.0]));
    let mut points = stream(&model, &out_of_order);
    let odd = points.remove(50);
    assert_eq!((odd.status, odd.score), (Status::Error, None));
    assert_eq!(points, stream(&model, &rows));
}

#[test]
fn extreme_times_and_values_and_untrained_models_are_no_trouble() {
    let model = model(1, Params::default());
    let rows = [
        (i64::MIN, vec![1e308]),
        (i64::MIN + 1, vec![f64::MIN]),
        (-5, vec![f64::MAX]),
        (i64::MAX - 1, vec![f64::MAX]),
        (i64::MAX, vec![f64::MIN]),
    ];
    assert_eq!(stream(&model, &rows).len(), 5);
    assert!(Stream::new(model.clone()).push(0, &[1.0, 2.0]).is_err());
    assert!(Stream::new(model).push(0, &[f64::INFINITY]).is_err());
    let params = Params::default().validate().unwrap();
    let untrained = Arc::new(train(Samples::new(1).unwrap(), &params, &|| {}).unwrap());
    let points = stream(&untrained, &later(3));
    assert!(points.iter().all(|p| p.status == Status::InsufficientData));
}

/// A number from 0 to below 1 that looks like chance (SplitMix64, Steele, Lea and Flood 2014).
fn uniform(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// On normal data the causal score keeps the error rate it was calibrated for, as the hindsight one does.
#[test]
fn normal_rows_are_flagged_about_as_often_as_asked_for() {
    let (mut flagged, mut rows) = ([0, 0], 0);
    for seed in 0..8_i64 {
        let causal = seed % 2 == 0;
        let value = |i: i64| (i as f64 * 0.13).sin() + uniform((seed << 32 | i) as u64);
        let alpha = Some(0.02);
        let mut training = Samples::new(1).unwrap();
        (0..3000).for_each(|i| training.push(i * STEP, &[value(i)]).unwrap());
        let params = Params {
            alpha,
            causal,
            ..Params::default()
        };
        let model = Arc::new(train(training, &params.validate().unwrap(), &|| {}).unwrap());
        let later: Vec<(i64, Vec<f64>)> = (3000..6000).map(|i| (i * STEP, vec![value(i)])).collect();
        let mut samples = Samples::new(1).unwrap();
        later.iter().for_each(|(t, v)| samples.push(*t, v).unwrap());
        let count = |points: &[Point]| points.iter().filter(|p| p.is_anomaly == Some(true)).count();
        flagged[0] += count(&stream(&model, &later));
        flagged[1] += count(&score(&model, samples, &|| {}).unwrap());
        rows += 3000;
    }
    let rates = flagged.map(|f| f as f64 / f64::from(rows));
    println!("causal {}, hindsight {}", rates[0], rates[1]);
    assert!((0.0005..0.06).contains(&rates[0]), "{rates:?}");
}

#[test]
fn a_deviation_smaller_than_asked_for_is_no_anomaly() {
    let plain = model(1, Params::default());
    let strict = model(
        1,
        Params {
            min_deviation: Some(5.0),
            ..Params::default()
        },
    );
    let mut rows = later(300);
    for row in &mut rows[200..220] {
        row.1[0] += 3.0;
    }
    let (keen, calm) = (stream(&plain, &rows), stream(&strict, &rows));
    let found = |points: &[Point]| points.iter().filter(|p| p.is_anomaly == Some(true)).count();
    assert!(found(&keen) > 10 && found(&calm) == 0);
    let small = calm.iter().find(|p| p.status == Status::SmallDeviation).unwrap();
    assert!(small.p_value.unwrap() >= strict.info(0).causal_calibration.unwrap().alpha);
    assert!(keen[205].change == Some(1));
}

/// What training calibrates on and the benchmark judges is what the stream gives, with short and long gaps in either
/// channel. Rows that lack a value differ: in a batch it is filled from the row behind.
#[test]
fn the_stream_gives_what_scoring_all_rows_causally_gives() {
    let wave = |i: i64| (i as f64 * 0.3).sin() + (i * 37 % 11) as f64 / 40.0;
    let mut rows = Samples::new(2).unwrap();
    for i in 0..3000_i64 {
        let hole = |every: i64| i % every < i / every % 8 && i % every != 0;
        let value = |every: i64, c: i64| match hole(every) {
            true => f64::NAN,
            false => wave(i + 9 * c) + if i % 1000 > 980 { 3.0 } else { 0.0 },
        };
        if !hole(173) {
            rows.push(10 * i, &[value(97, 0), value(131, 1)]).unwrap();
        }
    }
    for causal in [false, true] {
        let params = Params {
            scales: vec![8, 24, 40],
            min_deviation: Some(1.5),
            alpha: Some(0.05),
            causal,
            ..Params::default()
        };
        let model = train(rows.clone(), &params.validate().unwrap(), &|| {}).unwrap();
        assert_same_as_stream(Arc::new(model), &rows);
    }
}

fn assert_same_as_stream(model: Arc<Model>, rows: &Samples) {
    let points = score_causal(&model, rows.clone(), &|| {}).unwrap();
    let mut stream = Stream::new(model);
    let (mut compared, mut warm, mut small) = (0, 0, 0);
    for (i, expected) in points.iter().enumerate() {
        let point = stream.push(rows.times()[i], rows.row(i)).unwrap();
        if rows.row(i).iter().all(|v| !v.is_nan()) {
            assert_eq!(point, *expected, "row {i}");
            compared += 1;
            warm += usize::from(point.status == Status::Warmup);
            small += usize::from(point.status == Status::SmallDeviation);
        }
    }
    assert!(
        compared > 2000 && warm > 20 && small > 10,
        "{compared} {warm} {small}"
    );
}
