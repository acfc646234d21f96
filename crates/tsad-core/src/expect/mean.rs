//! The expected value: level plus seasons.

use super::calendar::Moment;
use super::level::{Level, LevelSpec};
use super::rows::Rows;
use super::seasonal::{Season, SeasonSpec};
use crate::control::Check;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Level plus seasons, on the scale of the model (the value, or its logarithm).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mean {
    /// The level.
    pub(crate) level: Level,
    /// At most four seasons.
    pub(crate) seasons: Vec<Season>,
}

/// How a mean is fitted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MeanSpec {
    /// The level.
    pub(super) level: LevelSpec,
    /// The seasons.
    pub(super) seasons: Vec<SeasonSpec>,
}

impl MeanSpec {
    /// Fits the first values of the rows by backfitting (Breiman and Friedman 1985, doi:10.1080/01621459.1985.10478157), two
    /// rounds.
    pub(super) fn fit(&self, rows: &Rows, values: &[f64], check: Check) -> Mean {
        let n = values.len();
        let local = &rows.local[..n];
        let mut seasons: Vec<Option<Season>> = vec![None; self.seasons.len()];
        // What all seasons but one give, made anew each time: what rounding leaves would make patterns of its own.
        let others = |seasons: &[Option<Season>], but: usize| {
            let mut sum = vec![0.0; n];
            for (i, (season, spec)) in seasons.iter().zip(&self.seasons).enumerate() {
                if let Some(season) = season.as_ref().filter(|_| i != but) {
                    add(&mut sum, season, &rows.phase[spec.key][..n]);
                }
            }
            sum
        };
        let rounds = if self.seasons.is_empty() { 1 } else { 2 };
        let mut level = None;
        for _ in 0..rounds {
            check();
            let parts = others(&seasons, usize::MAX);
            let rest: Vec<f64> = values.iter().zip(&parts).map(|(v, p)| v - p).collect();
            let fitted = Level::fit(self.level, local, &rest, check);
            level = Some(fitted);
            for (i, spec) in self.seasons.iter().enumerate() {
                check();
                let parts = others(&seasons, i);
                check();
                let rest: Vec<f64> = values
                    .iter()
                    .zip(local)
                    .zip(&parts)
                    .map(|((v, t), p)| v - fitted.at(*t) - p)
                    .collect();
                check();
                let phase = &rows.phase[spec.key][..n];
                let season = Season::fit(
                    *spec,
                    &rows.keys[spec.key],
                    phase,
                    &rest,
                    self.level.counts,
                    check,
                );
                seasons[i] = Some(season);
            }
        }
        Mean {
            level: level.unwrap_or_else(|| Level::fit(self.level, local, values, check)),
            seasons: seasons.into_iter().flatten().collect(),
        }
    }
}

fn add(to: &mut [f64], season: &Season, phase: &[u32]) {
    let values = &season.profile.values;
    to.iter_mut()
        .zip(phase)
        .for_each(|(v, k)| *v += values[*k as usize]);
}

impl Mean {
    /// The expected value at a time.
    pub(super) fn at(&self, m: &Moment) -> f64 {
        self.seasons
            .iter()
            .fold(self.level.at(m.local), |y, s| y + s.profile.at(m))
    }

    /// Expected, lowest and highest value within the reach of each season about a time.
    pub(super) fn envelope(&self, m: &Moment) -> (f64, f64, f64) {
        let level = self.level.at(m.local);
        let mut out = (level, level, level);
        for s in &self.seasons {
            let (mean, low, high) = s.profile.range(m, s.reach);
            out = (out.0 + mean, out.1 + low, out.2 + high);
        }
        out
    }

    /// The expected values of a range of rows, for a mean fitted to them by `spec`.
    pub(super) fn of_rows(&self, spec: &MeanSpec, rows: &Rows, range: Range<usize>) -> Vec<f64> {
        let mut out: Vec<f64> = rows.local[range.clone()]
            .iter()
            .map(|t| self.level.at(*t))
            .collect();
        for (season, spec) in self.seasons.iter().zip(&spec.seasons) {
            add(&mut out, season, &rows.phase[spec.key][range.clone()]);
        }
        out
    }
}
