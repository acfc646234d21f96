//! Which windows are held out together.

use crate::cluster::Block;
use std::ops::Range;

/// The blocks of time in which windows are held out when a leave-out is cheap.
const BLOCKS: usize = 10;
/// The blocks of time when each costs a fit.
const FOLDS: usize = 5;
/// Clusters are sought among at most this many windows, evenly spaced: measured, more of them only cost time.
pub(crate) const MAX_CLUSTERED: usize = 600;
/// The same where a fit only serves to judge windows that are held out of it, of a short series.
pub(crate) const MAX_REFITTED: usize = 250;

/// Among how many of a number of windows clusters are sought where they only serve to judge others. A fit on few finds
/// poorer centres than the model's, and what it holds out looks farther off than new data will: of a long series, whose
/// tail is well known otherwise, it has to see as many.
pub(crate) fn refitted(windows: usize) -> usize {
    (windows / 4).clamp(MAX_REFITTED, MAX_CLUSTERED)
}

/// Successive windows, counted over all segments, that are held out together: each block leaves out every
/// window that starts less than `margin` samples from one of its own. With the length of the windows as the
/// margin no sample is shared.
pub(crate) fn blocks(starts: &[Vec<usize>], margin: usize) -> Vec<Block> {
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
pub(crate) fn folds(starts: &[Vec<usize>], length: usize) -> Vec<Block> {
    let windows: usize = starts.iter().map(Vec::len).sum();
    let whole = cut(starts, length, FOLDS);
    if whole.iter().all(|b| 10 * b.left_out.len() <= 3 * windows) {
        whole
    } else {
        cut(starts, length / 2, 2 * FOLDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
