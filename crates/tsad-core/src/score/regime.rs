//! The regimes of windows, and the p-values of their directions.

use crate::control::Check;
use crate::direction::Kind;
use crate::model::regime::VIEWS;
use crate::model::{ChannelModel, Regimes};
use crate::series::Segment;
use crate::view::Extractor;
use crate::window::placement::starts;

/// The most windows on either side that a window is classified with.
const MAX_NEIGHBOURS: usize = 3;
/// Windows between two calls of the cancel hook.
pub(crate) const WINDOWS_PER_CHECK: usize = 16;

/// What a window says of the samples nearest to its middle.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RegimeAssignment {
    pub regime: u32,
    /// The p-value of the directions; none if none is defined.
    pub p_value: Option<f64>,
    /// The share of each channel in the deviation of the direction that deviates most, where there are several.
    pub channels: Option<Vec<f64>>,
}

impl Regimes {
    /// For every sample of a segment the verdict of the window whose middle is nearest, as an index into the
    /// verdicts; both are empty if the segment is shorter than a window. Shares of channels are worked out where
    /// the p-value lies below `alpha`.
    pub(crate) fn assignments(
        &self,
        channels: &[ChannelModel],
        segment: &Segment,
        alpha: f64,
        check: Check,
    ) -> (Vec<RegimeAssignment>, Vec<usize>) {
        let starts = starts(segment.start, segment.len(), self.length, hop(self.length));
        if starts.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let scaled = scaled(channels, segment);
        let mut reader = Reader::new(channels, self.scale);
        let mut own = Vec::new();
        for (i, &start) in starts.iter().enumerate() {
            if i % WINDOWS_PER_CHECK == 0 {
                check();
            }
            reader.features(&scaled, start, &mut own);
        }
        let dim = Self::dimension(self.length, channels.len());
        let features = smooth(&own, dim, Self::neighbours(channels, self.scale), check);
        let assignments =
            starts
                .iter()
                .zip(features.chunks_exact(dim))
                .enumerate()
                .map(|(i, (&start, features))| {
                    if i % WINDOWS_PER_CHECK == 0 {
                        check();
                    }
                    self.assignment(features, &cut(&scaled, start, self.length), alpha)
                });
        let assignments = assignments.collect();
        let middle = |w: usize| starts[w] + self.length / 2;
        let mut nearest = 0;
        let of_sample = (0..segment.len()).map(|i| {
            while nearest + 1 < starts.len() && middle(nearest + 1).abs_diff(i) < middle(nearest).abs_diff(i)
            {
                nearest += 1;
            }
            nearest
        });
        (assignments, of_sample.collect())
    }

    /// How many windows on either side a window is classified with: no more than the longest window reaches.
    pub(crate) fn neighbours(channels: &[ChannelModel], scale: usize) -> usize {
        let scales = &channels[0].scales;
        let longest = scales.last().map_or(0, |s| s.length);
        let length = scales[scale].length;
        // A sample lies up to half a step beside the middle of its window.
        let beyond = longest.saturating_sub(length / 2 + hop(length) / 2);
        (beyond / hop(length)).min(MAX_NEIGHBOURS)
    }

    fn assignment(&self, features: &[f32], window: &[&[f32]], alpha: f64) -> RegimeAssignment {
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
        RegimeAssignment {
            regime: regime as u32,
            p_value,
            channels: worst
                .filter(|_| telling)
                .and_then(|(_, axis, direction)| axis.shares(&direction)),
        }
    }
}

/// The distance between the starts of classified windows.
pub(crate) fn hop(length: usize) -> usize {
    (length / 2).max(1)
}

/// The mean of each row of `dim` features and of as many as `reach` on either side of it. The outermost ones count half, so
/// that two phases that take turns weigh the same.
pub(crate) fn smooth(features: &[f32], dim: usize, reach: usize, check: Check) -> Vec<f32> {
    let rows: Vec<&[f32]> = features.chunks_exact(dim).collect();
    let mut out = Vec::with_capacity(features.len());
    for i in 0..rows.len() {
        if i % WINDOWS_PER_CHECK == 0 {
            check();
        }
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

pub(crate) fn scaled(channels: &[ChannelModel], segment: &Segment) -> Vec<Vec<f32>> {
    let scale =
        |(c, m): (usize, &ChannelModel)| segment.channel(c).iter().map(|v| m.scale.apply(*v)).collect();
    channels.iter().enumerate().map(scale).collect()
}

pub(crate) fn cut(scaled: &[Vec<f32>], start: usize, length: usize) -> Vec<&[f32]> {
    scaled.iter().map(|c| &c[start..start + length]).collect()
}

/// Reads the coordinates in which windows are classified.
pub(crate) struct Reader<'a> {
    channels: &'a [ChannelModel],
    scale: usize,
    extractor: Extractor,
    row: Vec<f32>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(channels: &'a [ChannelModel], scale: usize) -> Self {
        let extractor = Extractor::new(channels[0].scales[scale].length);
        Self {
            channels,
            scale,
            row: vec![0.0; extractor.dim()],
            extractor,
        }
    }

    /// Appends the coordinates of the window that starts at `start`.
    pub(crate) fn features(&mut self, scaled: &[Vec<f32>], start: usize, out: &mut Vec<f32>) {
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
