//! The learned part through the public interface: determinism, bytes, what the model says of it.

use crate::common::{MINUTE, bits, part, rows, scored, trained, waves};
use tsad_core::{Model, Params, Samples, score_causal, update};

fn params(seed: u64) -> Params {
    Params {
        scales: vec![16, 32],
        metric: true,
        seed,
        ..Params::default()
    }
}

fn reversed(rows: &Samples) -> Samples {
    let mut out = Samples::new(rows.channels()).unwrap();
    for i in (0..rows.len()).rev() {
        out.push(rows.times()[i], rows.row(i)).unwrap();
    }
    out
}

#[test]
fn the_same_rows_in_any_order_give_the_same_bytes() {
    for rows in [waves(1500), by_minute(&forms(2400, |n| n % 2))] {
        let one = trained(rows.clone(), params(3)).to_bytes().unwrap();
        let other = trained(reversed(&rows), params(3)).to_bytes().unwrap();
        assert!(one == other);
    }
}

#[test]
fn a_model_with_a_metric_survives_its_bytes() {
    let of_forms = by_minute(&forms(2400, |n| n % 2));
    for (rows, state) in [(waves(1500), "no_better"), (of_forms, "learned")] {
        let model = trained(rows, params(0));
        assert_eq!(model.info(0).metric, state);
        let read = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
        assert_eq!(read, model);
        let (a, b) = (scored(&model, &waves(2000)), scored(&read, &waves(2000)));
        assert!(a.iter().zip(&b).all(|(a, b)| bits(a) == bits(b)));
    }
}

#[test]
fn without_it_the_model_says_so() {
    let model = trained(waves(400), Params::default());
    assert_eq!(model.info(0).metric, "not_wanted");
}

/// A wave whose swings alternate between two forms: what comes next is known from what was before.
fn alternating(count: usize) -> Vec<f64> {
    let value = |i: usize| {
        let phase = (i % 40) as f64 / 40.0 * std::f64::consts::TAU;
        let second = if (i / 40).is_multiple_of(2) {
            0.0
        } else {
            0.8 * (2.0 * phase).sin()
        };
        phase.sin() + second + 0.05 * ((i * 7919 % 101) as f64 / 50.0 - 1.0)
    };
    (0..count).map(value).collect()
}

fn by_minute(values: &[f64]) -> Samples {
    rows((0..).map(|i| i * MINUTE).zip(values.iter().copied()))
}

fn with_context() -> (Model, Samples) {
    let all = by_minute(&alternating(3000));
    let model = trained(part(&all, 0, 2000), params(0));
    assert_eq!(model.info(0).context_scales, [16, 32]);
    (model, all)
}

#[test]
fn a_final_score_never_changes_when_windows_beside_have_a_say() {
    let (model, all) = with_context();
    let whole = scored(&model, &all);
    let reach = (model.reach().unwrap() / MINUTE) as usize;
    assert!(reach > 2 * model.longest_window().unwrap());
    for end in [2100, 2517, 2640] {
        let points = scored(&model, &part(&all, 0, end));
        let last = points.iter().rposition(|p| p.is_final).unwrap();
        assert!(end - last <= reach, "{end} {last}");
        for (p, q) in points.iter().zip(&whole).filter(|(p, _)| p.is_final) {
            assert_eq!((p.time, p.score), (q.time, q.score));
        }
    }
}

#[test]
fn a_part_of_the_rows_gives_the_same_scores_out_of_reach_of_its_ends() {
    let (model, all) = with_context();
    let whole = scored(&model, &all);
    let reach = (model.reach().unwrap() / MINUTE) as usize;
    for (from, to) in [(203, 700), (1111, 1700)] {
        let points = scored(&model, &part(&all, from, to));
        for i in from + reach..to - reach {
            assert_eq!(points[i - from].score, whole[i].score, "{i}");
        }
        // Beyond it they do not all agree: the reach is not larger than it has to be by more than the gaps it bridges.
        let near = from + model.longest_window().unwrap();
        assert!((from..near).any(|i| points[i - from].score != whole[i].score));
    }
}

#[test]
fn causal_scores_know_nothing_of_windows_to_come() {
    let (model, all) = with_context();
    let whole = score_causal(&model, all.clone(), &|| {}).unwrap();
    let points = score_causal(&model, part(&all, 0, 2345), &|| {}).unwrap();
    assert!(points.iter().zip(&whole).all(|(p, q)| bits(p) == bits(q)));
}

/// Two forms of 16 samples in turn, each after 32 samples of nothing but noise, so that no window sees two of them;
/// `forms` tells which one comes when.
fn forms(count: usize, form: impl Fn(usize) -> usize) -> Vec<f64> {
    let value = |i: usize| {
        let noise = 0.05 * ((i * 7919 % 101) as f64 / 50.0 - 1.0);
        let at = i % 48;
        let swing = (at as f64 / 16.0 * std::f64::consts::TAU * (1 + form(i / 48)) as f64).sin();
        noise + if at < 16 { swing } else { 0.0 }
    };
    (0..count).map(value).collect()
}

#[test]
fn a_normal_form_at_the_wrong_time_is_told_by_its_neighbours_only() {
    // The 60th form is that of the 59th and the 61st.
    let all = by_minute(&forms(3600, |n| if n == 60 { 1 } else { n % 2 }));
    let share = |metric: bool| {
        let params = Params { metric, ..params(0) };
        let points = scored(&trained(part(&all, 0, 2400), params), &all);
        let highest = |from: usize, to: usize| {
            let scores = points[from..to].iter().filter_map(|p| p.score);
            scores.fold(0.0, f64::max)
        };
        highest(60 * 48, 60 * 48 + 16) / highest(2400, 2800)
    };
    let (without, with) = (share(false), share(true));
    assert!(without < 1.2 && with > 1.5, "{without} {with}");
}

#[test]
fn an_update_learns_again_what_windows_beside_let_expect() {
    let (model, all) = with_context();
    let newer = update(&model, part(&all, 2000, 3000), &|| {}).unwrap();
    assert!(newer != model);
    assert_eq!(newer.info(0).context_scales, [16, 32]);
    assert_eq!(Model::from_bytes(&newer.to_bytes().unwrap()).unwrap(), newer);
    let flagged = scored(&newer, &all)
        .iter()
        .filter(|p| p.is_anomaly == Some(true))
        .count();
    assert!(flagged < 30, "{flagged}");
}

#[test]
fn newer_rows_too_few_to_learn_from_leave_scores_in_their_units() {
    let (model, all) = with_context();
    // Enough for the windows of 16 samples to be judged, not for those of 32.
    let newer = update(&model, part(&all, 2000, 2070), &|| {}).unwrap();
    assert!(newer != model);
    assert_eq!(newer.info(0).context_scales, [16, 32]);
    let mean = |model: &Model| {
        let points = scored(model, &all);
        points.iter().filter_map(|p| p.score).sum::<f64>() / points.len() as f64
    };
    let (before, after) = (mean(&model), mean(&newer));
    assert!((after / before - 1.0).abs() < 0.1, "{before} {after}");
}
