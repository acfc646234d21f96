//! The ground floor: arithmetic in a fixed order. May import nothing.

pub(crate) mod autocovariance;
pub(crate) mod linalg;
pub(crate) mod moments;
pub(crate) mod quantile;
pub(crate) mod ridge;
pub(crate) mod sampling;
pub(crate) mod simd;
pub(crate) mod simd_sum;
