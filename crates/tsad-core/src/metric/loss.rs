//! The loss function computation layer: hetero-centre triplets, compactness and synthetic anomalies.

use super::triplet;

/// How the parts of the loss are weighed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// The squared distance by which another class must be farther away than the same class in another view.
    pub margin: f64,
    /// The weight of the mean squared distance from a window to its class's centre.
    pub compactness: f64,
    /// The weight of the synthetic anomalies.
    pub incidents: f64,
    /// The squared distance that a synthetic anomaly must keep from the nearest centre of its view.
    pub distance: f64,
}

/// A batch of embeddings of one view: class after class, window after window; synthetic anomalies after them.
pub struct Batch<'a> {
    /// Per view the embeddings of the classes' windows.
    pub views: &'a [Vec<f64>],
    /// Per view the embeddings of the synthetic anomalies.
    pub incidents: &'a [Vec<f64>],
    /// The number of classes, 2 or more.
    pub classes: usize,
    /// The number of windows of each class.
    pub members: usize,
    /// The number of coordinates.
    pub dim: usize,
}

/// The loss and its gradient with respect to the embeddings, in the shape of the batch.
pub struct Loss {
    /// The value, 0 or more.
    pub value: f64,
    /// Per view the gradient of the windows' embeddings.
    pub views: Vec<Vec<f64>>,
    /// Per view the gradient of the incidents' embeddings.
    pub incidents: Vec<Vec<f64>>,
}

impl Batch<'_> {
    /// Hetero-centre triplet loss (Liu, Tan and Zhou 2020, arXiv:2008.06223) with squared Euclidean distances
    /// between cluster centres: the centre of a class in one view is the anchor, its centre in another view
    /// the positive, the nearest centre of any other class in any view the negative. To it are added the
    /// compactness of every class (centre loss: Wen et al. 2016, doi:10.1007/978-3-319-46478-7_31), because
    /// triplets of centres alone cannot shrink a class, and a hinge that keeps synthetic anomalies away from the
    /// centres (as in NCAD: Carmona et al. 2022, doi:10.24963/ijcai.2022/394).
    pub fn loss(&self, weights: &Weights) -> Loss {
        let (views, k, e) = (self.views.len(), self.classes, self.dim);
        let centres = self.centres();
        let mut pull = vec![0.0; centres.len()];
        let mut out = Loss {
            value: 0.0,
            views: vec![vec![0.0; k * self.members * e]; views],
            incidents: self.incidents.iter().map(|i| vec![0.0; i.len()]).collect(),
        };
        out.value += self.triplets(&centres, weights.margin, &mut pull);
        out.value += self.compactness(&centres, weights.compactness, &mut out.views);
        out.value += self.incidents(&centres, weights, &mut pull, &mut out.incidents);
        // A member of a centre moves it by its share.
        let share = 1.0 / self.members as f64;
        for (v, gradient) in out.views.iter_mut().enumerate() {
            for (i, g) in gradient.chunks_exact_mut(e).enumerate() {
                let centre = (v * k + i / self.members) * e;
                g.iter_mut()
                    .zip(&pull[centre..centre + e])
                    .for_each(|(g, p)| *g += share * p);
            }
        }
        out
    }

    /// The mean embedding of every class, view after view, class after class.
    fn centres(&self) -> Vec<f64> {
        let share = 1.0 / self.members as f64;
        let mut out = Vec::with_capacity(self.views.len() * self.classes * self.dim);
        for class in self
            .views
            .iter()
            .flat_map(|v| v.chunks_exact(self.members * self.dim))
        {
            let at = out.len();
            out.resize(at + self.dim, 0.0);
            for z in class.chunks_exact(self.dim) {
                out[at..].iter_mut().zip(z).for_each(|(c, z)| *c += share * z);
            }
        }
        out
    }

    fn triplets(&self, centres: &[f64], margin: f64, pull: &mut [f64]) -> f64 {
        let (views, k, e) = (self.views.len(), self.classes, self.dim);
        let centre = |i: usize| &centres[i * e..(i + 1) * e];
        let weight = 1.0 / (k * views * (views - 1)) as f64;
        let mut value = 0.0;
        for t in triplet::select(centres, e, k) {
            let (a, p, n) = (centre(t.anchor), centre(t.positive), centre(t.negative));
            let hinge = margin + triplet::squared(a, p) - triplet::squared(a, n);
            if hinge <= 0.0 {
                continue;
            }
            value += weight * hinge;
            for j in 0..e {
                pull[t.anchor * e + j] += 2.0 * weight * (n[j] - p[j]);
                pull[t.positive * e + j] -= 2.0 * weight * (a[j] - p[j]);
                pull[t.negative * e + j] += 2.0 * weight * (a[j] - n[j]);
            }
        }
        value
    }

    /// The centre is the mean of its members, so that its own motion adds nothing to the gradient.
    fn compactness(&self, centres: &[f64], weight: f64, gradients: &mut [Vec<f64>]) -> f64 {
        let (k, e) = (self.classes, self.dim);
        let weight = weight / (self.views.len() * k * self.members) as f64;
        let mut value = 0.0;
        for (v, (view, gradient)) in self.views.iter().zip(gradients).enumerate() {
            let windows = view.chunks_exact(e).zip(gradient.chunks_exact_mut(e));
            for (i, (z, g)) in windows.enumerate() {
                let centre = (v * k + i / self.members) * e;
                for ((z, g), c) in z.iter().zip(g).zip(&centres[centre..centre + e]) {
                    value += weight * (z - c).powi(2);
                    *g += 2.0 * weight * (z - c);
                }
            }
        }
        value
    }

    fn incidents(
        &self,
        centres: &[f64],
        weights: &Weights,
        pull: &mut [f64],
        gradients: &mut [Vec<f64>],
    ) -> f64 {
        let (k, e) = (self.classes, self.dim);
        let count: usize = self.incidents.iter().map(|i| i.len() / e).sum();
        let weight = weights.incidents / count.max(1) as f64;
        let mut value = 0.0;
        for (v, (view, gradient)) in self.incidents.iter().zip(gradients).enumerate() {
            let own = &centres[v * k * e..(v + 1) * k * e];
            for (z, g) in view.chunks_exact(e).zip(gradient.chunks_exact_mut(e)) {
                let (near, square) = triplet::nearest(own, z);
                if square >= weights.distance {
                    continue;
                }
                value += weight * (weights.distance - square);
                for j in 0..e {
                    let step = 2.0 * weight * (z[j] - own[near * e + j]);
                    g[j] -= step;
                    pull[(v * k + near) * e + j] += step;
                }
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::sampling::uniform;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    const WEIGHTS: Weights = Weights {
        margin: 0.5,
        compactness: 0.2,
        incidents: 0.7,
        distance: 3.0,
    };

    fn value(views: &[Vec<f64>], incidents: &[Vec<f64>], weights: &Weights) -> Loss {
        let batch = Batch {
            views,
            incidents,
            classes: 4,
            members: 3,
            dim: 2,
        };
        batch.loss(weights)
    }

    fn drawn(count: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..3)
            .map(|_| (0..count * 2).map(|_| 2.0 * uniform(&mut rng)).collect())
            .collect()
    }

    fn check(weights: &Weights) {
        let (mut views, mut incidents) = (drawn(12, 1), drawn(5, 2));
        let loss = value(&views, &incidents, weights);
        assert!(loss.value > 0.0);
        let h = 1e-6;
        for v in 0..3 {
            for i in 0..24 {
                let at = views[v][i];
                let side = |x: f64, views: &mut Vec<Vec<f64>>| {
                    views[v][i] = x;
                    value(views, &incidents, weights).value
                };
                let slope = (side(at + h, &mut views) - side(at - h, &mut views)) / (2.0 * h);
                views[v][i] = at;
                assert!((slope - loss.views[v][i]).abs() < 1e-8, "window {v} {i}");
            }
            for i in 0..10 {
                let at = incidents[v][i];
                let side = |x: f64, incidents: &mut Vec<Vec<f64>>| {
                    incidents[v][i] = x;
                    value(&views, incidents, weights).value
                };
                let slope = (side(at + h, &mut incidents) - side(at - h, &mut incidents)) / (2.0 * h);
                incidents[v][i] = at;
                assert!((slope - loss.incidents[v][i]).abs() < 1e-8, "incident {v} {i}");
            }
        }
    }

    #[test]
    fn every_gradient_agrees_with_central_differences() {
        let none = Weights {
            margin: 0.5,
            compactness: 0.0,
            incidents: 0.0,
            distance: 0.0,
        };
        check(&none);
        check(&Weights {
            compactness: 0.3,
            ..none
        });
        check(&Weights {
            incidents: 1.0,
            distance: 4.0,
            ..none
        });
        check(&WEIGHTS);
    }

    #[test]
    fn separate_tight_classes_cost_nothing() {
        let view: Vec<f64> = (0..4)
            .flat_map(|k| [10.0 * f64::from(k), 0.0].repeat(3))
            .collect();
        let loss = value(&vec![view; 3], &vec![vec![500.0, 500.0]; 3], &WEIGHTS);
        assert_eq!(loss.value, 0.0);
        assert!(loss.views.iter().flatten().all(|g| *g == 0.0));
    }
}
