//! Clusters of what a model knew and of newer windows together.

use super::kmeans::Centres;
use crate::control::Check;
use crate::numeric::sampling::uniform;
use rand_chacha::ChaCha8Rng;

/// Most passes over the points.
const MAX_PASSES: usize = 20;
/// Points between two calls of the cancel hook.
const POINTS_PER_CHECK: usize = 256;

/// Known centres and newer windows, both as points of `dim` coordinates that weigh something.
pub(crate) struct Mixture<'a> {
    pub dim: usize,
    pub known: &'a [f32],
    /// What each known centre weighs, in windows.
    pub known_weight: f64,
    pub newer: &'a [f32],
    /// What each of the newer windows weighs.
    pub newer_weight: f64,
}

impl Mixture<'_> {
    /// At most `k` centres of the mixture: k-means on a summary of the past, its centres, and the present, as in
    /// clustering streams (Guha et al. 2003, doi:10.1109/TKDE.2003.1198387). Where newer windows resemble old ones
    /// this is a mini-batch step of the nearest centre (Sculley 2010, doi:10.1145/1772690.1772862); where they do not,
    /// they get centres of their own.
    ///
    /// Contamination guard: of the clusters without a known centre the smallest, together less than the share `trim` of
    /// the newer windows, are left out.
    pub(crate) fn cluster(&self, k: usize, trim: f64, rng: &mut ChaCha8Rng, check: Check) -> Centres {
        let mut centres = self.seed(k, rng, check);
        let mut labels = vec![usize::MAX; self.len()];
        for _ in 0..MAX_PASSES {
            let moved = self.assign(&centres, &mut labels, check);
            if !moved {
                break;
            }
            centres = self.means(&centres, &labels);
        }
        self.without_rare(&centres, &labels, trim)
    }

    fn len(&self) -> usize {
        (self.known.len() + self.newer.len()) / self.dim
    }

    fn point(&self, i: usize) -> &[f32] {
        let known = self.known.len() / self.dim;
        match i.checked_sub(known) {
            None => &self.known[i * self.dim..(i + 1) * self.dim],
            Some(i) => &self.newer[i * self.dim..(i + 1) * self.dim],
        }
    }

    fn weight(&self, i: usize) -> f64 {
        match i < self.known.len() / self.dim {
            true => self.known_weight,
            false => self.newer_weight,
        }
    }

    /// k-means++ (Arthur and Vassilvitskii 2007) with weights.
    fn seed(&self, k: usize, rng: &mut ChaCha8Rng, check: Check) -> Centres {
        let mut nearest = vec![f64::INFINITY; self.len()];
        let mut rows: Vec<f32> = Vec::new();
        for _ in 0..k {
            check();
            let mass = |i: usize| self.weight(i) * if rows.is_empty() { 1.0 } else { nearest[i] };
            let total: f64 = (0..self.len()).map(mass).sum();
            if total <= 0.0 {
                break;
            }
            let mut left = uniform(rng) * total;
            let reached = |i: &usize| {
                left -= mass(*i);
                left < 0.0 && mass(*i) > 0.0
            };
            let last = (0..self.len()).rev().find(|i| mass(*i) > 0.0).unwrap_or(0);
            let chosen = (0..self.len()).find(reached).unwrap_or(last);
            rows.extend_from_slice(self.point(chosen));
            for (i, near) in nearest.iter_mut().enumerate() {
                *near = near.min(square(self.point(i), self.point(chosen)));
            }
        }
        Centres::from_rows(rows, self.dim)
    }

    /// Labels every point with its nearest centre; whether a label changed.
    fn assign(&self, centres: &Centres, labels: &mut [usize], check: Check) -> bool {
        let mut moved = false;
        for (i, label) in labels.iter_mut().enumerate() {
            if i % POINTS_PER_CHECK == 0 {
                check();
            }
            let nearest = centres.nearest(self.point(i)).0;
            moved |= *label != nearest;
            *label = nearest;
        }
        moved
    }

    /// The weighted means of the points of each centre; a centre without points stays where it is.
    fn means(&self, centres: &Centres, labels: &[usize]) -> Centres {
        let mut sums = vec![0.0_f64; centres.rows().len()];
        let mut weights = vec![0.0_f64; centres.len()];
        for (i, label) in labels.iter().enumerate() {
            let weight = self.weight(i);
            weights[*label] += weight;
            let at = label * self.dim;
            for (sum, v) in sums[at..at + self.dim].iter_mut().zip(self.point(i)) {
                *sum += weight * f64::from(*v);
            }
        }
        let mean = |(j, old): (usize, &f32)| match weights[j / self.dim] {
            w if w > 0.0 => (sums[j] / w) as f32,
            _ => *old,
        };
        Centres::from_rows(centres.rows().iter().enumerate().map(mean).collect(), self.dim)
    }

    fn without_rare(&self, centres: &Centres, labels: &[usize], trim: f64) -> Centres {
        let known = self.known.len() / self.dim;
        let mut keep = vec![false; centres.len()];
        labels[..known].iter().for_each(|k| keep[*k] = true);
        let mut sizes = vec![0_usize; centres.len()];
        labels[known..].iter().for_each(|k| sizes[*k] += 1);
        let mut order: Vec<usize> = (0..centres.len()).filter(|k| !keep[*k]).collect();
        order.sort_by_key(|k| (sizes[*k], *k));
        let limit = trim * (labels.len() - known) as f64;
        let mut gone = 0;
        for k in order {
            gone += sizes[k];
            keep[k] = sizes[k] > 0 && gone as f64 >= limit;
        }
        let rows = centres.rows().chunks_exact(self.dim).zip(&keep);
        let kept: Vec<f32> = rows.filter(|(_, k)| **k).flat_map(|(r, _)| r).copied().collect();
        match kept.is_empty() {
            true => centres.clone(),
            false => Centres::from_rows(kept, self.dim),
        }
    }
}

fn square(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    fn cluster(known: &[f32], newer: &[f32], k: usize, trim: f64) -> Vec<f32> {
        let mixture = Mixture {
            dim: 1,
            known,
            known_weight: 50.0,
            newer,
            newer_weight: 1.0,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut found = mixture.cluster(k, trim, &mut rng, &|| {}).rows().to_vec();
        found.sort_by(f32::total_cmp);
        found
    }

    #[test]
    fn what_is_like_before_moves_a_centre_a_little() {
        let found = cluster(&[0.0, 10.0], &[1.0; 50], 2, 0.02);
        assert_eq!(found, [0.5, 10.0]);
    }

    #[test]
    fn what_is_unlike_gets_a_centre_of_its_own_unless_it_is_rare() {
        let mut newer = vec![0.0; 100];
        newer.extend([90.0; 40]);
        assert_eq!(cluster(&[0.0, 10.0], &newer, 3, 0.02), [0.0, 10.0, 90.0]);
        newer.truncate(102);
        assert_eq!(cluster(&[0.0, 10.0], &newer, 3, 0.05), [0.0, 10.0]);
    }

    #[test]
    fn known_centres_share_where_there_is_no_room() {
        assert_eq!(cluster(&[0.0, 1.0], &[100.0; 50], 2, 0.02), [0.5, 100.0]);
    }
}
