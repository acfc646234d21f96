//! The measures against TSB-AD's own evaluation code; see `tests/data/README.md`.

use std::collections::BTreeMap;

use serde::Deserialize;
use tsad_core::measure::{self, Measures};

const TOLERANCE: f64 = 1e-9;
const GOLDEN: &str = include_str!("../data/metric_golden.json");
const REFERENCE: &str = include_str!("../data/measure_reference.json");

#[derive(Deserialize)]
struct File {
    metrics: Vec<Case>,
    period: Vec<Series>,
    #[serde(default)]
    period_of_steps: Vec<Steps>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    window: usize,
    label: String,
    score: Vec<f64>,
    expect: BTreeMap<String, f64>,
    cut: Option<f64>,
    #[serde(default)]
    expect_at_cut: BTreeMap<String, f64>,
}

impl Case {
    fn labels(&self) -> Vec<bool> {
        self.label.bytes().map(|b| b == b'1').collect()
    }

    fn compare(&self, found: &BTreeMap<&str, f64>, expect: &BTreeMap<String, f64>) {
        // The second file leaves out what TSB-AD's code gets wrong at the ends of a series.
        let omitted = [self.label.starts_with('1'), self.label.ends_with('1')];
        let omitted = omitted.iter().filter(|end| self.cut.is_some() && **end).count();
        assert_eq!(expect.len() + omitted, found.len(), "{}", self.name);
        for (name, expect) in expect {
            let found = found[name.as_str()];
            assert!(
                (found - expect).abs() <= TOLERANCE,
                "{}, {name}: {found} instead of {expect}",
                self.name
            );
        }
    }
}

#[derive(Deserialize)]
struct Series {
    name: String,
    x: Vec<f64>,
    expect: usize,
}

/// A series that the script and this test make from the same whole numbers.
#[derive(Deserialize)]
struct Steps {
    period: usize,
    count: usize,
    length: usize,
    expect: usize,
}

fn files() -> serde_json::Result<[File; 2]> {
    Ok([serde_json::from_str(GOLDEN)?, serde_json::from_str(REFERENCE)?])
}

fn named(found: &Measures) -> BTreeMap<&'static str, f64> {
    BTreeMap::from([
        ("AUC-PR", found.auc_pr),
        ("AUC-ROC", found.auc_roc),
        ("VUS-PR", found.vus_pr),
        ("VUS-ROC", found.vus_roc),
        ("Standard-F1", found.point_f1),
        ("PA-F1", found.point_adjusted_f1),
        ("Event-based-F1", found.event_f1),
        ("R-based-F1", found.range_f1),
        ("Affiliation-F", found.affiliation_f1),
    ])
}

#[test]
fn scores_agree_with_tsb_ad() {
    let [golden, reference] = files().unwrap();
    assert_eq!((golden.metrics.len(), reference.metrics.len()), (8, 12));
    for case in golden.metrics.iter().chain(&reference.metrics) {
        let found = measure::evaluate(&case.score, &case.labels(), case.window).unwrap();
        case.compare(&named(&found), &case.expect);
    }
}

#[test]
fn single_functions_give_what_evaluate_gives() {
    for case in files().unwrap().iter().flat_map(|file| &file.metrics) {
        let (scores, labels) = (&case.score, &case.labels());
        let all = measure::evaluate(scores, labels, case.window).unwrap();
        let vus = measure::vus(scores, labels, case.window).unwrap();
        assert_eq!((vus.pr, vus.roc), (all.vus_pr, all.vus_roc));
        let pairs = [
            (measure::auc_pr(scores, labels), all.auc_pr),
            (measure::auc_roc(scores, labels), all.auc_roc),
            (measure::best_point_f1(scores, labels), all.point_f1),
            (measure::best_event_f1(scores, labels), all.event_f1),
            (measure::best_range_f1(scores, labels), all.range_f1),
            (measure::best_affiliation_f1(scores, labels), all.affiliation_f1),
            (
                measure::best_point_adjusted_f1(scores, labels),
                all.point_adjusted_f1,
            ),
        ];
        for (single, all) in pairs {
            assert_eq!(single.unwrap(), all, "{}", case.name);
        }
    }
}

#[test]
fn decisions_agree_with_tsb_ad() {
    let [_, reference] = files().unwrap();
    for case in &reference.metrics {
        let labels = case.labels();
        let cut = case.cut.unwrap();
        let decided: Vec<bool> = case.score.iter().map(|score| *score > cut).collect();
        let found = BTreeMap::from([
            ("Standard-F1", measure::point(&decided, &labels).unwrap().f1()),
            ("PA-F1", measure::point_adjusted(&decided, &labels).unwrap().f1()),
            ("Event-based-F1", measure::event(&decided, &labels).unwrap().f1()),
            ("R-based-F1", measure::range(&decided, &labels).unwrap().f1()),
            (
                "Affiliation-F",
                measure::affiliation(&decided, &labels).unwrap().f1(),
            ),
        ]);
        case.compare(&found, &case.expect_at_cut);
    }
}

#[test]
fn periods_agree_with_tsb_ad() {
    let [golden, reference] = files().unwrap();
    assert_eq!((golden.period.len(), reference.period.len()), (4, 8));
    for series in golden.period.iter().chain(&reference.period) {
        assert_eq!(
            measure::period_length(&series.x),
            series.expect,
            "{}",
            series.name
        );
    }
    assert_eq!(reference.period_of_steps.len(), 12);
    for Steps {
        period,
        count,
        length,
        expect,
    } in reference.period_of_steps
    {
        let values: Vec<f64> = (0..length)
            .map(|i| ((i % period) * (i % period) % 17 + i * 7919 % count) as f64)
            .collect();
        assert_eq!(
            measure::period_length(&values),
            expect,
            "steps of {period}, {count}, {length}"
        );
    }
}
