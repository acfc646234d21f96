//! Learns the regimes of a series.

use super::held_out::thinned;
use crate::cluster::Centres;
use crate::cluster::ward::merged;
use crate::control::Check;
use crate::direction::{self, Kind, Sample};
use crate::model::{ChannelModel, Regime, Regimes};
use crate::params::ValidParams;
use crate::score::regime::{Reader, WINDOWS_PER_CHECK, cut, hop, scaled, smooth};
use crate::series::Series;
use crate::window::placement::starts;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// The random numbers of the regimes are those of no window length.
const REGIME_STREAM: u64 = u64::MAX;

impl Regimes {
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
                if i % WINDOWS_PER_CHECK == 0 {
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
            features.extend(smooth(&own, dim, reach, check));
            own.clear();
            offset += segment.len() + length;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
        rng.set_stream(REGIME_STREAM);
        let thinned = thinned(&features, dim);
        let centres = Centres::fit(&thinned, dim, Self::MOST, params.contamination, &mut rng, check);
        let centres = merged(&thinned, dim, &centres);
        let nearest = |(i, f): (usize, &[f32])| {
            if i % WINDOWS_PER_CHECK == 0 {
                check();
            }
            centres.nearest(f)
        };
        let near: Vec<(usize, f32)> = features.chunks_exact(dim).enumerate().map(nearest).collect();
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
