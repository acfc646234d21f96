//! The documented answer to every kind of degenerate rows.

use crate::common::{MINUTE, assert_agreement, rows, scored, short, trained, wave, waves, wide_rows};
use tsad_core::{ErrorKind, Evidence, Model, Params, Samples, Status, score};

fn statuses(model: &Model, rows: &Samples) -> Vec<Status> {
    scored(model, rows).iter().map(|p| p.status).collect()
}

/// Minutes `from` to before `to` of the wave.
fn minutes(times: impl IntoIterator<Item = i64>) -> Samples {
    rows(times.into_iter().map(|i| (i * MINUTE, wave(i))))
}

#[test]
fn no_rows_give_no_points() {
    let model = trained(waves(300), short());
    assert_eq!(scored(&model, &Samples::new(1).unwrap()), []);
}

#[test]
fn a_model_of_too_little_data_scores_nothing_and_says_why() {
    let nothing = rows((0..100).map(|i| (i * MINUTE, f64::NAN)));
    let same_time = rows((0..100).map(|i| (0, i as f64)));
    let gaps = rows((0..100).map(|i| (i / 5 * 1000 * MINUTE + i % 5 * MINUTE, wave(i))));
    for (rows, why) in [
        (Samples::new(1).unwrap(), "no rows"),
        (nothing, "100 rows"),
        (waves(1), "two distinct times"),
        (same_time, "two distinct times"),
        (waves(13), "13 samples"),
    ] {
        let model = trained(rows, short());
        let reason = model.untrained_reason().unwrap();
        assert!(reason.contains(why), "{why}: {reason}");
        assert_eq!(
            (model.threshold(), model.reach(), model.alpha()),
            (None, None, None)
        );
        assert!(!model.is_trained() && model.expected(0).is_none());
        assert_eq!(statuses(&model, &waves(50)), [Status::InsufficientData; 50]);
    }
    for (rows, why) in [
        (waves(15), "15 samples"),
        (gaps, "longest stretch without a gap: 5"),
    ] {
        let model = trained(rows, short());
        let reason = model.windowless_reason().unwrap();
        assert!(reason.contains(why), "{why}: {reason}");
        assert!(model.is_trained() && !model.has_windows() && model.threshold().is_none());
    }
    assert!(trained(waves(16), short()).has_windows());
}

#[test]
fn a_model_without_windows_judges_rows() {
    let scattered = |n: std::ops::Range<i64>| rows(n.map(|i| (i * MINUTE, wave(7 * i))));
    let model = trained(scattered(0..15), short());
    let mut later = scattered(15..30);
    later.push(30 * MINUTE, &[40.0]).unwrap();
    later.push(31 * MINUTE, &[f64::NAN]).unwrap();
    let points = scored(&model, &later);
    assert_agreement(&model, &points);
    for p in &points[..16] {
        assert_eq!((p.status, p.is_final, p.in_shadow), (Status::Ok, true, false));
        assert_eq!(p.is_anomaly, Some(p.time == 30 * MINUTE));
    }
    assert_eq!(
        (points[15].evidence, points[15].change),
        (Some(Evidence::Value), Some(1))
    );
    assert_eq!(points[16].status, Status::Missing);
}

#[test]
fn rows_that_no_window_covers_are_judged_by_themselves() {
    let model = trained(waves(300), short());
    for (times, bare) in [
        ((400..407).collect::<Vec<i64>>(), 0..7),
        ((400..420).chain(500..507).chain(600..620).collect(), 20..27),
    ] {
        let odd = times[bare.start + 3];
        let value = |i: i64| if i == odd { 30.0 } else { wave(i) };
        let points = scored(&model, &rows(times.iter().map(|i| (*i * MINUTE, value(*i)))));
        assert_agreement(&model, &points);
        for (i, p) in points.iter().enumerate() {
            assert_eq!(p.status, Status::Ok, "{i}");
            assert_eq!(p.views.is_none(), bare.contains(&i), "{i}");
            if bare.contains(&i) {
                assert_eq!(p.is_anomaly, Some(i == bare.start + 3), "{i}: {p:?}");
            }
        }
    }
    assert!(
        scored(&model, &minutes(400..408))
            .iter()
            .all(|p| p.views.is_some())
    );
}

#[test]
fn short_gaps_are_filled_and_marked() {
    let model = trained(waves(300), short());
    let hole = |i: i64| {
        if (410..414).contains(&i) {
            f64::NAN
        } else {
            wave(i)
        }
    };
    let points = scored(&model, &rows((400..430).map(|i| (i * MINUTE, hole(i)))));
    for (i, p) in points.iter().enumerate() {
        let expected = if (10..14).contains(&i) {
            Status::Missing
        } else {
            Status::Ok
        };
        assert_eq!((p.status, p.imputed), (expected, (10..14).contains(&i)), "{i}");
    }
    let long = |i: i64| {
        if (410..415).contains(&i) {
            f64::NAN
        } else {
            wave(i)
        }
    };
    let points = scored(&model, &rows((400..530).map(|i| (i * MINUTE, long(i)))));
    assert!(
        points[10..15]
            .iter()
            .all(|p| p.status == Status::Missing && !p.imputed)
    );
    assert!(
        points[..10].iter().all(|p| p.is_final),
        "the gap ends the stretch, and runs of rows end behind it"
    );
}

#[test]
fn rows_without_any_value_are_missing() {
    let model = trained(waves(300), short());
    let nothing = rows((400..500).map(|i| (i * MINUTE, f64::NAN)));
    assert_eq!(statuses(&model, &nothing), [Status::Missing; 100]);
}

#[test]
fn rows_before_and_within_the_training_range_are_scored_and_say_so() {
    let model = trained(minutes(100..400), short());
    let points = scored(&model, &minutes(0..500));
    for (i, p) in points.iter().enumerate() {
        let expected = match i {
            0..100 => Status::BeforeModel,
            100..400 => Status::InTrainingRange,
            _ => Status::Ok,
        };
        assert_eq!(p.status, expected, "{i}");
        assert!(p.score.is_some(), "{i}");
    }
}

#[test]
fn rows_long_after_the_training_are_scored_and_say_so() {
    let hour = 1.0 / 24.0;
    let aged = Params {
        max_age_days: Some(hour),
        ..short()
    };
    let model = trained(minutes(0..400), aged);
    let points = scored(&model, &minutes(0..600));
    for (i, p) in points.iter().enumerate() {
        let expected = match i {
            0..400 => Status::InTrainingRange,
            400..460 => Status::Ok,
            _ => Status::StaleModel,
        };
        assert_eq!(p.status, expected, "{i}");
    }
    let ageless = scored(&trained(minutes(0..400), short()), &minutes(0..600));
    assert!(points.iter().zip(&ageless).all(|(a, b)| a.score == b.score));
}

#[test]
fn constant_training_data_flag_any_change_and_nothing_else() {
    for value in [0.0, 5.0, -1e300, 5e-324] {
        let change = if value == 0.0 { 1.0 } else { value * 2.0 };
        let model = trained(rows((0..300).map(|i| (i * MINUTE, value))), short());
        let later = rows((300..500).map(|i| (i * MINUTE, if i == 400 { change } else { value })));
        let points = scored(&model, &later);
        assert!(points.iter().all(|p| p.status == Status::Constant));
        if value == 5e-324 {
            continue; // Twice the smallest number is no change that anybody could mean.
        }
        assert_eq!(points[100].is_anomaly, Some(true), "{value}");
        let far = points.iter().enumerate().filter(|(i, _)| i.abs_diff(100) > 32);
        assert!(far.clone().count() > 100);
        for (i, p) in far {
            assert_eq!(p.is_anomaly, Some(false), "{value} at {i}");
        }
    }
}

#[test]
fn a_channel_with_too_few_values_is_left_out() {
    let row = |i: i64, b: f64| (i * MINUTE, vec![wave(i), b, wave(i + 9)]);
    let list: Vec<_> = (0..300)
        .map(|i| row(i, if i % 3 == 0 { 1.0 } else { f64::NAN }))
        .collect();
    let model = trained(wide_rows(3, &list), short());
    assert_eq!(model.info(0).channels_used, [1, 3]);
    let later: Vec<_> = (300..400).map(|i| row(i, f64::NAN)).collect();
    for p in scored(&model, &wide_rows(3, &later)) {
        assert_eq!(p.status, Status::Ok);
        assert_eq!(p.channels.unwrap()[1], 0.0);
    }
}

#[test]
fn channels_that_never_report_together_are_scored() {
    let row = |i: i64| {
        let pair = if i % 2 == 0 {
            [wave(i), f64::NAN]
        } else {
            [f64::NAN, wave(i + 9)]
        };
        (i * MINUTE, pair.to_vec())
    };
    let model = trained(wide_rows(2, &(0..300).map(row).collect::<Vec<_>>()), short());
    assert_eq!(model.untrained_reason(), None);
    let points = scored(&model, &wide_rows(2, &(300..400).map(row).collect::<Vec<_>>()));
    assert!(points[1..99].iter().all(|p| p.status == Status::Ok && p.imputed));
}

#[test]
fn rows_of_another_width_are_an_error() {
    let model = trained(waves(300), short());
    let e = score(&model, Samples::new(2).unwrap(), &|| {}).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Dimension);
    assert!(e.message().contains('1') && e.message().contains('2') && e.hint().is_some());
}
