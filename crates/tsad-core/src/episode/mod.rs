//! Episodes: runs of anomalous points, of a whole series or of one that grows. May import `expect`,
//! `model::component`, `score::point`.

mod event;
mod follow;

pub use event::{Event, EventParams, MergeGap, events};
pub use follow::{Checkpoint, EpisodeUpdate, FollowLimits, FollowResult, RetrainReason, follow};
