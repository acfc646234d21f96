//! What scoring says of a row.

use crate::model::PerComponent;
use serde::{Deserialize, Serialize};

/// Whether a row could be scored, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// Scored.
    Ok,
    /// Scored, but the window has no principal direction to decide by: its two leading eigenvalues are nearly equal.
    NoDirection,
    /// Scored and significant, but the values deviate from the expected ones by less than the least deviation asked
    /// for: no anomaly.
    SmallDeviation,
    /// Too little of the series is past for a causal score: no window was full yet.
    Warmup,
    /// The series is shorter than the smallest window, or the model had too little data to train on.
    InsufficientData,
    /// The stretch between two long gaps is shorter than the smallest window.
    Gap,
    /// The row has no value.
    Missing,
    /// Scored, but the training data was constant, so that any change is reported.
    Constant,
    /// There is no model for the series.
    UnseenSeries,
    /// Scored, but the row is later than the training data by more than the largest age asked for.
    StaleModel,
    /// Scored, but the row is older than the training data.
    BeforeModel,
    /// Scored, but the row lies in the training data, so that its score is too low.
    InTrainingRange,
    /// The row or its series could not be processed; a message says why.
    Error,
}

impl Status {
    /// The name of the status in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::SmallDeviation => "small_deviation",
            Self::NoDirection => "no_direction",
            Self::Warmup => "warmup",
            Self::InsufficientData => "insufficient_data",
            Self::Gap => "gap",
            Self::Missing => "missing",
            Self::Constant => "constant",
            Self::UnseenSeries => "unseen_series",
            Self::StaleModel => "stale_model",
            Self::BeforeModel => "before_model",
            Self::InTrainingRange => "in_training_range",
            Self::Error => "error",
        }
    }
}

/// What an anomaly was told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The value lies outside its band.
    Value,
    /// It belongs to a run of values that lie on one side.
    Run,
    /// It repeats one value for too long.
    Frozen,
    /// Windows that cover it are unlike those of the training.
    Window,
    /// Rows that were to be expected did not come.
    Silence,
}

impl Evidence {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Run => "run",
            Self::Frozen => "frozen",
            Self::Window => "window",
            Self::Silence => "silence",
        }
    }
}

/// One scored row.
///
/// `score`, `p_value`, `severity` and `is_anomaly` are either all there or all missing. The last three agree: a row is an
/// anomaly exactly when its p-value lies below alpha and exactly when its severity lies above 1. The score ranks rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The time of the row.
    pub time: i64,
    /// Whether the row was scored, and if not, why.
    pub status: Status,
    /// The anomaly score, above 0; about 0.7 for an average training sample.
    pub score: Option<f64>,
    /// The part of windows in the score, which their calibration knows; none where no window covers the row.
    pub window_score: Option<f64>,
    /// The probability of so much evidence in a normal row, 0 to 1.
    pub p_value: Option<f64>,
    /// Whether the row is to blame: its p-value lies below alpha.
    pub is_anomaly: Option<bool>,
    /// How far the evidence goes, on a scale on which 1 is the limit: the logarithm of the p-value over that of alpha. Above
    /// 1 exactly where the row is an anomaly; 2 means that alpha squared.
    pub severity: Option<f64>,
    /// Whether the row is no anomaly, but windows that cover it also cover one.
    pub in_shadow: bool,
    /// What an anomaly was told by.
    pub evidence: Option<Evidence>,
    /// The share of each view in the score, in the order of [`crate::model::ScoreComponent::ALL`]; sums to 1. Of a single
    /// channel that of relation is 0.
    pub views: Option<PerComponent<f64>>,
    /// The share of each channel in the score; sums to 1, 0 for a channel the model leaves out.
    pub channels: Option<Vec<f64>>,
    /// The regime of the window whose middle is nearest: the class of normal windows that it is most like.
    pub regime: Option<u32>,
    /// The probability of a principal direction as far from that of the regime on normal data, 0 to 1; none where
    /// the window has no direction.
    pub direction_p_value: Option<f64>,
    /// The share of each channel in the deviation of the direction; of several channels, where it is significant.
    pub direction_channels: Option<Vec<f64>>,
    /// Whether the value of the channel with the largest share lies above (1) or below (-1) the band of its expectation, or in
    /// it (0).
    pub change: Option<i8>,
    /// Whether a value of the row was missing and filled in for its neighbours' windows.
    pub imputed: bool,
    /// Whether no later row can change the score any more.
    pub is_final: bool,
}

impl Point {
    /// A row that was not scored.
    pub fn unscored(time: i64, status: Status) -> Self {
        Self {
            time,
            status,
            score: None,
            window_score: None,
            p_value: None,
            is_anomaly: None,
            severity: None,
            in_shadow: false,
            evidence: None,
            views: None,
            channels: None,
            regime: None,
            direction_p_value: None,
            direction_channels: None,
            change: None,
            imputed: false,
            is_final: false,
        }
    }
}
