//! What every answer of the scorer keeps to, whatever the rows.

use crate::common::{
    MINUTE, any_rows, assert_agreement, bits, part, rows, scored, short, trained, wave, wide_rows,
};
use proptest::prelude::*;
use tsad_core::{Evidence, Model, Params, Point, Samples, Status, update};

/// Rows to train on and rows to score, which hold them.
fn split(channels: usize, list: &[(i64, Vec<f64>)], share: f64) -> (Model, Samples) {
    let all = wide_rows(channels, list);
    let head = part(&all, 0, (share * all.len() as f64) as usize);
    (trained(head, short()), all)
}

fn keeps_the_contract(model: &Model, row: &[f64], p: &Point) -> Result<(), TestCaseError> {
    assert_agreement(model, std::slice::from_ref(p));
    let there = p.score.is_some();
    prop_assert_eq!(p.channels.is_some(), there, "{:?}", p);
    // A row that no window covers has no shares of views.
    prop_assert!(p.views.is_none() || there && model.has_windows(), "{:?}", p);
    let scored = [
        Status::Ok,
        Status::Constant,
        Status::BeforeModel,
        Status::InTrainingRange,
    ];
    prop_assert_eq!(there, scored.contains(&p.status), "{:?}", p);
    let valued = row.iter().any(|v| !v.is_nan());
    if !valued && model.is_trained() {
        prop_assert_eq!(p.status, Status::Missing);
    }
    if !there {
        prop_assert!(!p.is_final && !p.in_shadow, "{p:?}");
        return Ok(());
    }
    prop_assert_eq!(model.threshold(), model.info(0).calibration.map(|c| c.threshold));
    prop_assert!(
        p.views.is_some() || p.evidence != Some(Evidence::Window),
        "{:?}",
        p
    );
    let views = p.views.map(|v| v.to_vec());
    prop_assert_eq!(p.channels.as_ref().map(Vec::len), Some(model.channels()));
    for shares in [views, p.channels.clone()].into_iter().flatten() {
        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{p:?}");
        prop_assert!(shares.iter().all(|s| (0.0..=1.0).contains(s)), "{p:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn there_is_one_consistent_point_per_row_in_time_order((channels, list) in any_rows(300), share in 0.1..1.0_f64) {
        let (model, all) = split(channels, &list, share);
        let points = scored(&model, &all);
        prop_assert_eq!(points.len(), all.len());
        for (i, p) in points.iter().enumerate() {
            prop_assert_eq!(p.time, all.times()[i]);
            keeps_the_contract(&model, all.row(i), p)?;
        }
    }

    #[test]
    fn the_score_of_a_final_point_never_changes_when_later_rows_come(
        (channels, list) in any_rows(200),
        share in 0.3..0.9_f64,
    ) {
        let (model, all) = split(channels, &list, share);
        let whole = scored(&model, &all);
        let reach = model.reach().unwrap_or(0);
        for known in 1..all.len() {
            // Rows of one time come together.
            if all.times()[known] == all.times()[known - 1] {
                continue;
            }
            let now = scored(&model, &part(&all, 0, known));
            for (p, later) in now.iter().zip(&whole).filter(|(p, _)| p.is_final) {
                prop_assert_eq!(bits(p).0, bits(later).0, "{} rows known: {:?} then {:?}", known, p, later);
                // A run of rows may go on, and their decision with it, as far as they reach.
                if p.time.saturating_add(reach) < all.times()[known - 1] {
                    prop_assert_eq!(bits(p), bits(later), "{} rows known: {:?} then {:?}", known, p, later);
                }
            }
        }
    }

    #[test]
    fn a_score_does_not_depend_on_where_reading_began(
        (channels, list) in any_rows(400),
        share in 0.3..0.9_f64,
        since in 0.0..1.0_f64,
    ) {
        let (model, all) = split(channels, &list, share);
        prop_assume!(!all.is_empty());
        let Some(reach) = model.reach() else { return Ok(()) };
        let whole = scored(&model, &all);
        let since = all.times()[(since * all.len() as f64) as usize];
        let from = all.times().partition_point(|t| *t < since - reach);
        let read = scored(&model, &part(&all, from, all.len()));
        for (p, w) in read.iter().zip(&whole[from..]).filter(|(p, _)| p.time >= since) {
            // A sum of rows that began elsewhere has other last bits.
            if p.evidence != Some(Evidence::Run) || w.evidence != Some(Evidence::Run) {
                prop_assert_eq!(bits(p), bits(w), "{:?} instead of {:?}", p, w);
            }
            prop_assert_eq!(p.is_final, w.is_final, "{:?} instead of {:?}", p, w);
            let severity = |p: &Point| p.severity.map(|s| (s * 1e6).round());
            let blame = |p: &Point| (p.in_shadow, p.evidence, severity(p), p.change);
            prop_assert_eq!(blame(p), blame(w), "{:?} instead of {:?}", p, w);
        }
    }

    #[test]
    fn extreme_values_and_times_are_scored_without_panic(
        list in prop::collection::vec((
            prop_oneof![
                Just(i64::MIN), Just(i64::MIN + 1), Just(i64::MAX), Just(i64::MAX - 1), Just(0), -500..500_i64,
                (i64::MAX - 300)..i64::MAX, i64::MIN..(i64::MIN + 300),
            ],
            prop_oneof![
                Just(1e300), Just(-1e300), Just(f64::MAX), Just(f64::MIN), Just(5e-324), Just(-5e-324), Just(0.0), any::<f32>()
                .prop_filter("finite", |v| v.is_finite()).prop_map(f64::from),
            ],
        ), 0..300),
    ) {
        let rows = rows(list);
        let model = trained(rows.clone(), short());
        let sorted = rows.clone().sorted_by_time(&|| {});
        for (i, p) in scored(&model, &rows).iter().enumerate() {
            keeps_the_contract(&model, sorted.row(i), p)?;
        }
    }
}

#[test]
fn regular_points_become_final_two_longest_windows_later() {
    let model = trained(rows((0..300).map(|i| (i * MINUTE, wave(i)))), short());
    for n in [40, 70, 71, 77, 130] {
        let points = scored(&model, &rows((300..300 + n).map(|i| (i * MINUTE, wave(i)))));
        let open = points.iter().filter(|p| !p.is_final).count();
        // Scores one longest window later; one more away a row may stand in the shade of another.
        assert_eq!(open, 64.min(n as usize), "of {n} points");
        assert!(points.is_sorted_by_key(|p| !p.is_final));
    }
}

#[test]
fn a_gap_makes_all_points_before_it_final() {
    let model = trained(rows((0..300).map(|i| (i * MINUTE, wave(i)))), short());
    let times = (0..50).chain(100..120);
    let points = scored(&model, &rows(times.map(|i| (i * MINUTE, wave(i)))));
    assert!(points[..50].iter().all(|p| p.is_final));
    assert!(points[50..].iter().all(|p| !p.is_final));
}

#[test]
fn scale_and_offset_of_the_values_do_not_matter() {
    let value = |i: i64| match i {
        700..704 => 4.0,
        800..840 => wave(i) * 0.1,
        900 => -9.0,
        _ => wave(i),
    };
    let flags = |scale: f64, offset: f64| {
        let of = |n: i64| rows((0..n).map(|i| (i * MINUTE, value(i) * scale + offset)));
        let points = scored(&trained(of(600), Params::default()), &of(1000));
        points.iter().map(|p| p.is_anomaly).collect::<Vec<_>>()
    };
    let plain = flags(1.0, 0.0);
    assert!(plain[702] == Some(true) && plain[900] == Some(true));
    assert!(plain.iter().filter(|f| **f == Some(false)).count() > 500);
    for (scale, offset) in [
        (1e6, 1e9),
        (1e-9, 0.0),
        (-1e3, 5.0),
        (1.0, 1e7),
        (1e200, 0.0),
        (1e-200, 0.0),
    ] {
        // A mirrored wave is another wave: only what is flagged as odd must stay the same there. Values that are all
        // positive are judged by their ratio too, which costs each kind of evidence half of its share.
        let same = flags(scale, offset);
        let differ = plain.iter().zip(&same).filter(|(a, b)| a != b).count();
        let allowed = match (scale < 0.0, offset > 0.0) {
            (true, _) => 20,
            (false, true) => 2,
            (false, false) => 0,
        };
        assert!(
            differ <= allowed,
            "{differ} points differ at scale {scale}, offset {offset}"
        );
    }
}

#[test]
fn scores_without_explanations_are_the_same_scores() {
    let values =
        (0..900).map(|i| (f64::from(i) * 0.3).sin() + if (700..710).contains(&i) { 3.0 } else { 0.0 });
    let mut rows = Samples::new(1).unwrap();
    values
        .enumerate()
        .for_each(|(i, v)| rows.push(60 * i as i64, &[v]).unwrap());
    for decision in [tsad_core::Decision::Metric, tsad_core::Decision::Either] {
        let params = Params {
            decision,
            ..Params::default()
        }
        .validate()
        .unwrap();
        let model = tsad_core::train(rows.head(600), &params, &|| {}).unwrap();
        let full = tsad_core::score(&model, rows.clone(), &|| {}).unwrap();
        let only = tsad_core::score_only(&model, rows.clone(), &|| {}).unwrap();
        let told = |p: &Point| {
            (
                p.status,
                p.score,
                p.p_value,
                p.is_anomaly,
                p.in_shadow,
                p.evidence,
                p.is_final,
            )
        };
        assert!(full.iter().map(told).eq(only.iter().map(told)));
        assert!(full.iter().any(|p| p.is_anomaly == Some(true)) && full.iter().any(|p| p.regime.is_some()));
    }
}

/// A wave with noise that never comes twice.
fn noisy(i: i64, channel: u64) -> f64 {
    let bits = (i as u64 + 1 + (channel << 40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let noise = (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
    (i as f64 / 9.0 + channel as f64).sin() + 0.8 * noise
}

fn noisy_rows(channels: u64) -> Samples {
    let row = |i| (i * MINUTE, (0..channels).map(|c| noisy(i, c)).collect());
    let all: Vec<(i64, Vec<f64>)> = (0..3000).map(row).collect();
    wide_rows(channels as usize, &all)
}

fn median_score(model: &Model, rows: &Samples) -> f64 {
    let mut scores: Vec<f64> = scored(model, rows).iter().filter_map(|p| p.score).collect();
    scores.sort_by(f64::total_cmp);
    scores[scores.len() / 2]
}

#[test]
fn a_score_around_what_is_normal_is_that_of_rows_not_seen() {
    for channels in [1, 3] {
        let all = noisy_rows(channels);
        let model = trained(part(&all, 0, 1000), Params::default());
        let median = median_score(&model, &part(&all, 1300, 3000));
        assert!((0.2..2.0).contains(&median), "{channels}: {median}");
    }
}

#[test]
fn after_an_update_too() {
    for channels in [1, 3] {
        let all = noisy_rows(channels);
        let model = trained(part(&all, 0, 800), Params::default());
        let model = update(&model, part(&all, 800, 1800), &|| {}).unwrap();
        let median = median_score(&model, &part(&all, 2100, 3000));
        assert!((median - 2.0_f64.ln()).abs() < 0.3, "{channels}: {median}");
    }
}
