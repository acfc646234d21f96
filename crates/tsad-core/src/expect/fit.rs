//! Learning an expectation: which rows, which parts, which spread.

use super::calendar::{Calendar, DAY};
use super::calibrate::Calibration;
use super::candidates::{Sampling, candidates, cycle_of};
use super::choice::{Choice, Chooser, fold_fits, held, log_score, residuals};
use super::count::CountScores;
use super::expectation::{Breaks, Expectation, FitOptions, Fitted, Repeats};
use super::forecast::{Counts, Forecast, forward};
use super::incident::{incidents, recurring};
use super::level::{LevelKind, seasonal_slope};
use super::local::LocalTime;
use super::mean::Mean;
use super::packed::rounded;
use super::robust::{LARGEST, mean, median, quantile, scale_of, within};
use super::rows::{Rows, pick};
use super::spread::Residuals;
use super::training::{Kept, Shape, Training, UNIFORM};
use super::values::Values;
use crate::control::Check;

/// Level and seasons are chosen on so many rows.
const CHOICE: usize = 60_000;
/// A logarithm must be the better description by so many nats a row.
const LOG_GAIN: f64 = 0.05;
/// By so much of a day an edge may come early or late: 3 minutes.
const JITTER: f64 = 1.0 / 480.0;
/// The longest distance of rows, in days, at which edges move: half an hour.
const JITTERED: f64 = 1801.0 / 86_400.0;

impl Expectation {
    /// The fewest rows with values from which something is learned: two weeks of days.
    pub const MIN_ROWS: usize = 14;

    /// Learns from rows in ascending order of time without duplicates; a NaN is a missing value. None where there are fewer
    /// than [`Expectation::MIN_ROWS`] values.
    pub fn fit(times: &[i64], values: &[f64], options: &FitOptions, check: Check) -> Option<Fitted> {
        let n = times.len().min(values.len());
        let index: Vec<usize> = (0..n).filter(|i| values[*i].is_finite()).collect();
        if index.len() < Self::MIN_ROWS {
            return None;
        }
        check();
        let t: Vec<i64> = index.iter().map(|i| times[*i]).collect();
        let x: Vec<f64> = index
            .iter()
            .map(|i| values[*i].clamp(-LARGEST, LARGEST))
            .collect();
        let sampling = Sampling::of(&t, options.calendar, check);
        check();
        let calendar = calendar_of(options);
        let local: Vec<i64> = t.iter().map(|t| calendar.local.local(*t)).collect();
        let keys = candidates(&local, &x, &sampling, check);
        let rows = Rows::new(&keys, &calendar, local, check);
        let training = Training {
            times: &t,
            traits: Values::of(&x, check),
            values: &x,
            rows: &rows,
            calendar: &calendar,
            sampling,
            options,
            check,
        };
        let learned = training.learn(training.traits.may_count);
        // No counts of anything: a few values that whole numbers happen to hold.
        let (expectation, aside) = learned.or_else(|| training.learn(false))?;
        let aside = index.into_iter().zip(aside).filter(|(_, a)| *a).map(|(i, _)| i);
        Some(Fitted {
            expectation,
            aside: aside.collect(),
        })
    }
}

/// Wall clock and holidays; none where times are integers.
fn calendar_of(options: &FitOptions) -> Calendar {
    if !options.calendar {
        return Calendar::default();
    }
    let mut holidays = options.holidays.to_vec();
    holidays.sort_unstable();
    holidays.dedup();
    let most = holidays.len().saturating_sub(Calendar::MAX_HOLIDAYS);
    holidays.drain(..most);
    Calendar {
        local: LocalTime::clone(options.local),
        holidays,
    }
}

impl<'a> Training<'a> {
    /// Learns everything, and which rows are incidents; none where `counts` turn out to be none.
    fn learn(&self, counts: bool) -> Option<(Expectation, Vec<bool>)> {
        let check = self.check;
        let shape = self.shape(counts);
        let kept = self.kept(&shape);
        let counts = if counts {
            Some(self.counts(&shape, &kept)?)
        } else {
            None
        };
        let forecast = self.forecast(&shape, &kept, counts);
        let held_error = |(i, r): (&usize, &f64)| match counts {
            Some(_) => r.abs(),
            None => (forecast.backward(shape.y[*i] - r) - self.values[*i]).abs(),
        };
        let heldout_error = mean(kept.held.iter().zip(&kept.held_residuals).map(held_error));
        let Calibration { tails, ratio, sums } = Calibration::of(self, &shape, &kept, &forecast);
        let expectation = Expectation {
            tails,
            ratio,
            sums,
            repeats: Repeats::fit(self.values),
            breaks: Breaks::fit(self.times, &self.rows.local, &self.sampling, self.calendar, check),
            heldout_error: within(heldout_error, 0.0, LARGEST),
            rows: self.values.len() as u64,
            set_aside: shape.aside.iter().filter(|a| **a).count() as u64,
            forecast,
        };
        Some((expectation, shape.aside))
    }

    /// The rows on which level and seasons are chosen: of the last four weeks, or of all where that is fewer.
    fn chosen_rows(&self, aside: &[bool]) -> Vec<usize> {
        let n = self.values.len();
        let mut begin = 0;
        if n > CHOICE {
            let four_weeks = (28.0 * self.sampling.day()) as i64;
            let from = self.rows.local[n - 1].saturating_sub(four_weeks);
            begin = self.rows.local.partition_point(|t| *t < from).min(n - CHOICE);
        }
        let step = (n - begin).div_ceil(CHOICE).max(1);
        (begin..n).step_by(step).filter(|i| !aside[*i]).collect()
    }

    /// Chooses and fits, twice where some rows turn out to be incidents.
    fn shape(&self, counts: bool) -> Shape {
        let check = self.check;
        let first = self.shape_without(vec![false; self.values.len()], counts);
        let coarse = if first.log_shift.is_some() {
            0.0
        } else {
            UNIFORM * self.traits.step
        };
        let now_and_then = if counts {
            None
        } else {
            recurring(self.rows, &first.residuals, coarse, check)
        };
        let outside = |(r, i): (&f64, usize)| {
            let Some(n) = &now_and_then else { return *r };
            let k = n.phases.of(&self.calendar.at_local(self.rows.local[i]));
            if *r > 0.0 {
                (r - n.above[k]).max(0.0)
            } else {
                (r - n.below[k]).min(0.0)
            }
        };
        check();
        let off: Vec<f64> = first.residuals.iter().zip(0..).map(outside).collect();
        let contamination = if self.options.contamination >= 0.0 {
            self.options.contamination.min(0.5)
        } else {
            0.0
        };
        let aside = incidents(&off, counts, coarse, contamination, check);
        let left = aside.iter().filter(|a| !**a).count();
        let shape = if left == aside.len() || left < Expectation::MIN_ROWS.min(aside.len() / 2) {
            first
        } else {
            self.shape_without(aside, counts)
        };
        Shape {
            recurring: now_and_then,
            ..shape
        }
    }

    fn shape_without(&self, aside: Vec<bool>, counts: bool) -> Shape {
        let check = self.check;
        let index = self.chosen_rows(&aside);
        let rows = self.rows.gather(&index);
        let x = pick(self.values, &index);
        let (log_shift, choice) = self.best_scale(&rows, &x, counts);
        let y: Vec<f64> = self.values.iter().map(|x| forward(*x, log_shift)).collect();
        check();
        let spec = choice.spec;
        let fitted = if aside.contains(&true) {
            let kept: Vec<usize> = (0..y.len()).filter(|i| !aside[*i]).collect();
            spec.fit(&self.rows.gather(&kept), &pick(&y, &kept), check)
        } else {
            spec.fit(self.rows, &y, check)
        };
        check();
        let expected = fitted.of_rows(&spec, self.rows, 0..y.len());
        check();
        Shape {
            log_shift,
            residuals: y.iter().zip(expected).map(|(y, e)| y - e).collect(),
            spec,
            mean: fitted,
            recurring: None,
            aside,
            y,
        }
    }

    /// Values or logarithms, whichever are described better.
    fn best_scale(&self, rows: &Rows, x: &[f64], counts: bool) -> (Option<f64>, Choice) {
        let check = self.check;
        let choose =
            |y: &[f64]| Chooser::new(rows, y, counts, &self.sampling, check).choose(self.sampling.span);
        let plain = choose(x);
        let Some(shift) = log_shift(x, counts, check) else {
            return (None, plain);
        };
        let y: Vec<f64> = x.iter().map(|x| forward(*x, Some(shift))).collect();
        let log = choose(&y);
        let cost = log_score(&log.residuals, check) + mean(held(&y).into_iter());
        if cost < log_score(&plain.residuals, check) - LOG_GAIN {
            (Some(shift), log)
        } else {
            (None, plain)
        }
    }

    fn kept(&self, shape: &Shape) -> Kept<'a> {
        let index: Vec<usize> = (0..self.values.len()).filter(|i| !shape.aside[*i]).collect();
        (self.check)();
        let rows = self.rows.gather(&index);
        (self.check)();
        let y = pick(&shape.y, &index);
        let fits = fold_fits(&shape.spec, &rows, &y, self.check);
        let held_residuals = residuals(&fits, &shape.spec, &rows, &y);
        let held = fits
            .iter()
            .flat_map(|(fold, _)| index[fold.clone()].to_vec())
            .collect();
        Kept {
            residuals: pick(&shape.residuals, &index),
            index,
            rows,
            fits,
            held,
            held_residuals,
        }
    }

    /// How counts scatter; none if they are no counts.
    fn counts(&self, shape: &Shape, kept: &Kept) -> Option<Counts> {
        let floor = (0.5 / self.values.len() as f64).max(1e-6);
        let held = kept.held.iter().zip(&kept.held_residuals);
        let expected: Vec<f64> = held.map(|(i, r)| (shape.y[*i] - r).max(floor)).collect();
        let mut squares: Vec<f64> = kept.held_residuals.iter().map(|r| r * r).collect();
        let cap = quantile(&mut squares, 0.995, self.check);
        let centre = mean(expected.iter().copied());
        let excess = mean(squares.iter().map(|s| s.min(cap))) - centre;
        let size = mean(expected.iter().map(|m| m * m)) / excess;
        let size = (excess > 0.05 * centre).then(|| size.max(0.05));
        let mut scores = CountScores::new(size);
        let far = kept
            .held
            .iter()
            .zip(&expected)
            .filter(|(i, m)| scores.score(self.values[**i], **m) > 7.0);
        let size = size.map(|s| s.min(LARGEST));
        (far.count() <= 2).then_some(Counts { size, floor })
    }

    fn forecast(&self, shape: &Shape, kept: &Kept, counts: Option<Counts>) -> Forecast {
        let check = self.check;
        let (n, log) = (self.values.len(), shape.log_shift.is_some());
        let inside = scale_of(&kept.residuals, check);
        let off = median(&mut kept.held_residuals.clone(), check);
        // Few held-out rows: the spread itself is uncertain.
        let uncertain = 1.0 + 1.0 / (kept.held.len() as f64).sqrt();
        let spread = scale_of(&kept.held_residuals, check).hypot(off).max(inside) * uncertain;
        let size = if log { 1.0 } else { self.traits.size };
        let of_step = if log { 0.0 } else { UNIFORM * self.traits.step };
        let of_one = if self.traits.distinct == 1 {
            1e-3 * size
        } else {
            0.0
        };
        // Of doubles a billionth of the size; seasons are kept in single precision.
        let seasons = shape.mean.seasons.iter();
        let seasonal: f64 = seasons
            .map(|s| s.profile.values.iter().fold(0.0_f64, |m, v| m.max(v.abs())))
            .sum();
        let of_size = (1e-9 * size).max(1e-6 * seasonal);
        let spread_floor = of_step.max(of_size).max(of_one).max(1e-300);
        let spread_by_phase = match counts {
            Some(_) => None,
            None => Residuals {
                rows: &kept.rows,
                values: &kept.residuals,
                overall: spread,
                inside,
                floor: spread_floor,
            }
            .by_phase(check),
        };
        let coarse = !log && self.traits.distinct <= (n / 4).max(20) && 0.3 * spread < self.traits.step;
        let clocked = shape.mean.seasons.iter().any(|s| s.profile.phases.is_clock());
        let hourly = self.sampling.interval <= DAY as f64 / 24.0;
        Forecast {
            calendar: self.calendar.clone(),
            clock_change: self.options.calendar && !self.options.zone_known && hourly && clocked,
            end: self.times[n - 1],
            interval: self.sampling.interval,
            log_shift: shape.log_shift,
            mean: self.with_reach(&shape.mean),
            spread: within(spread, 1e-300, LARGEST),
            spread_by_phase,
            spread_floor: within(spread_floor, 1e-300, LARGEST),
            slope_doubt: self.slope_doubt(shape, kept, inside),
            recurring: shape.recurring.clone(),
            step: (coarse && counts.is_none()).then_some(self.traits.step),
            counts,
        }
    }

    /// As it is kept: with how far edges may move, and seasons in single precision.
    pub(super) fn with_reach(&self, mean: &Mean) -> Mean {
        let mut mean = mean.clone();
        let day = self.sampling.day();
        for s in &mut mean.seasons {
            s.profile.values = rounded(std::mem::take(&mut s.profile.values));
            let phases = &s.profile.phases;
            if phases.may_slip() {
                s.reach = phases.ring() / 2;
            } else if phases.is_fine() && self.sampling.interval <= JITTERED * day {
                let reach = (JITTER * day / phases.length()).round_ties_even().max(1.0);
                s.reach = (reach as usize).min(phases.ring() / 2);
            }
        }
        mean
    }

    /// A line is an extrapolation: what its two halves disagree about is in doubt, and by how much held-out pieces drift.
    fn slope_doubt(&self, shape: &Shape, kept: &Kept, inside: f64) -> f64 {
        let level = shape.mean.level;
        if level.kind != LevelKind::Line {
            return 0.0;
        }
        let local = &kept.rows.local;
        let cycle = cycle_of(self.rows.keys, self.sampling.interval);
        let end = self.rows.local[self.values.len() - 1];
        let rest: Vec<f64> = kept
            .residuals
            .iter()
            .zip(local)
            .map(|(r, t)| r + level.slope * t.saturating_sub(end) as f64)
            .collect();
        let half = rest.len() / 2;
        let slope = |range: std::ops::Range<usize>| {
            seasonal_slope(&local[range.clone()], &rest[range], cycle, self.check)
        };
        let mut doubt = (slope(0..half) - slope(half..rest.len())).abs();
        for piece in super::rows::split(kept.held.len(), 3).filter(|p| !p.is_empty()) {
            let sure = 2.0 * inside / (piece.len() as f64).sqrt();
            let off = median(&mut kept.held_residuals[piece.clone()].to_vec(), self.check).abs();
            let at = |i: usize| self.rows.local[kept.held[i]];
            let length = at(piece.end - 1).saturating_sub(at(piece.start)) as f64;
            doubt = doubt.max((off - sure).max(0.0) / (0.5 * length).max(self.sampling.interval));
        }
        within(doubt, 0.0, LARGEST)
    }
}

/// What is added to values before the logarithm; none where they are not positive, or hardly differ.
fn log_shift(x: &[f64], counts: bool, check: Check) -> Option<f64> {
    let mut positive: Vec<f64> = x.iter().copied().filter(|x| *x > 0.0).collect();
    let few = (positive.len() as f64) < 0.98 * x.len() as f64 || positive.len() < Expectation::MIN_ROWS;
    if counts || few {
        return None;
    }
    let largest = positive.iter().copied().fold(0.0, f64::max);
    let smallest = positive.iter().copied().fold(f64::INFINITY, f64::min);
    let shift = 0.1 * quantile(&mut positive, 0.05, check);
    (largest >= 1.3 * smallest && shift > 0.0).then_some(shift)
}
