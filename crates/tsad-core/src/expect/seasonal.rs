//! One season: a profile over phases.

use super::phases::{PhaseKind, Phases, Profile};
use super::ring;
use super::robust::{median, rough_scale_of, scale_of};
use crate::control::Check;
use serde::{Deserialize, Serialize};

/// Rows between two calls of the cancel hook.
const EVERY: usize = 1 << 16;
/// A phase is sharp if it stands out by so many of its standard errors ...
const ALONE: f64 = 4.5;
/// ... or by so many if a neighbour does too.
const BESIDE: f64 = 3.0;

/// A season: smooth over neighbouring phases, but sharp where a phase stands out by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Season {
    /// What each phase adds to the level.
    pub(crate) profile: Profile,
    /// Over how many phases the smooth part was smoothed; odd, 1 is none.
    pub(crate) width: usize,
    /// By how many phases an edge may come early or late; at most half of the ring.
    pub(crate) reach: usize,
    /// How many rows of zero each phase was shrunk by; at least 0.
    pub(crate) shrink: f64,
}

/// How a season is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SeasonSpec {
    /// Which of the keys it goes by.
    pub(super) key: usize,
    /// Over how many phases it is smoothed; odd.
    pub(super) width: usize,
    /// How many rows of zero each phase is shrunk by.
    pub(super) shrink: f64,
}

/// The number of rows of each phase.
pub(super) fn count(phase: &[u32], phases: usize) -> Vec<f64> {
    let mut n = vec![0.0; phases];
    phase.iter().for_each(|k| n[*k as usize] += 1.0);
    n
}

/// The sum of values in each phase.
pub(super) fn sum(values: impl Iterator<Item = f64>, phase: &[u32], phases: usize) -> Vec<f64> {
    let mut out = vec![0.0; phases];
    phase.iter().zip(values).for_each(|(k, v)| out[*k as usize] += v);
    out
}

/// The median of each phase; NaN where there is no row.
pub(super) fn medians(values: &[f64], phase: &[u32], phases: usize, check: Check) -> Vec<f64> {
    // Where the next row of each phase goes, and after that where each phase ends.
    let mut place = vec![0_usize; phases + 1];
    phase.iter().for_each(|k| place[*k as usize + 1] += 1);
    for k in 1..=phases {
        place[k] += place[k - 1];
    }
    let mut sorted = vec![0.0; values.len()];
    for (v, k) in values.chunks(EVERY).zip(phase.chunks(EVERY)) {
        check();
        for (v, k) in v.iter().zip(k) {
            let to = &mut place[*k as usize];
            sorted[*to] = *v;
            *to += 1;
        }
    }
    let (mut from, mut since) = (0, 0);
    let each = place[..phases].iter().map(|end| {
        let rows = &mut sorted[from..*end];
        since += rows.len();
        if since > EVERY {
            check();
            since = 0;
        }
        from = *end;
        if rows.is_empty() {
            f64::NAN
        } else {
            median(rows, check)
        }
    });
    each.collect()
}

impl Season {
    /// Fits what is left of values after the other parts of the model.
    pub(super) fn fit(
        spec: SeasonSpec,
        key: &Phases,
        phase: &[u32],
        rest: &[f64],
        counts: bool,
        check: Check,
    ) -> Self {
        let phases = key.count();
        let n = count(phase, phases);
        check();
        let centre = if counts {
            let cap = 6.0 * scale_of(rest, check).max(1e-300);
            let sums = sum(rest.iter().map(|v| v.clamp(-cap, cap)), phase, phases);
            sums.iter().zip(&n).map(|(s, n)| s / n).collect()
        } else {
            medians(rest, phase, phases, check)
        };
        check();
        let values = if spec.width > 1 && key.ring() >= 2 * spec.width {
            smoothed(&centre, &n, spec.width, key, (phase, rest), check)
        } else {
            shrunk(&centre, &n, spec.shrink, key)
        };
        Self {
            profile: Profile {
                phases: key.clone(),
                values,
            },
            width: spec.width,
            reach: 0,
            shrink: spec.shrink,
        }
    }
}

/// Each phase by itself, shrunk towards zero where it has few rows.
fn shrunk(centre: &[f64], n: &[f64], shrink: f64, key: &Phases) -> Vec<f64> {
    let fills = key.is_clock() || matches!(key.kind, PhaseKind::Period | PhaseKind::WeekOfYear);
    let unknown = if fills { f64::NAN } else { 0.0 };
    let mut values: Vec<f64> = centre
        .iter()
        .zip(n)
        .map(|(c, n)| {
            if *n > 0.0 {
                c * (n / (n + shrink).max(1e-9))
            } else {
                unknown
            }
        })
        .collect();
    if fills && n.contains(&0.0) {
        key.fill(&mut values);
    }
    values
}

/// Smooth over neighbours, but phases that stand out by themselves (jobs, edges) are kept sharp.
fn smoothed(
    centre: &[f64],
    n: &[f64],
    width: usize,
    key: &Phases,
    (phase, rest): (&[u32], &[f64]),
    check: Check,
) -> Vec<f64> {
    let mut full = centre.to_vec();
    key.fill(&mut full);
    let soft = key.each_ring(&full, |r| ring::mean(&ring::median(r, width), width));
    check();
    let left = rest.iter().zip(phase).map(|(v, k)| v - soft[*k as usize]);
    let s = rough_scale_of(left, check).max(1e-300);
    let z: Vec<f64> = (0..full.len())
        .map(|k| (full[k] - soft[k]).abs() / (1.25 * s / n[k].max(1.0).sqrt()))
        .collect();
    let beside = key.each_ring(&z, |z| {
        let m = z.len();
        (0..m).map(|i| z[(i + m - 1) % m].max(z[(i + 1) % m])).collect()
    });
    let sharp = |k: usize| n[k] >= 2.0 && (z[k] > ALONE || z[k] > BESIDE && beside[k] > BESIDE);
    (0..full.len())
        .map(|k| if sharp(k) { full[k] } else { soft[k] })
        .collect()
}
