//! Which windows of a series are learned from.

use super::fold;
use super::offset::{OffsetWindows, unaligned};
use super::placement::{hop, starts};
use crate::cluster::Block;
use crate::numeric::sampling::scattered;
use crate::series::Series;
use crate::view::{MAX_WINDOW, View};

/// The anchor points at which a series is sampled for causal scores: at most about this many.
const MAX_ANCHORS: usize = 1000;
/// The least distance between two of them, in samples.
const MIN_ANCHOR_STEP: usize = 3;
/// Windows of fewer anchor points are no picture of what is normal.
const MIN_ANCHORS: usize = 8;
/// Causal scores have this many times the centres of retrospective scores: their windows stand at any phase.
const CENTRES_FACTOR: usize = 2;
/// Clusters are sought among at most this many of their windows where a fit only serves to judge others.
const MAX_REFITTED_CAUSAL: usize = 300;
/// Random numbers of their own.
const CAUSAL_STREAM: u64 = 1 << 41;

/// The windows of one length that a channel is learned from, and how.
pub(crate) struct WindowPlan {
    pub length: usize,
    /// Where they start, segment by segment.
    pub starts: Vec<Vec<usize>>,
    /// What is left out to judge windows where a leave-out is cheap, and where each costs a fit.
    pub near: Vec<Block>,
    pub folds: Vec<Block>,
    /// For each window, counted over all segments, whether it is unaligned.
    pub unaligned: Vec<bool>,
    /// Windows that start later than those aligned, from which to learn how far these lie.
    pub offset: OffsetWindows,
    /// Whether every sample is covered, so that retrospective scores can be calibrated.
    pub covering: bool,
    /// How many windows there are for each sample.
    pub density: f64,
    /// The largest number of centres.
    pub centres: usize,
    /// The most windows among which clusters are sought, and the same in a fold.
    pub clustered: usize,
    pub refitted: usize,
    rng_stream: u64,
}

impl WindowPlan {
    /// Windows aligned with absolute sample numbers, for retrospective scores; `segments` are their first samples and
    /// numbers of samples.
    pub(crate) fn aligned(segments: &[(i64, usize)], length: usize, centres: usize) -> Self {
        let of = |(first, samples): &(i64, usize)| starts(*first, *samples, length, hop(length));
        let starts: Vec<Vec<usize>> = segments.iter().map(of).collect();
        Self {
            length,
            near: fold::blocks(&starts, length),
            folds: fold::folds(&starts, length),
            unaligned: unaligned(segments, &starts, length),
            offset: OffsetWindows::of(segments, &starts, length),
            refitted: fold::refitted(starts.iter().map(Vec::len).sum()),
            starts,
            covering: true,
            density: 1.0 / hop(length) as f64,
            centres,
            clustered: fold::MAX_CLUSTERED,
            rng_stream: 0,
        }
    }

    /// Pairs of windows that end at the anchor points of a series, for causal scores: the window that the later one has
    /// to rise above, and the later one.
    pub(crate) fn at_anchors(anchors: &AnchorPoints, length: usize, centres: usize) -> Self {
        let later: Vec<Vec<usize>> = anchors.of.iter().map(|m| later_starts(m, length)).collect();
        let pair = |s: &usize| [*s - lag(length), *s];
        let reach = length + lag(length);
        let both = |b: Block| Block {
            own: 2 * b.own.start..2 * b.own.end,
            left_out: 2 * b.left_out.start..2 * b.left_out.end,
        };
        Self {
            length,
            starts: later.iter().map(|s| s.iter().flat_map(pair).collect()).collect(),
            near: fold::blocks(&later, reach).into_iter().map(both).collect(),
            folds: fold::folds(&later, reach).into_iter().map(both).collect(),
            // At anchor points of any phase none is unaligned.
            unaligned: vec![false; 2 * later.iter().map(Vec::len).sum::<usize>()],
            offset: OffsetWindows::none(anchors.of.len()),
            covering: false,
            density: 2.0 / anchors.step as f64,
            centres: centres * CENTRES_FACTOR,
            clustered: MAX_ANCHORS,
            refitted: MAX_REFITTED_CAUSAL,
            rng_stream: CAUSAL_STREAM,
        }
    }

    /// The stream of random numbers of a view of channel `index`.
    pub(crate) fn rng_stream(&self, index: usize, view: usize) -> u64 {
        self.rng_stream + ((index * (MAX_WINDOW + 1) + self.length) * View::COUNT + view) as u64
    }

    /// The number of windows.
    pub(crate) fn windows(&self) -> usize {
        self.starts.iter().map(Vec::len).sum()
    }
}

/// How many samples back the window stands that a causal score has to rise above: an eighth of the length.
pub(crate) fn lag(length: usize) -> usize {
    hop(length)
}

/// The lengths of the windows of causal scores, where these have windows of their own: those given and three quarters
/// of each.
pub(crate) fn causal_lengths(lengths: &[usize]) -> Vec<usize> {
    let both = |l: &usize| [l / 4 * 3, *l];
    let mut all: Vec<usize> = lengths.iter().flat_map(both).collect();
    all.retain(|l| *l >= crate::view::MIN_WINDOW);
    all.sort_unstable();
    all.dedup();
    all
}

/// The anchor points at which a series is sampled to learn causal scores: about evenly spaced, and at all phases of
/// whatever repeats itself in it. A causal score is asked for at every sample; aligned windows would know a periodic
/// series in some phases only.
pub(crate) struct AnchorPoints {
    /// Per segment, as indices of samples, in order.
    pub of: Vec<Vec<usize>>,
    /// The mean distance, in samples.
    pub step: usize,
}

impl AnchorPoints {
    pub(crate) fn of(series: &Series) -> Self {
        let step = series.len().div_ceil(MAX_ANCHORS).max(MIN_ANCHOR_STEP);
        let mut slot = 0;
        let mut of_segment = |samples: usize| {
            let anchor = |first: usize| {
                slot += 1;
                first + scattered(slot, step)
            };
            let all: Vec<usize> = (0..samples).step_by(step).map(anchor).collect();
            all.into_iter().filter(|m| *m < samples).collect()
        };
        Self {
            of: series.segments.iter().map(|s| of_segment(s.len())).collect(),
            step,
        }
    }

    /// Whether enough of them have a window of a length to end at them, and one that it has to rise above.
    pub(crate) fn suffice(&self, length: usize) -> bool {
        let windows = self.of.iter().map(|m| later_starts(m, length).len());
        windows.sum::<usize>() >= MIN_ANCHORS
    }
}

/// The starts of the windows that end at anchor points and have one to rise above.
fn later_starts(anchors: &[usize], length: usize) -> Vec<usize> {
    let start = |m: &usize| (m + 1).checked_sub(length).filter(|s| *s >= lag(length));
    anchors.iter().filter_map(start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Segment;

    fn series(samples: &[usize]) -> Series {
        let segment = |n: &usize| Segment {
            start: 0,
            values: vec![0.0; *n],
            imputed: vec![false; *n],
        };
        Series {
            channels: 1,
            segments: samples.iter().map(segment).collect(),
            settled: 0,
        }
    }

    #[test]
    fn instants_are_bounded_in_order_and_at_all_phases() {
        for period in [4, 24, 60] {
            let anchors = AnchorPoints::of(&series(&[period * 500, 30]));
            let all = &anchors.of[0];
            assert!(all.is_sorted_by(|a, b| a < b) && all.len() <= MAX_ANCHORS + 1);
            let mut seen = vec![0; period];
            all.iter().for_each(|m| seen[m % period] += 1);
            let share = all.len() / period;
            assert!(
                seen.iter().all(|s| (share / 2..=2 * share + 1).contains(s)),
                "{seen:?}"
            );
        }
    }

    #[test]
    fn pairs_end_at_the_instants_and_are_left_out_together() {
        let anchors = AnchorPoints::of(&series(&[900, 40]));
        let plan = WindowPlan::at_anchors(&anchors, 32, 8);
        assert_eq!(plan.starts[0].len() % 2, 0);
        for pair in plan.starts[0].chunks(2) {
            assert_eq!(pair[0] + 4, pair[1]);
            assert!(anchors.of[0].contains(&(pair[1] + 31)));
        }
        assert!(
            plan.folds
                .iter()
                .all(|b| b.own.start % 2 == 0 && b.left_out.len() % 2 == 0)
        );
        assert_eq!(
            plan.folds.iter().map(|b| b.own.len()).sum::<usize>(),
            plan.windows()
        );
    }

    #[test]
    fn causal_windows_have_three_quarters_of_each_length_too() {
        assert_eq!(causal_lengths(&[32, 64]), [24, 32, 48, 64]);
        assert_eq!(causal_lengths(&[8, 24, 32]), [8, 18, 24, 32]);
    }
}
