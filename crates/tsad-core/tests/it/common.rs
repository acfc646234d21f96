//! What several topics need: made-up series, short parameters, random rows.

use proptest::collection::vec;
use proptest::prelude::*;
use tsad_core::{Model, Params, Point, Samples, ValidParams, score, train};

pub const MINUTE: i64 = 60_000_000;

/// Rows with one value each.
pub fn rows(list: impl IntoIterator<Item = (i64, f64)>) -> Samples {
    let mut rows = Samples::new(1).unwrap();
    for (time, value) in list {
        rows.push(time, &[value]).unwrap();
    }
    rows
}

/// Rows with several values each.
pub fn wide_rows(channels: usize, list: &[(i64, Vec<f64>)]) -> Samples {
    let mut rows = Samples::new(channels).unwrap();
    for (time, values) in list {
        rows.push(*time, values).unwrap();
    }
    rows
}

/// A wave with a little noise, the same on every call.
pub fn wave(i: i64) -> f64 {
    let noise = ((i * 7919 + 13) % 101) as f64 / 101.0 - 0.5;
    (i as f64 / 5.0).sin() + 0.2 * noise
}

/// `n` minutes of the wave.
pub fn waves(n: i64) -> Samples {
    rows((0..n).map(|i| (i * MINUTE, wave(i))))
}

/// The equation of Mackey and Glass 1977 (doi:10.1126/science.267326) with a delay of 18, a sample for every unit of
/// time, and noise of 1 %.
pub fn mackey_glass(samples: usize) -> Vec<f64> {
    const STEPS: usize = 10;
    let mut x: Vec<f64> = (0..=18 * STEPS).map(|i| 0.5 + i as f64 / 400.0).collect();
    while x.len() < (samples + 200) * STEPS {
        let (now, then) = (x[x.len() - 1], x[x.len() - 1 - 18 * STEPS]);
        x.push(now + (0.2 * then / (1.0 + then.powi(10)) - 0.1 * now) / STEPS as f64);
    }
    let noise = |i: usize| ((i * 7919 + 13) % 101) as f64 / 101.0 - 0.5;
    let sampled = x.into_iter().step_by(STEPS).skip(200);
    sampled.enumerate().map(|(i, v)| v + 0.02 * noise(i)).collect()
}

/// The rows from index `from` to before `to`.
pub fn part(all: &Samples, from: usize, to: usize) -> Samples {
    let mut rows = Samples::new(all.channels()).unwrap();
    for i in from..to {
        rows.push(all.times()[i], all.row(i)).unwrap();
    }
    rows
}

/// Short windows and few centres, so that a property can be tried on many series.
pub fn short() -> Params {
    Params {
        scales: vec![8, 16, 32],
        centres: 6,
        alpha: Some(0.01),
        ..Params::default()
    }
}

pub fn valid(params: Params) -> ValidParams {
    params.validate().unwrap()
}

pub fn trained(rows: Samples, params: Params) -> Model {
    train(rows, &valid(params), &|| {}).unwrap()
}

/// A model with a learned metric and what the windows beside one let expect of it.
pub fn with_context() -> Model {
    let params = Params {
        scales: vec![8],
        centres: 2,
        metric: true,
        ..Params::default()
    };
    let model = trained(waves(300), params);
    assert_eq!(model.info(0).context_scales, [8]);
    model
}

pub fn scored(model: &Model, rows: &Samples) -> Vec<Point> {
    score(model, rows.clone(), &|| {}).unwrap()
}

/// The three ways in which a decision is told agree, and nothing is told of a row without a score.
pub fn assert_agreement(model: &Model, points: &[Point]) {
    for p in points {
        let told = (p.score.is_some(), p.p_value.is_some(), p.severity.is_some());
        assert!(
            told == (true, true, true) || told == (false, false, false),
            "{p:?}"
        );
        let alpha = model.alpha().unwrap_or(f64::NAN);
        assert_eq!(p.is_anomaly, p.p_value.map(|v| v < alpha), "{p:?}");
        assert_eq!(p.is_anomaly, p.severity.map(|s| s > 1.0), "{p:?}");
        assert_eq!(p.evidence.is_some(), p.is_anomaly == Some(true), "{p:?}");
        assert!(!(p.in_shadow && p.is_anomaly != Some(false)), "{p:?}");
        assert!(p.score.is_none_or(|s| s.is_finite() && s > 0.0), "{p:?}");
        assert!(p.p_value.is_none_or(|v| v > 0.0 && v <= 1.0), "{p:?}");
        assert!(p.severity.is_none_or(|s| s.is_finite() && s >= 0.0), "{p:?}");
    }
}

/// What must not differ by a single bit.
pub fn bits(p: &Point) -> (Option<u64>, Option<u64>, Option<bool>) {
    (
        p.score.map(f64::to_bits),
        p.p_value.map(f64::to_bits),
        p.is_anomaly,
    )
}

/// How tidy random rows are.
#[derive(Debug, Clone, Copy)]
struct Habit {
    channels: usize,
    /// Of 100 values, how many are missing.
    missing: u8,
    /// Of 100 steps, how many are jittered, doubled or a gap.
    irregular: u8,
}

/// Rows in time order: irregular steps, equal times, missing values, short and long gaps, 1 to 4 channels.
pub fn any_rows(most: usize) -> impl Strategy<Value = (usize, Vec<(i64, Vec<f64>)>)> {
    let habit = (
        1..=4_usize,
        prop_oneof![Just(0_u8), 0..60_u8],
        prop_oneof![Just(0_u8), 0..30_u8],
    );
    let habit = habit.prop_map(|(channels, missing, irregular)| Habit {
        channels,
        missing,
        irregular,
    });
    let row = (0..100_u8, 0..8_u8, vec((0..100_u8, any::<i8>()), 4), any::<u8>());
    (habit, vec(row, 0..most)).prop_map(|(habit, drawn)| {
        let mut time = 1_700_000_000_000_000;
        let mut list = Vec::with_capacity(drawn.len());
        for (i, (luck, kind, noise, rare)) in drawn.into_iter().enumerate() {
            time += step(luck < habit.irregular, kind);
            let value = |(c, (hidden, n)): (usize, &(u8, i8))| {
                if *hidden < habit.missing {
                    return f64::NAN;
                }
                let spike = if rare < 3 { 20.0 } else { 0.0 };
                wave(i as i64 + 17 * c as i64) + f64::from(*n) / 400.0 + spike
            };
            list.push((
                time,
                noise.iter().take(habit.channels).enumerate().map(value).collect(),
            ));
        }
        (habit.channels, list)
    })
}

/// The time from one row to the next.
fn step(irregular: bool, kind: u8) -> i64 {
    if !irregular {
        return MINUTE;
    }
    match kind {
        0 | 1 => 0,
        2 => MINUTE / 3,
        3 => MINUTE + MINUTE / 5,
        4 => 2 * MINUTE,
        5 => 5 * MINUTE,
        6 => 6 * MINUTE,
        _ => 60 * MINUTE,
    }
}
