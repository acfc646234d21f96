//! Where windows start, and which windows cover a sample.

use crate::view::PerView;
use std::ops::Range;

/// The distance between window starts when training and scoring, in samples.
///
/// An eighth of the length: measured, neither a sixteenth nor a quarter ranks better
/// (docs/decisions/0007-windows-start-on-an-absolute-grid.md).
pub(crate) fn hop(length: usize) -> usize {
    (length / 8).max(1)
}

/// The starts of the windows of `length` samples in a segment of `samples` samples whose first one has the
/// absolute number `first`; empty if the segment is shorter than a window.
///
/// Starts are multiples of the hop in absolute numbers, so that a sample is covered by the same windows
/// whatever part of the series was read; the first and the last window of the segment are added.
pub(crate) fn starts(first: i64, samples: usize, length: usize, hop: usize) -> Vec<usize> {
    let Some(last) = samples.checked_sub(length) else {
        return Vec::new();
    };
    let aligned = first_aligned(first, hop);
    let mut starts = Vec::with_capacity(last / hop + 3);
    if aligned > 0 {
        starts.push(0);
    }
    starts.extend((aligned..=last).step_by(hop));
    if starts.last() != Some(&last) {
        starts.push(last);
    }
    starts
}

/// A run of successive samples that the same windows cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// The samples, as indices into the segment.
    pub samples: Range<usize>,
    /// The windows that cover every one of them, as indices into the starts.
    pub windows: Range<usize>,
}

/// The runs of a segment, in order, given the starts of its windows. Starts must leave no sample uncovered.
pub(crate) fn runs(starts: &[usize], length: usize) -> impl Iterator<Item = Run> {
    let end = starts.last().map_or(0, |s| s + length);
    let (mut low, mut high, mut at) = (0, 0, 0);
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        while high < starts.len() && starts[high] <= at {
            high += 1;
        }
        while starts[low] + length <= at {
            low += 1;
        }
        let next = starts.get(high).copied().unwrap_or(end).min(starts[low] + length);
        let samples = at..next;
        at = next;
        Some(Run {
            samples,
            windows: low..high,
        })
    })
}

/// The first start in a segment that is a multiple of the hop in absolute numbers, `first` being that of its first
/// sample: that of the first aligned window.
pub(crate) fn first_aligned(first: i64, hop: usize) -> usize {
    (-i128::from(first)).rem_euclid(hop as i128) as usize
}

/// Whether a window that starts at `start` in a segment whose first sample has the absolute number `first` is aligned
/// with those of the training.
pub(crate) fn aligned(first: i64, start: usize, length: usize) -> bool {
    (i128::from(first) + start as i128).rem_euclid(hop(length) as i128) == 0
}

/// The mean over windows of one value per view.
pub(crate) fn mean(values: &[PerView<f32>]) -> PerView<f32> {
    let mut sum = PerView::<f32>::default();
    for value in values {
        for (s, v) in sum.iter_mut().zip(value) {
            *s += v;
        }
    }
    let share = 1.0 / values.len() as f32;
    sum.map(|s| s * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn starts_are_aligned_and_cover_both_ends() {
        assert_eq!(starts(0, 40, 16, 8), [0, 8, 16, 24]);
        assert_eq!(starts(5, 40, 16, 8), [0, 3, 11, 19, 24]);
        assert_eq!(starts(-3, 16, 16, 8), [0]);
        assert!(starts(0, 15, 16, 8).is_empty());
    }

    proptest! {
        #[test]
        fn runs_name_the_windows_that_cover_each_sample(first in -50_i64..50, samples in 16_usize..90, hop in 1_usize..16) {
            let length = 16;
            let starts = starts(first, samples, length, hop);
            let mut next = 0;
            for run in runs(&starts, length) {
                prop_assert_eq!(run.samples.start, next);
                for i in run.samples.clone() {
                    let covering: Vec<usize> = (0..starts.len())
                        .filter(|&w| (starts[w]..starts[w] + length).contains(&i)).collect();
                    prop_assert_eq!(run.windows.clone().collect::<Vec<_>>(), covering);
                }
                next = run.samples.end;
            }
            prop_assert_eq!(next, samples);
        }

        #[test]
        fn windows_away_from_the_ends_do_not_depend_on_where_reading_began(cut in 0_usize..60) {
            let all = starts(0, 400, 32, 4);
            let part = starts(cut as i64, 400 - cut, 32, 4);
            let whole: Vec<usize> = all.iter().copied().filter(|s| *s >= cut + 4).collect();
            let moved: Vec<usize> = part.iter().map(|s| s + cut).filter(|s| *s >= cut + 4).collect();
            prop_assert_eq!(whole, moved);
        }
    }
}
