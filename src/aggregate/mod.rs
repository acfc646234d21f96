//! Aggregates: support functions for the definitions in sql/.

mod constant;
mod evaluate;
mod memory;
mod plot;
mod score;
mod state;
mod time;
mod train;
mod with_model;
mod zone;

pub(crate) use with_model::unpacked;
