//! Regimes: the classes of normal windows, with the distribution of directions in each.

use super::channel::ChannelModel;
use super::held_out::thinned;
use crate::cluster::Centres;
use crate::cluster::ward::merged;
use crate::control::Check;
use crate::direction::{self, Axis, Kind, Sample};
use crate::params::ValidParams;
use crate::series::{Segment, Series};
use crate::view::{Extractor, View};
use crate::window::placement::starts;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// The largest number of regimes.
const REGIMES: usize = 12;
/// The random numbers of the regimes are those of no window length.
const STREAM: u64 = u64::MAX;
/// The most windows on either side that a window is classified with.
const NEIGHBOURS: usize = 3;
/// Windows between two calls of the cancel hook.
const CHECK_EVERY: usize = 16;

/// The views that tell regimes apart: those that do not depend on the phase at which a window cuts a series.
const VIEWS: [View; 2] = [View::Amplitude, View::Spectrum];

/// The classes of normal windows of one length.
///
/// The regime of a window is the nearest of the centres of k-means (at most 12) on the standardised amplitude and
/// spectrum, each divided by the square root of its dimension, of all channels, averaged over the window and up to three
/// neighbours on either side: what kind of behaviour it belongs to shows over more than one window. Clusters that tell
/// little apart are one regime.
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

/// What a window says of the samples nearest to its middle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub regime: u32,
    /// The p-value of the directions; none if none is defined.
    pub p_value: Option<f64>,
    /// The share of each channel in the deviation of the direction that deviates most, where there are several.
    pub channels: Option<Vec<f64>>,
}

impl Regimes {
    /// The largest number of regimes.
    pub(crate) const MOST: usize = REGIMES;

    /// The number of coordinates in which windows of `length` samples of `channels` channels are classified.
    pub(crate) fn dimension(length: usize, channels: usize) -> usize {
        let dims = Extractor::dims_of(length);
        VIEWS.iter().map(|v| dims[*v as usize]).sum::<usize>() * channels
    }

    /// Learns the regimes of a series from its windows of the middle length.
    pub(crate) fn fit(
        channels: &[ChannelModel],
        series: &Series,
        params: &ValidParams,
        check: Check,
    ) -> Self {
        let scale = (channels[0].scales.len() - 1) / 2;
        let length = channels[0].scales[scale].length;
        let mut reader = Reader::new(channels, scale);
        let dim = Self::dimension(length, channels.len());
        let reach = Self::neighbours(channels, scale);
        let (mut own, mut features, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        let mut places = Vec::new();
        let kinds = Kind::of(channels.len());
        let mut offset = 0;
        for (s, segment) in series.segments.iter().enumerate() {
            let scaled = scaled(channels, segment);
            for (i, start) in starts(segment.start, segment.len(), length, hop(length))
                .into_iter()
                .enumerate()
            {
                if i % CHECK_EVERY == 0 {
                    check();
                }
                reader.features(&scaled, start, &mut own);
                let window = cut(&scaled, start, length);
                places.push((s, start));
                windows.push((
                    offset + start,
                    kinds.iter().map(|k| k.direction(&window)).collect::<Vec<_>>(),
                ));
            }
            features.extend(smooth(&own, dim, reach));
            own.clear();
            offset += segment.len() + length;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
        rng.set_stream(STREAM);
        let thinned = thinned(&features, dim);
        let centres = Centres::fit(&thinned, dim, REGIMES, params.contamination, &mut rng, check);
        let centres = merged(&thinned, dim, &centres);
        let near: Vec<(usize, f32)> = features.chunks_exact(dim).map(|f| centres.nearest(f)).collect();
        let classes: Vec<usize> = near.iter().map(|n| n.0).collect();
        let mut all: Vec<Regime> = (0..centres.len())
            .map(|k| {
                let members = near.iter().zip(&places).filter(|(n, _)| n.0 == k);
                let nearest = members.clone().min_by(|a, b| a.0.1.total_cmp(&b.0.1));
                Regime {
                    size: members.count() as u64,
                    example: nearest
                        .map_or(Vec::new(), |(_, place)| example(channels, series, *place, length)),
                    axes: Vec::new(),
                }
            })
            .collect();
        for k in 0..kinds.len() {
            check();
            let samples: Vec<Sample> = windows
                .iter()
                .zip(&classes)
                .filter_map(|((start, axes), class)| {
                    let axis = axes[k].clone()?;
                    Some(Sample {
                        start: *start,
                        class: *class,
                        axis,
                    })
                })
                .collect();
            let axes = direction::fit(&samples, all.len(), length);
            all.iter_mut()
                .zip(axes)
                .for_each(|(regime, axis)| regime.axes.push(axis));
        }
        Self {
            scale,
            length,
            centres,
            all,
        }
    }

    /// For every sample of a segment the verdict of the window whose middle is nearest, as an index into the
    /// verdicts; both are empty if the segment is shorter than a window. Shares of channels are worked out where
    /// the p-value lies below `alpha`.
    pub(crate) fn verdicts(
        &self,
        channels: &[ChannelModel],
        segment: &Segment,
        alpha: f64,
        check: Check,
    ) -> (Vec<Verdict>, Vec<usize>) {
        let starts = starts(segment.start, segment.len(), self.length, hop(self.length));
        if starts.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let scaled = scaled(channels, segment);
        let mut reader = Reader::new(channels, self.scale);
        let mut own = Vec::new();
        for (i, &start) in starts.iter().enumerate() {
            if i % CHECK_EVERY == 0 {
                check();
            }
            reader.features(&scaled, start, &mut own);
        }
        let dim = Self::dimension(self.length, channels.len());
        let features = smooth(&own, dim, Self::neighbours(channels, self.scale));
        let verdicts =
            starts
                .iter()
                .zip(features.chunks_exact(dim))
                .enumerate()
                .map(|(i, (&start, features))| {
                    if i % CHECK_EVERY == 0 {
                        check();
                    }
                    self.verdict(features, &cut(&scaled, start, self.length), alpha)
                });
        let verdicts = verdicts.collect();
        let middle = |w: usize| starts[w] + self.length / 2;
        let mut nearest = 0;
        let of_sample = (0..segment.len()).map(|i| {
            while nearest + 1 < starts.len() && middle(nearest + 1).abs_diff(i) < middle(nearest).abs_diff(i)
            {
                nearest += 1;
            }
            nearest
        });
        (verdicts, of_sample.collect())
    }

    /// How many windows on either side a window is classified with: no more than the longest window reaches.
    fn neighbours(channels: &[ChannelModel], scale: usize) -> usize {
        let scales = &channels[0].scales;
        let longest = scales.last().map_or(0, |s| s.length);
        let length = scales[scale].length;
        // A sample lies up to half a step beside the middle of its window.
        let beyond = longest.saturating_sub(length / 2 + hop(length) / 2);
        (beyond / hop(length)).min(NEIGHBOURS)
    }

    fn verdict(&self, features: &[f32], window: &[&[f32]], alpha: f64) -> Verdict {
        let regime = self.centres.nearest(features).0;
        let kinds = Kind::of(window.len());
        let judged = kinds
            .iter()
            .zip(&self.all[regime].axes)
            .filter_map(|(kind, axis)| {
                let axis = axis.as_ref()?;
                let direction = kind.direction(window)?;
                let p = axis.deviation.p_value(axis.deviation_of(&direction));
                Some((p, axis, direction))
            });
        // Several directions are as many chances of a false alarm (Bonferroni).
        let count = kinds.len() as f64;
        let worst = judged.min_by(|a, b| a.0.total_cmp(&b.0));
        let p_value = worst.as_ref().map(|w| (count * w.0).min(1.0));
        let telling = window.len() > 1 && p_value.is_some_and(|p| p < alpha);
        Verdict {
            regime: regime as u32,
            p_value,
            channels: worst
                .filter(|_| telling)
                .and_then(|(_, axis, direction)| axis.shares(&direction)),
        }
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

/// The distance between the starts of classified windows.
fn hop(length: usize) -> usize {
    (length / 2).max(1)
}

/// The scaled values of the window that starts at a place, a segment and a sample in it, channel after channel.
fn example(
    channels: &[ChannelModel],
    series: &Series,
    (segment, start): (usize, usize),
    length: usize,
) -> Vec<f32> {
    let scaled = |(c, model): (usize, &ChannelModel)| {
        let values = &series.segments[segment].channel(c)[start..start + length];
        values.iter().map(|v| model.scale.apply(*v)).collect::<Vec<f32>>()
    };
    channels.iter().enumerate().flat_map(scaled).collect()
}

/// The mean of each row of `dim` features and of as many as `reach` on either side of it. The outermost ones count half, so
/// that two phases that take turns weigh the same.
fn smooth(features: &[f32], dim: usize, reach: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = features.chunks_exact(dim).collect();
    let mut out = Vec::with_capacity(features.len());
    for i in 0..rows.len() {
        let near = &rows[i.saturating_sub(reach)..(i + reach + 1).min(rows.len())];
        let weight = |j: usize| {
            if i.abs_diff(j) == reach && reach > 0 {
                0.5
            } else {
                1.0
            }
        };
        let first = i.saturating_sub(reach);
        let total: f32 = (first..first + near.len()).map(weight).sum();
        let sum = |d: usize| {
            near.iter()
                .enumerate()
                .map(|(n, r)| r[d] * weight(first + n))
                .sum::<f32>()
        };
        out.extend((0..dim).map(|d| sum(d) / total));
    }
    out
}

fn scaled(channels: &[ChannelModel], segment: &Segment) -> Vec<Vec<f32>> {
    let scale =
        |(c, m): (usize, &ChannelModel)| segment.channel(c).iter().map(|v| m.scale.apply(*v)).collect();
    channels.iter().enumerate().map(scale).collect()
}

fn cut(scaled: &[Vec<f32>], start: usize, length: usize) -> Vec<&[f32]> {
    scaled.iter().map(|c| &c[start..start + length]).collect()
}

/// Reads the coordinates in which windows are classified.
struct Reader<'a> {
    channels: &'a [ChannelModel],
    scale: usize,
    extractor: Extractor,
    row: Vec<f32>,
}

impl<'a> Reader<'a> {
    fn new(channels: &'a [ChannelModel], scale: usize) -> Self {
        let extractor = Extractor::new(channels[0].scales[scale].length);
        Self {
            channels,
            scale,
            row: vec![0.0; extractor.dim()],
            extractor,
        }
    }

    /// Appends the coordinates of the window that starts at `start`.
    fn features(&mut self, scaled: &[Vec<f32>], start: usize, out: &mut Vec<f32>) {
        let dims = self.extractor.dims();
        for (values, channel) in scaled.iter().zip(self.channels) {
            let model = &channel.scales[self.scale];
            self.extractor
                .extract(&values[start..start + model.length], &mut self.row);
            for view in VIEWS {
                let at: usize = dims[..view as usize].iter().sum();
                let features = &mut self.row[at..at + dims[view as usize]];
                model.views[view as usize].standard.apply(features);
                let share = 1.0 / (features.len() as f32).sqrt();
                out.extend(features.iter().map(|f| f * share));
            }
        }
    }
}
