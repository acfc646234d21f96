//! Newer rows folded into a model, and whether a model still fits.

use crate::common::{MINUTE, bits, part, rows, scored, short, trained, wide_rows};
use tsad_core::drift::Advice;
use tsad_core::{ErrorKind, Model, Params, Point, Samples, drift, update};

/// From this row on the level is another one.
const CHANGE: i64 = 3000;

/// A wave with noise that never repeats.
fn wave(i: i64) -> f64 {
    let mut z = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let noise = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
    (i as f64 / 5.0).sin() + 0.4 * noise
}

/// A wave whose level changes by `jump`, with incidents of the given size at rows 3900 and 4700.
fn changing(n: i64, jump: f64, incident: f64) -> Samples {
    rows((0..n).map(|i| {
        let level = if i >= CHANGE { jump } else { 0.0 };
        let odd = if (3900..3910).contains(&i) || (4700..4710).contains(&i) {
            incident
        } else {
            0.0
        };
        (i * MINUTE, wave(i) + level + odd)
    }))
}

fn updated(model: &Model, rows: Samples) -> Model {
    update(model, rows, &|| {}).unwrap()
}

fn share_flagged(points: &[Point], from: i64, to: i64) -> f64 {
    let inside = points
        .iter()
        .filter(|p| (from * MINUTE..to * MINUTE).contains(&p.time));
    let flags: Vec<bool> = inside.filter_map(|p| p.is_anomaly).collect();
    flags.iter().filter(|f| **f).count() as f64 / flags.len() as f64
}

#[test]
fn after_a_change_of_level_an_updated_model_finds_the_new_level_normal_and_incidents_in_it() {
    for (params, jump) in [
        (Params::default(), 8.0),
        (Params::default(), 300.0),
        (short(), 40.0),
    ] {
        let all = changing(5200, jump, 2.5);
        let model = trained(all.head(2500), params);
        let before = scored(&model, &all);
        assert!(share_flagged(&before, 4200, 4400) > 0.9, "the old model is stuck");
        let model = updated(&model, part(&all, 3050, 3800));
        let after = scored(&model, &all);
        let stuck = share_flagged(&after, 4200, 4400);
        assert!(stuck < 0.05, "jump {jump}: {stuck}");
        assert!(
            share_flagged(&after, 4690, 4725) > 0.0,
            "jump {jump}: the incident is found"
        );
        let above = |p: &&Point| p.score > model.threshold();
        let early = after[100..2900].iter().filter(above).count();
        assert!(early < 140, "windows still know the old level: {early}");
        assert!(
            share_flagged(&after, 100, 2900) > 0.9,
            "it is not what is expected now"
        );
        let fell = rows((0..5200).map(|i| {
            let crash = if (4600..4700).contains(&i) {
                -2.0 * jump
            } else {
                0.0
            };
            (i * MINUTE, wave(i) + if i >= CHANGE { jump } else { 0.0 } + crash)
        }));
        assert!(
            share_flagged(&scored(&model, &fell), 4610, 4690) > 0.9,
            "jump {jump}: a fall below the old level"
        );
        let expected = model.expected(4500 * MINUTE).unwrap()[0].unwrap();
        assert!((expected.expected - jump).abs() < 1.5, "{expected:?}");
    }
}

#[test]
fn on_unchanged_data_an_update_changes_little() {
    let all = changing(5200, 0.0, 2.5);
    let model = trained(all.head(2500), Params::default());
    let newer = updated(&model, part(&all, 2500, 3800));
    for model in [&model, &newer] {
        let points = scored(model, &all);
        assert!(share_flagged(&points, 4200, 4400) < 0.02);
        assert!(share_flagged(&points, 4700, 4710) > 0.2);
        assert_eq!(share_flagged(&points, 4712, 4740), 0.0);
    }
    let (was, is) = (model.info(0), newer.info(0));
    assert_eq!(is.rows, was.rows + 1300);
    assert_eq!((is.updates.count, is.updates.rows), (1, 1300));
    assert_eq!((is.samples, is.last_time), (3800, Some(3799 * MINUTE)));
    assert_eq!(is.regimes, was.regimes);
    assert_eq!(Model::from_bytes(&newer.to_bytes().unwrap()).unwrap(), newer);
}

#[test]
fn the_order_of_rows_and_what_is_known_already_do_not_matter() {
    let all = changing(4000, 5.0, 0.0);
    let model = trained(all.head(2500), short());
    let newer = part(&all, 2500, 3800);
    let once = updated(&model, newer.clone());
    let mut shuffled = Samples::new(1).unwrap();
    for i in 0..newer.len() {
        let i = (i * 607) % newer.len();
        shuffled.push(newer.times()[i], newer.row(i)).unwrap();
    }
    assert_eq!(newer.len(), 1300, "607 and 1300 have no common factor");
    assert_eq!(updated(&model, shuffled), once);
    assert_eq!(updated(&model, all.head(3800)), once, "older rows are left out");
    assert_eq!(updated(&once, newer), once, "an update can be repeated");
    assert_eq!(
        updated(&model, part(&all, 2500, 2504)),
        model,
        "no window is full"
    );
    assert_eq!(updated(&model, Samples::new(1).unwrap()), model);
}

#[test]
fn few_rows_change_the_centres_and_nothing_that_they_cannot_vouch_for() {
    let all = changing(4000, 0.0, 0.0);
    let model = trained(all.head(2500), Params::default());
    let newer = updated(&model, part(&all, 2500, 2540));
    assert_eq!(newer.info(0).updates.rows, 40);
    assert_eq!(newer.info(0).calibration, model.info(0).calibration);
    let points = scored(&newer, &all);
    assert!(share_flagged(&points, 2600, 4000) < 0.02);
}

#[test]
fn a_model_that_is_not_trained_is_trained_and_one_of_constant_values_learns_anew() {
    let untrained = trained(changing(10, 0.0, 0.0), short());
    let model = updated(&untrained, part(&changing(1000, 0.0, 0.0), 10, 1000));
    assert!(model.is_trained() && model.info(0).updates.count == 1);
    let constant = rows((0..1000).map(|i| (i * MINUTE, 7.0)));
    let model = trained(constant, short());
    let all = rows((0..4000).map(|i| (i * MINUTE, if i < 1000 { 7.0 } else { wave(i) })));
    let model = updated(&model, part(&all, 1000, 2500));
    assert!(share_flagged(&scored(&model, &all), 2600, 4000) < 0.02);
}

#[test]
fn several_channels_are_updated_together() {
    let row = |i: i64| {
        (
            i * MINUTE,
            vec![wave(i), wave(i + 7) + if i >= 2000 { 20.0 } else { 0.0 }],
        )
    };
    let all = wide_rows(2, &(0..4000).map(row).collect::<Vec<_>>());
    let model = trained(all.head(1900), Params::default());
    assert!(share_flagged(&scored(&model, &all), 3200, 3900) > 0.9);
    let model = updated(&model, part(&all, 2010, 3000));
    let points = scored(&model, &all);
    assert!(share_flagged(&points, 3200, 3900) < 0.05);
    assert!(points.iter().all(|p| bits(p).0.is_some()));
    let wrong = update(&model, changing(10, 0.0, 0.0), &|| {}).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Dimension);
}

#[test]
fn drift_tells_what_to_do() {
    let same = changing(8000, 0.0, 0.0);
    let model = trained(same.head(2500), short());
    let advice = |rows: Samples| drift(&model, rows, &|| {}).unwrap();
    let d = advice(same.clone());
    assert_eq!(
        (d.advice, d.rows, d.age),
        (Advice::Keep, 5500, Some(5500 * MINUTE)),
        "{d:?}"
    );
    assert!(
        d.far_share.unwrap() < 0.05 && d.p_values.count > 100 && d.shifts[0].unwrap().abs() < 0.2,
        "{d:?}"
    );
    let d = advice(changing(8000, 8.0, 0.0));
    assert_eq!(d.advice, Advice::Retrain);
    assert!(
        d.far_share.unwrap() > 0.5 && d.alarm_rate.unwrap() > 0.5 && d.shifts[0].unwrap() > 3.0,
        "{d:?}"
    );
    let d = advice(part(&same, 2500, 2600));
    assert!(
        d.advice == Advice::Keep && d.reason.starts_with("too little to tell"),
        "{d:?}"
    );
    let d = advice(same.head(100));
    assert_eq!((d.rows, d.age, d.far_share, d.alarm_rate), (0, None, None, None));
    let slow = rows((2500..8000).map(|i| (i * MINUTE * 3, wave(i))));
    assert!(advice(slow).reason.starts_with("the sampling interval is 3"));
    // The same form, with more noise.
    let noisy = rows((0..8000).map(|i| (i * MINUTE, wave(i) + 2.0 * (wave(i) - (i as f64 / 5.0).sin()))));
    assert_ne!(advice(noisy).advice, Advice::Keep);
    let untrained = trained(same.head(3), short());
    let d = drift(&untrained, same.clone(), &|| {}).unwrap();
    assert_eq!(d.advice, Advice::Retrain);
    let after = updated(
        &model,
        part(&changing(8000, 8.0, 0.0), CHANGE as usize + 50, 5000),
    );
    assert_eq!(
        drift(&after, changing(8000, 8.0, 0.0), &|| {}).unwrap().advice,
        Advice::Keep
    );
}
