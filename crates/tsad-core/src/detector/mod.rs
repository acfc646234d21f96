//! Training, scoring and episodes.

mod causal;
mod channel;
mod context;
mod events;
mod explain;
mod follow;
mod head;
mod held_out;
mod incident;
mod latest;
mod level;
mod point;
mod regime;
mod score;
mod stray;
mod stream;
mod train;
mod update;

pub use channel::{ChannelModel, ScaleModel, ViewModel};
pub use context::{Beside, Line};
pub use events::{Event, EventParams, events};
pub use explain::{Excerpt, Explainer, Explanation, Normal};
pub use follow::{Due, Followed, Mark, Pace, Told, follow};
pub use head::Head;
pub(crate) use head::common_dims;
pub use point::{Point, Status};
pub use regime::{Regime, Regimes};
pub use score::{score, score_causal, score_only, score_with_shares};
pub use stray::Stray;
pub use stream::Stream;
pub use train::train;
pub(crate) use update::share_of_far_windows;
pub use update::update;
