//! What is expected at a time: mean, band and spread, all on the scale of the model.

use super::calendar::Calendar;
use super::mean::Mean;
use super::phases::{Phases, Profile};
use super::tail::ExcessTail;
use serde::{Deserialize, Serialize};

/// Mean, band and spread at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forecast {
    /// Wall clock and holidays; empty where times are integers.
    pub(crate) calendar: Calendar,
    /// Whether the band allows for an hour early or late once clocks may have been changed since the training.
    pub(crate) clock_change: bool,
    /// The last time of the training (UTC).
    pub(crate) end: i64,
    /// The typical distance of rows in units of the time, above 0.
    pub(crate) interval: f64,
    /// The model is of `ln(max(value, 0) + shift)`; none: of the value itself. Above 0.
    pub(crate) log_shift: Option<f64>,
    /// The expected value.
    pub(crate) mean: Mean,
    /// The spread of held-out residuals, in units of a standard deviation; above 0.
    pub(crate) spread: f64,
    /// The spread by phase, where that is better.
    pub(crate) spread_by_phase: Option<Profile>,
    /// No spread is smaller; above 0.
    pub(crate) spread_floor: f64,
    /// How much a line may be wrong in a unit of the time since the training; at least 0.
    pub(crate) slope_doubt: f64,
    /// What happens now and then at a phase.
    pub(crate) recurring: Option<Recurring>,
    /// The step between values where they are coarse; else none.
    pub(crate) step: Option<f64>,
    /// Values are counts of events.
    pub(crate) counts: Option<Counts>,
}

/// How far below and above the expectation values lie now and then, by phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recurring {
    /// The key.
    pub(crate) phases: Phases,
    /// At most 0 for each phase.
    pub(crate) below: Vec<f64>,
    /// At least 0 for each phase.
    pub(crate) above: Vec<f64>,
}

/// Counts follow a negative binomial distribution about the mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// The size (variance = mean + mean^2 / size), at least 0.05; none: Poisson.
    pub(crate) size: Option<f64>,
    /// The mean is at least this; above 0.
    pub(crate) floor: f64,
}

/// Positive values are judged by their ratio to the expectation too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ratio {
    /// Added to values and expectation before the logarithm; above 0.
    pub(crate) shift: f64,
    /// The spread of the logarithm of the ratio; above 0.
    pub(crate) spread: f64,
    /// The same by phase, where that is better.
    pub(crate) spread_by_phase: Option<Profile>,
    /// Below and above.
    pub(crate) tails: [ExcessTail; 2],
}
