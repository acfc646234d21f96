//! Why a sample got its score.

use crate::common::{MINUTE, scored, short, trained, wave, wide_rows};
use tsad_core::{ErrorKind, Explainer, Explanation, Params, Samples};

const TRAINED: i64 = 2000;

/// Three channels; the second jumps for twenty samples at 2600.
fn rows(n: i64) -> Samples {
    let row = |i: i64| {
        let jump = if (2600..2620).contains(&i) { 6.0 } else { 0.0 };
        (
            i * MINUTE,
            vec![wave(i), 100.0 + 10.0 * (wave(i + 9) + jump), wave(2 * i)],
        )
    };
    wide_rows(3, &(0..n).map(row).collect::<Vec<_>>())
}

fn explained(params: Params, rows: &Samples, at: &[i64]) -> Vec<Option<Explanation>> {
    let model = trained(rows.head(TRAINED as usize), params);
    let mut explainer = Explainer::new(&model, rows.clone(), &|| {}).unwrap().unwrap();
    at.iter().map(|t| explainer.explain(*t, &|| {})).collect()
}

#[test]
fn an_incident_is_explained_by_its_channel_and_what_was_normal_instead() {
    let rows = rows(3000);
    let found = explained(Params::default(), &rows, &[2610 * MINUTE]);
    let e = found[0].as_ref().unwrap();
    assert_eq!(e.channel, 1);
    let total: f64 = e.scales.iter().map(|s| s.1).sum();
    assert!((total - 1.0).abs() < 1e-9, "{:?}", e.scales);
    assert!(e.window.first <= 2610 * MINUTE && 2610 * MINUTE <= e.window.last);
    let length = e.window.values.len();
    assert_eq!(e.window.last - e.window.first, (length as i64 - 1) * MINUTE);
    let first = (e.window.first / MINUTE) as usize;
    assert!((0..length).all(|i| e.window.values[i] == rows.row(first + i)[1]));
    let normal = e.normal.as_ref().unwrap();
    let (from, to) = normal.range.unwrap();
    assert!(from >= 0 && to < TRAINED * MINUTE && to - from == (length as i64 - 1) * MINUTE);
    assert_eq!(normal.values.len(), length);
    assert!(
        normal.values.iter().all(|v| (85.0..115.0).contains(v)),
        "{:?}",
        normal.values
    );
}

#[test]
fn a_normal_window_is_like_the_training_window_that_it_names() {
    let rows = rows(3000);
    for e in explained(Params::default(), &rows, &[2300 * MINUTE, 2400 * MINUTE]) {
        let e = e.unwrap();
        let normal = e.normal.unwrap();
        let from = (normal.range.unwrap().0 / MINUTE) as usize;
        let near = |other: &dyn Fn(usize) -> f64| {
            let squares = normal
                .values
                .iter()
                .enumerate()
                .map(|(i, v)| (v - other(i)).powi(2));
            (squares.sum::<f64>() / normal.values.len() as f64).sqrt()
        };
        let spread = if e.channel == 1 { 10.0 } else { 1.0 };
        assert!(near(&|i| rows.row(from + i)[e.channel]) < 0.5 * spread);
        assert!(near(&|i| e.window.values[i]) < 0.5 * spread);
    }
}

#[test]
fn what_has_a_score_has_an_explanation_and_nothing_else() {
    let mut all = Samples::new(1).unwrap();
    for i in (0..1200).filter(|i| !(700..740).contains(i) && !(760..800).contains(i)) {
        all.push(i * MINUTE, &[wave(i)]).unwrap();
    }
    let model = trained(all.head(500), short());
    let points = scored(&model, &all);
    assert!(points.iter().any(|p| p.score.is_none()) || points.len() == 1120);
    let mut explainer = Explainer::new(&model, all.clone(), &|| {}).unwrap().unwrap();
    for p in &points {
        assert_eq!(
            explainer.explain(p.time, &|| {}).is_some(),
            p.score.is_some(),
            "{}",
            p.time
        );
    }
    assert!(explainer.explain(-5 * MINUTE, &|| {}).is_none());
    assert!(explainer.explain(720 * MINUTE, &|| {}).is_none());
    assert!(explainer.explain(5000 * MINUTE, &|| {}).is_none());
    let other = Explainer::new(&model, rows(10), &|| {}).err().unwrap();
    assert_eq!(other.kind(), ErrorKind::Dimension);
    let untrained = trained(all.head(3), short());
    assert!(Explainer::new(&untrained, all, &|| {}).unwrap().is_none());
}
