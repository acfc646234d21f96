//! Distances and scores of training windows by models that have not seen them.

use crate::cluster::{Block, Centres};
use crate::control::Check;
use crate::metric::Metric;
use crate::model::{ChannelModel, ViewModel};
use crate::numeric::sampling::evenly_spaced;
use crate::residual::{Excesses, Residuals};
use crate::score::distance::ScoringMode;
use crate::score::samples::Scores;
use crate::series::{Segment, Series};
use crate::view::PerView;
use crate::window::fold::MAX_CLUSTERED;
use std::borrow::Cow;
use std::ops::Range;

/// Per segment and window the log distances of the views to centres found without the window.
pub(crate) type HeldOut = Vec<Vec<PerView<f32>>>;

/// The distance of every window of one view to the nearest centre, everything being learned without the
/// windows around it: block by block `fit` learns at most `most` of the others anew (cross-fitting, as in the CV+ of
/// Barber et al. 2021, doi:10.1214/20-AOS1965).
///
/// None if without some block no window remains.
pub(crate) fn distances(
    features: &[f32],
    dim: usize,
    blocks: &[Block],
    most: usize,
    mut fit: impl FnMut(&[f32]) -> ViewModel,
) -> Option<Vec<f32>> {
    let mut out = vec![0.0; features.len() / dim];
    let mut window = vec![0.0; dim];
    for block in blocks {
        let rest = others(features, dim, block, most);
        if rest.is_empty() {
            return None;
        }
        let found = fit(&rest);
        for i in block.own.clone() {
            window.copy_from_slice(&features[i * dim..(i + 1) * dim]);
            found.standard.apply(&mut window);
            out[i] = found.centres.distance(&window);
        }
    }
    Some(out)
}

/// The same for features that are standardised already, by centres that `fit` finds of the others.
pub(crate) fn distances_by(
    features: &[f32],
    dim: usize,
    blocks: &[Block],
    most: usize,
    mut fit: impl FnMut(&[f32]) -> Centres,
) -> Vec<f32> {
    let mut out = vec![0.0; features.len() / dim];
    for block in blocks {
        let centres = fit(&others(features, dim, block, most));
        for i in block.own.clone() {
            out[i] = centres.distance(&features[i * dim..(i + 1) * dim]);
        }
    }
    out
}

/// At most `most` of the windows that a block does not leave out, evenly spaced.
fn others(features: &[f32], dim: usize, block: &Block, most: usize) -> Vec<f32> {
    let Range { start, end } = block.left_out;
    let count = features.len() / dim - (end - start);
    let index = |i: usize| if i < start { i } else { i + (end - start) };
    gathered(features, dim, evenly_spaced(count, most).map(index))
}

/// At most [`MAX_CLUSTERED`] windows, evenly spaced.
pub(crate) fn thinned(features: &[f32], dim: usize) -> Cow<'_, [f32]> {
    at_most(features, dim, MAX_CLUSTERED)
}

/// At most `most` windows, evenly spaced.
pub(crate) fn at_most(features: &[f32], dim: usize, most: usize) -> Cow<'_, [f32]> {
    let windows = features.len() / dim;
    if windows <= most {
        return Cow::Borrowed(features);
    }
    Cow::Owned(gathered(features, dim, evenly_spaced(windows, most)))
}

/// The windows of some indices, one after the other.
fn gathered(features: &[f32], dim: usize, indices: impl ExactSizeIterator<Item = usize>) -> Vec<f32> {
    let mut out = Vec::with_capacity(indices.len() * dim);
    indices.for_each(|i| out.extend_from_slice(&features[i * dim..(i + 1) * dim]));
    out
}

/// The held-out distances of all channels and scales; none if those of one are missing.
pub(crate) fn complete(held_out: &[Vec<Option<HeldOut>>]) -> Option<Vec<Vec<&HeldOut>>> {
    let channels = held_out.iter().map(|c| c.iter().map(Option::as_ref).collect());
    channels.collect()
}

/// The scores of the training samples by centres found without them.
pub(crate) fn held_out_scores(
    channels: &[ChannelModel],
    held_out: &[Vec<&HeldOut>],
    excesses: &[Excesses],
    series: &Series,
    mode: ScoringMode,
    check: Check,
) -> Vec<Vec<f64>> {
    let scores = |(s, segment): (usize, &Segment)| {
        let of = |scale: usize, _: usize, _: &[usize]| {
            held_out
                .iter()
                .map(|c| Cow::Borrowed(c[scale][s].as_slice()))
                .collect()
        };
        Scores::of_distances(channels, segment, &excesses[s], mode, false, check, of).score
    };
    series.segments.iter().enumerate().map(scores).collect()
}

pub(crate) fn in_sample_scores(
    channels: &[ChannelModel],
    metric: Option<&Metric>,
    residuals: &Residuals,
    series: &Series,
    mode: ScoringMode,
    check: Check,
) -> Vec<Vec<f64>> {
    let segments = series.segments.iter();
    segments
        .map(|s| Scores::of_segment(channels, metric, residuals, s, mode, false, check).score)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AlignmentCorrection;
    use crate::view::Standard;
    use crate::window::fold::{MAX_REFITTED, refitted};
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    #[test]
    fn held_out_windows_do_not_vouch_for_themselves() {
        let features: Vec<f32> = (0..200)
            .flat_map(|i| {
                [
                    (i % 7) as f32,
                    if (100..120).contains(&i) {
                        90.0
                    } else {
                        (i % 3) as f32
                    },
                ]
            })
            .collect();
        let blocks: Vec<Block> = (0..10)
            .map(|b| Block {
                own: b * 20..(b + 1) * 20,
                left_out: b * 20..(b + 1) * 20,
            })
            .collect();
        let fit = |features: &[f32]| {
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let standard = Standard::fit(features, 2);
            let mut features = features.to_vec();
            features.chunks_exact_mut(2).for_each(|f| standard.apply(f));
            ViewModel {
                centres: Centres::fit(&features, 2, 8, 0.02, &mut rng, &|| {}),
                standard,
                mean: 0.0,
                deviation: 0.0,
                window_mean: 0.0,
                window_deviation: 0.0,
                alignment: AlignmentCorrection::NONE,
            }
        };
        let d = distances(&features, 2, &blocks, MAX_REFITTED, fit).unwrap();
        assert!(d[100..120].iter().all(|d| *d > 20.0));
        assert!(d[..100].iter().chain(&d[120..]).all(|d| *d < 2.0));
        let all = Block {
            own: 0..200,
            left_out: 0..200,
        };
        assert_eq!(distances(&features, 2, &[all], MAX_REFITTED, fit), None);
    }

    #[test]
    fn a_fold_sees_the_others_evenly_and_as_many_as_the_model_of_a_long_series() {
        let features: Vec<f32> = (0..100).flat_map(|i| [i as f32, -(i as f32)]).collect();
        let block = Block {
            own: 20..30,
            left_out: 10..40,
        };
        let firsts = |most: usize| -> Vec<f32> {
            others(&features, 2, &block, most)
                .chunks(2)
                .map(|w| w[0])
                .collect()
        };
        let all: Vec<f32> = (0..10).chain(40..100).map(|i| i as f32).collect();
        assert_eq!(firsts(100), all);
        assert_eq!(firsts(7), [0.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]);
        assert_eq!((refitted(300), refitted(100_000)), (MAX_REFITTED, MAX_CLUSTERED));
    }

    #[test]
    fn thinning_keeps_whole_windows_in_order() {
        let features: Vec<f32> = (0..5000).flat_map(|i| [i as f32, -(i as f32)]).collect();
        let t = thinned(&features, 2);
        assert_eq!(t.len(), 2 * MAX_CLUSTERED);
        assert!(t.chunks_exact(2).all(|w| w[0] == -w[1]));
        assert!(t.iter().step_by(2).is_sorted());
    }
}
