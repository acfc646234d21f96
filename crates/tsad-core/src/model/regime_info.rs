//! What a model tells of its regimes.

use super::Model;
use super::regime::Regime;
use crate::direction::{Axis, Kind};
use serde::Serialize;

/// A regime: a class of normal windows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegimeInfo {
    /// Its number, from 0, as in [`crate::Point::regime`].
    pub regime: u32,
    /// The number of training windows in it.
    pub size: u64,
    /// The share of the training windows in it.
    pub share: f64,
    /// The window length in samples.
    pub window: usize,
    /// The training window that is nearest to the centre, in the units of the data: the values of each channel in use.
    pub example: Vec<Vec<f64>>,
    /// The centre in the features of each view, channel after channel.
    pub centres: Vec<ViewCentre>,
    /// The distribution of its windows' principal directions, one for each kind that is defined.
    pub directions: Vec<DirectionInfo>,
}

/// The centre of a regime in one view.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewCentre {
    /// The name of the view.
    pub view: &'static str,
    /// The coordinates in the units of the features ([`View`](crate::view::View)): amplitude in robust deviations of
    /// the channel from its median, spectrum in natural logarithms of power.
    pub centre: Vec<f64>,
}

/// The von Mises-Fisher distribution of a regime's directions, and what is used to judge them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectionInfo {
    /// Of what: `lags`, `channels` or `relation`.
    pub kind: &'static str,
    /// The number of training windows with a direction.
    pub windows: u64,
    /// The mean direction, of unit length.
    pub mu: Vec<f32>,
    /// The resultant length R, 0 to 1.
    pub resultant: f64,
    /// The concentration.
    pub kappa: f64,
    /// The effective dimension that agrees with the moments of the deviation.
    pub effective_dimension: f64,
    /// The deviation `1 - |mu . u|` above which a window is an anomaly at the model's error probability.
    pub threshold: f64,
}

impl Model {
    /// The regimes of a trained model; empty for one that is not trained.
    pub fn regimes(&self) -> Vec<RegimeInfo> {
        let Some(trained) = self.trained() else {
            return Vec::new();
        };
        let (regimes, alpha) = (&trained.regimes, trained.calibration.alpha);
        let total: u64 = regimes.all.iter().map(|r| r.size).sum();
        let kinds = Kind::of(trained.channels.len());
        let info = |(k, regime): (usize, &Regime)| RegimeInfo {
            regime: k as u32,
            size: regime.size,
            share: regime.size as f64 / total.max(1) as f64,
            window: regimes.length,
            example: trained
                .channels
                .iter()
                .zip(regime.example.chunks_exact(regimes.length))
                .map(|(c, values)| values.iter().map(|v| c.scale.undo(*v)).collect())
                .collect(),
            centres: regimes
                .centre(k, &trained.channels)
                .into_iter()
                .map(|(view, centre)| ViewCentre {
                    view: view.name(),
                    centre,
                })
                .collect(),
            directions: kinds
                .iter()
                .zip(&regime.axes)
                .filter_map(|(kind, axis)| Some(direction(*kind, axis.as_ref()?, alpha / kinds.len() as f64)))
                .collect(),
        };
        regimes.all.iter().enumerate().map(info).collect()
    }
}

fn direction(kind: Kind, axis: &Axis, alpha: f64) -> DirectionInfo {
    DirectionInfo {
        kind: kind.name(),
        windows: axis.windows,
        mu: axis.direction.clone(),
        resultant: axis.resultant,
        kappa: axis.kappa,
        effective_dimension: axis.deviation.degrees + 1.0,
        threshold: axis.deviation.threshold(alpha),
    }
}
