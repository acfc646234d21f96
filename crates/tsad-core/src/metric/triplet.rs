//! The triplet selection layer: pseudo-classes, batches of equal shares, triplets of centres.

use crate::cluster::Centres;
use crate::control::Check;
use crate::numeric::sampling::uniform;
use rand_chacha::ChaCha8Rng;

/// A class with fewer windows is not drawn from.
const MIN_MEMBERS: usize = 2;

/// Pseudo-classes of training windows: per class the indices of its windows.
pub struct Classes(Vec<Vec<usize>>);

impl Classes {
    /// Clusters windows by their views side by side (`dim` numbers per window) into at most `count` classes.
    pub fn of(joint: &[f32], dim: usize, count: usize, rng: &mut ChaCha8Rng, check: Check) -> Self {
        let centres = Centres::fit(joint, dim, count, 0.0, rng, check);
        let mut members = vec![Vec::new(); centres.len()];
        for (i, x) in joint.chunks_exact(dim).enumerate() {
            members[centres.nearest(x).0].push(i);
        }
        members.retain(|m| m.len() >= MIN_MEMBERS);
        Self(members)
    }

    /// The number of classes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no class.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Draws `members` windows of every class, with repetition; their indices, class after class.
    pub fn batch(&self, members: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let of =
            |class: &Vec<usize>, rng: &mut ChaCha8Rng| class[(uniform(rng) * class.len() as f64) as usize];
        let mut out = Vec::with_capacity(self.len() * members);
        for class in &self.0 {
            out.extend((0..members).map(|_| of(class, rng)));
        }
        out
    }
}

/// Three centres, as indices: view after view, class after class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Triplet {
    /// A class in a view.
    pub anchor: usize,
    /// The same class in another view.
    pub positive: usize,
    /// The nearest centre of another class, in any view: the hardest.
    pub negative: usize,
}

/// All triplets of the centres of `classes` classes (2 or more) in each view, `dim` coordinates each.
pub fn select(centres: &[f64], dim: usize, classes: usize) -> Vec<Triplet> {
    let all: Vec<&[f64]> = centres.chunks_exact(dim).collect();
    let mut out = Vec::with_capacity(all.len() * (all.len() / classes).saturating_sub(1));
    for (anchor, a) in all.iter().enumerate() {
        let class = anchor % classes;
        let others = all.iter().enumerate().filter(|(j, _)| j % classes != class);
        let nearer = |best: (usize, f64), (j, c): (usize, &&[f64])| {
            let d = squared(a, c);
            if d < best.1 { (j, d) } else { best }
        };
        let (negative, _) = others.fold((anchor, f64::INFINITY), nearer);
        let positives = (class..all.len()).step_by(classes).filter(|p| *p != anchor);
        out.extend(positives.map(|positive| Triplet {
            anchor,
            positive,
            negative,
        }));
    }
    out
}

/// The squared Euclidean distance.
#[inline]
pub fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The nearest of the centres (one after the other) and the squared distance to it.
pub fn nearest(centres: &[f64], z: &[f64]) -> (usize, f64) {
    let of = |best: (usize, f64), (i, c): (usize, &[f64])| {
        let d = squared(c, z);
        if d < best.1 { (i, d) } else { best }
    };
    centres
        .chunks_exact(z.len())
        .enumerate()
        .fold((0, f64::INFINITY), of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    #[test]
    fn the_negative_is_the_nearest_centre_of_another_class_in_any_view() {
        // Two views of three classes on a line.
        let centres = [0.0, 10.0, 20.0, 1.0, 2.0, 30.0];
        let found = select(&centres, 1, 3);
        assert_eq!(found.len(), 6);
        assert_eq!(
            found[0],
            Triplet {
                anchor: 0,
                positive: 3,
                negative: 4
            }
        );
        assert_eq!(
            found[5],
            Triplet {
                anchor: 5,
                positive: 2,
                negative: 1
            }
        );
    }

    #[test]
    fn a_batch_has_the_same_number_of_every_class() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let joint: Vec<f32> = (0..90)
            .map(|i| if i < 80 { 0.0 } else { 100.0 } + i as f32 * 0.01)
            .collect();
        let classes = Classes::of(&joint, 1, 2, &mut rng, &|| {});
        let batch = classes.batch(7, &mut rng);
        assert_eq!((classes.len(), batch.len()), (2, 14));
        assert_eq!(batch.iter().filter(|i| **i >= 80).count(), 7);
    }
}
