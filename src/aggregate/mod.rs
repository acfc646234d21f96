//! Aggregates: support functions for the definitions in sql/.

mod evaluate;
mod memory;
mod state;
mod time;
mod train;
mod with_model;
