//! Cross-modal deep metric learning: views of a window as modalities of one thing, embedded so that the same class is
//! near in all views, other classes are far, and incidents are far from every class. May import `control`, `numeric`,
//! `view`, `cluster`.
//!
//! The three layers of the method have a module each: the input layer ([`input`]), the triplet selection layer
//! ([`triplet`]) and the loss function computation layer ([`loss`]); [`encoder`] embeds, [`sgd`] learns. One
//! metric serves all window lengths and channels of a series: its input is standardised per length and channel
//! already, and a metric per length would cost as many trainings.
//!
//! Nothing here is random but by the generator that is passed in, and all sums run in a fixed order: the same
//! windows give the same metric, bit by bit.

pub mod context;
pub mod encoder;
pub mod input;
pub mod loss;
pub mod sgd;
pub mod synthetic;
pub mod triplet;

use crate::cluster::Centres;
use crate::control::Check;
use crate::view::{PerView, View};
use encoder::{Encoder, Size};
use input::Windows;
use loss::{Batch, Weights};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sgd::{Descent, Rates};
use triplet::Classes;

/// Makes the random functions.
pub(crate) fn prepare() {
    context::prepare();
}

/// Hidden units of every encoder.
const HIDDEN: usize = 32;
/// Coordinates of every embedding.
pub const EMBEDDING: usize = 16;
/// Pseudo-classes.
const CLASSES: usize = 12;
/// Windows of every class in a batch, and synthetic anomalies in a batch for each of them.
const MEMBERS: usize = 8;
/// Steps of gradient descent.
const STEPS: usize = 120;
/// By how much the area under the curve on synthetic anomalies must rise for a metric to be worth having: with less,
/// series of several channels lost by it (docs/experiments.md).
const MIN_AUC_GAIN: f64 = 0.02;
const RATES: Rates = Rates {
    rate: 0.01,
    momentum: 0.9,
    decay: 1e-4,
    clip: 5.0,
};
const WEIGHTS: Weights = Weights {
    margin: 0.5,
    compactness: 0.2,
    incidents: 4.0,
    distance: 9.0,
};

/// One encoder per view.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    dims: PerView<usize>,
    encoders: PerView<Encoder>,
}

/// Why a model has no metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// It was switched off.
    NotWanted,
    /// The training windows form fewer than two classes, or are too few.
    TooFewWindows,
    /// The loss did not stay finite.
    NotFinite,
    /// It tells synthetic anomalies from normal windows not clearly better than the views alone.
    NoBetter,
}

impl LeftOut {
    /// The name in [`crate::model::ModelInfo`].
    pub fn name(self) -> &'static str {
        match self {
            Self::NotWanted => "not_wanted",
            Self::TooFewWindows => "too_few_windows",
            Self::NotFinite => "not_finite",
            Self::NoBetter => "no_better",
        }
    }
}

/// The embeddings of one window, view after view.
pub type Embedded = PerView<[f32; EMBEDDING]>;

impl Metric {
    /// Learns a metric of training windows and synthetic anomalies, both standardised, `dims` features per view.
    ///
    /// Every second window and incident is kept from the training. On those the metric must tell incidents from
    /// normal windows better than the plain views do, or it is left out.
    ///
    /// # Errors
    /// The reason why there is no metric.
    pub fn learn(
        normal: &Windows,
        incidents: &Windows,
        dims: PerView<usize>,
        rng: &mut ChaCha8Rng,
        check: Check,
    ) -> Result<Self, LeftOut> {
        let (seen, unseen) = (half(normal, 0, dims), half(normal, 1, dims));
        let (synthetic, unseen_synthetic) = (half(incidents, 0, dims), half(incidents, 1, dims));
        if unseen.is_empty() || unseen_synthetic.is_empty() {
            return Err(LeftOut::TooFewWindows);
        }
        let joint = seen.joint(dims);
        let classes = Classes::of(&joint, dims.iter().sum(), CLASSES, rng, check);
        if classes.len() < 2 {
            return Err(LeftOut::TooFewWindows);
        }
        let metric =
            Self::descend(&seen, &synthetic, &classes, dims, rng, check).ok_or(LeftOut::NotFinite)?;
        let learned = metric.separation(&seen, &unseen, &unseen_synthetic, rng, check);
        let plain = plain_separation(dims, &joint, &unseen, &unseen_synthetic, rng, check);
        if learned > plain + MIN_AUC_GAIN {
            Ok(metric)
        } else {
            Err(LeftOut::NoBetter)
        }
    }

    /// Takes encoders' weights, rounded to single precision, as [`Metric::weights`] gives them.
    pub fn of_weights(dims: PerView<usize>, weights: PerView<Vec<f32>>) -> Option<Self> {
        let mut views = dims.into_iter().zip(weights);
        let mut encoders = Vec::with_capacity(View::COUNT);
        for (dim, weights) in views.by_ref() {
            let wide = weights.iter().map(|w| f64::from(*w)).collect();
            encoders.push(Encoder::of_weights(size(dim), wide)?);
        }
        let encoders = encoders.try_into().ok()?;
        Some(Self { dims, encoders })
    }

    /// The number of features of each view; shorter ones count as filled up with zeros.
    pub fn dims(&self) -> PerView<usize> {
        self.dims
    }

    /// The weights of the encoders; they are single-precision numbers.
    pub fn weights(&self) -> PerView<Vec<f32>> {
        self.encoders
            .each_ref()
            .map(|e| e.weights().iter().map(|w| *w as f32).collect())
    }

    /// Embeds a window, given its standardised features per view.
    pub fn embed(&self, features: PerView<&[f32]>) -> Embedded {
        let mut out = Embedded::default();
        let (mut hidden, mut wide) = ([0.0; HIDDEN], [0.0; EMBEDDING]);
        for ((out, encoder), x) in out.iter_mut().zip(&self.encoders).zip(features) {
            encoder.embed(x, &mut hidden, &mut wide);
            *out = wide.map(|z| z as f32);
        }
        out
    }

    /// Gradient descent from random weights; none if the loss does not stay finite.
    fn descend(
        windows: &Windows,
        incidents: &Windows,
        classes: &Classes,
        dims: PerView<usize>,
        rng: &mut ChaCha8Rng,
        check: Check,
    ) -> Option<Self> {
        let mut encoders = dims.map(|dim| Encoder::draw(size(dim), rng));
        let mut descent = Descent::new(RATES, dims.iter().map(|d| size(*d).weights()));
        for _ in 0..STEPS {
            let members = classes.batch(MEMBERS, rng);
            let synthetic: Vec<usize> = (0..members.len().min(incidents.len()))
                .map(|_| (crate::numeric::sampling::uniform(rng) * incidents.len() as f64) as usize)
                .collect();
            let inside: Vec<Pass> = (0..View::COUNT)
                .map(|v| Pass::run(&encoders[v], windows, v, &members))
                .collect();
            check();
            let outside: Vec<Pass> = (0..View::COUNT)
                .map(|v| Pass::run(&encoders[v], incidents, v, &synthetic))
                .collect();
            let batch = Batch {
                views: &inside.iter().map(|p| p.out.clone()).collect::<Vec<_>>(),
                incidents: &outside.iter().map(|p| p.out.clone()).collect::<Vec<_>>(),
                classes: classes.len(),
                members: MEMBERS,
                dim: EMBEDDING,
            };
            let loss = batch.loss(&WEIGHTS);
            if !loss.value.is_finite() {
                return None;
            }
            check();
            let gradients: Vec<Vec<f64>> = (0..View::COUNT)
                .map(|v| {
                    let mut gradient = vec![0.0; encoders[v].weights().len()];
                    inside[v].back(&encoders[v], windows, v, &members, &loss.views[v], &mut gradient);
                    outside[v].back(
                        &encoders[v],
                        incidents,
                        v,
                        &synthetic,
                        &loss.incidents[v],
                        &mut gradient,
                    );
                    gradient
                })
                .collect();
            descent.step(encoders.iter_mut().map(Encoder::weights_mut), &gradients);
            check();
        }
        for e in &mut encoders {
            e.weights_mut().iter_mut().for_each(|w| *w = f64::from(*w as f32));
        }
        let finite = encoders.iter().all(|e| e.weights().iter().all(|w| w.is_finite()));
        finite.then_some(Self { dims, encoders })
    }

    /// How well the distance to the nearest centre in all views tells incidents from normal windows: the
    /// probability that an incident lies farther out, 0 to 1.
    fn separation(
        &self,
        seen: &Windows,
        normal: &Windows,
        synthetic: &Windows,
        rng: &mut ChaCha8Rng,
        check: Check,
    ) -> f64 {
        let all = |w: &Windows| -> Vec<f32> {
            let of = |i: usize| self.embed(std::array::from_fn(|v| w.row(v, i)));
            (0..w.len()).flat_map(|i| of(i).into_iter().flatten()).collect()
        };
        separation(
            &all(seen),
            &all(normal),
            &all(synthetic),
            View::COUNT * EMBEDDING,
            rng,
            check,
        )
    }
}

/// The same without a metric.
fn plain_separation(
    dims: PerView<usize>,
    joint: &[f32],
    normal: &Windows,
    synthetic: &Windows,
    rng: &mut ChaCha8Rng,
    check: Check,
) -> f64 {
    let dim = dims.iter().sum();
    separation(
        joint,
        &normal.joint(dims),
        &synthetic.joint(dims),
        dim,
        rng,
        check,
    )
}

fn separation(
    seen: &[f32],
    normal: &[f32],
    synthetic: &[f32],
    dim: usize,
    rng: &mut ChaCha8Rng,
    check: Check,
) -> f64 {
    let centres = Centres::fit(seen, dim, 2 * CLASSES, 0.0, rng, check);
    let distances =
        |points: &[f32]| -> Vec<f32> { points.chunks_exact(dim).map(|x| centres.distance(x)).collect() };
    let (mut inside, outside) = (distances(normal), distances(synthetic));
    inside.sort_by(f32::total_cmp);
    let below = |d: &f32| inside.partition_point(|i| i < d) as f64;
    outside.iter().map(below).sum::<f64>() / (inside.len() * outside.len()) as f64
}

fn size(input: usize) -> Size {
    Size {
        input,
        hidden: HIDDEN,
        output: EMBEDDING,
    }
}

/// Every second window, beginning with number `from`.
fn half(windows: &Windows, from: usize, dims: PerView<usize>) -> Windows {
    let mut out = Windows::default();
    for i in (from..windows.len()).step_by(2) {
        out.push(std::array::from_fn(|v| windows.row(v, i)), dims);
    }
    out
}

/// Embeddings of a batch in one view, with the hidden units they came from.
struct Pass {
    hidden: Vec<f64>,
    out: Vec<f64>,
}

impl Pass {
    fn run(encoder: &Encoder, windows: &Windows, v: usize, rows: &[usize]) -> Self {
        let mut pass = Self {
            hidden: vec![0.0; rows.len() * HIDDEN],
            out: vec![0.0; rows.len() * EMBEDDING],
        };
        let places = pass
            .hidden
            .chunks_exact_mut(HIDDEN)
            .zip(pass.out.chunks_exact_mut(EMBEDDING));
        for (i, (hidden, out)) in rows.iter().zip(places) {
            encoder.embed(windows.row(v, *i), hidden, out);
        }
        pass
    }

    fn back(
        &self,
        encoder: &Encoder,
        windows: &Windows,
        v: usize,
        rows: &[usize],
        outer: &[f64],
        gradient: &mut [f64],
    ) {
        let places = self
            .hidden
            .chunks_exact(HIDDEN)
            .zip(outer.chunks_exact(EMBEDDING));
        for (i, (hidden, outer)) in rows.iter().zip(places) {
            encoder.backward(windows.row(v, *i), hidden, outer, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::sampling::uniform;
    use rand_core::SeedableRng;

    const DIMS: PerView<usize> = [6, 5, 4, 8];

    /// Windows of three classes in every view, with noise; incidents lie `far` off.
    fn drawn(count: usize, far: f32, seed: u64) -> Windows {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut out = Windows::default();
        for i in 0..count {
            let class = (i * 7 % 3) as f32;
            let views = DIMS.map(|dim| -> Vec<f32> {
                (0..dim)
                    .map(|j| class * (j as f32 - 2.0) + far * (j % 2) as f32 + uniform(&mut rng) as f32)
                    .collect()
            });
            out.push(views.each_ref().map(Vec::as_slice), DIMS);
        }
        out
    }

    fn descended(seed: u64) -> Metric {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (normal, synthetic) = (drawn(200, 0.0, 1), drawn(60, 0.6, 2));
        let classes = Classes::of(&normal.joint(DIMS), 23, CLASSES, &mut rng, &|| {});
        Metric::descend(&normal, &synthetic, &classes, DIMS, &mut rng, &|| {}).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_metric_bit_by_bit() {
        let bits = |m: Metric| {
            m.weights()
                .map(|w| w.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        };
        let first = bits(descended(5));
        assert_eq!(first, bits(descended(5)));
        assert_ne!(first, bits(descended(6)));
    }

    #[test]
    fn weights_survive_a_round_trip() {
        let metric = descended(5);
        assert_eq!(Metric::of_weights(metric.dims(), metric.weights()), Some(metric));
        assert_eq!(Metric::of_weights(DIMS, Default::default()), None);
    }

    #[test]
    fn what_tells_incidents_no_better_is_left_out() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let left_out = Metric::learn(&drawn(200, 0.0, 1), &drawn(60, 0.3, 2), DIMS, &mut rng, &|| {});
        assert_eq!(left_out, Err(LeftOut::NoBetter));
    }

    #[test]
    fn descent_lowers_the_loss_and_moves_incidents_out() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (normal, synthetic) = (drawn(200, 0.0, 1), drawn(60, 0.6, 2));
        let classes = Classes::of(&normal.joint(DIMS), 23, CLASSES, &mut rng, &|| {});
        let metric = Metric::descend(&normal, &synthetic, &classes, DIMS, &mut rng, &|| {}).unwrap();
        let learned = metric.separation(&normal, &normal, &synthetic, &mut rng, &|| {});
        assert!(learned > 0.8, "{learned}");
    }

    #[test]
    fn too_little_is_told() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let none = Windows::default();
        let left_out = Metric::learn(&drawn(1, 0.0, 1), &none, DIMS, &mut rng, &|| {});
        assert_eq!(left_out, Err(LeftOut::TooFewWindows));
        let equal = {
            let mut w = Windows::default();
            for _ in 0..20 {
                w.push([&[0.0; 6], &[0.0; 5], &[0.0; 4], &[0.0; 8]], DIMS);
            }
            w
        };
        let left_out = Metric::learn(&equal, &equal, DIMS, &mut rng, &|| {});
        assert_eq!(left_out, Err(LeftOut::TooFewWindows));
    }
}
