//! What the past of a channel does not explain.

use super::dynamics::Dynamics;
use super::limit::{exceed, limit};
use super::regression::{FEW, LAGS, Regression};
use super::standard::{moments, standardised};
use crate::control::Check;

/// The ridge, in units of the channel's variance.
const RIDGE: f64 = 1e-6;
/// Added to the deviation, in units of the robust scale.
const DEVIATION_FLOOR: f64 = 1e-2;
/// The resolution of a residual, in units of the robust scale.
const RESOLUTION: f64 = 1e-2;
/// A prediction is learned from at most this many samples, evenly spaced.
const MAX_SAMPLES: usize = 1000;

/// Predicts a sample of a channel from the [`LAGS`] samples before it: linearly from these, and from 32 random
/// functions of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictor {
    /// The mean of the channel, in units of the robust scale.
    pub location: f32,
    /// What the channel is multiplied by after its mean is taken off.
    pub factor: f32,
    /// The weights of the intercept, of the lags (latest first) and of the functions: of what the change from the
    /// latest sample is expected to be.
    pub weights: Vec<f32>,
    /// What residual is usual.
    pub limit: f32,
    /// A richer prediction, where the channel is not linear.
    pub dynamics: Option<Dynamics>,
}

/// The excesses of the samples of a segment: of each from [`LAGS`] on by itself, and of each from [`super::BACK`] on by
/// the span that ends with it where dynamics were learned.
pub(super) struct Found {
    pub(super) alone: Vec<f32>,
    pub(super) spans: Option<Vec<f32>>,
}

impl Predictor {
    /// The number of weights.
    pub fn weights() -> usize {
        FEW.weights()
    }

    /// Learns from the scaled values of every segment, dynamics too if they are wanted; also returns per segment the
    /// held-out excesses. None of too few samples.
    pub(super) fn fit(segments: &[&[f32]], dynamics: bool, check: Check) -> Option<(Self, Vec<Found>)> {
        let (mean, deviation) = moments(segments.iter().copied().flatten());
        let (location, factor) = (mean as f32, (1.0 / (deviation + DEVIATION_FLOOR)) as f32);
        let units: Vec<Vec<f32>> = segments
            .iter()
            .map(|s| standardised(s, location, factor))
            .collect();
        let regression = Regression::of(&units, &FEW, MAX_SAMPLES, RIDGE, check)?;
        let weights = regression.weights()?;
        let mut held_out = regression.held_out(&units, check)?;
        let limit = limit(held_out.iter().flatten().copied(), RESOLUTION * f64::from(factor));
        for segment in &mut held_out {
            exceed(segment, limit);
        }
        let (dynamics, spans) = dynamics
            .then(|| Dynamics::fit(&units, &regression, factor, check))
            .flatten()
            .unzip();
        let mut spans = spans.into_iter().flatten();
        let found = held_out.into_iter().map(|alone| Found {
            alone,
            spans: spans.next(),
        });
        let found = found.collect();
        let predictor = Self {
            location,
            factor,
            weights,
            limit,
            dynamics,
        };
        Some((predictor, found))
    }

    /// The same prediction with the limits raised to what the samples of newer segments show.
    pub(super) fn widened(&self, segments: &[&[f32]], check: Check) -> Self {
        let units: Vec<Vec<f32>> = segments.iter().map(|s| self.units(s)).collect();
        let residuals = units.iter().flat_map(|s| FEW.residuals(s, &self.weights, check));
        let newer = limit(residuals, RESOLUTION * f64::from(self.factor));
        let dynamics = self.dynamics.as_ref();
        Self {
            limit: self.limit.max(newer),
            dynamics: dynamics.map(|d| d.widened(&units, self.factor, check)),
            ..self.clone()
        }
    }

    /// The excesses of the samples of a segment.
    pub(super) fn excesses(&self, values: &[f32], check: Check) -> Found {
        let units = self.units(values);
        let dynamics = self.dynamics.as_ref();
        Found {
            alone: self.alone(&units, check),
            spans: dynamics.map(|d| d.excesses(&units, self.factor, check)),
        }
    }

    /// The same of the last few samples, of which the last one alone is told by the span that ends with it; `recent`
    /// are the residuals of that span so far.
    pub(super) fn latest(&self, values: &[f32], recent: &mut Vec<f32>, check: Check) -> Vec<f32> {
        let units = self.units(values);
        let mut out = self.alone(&units, check);
        if let (Some(dynamics), Some(last)) = (&self.dynamics, out.last_mut()) {
            *last += dynamics.latest(&units[units.len() - LAGS - 1..], self.factor, recent, check);
        }
        out
    }

    fn alone(&self, units: &[f32], check: Check) -> Vec<f32> {
        let mut alone = FEW.residuals(units, &self.weights, check);
        exceed(&mut alone, self.limit);
        alone
    }

    fn units(&self, values: &[f32]) -> Vec<f32> {
        standardised(values, self.location, self.factor)
    }
}
