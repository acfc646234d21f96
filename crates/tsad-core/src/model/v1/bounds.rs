//! What training can write of each number of format version 1, with room for rounding: a checksum does not protect
//! against malice, and beyond these bounds sums overflow and iterations of libraries do not end.

use super::vector::{Wrong, require};

/// The largest number of rows, samples, windows or updates of any kind: the whole numbers that are exact as `f64`, and
/// fit the integers of SQL.
const MAX_COUNT: u64 = 1 << 53;
/// The most characters of a text.
const LONGEST_TEXT: usize = 1000;

/// Standardised features are clipped at 50, and centres are means of them.
pub(super) const STANDARDISED: f32 = 64.0;
/// Scaled values are clipped at 10,000; features of them are means, differences and logarithms.
pub(super) const SCALED: f32 = 1e6;
/// What a feature is multiplied by: the inverse of its deviation, from that of clipped values to the finest that is
/// told.
pub(super) const FACTORS: (f32, f32) = (1e-9, 2e6);
/// Weights of ridge regressions, principal components and inverse roots of covariances.
pub(super) const WEIGHT: f32 = 1e12;
/// Weights of the encoders, which begin near 1 and are learned in small steps.
pub(super) const ENCODER: f32 = 1e5;
/// Embedded windows.
pub(super) const EMBEDDED: f32 = 1e15;
/// What is multiplied with a log distance: a ratio of deviations, the smaller one at least 0.05.
pub(super) const GAIN: f32 = 1e6;
/// Log distances, scores, and what is measured in their units.
pub(super) const SCORE: f64 = 1e9;
/// The smallest scale of scores.
pub(super) const FINEST_SCORE: f64 = 1e-9;
/// Thresholds: the scale of the heaviest tail at the smallest error probability.
pub(super) const THRESHOLD: f64 = 1e170;
/// Limits of residuals, which have a resolution.
pub(super) const LIMITS: (f32, f32) = (1e-9, 1e30);

/// Whether a number lies within `most` of 0; not a number does not.
pub(super) fn is_within(x: f64, most: f64) -> bool {
    x.abs() <= most
}

/// Whether a number lies between two others, these included.
pub(super) fn is_between(x: f32, (low, high): (f32, f32)) -> bool {
    (low..=high).contains(&x)
}

/// Checks numbers of rows or of things made of rows.
pub(super) fn check_counts(counts: &[u64], what: Wrong) -> Result<(), Wrong> {
    require(counts.iter().all(|c| *c <= MAX_COUNT), what)
}

/// Checks a text that is shown: it is short, and without control characters, some of which SQL does not have.
pub(super) fn check_text(text: &str, what: Wrong) -> Result<(), Wrong> {
    let fits = text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control);
    require(fits && !text.is_empty(), what)
}
