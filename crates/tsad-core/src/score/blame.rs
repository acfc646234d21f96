//! Which rows are to blame: those that tell it by themselves, and, where none does, those that windows point at most.

use super::point::{Evidence, Point, Status};
use super::rows::{RowVerdict, RowVerdicts};
use crate::control::Check;
use crate::expect::RowKind;
use crate::model::{Model, RowModel};
use crate::series::Samples;
use std::collections::VecDeque;
use std::ops::Range;

/// A row whose score lies below this share of the highest one within the reach of windows is in its shade.
const FOCUS: f64 = 0.5;
/// What the logarithm of a row's own excess weighs in a score of windows, where these are learned from [`FEW_SAMPLES`] or
/// fewer; and where rows were set aside, so that the training part is in doubt (docs/experiments.md).
const ROW_WEIGHT: f64 = 0.3;
const ROW_WEIGHT_IN_DOUBT: f64 = 2.0;
/// From more samples on windows rank by themselves, the more the longer.
const FEW_SAMPLES: f64 = 500.0;
/// Rows between two calls of the cancel hook.
const EVERY: usize = 1 << 13;

/// Decides which rows are to blame.
pub(super) struct Blame<'a> {
    model: &'a Model,
    rows: &'a RowModel,
    shares: bool,
    /// The shortest and the longest window, in the unit of the times.
    windows: [i64; 2],
    /// What the logarithm of a row's own excess weighs in the score of windows.
    row_weight: f64,
}

/// The logarithm of a p-value over that of `alpha`: 1 is the limit.
pub(super) fn severity(p: f64, alpha: f64) -> f64 {
    let ratio = p.clamp(f64::MIN_POSITIVE, 1.0).ln() / alpha.ln();
    if p < alpha {
        ratio.max(1.0_f64.next_up())
    } else {
        // Without the sign of a zero.
        ratio.clamp(0.0, 1.0).abs()
    }
}

impl<'a> Blame<'a> {
    pub(super) fn new(model: &'a Model, rows: &'a RowModel, shares: bool) -> Self {
        let length = |samples: Option<usize>| {
            let samples = i64::try_from(samples.unwrap_or(0)).unwrap_or(i64::MAX);
            rows.interval.saturating_mul(samples)
        };
        Self {
            model,
            rows,
            shares,
            windows: [length(model.shortest_window()), length(model.longest_window())],
            row_weight: row_weight(model, rows),
        }
    }

    /// Turns the p-values of windows and the evidence of rows, in ascending order of time, into one decision.
    pub(super) fn decide(&self, points: &mut [Point], rows: &Samples, verdicts: &RowVerdicts, check: Check) {
        let suspects = self.suspects(points);
        check();
        let blamed = self.blamed(points, &suspects, &verdicts.rows);
        let mut suspect = suspects.into_iter().zip(blamed).peekable();
        for (i, (point, verdict)) in points.iter_mut().zip(&verdicts.rows).enumerate() {
            if i % EVERY == 0 {
                check();
            }
            let windows = suspect.next_if(|(s, _)| *s == i).map(|(_, blamed)| blamed);
            self.point(point, rows.row(i), verdict, windows);
        }
        self.settle(points, verdicts.settled);
    }

    /// Lets only those rows be final that no later row can change: neither their own score and evidence, nor that of rows
    /// in whose shade they may stand.
    fn settle(&self, points: &mut [Point], settled: usize) {
        let last = points.last().map_or(0, |p| p.time);
        let reach = self.model.reach().unwrap_or(0);
        let by_windows = points.iter().find(|p| p.window_score.is_some() && !p.is_final);
        let by_rows = points.get(settled);
        let open = by_windows.into_iter().chain(by_rows).map(|p| p.time).min();
        for point in points.iter_mut().filter(|p| p.p_value.is_some()) {
            if point.window_score.is_none() {
                point.is_final = !self.model.has_windows() || point.time.saturating_add(reach) < last;
            }
            let beside = point.time.saturating_add(self.windows[1]);
            point.is_final &= open.is_none_or(|open| beside < open);
        }
    }

    /// The rows that windows find anomalous, ascending.
    fn suspects(&self, points: &[Point]) -> Vec<usize> {
        let flagged = |(i, p): (usize, &Point)| (p.is_anomaly == Some(true)).then_some(i);
        points.iter().enumerate().filter_map(flagged).collect()
    }

    /// Whether each of the suspects is to blame. Where rows tell it by themselves, what windows add without a break beside
    /// them is their shadow, as far as windows reach; else the suspects in the shade of a much higher score are.
    fn blamed(&self, points: &[Point], suspects: &[usize], verdicts: &[RowVerdict]) -> Vec<bool> {
        let told: Vec<i64> = points
            .iter()
            .zip(verdicts)
            .filter(|(_, v)| v.is_flagged())
            .map(|(p, _)| p.time)
            .collect();
        let peaks = highest_within(points, suspects, self.windows[1]);
        let mut out: Vec<bool> = suspects
            .iter()
            .zip(peaks)
            .map(|(i, peak)| points[*i].score.is_some_and(|s| s >= FOCUS * peak))
            .collect();
        for group in groups(points, suspects, self.windows[0]) {
            let near = self.windows[0];
            let time = |n: usize| points[suspects[n]].time;
            let group_from = time(group.start).saturating_sub(near);
            let group_to = time(group.end - 1).saturating_add(near);
            for n in group {
                let from = group_from.max(time(n).saturating_sub(self.windows[1]));
                let to = group_to.min(time(n).saturating_add(self.windows[1]));
                let at = told.partition_point(|t| *t < from);
                out[n] &= told.get(at).is_none_or(|t| *t > to);
            }
        }
        out
    }

    /// The decision of one row; `windows` says whether it is to blame, where windows find it anomalous.
    fn point(&self, point: &mut Point, row: &[f64], verdict: &RowVerdict, windows: Option<bool>) {
        let alpha = self.rows.alpha;
        if row.iter().all(|v| v.is_nan()) {
            return;
        }
        let by_windows = point.p_value.map_or(1.0, |p| self.of_windows(p));
        if point.score.is_none() {
            if !self.is_judged(row) {
                return;
            }
            point.status = self.model.row_status(point.time);
            point.score = Some(row_score(verdict));
        } else {
            point.window_score = point.score;
            let own = self.row_weight * verdict.excess.abs().ln_1p();
            point.score = point.score.map(|s| s + own);
        }
        let p = match windows {
            _ if verdict.is_flagged() => verdict.p.min(by_windows),
            Some(true) => by_windows.min(verdict.p),
            _ => by_windows.min(verdict.p).max(alpha),
        };
        let is_anomaly = p < alpha;
        point.p_value = Some(p);
        point.is_anomaly = Some(is_anomaly);
        point.severity = Some(severity(p, alpha));
        point.in_shadow = windows.is_some() && !is_anomaly;
        point.evidence = is_anomaly.then_some(match verdict.kind {
            RowKind::Point => Evidence::Value,
            RowKind::Run => Evidence::Run,
            RowKind::Frozen => Evidence::Frozen,
            RowKind::None => Evidence::Window,
        });
        if self.shares {
            self.explain(point, row, verdict);
        }
    }

    /// A p-value of windows in units of the whole.
    fn of_windows(&self, p: f64) -> f64 {
        let own = self
            .model
            .trained()
            .map_or(self.rows.alpha, |t| t.calibration.alpha);
        let all = (p * (self.rows.alpha / own)).min(1.0);
        if p < own {
            all.clamp(f64::MIN_POSITIVE, self.rows.alpha.next_down())
        } else {
            all.max(self.rows.alpha)
        }
    }

    /// Whether a value of a row has an expectation.
    fn is_judged(&self, row: &[f64]) -> bool {
        self.rows.live().any(|(c, _)| row[c].is_finite())
    }

    /// Which column is to blame, and where its value lies.
    fn explain(&self, point: &mut Point, row: &[f64], verdict: &RowVerdict) {
        if verdict.is_flagged() || point.channels.is_none() {
            let mut channels = vec![0.0; row.len()];
            channels[verdict.column] = 1.0;
            point.channels = Some(channels);
        }
        if verdict.is_flagged() && verdict.kind != RowKind::Frozen {
            point.change = Some(verdict.sign);
        } else if let Some(c) = point.channels.as_deref().and_then(largest) {
            let band = self.rows.columns[c].as_ref().map(|e| e.at(point.time));
            point.change = band.map(|b| b.change(row[c])).or(point.change);
        }
    }
}

/// What the logarithm of a row's own excess weighs in the score of windows: the less, the more samples they were learned
/// from.
fn row_weight(model: &Model, rows: &RowModel) -> f64 {
    let samples = model.trained().map_or(0, |t| t.samples).max(1) as f64;
    let in_doubt = rows.live().any(|(_, e)| e.set_aside() > 0);
    let weight = if in_doubt { ROW_WEIGHT_IN_DOUBT } else { ROW_WEIGHT };
    weight * (FEW_SAMPLES / samples).min(1.0)
}

/// The score of a row that no window covers: its distance outside the band in spreads, or as far as its probability.
fn row_score(verdict: &RowVerdict) -> f64 {
    let of_p = (-2.0 * verdict.p.max(f64::MIN_POSITIVE).ln()).sqrt();
    let told = if verdict.is_flagged() { of_p } else { 0.0 };
    verdict.excess.abs().max(told).max(f64::from(f32::MIN_POSITIVE))
}

/// The index of the largest share.
fn largest(shares: &[f64]) -> Option<usize> {
    let all = shares.iter().enumerate();
    all.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map(|(c, _)| c)
}

/// Ranges of suspects at most `gap` apart.
fn groups(points: &[Point], suspects: &[usize], gap: i64) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for n in 0..suspects.len() {
        let apart = |last: usize| points[suspects[n]].time.abs_diff(points[suspects[last]].time);
        match out.last_mut() {
            Some(open) if apart(open.end - 1) <= gap.unsigned_abs() => open.end = n + 1,
            _ => out.push(n..n + 1),
        }
    }
    out
}

/// For every suspect the highest score among those at most `reach` before or after it.
fn highest_within(points: &[Point], suspects: &[usize], reach: i64) -> Vec<f64> {
    let score = |n: usize| points[suspects[n]].score.unwrap_or(0.0);
    let time = |n: usize| points[suspects[n]].time;
    let near = |a: usize, b: usize| time(a).abs_diff(time(b)) <= reach.unsigned_abs();
    // Suspects whose scores fall: the first is the highest of those that are still near.
    let mut falling: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    let highest = |n: usize| {
        while next < suspects.len() && near(n, next) {
            while falling.pop_back_if(|j| score(*j) <= score(next)).is_some() {}
            falling.push_back(next);
            next += 1;
        }
        while falling.pop_front_if(|j| !near(n, *j)).is_some() {}
        falling.front().map_or(0.0, |j| score(*j))
    };
    (0..suspects.len()).map(highest).collect()
}

impl Model {
    /// The status of a row that is judged by itself.
    fn row_status(&self, time: i64) -> Status {
        if time < self.first_time {
            Status::BeforeModel
        } else if time <= self.last_time {
            Status::InTrainingRange
        } else if let Some(age) = self.params.max_age()
            && time.saturating_sub(self.last_time) > age
        {
            Status::StaleModel
        } else {
            Status::Ok
        }
    }
}
