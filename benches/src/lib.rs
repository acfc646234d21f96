//! Accuracy and speed of the numerical core: what the commands of `tsad-bench` do.

pub mod accuracy;
pub mod answer;
pub mod calibration;
pub mod classify;
pub mod contaminate;
pub mod file;
pub mod normal;
pub mod params;
pub mod robust;
pub mod speed;
pub mod synthetic;

/// A minute in microseconds: the sampling interval of all series here.
pub const MINUTE_US: i64 = 60_000_000;
