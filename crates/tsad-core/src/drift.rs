//! Whether a model still fits: how far newer rows are from what it was trained on. May import `control`, `error`,
//! `series`, `view`, `window`, `params`, `calibrate`, `model`, `score`.

use crate::calibrate::{MIN_P_VALUES, Uniformity};
use crate::control::Check;
use crate::error::Result;
use crate::model::Model;
use crate::params::Decision;
use crate::score::combine::{ChannelPooling, softplus};
use crate::score::distance::ScoringMode;
use crate::score::{Point, score_only};
use crate::series::{Grid, Samples, Series};
use crate::view::{Extractor, PerView, View};
use crate::window::placement::{hop, starts};
use serde::Serialize;

/// So many windows like none of the training need no more p-values than this.
const MIN_P_VALUES_IF_FAR: usize = 3;
/// Such a share of windows is no incident.
const MAJORITY_FAR_SHARE: f64 = 0.5;
/// A larger share of windows like none of the training asks for another training.
const RETRAIN_FAR_SHARE: f64 = 0.1;
/// The sampling interval may differ by this share.
const INTERVAL_TOLERANCE: f64 = 0.2;
/// A window is far from all clusters if its score lies this many deviations beyond the mean of the training's.
const FAR_DEVIATIONS: f64 = 3.0;

/// How newer rows compare with what a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// What to do.
    pub advice: Advice,
    /// Why, as a sentence.
    pub reason: String,
    /// The rows that are later than the training.
    pub rows: u64,
    /// Of these, the rows with a score.
    pub scored: u64,
    /// From the last training row to the last row, in the unit of the times; none without later rows.
    #[serde(skip)]
    pub age: Option<i64>,
    /// The share of the windows that are far from all clusters, 0 to 1: more than three deviations of the training
    /// windows beyond their mean. Mean over the window lengths; none where no window is full.
    pub far_share: Option<f64>,
    /// How uniform the p-values are, one for each longest window.
    pub p_values: Uniformity,
    /// The share of the scored rows that are anomalies.
    pub alarm_rate: Option<f64>,
    /// The share that is expected on normal data.
    pub alpha: Option<f64>,
    /// For every column how far its median has moved off its trend, in robust deviations of the training; none where there are no
    /// values or the model leaves the column out.
    pub shifts: Vec<Option<f64>>,
}

/// What to do with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Nothing: it fits, or there is too little to tell.
    Keep,
    /// Its threshold: windows are as they were, but their scores are not.
    Recalibrate,
    /// Its training: windows are unlike those it knows.
    Retrain,
}

/// Compares the rows that are later than a model's training with it; rows may come in any order, and earlier ones are
/// left out, but for the windows that reach into them.
///
/// # Errors
/// As [`crate::score()`].
pub fn drift(model: &Model, rows: Samples, check: Check) -> Result<Drift> {
    model.check_rows(&rows)?;
    let rows = rows.sorted_canonically(check);
    let first = rows.times().partition_point(|t| *t <= model.last_time);
    check();
    // As windows see them.
    let newer = model.without_trend(rows.tail(first), check)?;
    check();
    let points: Vec<Point> = score_only(model, rows, check)?.split_off(first);
    let scored: Vec<&Point> = points.iter().filter(|p| p.score.is_some()).collect();
    let alarms = scored.iter().filter(|p| p.is_anomaly == Some(true)).count();
    let p_values = Uniformity::of(decimated(model, &scored));
    check();
    let far_share = share_of_far_windows(model, &newer, check);
    let (advice, reason) = advise(model, &newer, &p_values, far_share);
    Ok(Drift {
        advice,
        reason,
        rows: newer.len() as u64,
        scored: scored.len() as u64,
        age: newer.times().last().map(|t| t.saturating_sub(model.last_time)),
        far_share,
        p_values,
        alarm_rate: (!scored.is_empty()).then(|| alarms as f64 / scored.len() as f64),
        alpha: model.alpha(),
        shifts: shifts(model, &newer, check),
    })
}

/// The p-values of the windows of samples so far apart that they share none.
fn decimated(model: &Model, points: &[&Point]) -> Vec<f64> {
    let Some(trained) = model.trained() else {
        return Vec::new();
    };
    let longest = trained.longest_window().max(1) as i64;
    let mut next = i64::MIN;
    let mut out = Vec::new();
    for p in points.iter().filter(|p| p.is_final) {
        let cell = trained.grid.cell(p.time);
        if cell >= next {
            // The p-value of a point is that of the decision, in which rows by themselves have a part.
            let of_windows = p.window_score.map(|s| trained.calibration.p_value(s));
            out.extend(match model.params.decision {
                Decision::Metric => of_windows,
                _ => p.p_value,
            });
            next = cell.saturating_add(longest);
        }
    }
    out
}

fn advise(model: &Model, newer: &Samples, p: &Uniformity, far: Option<f64>) -> (Advice, String) {
    if let Some(reason) = model.untrained_reason() {
        return (Advice::Retrain, format!("the model is not trained: {reason}"));
    }
    if let (Some(had), Ok(grid)) = (model.interval(), Grid::of_times(newer.times())) {
        let ratio = grid.interval as f64 / had as f64;
        if !(1.0 - INTERVAL_TOLERANCE..=1.0 + INTERVAL_TOLERANCE).contains(&ratio) {
            return (
                Advice::Retrain,
                format!("the sampling interval is {ratio:.3} times that of the training"),
            );
        }
    }
    let far = far.unwrap_or(0.0);
    let retrain = || {
        let share = 100.0 * far;
        (
            Advice::Retrain,
            format!(
                "{share:.0} % of the windows are like none of the training; if they are normal, fold them in or train anew"
            ),
        )
    };
    if p.count >= MIN_P_VALUES_IF_FAR && far > MAJORITY_FAR_SHARE {
        return retrain();
    }
    if p.count < MIN_P_VALUES {
        return (
            Advice::Keep,
            format!(
                "too little to tell: {} independent p-values after the training, {MIN_P_VALUES} are needed",
                p.count
            ),
        );
    }
    let median = p.median.unwrap_or(0.5);
    match p.is_low() {
        false => (
            Advice::Keep,
            format!("scores are no higher than they were: the median p-value is {median:.3}"),
        ),
        true if far > RETRAIN_FAR_SHARE => retrain(),
        true => (
            Advice::Recalibrate,
            format!("scores are higher than they were: the median p-value is {median:.3}, not 0.5"),
        ),
    }
}

/// How far the median of every column has moved, in robust deviations.
fn shifts(model: &Model, rows: &Samples, check: Check) -> Vec<Option<f64>> {
    let mut out = vec![None; model.channels()];
    for channel in model.trained().map_or(&[][..], |t| &t.channels) {
        check();
        let column = (0..rows.len()).map(|i| rows.row(i)[channel.index]);
        let mut values: Vec<f64> = column.filter(|v| !v.is_nan()).collect();
        if !values.is_empty() {
            let middle = values.len() / 2;
            let (_, median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
            out[channel.index] = Some((*median - channel.scale.median) / channel.scale.scale);
        }
    }
    out
}

/// The share of the windows of a series that are far from all clusters: mean over the window lengths; none if no
/// window is full or the model is not trained.
fn share_of_far_windows(model: &Model, rows: &Samples, check: Check) -> Option<f64> {
    let trained = model.trained()?;
    let live: Vec<usize> = trained.channels.iter().map(|c| c.index).collect();
    let rows = rows.clone().sorted_by_time(check).select(&live, check);
    let (series, _) = Series::on_grid(&rows, &trained.grid, model.params.max_gap, check);
    let mut pooling = ChannelPooling::new(trained.channels.len(), false);
    let mut shares = Vec::new();
    for (scale, of_scale) in trained.channels[0].scales.iter().enumerate() {
        let length = of_scale.length;
        let (mut far, mut all) = (0_usize, 0_usize);
        let mut extractor = Extractor::new(length);
        for segment in &series.segments {
            let starts = starts(segment.start, segment.len(), length, hop(length));
            let distances = trained.channels.iter().enumerate().map(|(c, m)| {
                let values: Vec<f32> = segment.channel(c).iter().map(|v| m.scale.apply(*v)).collect();
                let metric = trained.metric.as_ref().ok();
                m.scales[scale].log_distances(
                    (segment.start, &values),
                    &starts,
                    &mut extractor,
                    metric,
                    ScoringMode::Causal,
                    check,
                )
            });
            let distances: Vec<Vec<PerView<f32>>> = distances.collect();
            for w in 0..starts.len() {
                if w.is_multiple_of(1 << 10) {
                    check();
                }
                let of_window = distances.iter().map(|d| d[w]);
                let models = trained.channels.iter().map(|c| &c.scales[scale]);
                let (sum, _) = pooling.add(models, 1.0, ScoringMode::Causal, of_window);
                far += usize::from(softplus(sum / View::COUNT as f64) > FAR_DEVIATIONS);
            }
            all += starts.len();
        }
        if all > 0 {
            shares.push(far as f64 / all as f64);
        }
    }
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}
