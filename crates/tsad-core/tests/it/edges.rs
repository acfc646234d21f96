//! The ends of a series and the sides of a gap are no incidents.

use crate::common::{MINUTE, rows, scored, trained};
use tsad_core::{Params, Samples};

/// A daily wave of hours without any noise, of which some rows are missing.
fn pure(n: i64, gap: std::ops::Range<i64>) -> Samples {
    let value = |i: i64| (i as f64 * std::f64::consts::TAU / 24.0).sin();
    rows(
        (0..n)
            .filter(|i| !gap.contains(i))
            .map(|i| (i * 60 * MINUTE, value(i))),
    )
}

#[test]
fn a_periodic_series_is_not_flagged_at_its_ends_and_beside_gaps() {
    for length in 1000..1016 {
        let model = trained(pure(length, 0..0), Params::default());
        let gap = 1500 + length % 7..1540 + length % 13;
        let points = scored(&model, &pure(2000 + length % 11, gap));
        let flagged: Vec<i64> = points
            .iter()
            .filter(|p| p.is_anomaly == Some(true))
            .map(|p| p.time / 60 / MINUTE)
            .collect();
        assert!(flagged.is_empty(), "trained on {length}: {flagged:?}");
    }
}
