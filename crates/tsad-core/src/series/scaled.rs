//! Series in the units of robust scales.

use super::scale::RobustScale;
use super::segment::{Segment, Series};

/// The scaled values of channel `c`, segment by segment, with the grid cells they begin at.
pub(crate) fn scaled_by(series: &Series, c: usize, scale: &RobustScale) -> Vec<(i64, Vec<f32>)> {
    let of = |s: &Segment| (s.start, s.channel(c).iter().map(|v| scale.apply(*v)).collect());
    series.segments.iter().map(of).collect()
}
