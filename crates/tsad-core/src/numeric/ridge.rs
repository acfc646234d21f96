//! Linear regression with a ridge, on all samples and without each of a few stretches of time.

use super::linalg::{DMatrix, DVector};
use super::simd::vectorize;

/// The stretches of time that are left out in turn.
pub(crate) const FOLDS: usize = 5;

/// Sums of products, one for each stretch of time.
pub(crate) struct Folds {
    dim: usize,
    /// Per stretch the upper triangles of the second moments, row after row, with the target as last column.
    products: Vec<Vec<f64>>,
    counts: [f64; FOLDS],
}

impl Folds {
    /// For rows of `dim` numbers (a target that there is counts as one).
    pub(crate) fn new(dim: usize) -> Self {
        Self {
            dim,
            products: vec![vec![0.0; dim * dim]; FOLDS],
            counts: [0.0; FOLDS],
        }
    }

    /// The stretch of sample `i` of `n`.
    pub(crate) fn of(i: usize, n: usize) -> usize {
        i * FOLDS / n
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, fold: usize, row: &[f64]) {
        self.counts[fold] += 1.0;
        let (products, dim) = (&mut self.products[fold], self.dim);
        vectorize(
            #[inline(always)]
            || accumulate(products, dim, row),
        );
    }

    /// The mean products over all stretches but `without`, symmetric.
    fn mean(&self, without: Option<usize>) -> DMatrix<f64> {
        let used = || (0..FOLDS).filter(|f| Some(*f) != without);
        let count: f64 = used().map(|f| self.counts[f]).sum();
        DMatrix::from_fn(self.dim, self.dim, |i, j| {
            let at = i.min(j) * self.dim + i.max(j);
            used().map(|f| self.products[f][at]).sum::<f64>() / count.max(1.0)
        })
    }

    /// The weights of all numbers but the last, which they predict, without one of the stretches. The first number is
    /// an intercept, and has no ridge.
    pub(crate) fn weights(&self, ridge: f64, without: Option<usize>) -> Option<Vec<f32>> {
        in_single(&self.solved(ridge, self.dim - 1, without)?)
    }

    /// The same of the first `columns` numbers alone, in double precision.
    fn solved(&self, ridge: f64, columns: usize, without: Option<usize>) -> Option<DVector<f64>> {
        let moments = self.mean(without);
        let mut among = moments.view((0, 0), (columns, columns)).into_owned();
        for i in 0..columns {
            among[(i, i)] += if i == 0 { 1e-9 } else { ridge };
        }
        let target = DVector::from_fn(columns, |i, _| moments[(i, self.dim - 1)]);
        Some(among.cholesky()?.solve(&target))
    }

    /// The weights of the first `columns` numbers, without each of the stretches in turn.
    pub(crate) fn without_each(&self, ridge: f64, columns: usize) -> Option<Vec<DVector<f64>>> {
        (0..FOLDS).map(|f| self.solved(ridge, columns, Some(f))).collect()
    }

    /// The mean square of what weights without each of the stretches do not explain of the last number in it.
    pub(crate) fn held_out_square(&self, without: &[DVector<f64>]) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        let last = self.dim - 1;
        for (fold, weights) in without.iter().enumerate() {
            let columns = weights.len();
            // The last number counts as itself, all that explain it as what is taken off.
            let sign = |i: usize| if i == last { 1.0 } else { -weights[i] };
            let used = || (0..columns).chain([last]);
            let products = &self.products[fold];
            for i in used() {
                for j in used().filter(|j| *j >= i) {
                    let times = if i == j { 1.0 } else { 2.0 };
                    sum += times * sign(i) * sign(j) * products[i * self.dim + j];
                }
            }
            count += self.counts[fold];
        }
        let square = sum / count;
        square.is_finite().then_some(square.max(0.0))
    }

    /// For every number the weights whose sum of products with all numbers is what the others do not explain of it:
    /// row by row, 1 for itself. They are the rows of the inverse of the second moments, over its diagonal.
    pub(crate) fn unexplained(&self, ridge: f64, without: Option<usize>) -> Option<Vec<f32>> {
        let mut moments = self.mean(without);
        for i in 0..self.dim {
            moments[(i, i)] += ridge;
        }
        let inverse = moments.cholesky()?.inverse();
        let mut out = Vec::with_capacity(self.dim * self.dim);
        for i in 0..self.dim {
            out.extend((0..self.dim).map(|j| (inverse[(i, j)] / inverse[(i, i)]) as f32));
        }
        out.iter().all(|w| w.is_finite()).then_some(out)
    }
}

/// Weights in single precision; none where one is not finite.
pub(crate) fn in_single(weights: &DVector<f64>) -> Option<Vec<f32>> {
    let weights: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
    weights.iter().all(|w| w.is_finite()).then_some(weights)
}

#[inline(always)]
fn accumulate(products: &mut [f64], dim: usize, row: &[f64]) {
    for (i, (x, products)) in row.iter().zip(products.chunks_exact_mut(dim)).enumerate() {
        let pairs = products[i..].iter_mut().zip(&row[i..]);
        pairs.for_each(|(p, y)| *p += x * y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of an intercept, two numbers and a target that is a linear function of these.
    fn folds() -> Folds {
        let mut folds = Folds::new(4);
        for i in 0..200 {
            let (a, b) = ((f64::from(i) / 3.0).sin(), (f64::from(i) / 5.0).cos());
            folds.add(Folds::of(i as usize, 200), &[1.0, a, b, 2.0 + 3.0 * a - b]);
        }
        folds
    }

    #[test]
    fn a_linear_function_is_found_with_and_without_a_stretch() {
        for without in [None, Some(0), Some(4)] {
            let weights = folds().weights(1e-9, without).unwrap();
            let near = weights.iter().zip([2.0, 3.0, -1.0]);
            assert!(near.into_iter().all(|(w, e)| (w - e).abs() < 1e-4), "{weights:?}");
        }
    }

    #[test]
    fn what_is_held_out_is_measured_as_sample_by_sample() {
        let row = |i: u32| {
            let (a, b) = ((f64::from(i) / 3.0).sin(), (f64::from(i) / 5.0).cos());
            [1.0, a, b, 2.0 + 3.0 * a - b + 0.1 * f64::from(i * i % 7)]
        };
        let mut folds = Folds::new(4);
        for i in 0..200 {
            folds.add(Folds::of(i as usize, 200), &row(i));
        }
        for columns in [1, 2, 3] {
            let residual = |i: u32| {
                let without = Some(Folds::of(i as usize, 200));
                let weights = folds.solved(1e-6, columns, without).unwrap();
                let row = row(i);
                let explained: f64 = weights.iter().zip(&row).map(|(w, x)| w * x).sum();
                (row[3] - explained).powi(2)
            };
            let mean = (0..200).map(residual).sum::<f64>() / 200.0;
            let without = folds.without_each(1e-6, columns).unwrap();
            let found = folds.held_out_square(&without).unwrap();
            assert!((found / mean - 1.0).abs() < 1e-9, "{columns}: {found} {mean}");
        }
    }

    #[test]
    fn what_the_others_do_not_explain_is_the_residual_of_the_regression() {
        let mut folds = Folds::new(3);
        let rows: Vec<[f64; 3]> = (0..100)
            .map(|i| {
                let t = f64::from(i);
                let (a, b) = (t.sin(), (1.7 * t).cos());
                [a, b, a - 2.0 * b + 0.1 * (t * t).sin()]
            })
            .collect();
        for (i, row) in rows.iter().enumerate() {
            folds.add(Folds::of(i, 100), row);
        }
        let all = folds.unexplained(0.0, None).unwrap();
        // The same by regression of the last number on the others, without intercept.
        let sum = |f: fn(&[f64; 3]) -> f64| rows.iter().map(f).sum::<f64>();
        let (aa, ab, bb) = (sum(|r| r[0] * r[0]), sum(|r| r[0] * r[1]), sum(|r| r[1] * r[1]));
        let (ac, bc) = (sum(|r| r[0] * r[2]), sum(|r| r[1] * r[2]));
        let det = aa * bb - ab * ab;
        let expected = [-(ac * bb - bc * ab) / det, -(bc * aa - ac * ab) / det, 1.0];
        let close = all[6..].iter().zip(expected);
        assert!(
            close.into_iter().all(|(w, e)| (f64::from(*w) - e).abs() < 1e-5),
            "{all:?}"
        );
    }
}
