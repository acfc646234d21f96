//! The tail of excesses over the band: empirical up to a threshold, a generalised Pareto distribution with a prior beyond.

use serde::{Deserialize, Serialize};

/// The probability that the excess of a normal row is at least so large.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExcessTail {
    /// Where the tail begins, in spreads; at least 1.
    pub(crate) threshold: f64,
    /// The probability of an excess beyond the threshold, in (0, 1).
    pub(crate) share: f64,
    /// The shape, -0.1 to 0.5.
    pub(crate) shape: f64,
    /// The scale, above 0, in spreads.
    pub(crate) scale: f64,
}
