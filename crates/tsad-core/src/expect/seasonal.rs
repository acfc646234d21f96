//! One season: a profile over phases.

use super::phases::Profile;
use serde::{Deserialize, Serialize};

/// A season: smooth over neighbouring phases, but sharp where a phase stands out by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Season {
    /// What each phase adds to the level.
    pub(crate) profile: Profile,
    /// Over how many phases the smooth part was smoothed; odd, 1 is none.
    pub(crate) width: usize,
    /// By how many phases an edge may come early or late; at most half of the ring.
    pub(crate) reach: usize,
}
