//! The expected value: level plus seasons.

use super::level::Level;
use super::seasonal::Season;
use serde::{Deserialize, Serialize};

/// Level plus seasons, on the scale of the model (the value, or its logarithm).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mean {
    /// The level.
    pub(crate) level: Level,
    /// At most four seasons.
    pub(crate) seasons: Vec<Season>,
}
