//! Where windows stand, and which of them are learned from. May import `numeric`, `series`, `view`, `cluster`.

pub(crate) mod fold;
pub(crate) mod offset;
pub(crate) mod placement;
pub(crate) mod plan;
