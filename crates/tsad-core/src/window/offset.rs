//! Windows that start between those aligned with the training.

use super::placement::{aligned, hop};
use crate::numeric::sampling::{evenly_spaced, scattered};

/// It is learned from at most this many windows.
const MAX_OFFSET_WINDOWS: usize = 64;

/// For each window of all segments, given by their first samples and numbers of samples, whether it is unaligned.
pub(crate) fn unaligned(segments: &[(i64, usize)], starts: &[Vec<usize>], length: usize) -> Vec<bool> {
    let of = |((first, _), starts): (&(i64, usize), &Vec<usize>)| {
        let unaligned = |a: &usize| !aligned(*first, *a, length);
        starts.iter().map(unaligned).collect::<Vec<_>>()
    };
    segments.iter().zip(starts).flat_map(of).collect()
}

/// Training windows that start later than those aligned, by less than a hop.
pub(crate) struct OffsetWindows {
    /// Their starts, segment by segment.
    pub(crate) starts: Vec<Vec<usize>>,
    /// For each the index of the aligned window before it, counted over all segments.
    pub(crate) aligned: Vec<usize>,
}

impl OffsetWindows {
    /// No window of a number of segments.
    pub(crate) fn none(segments: usize) -> Self {
        Self {
            starts: vec![Vec::new(); segments],
            aligned: Vec::new(),
        }
    }

    /// At most [`MAX_OFFSET_WINDOWS`] windows, evenly spaced, of segments of which `starts` are the windows; none where
    /// every sample begins a window.
    pub(crate) fn of(segments: &[(i64, usize)], starts: &[Vec<usize>], length: usize) -> Self {
        let others = hop(length) - 1;
        let (mut places, mut before) = (Vec::new(), 0);
        for (s, ((first, samples), starts)) in segments.iter().zip(starts).enumerate() {
            let fits = |a: usize| others > 0 && aligned(*first, a, length) && a + others + length <= *samples;
            let fitting = starts.iter().enumerate().filter(|(_, a)| fits(**a));
            places.extend(fitting.map(|(w, a)| (s, *a, before + w)));
            before += starts.len();
        }
        let mut offset = Self::none(segments.len());
        for (i, at) in evenly_spaced(places.len(), MAX_OFFSET_WINDOWS).enumerate() {
            let (s, a, window) = places[at];
            offset.starts[s].push(a + 1 + scattered(i, others));
            offset.aligned.push(window);
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::placement::starts;

    #[test]
    fn late_windows_begin_less_than_a_hop_after_those_in_step() {
        let segments = [(5, 300), (1000, 72)];
        let all: Vec<_> = segments
            .iter()
            .map(|(first, samples)| starts(*first, *samples, 64, hop(64)))
            .collect();
        let offset = OffsetWindows::of(&segments, &all, 64);
        assert!(offset.starts[0].len() > 20 && offset.starts[1].len() == 1);
        let windows: Vec<(usize, usize)> = (0..2).flat_map(|s| all[s].iter().map(move |a| (s, *a))).collect();
        let offsets = (0..2).flat_map(|s| offset.starts[s].iter().map(move |a| (s, *a)));
        let mut seen = [false; 8];
        for ((s, off), i) in offsets.zip(&offset.aligned) {
            let (segment, on) = windows[*i];
            assert!(segment == s && off + 64 <= segments[s].1);
            assert_eq!((segments[s].0 + on as i64) % 8, 0);
            seen[off - on] = true;
        }
        assert_eq!(seen, [false, true, true, true, true, true, true, true]);
        assert!(OffsetWindows::of(&segments, &all, 8).aligned.is_empty());
    }
}
