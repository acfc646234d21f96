//! The context of a window as a further modality: what the windows beside it let expect of its views.
//!
//! A window may be normal by itself and wrong where it stands: a beat that comes too early, a night load by day. So the
//! windows before and after, which share no sample with it, are embedded by their principal components, and a map
//! learned by ridge regression (Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634) on these and on random
//! functions of them (Rahimi and Recht 2008) leads from there to the views of the window between. What remains is
//! measured by the metric in which residuals of windows that the map has not seen are alike in all directions
//! (Mahalanobis; relevant component analysis, Bar-Hillel et al. 2005).

use crate::cluster::Block;
use crate::control::Check;
use crate::numeric::linalg::{Cholesky, DMatrix, DVector, SymmetricEigen};
use crate::numeric::sampling::{evenly_spaced, uniform};
use crate::view::{PerView, View};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

/// The principal components that a window beside is embedded by.
const COMPONENTS: usize = 16;
/// The random functions of both.
const UNITS: usize = 64;
/// A constant, the components of both, the random functions.
const TERMS: usize = 1 + 2 * COMPONENTS + UNITS;
/// The map is learned from at most this many windows, evenly spaced.
const MAX_TRIPLES: usize = 2000;
/// With fewer windows there is none.
const MIN_TRIPLES: usize = 60;
/// Features are clipped to this range on both sides, components to the other, in deviations.
const CLIP: f32 = 10.0;
const FAR: f32 = 6.0;
/// The share of the mean squared residual that is added to that of every direction.
const SHRINKAGE: f64 = 0.1;
/// Components of less than this share of the largest variance are rounding errors.
const NO_VARIANCE: f64 = 1e-9;

/// A window as its neighbours see it: its principal components, each of deviation 1.
pub type Summary = [f32; COMPONENTS];

/// What windows let expect of the one between them, and how far from that is far.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    dims: PerView<usize>,
    /// The means of the features, then the components, one row of features after the other.
    components: Vec<f32>,
    /// Term after term what it adds to each feature.
    map: Vec<f32>,
    /// Per view a square matrix, row after row.
    whitening: PerView<Vec<f32>>,
}

/// A window and its neighbours, as indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Triple {
    /// The window before.
    pub before: usize,
    /// The window.
    pub own: usize,
    /// The window after.
    pub after: usize,
}

/// What was learned, and how well it does on windows held out.
pub struct Learned {
    /// The map and the metric.
    pub context: Context,
    /// Of each triple the log distances of the views by a map that has not seen it.
    pub held_out: Vec<PerView<f32>>,
    /// The mean share, over the views, of the variance of windows held out that the map explains, 0 to 1.
    pub explained: f64,
}

/// The views of a window side by side, each clipped and divided by the root of its dimension so that none outweighs
/// another.
pub fn joint(features: PerView<&[f32]>) -> impl Iterator<Item = f32> {
    features.into_iter().flat_map(|view| {
        let share = 1.0 / (view.len() as f32).sqrt();
        view.iter().map(move |x| x.clamp(-CLIP, CLIP) * share)
    })
}

impl Context {
    /// Learns from windows (their [`joint`] features one after the other) and triples of them; block by block a map is
    /// learned without the triples whose window the block leaves out. None if there are too few triples, nothing
    /// varies, or the numbers give no map.
    ///
    /// Time is linear in the number of windows.
    pub fn learn(
        windows: &[f32],
        dims: PerView<usize>,
        triples: &[Triple],
        blocks: &[Block],
        check: Check,
    ) -> Option<Learned> {
        if triples.len() < MIN_TRIPLES {
            return None;
        }
        let dim: usize = dims.iter().sum();
        let mut context = Self {
            dims,
            components: components(windows, dim, check)?,
            map: Vec::new(),
            whitening: PerView::default(),
        };
        let row = |i: usize| &windows[i * dim..(i + 1) * dim];
        let picked = evenly_spaced(triples.len(), MAX_TRIPLES).map(|i| &triples[i]);
        let picked: Vec<&Triple> = picked.collect();
        let summaries = context.summaries(windows, check);
        let terms = |t: &Triple| terms(&summaries[t.before], &summaries[t.after]);
        let sums = |these: &[&Triple]| -> (DMatrix<f64>, DMatrix<f64>) {
            check();
            let mut given = DMatrix::zeros(these.len(), TERMS);
            for (mut out, t) in given.row_iter_mut().zip(these) {
                out.iter_mut().zip(terms(t)).for_each(|(o, x)| *o = f64::from(x));
            }
            let wanted = DMatrix::from_fn(these.len(), dim, |i, j| f64::from(row(these[i].own)[j]));
            check();
            (given.tr_mul(&given), given.tr_mul(&wanted))
        };
        let (square, product) = sums(&picked);
        let penalty = (picked.len() as f64).sqrt();
        let solved = |square: DMatrix<f64>, product: &DMatrix<f64>| -> Option<Vec<f32>> {
            check();
            let mut square = square;
            (1..TERMS).for_each(|i| square[(i, i)] += penalty);
            square[(0, 0)] += 1e-6;
            let map = Cholesky::new(square)?.solve(product);
            // Column-major: transposed, the features of one term are neighbours.
            Some(map.transpose().iter().map(|v| *v as f32).collect())
        };
        let mut residuals = vec![0.0_f32; triples.len() * dim];
        for block in blocks {
            let left_out: Vec<&Triple> = picked
                .iter()
                .filter(|t| block.left_out.contains(&t.own))
                .copied()
                .collect();
            let (less_square, less_product) = sums(&left_out);
            let map = solved(&square - less_square, &(&product - less_product))?;
            let all = triples.iter().zip(residuals.chunks_exact_mut(dim));
            for (i, (t, out)) in all.enumerate() {
                now_and_then(i, check);
                if block.own.contains(&t.own) {
                    residual(&map, &terms(t), row(t.own), out);
                }
            }
        }
        context.map = solved(square, &product)?;
        let explained = explained(triples.iter().map(|t| row(t.own)), &residuals, dims, check);
        let mut begin = 0;
        for (whitening, dim_of_view) in context.whitening.iter_mut().zip(dims) {
            check();
            let own = residuals
                .chunks_exact(dim)
                .map(|r| &r[begin..begin + dim_of_view]);
            *whitening = whitened(own, dim_of_view, check);
            begin += dim_of_view;
        }
        let held_out = residuals.chunks_exact(dim).enumerate().map(|(i, r)| {
            now_and_then(i, check);
            context.log_lengths(r)
        });
        let held_out = held_out.collect();
        let sound = [&context.components, &context.map]
            .into_iter()
            .chain(&context.whitening)
            .all(|all| all.iter().all(|v| v.is_finite()));
        sound.then_some(Learned {
            context,
            held_out,
            explained,
        })
    }

    /// All windows, one after the other, as their neighbours see them.
    pub fn summaries(&self, joint: &[f32], check: Check) -> Vec<Summary> {
        let windows = joint.chunks_exact(self.dims.iter().sum()).enumerate();
        let each = windows.map(|(i, window)| {
            now_and_then(i, check);
            self.summary(window)
        });
        each.collect()
    }

    /// A window as its neighbours see it.
    pub fn summary(&self, joint: &[f32]) -> Summary {
        let (mean, axes) = self.components.split_at(joint.len());
        let mut out = Summary::default();
        for (out, axis) in out.iter_mut().zip(axes.chunks_exact(joint.len())) {
            let terms = joint.iter().zip(mean).zip(axis);
            *out = terms.map(|((x, m), a)| (x - m) * a).sum::<f32>().clamp(-FAR, FAR);
        }
        out
    }

    /// `log(1 + d)` for each view, d being how far a window is from what its neighbours let expect.
    pub fn log_distances(&self, before: &Summary, own: &[f32], after: &Summary) -> PerView<f32> {
        let mut rest = vec![0.0; own.len()];
        residual(&self.map, &terms(before, after), own, &mut rest);
        self.log_lengths(&rest)
    }

    fn log_lengths(&self, residual: &[f32]) -> PerView<f32> {
        let mut rest = residual;
        std::array::from_fn(|v| {
            let (own, others) = rest.split_at(self.dims[v]);
            rest = others;
            let rows = self.whitening[v].chunks_exact(own.len());
            let square = rows.map(|r| r.iter().zip(own).map(|(w, x)| w * x).sum::<f32>().powi(2));
            square.sum::<f32>().min(f32::MAX).sqrt().ln_1p()
        })
    }

    /// The numbers that make it: components, map, and the metric of each view.
    pub fn weights(&self) -> (&[f32], &[f32], &PerView<Vec<f32>>) {
        (&self.components, &self.map, &self.whitening)
    }

    /// Takes the numbers of [`Context::weights`]; none if they are not as many as the features ask for.
    pub fn of_weights(
        dims: PerView<usize>,
        components: Vec<f32>,
        map: Vec<f32>,
        whitening: PerView<Vec<f32>>,
    ) -> Option<Self> {
        let dim: usize = dims.iter().sum();
        let fits = components.len() == (1 + COMPONENTS) * dim
            && map.len() == TERMS * dim
            && whitening.iter().zip(dims).all(|(w, d)| w.len() == d * d);
        fits.then_some(Self {
            dims,
            components,
            map,
            whitening,
        })
    }
}

/// The same in every model: weights of the components of both neighbours and a bias, function after function.
static RANDOM: LazyLock<Vec<[f32; 2 * COMPONENTS + 1]>> = LazyLock::new(|| {
    let mut rng = ChaCha8Rng::seed_from_u64(TERMS as u64);
    let mut draw = || (2.0 * uniform(&mut rng) - 1.0) as f32;
    // Sums of components of deviation 1 have a deviation of 1.5: about as much curved as straight.
    let scale = 1.5 * (3.0 / (2 * COMPONENTS) as f32).sqrt();
    let mut function = || {
        let mut all = [(); 2 * COMPONENTS + 1].map(|()| scale * draw());
        all[2 * COMPONENTS] /= scale;
        all
    };
    (0..UNITS).map(|_| function()).collect()
});

/// Makes the random functions.
pub(super) fn prepare() {
    LazyLock::force(&RANDOM);
}

/// Calls the cancel hook at every 256th of many windows.
fn now_and_then(i: usize, check: Check) {
    if i.is_multiple_of(256) {
        check();
    }
}

fn terms(before: &Summary, after: &Summary) -> [f32; TERMS] {
    let mut out = [1.0; TERMS];
    out[1..=COMPONENTS].copy_from_slice(before);
    out[1 + COMPONENTS..=2 * COMPONENTS].copy_from_slice(after);
    for (k, function) in RANDOM.iter().enumerate() {
        let (weights, bias) = function.split_at(2 * COMPONENTS);
        let given = out[1..=2 * COMPONENTS].iter().zip(weights);
        let h = given.map(|(x, w)| x * w).sum::<f32>() + bias[0];
        out[1 + 2 * COMPONENTS + k] = h / (1.0 + h.abs());
    }
    out
}

/// Writes what the terms do not explain of a window.
fn residual(map: &[f32], terms: &[f32; TERMS], own: &[f32], out: &mut [f32]) {
    out.copy_from_slice(own);
    for (term, row) in terms.iter().zip(map.chunks_exact(own.len())) {
        out.iter_mut().zip(row).for_each(|(o, w)| *o -= term * w);
    }
}

/// The means of the features and the leading principal components, those that are missing all 0; none if nothing
/// varies.
fn components(windows: &[f32], dim: usize, check: Check) -> Option<Vec<f32>> {
    let taken: Vec<usize> = evenly_spaced(windows.len() / dim, MAX_TRIPLES).collect();
    let rows = DMatrix::from_fn(taken.len(), dim, |i, j| f64::from(windows[taken[i] * dim + j]));
    let mean = rows.row_mean();
    let centred = DMatrix::from_fn(taken.len(), dim, |i, j| rows[(i, j)] - mean[j]);
    check();
    let covariance = centred.tr_mul(&centred) / taken.len() as f64;
    check();
    let found = SymmetricEigen::new(covariance);
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|a, b| found.eigenvalues[*b].total_cmp(&found.eigenvalues[*a]));
    let most = found.eigenvalues[order[0]];
    if most.is_nan() || most <= 1e-12 {
        return None;
    }
    let mut out: Vec<f32> = mean.iter().map(|m| *m as f32).collect();
    for &k in order.iter().take(COMPONENTS) {
        let variance = found.eigenvalues[k];
        let share = if variance > NO_VARIANCE * most {
            1.0 / variance.sqrt()
        } else {
            0.0
        };
        out.extend(found.eigenvectors.column(k).iter().map(|v| (v * share) as f32));
    }
    out.resize((1 + COMPONENTS) * dim, 0.0);
    Some(out)
}

/// The mean share over the views of the variance that residuals leave unexplained, taken from 1.
fn explained<'a>(
    rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone,
    residuals: &[f32],
    dims: PerView<usize>,
    check: Check,
) -> f64 {
    let dim: usize = dims.iter().sum();
    let count = rows.len() as f64;
    let mut mean = DVector::<f64>::zeros(dim);
    for (i, r) in rows.clone().enumerate() {
        now_and_then(i, check);
        mean.iter_mut()
            .zip(r)
            .for_each(|(m, x)| *m += f64::from(*x) / count);
    }
    let (mut all, mut left) = (vec![0.0; dim], vec![0.0; dim]);
    for (i, (row, rest)) in rows.zip(residuals.chunks_exact(dim)).enumerate() {
        now_and_then(i, check);
        for j in 0..dim {
            all[j] += (f64::from(row[j]) - mean[j]).powi(2);
            left[j] += f64::from(rest[j]).powi(2);
        }
    }
    let mut begin = 0;
    let shares = dims.map(|d| {
        let range = begin..begin + d;
        begin += d;
        let all: f64 = all[range.clone()].iter().sum();
        let left: f64 = left[range].iter().sum();
        if all > 1e-12 * count {
            (1.0 - left / all).max(0.0)
        } else {
            0.0
        }
    });
    shares.iter().sum::<f64>() / View::COUNT as f64
}

/// The matrix that makes residuals alike in all directions, and leaves their mean square as it is.
fn whitened<'a>(residuals: impl ExactSizeIterator<Item = &'a [f32]>, dim: usize, check: Check) -> Vec<f32> {
    let count = residuals.len() as f64;
    let mut moments = DMatrix::<f64>::zeros(dim, dim);
    for (n, r) in residuals.enumerate() {
        now_and_then(n, check);
        for i in 0..dim {
            for j in 0..=i {
                moments[(i, j)] += f64::from(r[i]) * f64::from(r[j]) / count;
            }
        }
    }
    let moments = DMatrix::from_fn(dim, dim, |i, j| moments[(i.max(j), i.min(j))]);
    let mean = moments.trace() / dim as f64;
    if mean.is_nan() || mean <= 1e-12 {
        // A view that is always as expected: any difference counts as it is.
        return DMatrix::<f32>::identity(dim, dim).iter().copied().collect();
    }
    let found = SymmetricEigen::new(moments);
    let factor = |k: usize| (mean / (found.eigenvalues[k].max(0.0) + SHRINKAGE * mean)).sqrt();
    (0..dim)
        .flat_map(|k| {
            let factor = factor(k);
            let axis = found.eigenvectors.column(k);
            (0..dim)
                .map(move |i| (axis[i] * factor) as f32)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMS: PerView<usize> = [6, 5, 4, 8];
    const DIM: usize = 23;

    /// Windows of three kinds in turn, with noise: the neighbours of one tell its kind.
    fn window(kind: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let noise = |rng: &mut ChaCha8Rng| 0.2 * (uniform(rng) as f32 - 0.5);
        (0..DIM)
            .map(|j| ((kind * 7 + j * 3) % 5) as f32 * 0.3 + noise(rng))
            .collect()
    }

    fn in_turn(count: usize) -> (Vec<f32>, Vec<Triple>, Vec<Block>) {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let windows = (0..count).flat_map(|i| window(i % 3, &mut rng)).collect();
        let triple = |own: usize| Triple {
            before: own - 1,
            own,
            after: own + 1,
        };
        let block = |b: usize| Block {
            own: b * count / 5..(b + 1) * count / 5,
            left_out: (b * count / 5).saturating_sub(1)..((b + 1) * count / 5 + 1).min(count),
        };
        let triples = (1..count - 1).map(triple).collect();
        (windows, triples, (0..5).map(block).collect())
    }

    fn learn(count: usize) -> Option<Learned> {
        let (windows, triples, blocks) = in_turn(count);
        Context::learn(&windows, DIMS, &triples, &blocks, &|| {})
    }

    #[test]
    fn a_normal_window_in_the_wrong_place_is_far_from_what_its_neighbours_let_expect() {
        let found = learn(300).unwrap();
        assert!(found.explained > 0.8, "{}", found.explained);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut draw = |turn: usize| window(turn % 3, &mut rng);
        for turn in 0..30 {
            let (before, right, after) = (draw(turn), draw(turn + 1), draw(turn + 2));
            let wrong = draw(turn + 2);
            let [before, after] = [before, after].map(|w| found.context.summary(&w));
            let right = found.context.log_distances(&before, &right, &after);
            let wrong = found.context.log_distances(&before, &wrong, &after);
            let nearer = right.iter().zip(&wrong).all(|(r, w)| r + 0.1 < *w);
            assert!(nearer, "{right:?} {wrong:?}");
        }
    }

    #[test]
    fn windows_held_out_look_like_new_ones() {
        let found = learn(600).unwrap();
        let (windows, triples, _) = in_turn(900);
        let mean = |all: &[PerView<f32>]| all.iter().flatten().sum::<f32>() / all.len() as f32;
        let row = |i: usize| &windows[i * DIM..(i + 1) * DIM];
        let newer = triples.iter().filter(|t| t.before >= 600).map(|t| {
            let [before, after] = [t.before, t.after].map(|i| found.context.summary(row(i)));
            found.context.log_distances(&before, row(t.own), &after)
        });
        let (held_out, newer) = (mean(&found.held_out), mean(&newer.collect::<Vec<_>>()));
        assert!((held_out / newer - 1.0).abs() < 0.1, "{held_out} {newer}");
    }

    #[test]
    fn residuals_are_alike_in_all_directions() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let draw = |_| {
            let (a, b) = (uniform(&mut rng) as f32 - 0.5, uniform(&mut rng) as f32 - 0.5);
            [10.0 * a, 10.0 * a + b]
        };
        let rows: Vec<[f32; 2]> = (0..2000).map(draw).collect();
        let matrix = whitened(rows.iter().map(|r| &r[..]), 2, &|| {});
        let along = |x: [f32; 2]| {
            let rows = matrix.chunks_exact(2);
            rows.map(|r| (r[0] * x[0] + r[1] * x[1]).powi(2)).sum::<f32>()
        };
        // A step across the usual direction counts for far more than one along it.
        assert!(along([1.0, -1.0]) > 5.0 * along([1.0, 1.0]));
        let nothing = whitened([&[0.0, 0.0][..]; 3].into_iter(), 2, &|| {});
        assert_eq!(nothing, [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn too_little_or_nothing_that_varies_gives_none() {
        assert!(learn(40).is_none());
        let (windows, triples, blocks) = in_turn(300);
        let same = vec![1.0; windows.len()];
        assert!(Context::learn(&same, DIMS, &triples, &blocks, &|| {}).is_none());
    }

    #[test]
    fn weights_survive_a_round_trip_and_others_are_refused() {
        let context = learn(300).unwrap().context;
        let (components, map, whitening) = context.weights();
        let read =
            |map: &[f32]| Context::of_weights(DIMS, components.to_vec(), map.to_vec(), whitening.clone());
        assert_eq!(read(map), Some(context.clone()));
        assert_eq!(read(&map[1..]), None);
    }
}
