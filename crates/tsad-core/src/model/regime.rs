//! Regimes: the classes of normal windows, with the distribution of directions in each.

use super::channel::ChannelModel;
use crate::cluster::Centres;
use crate::direction::Axis;
use crate::view::{Extractor, View};

/// The largest number of regimes.
const REGIMES: usize = 12;

/// The views that tell regimes apart: those that do not depend on the phase at which a window cuts a series.
pub(crate) const VIEWS: [View; 2] = [View::Amplitude, View::Spectrum];

/// The classes of normal windows of one length.
///
/// The regime of a window is the nearest of the centres of k-means (at most 12) on the standardised amplitude and
/// spectrum, each divided by the square root of its dimension, of all channels, averaged over the window and up to
/// three neighbours on either side: what kind of behaviour it belongs to shows over more than one window. Clusters that
/// tell little apart are one regime.
#[derive(Debug, Clone, PartialEq)]
pub struct Regimes {
    /// The index of the window length among the scales.
    pub(crate) scale: usize,
    /// The window length in samples.
    pub(crate) length: usize,
    /// Centres of the concatenated views.
    pub(crate) centres: Centres,
    /// One for each centre.
    pub(crate) all: Vec<Regime>,
}

/// A class of normal windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Regime {
    /// The number of training windows in it.
    pub size: u64,
    /// The scaled values of the training window that is nearest to the centre, channel after channel; empty where no
    /// window is in it.
    pub example: Vec<f32>,
    /// The distribution of each kind of direction of [`Kind::of`]; none where no training window had a direction.
    pub axes: Vec<Option<Axis>>,
}

impl Regimes {
    /// The largest number of regimes.
    pub(crate) const MOST: usize = REGIMES;

    /// The number of coordinates in which windows of `length` samples of `channels` channels are classified.
    pub(crate) fn dimension(length: usize, channels: usize) -> usize {
        let dims = Extractor::dims_of(length);
        VIEWS.iter().map(|v| dims[*v as usize]).sum::<usize>() * channels
    }

    /// The coordinates of the centre of regime `k` in the features of each view, channel after channel.
    pub(crate) fn centre(&self, k: usize, channels: &[ChannelModel]) -> Vec<(View, Vec<f64>)> {
        let dim = Self::dimension(self.length, channels.len());
        let mut rest = &self.centres.rows()[k * dim..(k + 1) * dim];
        let mut out: Vec<(View, Vec<f64>)> = VIEWS.iter().map(|v| (*v, Vec::new())).collect();
        for channel in channels {
            for (view, centre) in &mut out {
                let standard = &channel.scales[self.scale].views[*view as usize].standard;
                let dim = standard.mean.len();
                let (these, others) = rest.split_at(dim);
                let standardised = these.iter().map(|c| f64::from(*c) * (dim as f64).sqrt());
                centre.extend(standard.undo(standardised));
                rest = others;
            }
        }
        out
    }
}
