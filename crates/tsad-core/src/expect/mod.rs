//! The companion baseline: what value was to be expected, by the season of the training part. May import `control`,
//! `numeric`, `series`.
//!
//! It explains an anomaly to a reader and decides what is too small to matter; it does not enter the score.

mod baseline;
mod season;

pub use baseline::{Band, Baseline};
pub use season::LONGEST_PERIOD;
