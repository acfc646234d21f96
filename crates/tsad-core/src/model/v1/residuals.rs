//! Residuals in the payload of format version 1.

use super::bounds::{FACTORS, LIMITS, SCALED, SCORE, WEIGHT, is_between, is_within};
use super::vector::{Wrong, from_bytes, require, to_bytes};
use crate::residual::{Dynamics, MAX_RELATED, Predictor, Relation, Residuals};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// What a deviation of the dynamics beyond the usual is worth: at most half, over the least deviation.
const SLOPES: (f32, f32) = (1e-9, 1e3);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResidualsV1 {
    predictors: Vec<Option<PredictorV1>>,
    relations: Vec<RelationV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictorV1 {
    location: f32,
    factor: f32,
    weights: ByteBuf,
    limit: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dynamics: Option<DynamicsV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DynamicsV1 {
    weights: ByteBuf,
    limit: f32,
    slope: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationV1 {
    first: u32,
    locations: ByteBuf,
    factors: ByteBuf,
    weights: ByteBuf,
    limits: ByteBuf,
}

impl From<&Residuals> for ResidualsV1 {
    fn from(r: &Residuals) -> Self {
        let dynamics = |d: &Dynamics| DynamicsV1 {
            weights: to_bytes(&d.weights),
            limit: d.limit,
            slope: d.slope,
        };
        let predictor = |p: &Predictor| PredictorV1 {
            location: p.location,
            factor: p.factor,
            weights: to_bytes(&p.weights),
            limit: p.limit,
            dynamics: p.dynamics.as_ref().map(dynamics),
        };
        let relation = |r: &Relation| RelationV1 {
            first: r.first as u32,
            locations: to_bytes(&r.locations),
            factors: to_bytes(&r.factors),
            weights: to_bytes(&r.weights),
            limits: to_bytes(&r.limits),
        };
        Self {
            predictors: r.predictors.iter().map(|p| p.as_ref().map(predictor)).collect(),
            relations: r.relations.iter().map(relation).collect(),
        }
    }
}

impl ResidualsV1 {
    /// The model has `channels` channels that are scored.
    pub(super) fn into_residuals(self, channels: usize) -> Result<Residuals, Wrong> {
        require(self.predictors.len() == channels, "predictors")?;
        let predictors = self.predictors.into_iter();
        let predictors = predictors.map(|p| p.map(PredictorV1::into_predictor).transpose());
        let relations: Vec<Relation> = self
            .relations
            .into_iter()
            .map(|r| r.into_relation(channels))
            .collect::<Result<_, _>>()?;
        let apart = |a: &Relation, b: &Relation| a.first + a.channels() <= b.first;
        require(relations.is_sorted_by(apart), "relations")?;
        let residuals = Residuals {
            predictors: predictors.collect::<Result<_, _>>()?,
            relations,
        };
        require(channels == 1 || !residuals.dynamic(), "dynamics")?;
        Ok(residuals)
    }
}

impl PredictorV1 {
    fn into_predictor(self) -> Result<Predictor, Wrong> {
        let weights = from_bytes(&self.weights, WEIGHT)?;
        require(weights.len() == Predictor::weights(), "predictors")?;
        require(
            self.location.abs() <= SCALED
                && is_between(self.factor, FACTORS)
                && is_between(self.limit, LIMITS),
            "predictors",
        )?;
        Ok(Predictor {
            location: self.location,
            factor: self.factor,
            weights,
            limit: self.limit,
            dynamics: self.dynamics.map(DynamicsV1::into_dynamics).transpose()?,
        })
    }
}

impl DynamicsV1 {
    fn into_dynamics(self) -> Result<Dynamics, Wrong> {
        let weights = from_bytes(&self.weights, WEIGHT)?;
        require(weights.len() == Dynamics::weights(), "dynamics")?;
        require(
            is_within(f64::from(self.limit), SCORE) && is_between(self.slope, SLOPES),
            "dynamics",
        )?;
        Ok(Dynamics {
            weights,
            limit: self.limit,
            slope: self.slope,
        })
    }
}

impl RelationV1 {
    fn into_relation(self, channels: usize) -> Result<Relation, Wrong> {
        let relation = Relation {
            first: self.first as usize,
            locations: from_bytes(&self.locations, SCALED)?,
            factors: from_bytes(&self.factors, FACTORS.1)?,
            weights: from_bytes(&self.weights, WEIGHT)?,
            limits: from_bytes(&self.limits, LIMITS.1)?,
        };
        let own = relation.channels();
        require((2..=MAX_RELATED).contains(&own), "relations")?;
        require(
            relation.first <= channels && own <= channels - relation.first,
            "relations",
        )?;
        let units = [&relation.locations, &relation.factors];
        require(units.iter().all(|u| u.len() == own), "relations")?;
        require(relation.weights.len() == own * own, "relations")?;
        let factors = relation.factors.iter().all(|f| is_between(*f, FACTORS));
        let limits = relation.limits.iter().all(|l| is_between(*l, LIMITS));
        require(factors && limits, "relations")?;
        Ok(relation)
    }
}
