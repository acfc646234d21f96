//! Incidents among the training rows, and what happens there now and then.

use super::forecast::Recurring;
use super::packed::rounded;
use super::phases::PhaseKind;
use super::ring;
use super::robust::{quantile, scale_of};
use super::rows::Rows;
use super::seasonal::{count, medians};
use crate::control::Check;

/// Rows farther out than so many spreads are set aside.
const FAR: f64 = 10.0;
/// Counts must be farther out.
const FAR_COUNT: f64 = 12.0;
/// Where there are many, rows this many times beyond the quantile of what is common are set aside.
const BEYOND: f64 = 3.0;
/// Rows that lie out so many spreads may be what happens now and then ...
const NOW_AND_THEN: f64 = 5.0;
/// ... if they are this share of the rows of a phase, and at least two.
const SHARE: f64 = 0.15;

/// Which rows are incidents, by their distance from what was expected: at most the share `contamination` at few times. What
/// is more than that is the data's own way, unless it is far beyond even that. `coarse` is the spread that the step between
/// values alone makes.
pub(super) fn incidents(r: &[f64], counts: bool, coarse: f64, contamination: f64, check: Check) -> Vec<bool> {
    let scale = scale_of(r, check);
    check();
    if counts {
        let limit = FAR_COUNT * scale.max(1.0);
        return r.iter().map(|r| r.abs() > limit).collect();
    }
    let s = scale.max(coarse).max(1e-300);
    let out: Vec<bool> = r.iter().map(|r| r.abs() / s > FAR).collect();
    let n = r.len();
    let share = out.iter().filter(|o| **o).count() as f64 / n as f64;
    let pieces = (0..n).filter(|i| out[*i] && (*i == 0 || !out[i - 1])).count();
    if share <= contamination && pieces <= 2 + n / 2000 {
        return out;
    }
    let mut z: Vec<f64> = r.iter().map(|r| r.abs() / s).collect();
    let limit = FAR.max(BEYOND * quantile(&mut z, 1.0 - contamination / 4.0, check));
    r.iter().map(|r| r.abs() / s > limit).collect()
}

/// What lies far out on one side in at least two, and a share, of the rows of a phase: no incident, but a job that does not
/// run each day, or begins at another time.
pub(super) fn recurring(rows: &Rows, r: &[f64], coarse: f64, check: Check) -> Option<Recurring> {
    let of_kind = |kind| rows.keys.iter().position(|k| k.kind == kind);
    let k = of_kind(PhaseKind::Day).or_else(|| of_kind(PhaseKind::Week))?;
    let (key, phase) = (&rows.keys[k], &rows.phase[k]);
    let s = scale_of(r, check).max(coarse).max(1e-300);
    let n = count(phase, key.count());
    let typical = |side: f64| -> Vec<f64> {
        check();
        let far = r.iter().zip(phase).filter(|(r, _)| side * **r > NOW_AND_THEN * s);
        let (values, phases): (Vec<f64>, Vec<u32>) = far.map(|(r, k)| (*r, *k)).unzip();
        let c = count(&phases, key.count());
        let m = medians(&values, &phases, key.count(), check);
        let often = |k: usize| c[k] >= 2.0 && c[k] >= SHARE * n[k];
        (0..key.count())
            .map(|k| if often(k) { m[k] } else { 0.0 })
            .collect()
    };
    let (below, above) = (typical(-1.0), typical(1.0));
    if below.iter().chain(&above).all(|v| *v == 0.0) {
        return None;
    }
    // Of a day or a week, which are one ring.
    let wider = |v: Vec<f64>, pick| match key.ring() {
        24.. => ring::with_neighbours(&v, pick),
        _ => v,
    };
    Some(Recurring {
        phases: key.clone(),
        below: rounded(wider(below, f64::min)),
        above: rounded(wider(above, f64::max)),
    })
}
