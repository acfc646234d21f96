//! The principal direction of a window: the leading eigenvector of a second-moment matrix.
//!
//! This, the ridge regression of residuals and the context of windows are all that know a matrix library, so that it
//! can be exchanged.

use crate::numeric::linalg::{DMatrix, SymmetricEigen};

/// The dimension of the lag vectors of a single channel, where the window is long enough.
const LAGS: usize = 16;
/// A direction is undefined where the second eigenvalue exceeds this share of the first: within a few per cent
/// of each other the leading eigenvector turns with every bit of noise.
const NO_GAP: f64 = 0.95;
/// A second moment below this, in squared units of the robust scale, is no signal.
const NO_POWER: f64 = 1e-12;

/// The dimension of the lag vectors of windows of `length` samples: 16, or a quarter of a short window.
pub(super) fn lag_dimension(length: usize) -> usize {
    LAGS.min(length / 4).max(2)
}

/// The direction of the lag vectors (`dim` successive samples each) of one channel's window: the leading
/// eigenvector, of unit length, of their uncentred second-moment matrix. None if it is undefined.
///
/// Complexity: `length * dim` for the matrix, whose entries along a diagonal are sums that slide, and `dim^3`.
pub(super) fn of_lags(window: &[f32], dim: usize) -> Option<Vec<f64>> {
    let count = window.len() + 1 - dim;
    let x = |i: usize| f64::from(window[i]);
    let mut matrix = DMatrix::zeros(dim, dim);
    for lag in 0..dim {
        let mut sum: f64 = (0..count).map(|t| x(t) * x(t + lag)).sum();
        for row in 0..dim - lag {
            matrix[(row, row + lag)] = sum / count as f64;
            matrix[(row + lag, row)] = sum / count as f64;
            if row + lag + 1 < dim {
                sum += x(row + count) * x(row + count + lag) - x(row) * x(row + lag);
            }
        }
    }
    leading(matrix)
}

/// The direction of the channels (one slice each, equally long) within a window: the leading eigenvector, of
/// unit length, of their second-moment matrix, `centred` by the channels' means in the window or not. None if it
/// is undefined.
///
/// With more channels than samples the eigenvector is found through the samples' inner products, so that the
/// cost is that of the smaller of the two.
pub(super) fn of_channels(channels: &[&[f32]], centred: bool) -> Option<Vec<f64>> {
    let (rows, columns) = (channels.first()?.len(), channels.len());
    let mut data = DMatrix::from_fn(rows, columns, |t, c| f64::from(channels[c][t]));
    if centred {
        for mut column in data.column_iter_mut() {
            let mean = column.mean();
            column.add_scalar_mut(-mean);
        }
    }
    data /= (rows as f64).sqrt();
    if columns <= rows {
        return leading(data.tr_mul(&data));
    }
    let among_samples = leading(&data * data.transpose())?;
    let axis = data.tr_mul(&DMatrix::from_column_slice(rows, 1, &among_samples));
    let length = axis.norm();
    (length > 0.0).then(|| axis.iter().map(|v| v / length).collect())
}

/// The leading eigenvector, of unit length, of a symmetric positive semi-definite matrix; none if there is no
/// power or no gap between the two leading eigenvalues. Its sign is arbitrary.
fn leading(matrix: DMatrix<f64>) -> Option<Vec<f64>> {
    let found = SymmetricEigen::new(matrix);
    let values = found.eigenvalues.as_slice();
    let first = (0..values.len()).max_by(|&i, &j| values[i].total_cmp(&values[j]))?;
    let others = values.iter().enumerate().filter(|(i, _)| *i != first);
    let second = others.map(|(_, v)| *v).fold(0.0, f64::max);
    let defined = values[first] > NO_POWER && second < NO_GAP * values[first];
    let axis = found.eigenvectors.column(first);
    (defined && axis.iter().all(|v| v.is_finite())).then(|| axis.iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain_matrix(window: &[f32], dim: usize) -> DMatrix<f64> {
        let count = window.len() + 1 - dim;
        DMatrix::from_fn(dim, dim, |i, j| {
            let products = (0..count).map(|t| f64::from(window[t + i]) * f64::from(window[t + j]));
            products.sum::<f64>() / count as f64
        })
    }

    fn parallel(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>().abs()
    }

    proptest! {
        #[test]
        fn the_sliding_sums_give_the_matrix_of_the_definition(
            window in prop::collection::vec(-5.0_f32..5.0, 32..80),
        ) {
            let dim = lag_dimension(window.len());
            let (quick, plain) = (of_lags(&window, dim), leading(plain_matrix(&window, dim)));
            if let (Some(quick), Some(plain)) = (quick, plain) {
                prop_assert!(parallel(&quick, &plain) > 1.0 - 1e-6);
                prop_assert!((parallel(&quick, &quick) - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_level_points_to_the_diagonal_and_a_tie_nowhere() {
        let level = of_lags(&[2.0; 64], 16).unwrap();
        assert!(level.iter().all(|v| (v.abs() - 0.25).abs() < 1e-9));
        assert_eq!(of_lags(&[0.0; 64], 16), None);
        // A wave has two eigenvectors of nearly the same size: its sine and its cosine.
        let wave: Vec<f32> = (0..64).map(|i| (i as f32 * 0.785).sin()).collect();
        assert_eq!(of_lags(&wave, 16), None);
    }

    #[test]
    fn more_channels_than_samples_give_the_same_direction() {
        let values: Vec<Vec<f32>> = (0..20)
            .map(|c| {
                (0..12)
                    .map(|t| ((c * t) as f32 * 0.37).sin() + c as f32 * 0.1)
                    .collect()
            })
            .collect();
        let slices: Vec<&[f32]> = values.iter().map(Vec::as_slice).collect();
        for centred in [false, true] {
            let found = of_channels(&slices, centred).unwrap();
            let mut data = DMatrix::from_fn(12, 20, |t, c| f64::from(slices[c][t]));
            if centred {
                for mut column in data.column_iter_mut() {
                    let mean = column.mean();
                    column.add_scalar_mut(-mean);
                }
            }
            let direct = leading(data.tr_mul(&data)).unwrap();
            assert!(parallel(&found, &direct) > 1.0 - 1e-9);
        }
    }
}
