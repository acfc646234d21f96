//! What the past of a channel does not explain.

use super::limit::{exceed, limit};
use super::{Folds, moments, standardised};
use crate::Check;
use crate::cluster::uniform;
use crate::wide::wide;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

/// The samples that a prediction looks back on.
pub const LAGS: usize = 24;
/// The number of non-linear features.
const FEATURES: usize = 32;
/// The samples that each of them looks at.
const INPUTS: usize = 4;
/// The weights of a prediction: an intercept, the lags, the features.
const WEIGHTS: usize = 1 + LAGS + FEATURES;
/// The ridge, in units of the channel's variance.
const RIDGE: f64 = 1e-6;
/// Added to the deviation, in units of the robust scale.
const FLOOR: f64 = 1e-2;
/// The resolution of a residual, in units of the robust scale.
const RESOLUTION: f64 = 1e-2;
/// A prediction is learned from at most this many samples, evenly spaced.
const MOST_SAMPLES: usize = 1000;
/// It needs at least this many samples with their past.
const LEAST_SAMPLES: usize = 4 * WEIGHTS;
/// Samples that are worked on at a time.
const BLOCK: usize = 256;

/// Predicts a sample of a channel from the [`LAGS`] samples before it: linearly from these, and from random features
/// of them (Rahimi and Recht 2007, Random Features for Large-Scale Kernel Machines; Huang et al. 2006,
/// doi:10.1016/j.neucom.2005.12.126), which are the same in every model.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictor {
    /// The mean of the channel, in units of the robust scale.
    pub location: f32,
    /// What the channel is multiplied by after its mean is taken off.
    pub factor: f32,
    /// The weights of the intercept, of the lags (latest first) and of the features: of what the change from the
    /// latest sample is expected to be.
    pub weights: Vec<f32>,
    /// What residual is usual.
    pub limit: f32,
}

impl Predictor {
    /// The number of weights.
    pub const WEIGHTS: usize = WEIGHTS;

    /// Learns from the scaled values of every segment; also returns per segment the held-out excesses of the samples
    /// from [`LAGS`] on. None of too few samples.
    pub(super) fn fit(segments: &[&[f32]], check: Check) -> Option<(Self, Vec<Vec<f32>>)> {
        let samples: usize = segments.iter().map(|s| s.len().saturating_sub(LAGS)).sum();
        if samples < LEAST_SAMPLES {
            return None;
        }
        let (mean, deviation) = moments(segments.iter().copied().flatten());
        let (location, factor) = (mean as f32, (1.0 / (deviation + FLOOR)) as f32);
        let units: Vec<Vec<f32>> = segments
            .iter()
            .map(|s| standardised(s, location, factor))
            .collect();
        let features = &*RANDOM;
        let mut folds = Folds::new(WEIGHTS + 1);
        let few = samples.min(MOST_SAMPLES);
        let (mut at, mut next) = (0, 0);
        let mut row = [0.0; WEIGHTS + 1];
        for segment in &units {
            for t in LAGS..segment.len() {
                if next < few && at == next * samples / few {
                    fill(&mut row, segment, t, features);
                    folds.add(Folds::of(at, samples), &row);
                    next += 1;
                    if next % 64 == 0 {
                        check();
                    }
                }
                at += 1;
            }
        }
        let weights = folds.weights(RIDGE, None)?;
        let without: Vec<Vec<f32>> = (0..super::ridge::FOLDS)
            .map(|f| folds.weights(RIDGE, Some(f)))
            .collect::<Option<_>>()?;
        let mut held_out = Vec::with_capacity(units.len());
        let mut at = 0;
        for segment in &units {
            let n = segment.len().saturating_sub(LAGS);
            let mut out = Vec::with_capacity(n);
            while out.len() < n {
                let from = out.len();
                let fold = Folds::of(at + from, samples);
                let same = (from..n)
                    .take_while(|t| Folds::of(at + t, samples) == fold)
                    .count();
                let part = &segment[from..from + same + LAGS];
                out.extend(residuals(part, &without[fold], check));
            }
            at += n;
            held_out.push(out);
        }
        let limit = limit(held_out.iter().flatten().copied(), RESOLUTION * f64::from(factor));
        for segment in &mut held_out {
            exceed(segment, limit);
        }
        let predictor = Self {
            location,
            factor,
            weights,
            limit,
        };
        Some((predictor, held_out))
    }

    /// The same prediction with the limit raised to what the samples of newer segments show.
    pub(super) fn widened(&self, segments: &[&[f32]], check: Check) -> Self {
        let of = |s: &&[f32]| {
            let units = standardised(s, self.location, self.factor);
            residuals(&units, &self.weights, check)
        };
        let newer = limit(segments.iter().flat_map(of), RESOLUTION * f64::from(self.factor));
        Self {
            limit: self.limit.max(newer),
            ..self.clone()
        }
    }

    /// The excesses of the samples of a segment from [`LAGS`] on.
    pub(super) fn excesses(&self, values: &[f32], check: Check) -> Vec<f32> {
        let units = standardised(values, self.location, self.factor);
        let mut out = residuals(&units, &self.weights, check);
        exceed(&mut out, self.limit);
        out
    }
}

/// The features, the same in every model.
static RANDOM: LazyLock<Vec<Feature>> = LazyLock::new(Feature::all);

/// A random function of a few of the past samples: `h / (1 + |h|)` of a linear one.
struct Feature {
    bias: f32,
    /// Lags, from 1 on, and weights.
    inputs: [(usize, f32); INPUTS],
}

impl Feature {
    fn all() -> Vec<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(LAGS as u64);
        // Uniform on an interval around 0, of deviation 1.
        let mut draw = || (12.0_f64.sqrt() * (uniform(&mut rng) - 0.5)) as f32;
        let mut feature = || Self {
            bias: 0.5 * draw(),
            inputs: [(); INPUTS].map(|()| {
                let place = f64::from(draw()) / 12.0_f64.sqrt() + 0.5;
                (1 + ((place * LAGS as f64) as usize).min(LAGS - 1), draw())
            }),
        };
        (0..FEATURES).map(|_| feature()).collect()
    }

    #[inline(always)]
    fn bend(h: f32) -> f32 {
        h / (1.0 + h.abs())
    }

    fn at(&self, units: &[f32], t: usize) -> f32 {
        let h = |h: f32, (lag, weight): &(usize, f32)| h + weight * units[t - lag];
        Self::bend(self.inputs.iter().fold(self.bias, h))
    }
}

/// The numbers of sample `t`, with what is to be predicted as the last one.
fn fill(row: &mut [f64; WEIGHTS + 1], units: &[f32], t: usize, features: &[Feature]) {
    row[0] = 1.0;
    for lag in 1..=LAGS {
        row[lag] = f64::from(units[t - lag]);
    }
    for (r, feature) in row[1 + LAGS..].iter_mut().zip(features) {
        *r = f64::from(feature.at(units, t));
    }
    row[WEIGHTS] = f64::from(units[t] - units[t - 1]);
}

/// What is not explained of the samples from [`LAGS`] on. Every step works on successive samples, which the compiler
/// turns into vector instructions; no sum runs over samples, so that a result does not depend on the others.
fn residuals(units: &[f32], weights: &[f32], check: Check) -> Vec<f32> {
    let mut out = vec![0.0; units.len().saturating_sub(LAGS)];
    let mut hidden = [0.0_f32; BLOCK];
    for from in (LAGS..units.len()).step_by(BLOCK) {
        check();
        let to = units.len().min(from + BLOCK);
        let (past, out) = (&units[from - LAGS..to], &mut out[from - LAGS..to - LAGS]);
        wide(
            #[inline(always)]
            || block(past, weights, out, &mut hidden[..to - from]),
        );
    }
    out
}

/// The residuals of successive samples, `units` beginning [`LAGS`] samples before the first of them.
#[inline(always)]
fn block(units: &[f32], weights: &[f32], out: &mut [f32], hidden: &mut [f32]) {
    let n = out.len();
    let past = |lag: usize| &units[LAGS - lag..LAGS - lag + n];
    for ((o, value), latest) in out.iter_mut().zip(&units[LAGS..]).zip(past(1)) {
        *o = value - latest - weights[0];
    }
    for (lag, weight) in (1..=LAGS).zip(&weights[1..]) {
        let pairs = out.iter_mut().zip(past(lag));
        pairs.for_each(|(o, u)| *o -= weight * u);
    }
    for (feature, weight) in RANDOM.iter().zip(&weights[1 + LAGS..]) {
        hidden.fill(feature.bias);
        for (lag, weight) in &feature.inputs {
            let pairs = hidden.iter_mut().zip(past(*lag));
            pairs.for_each(|(h, u)| *h += weight * u);
        }
        let pairs = out.iter_mut().zip(&*hidden);
        pairs.for_each(|(o, h)| *o -= weight * Feature::bend(*h));
    }
}
