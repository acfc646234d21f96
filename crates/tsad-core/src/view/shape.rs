//! The shape view: the instance-normalised window.

use crate::numeric::simd_sum;

/// The largest number of segments of the piecewise aggregate approximation.
const SEGMENTS: usize = 16;
/// Added to the standard deviation, in units of the robust scale: a nearly constant window has no shape.
const DEVIATION_FLOOR: f32 = 1e-3;

fn segments(length: usize) -> usize {
    SEGMENTS.min(length / 2)
}

/// The number of features of a window of `length` samples.
pub(super) fn dim(length: usize) -> usize {
    segments(length) + 3
}

/// Writes the segment means of the normalised window (piecewise aggregate approximation: Keogh et al.
/// 2001, doi:10.1007/PL00011669), its autocorrelation at lags 1 and 2, and its skewness.
#[inline(always)]
pub(super) fn extract(centred: &[f32], deviation: f32, out: &mut [f32]) {
    let n = centred.len();
    let size = 1.0 / (deviation + DEVIATION_FLOOR);
    let count = segments(n);
    let width = n / count;
    for (o, s) in out.iter_mut().zip(centred.chunks_exact(width)).take(count) {
        *o = s.iter().sum::<f32>() * (size / width as f32);
    }
    let square = size * size;
    out[count] = simd_sum::dot(&centred[1..], centred) * square / (n - 1) as f32;
    out[count + 1] = simd_sum::dot(&centred[2..], centred) * square / (n - 2) as f32;
    out[count + 2] = simd_sum::cubes(centred) * square * size / n as f32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_does_not_see_the_size() {
        let centred: Vec<f32> = (0..32).map(|t| if t % 4 < 2 { 1.0 } else { -1.0 }).collect();
        let large: Vec<f32> = centred.iter().map(|c| c * 100.0).collect();
        let (mut a, mut b) = (vec![0.0; dim(32)], vec![0.0; dim(32)]);
        extract(&centred, 1.0, &mut a);
        extract(&large, 100.0, &mut b);
        assert_eq!(dim(32), 19);
        assert!(a.iter().zip(&b).all(|(x, y)| (x - y).abs() < 5e-3));
        assert!((a[0] - 1.0).abs() < 2e-3 && (a[1] + 1.0).abs() < 2e-3);
    }
}
