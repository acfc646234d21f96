//! What a model tells of itself.

use super::channel::ScaleModel;
use super::component::ScoreComponent;
use super::row_model::RowModel;
use super::{Model, Trained, Updates};
use crate::calibrate::{Calibration, Source};
use crate::expect::Expectation;
use crate::metric::LeftOut;
use crate::params::Params;
use crate::series::TimeKind;
use serde::Serialize;

/// What a model tells of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelInfo {
    /// The version of the byte format.
    pub format_version: u16,
    /// The version of the library that trained the model.
    pub library_version: String,
    /// The detection method.
    pub method: &'static str,
    /// "learned", or why there is no learned metric: "not_wanted", "too_few_windows", "not_finite", "no_better".
    pub metric: &'static str,
    /// Whether the model can score.
    pub trained: bool,
    /// Why it cannot, if it cannot.
    pub reason: Option<String>,
    /// The parameters of the training, defaults included.
    pub options: Params,
    /// The number of value columns.
    pub channels: usize,
    /// The columns that are scored, counted from 1.
    pub channels_used: Vec<usize>,
    /// The other columns, counted from 1: they had a value in fewer than half of the training rows.
    pub channels_left_out: Vec<usize>,
    /// Of these, the columns whose training values were all equal.
    pub channels_constant: Vec<usize>,
    /// What the times mean.
    pub times: TimeKind,
    /// The number of training rows.
    pub rows: u64,
    /// The rows before these that were more than the option `max_training_points` allows.
    pub rows_left_out: u64,
    /// What was folded in after the training.
    pub updates: Updates,
    /// A row is an anomaly by itself if the p-value of its evidence is at most this: the error probability, or less where
    /// somebody said that what rows told was normal. None where nothing is expected of rows.
    pub rows_told_below: Option<f64>,
    /// The training rows that were set aside as incidents by themselves, in the column that has most of them.
    pub rows_set_aside: u64,
    /// The training rows without any value.
    pub rows_missing: u64,
    /// The time of the first training row.
    #[serde(skip)]
    pub first_time: Option<i64>,
    /// The time of the last training row.
    #[serde(skip)]
    pub last_time: Option<i64>,
    /// The sampling interval, in the unit of the times.
    #[serde(skip)]
    pub interval: Option<i64>,
    /// The training samples on the grid, filled ones included.
    pub samples: u64,
    /// The share of samples that were filled, 0 to 1.
    pub imputed_share: f64,
    /// The window lengths in use, in samples.
    pub scales: Vec<usize>,
    /// The window lengths at which the windows beside one have a say in retrospective scores.
    pub context_scales: Vec<usize>,
    /// Whether the series follows a law that is not linear, and how well it does so enters the score.
    pub dynamics: bool,
    /// The lengths of the windows that causal scores have of their own; empty where they look at the others.
    pub causal_scales: Vec<usize>,
    /// The views of a window and of a sample that scores are made of.
    pub views: Vec<&'static str>,
    /// The number of cluster centres, all channels, views and scales together.
    pub clusters: usize,
    /// The number of regimes: classes of normal windows.
    pub regimes: usize,
    /// What is expected of each column is made of this: the level (`constant`, `recent`, `line`), the seasons, and how values
    /// are taken; none where the column had too few values.
    pub expectation: Vec<Option<Vec<String>>>,
    /// How scores become decisions.
    pub calibration: Option<CalibrationInfo>,
    /// The same for causal scores.
    pub causal_calibration: Option<CalibrationInfo>,
    /// The size of the model in bytes.
    pub size: usize,
}

/// How scores become decisions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationInfo {
    /// What the calibration was made on.
    pub source: Source,
    /// The number of scores it was made on.
    pub samples: u64,
    /// The number of scores that were set aside as a past incident.
    pub set_aside: u64,
    /// The number of separate stretches of scores that the tail was fitted to.
    pub stretches: u64,
    /// The smallest error probability that the training part is long enough to keep within a factor of 2.
    pub supported_alpha: f64,
    /// The error probability of a row that was asked for, of windows and of rows by themselves together.
    pub alpha: f64,
    /// The score of windows above which a sample is an anomaly.
    pub threshold: f64,
    /// The share of the calibration scores above the threshold.
    pub achieved_false_alarm_rate: f64,
    /// The shape of the tail, 0 (exponential) to 0.5 (heavy).
    pub tail_shape: f64,
    /// The scale of the tail, in score units.
    pub tail_scale: f64,
}

impl Model {
    /// What the model tells of itself; `size` is the length of its bytes.
    pub fn info(&self, size: usize) -> ModelInfo {
        let trained = self.trained();
        let times = self.rows > 0;
        let columns = |constant_only: bool| {
            let channels = trained.map_or(&[][..], |t| &t.channels);
            let wanted = channels.iter().filter(|c| !constant_only || c.scale.constant);
            wanted.map(|c| c.index + 1).collect()
        };
        ModelInfo {
            format_version: super::codec::VERSION,
            library_version: self.library.clone(),
            method: super::codec::METHOD_NAME,
            metric: trained.map_or(LeftOut::TooFewWindows.name(), |t| match &t.metric {
                Ok(_) => "learned",
                Err(reason) => reason.name(),
            }),
            trained: self.is_trained(),
            reason: self.untrained_reason().map(str::to_owned),
            options: self.params.clone(),
            channels: self.channels,
            channels_used: columns(false),
            channels_left_out: self.channels_left_out().iter().map(|c| c + 1).collect(),
            channels_constant: columns(true),
            times: self.times,
            rows: self.rows,
            rows_left_out: self.left_out,
            updates: self.updates,
            rows_told_below: self.row_model.as_ref().map(|r| r.told),
            rows_set_aside: self.row_model.as_ref().map_or(0, set_aside),
            rows_missing: self.missing,
            first_time: times.then_some(self.first_time),
            last_time: times.then_some(self.last_time),
            interval: self.interval().filter(|_| times),
            samples: trained.map_or(0, |t| t.samples),
            imputed_share: trained.map_or(0.0, |t| t.imputed as f64 / t.samples as f64),
            scales: trained.map_or_else(Vec::new, |t| lengths(&t.channels[0].scales)),
            context_scales: trained.map_or_else(Vec::new, context_scales),
            dynamics: trained.is_some_and(|t| t.residuals.dynamic()),
            causal_scales: trained.map_or_else(Vec::new, |t| lengths(&t.channels[0].causal)),
            views: trained.map_or_else(Vec::new, aspects),
            clusters: trained.map_or(0, clusters),
            regimes: trained.map_or(0, |t| t.regimes.all.len()),
            expectation: self.row_model.as_ref().map_or_else(Vec::new, expectation),
            calibration: trained.map(|t| calibration(&t.calibration, self.row_model.as_ref())),
            causal_calibration: trained.map(|t| calibration(&t.causal, None)),
            size,
        }
    }
}

fn expectation(rows: &RowModel) -> Vec<Option<Vec<String>>> {
    let parts = |e: &Option<Expectation>| e.as_ref().map(Expectation::parts);
    rows.columns.iter().map(parts).collect()
}

fn set_aside(rows: &RowModel) -> u64 {
    let all = rows.columns.iter().flatten();
    all.map(Expectation::set_aside).max().unwrap_or(0)
}

fn aspects(t: &Trained) -> Vec<&'static str> {
    let used = |a: &&ScoreComponent| match a {
        ScoreComponent::Window(_) => true,
        ScoreComponent::Prediction => t.residuals.predictors.iter().any(Option::is_some),
        ScoreComponent::Relation => !t.residuals.relations.is_empty(),
    };
    ScoreComponent::ALL
        .iter()
        .filter(used)
        .map(|a| a.name())
        .collect()
}

fn lengths(scales: &[ScaleModel]) -> Vec<usize> {
    scales.iter().map(|s| s.length).collect()
}

fn context_scales(t: &Trained) -> Vec<usize> {
    let first = &t.channels[0].scales;
    let used = |s: &usize| t.channels.iter().any(|c| c.scales[*s].context.is_some());
    (0..first.len()).filter(used).map(|s| first[s].length).collect()
}

fn clusters(t: &Trained) -> usize {
    let scales = t.channels.iter().flat_map(|c| c.scales.iter().chain(&c.causal));
    scales.flat_map(|s| &s.views).map(|v| v.centres.len()).sum()
}

fn calibration(c: &Calibration, rows: Option<&RowModel>) -> CalibrationInfo {
    CalibrationInfo {
        source: c.source,
        samples: c.samples,
        set_aside: c.set_aside,
        stretches: c.clusters,
        supported_alpha: c.supported_alpha(),
        alpha: rows.map_or(c.alpha, |r| r.alpha),
        threshold: c.threshold,
        achieved_false_alarm_rate: c.achieved,
        tail_shape: c.tail.shape,
        tail_scale: c.tail.scale,
    }
}
