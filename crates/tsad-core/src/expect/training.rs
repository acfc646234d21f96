//! What is known in the course of a fit.

use super::calendar::Calendar;
use super::candidates::Sampling;
use super::expectation::FitOptions;
use super::forecast::Recurring;
use super::mean::{Mean, MeanSpec};
use super::rows::Rows;
use super::values::Values;
use crate::control::Check;

/// The spread that a step between values makes by itself, in steps: that of a uniform distribution.
pub(super) const UNIFORM: f64 = 0.29;

/// The rows of a training, without those that have no value.
pub(super) struct Training<'a> {
    pub(super) times: &'a [i64],
    pub(super) values: &'a [f64],
    pub(super) traits: Values,
    pub(super) rows: &'a Rows<'a>,
    pub(super) calendar: &'a Calendar,
    pub(super) sampling: Sampling,
    pub(super) options: &'a FitOptions<'a>,
    pub(super) check: Check<'a>,
}

/// What was chosen and fitted to the rows that are no incidents.
pub(super) struct Shape {
    pub(super) log_shift: Option<f64>,
    pub(super) spec: MeanSpec,
    pub(super) mean: Mean,
    pub(super) recurring: Option<Recurring>,
    pub(super) aside: Vec<bool>,
    /// Values on the scale of the model, and their residuals.
    pub(super) y: Vec<f64>,
    pub(super) residuals: Vec<f64>,
}

/// The rows that are no incidents, and their held-out residuals.
pub(super) struct Kept<'a> {
    /// Their indices.
    pub(super) index: Vec<usize>,
    pub(super) rows: Rows<'a>,
    pub(super) residuals: Vec<f64>,
    /// Fits on earlier rows, with the pieces that they are judged by.
    pub(super) fits: Vec<(std::ops::Range<usize>, Mean)>,
    /// Indices (into all rows) of the held-out rows, and their residuals.
    pub(super) held: Vec<usize>,
    pub(super) held_residuals: Vec<f64>,
}
