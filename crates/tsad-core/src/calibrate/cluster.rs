//! Exceedance clusters: what counts as one event among dependent samples.

use super::tail::Tail;

/// A cluster is set aside if the others let expect fewer than this many of its height.
const MAX_EXPECTED_CLUSTERS: f64 = 1e-4;

/// The clusters of scores above a level.
pub(super) struct ExceedanceClusters {
    level: f64,
    /// The scale that tails usually have.
    prior_scale: f64,
    /// Lowest peak first.
    all: Vec<ExceedanceCluster>,
}

/// Scores above a level, neighbours less than the reach apart.
struct ExceedanceCluster {
    peak: f64,
    scores: Vec<f64>,
}

impl ExceedanceClusters {
    /// Finds the clusters of `segments` above `level`: a break of more than `reach` samples ends one.
    pub(super) fn above(level: f64, segments: &[Vec<f64>], reach: usize, prior_scale: f64) -> Self {
        let mut all: Vec<ExceedanceCluster> = Vec::new();
        for scores in segments {
            let mut last = None;
            for (i, &score) in scores.iter().enumerate().filter(|(_, s)| **s > level) {
                match (all.last_mut(), last) {
                    (Some(open), Some(before)) if i - before <= reach => open.add(score),
                    _ => all.push(ExceedanceCluster::of(score)),
                }
                last = Some(i);
            }
        }
        all.sort_by(|a, b| a.peak.total_cmp(&b.peak));
        Self {
            level,
            prior_scale,
            all,
        }
    }

    /// The number of clusters whose peak lies above `level`.
    pub(super) fn peaking_above(&self, level: f64) -> usize {
        self.all.len() - self.all.partition_point(|s| s.peak <= level)
    }

    /// Drops the highest clusters as long as the tail of the others makes them all but impossible and no
    /// more than `most` samples are dropped; the number of samples dropped.
    pub(super) fn set_aside(&mut self, most: f64) -> usize {
        let mut from = self.all.len();
        let mut gone = 0;
        let mut dropped = 0;
        // The incident may be several clusters of like height that vouch for one another, so all the
        // candidates are looked at, and the lowest that stands out takes the higher ones with it.
        let mut others = Excesses::of(self.level, &self.all);
        for at in (1..self.all.len()).rev() {
            gone += self.all[at].scores.len();
            if gone as f64 > most {
                break;
            }
            others.remove(at);
            let tail = others.tail().predictive(at, self.prior_scale);
            if at as f64 * tail.survival(self.all[at].peak - self.level) < MAX_EXPECTED_CLUSTERS {
                (from, dropped) = (at, gone);
            }
        }
        self.all.truncate(from);
        dropped
    }
}

impl ExceedanceCluster {
    fn of(score: f64) -> Self {
        Self {
            peak: score,
            scores: vec![score],
        }
    }

    fn add(&mut self, score: f64) {
        self.peak = self.peak.max(score);
        self.scores.push(score);
    }
}

/// What the tail of the excesses is fitted by, kept up as clusters are removed: a long series has thousands of
/// candidates, and to sort the excesses anew for each would take most of the training time.
struct Excesses {
    /// By rank.
    values: Vec<f64>,
    /// The ranks of the excesses of each cluster.
    ranks: Vec<Vec<usize>>,
    /// Binary indexed tree (Fenwick 1994, doi:10.1002/spe.4380240306) over the ranks: number and sum of those that are
    /// left.
    tree: Vec<(usize, f64)>,
    count: usize,
    sum: f64,
    /// The sum of the excesses times their number from 0, the lowest first, among those that are left.
    ranked: f64,
}

impl Excesses {
    fn of(level: f64, clusters: &[ExceedanceCluster]) -> Self {
        let numbered = clusters.iter().enumerate();
        let mut all: Vec<(f64, usize)> = numbered
            .flat_map(|(n, s)| s.scores.iter().map(move |score| (score - level, n)))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut ranks = vec![Vec::new(); clusters.len()];
        let mut tree = vec![(0, 0.0); all.len() + 1];
        for (rank, (excess, cluster)) in all.iter().enumerate() {
            ranks[*cluster].push(rank);
            tree[rank + 1].0 += 1;
            tree[rank + 1].1 += excess;
            let node = tree[rank + 1];
            let parent = rank + 1 + lowest_bit(rank + 1);
            if let Some((count, sum)) = tree.get_mut(parent) {
                *count += node.0;
                *sum += node.1;
            }
        }
        Self {
            count: all.len(),
            sum: all.iter().map(|e| e.0).sum(),
            ranked: all.iter().enumerate().map(|(i, e)| i as f64 * e.0).sum(),
            values: all.into_iter().map(|e| e.0).collect(),
            ranks,
            tree,
        }
    }

    /// Takes out the excesses of a cluster.
    fn remove(&mut self, cluster: usize) {
        for rank in std::mem::take(&mut self.ranks[cluster]) {
            let excess = self.values[rank];
            let (below, sum_below) = self.below(rank);
            // Those above move down by one.
            let above = self.sum - sum_below - excess;
            self.ranked -= below as f64 * excess + above;
            self.count -= 1;
            self.sum -= excess;
            let mut node = rank + 1;
            while let Some((count, sum)) = self.tree.get_mut(node) {
                *count -= 1;
                *sum -= excess;
                node += lowest_bit(node);
            }
        }
    }

    /// The number and the sum of those that are left below a rank.
    fn below(&self, rank: usize) -> (usize, f64) {
        let (mut node, mut count, mut sum) = (rank, 0, 0.0);
        while node > 0 {
            count += self.tree[node].0;
            sum += self.tree[node].1;
            node -= lowest_bit(node);
        }
        (count, sum)
    }

    /// The tail of those that are left.
    fn tail(&self) -> Tail {
        let n = self.count.max(1) as f64;
        let mean = self.sum / n;
        Tail::of_moments(self.count, mean, mean - (self.ranked + 0.65 * self.sum) / (n * n))
    }
}

fn lowest_bit(n: usize) -> usize {
    n & n.wrapping_neg()
}

/// The probability of a score above the empirical quantile that a share `share` of the scores exceeds, when
/// these are `clusters` exceedance clusters: the rank rule `(k + 1) / (n + 1)`.
pub(super) fn predictive_share(clusters: usize, share: f64) -> f64 {
    let k = clusters as f64;
    (k + 1.0) / (k / share + 1.0)
}

/// The share of the scores that [`predictive_share`] was told.
pub(super) fn seen_share(clusters: u64, predictive: f64) -> f64 {
    let k = clusters as f64;
    k / ((k + 1.0) / predictive - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_what_is_left_is_that_of_a_fit_to_it() {
        let score = |i: usize| ((i * 7919 % 1009) as f64 / 100.0).powi(2);
        let segment: Vec<f64> = (0..3000)
            .map(|i| if i % 5 == 0 { 0.0 } else { score(i) })
            .collect();
        let found = ExceedanceClusters::above(1.0, &[segment], 0, 0.3);
        assert!(found.all.len() > 300, "{}", found.all.len());
        let mut left = Excesses::of(1.0, &found.all);
        for at in (1..found.all.len()).rev() {
            left.remove(at);
            let below = found.all[..at].iter().flat_map(|s| &s.scores);
            let mut excesses: Vec<f64> = below.map(|s| s - 1.0).collect();
            excesses.sort_by(f64::total_cmp);
            let (fitted, kept) = (Tail::fit(&excesses), left.tail());
            assert!(
                (fitted.shape - kept.shape).abs() < 1e-7,
                "{at}: {fitted:?} {kept:?}"
            );
            assert!(
                (fitted.scale - kept.scale).abs() < 1e-7,
                "{at}: {fitted:?} {kept:?}"
            );
        }
    }
}
