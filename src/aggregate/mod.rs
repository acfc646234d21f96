//! Aggregates: support functions for the definitions in sql/.

mod constant_argument;
mod evaluate;
mod memory;
mod model_aggregates;
mod plot;
mod score;
mod state;
mod time;
mod timezone;
mod train;

pub(crate) use model_aggregates::unpacked;
