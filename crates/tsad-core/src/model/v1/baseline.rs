//! Baselines in the payload of format version 1.

use super::vector::{Wrong, require};
use crate::expect::{Baseline, LONGEST_PERIOD};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BaselineV1 {
    /// Little-endian 64-bit floating-point numbers.
    medians: ByteBuf,
    below: f64,
    above: f64,
}

impl From<&Baseline> for BaselineV1 {
    fn from(b: &Baseline) -> Self {
        let bytes: Vec<u8> = b.medians.iter().flat_map(|m| m.to_le_bytes()).collect();
        Self {
            medians: ByteBuf::from(bytes),
            below: b.below,
            above: b.above,
        }
    }
}

impl BaselineV1 {
    pub(super) fn into_baseline(self) -> Result<Baseline, Wrong> {
        let (numbers, rest) = self.medians.as_chunks::<8>();
        require(
            rest.is_empty() && (1..=LONGEST_PERIOD).contains(&numbers.len()),
            "baseline",
        )?;
        let medians: Vec<f64> = numbers.iter().map(|b| f64::from_le_bytes(*b)).collect();
        require(medians.iter().all(|m| m.is_finite()), "baseline")?;
        require(self.below <= 0.0 && self.above >= 0.0, "baseline")?;
        Ok(Baseline {
            medians,
            below: self.below,
            above: self.above,
        })
    }
}
