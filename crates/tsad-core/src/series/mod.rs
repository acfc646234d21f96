//! Rows become a series: sorted, without duplicates, on a regular grid, cut into segments at long gaps. May import
//! `control`, `error`, `numeric`.

mod grid;
mod samples;
mod scale;
mod scaled;
mod segment;
mod survey;

pub use grid::Grid;
pub use samples::{Samples, TimeKind};
pub use scale::RobustScale;
pub(crate) use scaled::scaled_by;
pub use segment::{Place, Segment, Series};
pub use survey::Survey;
