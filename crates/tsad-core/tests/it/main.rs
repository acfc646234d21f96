//! The one integration binary: every topic is a module, so that there is one link and not many.
// Helpers outside of test functions are tests too, which clippy.toml cannot know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod allocation;
mod blame;
mod cancel;
mod causal;
mod codec;
mod codec_forged;
mod codec_payload;
mod codec_values;
mod common;
mod contamination;
mod contract;
mod data;
mod determinism;
mod direction;
mod dynamics;
mod edges;
mod expectation;
mod explain;
mod measure;
mod measure_golden;
mod metric;
mod picture;
mod recalibrate;
mod statics;
mod stations;
mod status;
mod stream;
mod update;
