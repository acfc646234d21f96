//! Episodes: runs of anomalous points, of a whole series or of one that grows. May import `score::point`,
//! `model::component`.

mod event;
mod follow;

pub use event::{Event, EventParams, events};
pub use follow::{Checkpoint, EpisodeUpdate, FollowLimits, FollowResult, RetrainReason, follow};
