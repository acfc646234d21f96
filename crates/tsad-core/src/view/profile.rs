//! The profile view: the course of the window in its size, regardless of its level.
//!
//! It stands between amplitude, which sees the size but not the course, and shape, which sees the course but
//! not the size.

/// The largest number of segments of the piecewise aggregate approximation.
const SEGMENTS: usize = 32;

/// The number of features of a window of `length` samples.
pub(super) fn dim(length: usize) -> usize {
    SEGMENTS.min(length)
}

/// Writes the segment means of the mean-removed window (piecewise aggregate approximation: Keogh et al. 2001,
/// doi:10.1007/PL00011669), in units of the robust scale. What does not fill a segment at the end is left out.
#[inline(always)]
pub(super) fn extract(centred: &[f32], out: &mut [f32]) {
    let width = centred.len() / out.len();
    let share = 1.0 / width as f32;
    for (o, segment) in out.iter_mut().zip(centred.chunks_exact(width)) {
        *o = segment.iter().sum::<f32>() * share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_keep_the_size() {
        let centred: Vec<f32> = (0..130)
            .map(|t| if t / 4 % 2 == 0 { 3.0 } else { -3.0 })
            .collect();
        let mut out = vec![0.0; dim(130)];
        extract(&centred, &mut out);
        assert_eq!((out.len(), dim(9)), (32, 9));
        assert!(out.iter().enumerate().all(|(i, o)| *o == [3.0, -3.0][i % 2]));
    }
}
