//! The model: what training found, and its bytes. May import `control`, `error`, `series`, `view`, `cluster`,
//! `direction`, `residual`, `metric`, `window`, `params`, `expect`, `calibrate`.

mod channel;
mod codec;
pub(crate) mod component;
mod embedding;
mod info;
pub(crate) mod neighbours;
mod phase;
pub(crate) mod regime;
mod regime_info;
mod row_model;
pub(crate) mod unit;
mod v1;

pub(crate) use channel::scaled;
pub use channel::{ChannelModel, ScaleModel, ViewModel};
pub use component::{PerComponent, ScoreComponent};
pub use embedding::EmbeddingModel;
pub(crate) use embedding::common_dims;
pub use info::{CalibrationInfo, ModelInfo};
pub use neighbours::{LinearFit, NeighbourContext};
pub use phase::AlignmentCorrection;
pub use regime::{Regime, Regimes};
pub use regime_info::{DirectionInfo, RegimeInfo, ViewCentre};
pub use row_model::RowModel;

use crate::calibrate::Calibration;
use crate::error::{Error, ErrorKind, Result};
use crate::expect::Expected;
use crate::metric::{LeftOut, Metric};
use crate::params::Params;
use crate::residual::Residuals;
use crate::series::{Grid, Samples, TimeKind};
use serde::{Deserialize, Serialize};

/// A trained model, or the record of why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The version of the library that trained it.
    pub(crate) library: String,
    pub(crate) params: Params,
    /// The number of value columns, those left out included.
    pub(crate) channels: usize,
    pub(crate) times: TimeKind,
    pub(crate) rows: u64,
    /// Earlier rows that were too many to train on.
    pub(crate) left_out: u64,
    /// Rows without any value.
    pub(crate) missing: u64,
    pub(crate) first_time: i64,
    pub(crate) last_time: i64,
    pub(crate) updates: Updates,
    /// What is expected of every row; none where no column has enough values.
    pub(crate) row_model: Option<RowModel>,
    /// The windows.
    pub(crate) body: Body,
}

/// What was folded in after the training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// The number of updates that changed the model.
    pub count: u32,
    /// The rows that they added; part of the model's rows.
    pub rows: u64,
}

/// What came of the training.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Trained(Box<Trained>),
    /// What was missing, as a clause.
    Untrained(String),
}

/// The part of a model that scores.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trained {
    pub grid: Grid,
    /// Samples on the grid, filled ones included.
    pub samples: u64,
    pub imputed: u64,
    /// At least one; all have the same window lengths.
    pub channels: Vec<ChannelModel>,
    pub calibration: Calibration,
    /// The calibration of causal scores.
    pub causal: Calibration,
    /// The learned metric, or why there is none.
    pub metric: std::result::Result<Metric, LeftOut>,
    pub regimes: Regimes,
    pub residuals: Residuals,
}

impl Trained {
    pub(crate) fn longest_window(&self) -> usize {
        self.channels[0].scales.last().map_or(0, |s| s.length)
    }

    /// How many samples after one can touch its score, and as many before it.
    pub(crate) fn reach(&self) -> usize {
        let scales = self.channels.iter().flat_map(|c| &c.scales);
        scales.map(ScaleModel::reach).max().unwrap_or(0)
    }
}

impl Model {
    /// The number of value columns that a row must have.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// What the times of its rows mean.
    pub fn time_kind(&self) -> TimeKind {
        self.times
    }

    /// The value columns that are not scored, counted from 0: they had a value in fewer than half of the training rows.
    /// None are where the model is not trained.
    #[must_use]
    pub fn channels_left_out(&self) -> Vec<usize> {
        let used = |c: &usize| {
            let rows = self.row_model.as_ref().is_some_and(|r| r.columns[*c].is_some());
            rows || self
                .trained()
                .is_none_or(|t| t.channels.iter().any(|m| m.index == *c))
        };
        (0..self.channels).filter(|c| !used(c)).collect()
    }

    /// Whether the model can score: rows by themselves, or windows too.
    pub fn is_trained(&self) -> bool {
        self.has_windows() || self.row_model.is_some()
    }

    /// Whether the model judges windows, beside rows by themselves.
    pub fn has_windows(&self) -> bool {
        matches!(self.body, Body::Trained(_))
    }

    /// Why the model cannot score, if it cannot.
    pub fn untrained_reason(&self) -> Option<&str> {
        self.windowless_reason().filter(|_| self.row_model.is_none())
    }

    /// Why the model has no windows, if it has none.
    pub fn windowless_reason(&self) -> Option<&str> {
        match &self.body {
            Body::Trained(_) => None,
            Body::Untrained(reason) => Some(reason),
        }
    }

    /// The error probability per row of the decision.
    pub fn alpha(&self) -> Option<f64> {
        let rows = self.row_model.as_ref().map(|r| r.alpha);
        rows.or_else(|| self.trained().map(|t| t.calibration.alpha))
    }

    /// The score above which a sample is an anomaly.
    pub fn threshold(&self) -> Option<f64> {
        self.trained().map(|t| t.calibration.threshold)
    }

    /// The causal score above which a sample is an anomaly.
    pub fn causal_threshold(&self) -> Option<f64> {
        self.trained().map(|t| t.causal.threshold)
    }

    /// Checks that rows have the channels and the kind of times that the model was trained on.
    pub(crate) fn check_rows(&self, rows: &Samples) -> Result<()> {
        self.check_channels(rows.channels())?;
        if rows.time_kind() != self.times {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                format!(
                    "the model was trained on {} as times, got {}",
                    self.times.name(),
                    rows.time_kind().name()
                ),
            )
            .with_hint("Score the same time column that the model was trained on."));
        }
        Ok(())
    }

    pub(crate) fn check_channels(&self, channels: usize) -> Result<()> {
        if channels != self.channels {
            return Err(Error::new(
                ErrorKind::Dimension,
                format!(
                    "the model was trained on {} value column{}, got {channels}",
                    self.channels,
                    if self.channels == 1 { "" } else { "s" }
                ),
            )
            .with_hint("Score the same columns, in the same order, that the model was trained on."));
        }
        Ok(())
    }

    /// The sampling interval, in the unit of the times.
    pub fn interval(&self) -> Option<i64> {
        let rows = self.row_model.as_ref().map(|r| r.interval);
        self.trained().map(|t| t.grid.interval).or(rows)
    }

    /// What values were to be expected at a time: one for each column, none for a column that had too few values. None if
    /// the model is not trained.
    pub fn expected(&self, time: i64) -> Option<Vec<Option<Expected>>> {
        Some(self.row_model.as_ref()?.expected(time))
    }

    /// What is expected of every row; none where no column had enough values.
    pub fn row_model(&self) -> Option<&RowModel> {
        self.row_model.as_ref()
    }

    /// The shortest window, in sampling intervals: what a first score needs.
    pub fn shortest_window(&self) -> Option<usize> {
        let scales = &self.trained()?.channels[0].scales;
        scales.first().map(|s| s.length)
    }

    /// The longest window, in sampling intervals: how far an incident raises the scores around it.
    pub fn longest_window(&self) -> Option<usize> {
        self.trained().map(Trained::longest_window)
    }

    /// How far around a row other rows can touch what is said of it, in the unit of the times.
    pub fn reach(&self) -> Option<i64> {
        let interval = self.interval()?;
        // A window that is in the shade of another one is told by scores a longest window away.
        let windows = self
            .trained()
            .map_or(0, |t| t.reach() + t.longest_window() + self.params.max_gap);
        let rows = self.row_model.as_ref().map_or(0, RowModel::reach);
        Some(interval.saturating_mul((windows.max(rows) + 2) as i64))
    }

    pub(crate) fn trained(&self) -> Option<&Trained> {
        match &self.body {
            Body::Trained(t) => Some(t.as_ref()),
            Body::Untrained(_) => None,
        }
    }
}
