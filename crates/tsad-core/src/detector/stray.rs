//! Windows out of step with the training.
//!
//! Windows start at multiples of the hop, so that a periodic series is seen in the phases it was trained in. The first
//! and the last window of a segment need not: at its ends and beside gaps they see phases that no centre stands for, and
//! lie farther off although nothing happened. How far, is learned from training windows that are made to start late,
//! and their distances are read in those units.

use super::channel::{FINEST, ViewModel};
use crate::control::Check;
use crate::numeric::moments::Moments;
use crate::window::layout::Layout;

use serde::{Deserialize, Serialize};

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
    pub(crate) fn of(on: impl Iterator<Item = f32>, off: impl Iterator<Item = f32>) -> Self {
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
    pub(crate) fn in_step(&self, log: f32) -> f32 {
        self.mean - self.slack + self.width * (log - self.mean)
    }

    /// Whether the numbers can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.mean.abs() <= FARTHEST
            && (0.0..=FARTHEST).contains(&self.slack)
            && (0.0..=1.0).contains(&self.width)
    }
}

impl ViewModel {
    /// Learns how far windows out of step lie, from the standardised features of all windows and those of late
    /// ones as extracted. Returns the distances of all windows, found without the windows around them; none where
    /// these are all, and nothing is learned.
    pub(crate) fn learn_stray(
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
