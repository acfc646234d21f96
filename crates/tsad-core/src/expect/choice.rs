//! The choice of level and seasons: greedy, by the loss of rows that lie after those fitted.

use super::candidates::{Sampling, cycle_of};
use super::level::{LevelKind, LevelSpec};
use super::mean::{Mean, MeanSpec};
use super::phases::{PhaseKind, Phases};
use super::robust::{mean, median, quantile, scale_of};
use super::rows::{Rows, split};
use super::seasonal::SeasonSpec;
use crate::control::Check;
use std::ops::Range;

/// A component must lower the held-out error by this share ...
const GAIN: f64 = 0.03;
/// ... and by this many standard errors over blocks.
const GAIN_ERRORS: f64 = 1.5;
/// A trend is an extrapolation: it must pay more.
const TREND_GAIN: f64 = 0.08;
/// Its slope must be so many of its standard errors.
const TREND_ERRORS: f64 = 4.0;
/// The same two for counts, whose deviance scatters.
const COUNT_GAIN: (f64, f64) = (0.01, 2.5);
/// A season on top of a coarser one is shrunk towards it by so many rows.
const STACKED: f64 = 2.0;

/// The pieces of rows that are judged by fits on all earlier rows: behind the first 50, 65 and 80 %.
pub(super) fn folds(n: usize) -> Vec<Range<usize>> {
    let at = |share: f64| (share * n as f64).round_ties_even() as usize;
    [0.5, 0.65, 0.8, 1.0]
        .windows(2)
        .map(|w| at(w[0]).max(4)..at(w[1]))
        .filter(|r| !r.is_empty())
        .collect()
}

/// The values of the rows of all folds.
pub(super) fn held(y: &[f64]) -> Vec<f64> {
    folds(y.len())
        .into_iter()
        .flat_map(|fold| y[fold].to_vec())
        .collect()
}

/// The fits that the folds are judged by.
pub(super) fn fold_fits(spec: &MeanSpec, rows: &Rows, y: &[f64], check: Check) -> Vec<(Range<usize>, Mean)> {
    let fit = |fold: Range<usize>| {
        check();
        let mean = spec.fit(rows, &y[..fold.start], check);
        (fold, mean)
    };
    folds(y.len()).into_iter().map(fit).collect()
}

/// Residuals of the rows of all folds.
pub(super) fn residuals(fits: &[(Range<usize>, Mean)], spec: &MeanSpec, rows: &Rows, y: &[f64]) -> Vec<f64> {
    let of_fold = |(fold, fit): &(Range<usize>, Mean)| {
        let expected = fit.of_rows(spec, rows, fold.clone());
        let each = y[fold.clone()].iter().zip(expected).map(|(y, e)| y - e);
        each.collect::<Vec<f64>>()
    };
    fits.iter().flat_map(of_fold).collect()
}

/// What was chosen, and the held-out residuals of it.
pub(super) struct Choice {
    pub(super) spec: MeanSpec,
    pub(super) residuals: Vec<f64>,
}

/// The choice for some rows.
pub(super) struct Chooser<'a> {
    rows: &'a Rows<'a>,
    y: &'a [f64],
    counts: bool,
    cycle: f64,
    /// Values of the rows of all folds, and what they are capped at in the deviance of counts.
    held: Vec<f64>,
    cap: f64,
    check: Check<'a>,
}

/// A candidate with its held-out loss.
struct Tried {
    seasons: Vec<SeasonSpec>,
    loss: Vec<f64>,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(rows: &'a Rows, y: &'a [f64], counts: bool, s: &Sampling, check: Check<'a>) -> Self {
        let held = held(y);
        Self {
            rows,
            y,
            counts,
            cycle: cycle_of(rows.keys, s.interval),
            cap: quantile(&mut held.clone(), 0.999, check),
            held,
            check,
        }
    }

    /// Chooses level and seasons; `span` is what the rows cover.
    pub(super) fn choose(&self, span: f64) -> Choice {
        let mut level = LevelKind::Constant;
        let mut best = self.grow(level);
        let recent = self.run(LevelKind::Recent, &best.seasons);
        if self.better(&best.loss, &recent, TREND_GAIN) {
            level = LevelKind::Recent;
            best.loss = recent;
        }
        if span >= 3.0 * self.cycle && !self.counts {
            // Growth hides a season, and a season growth: both anew.
            let line = self.grow(LevelKind::Line);
            let pays = self.better(&best.loss, &line.loss, TREND_GAIN) && self.steady(&line.loss, &best.loss);
            if pays && self.is_certain(&line.seasons) {
                (level, best) = (LevelKind::Line, line);
            }
        }
        let spec = self.spec(level, &best.seasons);
        let fits = fold_fits(&spec, self.rows, self.y, self.check);
        Choice {
            residuals: residuals(&fits, &spec, self.rows, self.y),
            spec,
        }
    }

    fn spec(&self, kind: LevelKind, seasons: &[SeasonSpec]) -> MeanSpec {
        MeanSpec {
            level: LevelSpec {
                kind,
                counts: self.counts,
                cycle: self.cycle,
                slope: None,
            },
            seasons: seasons.to_vec(),
        }
    }

    /// The held-out loss: the size of residuals; for counts the deviance of Poisson.
    fn run(&self, level: LevelKind, seasons: &[SeasonSpec]) -> Vec<f64> {
        let spec = self.spec(level, seasons);
        let fits = fold_fits(&spec, self.rows, self.y, self.check);
        let mut r = residuals(&fits, &spec, self.rows, self.y);
        if self.counts {
            let least = 0.25 / self.held.len() as f64;
            for (r, y) in r.iter_mut().zip(&self.held) {
                let expected = (y - *r).max(least);
                *r = expected - y.min(self.cap) * expected.ln();
            }
        } else {
            r.iter_mut().for_each(|r| *r = r.abs());
        }
        r
    }

    /// Adds one season of each slot where it pays.
    fn grow(&self, level: LevelKind) -> Tried {
        let slots: [&[PhaseKind]; 4] = [
            &[PhaseKind::Day, PhaseKind::Daytype, PhaseKind::Week],
            &[PhaseKind::Month],
            &[PhaseKind::MonthOfYear, PhaseKind::WeekOfYear],
            &[PhaseKind::Period],
        ];
        let mut best = Tried {
            loss: self.run(level, &[]),
            seasons: Vec::new(),
        };
        for slot in slots {
            let base = best.seasons.clone();
            let mut taken = false;
            let keys = self.rows.keys.iter().enumerate();
            for (key, phases) in keys.filter(|(_, k)| slot.contains(&k.kind)) {
                let mut options = with_each_width(&base, key, phases, shrink_of(phases));
                if taken {
                    options.extend(with_each_width(&best.seasons, key, phases, STACKED));
                }
                let found = self.least(level, options, &best.loss);
                if let Some(found) = found.filter(|f| self.better(&best.loss, &f.loss, GAIN)) {
                    best = found;
                    taken = true;
                }
            }
        }
        best
    }

    /// The option of the least loss, capped by what was lost before.
    fn least(&self, level: LevelKind, options: Vec<Vec<SeasonSpec>>, before: &[f64]) -> Option<Tried> {
        let cap = self.loss_cap(before);
        let mut best: Option<(f64, Tried)> = None;
        for seasons in options {
            let loss = self.run(level, &seasons);
            let cost = mean(loss.iter().map(|l| l.min(cap)));
            if best.as_ref().is_none_or(|b| cost < b.0) {
                best = Some((cost, Tried { seasons, loss }));
            }
        }
        best.map(|b| b.1)
    }

    fn loss_cap(&self, loss: &[f64]) -> f64 {
        let mut sorted = loss.to_vec();
        let typical = (1.2533 * median(&mut sorted, self.check)).max(1e-300);
        12.0 * typical + 2.0 * quantile(&mut sorted, 0.98, self.check)
    }

    /// Whether new held-out losses are smaller than old ones: by a share, and by their scatter over blocks.
    fn better(&self, old: &[f64], new: &[f64], gain: f64) -> bool {
        let cap = if self.counts {
            f64::INFINITY
        } else {
            self.loss_cap(old)
        };
        let (gain, errors) = if self.counts {
            COUNT_GAIN
        } else {
            (gain, GAIN_ERRORS)
        };
        let before = mean(old.iter().map(|l| l.min(cap)));
        let after = mean(new.iter().map(|l| l.min(cap)));
        // Also where one of them is not a number.
        if !matches!(
            (before - after).partial_cmp(&(gain * before.abs())),
            Some(std::cmp::Ordering::Greater)
        ) {
            return false;
        }
        let n = old.len();
        let blocks = (n / 2).clamp(2, 12);
        let differences: Vec<f64> = split(n, blocks)
            .map(|r| {
                mean(
                    old[r.clone()]
                        .iter()
                        .zip(&new[r])
                        .map(|(a, b)| a.min(cap) - b.min(cap)),
                )
            })
            .collect();
        let positive = differences.iter().filter(|d| **d > 0.0).count() as f64 / blocks as f64;
        // Two cycles have no blocks to test: most of the loss gone is enough.
        if !self.counts && (after < 0.4 * before || after < 0.7 * before && positive > 0.5) {
            return true;
        }
        let centre = mean(differences.iter().copied());
        let square: f64 = differences.iter().map(|d| (d - centre).powi(2)).sum();
        centre > errors * (square / (blocks - 1) as f64).sqrt() / (blocks as f64).sqrt()
    }

    /// Whether the slope of a line with these seasons stands out of its standard error, by the medians of up to twelve
    /// blocks; what is left of them may be an autoregression (Bayley and Hammersley 1946, doi:10.2307/2983560): values that
    /// wander, or stay on levels, have no trend.
    fn is_certain(&self, seasons: &[SeasonSpec]) -> bool {
        let (rows, check) = (self.rows, self.check);
        let spec = self.spec(LevelKind::Line, seasons);
        let fit = spec.fit(rows, self.y, check);
        let expected = fit.of_rows(&spec, rows, 0..self.y.len());
        let (first, slope) = (rows.local[0], fit.level.slope);
        let (mut times, mut middles) = (Vec::new(), Vec::new());
        for block in split(self.y.len(), (self.y.len() / 2).clamp(2, 12)) {
            let since = |i: usize| rows.local[i].saturating_sub(first) as f64;
            times.push(mean(block.clone().map(since)));
            let mut left: Vec<f64> = block
                .map(|i| self.y[i] - expected[i] + slope * since(i))
                .collect();
            middles.push(median(&mut left, check));
        }
        let (time, middle) = (mean(times.iter().copied()), mean(middles.iter().copied()));
        let spread: f64 = times.iter().map(|t| (t - time).powi(2)).sum();
        let joint: f64 = times
            .iter()
            .zip(&middles)
            .map(|(t, m)| (t - time) * (m - middle))
            .sum();
        let slope = joint / spread;
        let off: Vec<f64> = times
            .iter()
            .zip(&middles)
            .map(|(t, m)| m - middle - slope * (t - time))
            .collect();
        let square: f64 = off.iter().map(|o| o * o).sum();
        let beside: f64 = off.windows(2).map(|o| o[0] * o[1]).sum();
        let alike = (beside / square.max(1e-300)).clamp(0.0, 0.9);
        let freedom = (off.len() as f64 - 2.0).max(1.0);
        let error = (square / freedom / spread * (1.0 + alike) / (1.0 - alike)).sqrt();
        slope.abs() > TREND_ERRORS * error
    }

    /// A trend must pay in at least two of the three held-out pieces.
    fn steady(&self, new: &[f64], old: &[f64]) -> bool {
        let mut from = 0;
        let pays = folds(self.y.len()).into_iter().filter(|fold| {
            let piece = from..from + fold.len();
            from = piece.end;
            mean(new[piece.clone()].iter().copied()) < mean(old[piece].iter().copied())
        });
        pays.count() >= 2
    }
}

/// Nats that describing each residual takes, in a Laplace distribution with bounded tails; on average.
pub(super) fn log_score(residuals: &[f64], check: Check) -> f64 {
    let cap = 8.0 * scale_of(residuals, check).max(1e-300);
    let s = mean(residuals.iter().map(|r| r.abs().min(cap))).max(1e-300);
    (2.0 * s).ln() + mean(residuals.iter().map(|r| (r.abs() / s).min(8.0)))
}

fn with_each_width(on: &[SeasonSpec], key: usize, phases: &Phases, shrink: f64) -> Vec<Vec<SeasonSpec>> {
    let with = |width| {
        let mut seasons = on.to_vec();
        seasons.push(SeasonSpec { key, width, shrink });
        seasons
    };
    widths(phases).into_iter().map(with).collect()
}

/// Smoothing widths to try: none, and about half an hour, an hour and two hours of a long ring.
fn widths(key: &Phases) -> Vec<usize> {
    if key.kind == PhaseKind::WeekOfYear {
        return vec![5, 9];
    }
    let mut out = vec![1];
    if key.ring() >= 24 {
        out.extend([48, 24, 12].map(|part| (key.per_day() / part / 2 * 2 + 1).max(3)));
        out.dedup();
    }
    out
}

/// How many rows of zero a phase is shrunk by.
fn shrink_of(key: &Phases) -> f64 {
    match key.kind {
        PhaseKind::Month | PhaseKind::WeekOfYear => 1.0,
        PhaseKind::MonthOfYear => 0.0,
        _ if key.ring() >= 24 => 0.2,
        _ => 0.0,
    }
}
