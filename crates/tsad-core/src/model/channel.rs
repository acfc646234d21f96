//! What is learned of one channel: per scale and view the normal windows' centres.

use super::embedding::EmbeddingModel;
use super::neighbours::{self, NeighbourContext};
use super::phase::AlignmentCorrection;
use crate::cluster::Centres;
use crate::control::Check;
use crate::series::{RobustScale, Segment, Series, scaled_by};
use crate::view::{PerView, Standard};

/// The normal windows of one view at one scale.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewModel {
    /// Location and scale of the features.
    pub standard: Standard,
    /// Centres of the standardised features.
    pub centres: Centres,
    /// The mean over the training samples of the overlap-mean log distance.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// The mean over the training windows of the log distance: what a causal score is compared with.
    pub window_mean: f64,
    /// Its standard deviation.
    pub window_deviation: f64,
    /// How far normal unaligned windows lie.
    pub alignment: AlignmentCorrection,
}

/// The normal windows of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleModel {
    /// The window length in samples.
    pub length: usize,
    /// One model per view, in the order of [`View::ALL`].
    pub views: PerView<ViewModel>,
    /// The learned part, if there is one.
    pub embedding: Option<EmbeddingModel>,
    /// What the windows beside one let expect of it, if that was learned; retrospective scores only, for one comes
    /// after it.
    pub context: Option<NeighbourContext>,
    /// For each centre of the profile the grid cell where the training window begins that is nearest to it.
    pub origins: Vec<Option<i64>>,
}

/// The normal windows of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelModel {
    /// The index of the channel in the rows.
    pub index: usize,
    /// Location and scale of the values.
    pub scale: RobustScale,
    /// One model per window length, shortest first.
    pub scales: Vec<ScaleModel>,
    /// The same for causal scores where these have windows of their own, which may stand at any phase; else empty.
    pub causal: Vec<ScaleModel>,
}

impl ChannelModel {
    /// The window lengths.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.scales.iter().map(|s| s.length).collect()
    }

    /// The windows that causal scores look at.
    pub(crate) fn causal_scales(&self) -> &[ScaleModel] {
        if self.causal.is_empty() {
            &self.scales
        } else {
            &self.causal
        }
    }

    /// The scaled values of every segment of a series whose channel `c` this is, with the grid cells they begin at.
    pub(crate) fn scaled(&self, series: &Series, c: usize) -> Vec<(i64, Vec<f32>)> {
        scaled_by(series, c, &self.scale)
    }
}

/// The scaled values of every segment, channel by channel.
pub(crate) fn scaled(channels: &[ChannelModel], series: &Series, check: Check) -> Vec<Vec<Vec<f32>>> {
    let channel = |s: &Segment, (c, m): (usize, &ChannelModel)| {
        check();
        s.channel(c).iter().map(|v| m.scale.apply(*v)).collect()
    };
    let segment = |s| channels.iter().enumerate().map(|c| channel(s, c)).collect();
    series.segments.iter().map(segment).collect()
}

impl ScaleModel {
    /// How far from a sample others can touch the windows that cover it, in samples.
    pub(crate) fn reach(&self) -> usize {
        let beside = self
            .context
            .as_ref()
            .map_or(0, |_| neighbours::distance(self.length));
        self.length + beside
    }
}

impl ViewModel {
    /// The features of centre `k`, in the units in which they are extracted.
    pub(crate) fn centre(&self, k: usize) -> Vec<f64> {
        let row = &self.centres.rows()[k * self.dim()..(k + 1) * self.dim()];
        let units = self.standard.mean.iter().zip(&self.standard.factor);
        row.iter()
            .zip(units)
            .map(|(c, (mean, factor))| f64::from(*c) / f64::from(*factor) + f64::from(*mean))
            .collect()
    }

    /// The number of features.
    pub fn dim(&self) -> usize {
        self.standard.mean.len()
    }
}
