//! Regimes and directions in the payload of format version 1.

use super::bounds::{SCALED, STANDARDISED, check_counts};
use super::vector::{Wrong, from_bytes, require, to_bytes};
use crate::cluster::Centres;
use crate::direction::{Axis, Deviation, Kind, MAX_CONCENTRATED};
use crate::model::regime::{Regime, Regimes};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegimesV1 {
    /// The index of the window length among the scales.
    scale: u32,
    centres: ByteBuf,
    all: Vec<RegimeV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegimeV1 {
    size: u64,
    example: ByteBuf,
    axes: Vec<Option<AxisV1>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AxisV1 {
    direction: ByteBuf,
    resultant: f64,
    kappa: f64,
    windows: u64,
    deviation: Deviation,
}

impl From<&Regimes> for RegimesV1 {
    fn from(r: &Regimes) -> Self {
        let axis = |a: &Axis| AxisV1 {
            direction: to_bytes(&a.direction),
            resultant: a.resultant,
            kappa: a.kappa,
            windows: a.windows,
            deviation: a.deviation,
        };
        let regime = |r: &Regime| RegimeV1 {
            size: r.size,
            example: to_bytes(&r.example),
            axes: r.axes.iter().map(|a| a.as_ref().map(axis)).collect(),
        };
        Self {
            scale: r.scale as u32,
            centres: to_bytes(r.centres.rows()),
            all: r.all.iter().map(regime).collect(),
        }
    }
}

impl RegimesV1 {
    /// Checks all that scoring relies on, given the window lengths and the number of channels of the model.
    pub(super) fn into_regimes(self, lengths: &[usize], channels: usize) -> Result<Regimes, Wrong> {
        let scale = self.scale as usize;
        let Some(&length) = lengths.get(scale) else {
            return Err("regimes");
        };
        let dim = Regimes::dimension(length, channels);
        let centres = from_bytes(&self.centres, STANDARDISED)?;
        require(
            (1..=Regimes::MOST).contains(&self.all.len()) && centres.len() == dim * self.all.len(),
            "regimes",
        )?;
        let kinds = Kind::of(channels);
        let regime = |r: RegimeV1| {
            require(r.axes.len() == kinds.len(), "regimes")?;
            check_counts(&[r.size], "regimes")?;
            let axes = r.axes.into_iter().zip(kinds);
            let axes = axes.map(|(a, kind)| {
                a.map(|a| a.into_axis(kind.dimension(length, channels)))
                    .transpose()
            });
            let example = from_bytes(&r.example, SCALED)?;
            require(
                example.is_empty() || example.len() == length * channels,
                "regimes",
            )?;
            Ok(Regime {
                size: r.size,
                example,
                axes: axes.collect::<Result<_, Wrong>>()?,
            })
        };
        Ok(Regimes {
            scale,
            length,
            centres: Centres::from_rows(centres, dim),
            all: self.all.into_iter().map(regime).collect::<Result<_, Wrong>>()?,
        })
    }
}

impl AxisV1 {
    fn into_axis(self, dim: usize) -> Result<Axis, Wrong> {
        let direction = from_bytes(&self.direction, 1.001)?;
        let square: f32 = direction.iter().map(|v| v * v).sum();
        require(direction.len() == dim && (square - 1.0).abs() < 1e-3, "direction")?;
        require((0.0..=1.0).contains(&self.resultant), "direction")?;
        require((0.0..=MAX_CONCENTRATED).contains(&self.kappa), "direction")?;
        check_counts(&[self.windows], "direction")?;
        require(self.deviation.is_sound(), "direction")?;
        Ok(Axis {
            direction,
            resultant: self.resultant,
            kappa: self.kappa,
            windows: self.windows,
            deviation: self.deviation,
        })
    }
}
