//! The amplitude view: twelve statistics of the scaled window.

use crate::numeric::simd_sum;

/// The number of features.
pub(super) const DIM: usize = 12;

/// The positions of the samples relative to the middle of the window.
pub(super) fn ramp(length: usize) -> Vec<f32> {
    let middle = (length - 1) as f32 / 2.0;
    (0..length).map(|t| t as f32 - middle).collect()
}

/// Writes, in this order: mean, standard deviation, minimum, maximum, range, mean and largest absolute
/// difference of neighbours, last minus first, second half minus first half, root mean square,
/// mean-crossing rate (0 to 1) and slope (change over the window of the fitted line).
#[inline(always)]
pub(super) fn extract(
    window: &[f32],
    centred: &[f32],
    mean: f32,
    deviation: f32,
    ramp: &[f32],
    out: &mut [f32],
) {
    let length = window.len();
    let (n, half) = (length as f32, length / 2);
    let (first, second) = centred.split_at(half);
    let low = simd_sum::minimum(window);
    let high = simd_sum::maximum(window);
    let features: [f32; DIM] = [
        mean,
        deviation,
        low,
        high,
        high - low,
        simd_sum::absolute_differences(window, &window[1..]) / (n - 1.0),
        simd_sum::largest_difference(window, &window[1..]),
        window[length - 1] - window[0],
        simd_sum::sum(second) / (length - half) as f32 - simd_sum::sum(first) / half as f32,
        (deviation * deviation + mean * mean).sqrt(),
        simd_sum::sign_changes(centred, &centred[1..]) / (n - 1.0),
        simd_sum::dot(centred, ramp) * 12.0 / (n * n),
    ];
    out.copy_from_slice(&features);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_the_statistics_of_a_ramp() {
        let window: Vec<f32> = (0..8).map(|t| t as f32).collect();
        let centred: Vec<f32> = window.iter().map(|w| w - 3.5).collect();
        let mut out = [0.0; DIM];
        extract(&window, &centred, 3.5, 5.25_f32.sqrt(), &ramp(8), &mut out);
        let expected = [
            3.5,
            2.2913,
            0.0,
            7.0,
            7.0,
            1.0,
            1.0,
            7.0,
            4.0,
            4.1833,
            1.0 / 7.0,
            42.0 * 12.0 / 64.0,
        ];
        for (o, e) in out.iter().zip(expected) {
            assert!((o - e).abs() < 1e-3, "{o} {e}");
        }
    }
}
