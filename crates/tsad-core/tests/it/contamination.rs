//! Training data that holds an incident must not blind the model to the next one of its kind.

use crate::common::{MINUTE, rows, scored, trained, wave};
use tsad_core::{Params, Point, Samples};

/// Something that happens to a wave for a while.
type Incident = fn(i: i64, wave: f64) -> f64;

const INCIDENTS: [(&str, Incident, i64); 4] = [
    ("spike", |_, w| w + 8.0, 2),
    ("level shift", |_, w| w + 4.0, 30),
    (
        "noise",
        |i, w| w + 3.0 * f64::from((i * 7919 % 17) as i32 - 8) / 8.0,
        30,
    ),
    ("stuck", |_, _| 2.5, 30),
];
const TRAINED: i64 = 3000;
const EARLY: i64 = 1200;
const LATE: i64 = 4000;

/// A wave with the incident after the training part and, `twice`, the same in it.
fn series(incident: Incident, length: i64, twice: bool) -> Samples {
    let value = |i: i64| {
        let inside = |start: i64| (start..start + length).contains(&i);
        match twice && inside(EARLY) {
            true => incident(i - EARLY, wave(i)),
            false if inside(LATE) => incident(i - LATE, wave(i)),
            false => wave(i),
        }
    };
    rows((0..5000).map(|i| (i * MINUTE, value(i))))
}

/// The share of the rows after the training part that score no higher than the later copy of the incident.
fn rank(params: &Params, incident: Incident, length: i64) -> f64 {
    let all = series(incident, length, true);
    let head = all.clone().head(TRAINED as usize);
    let points = scored(&trained(head, params.clone()), &all);
    let late = &points[LATE as usize..(LATE + length) as usize];
    let peak = late.iter().filter_map(|p| p.score).fold(0.0, f64::max);
    let rest = &points[TRAINED as usize..];
    let below = rest.iter().filter(|p| p.score.is_some_and(|s| s <= peak)).count();
    below as f64 / rest.len() as f64
}

#[test]
fn an_incident_in_the_training_part_does_not_hide_its_return() {
    for metric in [false, true] {
        let params = Params {
            metric,
            ..Params::default()
        };
        for (name, incident, length) in INCIDENTS {
            let rank = rank(&params, incident, length);
            assert!(rank > 0.99, "{name}, metric {metric}: {rank}");
        }
    }
}

#[test]
fn an_incident_in_the_training_part_does_not_keep_its_return_from_being_flagged() {
    for (name, incident, length) in INCIDENTS {
        let flagged = |twice: bool| {
            let all = series(incident, length, twice);
            let model = trained(all.clone().head(TRAINED as usize), Params::default());
            let points = scored(&model, &all);
            let late = &points[LATE as usize..(LATE + length) as usize];
            let calm = &points[TRAINED as usize..(LATE - 300) as usize];
            let is_flagged = |p: &&Point| p.is_anomaly == Some(true);
            assert_eq!(calm.iter().filter(is_flagged).count(), 0, "{name}, {twice}");
            late.iter().filter(is_flagged).count()
        };
        assert!(flagged(false) > 0 && flagged(true) > 0, "{name}");
    }
}

#[test]
fn what_is_left_out_is_told_and_bounded() {
    let (_, shift, length) = INCIDENTS[1];
    let all = series(shift, length, true);
    let set_aside = |contamination: f64| {
        let params = Params {
            contamination,
            ..Params::default()
        };
        let model = trained(all.clone().head(TRAINED as usize), params);
        let info = model.info(0);
        (info.rows_set_aside, info.calibration.unwrap().set_aside)
    };
    // By themselves, or by windows, which start every fourth sample: so sharply they see the incident.
    let (rows, windows) = set_aside(0.02);
    // By windows also what stands in its place, without noise.
    let near = length as u64 - 8..=length as u64 + 16;
    assert!(
        near.contains(&rows.max(windows)) && rows.min(windows) <= *near.end(),
        "{rows} {windows}"
    );
    assert_eq!((set_aside(0.0), set_aside(0.005)), ((0, 0), (0, 0)));
}
