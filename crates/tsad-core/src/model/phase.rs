//! Unaligned windows.
//!
//! Windows start at multiples of the hop, so that a periodic series is seen in the phases it was trained in. The first
//! and the last window of a segment need not: at its ends and beside gaps they see phases that no centre stands for,
//! and lie farther off although nothing happened. How far, is learned from training windows that are made to start at
//! an offset, and their distances are read in those units.

use serde::{Deserialize, Serialize};

/// The log distances of normal unaligned windows, beside those of aligned windows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlignmentCorrection {
    /// Their mean.
    pub mean: f32,
    /// How much larger it is, 0 or more.
    pub slack: f32,
    /// How many times as wide they are aligned, 1 or less.
    pub width: f32,
}

/// Log distances are far smaller.
const FARTHEST: f32 = 1e6;

impl AlignmentCorrection {
    /// Nothing is known: both are alike.
    pub const NONE: Self = Self {
        mean: 0.0,
        slack: 0.0,
        width: 1.0,
    };

    /// The log distance of a window unaligned, in the units of aligned windows.
    pub(crate) fn aligned(&self, log: f32) -> f32 {
        self.mean - self.slack + self.width * (log - self.mean)
    }

    /// Whether the numbers can be.
    pub(crate) fn is_sound(&self) -> bool {
        self.mean.abs() <= FARTHEST
            && (0.0..=FARTHEST).contains(&self.slack)
            && (0.0..=1.0).contains(&self.width)
    }
}
