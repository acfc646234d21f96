//! Runs of flagged samples, the common currency of the event-wise measures.

use std::ops::Range;

/// The maximal runs of `true`, as sample indices `start..end` in rising order; neighbours never touch.
pub(super) fn runs(flags: impl IntoIterator<Item = bool>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open = None;
    let mut length = 0;
    for (i, flag) in flags.into_iter().enumerate() {
        length = i + 1;
        match (flag, open) {
            (true, None) => open = Some(i),
            (false, Some(start)) => {
                found.push(start..i);
                open = None;
            }
            _ => {}
        }
    }
    found.extend(open.map(|start| start..length));
    found
}

/// What of one run is covered by the runs of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cover {
    /// Covered samples.
    pub(super) samples: usize,
    /// Runs of the other side that cover at least one sample.
    pub(super) pieces: usize,
}

/// For every run of `of` what `by` covers of it; O(`of` + `by`).
pub(super) fn cover(of: &[Range<usize>], by: &[Range<usize>]) -> Vec<Cover> {
    let mut first = 0;
    of.iter()
        .map(|run| {
            while by.get(first).is_some_and(|other| other.end <= run.start) {
                first += 1;
            }
            by[first..].iter().take_while(|other| other.start < run.end).fold(
                Cover::default(),
                |sum, other| Cover {
                    samples: sum.samples + other.end.min(run.end) - other.start.max(run.start),
                    pieces: sum.pieces + 1,
                },
            )
        })
        .collect()
}

/// The number of samples in `runs`.
pub(super) fn samples(runs: &[Range<usize>]) -> usize {
    runs.iter().map(ExactSizeIterator::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Range<usize>> {
        runs(text.bytes().map(|b| b == b'1'))
    }

    #[test]
    fn runs_reach_both_ends() {
        assert_eq!(of("1101000011"), vec![0..2, 3..4, 8..10]);
        assert_eq!(of("111"), vec![0..3]);
        assert_eq!(of("000"), vec![]);
        assert_eq!(of(""), vec![]);
    }

    #[test]
    fn one_long_run_covers_several() {
        let (a, b) = (of("0110011001"), of("0011111000"));
        let found = cover(&a, &b);
        assert_eq!(
            found.iter().map(|c| (c.samples, c.pieces)).collect::<Vec<_>>(),
            vec![(1, 1), (2, 1), (0, 0)]
        );
        let back = cover(&b, &a);
        assert_eq!(
            back,
            vec![Cover {
                samples: 3,
                pieces: 2
            }]
        );
        assert_eq!(samples(&a), 5);
    }

    #[test]
    fn touching_runs_do_not_cover() {
        assert_eq!(cover(&of("1100"), &of("0011")), vec![Cover::default()]);
    }
}
