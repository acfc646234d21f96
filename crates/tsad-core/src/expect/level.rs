//! The level of a column: constant, that of the last quarter, or a line.

use serde::{Deserialize, Serialize};

/// How the level goes with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LevelKind {
    /// One level.
    Constant,
    /// The level of the last quarter of the training.
    Recent,
    /// A line.
    Line,
}

/// The level: `value + slope * (time - origin)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Level {
    /// How it goes with time.
    pub(crate) kind: LevelKind,
    /// The last local time of the training.
    pub(crate) origin: i64,
    /// The level at the origin, on the scale of the model.
    pub(crate) value: f64,
    /// Its change in a unit of the time (microsecond or integer); 0 unless it is a line.
    pub(crate) slope: f64,
}
