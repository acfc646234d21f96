//! Distances of training windows by models that have not seen them.

use super::channel::ViewModel;
use crate::cluster::{Block, Centres};
use crate::numeric::sampling::evenly_spaced;
use std::borrow::Cow;
use std::ops::Range;

/// The blocks of time in which windows are held out when a leave-out is cheap.
const BLOCKS: usize = 10;
/// The blocks of time when each costs a fit.
const FOLDS: usize = 5;
/// Clusters are sought among at most this many windows, evenly spaced: measured, more of them only cost time.
pub(super) const MAX_CLUSTERED: usize = 600;
/// The same where a fit only serves to judge windows that are held out of it, of a short series.
const MAX_REFITTED: usize = 250;

/// Among how many of a number of windows clusters are sought where they only serve to judge others. A fit on few finds
/// poorer centres than the model's, and what it holds out looks farther off than new data will: of a long series, whose
/// tail is well known otherwise, it has to see as many.
pub(super) fn refitted(windows: usize) -> usize {
    (windows / 4).clamp(MAX_REFITTED, MAX_CLUSTERED)
}

/// Successive windows, counted over all segments, that are held out together: each block leaves out every
/// window that starts less than `margin` samples from one of its own. With the length of the windows as the
/// margin no sample is shared.
pub(super) fn blocks(starts: &[Vec<usize>], margin: usize) -> Vec<Block> {
    cut(starts, margin, BLOCKS)
}

fn cut(starts: &[Vec<usize>], margin: usize, count: usize) -> Vec<Block> {
    let flat: Vec<(usize, usize)> = starts
        .iter()
        .enumerate()
        .flat_map(|(s, all)| all.iter().map(move |a| (s, *a)))
        .collect();
    let near = |a: usize, b: usize| flat[a].0 == flat[b].0 && flat[b].1 < flat[a].1 + margin;
    let n = flat.len();
    let block = |own: Range<usize>| {
        let mut left_out = own.clone();
        while left_out.start > 0 && near(left_out.start - 1, own.start) {
            left_out.start -= 1;
        }
        while left_out.end < n && near(own.end - 1, left_out.end) {
            left_out.end += 1;
        }
        Block { own, left_out }
    };
    let all = (0..count).map(|b| b * n / count..(b + 1) * n / count);
    all.filter(|own| !own.is_empty()).map(block).collect()
}

/// Fewer such blocks for windows of `length` samples; smaller ones with half the margin where the whole one
/// would take away more than 30 % of the windows: a fit on few is no picture of the fit on all.
pub(super) fn folds(starts: &[Vec<usize>], length: usize) -> Vec<Block> {
    let windows: usize = starts.iter().map(Vec::len).sum();
    let whole = cut(starts, length, FOLDS);
    if whole.iter().all(|b| 10 * b.left_out.len() <= 3 * windows) {
        whole
    } else {
        cut(starts, length / 2, 2 * FOLDS)
    }
}

/// The distance of every window of one view to the nearest centre, everything being learned without the
/// windows around it: block by block `fit` learns at most `most` of the others anew (cross-fitting, as in the CV+ of
/// Barber et al. 2021, doi:10.1214/20-AOS1965).
///
/// None if without some block no window remains.
pub(super) fn distances(
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
pub(super) fn distances_by(
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
pub(super) fn thinned(features: &[f32], dim: usize) -> Cow<'_, [f32]> {
    at_most(features, dim, MAX_CLUSTERED)
}

/// At most `most` windows, evenly spaced.
pub(super) fn at_most(features: &[f32], dim: usize, most: usize) -> Cow<'_, [f32]> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::stray::Stray;
    use crate::view::Standard;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    #[test]
    fn blocks_leave_out_all_windows_that_share_a_sample() {
        let starts = [
            (0..=200).step_by(10).collect::<Vec<_>>(),
            (0..=100).step_by(10).collect(),
        ];
        let blocks = blocks(&starts, 35);
        assert_eq!(blocks.iter().map(|b| b.own.len()).sum::<usize>(), 21 + 11);
        let b = blocks.iter().find(|b| b.own.contains(&20)).unwrap();
        assert!(b.own.start >= 3 && b.left_out.start == b.own.start - 3);
    }

    #[test]
    fn of_a_short_series_half_the_overlap_is_left_out() {
        let starts = [(0..=64).step_by(4).collect::<Vec<_>>()];
        let least =
            |blocks: &[Block]| starts[0].len() - blocks.iter().map(|b| b.left_out.len()).max().unwrap();
        assert_eq!(least(&blocks(&starts, 64)), 0);
        assert!(least(&folds(&starts, 64)) > 0);
    }

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
                stray: Stray::NONE,
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
