//! Centres of windows in a space of features. May import `control`, `numeric`.

mod kmeans;
pub(crate) mod streaming;
pub(crate) mod ward;

pub use kmeans::{Block, Centres};
