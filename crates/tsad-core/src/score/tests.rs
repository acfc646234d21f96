use super::rows::RowVerdict;
use super::*;
use crate::expect::RowKind;
use crate::params::Params;
use crate::train::train;
use proptest::prelude::*;

const MINUTE: i64 = 60_000_000;

fn wave(i: i64) -> f64 {
    let noise = ((i * 7919 + 13) % 101) as f64 / 101.0 - 0.5;
    (i as f64 / 5.0).sin() + 0.2 * noise
}

fn rows(times: impl Iterator<Item = i64>, value: impl Fn(i64) -> f64) -> Samples {
    let mut rows = Samples::new(2).unwrap();
    times.for_each(|i| rows.push(i * MINUTE, &[value(i), wave(i + 9)]).unwrap());
    rows
}

fn model() -> Model {
    let params = Params {
        scales: vec![8, 16],
        centres: 6,
        ..Params::default()
    };
    train(rows(0..500, wave), &params.validate().unwrap(), &|| {}).unwrap()
}

fn bits(scores: &[Vec<f64>]) -> Vec<Vec<u64>> {
    scores
        .iter()
        .map(|s| s.iter().map(|v| v.to_bits()).collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn scores_without_what_rows_tell_are_those_of_a_whole_second_scoring(
        odd in prop::collection::vec((500..1100_i64, prop_oneof![Just(9.0), Just(-40.0), Just(1e7)]), 1..6),
        length in 1..20_i64,
        gap in prop_oneof![Just(0..0_i64), Just(700..704), Just(640..690)],
    ) {
        let model = model();
        let Body::Trained(trained) = &model.body else { panic!() };
        let rows_of = |i: i64| {
            let height: f64 = odd.iter().filter(|(at, _)| (*at..*at + length).contains(&i)).map(|o| o.1).sum();
            wave(i) + height
        };
        let all = rows((500..1100).filter(|i| !gap.contains(i)), rows_of);
        let row_model = model.row_model.as_ref().unwrap();
        let verdicts = row_model.judge(&all, |_, _| true, &|| {});
        let detail = Detail { shares: false, directions: false };
        // In causal scores rows are not judged.
        {
            let mode = ScoringMode::Retrospective;
            let windows = Windows { model: &model, trained, mode, detail };
            let (series, _) = windows.on_grid(&all, &|| {});
            let quiet = row_model.replaced(&all, verdicts.aside(), Expectation::bridge, &|| {}).unwrap();
            let (quiet, _) = windows.on_grid(&quiet, &|| {});
            let of = |s: &Series| -> Vec<Scores> {
                s.segments.iter().map(|s| windows.of_segment(s, false, &|| {})).collect()
            };
            let near = windows.judged(&series, &quiet, &of(&series), &|| {});
            let whole: Vec<Vec<f64>> = of(&quiet).into_iter().map(|s| s.score).collect();
            prop_assert_eq!(bits(&near), bits(&whole));
        }
    }

    #[test]
    fn what_rows_tell_of_a_part_is_what_they_tell_of_the_whole(
        odd in prop::collection::vec((0..3000_i64, -3.0..12.0_f64, 1..30_i64), 0..6),
        from in 0..2900_usize,
    ) {
        let model = model();
        let row_model = model.row_model.as_ref().unwrap();
        let value = |i: i64| {
            let height: f64 = odd.iter().filter(|o| (o.0..o.0 + o.2).contains(&(i - 500))).map(|o| o.1).sum();
            wave(i) + height
        };
        let all = rows(500..3500, value);
        let whole = row_model.judge(&all, |_, _| true, &|| {});
        let reach = row_model.reach();
        let (first, last) = (from.saturating_sub(reach), (from + 50 + reach).min(all.len()));
        let part = row_model.judge(&all.tail(first).head(last - first), |_, _| true, &|| {});
        for i in from..(from + 50).min(all.len()) {
            let (whole, part) = (whole.rows[i], part.rows[i - first]);
            // Overlapping sums are trimmed as one run, which may go on beyond what is read; a sum has other last bits.
            if whole.kind != RowKind::Run && part.kind != RowKind::Run {
                prop_assert!((whole.p - part.p).abs() <= 1e-6 * whole.p, "{i} {whole:?} {part:?}");
                let same = RowVerdict { p: whole.p, ..part };
                prop_assert_eq!(whole, same, "{}", i);
            }
        }
    }
}
