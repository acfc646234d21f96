//! What the other channels at the same time do not explain.

use super::limit::{exceed, limit};
use super::standard::{moments, standardised};
use crate::control::Check;
use crate::numeric::ridge::{FOLDS, Folds};
use crate::numeric::simd::vectorize;

/// The most channels that are related with one another; more are related in groups of successive ones.
pub const MAX_RELATED: usize = 64;
/// Added to the variances, in units of the channels' deviation: keeps channels that copy one another solvable.
const RIDGE: f64 = 1e-2;
/// Added to the deviations, in units of the robust scale.
const DEVIATION_FLOOR: f64 = 0.05;
/// The resolution of a residual, in units of the channel's deviation.
const RESOLUTION: f64 = 1e-2;
/// The relation is learned from at most this many samples, evenly spaced.
const MAX_SAMPLES: usize = 4000;
/// It needs this many samples for every channel.
const MIN_SAMPLES_PER_CHANNEL: usize = 4;
/// Samples that are worked on at a time.
const BLOCK: usize = 256;

/// How the channels of a group depend on each other at the same time.
///
/// The residual of a channel in the regression on all others is its row of the inverse covariance matrix times the
/// sample, over the diagonal element (Lauritzen 1996, Graphical Models, section 5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// The first channel of the group, among those that are scored.
    pub first: usize,
    /// The mean of each channel, in units of the robust scale.
    pub locations: Vec<f32>,
    /// What each channel is multiplied by after its mean is taken off.
    pub factors: Vec<f32>,
    /// Per channel the weights of all channels in its residual, its own being 1.
    pub weights: Vec<f32>,
    /// What residual of each channel is usual.
    pub limits: Vec<f32>,
}

impl Relation {
    /// The number of channels.
    pub fn channels(&self) -> usize {
        self.limits.len()
    }

    /// Learns from the channels of every segment, the group beginning with channel `first`; also returns per segment
    /// and channel the held-out excesses. None of fewer than two channels or too few samples.
    pub(super) fn fit(
        first: usize,
        segments: &[&[Vec<f32>]],
        check: Check,
    ) -> Option<(Self, Vec<Vec<Vec<f32>>>)> {
        let channels = segments.first()?.len();
        let samples: usize = segments.iter().map(|s| s[0].len()).sum();
        if channels < 2 || samples < MIN_SAMPLES_PER_CHANNEL * channels {
            return None;
        }
        let of = |c: usize| {
            check();
            moments(segments.iter().flat_map(move |s| &s[c]))
        };
        let all: Vec<(f64, f64)> = (0..channels).map(of).collect();
        let mut relation = Self {
            first,
            locations: all.iter().map(|m| m.0 as f32).collect(),
            factors: all
                .iter()
                .map(|m| (1.0 / (m.1 + DEVIATION_FLOOR)) as f32)
                .collect(),
            weights: Vec::new(),
            limits: vec![1.0; channels],
        };
        let units: Vec<Vec<Vec<f32>>> = segments.iter().map(|s| relation.units(s)).collect();
        check();
        let mut folds = Folds::new(channels);
        let step = samples.div_ceil(MAX_SAMPLES);
        let (mut at, mut row) = (0, vec![0.0; channels]);
        for segment in &units {
            for t in 0..segment[0].len() {
                if at % step == 0 {
                    check();
                    row.iter_mut()
                        .zip(segment)
                        .for_each(|(r, c)| *r = f64::from(c[t]));
                    folds.add(Folds::of(at, samples), &row);
                }
                at += 1;
            }
        }
        relation.weights = folds.unexplained(RIDGE, None)?;
        let mut held_out = Vec::with_capacity(units.len());
        let mut at = 0;
        let without: Vec<Vec<f32>> = (0..FOLDS)
            .map(|f| folds.unexplained(RIDGE, Some(f)))
            .collect::<Option<_>>()?;
        for segment in &units {
            let n = segment[0].len();
            let mut out = vec![Vec::with_capacity(n); channels];
            let mut from = 0;
            while from < n {
                let fold = Folds::of(at + from, samples);
                let same = (from..n)
                    .take_while(|t| Folds::of(at + t, samples) == fold)
                    .count();
                let part: Vec<&[f32]> = segment.iter().map(|c| &c[from..from + same]).collect();
                let found = residuals(&part, &without[fold], check);
                out.iter_mut().zip(found).for_each(|(all, part)| all.extend(part));
                from += same;
            }
            at += n;
            held_out.push(out);
        }
        for c in 0..channels {
            let of_channel = held_out.iter().flat_map(|s: &Vec<Vec<f32>>| &s[c]);
            relation.limits[c] = limit(of_channel.copied(), RESOLUTION);
            for segment in &mut held_out {
                exceed(&mut segment[c], relation.limits[c]);
            }
        }
        Some((relation, held_out))
    }

    /// The same relation with the limits raised to what the samples of newer segments show.
    pub(super) fn widened(&self, segments: &[&[Vec<f32>]], check: Check) -> Self {
        let found: Vec<Vec<Vec<f32>>> = segments
            .iter()
            .map(|s| residuals(&self.units(s), &self.weights, check))
            .collect();
        let newer = |c: usize| limit(found.iter().flat_map(|s| &s[c]).copied(), RESOLUTION);
        Self {
            limits: (0..self.channels())
                .map(|c| self.limits[c].max(newer(c)))
                .collect(),
            ..self.clone()
        }
    }

    /// The excesses of the samples of a segment, channel by channel.
    pub(super) fn excesses<V: AsRef<[f32]>>(&self, channels: &[V], check: Check) -> Vec<Vec<f32>> {
        let units = self.units(channels);
        let mut out = residuals(&units, &self.weights, check);
        for (residuals, limit) in out.iter_mut().zip(&self.limits) {
            exceed(residuals, *limit);
        }
        out
    }

    fn units<V: AsRef<[f32]>>(&self, channels: &[V]) -> Vec<Vec<f32>> {
        let models = self.locations.iter().zip(&self.factors);
        let units = channels.iter().zip(models);
        units
            .map(|(c, (location, factor))| standardised(c.as_ref(), *location, *factor))
            .collect()
    }
}

/// The weighted sums of the channels, one for each channel, sample by sample.
fn residuals<V: AsRef<[f32]>>(units: &[V], weights: &[f32], check: Check) -> Vec<Vec<f32>> {
    let samples = units.first().map_or(0, |u| u.as_ref().len());
    let mut out = vec![vec![0.0; samples]; units.len()];
    for from in (0..samples).step_by(BLOCK) {
        check();
        let to = samples.min(from + BLOCK);
        let units: Vec<&[f32]> = units.iter().map(|u| &u.as_ref()[from..to]).collect();
        for (out, weights) in out.iter_mut().zip(weights.chunks_exact(units.len())) {
            vectorize(
                #[inline(always)]
                || weigh(&mut out[from..to], &units, weights),
            );
        }
    }
    out
}

#[inline(always)]
fn weigh(out: &mut [f32], units: &[&[f32]], weights: &[f32]) {
    for (unit, weight) in units.iter().zip(weights) {
        let pairs = out.iter_mut().zip(*unit);
        pairs.for_each(|(o, u)| *o += weight * u);
    }
}
