//! Values in the units in which residuals are learned.

use crate::numeric::moments::mean_and_deviation;

/// Values are clipped to this range on both sides, in units of the robust scale, so that one far out does not make
/// those after it hard to explain.
const CLIP: f32 = 20.0;

/// The value in units of the training's deviation.
pub(super) fn standardised(values: &[f32], location: f32, factor: f32) -> Vec<f32> {
    let unit = |v: &f32| (v.clamp(-CLIP, CLIP) - location) * factor;
    values.iter().map(unit).collect()
}

/// Mean and standard deviation of clipped values; not a number of none.
pub(super) fn moments<'a>(values: impl Iterator<Item = &'a f32> + Clone) -> (f64, f64) {
    mean_and_deviation(values.map(|v| f64::from(v.clamp(-CLIP, CLIP))))
}
