//! Format version 1: the payload, and the bounds of each number in it. Its layout never changes.

mod bounds;
pub(super) mod payload;
mod regimes;
mod residuals;
mod vector;
