//! Which rows are to blame: the three ways of telling it agree, and what rows tell by themselves is never shadow.

use crate::common::{
    MINUTE, any_rows, assert_agreement, part, rows, scored, short, trained, wave, wide_rows,
};
use proptest::prelude::*;
use tsad_core::score::Target;
use tsad_core::{Decision, Evidence, Model, Params, Point, score_causal, score_only, score_with_shares};

const DAY: i64 = 1440 * MINUTE;

fn flagged(points: &[Point]) -> Vec<usize> {
    (0..points.len())
        .filter(|i| points[*i].is_anomaly == Some(true))
        .collect()
}

/// Noise that never repeats, from -0.5 to 0.5.
fn noise(i: i64) -> f64 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn flag_severity_and_p_value_agree_whatever_the_rows_and_the_model(
        (channels, list) in any_rows(300),
        share in 0.05..1.0_f64,
        alpha in prop_oneof![Just(1e-12), Just(1e-4), Just(0.01), Just(0.5)],
        decision in prop_oneof![Just(Decision::Metric), Just(Decision::Direction), Just(Decision::Either)],
        least in prop_oneof![Just(None), Just(Some(0.5)), Just(Some(5.0))],
    ) {
        let all = wide_rows(channels, &list);
        let params = Params { alpha: Some(alpha), decision, min_deviation: least, ..short() };
        let model = trained(part(&all, 0, (share * all.len() as f64) as usize), params);
        let nothing = &|| {};
        let whole = scored(&model, &all);
        assert_agreement(&model, &whole);
        for other in [score_only(&model, all.clone(), nothing), score_with_shares(&model, all.clone(), nothing)] {
            let told = |p: &Point| (p.score, p.p_value, p.severity, p.is_anomaly, p.in_shadow, p.evidence);
            prop_assert!(other.unwrap().iter().map(told).eq(whole.iter().map(told)));
        }
        assert_agreement(&model, &score_causal(&model, all.clone(), nothing).unwrap());
        if let Ok(moved) = model.recalibrated(Target::Alpha(0.003)) {
            prop_assert_eq!(moved.alpha(), Some(0.003));
            assert_agreement(&moved, &scored(&moved, &all));
        }
    }

    #[test]
    fn a_row_far_outside_its_band_is_flagged_by_itself_and_never_in_shadow(
        at in 410..590_i64,
        height in prop_oneof![Just(-30.0), Just(15.0), Just(1e6)],
        beside in 1..12_i64,
        other in prop_oneof![Just(0.0), Just(60.0)],
    ) {
        let value = |i: i64| wave(i) + if i == at { height } else if i == at + beside { other } else { 0.0 };
        let params = Params { alpha: Some(1e-5), ..short() };
        let model = trained(rows((0..400).map(|i| (i * MINUTE, wave(i)))), params);
        let points = scored(&model, &rows((0..600).map(|i| (i * MINUTE, value(i)))));
        assert_agreement(&model, &points);
        let odd = [Some(at), (other > 0.0).then_some(at + beside)];
        for i in odd.into_iter().flatten().filter(|i| *i < 600) {
            let p = &points[i as usize];
            let band = model.expected(p.time).unwrap()[0].unwrap();
            prop_assert!(band.change(value(i)) != 0);
            prop_assert_eq!(p.change, Some(band.change(value(i))));
            prop_assert_eq!((p.is_anomaly, p.in_shadow), (Some(true), false), "{:?}", p);
            prop_assert_eq!(p.evidence, Some(Evidence::Value));
        }
        // Nobody else is to blame.
        let blamed = flagged(&points[400..]).len() as i64;
        prop_assert!(blamed <= 2, "{blamed} rows");
    }
}

/// Days with a week, and growth if wanted.
fn days(n: i64, growth: f64, odd: &[i64]) -> tsad_core::Samples {
    rows((0..n).map(|i| {
        let week = [100.0, 110.0, 112.0, 108.0, 100.0, 45.0, 40.0][(i % 7) as usize];
        let value = 1000.0 + 5.0 * week + growth * i as f64 + 12.0 * noise(i);
        (i * DAY, if odd.contains(&i) { value / 3.0 } else { value })
    }))
}

#[test]
fn one_odd_day_is_one_row() {
    for growth in [0.0, 3.0] {
        let model = trained(days(250, growth, &[]), Params::default());
        assert!(model.has_windows());
        let points = scored(&model, &days(330, growth, &[290]));
        assert_agreement(&model, &points);
        assert_eq!(flagged(&points[250..]), [40], "growth {growth}");
        assert_eq!(
            (points[290].change, points[290].evidence),
            (Some(-1), Some(Evidence::Value))
        );
        assert!(points[250..].iter().all(|p| p.score.is_some()));
    }
}

#[test]
fn two_weeks_of_days_make_a_model_without_windows() {
    let params = Params {
        scales: vec![64],
        ..Params::default()
    };
    let model = trained(days(21, 0.0, &[]), params);
    assert!(model.is_trained() && !model.has_windows());
    assert!(model.windowless_reason().is_some() && model.untrained_reason().is_none());
    let points = scored(&model, &days(60, 0.0, &[40]));
    assert_eq!(flagged(&points), [40]);
    assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
}

#[test]
fn what_a_form_tells_is_told_by_windows() {
    // A wave that is twice as fast for a while, within its band.
    let value = |i: i64| {
        let speed = if (3700..3760).contains(&i) { 2.0 } else { 5.0 };
        (i as f64 / speed).sin() + 0.2 * noise(i)
    };
    let all = rows((0..4000).map(|i| (i * MINUTE, value(i))));
    let model = trained(all.head(3000), Params::default());
    let points = scored(&model, &all);
    assert_agreement(&model, &points);
    let found = flagged(&points[3690..3770]);
    assert!(found.len() >= 8, "{found:?}");
}

#[test]
fn rows_of_one_time_count_as_one() {
    let model = trained(rows((0..400).map(|i| (i * MINUTE, wave(i)))), Params::default());
    // Every row comes four times: no value stands still.
    let often = rows((400..500).flat_map(|i| [(i * MINUTE, wave(i)); 4]));
    let points = scored(&model, &often);
    assert!(flagged(&points).is_empty(), "{:?}", flagged(&points));
    let mut odd = often.clone();
    odd.push(500 * MINUTE, &[90.0]).unwrap();
    odd.push(500 * MINUTE, &[80.0]).unwrap();
    assert_eq!(flagged(&scored(&model, &odd)), [400, 401]);
}
