//! The unit in which log distances become scores.

/// The least standard deviation of log distances: a view that repeats more exactly than by 5 % would outweigh all
/// others, and call everything odd that it has not seen (docs/experiments.md).
pub(crate) const MIN_LOG_DEVIATION: f64 = 0.05;
