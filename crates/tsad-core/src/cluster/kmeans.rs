//! Cluster centres of windows: k-means with a guard against contaminated training data.

use crate::control::Check;
use crate::numeric::sampling::uniform;
use crate::numeric::simd::vectorize;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::ops::Range;

/// Centres are compared in blocks of this many, one vector lane each.
const BLOCK: usize = 16;
/// A coordinate far from everything: fills the last block.
const FAR: f32 = 1e15;
/// The largest number of passes of Lloyd's algorithm: measured, more of them only cost time.
const MAX_PASSES: usize = 5;
/// The passes end when the centres move less than this share of the features' variance.
const TOLERANCE: f64 = 1e-3;
/// Windows between two calls of the cancel hook.
const POINTS_PER_CHECK: usize = 1024;

/// Centres of clusters in one feature space.
#[derive(Debug, Clone, PartialEq)]
pub struct Centres {
    dim: usize,
    /// Centre after centre.
    rows: Vec<f32>,
    /// Blocks of [`BLOCK`] centres, coordinate after coordinate.
    blocks: Vec<f32>,
}

impl Centres {
    /// Takes centres given one after the other, `dim` coordinates each.
    pub fn from_rows(rows: Vec<f32>, dim: usize) -> Self {
        let blocks = blocked(&rows, dim, FAR);
        Self { dim, rows, blocks }
    }

    /// The coordinates, centre after centre.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The number of centres.
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Whether there is no centre.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The Euclidean distance from `x` to the nearest centre.
    pub fn distance(&self, x: &[f32]) -> f32 {
        vectorize(
            #[inline(always)]
            || {
                let mut best = [f32::INFINITY; BLOCK];
                for block in self.blocks.chunks_exact(BLOCK * self.dim) {
                    let squares = squared_distances(block, x);
                    for k in 0..BLOCK {
                        best[k] = if squares[k] < best[k] { squares[k] } else { best[k] };
                    }
                }
                least(best).sqrt()
            },
        )
    }

    /// The nearest centre (one of several equally near) and the squared Euclidean distance to it.
    pub fn nearest(&self, x: &[f32]) -> (usize, f32) {
        vectorize(
            #[inline(always)]
            || {
                let mut best = [f32::INFINITY; BLOCK];
                let mut found = [0_u32; BLOCK];
                for (b, block) in self.blocks.chunks_exact(BLOCK * self.dim).enumerate() {
                    let squares = squared_distances(block, x);
                    for k in 0..BLOCK {
                        let nearer = squares[k] < best[k];
                        best[k] = if nearer { squares[k] } else { best[k] };
                        found[k] = if nearer { b as u32 } else { found[k] };
                    }
                }
                let square = least(best);
                let lane = best.iter().position(|d| *d == square).unwrap_or(0);
                (found[lane] as usize * BLOCK + lane, square)
            },
        )
    }

    /// Finds centres of `points` (`dim` coordinates each): k-means++ seeding (Arthur and Vassilvitskii 2007),
    /// then Lloyd's algorithm (Lloyd 1982, doi:10.1109/TIT.1982.1056489). There are at most `k` centres, and
    /// no more than distinct points.
    ///
    /// Contamination guard: the smallest clusters, together less than the share `trim` of the points, are
    /// left out, because the training data may hold a past incident.
    pub fn fit(points: &[f32], dim: usize, k: usize, trim: f64, rng: &mut ChaCha8Rng, check: Check) -> Self {
        let seeds = seed(points, dim, k, rng, check);
        Self::refine(Self::from_rows(seeds, dim), points, trim, check)
    }

    /// As [`Centres::fit`], with random numbers of a seed.
    pub fn fit_seeded(points: &[f32], dim: usize, k: usize, trim: f64, seed: u64, check: Check) -> Self {
        Self::fit(points, dim, k, trim, &mut ChaCha8Rng::seed_from_u64(seed), check)
    }

    fn refine(mut centres: Self, points: &[f32], trim: f64, check: Check) -> Self {
        let dim = centres.dim;
        let still = TOLERANCE * variance(points, dim);
        let mut labels = vec![usize::MAX; points.len() / dim];
        let mut sizes = Vec::new();
        for _ in 0..MAX_PASSES {
            let tally = centres.assign(points, &mut labels, check);
            // A centre without points stays where it is.
            let mut next = centres.rows.clone();
            for (k, row) in next.chunks_exact_mut(dim).enumerate() {
                if tally.counts[k] > 0 {
                    tally.mean(k, row);
                }
            }
            let moves = next.iter().zip(&centres.rows);
            let moved: f64 = moves.map(|(a, b)| f64::from(a - b).powi(2)).sum();
            centres = Self::from_rows(next, dim);
            sizes = tally.counts;
            if moved <= still {
                break;
            }
        }
        centres.without_rare(&sizes, trim)
    }

    /// Labels every point with its nearest centre and sums up the points of each.
    fn assign(&self, points: &[f32], labels: &mut [usize], check: Check) -> Tally {
        let mut tally = Tally {
            sums: vec![0.0; self.rows.len()],
            counts: vec![0; self.len()],
        };
        for (i, (x, label)) in points.chunks_exact(self.dim).zip(labels).enumerate() {
            if i % POINTS_PER_CHECK == 0 {
                check();
            }
            *label = self.nearest(x).0;
            tally.add(*label, x);
        }
        tally
    }

    /// Drops the smallest clusters, together less than the share `trim` of the points; `sizes` are the numbers of
    /// points of which the centres are the means.
    fn without_rare(self, sizes: &[u32], trim: f64) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|&k| (sizes[k], k));
        let limit = trim * f64::from(sizes.iter().sum::<u32>());
        let mut keep = vec![true; self.len()];
        let mut gone = 0;
        for &k in &order[..order.len() - 1] {
            gone += sizes[k];
            if sizes[k] > 0 && f64::from(gone) >= limit {
                break;
            }
            keep[k] = false;
        }
        let rows = self.rows.chunks_exact(self.dim).zip(keep);
        let kept = rows.filter(|(_, k)| *k).flat_map(|(r, _)| r).copied();
        Self::from_rows(kept.collect(), self.dim)
    }

    /// The distance of every point to the nearest centre as the centres would be without the points around
    /// it: block by block, each centre is moved by what the left-out points contribute to the mean of its
    /// points, and is gone if none remains. So a point does not vouch for itself, at the cost of two passes
    /// instead of a fit per block (leave-block-out after the manner of the jackknife+, Barber et al. 2021,
    /// doi:10.1214/20-AOS1965).
    ///
    /// None if without some block no centre remains.
    pub fn held_out_distances(&self, points: &[f32], blocks: &[Block], check: Check) -> Option<Vec<f32>> {
        self.held_out_distances_beside(points, blocks, (&[], &[]), check)
            .map(|(own, _)| own)
    }

    /// The same, and the distances of other points: each to the centres as they would be without the points around the
    /// one of which the second of `others` gives the index.
    pub fn held_out_distances_beside(
        &self,
        points: &[f32],
        blocks: &[Block],
        others: (&[f32], &[usize]),
        check: Check,
    ) -> Option<(Vec<f32>, Vec<f32>)> {
        let dim = self.dim;
        let mut of_others = vec![0.0; others.1.len()];
        let mut labels = vec![usize::MAX; points.len() / dim];
        let all = self.assign(points, &mut labels, check);
        let mut out = vec![0.0; labels.len()];
        for block in blocks {
            check();
            let mut rest = all.clone();
            for i in block.left_out.clone() {
                rest.remove(labels[i], &points[i * dim..(i + 1) * dim]);
            }
            let mut rows = Vec::with_capacity(self.rows.len());
            for (k, row) in self.rows.chunks_exact(dim).enumerate() {
                if rest.counts[k] > 0 {
                    let at = rows.len();
                    rows.extend_from_slice(row);
                    rest.shift(k, &all, &mut rows[at..]);
                }
            }
            if rows.is_empty() {
                return None;
            }
            let without = Self::from_rows(rows, dim);
            for i in block.own.clone() {
                out[i] = without.distance(&points[i * dim..(i + 1) * dim]);
            }
            let beside = others.0.chunks_exact(dim).zip(others.1).zip(&mut of_others);
            for ((other, _), distance) in beside.filter(|((_, i), _)| block.own.contains(i)) {
                *distance = without.distance(other);
            }
        }
        Some((out, of_others))
    }
}

/// Points that are held out together, as ranges of indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The points whose distances are wanted.
    pub own: Range<usize>,
    /// The points that must not have a say in them; contains `own`.
    pub left_out: Range<usize>,
}

/// Sums and counts of the points of every centre.
#[derive(Clone)]
struct Tally {
    sums: Vec<f64>,
    counts: Vec<u32>,
}

impl Tally {
    fn add(&mut self, k: usize, x: &[f32]) {
        self.counts[k] += 1;
        let at = k * x.len();
        for (s, v) in self.sums[at..at + x.len()].iter_mut().zip(x) {
            *s += f64::from(*v);
        }
    }

    fn remove(&mut self, k: usize, x: &[f32]) {
        self.counts[k] -= 1;
        let at = k * x.len();
        for (s, v) in self.sums[at..at + x.len()].iter_mut().zip(x) {
            *s -= f64::from(*v);
        }
    }

    /// The mean of the points of centre `k`.
    fn mean(&self, k: usize, into: &mut [f32]) {
        let share = f64::from(self.counts[k]).recip();
        let sums = &self.sums[k * into.len()..(k + 1) * into.len()];
        into.iter_mut()
            .zip(sums)
            .for_each(|(m, sum)| *m = (sum * share) as f32);
    }

    /// Adds to a centre how the mean of its points differs from that in `other`.
    fn shift(&self, k: usize, other: &Self, centre: &mut [f32]) {
        let (here, there) = (
            f64::from(self.counts[k]).recip(),
            f64::from(other.counts[k]).recip(),
        );
        let at = k * centre.len()..(k + 1) * centre.len();
        let sums = self.sums[at.clone()].iter().zip(&other.sums[at]);
        let differences = sums.map(|(a, b)| (a * here - b * there) as f32);
        centre.iter_mut().zip(differences).for_each(|(v, d)| *v += d);
    }
}

/// The smallest of the lanes.
#[inline(always)]
fn least(mut simd_sum: [f32; BLOCK]) -> f32 {
    let mut width = BLOCK / 2;
    while width > 0 {
        for k in 0..width {
            let (a, b) = (simd_sum[k], simd_sum[k + width]);
            simd_sum[k] = if b < a { b } else { a };
        }
        width /= 2;
    }
    simd_sum[0]
}

/// The squared distances from `x` to the centres of a block.
#[inline(always)]
fn squared_distances(block: &[f32], x: &[f32]) -> [f32; BLOCK] {
    let mut acc = [0.0_f32; BLOCK];
    for (centre, v) in block.chunks_exact(BLOCK).zip(x) {
        for k in 0..BLOCK {
            let d = v - centre[k];
            acc[k] += d * d;
        }
    }
    acc
}

/// The sum of the lanes.
#[inline(always)]
fn total(simd_sum: [f32; BLOCK]) -> f64 {
    let mut sums = simd_sum.map(f64::from);
    let mut width = BLOCK / 2;
    while width > 0 {
        for k in 0..width {
            sums[k] += sums[k + width];
        }
        width /= 2;
    }
    sums[0]
}

/// The sum over the coordinates of the variance of the points.
fn variance(points: &[f32], dim: usize) -> f64 {
    let n = (points.len() / dim) as f64;
    let (mut sum, mut square) = (vec![0.0_f64; dim], vec![0.0_f64; dim]);
    for x in points.chunks_exact(dim) {
        for j in 0..dim {
            let v = f64::from(x[j]);
            sum[j] += v;
            square[j] += v * v;
        }
    }
    let of = |(s, q): (&f64, &f64)| (q / n - (s / n).powi(2)).max(0.0);
    sum.iter().zip(&square).map(of).sum::<f64>() / dim as f64
}

/// Chooses starting centres: the first at random, each further one with probability in proportion to the
/// squared distance from those chosen.
fn seed(points: &[f32], dim: usize, k: usize, rng: &mut ChaCha8Rng, check: Check) -> Vec<f32> {
    let n = points.len() / dim;
    let first = ((uniform(rng) * n as f64) as usize).min(n - 1);
    let mut odds = Odds::new(points, dim);
    let mut chosen = points[first * dim..(first + 1) * dim].to_vec();
    for _ in 1..k {
        check();
        let newest = &chosen[chosen.len() - dim..];
        odds.approach(newest);
        let total: f64 = odds.sums.iter().sum();
        if total <= 0.0 {
            break;
        }
        let next = odds.at(uniform(rng) * total);
        chosen.extend_from_slice(&points[next * dim..(next + 1) * dim]);
    }
    chosen
}

/// The squared distances of points from the nearest of the centres chosen so far.
struct Odds {
    /// Blocks of points, as those of [`Centres`].
    blocks: Vec<f32>,
    /// Coordinates of a point.
    dim: usize,
    /// One square a point; zero for the places that fill up the last block.
    squares: Vec<[f32; BLOCK]>,
    /// Their sum over every block.
    sums: Vec<f64>,
}

impl Odds {
    fn new(points: &[f32], dim: usize) -> Self {
        let n = points.len() / dim;
        let count = n.div_ceil(BLOCK);
        let mut squares = vec![[f32::INFINITY; BLOCK]; count];
        squares.as_flattened_mut()[n..].fill(0.0);
        Self {
            blocks: blocked(points, dim, 0.0),
            dim,
            squares,
            sums: vec![0.0; count],
        }
    }

    /// Takes one more centre into account.
    fn approach(&mut self, centre: &[f32]) {
        let Self {
            blocks,
            dim,
            squares,
            sums,
        } = self;
        vectorize(
            #[inline(always)]
            || {
                let found = squares.iter_mut().zip(sums.iter_mut());
                for (block, (squares, sum)) in blocks.chunks_exact(BLOCK * *dim).zip(found) {
                    let new = squared_distances(block, centre);
                    for k in 0..BLOCK {
                        squares[k] = if new[k] < squares[k] { new[k] } else { squares[k] };
                    }
                    *sum = total(*squares);
                }
            },
        );
    }

    /// The point at which the running sum of the squares exceeds `left`: the last that is apart from all
    /// centres if rounding leaves none.
    fn at(&self, mut left: f64) -> usize {
        for (b, sum) in self.sums.iter().enumerate() {
            if left >= *sum {
                left -= sum;
                continue;
            }
            for (k, square) in self.squares[b].iter().enumerate().filter(|(_, s)| **s > 0.0) {
                left -= f64::from(*square);
                if left < 0.0 {
                    return b * BLOCK + k;
                }
            }
        }
        let apart = |d: &f32| *d > 0.0;
        self.squares.as_flattened().iter().rposition(apart).unwrap_or(0)
    }
}

/// Points in blocks of [`BLOCK`], coordinate after coordinate; `filling` fills up the last block.
fn blocked(points: &[f32], dim: usize, filling: f32) -> Vec<f32> {
    let count = points.len() / dim;
    let mut blocks = vec![filling; count.div_ceil(BLOCK) * BLOCK * dim];
    for (k, point) in points.chunks_exact(dim).enumerate() {
        let at = (k / BLOCK) * BLOCK * dim + k % BLOCK;
        for (j, v) in point.iter().enumerate() {
            blocks[at + j * BLOCK] = *v;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(sizes: &[usize]) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut out = Vec::new();
        for (b, n) in sizes.iter().enumerate() {
            for _ in 0..*n {
                out.push(100.0 * b as f32 + uniform(&mut rng) as f32);
                out.push(-50.0 * b as f32 + uniform(&mut rng) as f32);
            }
        }
        out
    }

    fn fit(points: &[f32], k: usize, trim: f64) -> Centres {
        Centres::fit(points, 2, k, trim, &mut ChaCha8Rng::seed_from_u64(0), &|| {})
    }

    #[test]
    fn centres_of_separate_blobs_are_found() {
        let points = blobs(&[40, 50, 60]);
        let c = fit(&points, 3, 0.0);
        assert_eq!(c.len(), 3);
        for x in points.chunks_exact(2) {
            assert!(c.distance(x) < 1.0);
        }
    }

    #[test]
    fn rare_clusters_below_the_share_are_left_out() {
        let points = blobs(&[500, 480, 8]);
        assert_eq!(fit(&points, 3, 0.0).len(), 3);
        let guarded = fit(&points, 3, 0.02);
        assert_eq!(guarded.len(), 2);
        assert!(guarded.distance(&[200.0, -100.0]) > 50.0);
    }

    #[test]
    fn equal_points_give_one_centre() {
        let c = fit(&[3.0, 4.0].repeat(10), 5, 0.02);
        assert_eq!(c.rows(), [3.0, 4.0]);
    }

    #[test]
    fn nearest_agrees_with_a_plain_search() {
        let points = blobs(&[30, 30, 30, 30, 30]);
        let c = fit(&points, 40, 0.0);
        assert!(c.len() > 32);
        for x in points.chunks_exact(2) {
            let plain = |r: &[f32]| (r[0] - x[0]).powi(2) + (r[1] - x[1]).powi(2);
            let least = c.rows().chunks_exact(2).map(plain).fold(f32::INFINITY, f32::min);
            let (k, square) = c.nearest(x);
            assert_eq!(square, least);
            assert_eq!(plain(&c.rows()[2 * k..2 * k + 2]), least);
            assert_eq!(c.distance(x), least.sqrt());
        }
    }

    #[test]
    fn held_out_points_do_not_vouch_for_themselves() {
        let points = blobs(&[50, 50, 5]);
        let c = fit(&points, 3, 0.0);
        let block = |own: Range<usize>| Block {
            left_out: own.clone(),
            own,
        };
        let blocks = [block(0..25), block(25..100), block(100..105)];
        let held_out = c.held_out_distances(&points, &blocks, &|| {}).unwrap();
        assert!(
            c.distance(&points[204..206]) < 1.0,
            "in sample the small blob is near its own centre"
        );
        assert!(
            held_out[100..].iter().all(|d| *d > 50.0),
            "held out it is far from all others"
        );
        assert!(held_out[..25].iter().all(|d| *d < 1.5));
        assert_eq!(c.held_out_distances(&points, &[block(0..105)], &|| {}), None);
        let whole = Block {
            own: 0..105,
            left_out: 0..0,
        };
        let plain: Vec<f32> = points.chunks_exact(2).map(|x| c.distance(x)).collect();
        assert_eq!(c.held_out_distances(&points, &[whole], &|| {}).unwrap(), plain);
    }

    #[test]
    fn the_same_seed_gives_the_same_centres() {
        let points = blobs(&[100, 100, 100]);
        assert_eq!(fit(&points, 8, 0.02), fit(&points, 8, 0.02));
    }

    #[test]
    fn the_hook_can_stop_the_fit() {
        let points = blobs(&[100, 100]);
        let stop = || panic!("cancelled");
        let run = || Centres::fit(&points, 2, 4, 0.0, &mut ChaCha8Rng::seed_from_u64(0), &stop);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    }
}
