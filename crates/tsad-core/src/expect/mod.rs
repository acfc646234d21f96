//! The expectation of every row: what value was to be expected at a time, and how far a row lies outside. May import
//! `civil`, `control`, `error`, `numeric`, `series`.
//!
//! An [`Expectation`] is learned for one column and is a pure function of itself and the time: level, trend, seasons of the
//! calendar, a band and a spread by phase. Rows are judged by their distance outside the band, by sums of runs, by repeats
//! of one value and by silence.

mod calendar;
mod calibrate;
mod candidates;
mod choice;
mod count;
mod expectation;
mod fit;
mod forecast;
mod history;
mod incident;
mod judge;
mod level;
mod local;
mod mean;
mod packed;
mod period;
mod phases;
#[cfg(test)]
mod reference_tests;
mod repeat;
mod replace;
mod ring;
mod robust;
mod rows;
mod run;
mod seasonal;
mod silence;
mod sound;
mod spread;
mod tail;
#[cfg(test)]
mod tests;
mod training;
mod update;
mod values;

pub use expectation::{Expectation, Expected, FitOptions, Fitted, Outlook};
pub use judge::{RowEvidence, RowKind, Silence};
pub use local::LocalTime;
