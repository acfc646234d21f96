//! The context of the windows of one length: what the windows beside one let expect of it.

use crate::metric::context::Context;
use crate::view::PerView;
use crate::window::placement::hop;
use serde::{Deserialize, Serialize};

/// What windows of one length let expect of the one between them, and what that adds to its distances.
#[derive(Debug, Clone, PartialEq)]
pub struct NeighbourContext {
    /// The map and the metric.
    pub context: Context,
    /// How much it counts beside what the views say without it, above 0, at most 1.
    pub weight: f64,
    /// What a log distance is multiplied by before it is added to that of the plain view, 0 or more.
    pub gains: PerView<f32>,
    /// What is expected of a log distance by that of the view itself, where a neighbour is missing.
    pub fallback: PerView<LinearFit>,
}

/// A straight line.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LinearFit {
    /// Its value at 0.
    #[serde(rename = "at_zero")]
    pub intercept: f32,
    /// What it rises by, 0 or more.
    pub slope: f32,
}

/// Log distances lie below 100, and are told apart to a millionth.
const STEEPEST: f32 = 1e9;

impl LinearFit {
    pub(crate) fn at(self, x: f32) -> f32 {
        self.intercept + self.slope * x
    }

    /// Whether scoring can rely on it.
    pub(crate) fn is_sound(&self) -> bool {
        self.intercept.abs() <= STEEPEST && (0.0..=STEEPEST).contains(&self.slope)
    }
}

/// How many samples the windows beside one stand away from it: the least multiple of the hop with no sample shared.
pub(crate) fn distance(length: usize) -> usize {
    length.div_ceil(hop(length)) * hop(length)
}
