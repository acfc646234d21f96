//! The same rows, options and seed give the same model, byte for byte.

use crate::common::{MINUTE, any_rows, part, rows, scored, short, trained, wave, waves, wide_rows};
use proptest::prelude::*;
use tsad_core::{Params, Samples};

fn bytes(rows: Samples, params: Params) -> Vec<u8> {
    trained(rows, params).to_bytes().unwrap()
}

type Rows = Vec<(i64, Vec<f64>)>;

/// Rows, and the same in another order.
fn shuffled() -> impl Strategy<Value = (usize, Rows, Rows)> {
    any_rows(250)
        .prop_flat_map(|(channels, list)| (Just(channels), Just(list.clone()), Just(list).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_order_of_the_rows_does_not_matter((channels, list, other) in shuffled()) {
        let (a, b) = (wide_rows(channels, &list), wide_rows(channels, &other));
        prop_assert_eq!(bytes(a, short()), bytes(b, short()));
    }

    #[test]
    fn the_order_in_which_parts_are_joined_does_not_matter(
        (channels, list, _) in shuffled(),
        cuts in prop::collection::vec(0.0..1.0_f64, 0..5),
        turn in 0..6_usize,
    ) {
        let whole = wide_rows(channels, &list);
        let mut ends: Vec<usize> = cuts.iter().map(|c| (c * list.len() as f64) as usize).collect();
        ends.extend([0, list.len()]);
        ends.sort_unstable();
        let mut parts: Vec<Samples> = ends.windows(2).map(|e| part(&whole, e[0], e[1])).collect();
        let turn = turn % parts.len();
        parts.rotate_left(turn);
        let mut joined = Samples::new(channels)?;
        for part in &parts {
            joined.append(part)?;
        }
        prop_assert_eq!(joined.len(), list.len());
        prop_assert_eq!(bytes(joined, short()), bytes(whole, short()));
    }

    #[test]
    fn rows_can_be_scored_in_any_order_and_again(
        (channels, list, other) in shuffled(),
    ) {
        let whole = wide_rows(channels, &list);
        let model = trained(part(&whole, 0, whole.len() / 2), short());
        let once = scored(&model, &whole);
        prop_assert_eq!(&once, &scored(&model, &whole));
        let other = scored(&model, &wide_rows(channels, &other));
        prop_assert_eq!(once.len(), other.len());
        let alone = |i: usize| list.iter().filter(|(t, _)| *t == once[i].time).count() == 1;
        for (i, (a, b)) in once.iter().zip(&other).enumerate() {
            prop_assert_eq!(a.time, b.time);
            // Rows of equal time keep the order in which they came, and are averaged in it: the last bits may differ.
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-4 * (1.0 + a.abs());
            prop_assert!(!alone(i) || a.status == b.status, "{a:?} {b:?}");
            // Rows of one time are one to windows, but each is judged by itself.
            let scores = if alone(i) { a.score.zip(b.score) } else { a.window_score.zip(b.window_score) };
            prop_assert!(scores.is_none_or(|(a, b)| near(a, b)), "{a:?} {b:?}");
        }
    }
}

#[test]
fn signs_of_zero_and_of_missing_values_do_not_depend_on_the_order() {
    let special = [0.0, -0.0, f64::NAN, -f64::NAN, 1.0];
    let list: Vec<(i64, f64)> = (0..300)
        .map(|i| (i / 5 * MINUTE, special[i as usize % 5]))
        .collect();
    let forward = bytes(rows(list.iter().copied()), short());
    let backward = bytes(rows(list.iter().rev().copied()), short());
    assert_eq!(forward, backward);
}

#[test]
fn rows_of_equal_time_are_summed_in_an_order_of_their_own() {
    // A small value is lost beside the large ones unless these cancel first.
    let each = |order: fn(f64) -> [f64; 3]| {
        let at = |i: i64| order(wave(i)).map(|v| (i * MINUTE, v));
        bytes(rows((0..300).flat_map(at)), short())
    };
    let last = each(|v| [1e16, -1e16, v]);
    assert_eq!(last, each(|v| [v, 1e16, -1e16]));
    assert_eq!(last, each(|v| [-1e16, v, 1e16]));
}

#[test]
fn a_long_series_in_reverse_gives_the_same_bytes() {
    let all = waves(6000);
    let reverse = rows((0..6000).rev().map(|i| (all.times()[i], all.row(i)[0])));
    assert_eq!(bytes(all, Params::default()), bytes(reverse, Params::default()));
}

#[test]
fn the_seed_is_used_and_kept() {
    let seeded = |seed| trained(waves(600), Params { seed, ..short() });
    let (a, b) = (seeded(1), seeded(2));
    assert_eq!((a.info(0).options.seed, b.info(0).options.seed), (1, 2));
    assert_ne!(
        scored(&a, &waves(700)),
        scored(&b, &waves(700)),
        "the seeds made no difference"
    );
    assert_eq!(a.to_bytes().unwrap(), seeded(1).to_bytes().unwrap());
}

#[test]
fn the_rows_decide_not_the_time_at_which_they_begin() {
    // Whole multiples of the interval: the grid and the windows move along.
    let params = || Params {
        scales: vec![8],
        ..short()
    };
    let score_of = |shift: i64| {
        let moved = |n: i64| {
            let all = waves(n);
            rows((0..n as usize).map(|i| (all.times()[i] + shift, all.row(i)[0])))
        };
        let points = scored(&trained(moved(400), params()), &moved(500));
        points
            .iter()
            .map(|p| p.score.map(f64::to_bits))
            .collect::<Vec<_>>()
    };
    let here = score_of(0);
    for shift in [MINUTE, -1_000_000 * MINUTE, 7 * MINUTE] {
        assert_eq!(score_of(shift), here, "{shift}");
    }
}
