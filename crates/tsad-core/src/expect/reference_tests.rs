//! The port against the prototype: tests/data/expect_reference.py.

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    calendar: bool,
    train: usize,
    alpha: f64,
    /// First time and step where there are two, else every time.
    times: Vec<i64>,
    values: Vec<Option<f64>>,
    parts: Vec<String>,
    spread: f64,
    spread_by_phase: Option<String>,
    set_aside: u64,
    heldout_error: f64,
    coarse: bool,
    slope_doubt: f64,
    size: Option<f64>,
    tails: [[f64; 4]; 2],
    ratio: Option<Vec<f64>>,
    recurring: bool,
    sums: Vec<(usize, f64, f64)>,
    repeats: (f64, u64),
    longest_break: Option<f64>,
    some: Vec<usize>,
    expected: [Vec<Option<f64>>; 3],
    p: Vec<f64>,
    excess: Vec<f64>,
    kind: Vec<String>,
    sign: Vec<i8>,
    silences: Option<Vec<(i64, f64)>>,
}

/// What differs, in words.
struct Differences(Vec<String>);

impl Differences {
    fn near(&mut self, what: &str, ours: f64, theirs: f64, tolerance: f64) {
        let off = (ours - theirs).abs();
        // Also where one is not a number.
        if !(off <= tolerance * theirs.abs().max(1e-9) || off < 1e-12) {
            self.0.push(format!("{what}: {ours} instead of {theirs}"));
        }
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: T, theirs: T) {
        if ours != theirs {
            self.0.push(format!("{what}: {ours:?} instead of {theirs:?}"));
        }
    }
}

fn compared(case: &Case) -> Vec<String> {
    let values: Vec<f64> = case.values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
    let times: Vec<i64> = match case.times[..] {
        [first, step] => (0..values.len() as i64).map(|i| first + i * step).collect(),
        _ => case.times.clone(),
    };
    let utc = LocalTime::utc();
    let options = FitOptions {
        calendar: case.calendar,
        local: &utc,
        zone_known: false,
        holidays: &[],
        contamination: 0.02,
    };
    let n = case.train;
    let fitted = Expectation::fit(&times[..n], &values[..n], &options, &|| {}).unwrap();
    let e = &fitted.expectation;
    let mut d = Differences(Vec::new());
    d.same("parts", e.parts(), case.parts.clone());
    if !d.0.is_empty() {
        return d.0;
    }
    learned(&mut d, e, case);
    for (k, i) in case.some.iter().enumerate() {
        let ours = e.at(times[*i]);
        let theirs = [0, 1, 2].map(|j| case.expected[j][k].unwrap_or(f64::NAN));
        let size = theirs[2] - theirs[1];
        for (ours, theirs) in [ours.expected, ours.lower, ours.upper].into_iter().zip(theirs) {
            d.near(&format!("expected {i}"), ours / size, theirs / size, 1e-6);
        }
        assert_eq!(e.centre(times[*i]), ours.expected);
    }
    judged(
        &mut d,
        &e.judge(&times[n..], &values[n..], case.alpha, &|| {}),
        case,
    );
    if let Some(silences) = &case.silences {
        let ours = e.silences(&times[n..], &|| {});
        d.same(
            "silences",
            ours.iter().map(|s| (s.from, s.missed.round())).collect(),
            silences.iter().map(|s| (s.0, s.1.round())).collect::<Vec<_>>(),
        );
    }
    d.0
}

fn learned(d: &mut Differences, e: &Expectation, case: &Case) {
    let f = &e.forecast;
    d.same("set aside", e.set_aside(), case.set_aside);
    d.near("spread", f.spread, case.spread, 1e-6);
    d.near("held-out error", e.heldout_error(), case.heldout_error, 1e-6);
    let by = f
        .spread_by_phase
        .as_ref()
        .map(|p| p.phases.kind.name().to_owned());
    d.same("spread by phase", by, case.spread_by_phase.clone());
    d.same("coarse", f.step.is_some(), case.coarse);
    d.same("recurring", f.recurring.is_some(), case.recurring);
    let second = if case.calendar { 1e6 } else { 1.0 / 60.0 };
    d.near("doubt", f.slope_doubt * second, case.slope_doubt, 1e-6);
    let size = f.counts.and_then(|c| c.size);
    d.near("size", size.unwrap_or(0.0), case.size.unwrap_or(0.0), 1e-6);
    let numbers = |t: &tail::ExcessTail| [t.threshold, t.share, t.shape, t.scale];
    let tails = e.tails.iter().flat_map(numbers);
    // Counts have ties at the threshold.
    let near = if f.counts.is_some() { 0.2 } else { 1e-6 };
    for (ours, theirs) in tails.zip(case.tails.iter().flatten()) {
        d.near("tail", ours, *theirs, near);
    }
    let ratio = e.ratio.as_ref().map(|r| {
        std::iter::once(r.spread)
            .chain(r.tails.iter().flat_map(numbers))
            .collect::<Vec<_>>()
    });
    d.same("ratio", ratio.is_some(), case.ratio.is_some());
    for (ours, theirs) in ratio.iter().flatten().zip(case.ratio.iter().flatten()) {
        d.near("ratio", *ours, *theirs, 1e-6);
    }
    d.same("lengths", e.sums.len(), case.sums.len());
    for (ours, theirs) in e.sums.iter().zip(&case.sums) {
        d.same("length", ours.length, theirs.0);
        d.near("scale of sums", ours.scale, theirs.1, near);
        d.near("freedom", ours.freedom, theirs.2, 1e-6);
    }
    d.near("repeats", e.repeats.share, case.repeats.0, 1e-9);
    d.same("longest repeat", e.repeats.longest, case.repeats.1);
    if let Some(longest) = case.longest_break {
        d.near("longest break", e.breaks.longest, longest, 1e-6);
    }
}

fn judged(d: &mut Differences, rows: &[RowEvidence], case: &Case) {
    // The prototype remembers scores of counts to a hundredth of the mean.
    let counts = case.parts.contains(&"counts".to_owned());
    let near = if counts { 0.03 } else { 1e-4 };
    for (i, row) in rows.iter().enumerate() {
        let what = |name: &str| format!("{name} {}", i + case.train);
        let kind = format!("{:?}", row.kind).to_lowercase();
        d.same(&what("kind"), &kind, &case.kind[i]);
        d.same(&what("sign"), row.sign, case.sign[i]);
        let theirs = case.p[i].clamp(1e-200, 1.0).ln();
        d.near(
            &what("p"),
            row.p.max(1e-200).ln(),
            theirs,
            if counts { 0.1 } else { 1e-4 },
        );
        if !(counts && case.excess[i].abs() < 1.0) {
            // Seasons are kept in single precision.
            if (row.excess - case.excess[i]).abs() > 1e-6 {
                d.near(&what("excess"), row.excess, case.excess[i], near);
            }
        }
        assert_eq!(row.flagged, row.p < case.alpha, "{row:?}");
        assert_eq!(row.flagged, row.kind != RowKind::None);
    }
}

#[test]
fn the_prototype_is_followed() {
    let cases: Vec<Case> = match std::env::var("EXPECT_REFERENCE") {
        Ok(path) => serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
        Err(_) => serde_json::from_str(include_str!("../../tests/data/expect_reference.json")).unwrap(),
    };
    let mut wrong = Vec::new();
    // The prototype takes a period that no clock keeps for a whole number of rows, and its phase for known.
    let slips = |case: &&Case| case.parts.iter().any(|p| p.starts_with("period")) && !case.calendar;
    for case in cases.iter().filter(|case| !slips(case)) {
        let differences = compared(case);
        if !differences.is_empty() {
            wrong.push(format!(
                "{}: {} differences\n  {}",
                case.name,
                differences.len(),
                differences[..differences.len().min(12)].join("\n  ")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
