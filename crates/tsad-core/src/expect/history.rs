//! Judging the training rows themselves, by fits that have not seen them.

use super::calendar::DAY;
use super::candidates::cycle_of;
use super::expectation::{Expectation, Fitted, Repeats};
use super::forecast::Forecast;
use super::judge::{FROZEN, Judged, RowEvidence};
use super::level::{LevelKind, LevelSpec};
use super::mean::{Mean, MeanSpec};
use super::phases::Phases;
use super::robust::{LARGEST, median};
use super::rows::{Rows, pick};
use super::seasonal::SeasonSpec;
use crate::control::Check;
use std::ops::Range;

/// The history is cut into so many blocks; each is judged by the others.
const BLOCKS: usize = 4;

/// Rows with values that were not set aside.
struct Known<'a> {
    index: Vec<usize>,
    rows: Rows<'a>,
    y: Vec<f64>,
}

impl Fitted {
    /// Judges the training rows themselves (those given to [`Expectation::fit`], in the same order) by fits that have not
    /// seen them: what is odd in the whole history, without a date that ends the training.
    ///
    /// Each quarter of the rows is judged by level and seasons fitted to the other three; what was chosen, the slope, spreads
    /// and tails are those of the whole. A run of equal values is judged by all others. Where the level is that of the last quarter, each quarter has its own.
    #[must_use]
    pub fn judge_history(&self, times: &[i64], values: &[f64], alpha: f64, check: Check) -> Vec<RowEvidence> {
        let e = &self.expectation;
        let n = times.len().min(values.len());
        let keys: Vec<Phases> = e
            .forecast
            .mean
            .seasons
            .iter()
            .map(|s| s.profile.phases.clone())
            .collect();
        let known = self.known(times, &values[..n], &keys, check);
        let spec = spec_of(&e.forecast.mean, e);
        let mut all = Judged::default();
        for block in blocks(n) {
            check();
            let Some(mean) = e.without(&known, &spec, &block, check) else {
                continue;
            };
            let forecast = Forecast {
                mean,
                ..e.forecast.clone()
            };
            let part = e.deviations(&forecast, times, values, block, check);
            all.index.extend(part.index);
            all.values.extend(part.values);
            all.deviations.extend(part.deviations);
        }
        let frozen = Repeats::frozen_among(&all.values, alpha * FROZEN);
        e.decide(n, &all, &frozen, alpha, check)
    }

    fn known<'a>(&self, times: &[i64], values: &[f64], keys: &'a [Phases], check: Check) -> Known<'a> {
        let f = &self.expectation.forecast;
        let kept = |i: &usize| values[*i].is_finite() && self.aside.binary_search(i).is_err();
        let index: Vec<usize> = (0..values.len()).filter(kept).collect();
        let local = index.iter().map(|i| f.calendar.local.local(times[*i])).collect();
        let y = pick(values, &index).into_iter();
        Known {
            rows: Rows::new(keys, &f.calendar, local, check),
            y: y.map(|v| f.forward(v.clamp(-LARGEST, LARGEST))).collect(),
            index,
        }
    }
}

impl Expectation {
    /// The mean fitted to all rows but those of a block; none where too few are left.
    fn without(&self, known: &Known, spec: &MeanSpec, block: &Range<usize>, check: Check) -> Option<Mean> {
        let (own, others): (Vec<usize>, Vec<usize>) =
            (0..known.index.len()).partition(|i| block.contains(&known.index[*i]));
        if others.is_empty() {
            return None;
        }
        let mut mean = spec.fit(&known.rows.gather(&others), &pick(&known.y, &others), check);
        for (new, old) in mean.seasons.iter_mut().zip(&self.forecast.mean.seasons) {
            new.reach = old.reach;
        }
        if self.forecast.mean.level.kind == LevelKind::Recent && !own.is_empty() {
            let expected = mean.of_rows(spec, &known.rows.gather(&own), 0..own.len());
            let mut rest: Vec<f64> = own.iter().zip(expected).map(|(i, e)| known.y[*i] - e).collect();
            mean.level.value += median(&mut rest, check);
        }
        Some(mean)
    }
}

/// How the mean was fitted.
fn spec_of(mean: &Mean, e: &Expectation) -> MeanSpec {
    let keys: Vec<Phases> = mean.seasons.iter().map(|s| s.profile.phases.clone()).collect();
    let line = mean.level.kind == LevelKind::Line;
    MeanSpec {
        level: LevelSpec {
            kind: if line {
                LevelKind::Line
            } else {
                LevelKind::Constant
            },
            counts: e.forecast.counts.is_some(),
            cycle: cycle_of(&keys, e.forecast.interval).max(DAY as f64),
            slope: line.then_some(mean.level.slope),
        },
        seasons: mean
            .seasons
            .iter()
            .enumerate()
            .map(|(key, s)| SeasonSpec {
                key,
                width: s.width,
                shrink: s.shrink,
            })
            .collect(),
    }
}

/// Ranges of nearly equal length.
fn blocks(n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..BLOCKS).map(move |i| i * n / BLOCKS..(i + 1) * n / BLOCKS)
}
