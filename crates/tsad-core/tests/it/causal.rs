//! Causal scores: no later row has a say.

use crate::common::{MINUTE, bits, part, rows, scored, short, trained, wave, waves, wide_rows};
use tsad_core::{Model, Params, Point, Samples, Status, score_causal, update};

/// With windows of their own.
fn own(params: Params) -> Params {
    Params {
        causal: true,
        ..params
    }
}

fn causal(model: &Model, rows: &Samples) -> Vec<Point> {
    score_causal(model, rows.clone(), &|| {}).unwrap()
}

fn flagged(points: &[Point]) -> usize {
    points.iter().filter(|p| p.is_anomaly == Some(true)).count()
}

/// Noise that never repeats, from -0.5 to 0.5.
fn noise(i: i64) -> f64 {
    let mut z = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

#[test]
fn no_later_row_changes_a_score() {
    for params in [short(), own(short())] {
        let model = trained(waves(600), params);
        let value = |i: i64| if (700..720).contains(&i) { 5.0 } else { wave(i) };
        let all = rows((0..1000).map(|i| (i * MINUTE, value(i))));
        let whole = causal(&model, &all);
        for known in [10, 500, 705, 720, 999] {
            let now = causal(&model, &part(&all, 0, known));
            assert_eq!(now.len(), known);
            assert!(
                now.iter().zip(&whole).all(|(a, b)| bits(a) == bits(b)),
                "{known} rows"
            );
            assert!(now.iter().all(|p| p.score.is_none() || p.is_final));
        }
        assert!(whole[..7].iter().all(|p| p.score.is_none()) && whole[7].score.is_some());
        assert!(flagged(&whole[700..720]) > 0);
        for p in whole.iter().filter(|p| p.score.is_some()) {
            assert_eq!(p.is_anomaly, Some(p.p_value.unwrap() < 0.01));
        }
    }
}

#[test]
fn windows_of_their_own_leave_scores_in_hindsight_as_they_are() {
    let all = waves(1500);
    let (plain, more) = (trained(all.clone(), short()), trained(all.clone(), own(short())));
    let same = scored(&plain, &all)
        .iter()
        .zip(&scored(&more, &all))
        .all(|(a, b)| bits(a) == bits(b));
    assert!(same);
    let (some, all_sizes) = (plain.to_bytes().unwrap().len(), more.to_bytes().unwrap().len());
    assert!(all_sizes > 2 * some, "{some} and {all_sizes} bytes");
}

#[test]
fn windows_of_their_own_see_every_row_as_it_comes() {
    let all = waves(2000);
    let scores = |params: Params| -> Vec<u64> {
        let points = causal(&trained(all.clone(), params), &all);
        points[100..].iter().map(|p| p.score.unwrap().to_bits()).collect()
    };
    let repeated = |scores: &[u64]| scores.windows(2).filter(|s| s[0] == s[1]).count();
    let scales = || Params {
        scales: vec![32, 64],
        ..Params::default()
    };
    // In step a window ends at every fourth row; between two of them only the row itself can say anything.
    assert!(repeated(&scores(scales())) > 1000);
    assert!(repeated(&scores(own(scales()))) < 10);
}

/// The windows of the training stand in step; seasons of which no hop is a part come in all phases.
#[test]
fn a_season_is_normal_in_every_phase() {
    let (mut found, mut judged) = (0, 0);
    for (period, seed) in [(24.0, 0_i64), (29.3, 1), (50.0, 2), (131.0, 3)] {
        let value = |i: i64| {
            let phase = i as f64 / period * std::f64::consts::TAU;
            phase.sin() + 0.5 * (3.0 * phase).cos() + 0.2 * noise(i + seed * 1_000_003)
        };
        let all = rows((0..12_000).map(|i| (i * MINUTE, value(i))));
        let params = Params {
            alpha: Some(0.01),
            ..own(Params::default())
        };
        let points = causal(&trained(all.head(6000), params), &all);
        found += flagged(&points[6000..]);
        judged += 6000;
    }
    let rate = f64::from(u32::try_from(found).unwrap()) / f64::from(judged);
    assert!(rate < 0.02, "{rate}");
}

#[test]
fn short_and_broken_training_parts_do_without() {
    for n in 0..120 {
        let model = trained(waves(n), own(short()));
        let points = causal(&model, &waves(200));
        assert_eq!(points.len(), 200);
        assert_eq!(
            model.has_windows(),
            points.iter().any(|p| p.score.is_some()),
            "{n} rows"
        );
    }
    // Only stretches shorter than most windows.
    let broken = rows((0..3000).filter(|i| i % 60 < 34).map(|i| (i * MINUTE, wave(i))));
    let points = causal(&trained(broken, own(short())), &waves(300));
    assert!(points.iter().skip(60).all(|p| p.score.is_some()));
    assert!(flagged(&points) < 30);
    // Nothing but one value.
    let constant = rows((0..500).map(|i| (i * MINUTE, 7.0)));
    let points = causal(&trained(constant.clone(), own(short())), &constant);
    assert_eq!(flagged(&points), 0);
}

#[test]
fn a_model_with_windows_of_their_own_comes_back_unchanged() {
    let list: Vec<(i64, Vec<f64>)> = (0..900)
        .map(|i| (i * MINUTE, vec![wave(i), wave(i + 3) - wave(i)]))
        .collect();
    let model = trained(wide_rows(2, &list), own(short()));
    let bytes = model.to_bytes().unwrap();
    let back = Model::from_bytes(&bytes).unwrap();
    assert_eq!((&back, &back.to_bytes().unwrap()), (&model, &bytes));
    assert_eq!(
        trained(wide_rows(2, &list), own(short())).to_bytes().unwrap(),
        bytes
    );
}

#[test]
fn an_update_teaches_windows_of_their_own_too() {
    let value = |i: i64| (i as f64 / 5.0).sin() + 0.4 * noise(i) + if i >= 3000 { 8.0 } else { 0.0 };
    let odd = |i: i64| if (4700..4710).contains(&i) { 2.5 } else { 0.0 };
    let all = rows((0..5200).map(|i| (i * MINUTE, value(i) + odd(i))));
    let model = trained(all.head(2500), own(Params::default()));
    assert!(
        flagged(&causal(&model, &all)[4200..4400]) > 190,
        "the old model is stuck"
    );
    let model = update(&model, part(&all, 3050, 4100), &|| {}).unwrap();
    let points = causal(&model, &all);
    assert!(flagged(&points[4300..4690]) < 20);
    assert!(flagged(&points[4700..4725]) > 5);
    assert!(flagged(&points[300..2900]) < 130, "the old level is still known");
    assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
}

#[test]
fn a_channel_that_was_constant_is_learned_anew_or_not_at_all() {
    let list = |from: i64, to: i64, second: &dyn Fn(i64) -> f64| -> Samples {
        let row = |i: i64| (i * MINUTE, vec![wave(i), second(i)]);
        wide_rows(2, &(from..to).map(row).collect::<Vec<_>>())
    };
    let model = trained(list(0, 900, &|_| 3.0), own(short()));
    for newer in [60, 70, 400] {
        let later = list(900, 900 + newer, &|i| wave(i + 3));
        let model = update(&model, later, &|| {}).unwrap();
        let points = causal(&model, &list(2000, 2300, &|i| wave(i + 3)));
        assert!(
            points
                .iter()
                .skip(40)
                .all(|p| p.status == Status::Ok && p.score.is_some())
        );
        assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
        if newer == 400 {
            assert!(flagged(&points) < 30);
        }
    }
}
