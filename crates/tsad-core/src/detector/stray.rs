//! Windows out of step with the training.
//!
//! Windows start at multiples of the hop, so that a periodic series is seen in the phases it was trained in. The first
//! and the last window of a segment need not: at its ends and beside gaps they see phases that no centre stands for, and
//! lie farther off although nothing happened. How far, is learned from training windows that are made to start late,
//! and their distances are read in those units.

use super::channel::{FINEST, ViewModel};
use super::layout::Layout;
use super::windows::{hop, in_step};
use crate::control::Check;
use crate::numeric::moments::Moments;
use crate::numeric::sampling::{evenly_spaced, scattered};
use serde::{Deserialize, Serialize};

/// It is learned from at most this many windows.
const MOST: usize = 64;

/// The log distances of normal windows out of step, beside those of windows in step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stray {
    /// Their mean.
    pub mean: f32,
    /// How much larger it is, 0 or more.
    pub slack: f32,
    /// How many times as wide they are in step, 1 or less.
    pub width: f32,
}

/// Log distances are far smaller.
const FARTHEST: f32 = 1e6;

impl Stray {
    /// Nothing is known: both are alike.
    pub const NONE: Self = Self {
        mean: 0.0,
        slack: 0.0,
        width: 1.0,
    };

    /// Compares log distances of windows in step with those of windows out of step.
    pub(super) fn of(on: impl Iterator<Item = f32>, off: impl Iterator<Item = f32>) -> Self {
        let moments = |logs: &mut dyn Iterator<Item = f32>| {
            let mut moments = Moments::default();
            logs.for_each(|d| moments.add(f64::from(d), 1.0));
            moments.mean_and_deviation()
        };
        let (on, off) = (moments(&mut { on }), moments(&mut { off }));
        Self {
            mean: off.0 as f32,
            slack: (off.0 - on.0).max(0.0) as f32,
            width: (on.1.max(FINEST) / off.1.max(FINEST)).min(1.0) as f32,
        }
    }

    /// The log distance of a window out of step, in the units of windows in step.
    pub(super) fn in_step(&self, log: f32) -> f32 {
        self.mean - self.slack + self.width * (log - self.mean)
    }

    /// Whether the numbers can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.mean.abs() <= FARTHEST
            && (0.0..=FARTHEST).contains(&self.slack)
            && (0.0..=1.0).contains(&self.width)
    }
}

/// For each window of all segments, given by their first samples and numbers of samples, whether it is out of step.
pub(super) fn out_of_step(segments: &[(i64, usize)], starts: &[Vec<usize>], length: usize) -> Vec<bool> {
    let of = |((first, _), starts): (&(i64, usize), &Vec<usize>)| {
        let stray = |a: &usize| !in_step(*first, *a, length);
        starts.iter().map(stray).collect::<Vec<_>>()
    };
    segments.iter().zip(starts).flat_map(of).collect()
}

/// Training windows that start later than those in step by less than a hop.
pub(super) struct Late {
    /// Their starts, segment by segment.
    pub(super) starts: Vec<Vec<usize>>,
    /// For each the index of the window in step before it, counted over all segments.
    pub(super) beside: Vec<usize>,
}

impl Late {
    /// No window of a number of segments.
    pub(super) fn none(segments: usize) -> Self {
        Self {
            starts: vec![Vec::new(); segments],
            beside: Vec::new(),
        }
    }

    /// At most [`MOST`] windows, evenly spaced, of segments of which `starts` are the windows; none where every sample
    /// begins a window.
    pub(super) fn of(segments: &[(i64, usize)], starts: &[Vec<usize>], length: usize) -> Self {
        let others = hop(length) - 1;
        let (mut places, mut before) = (Vec::new(), 0);
        for (s, ((first, samples), starts)) in segments.iter().zip(starts).enumerate() {
            let fits = |a: usize| others > 0 && in_step(*first, a, length) && a + others + length <= *samples;
            let fitting = starts.iter().enumerate().filter(|(_, a)| fits(**a));
            places.extend(fitting.map(|(w, a)| (s, *a, before + w)));
            before += starts.len();
        }
        let mut late = Self::none(segments.len());
        for (i, at) in evenly_spaced(places.len(), MOST).enumerate() {
            let (s, a, window) = places[at];
            late.starts[s].push(a + 1 + scattered(i, others));
            late.beside.push(window);
        }
        late
    }
}

impl ViewModel {
    /// Learns how far windows out of step lie, from the standardised features of all windows and those of late
    /// ones as extracted. Returns the distances of all windows, found without the windows around them; none where
    /// these are all, and nothing is learned.
    pub(super) fn learn_stray(
        &mut self,
        features: &[f32],
        late_raw: &[f32],
        layout: &Layout,
        check: Check,
    ) -> Option<Vec<f32>> {
        let mut standardised = late_raw.to_vec();
        self.standard.apply_all(&mut standardised);
        let others = (standardised.as_slice(), layout.late.beside.as_slice());
        let found = self
            .centres
            .held_out_distances_beside(features, &layout.near, others, check);
        let (on, off) = found?;
        let beside = layout.late.beside.iter().map(|i| self.log(on[*i]));
        self.stray = Stray::of(beside, off.iter().map(|d| self.log(*d)));
        Some(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::windows::starts;

    #[test]
    fn late_windows_begin_less_than_a_hop_after_those_in_step() {
        let segments = [(5, 300), (1000, 72)];
        let all: Vec<_> = segments
            .iter()
            .map(|(first, samples)| starts(*first, *samples, 64, hop(64)))
            .collect();
        let late = Late::of(&segments, &all, 64);
        assert!(late.starts[0].len() > 20 && late.starts[1].len() == 1);
        let windows: Vec<(usize, usize)> = (0..2).flat_map(|s| all[s].iter().map(move |a| (s, *a))).collect();
        let lates = (0..2).flat_map(|s| late.starts[s].iter().map(move |a| (s, *a)));
        let mut seen = [false; 8];
        for ((s, off), i) in lates.zip(&late.beside) {
            let (segment, on) = windows[*i];
            assert!(segment == s && off + 64 <= segments[s].1);
            assert_eq!((segments[s].0 + on as i64) % 8, 0);
            seen[off - on] = true;
        }
        assert_eq!(seen, [false, true, true, true, true, true, true, true]);
        assert!(Late::of(&segments, &all, 8).beside.is_empty());
    }

    #[test]
    fn distances_out_of_step_are_read_as_in_step_and_never_as_larger() {
        let on: Vec<f32> = (0..50).map(|i| i as f32 / 50.0).collect();
        let off = || on.iter().map(|d| 2.0 + 10.0 * d);
        let stray = Stray::of(on.iter().copied(), off());
        for (on, off) in on.iter().zip(off()) {
            assert!((stray.in_step(off) - on).abs() < 0.01);
        }
        let reversed = Stray::of(off(), on.iter().copied());
        assert!((reversed.in_step(0.7) - 0.7).abs() < 1e-6);
        assert_eq!(Stray::of([].into_iter(), [].into_iter()), Stray::NONE);
    }
}
