//! From rows and a model to scored points. May import `control`, `error`, `series`, `view`, `direction`, `residual`,
//! `metric`, `window`, `params`, `expect`, `calibrate`, `model`.

mod blame;
pub(crate) mod causal;
pub(crate) mod combine;
pub(crate) mod distance;
mod explain;
mod latest;
pub(crate) mod point;
mod point_builder;
mod recalibrate;
pub(crate) mod regime;
pub(crate) mod rows;
pub(crate) mod samples;
mod stream;
#[cfg(test)]
mod tests;

pub use explain::{Excerpt, Explainer, Explanation, Normal};
pub use point::{Evidence, Point, Status};
pub use recalibrate::Target;
pub use stream::Stream;

use crate::control::Check;
use crate::error::Result;
use crate::expect::Expectation;
use crate::model::{Body, Model, Trained};
use crate::params::Decision;
use crate::series::{Place, Samples, Segment, Series};
use blame::Blame;
use distance::ScoringMode;
use point_builder::{PointBuilder, exceeds_min_deviation};
use rows::RowVerdicts;
use samples::{ROWS_PER_CHECK, Scores};
use std::ops::Range;

/// Scores every row: one point per row, in time order (rows of equal time in the order given).
///
/// A row's score uses all windows that cover it, later ones included, where they exist; until the longest
/// window has passed the point is not final. Rows that cannot be scored get a status instead.
///
/// Time is linear in the number of rows, memory too.
///
/// # Errors
/// `Dimension` if the rows have another number of channels than the model, `InvalidParameter` if their times are
/// of another kind.
pub fn score(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    scored(model, rows, ScoringMode::Retrospective, Detail::ALL, check)
}

/// As [`score`], in about half the time, without what only explains: shares, the direction of change, and, unless
/// the model decides by them, regimes and principal directions. Scores, p-values and flags are the same.
///
/// # Errors
/// As [`score`].
pub fn score_only(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    let detail = Detail {
        shares: false,
        directions: model.params.decision != Decision::Metric,
    };
    scored(model, rows, ScoringMode::Retrospective, detail, check)
}

/// As [`score_only`], with the shares of views and channels and the direction of change.
///
/// # Errors
/// As [`score`].
pub fn score_with_shares(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    let detail = Detail {
        shares: true,
        directions: model.params.decision != Decision::Metric,
    };
    scored(model, rows, ScoringMode::Retrospective, detail, check)
}

/// Scores every row by what was known when it came: no later row has a say in its score, which therefore is final
/// at once. It ranks worse than [`score`], which knows what came next, and is the fair measure of how early an
/// incident shows. A channel missing in a row is filled in from the next row that has it, if there is one.
///
/// The score of a row is the weighted root mean (to the power of 1/2) over the window lengths of the latest windows'
/// scores, each raised by half of what it has risen within an eighth of its length; its scale is not that of [`score`],
/// and the model keeps a calibration of its own for it. It always decides by the metric; directions and regimes are not
/// told. A model trained with `causal` has windows for it that end at every sample. Else they are those of the
/// training, an eighth of their length apart: others see a periodic series in phases that training has not seen, and
/// flag it. Such a window sees a sample an eighth of its length after it at the latest. Until the first window of a
/// segment has ended the status is `Warmup`. Row by row, the same is done by [`Stream`].
///
/// Time is linear in the number of rows.
///
/// # Errors
/// As [`score`].
pub fn score_causal(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    let detail = Detail {
        shares: true,
        directions: false,
    };
    scored(model, rows, ScoringMode::Causal, detail, check)
}

/// What is told of a row beside its score.
#[derive(Debug, Clone, Copy)]
struct Detail {
    /// The shares of views and channels, and the direction of change.
    shares: bool,
    /// Regimes and principal directions.
    directions: bool,
}

impl Detail {
    const ALL: Self = Self {
        shares: true,
        directions: true,
    };
}

fn scored(
    model: &Model,
    rows: Samples,
    mode: ScoringMode,
    detail: Detail,
    check: Check,
) -> Result<Vec<Point>> {
    model.check_rows(&rows)?;
    let rows = rows.sorted_by_time(check);
    let is_far = |value: f64, expected: f64| model.params.is_far(value, expected);
    let row_model = model
        .row_model
        .as_ref()
        .filter(|_| mode == ScoringMode::Retrospective);
    let verdicts = row_model.map(|r| r.judge(&rows, is_far, check));
    let mut points = match &model.body {
        Body::Trained(trained) => {
            let windows = Windows {
                model,
                trained,
                mode,
                detail,
            };
            windows.score(&rows, verdicts.as_ref(), check)?
        }
        Body::Untrained(_) => {
            let status = |i: usize| match row_model {
                Some(_) if rows.row(i).iter().all(|v| v.is_nan()) => Status::Missing,
                _ => Status::InsufficientData,
            };
            let point = |i: usize| Point::unscored(rows.times()[i], status(i));
            (0..rows.len()).map(point).collect()
        }
    };
    if let (Some(row_model), Some(verdicts)) = (row_model, &verdicts) {
        let blame = Blame::new(model, row_model, detail.shares);
        blame.decide(&mut points, &rows, verdicts, check);
    }
    Ok(points)
}

/// Scores by windows.
struct Windows<'a> {
    model: &'a Model,
    trained: &'a Trained,
    mode: ScoringMode,
    detail: Detail,
}

impl Windows<'_> {
    /// One point a row: score and p-value by windows alone. What rows tell by themselves has no part in the p-value.
    fn score(&self, rows: &Samples, verdicts: Option<&RowVerdicts>, check: Check) -> Result<Vec<Point>> {
        let (model, trained) = (self.model, self.trained);
        let (raw, places) = self.on_grid(rows, check);
        let trendless = match &model.row_model {
            Some(r) if r.has_trend() => Some(self.on_grid(&r.without_trend(rows.clone(), check)?, check).0),
            _ => None,
        };
        let series = trendless.as_ref().unwrap_or(&raw);
        let scored: Vec<Scores> = series
            .segments
            .iter()
            .map(|s| self.of_segment(s, self.detail.shares, check))
            .collect();
        let judged = match (&model.row_model, verdicts.filter(|v| !v.is_quiet())) {
            (Some(row_model), Some(verdicts)) => {
                let quiet = row_model.replaced(rows, verdicts.aside(), Expectation::bridge, check)?;
                let quiet = row_model.without_trend(quiet, check)?;
                self.judged(series, &self.on_grid(&quiet, check).0, &scored, check)
            }
            _ => scored.iter().map(|s| s.score.clone()).collect(),
        };
        let rows = rows.select(&self.live(), check);
        let alpha = trained.calibration.alpha;
        let regimes = series.segments.iter().map(|s| match self.detail.directions {
            true => trained.regimes.assignments(&trained.channels, s, alpha, check),
            false => (Vec::new(), Vec::new()),
        });
        let builder = PointBuilder {
            model,
            trained,
            reach: trained.reach(),
            assignments: regimes.collect(),
            exceeds_min_deviation: raw
                .segments
                .iter()
                .map(|s| exceeds_min_deviation(model, trained, s, self.mode))
                .collect(),
            series: &raw,
            scored: &scored,
            judged: &judged,
            mode: self.mode,
        };
        let point = |i: usize| {
            if i.is_multiple_of(ROWS_PER_CHECK) {
                check();
            }
            builder.point(rows.times()[i], rows.row(i), places[i])
        };
        Ok((0..rows.len()).map(point).collect())
    }

    /// The columns that windows look at.
    fn live(&self) -> Vec<usize> {
        self.trained.channels.iter().map(|c| c.index).collect()
    }

    /// The columns that windows look at on the grid, and the place of each row.
    fn on_grid(&self, rows: &Samples, check: Check) -> (Series, Vec<Option<Place>>) {
        let rows = rows.select(&self.live(), check);
        Series::on_grid(&rows, &self.trained.grid, self.model.params.max_gap, check)
    }

    fn of_segment(&self, segment: &Segment, shares: bool, check: Check) -> Scores {
        let metric = self.trained.metric.as_ref().ok();
        let residuals = &self.trained.residuals;
        let channels = &self.trained.channels;
        Scores::of_segment(channels, metric, residuals, segment, self.mode, shares, check)
    }

    /// The scores that windows would have without what rows tell by themselves: worked out again near the samples that
    /// differ in the quiet series.
    fn judged(&self, series: &Series, quiet: &Series, scored: &[Scores], check: Check) -> Vec<Vec<f64>> {
        let reach = self.trained.reach().max(1);
        let channels = self.trained.channels.len();
        let mut out: Vec<Vec<f64>> = scored.iter().map(|s| s.score.clone()).collect();
        if series.segments.len() != quiet.segments.len() {
            return out;
        }
        for ((old, new), score) in series.segments.iter().zip(&quiet.segments).zip(&mut out) {
            check();
            let n = old.len();
            if score.is_empty() || new.len() != n {
                continue;
            }
            let differs = |i: &usize| (0..channels).any(|c| old.channel(c)[*i] != new.channel(c)[*i]);
            let changed = (0..n).filter(differs);
            for near in spans(changed, 2 * reach, n) {
                let part = self.of_segment(&new.slice(near.start, near.end), false, check);
                // At the ends of the part windows see less than those of the whole.
                let from = if near.start == 0 { 0 } else { near.start + reach };
                let to = if near.end == n { n } else { near.end - reach };
                if part.score.len() == near.len() && from < to {
                    score[from..to].copy_from_slice(&part.score[from - near.start..to - near.start]);
                }
            }
        }
        out
    }
}

/// The samples within `reach` of some, ascending, as separate ranges within `n`.
fn spans(samples: impl Iterator<Item = usize>, reach: usize, n: usize) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for i in samples {
        let (from, to) = (i.saturating_sub(reach), (i + reach + 1).min(n));
        match out.last_mut() {
            Some(last) if from <= last.end => last.end = to,
            _ => out.push(from..to),
        }
    }
    out
}
