//! Series that follow a law which is not linear.

use crate::common::{MINUTE, mackey_glass, part, rows, scored, short, trained, waves};
use std::sync::Arc;
use tsad_core::{Model, Params, Point, Samples, Stream, score_causal, update, view::View};

/// Two places far apart where the series goes on alike for some samples: what lies between them can be cut out, and
/// nothing but its own past tells where.
fn alike(values: &[f64], from: usize) -> usize {
    let apart = |b: usize| {
        (0..8)
            .map(|k| (values[from - k] - values[b - k]).powi(2))
            .sum::<f64>()
    };
    let later = from + 100..from + 1500;
    later.min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap()
}

const JOIN: usize = 4500;

/// A model of 3,000 rows, and the rows before and after with a part cut out at [`JOIN`].
fn with_a_join(params: Params) -> (Model, Samples) {
    let mut values = mackey_glass(7500);
    let end = alike(&values, JOIN);
    values.drain(JOIN + 1..=end);
    values.truncate(6000);
    let all = rows(
        values
            .into_iter()
            .enumerate()
            .map(|(i, v)| (i as i64 * MINUTE, v)),
    );
    (trained(part(&all, 0, 3000), params), all)
}

fn plain() -> Params {
    Params {
        alpha: Some(1e-3),
        ..Params::default()
    }
}

#[test]
fn a_join_that_no_value_betrays_is_the_highest_score() {
    let (model, all) = with_a_join(plain());
    let said = |p: &Point| {
        let [.., prediction, _] = p.views.unwrap();
        prediction
    };
    for (points, late) in [
        (scored(&model, &all), 0),
        (score_causal(&model, all.clone(), &|| {}).unwrap(), 64),
    ] {
        let later = points.iter().enumerate().skip(3000);
        let (at, top) = later
            .max_by(|a, b| a.1.score.partial_cmp(&b.1.score).unwrap())
            .unwrap();
        assert!((JOIN - 40..JOIN + 40 + late).contains(&at), "{at}");
        assert_eq!(top.is_anomaly, Some(true));
        assert!(said(top) > 0.3, "{}", said(top));
        // In hindsight what follows has a say in the rows just before.
        assert_eq!(said(&points[JOIN - 8]) > 0.2, late == 0);
    }
}

#[test]
fn a_final_score_never_changes_and_a_part_of_the_rows_gives_the_same() {
    let (model, all) = with_a_join(plain());
    let whole = scored(&model, &all);
    for end in [JOIN - 10, JOIN + 5, JOIN + 30, JOIN + 300] {
        let points = scored(&model, &part(&all, 0, end));
        let last = points.iter().rposition(|p| p.is_final).unwrap();
        for (p, q) in points.iter().zip(&whole).take(last + 1) {
            assert_eq!(p.score, q.score);
        }
    }
    let reach = (model.reach().unwrap() / MINUTE) as usize;
    let (from, to) = (JOIN - reach - 50, JOIN + reach + 50);
    let points = scored(&model, &part(&all, from, to));
    for i in JOIN - 50..JOIN + 50 {
        assert_eq!(points[i - from].score, whole[i].score, "{i}");
    }
}

#[test]
fn row_by_row_the_scores_are_those_of_all_rows_at_once() {
    for causal in [false, true] {
        let params = Params {
            scales: vec![16, 64],
            causal,
            ..short()
        };
        let (model, all) = with_a_join(params);
        // With a gap, behind which all begins anew.
        let near = (JOIN - 400..JOIN + 300).filter(|i| !(JOIN - 300..JOIN - 250).contains(i));
        let near: Vec<(i64, f64)> = near
            .map(|i| (all.times()[i], (1024.0 * all.row(i)[0]).round() / 1024.0))
            .collect();
        let expected = score_causal(&model, rows(near.iter().copied()), &|| {}).unwrap();
        let said = |p: &&Point| p.views.is_some_and(|v| v[View::COUNT] > 0.2);
        assert!(expected.iter().filter(said).count() > 20);
        let mut stream = Stream::new(Arc::new(model));
        for ((time, value), expected) in near.into_iter().zip(expected) {
            // A cell whose first rows are not its mean, in numbers of which the mean is exact.
            if time / MINUTE % 7 == 0 {
                stream.push(time, &[value + 0.5]).unwrap();
                stream.push(time, &[value - 0.5]).unwrap();
            }
            assert_eq!(stream.push(time, &[value]).unwrap(), expected, "{time}");
        }
    }
}

#[test]
fn a_model_comes_back_unchanged_and_can_be_updated() {
    let (model, all) = with_a_join(plain());
    let bytes = model.to_bytes().unwrap();
    let back = Model::from_bytes(&bytes).unwrap();
    assert_eq!(back.to_bytes().unwrap(), bytes);
    assert!(model.info(0).dynamics && !trained(waves(3000), plain()).info(0).dynamics);
    let near = part(&all, JOIN - 600, JOIN + 600);
    assert_eq!(scored(&back, &near), scored(&model, &near));
    let newer = update(&back, part(&all, 3000, JOIN - 100), &|| {}).unwrap();
    let points = scored(&newer, &near);
    let top = points.iter().map(|p| p.score.unwrap()).fold(0.0, f64::max);
    let at = points.iter().position(|p| p.score == Some(top)).unwrap();
    assert!(
        (560..640).contains(&at) && points[at].is_anomaly == Some(true),
        "{at}"
    );
}
