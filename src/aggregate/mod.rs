//! Aggregates: support functions for the definitions in sql/.

mod state;
mod train;
