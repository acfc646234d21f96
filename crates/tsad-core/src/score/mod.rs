//! From rows and a model to scored points. May import `control`, `error`, `series`, `view`, `direction`, `residual`,
//! `metric`, `window`, `params`, `calibrate`, `model`.

pub(crate) mod causal;
pub(crate) mod combine;
pub(crate) mod distance;
mod explain;
mod latest;
pub(crate) mod point;
mod point_builder;
mod recalibrate;
pub(crate) mod regime;
pub(crate) mod samples;
mod stream;

pub use explain::{Excerpt, Explainer, Explanation, Normal};
pub use point::{Point, Status};
pub use recalibrate::Target;
pub use stream::Stream;

use crate::control::Check;
use crate::error::Result;
use crate::model::{Body, Model};
use crate::params::Decision;
use crate::series::{Samples, Series};
use distance::ScoringMode;
use point_builder::{PointBuilder, exceeds_min_deviation};
use samples::{ROWS_PER_CHECK, Scores};

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
    let trained = match &model.body {
        Body::Trained(trained) => trained,
        Body::Untrained(_) => {
            let point = |&t: &i64| Point::unscored(t, Status::InsufficientData);
            return Ok(rows.times().iter().map(point).collect());
        }
    };
    let live: Vec<usize> = trained.channels.iter().map(|c| c.index).collect();
    let rows = rows.select(&live, check);
    let (series, places) = Series::on_grid(&rows, &trained.grid, model.params.max_gap, check);
    let scored: Vec<Scores> = series
        .segments
        .iter()
        .map(|s| {
            let metric = trained.metric.as_ref().ok();
            let residuals = &trained.residuals;
            Scores::of_segment(
                &trained.channels,
                metric,
                residuals,
                s,
                mode,
                detail.shares,
                check,
            )
        })
        .collect();
    let alpha = trained.calibration.alpha;
    let assignments = series.segments.iter();
    let assignments = assignments.map(|s| match detail.directions {
        true => trained.regimes.assignments(&trained.channels, s, alpha, check),
        false => (Vec::new(), Vec::new()),
    });
    let point_builder = PointBuilder {
        model,
        trained,
        reach: trained.reach(),
        assignments: assignments.collect(),
        exceeds_min_deviation: series
            .segments
            .iter()
            .map(|s| exceeds_min_deviation(model, trained, s, mode))
            .collect(),
        series: &series,
        scored: &scored,
        mode,
    };
    let point = |i: usize| {
        if i.is_multiple_of(ROWS_PER_CHECK) {
            check();
        }
        point_builder.point(rows.times()[i], rows.row(i), places[i])
    };
    Ok((0..rows.len()).map(point).collect())
}
