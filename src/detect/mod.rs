//! Set-returning functions over tables, `tsad.detect`, `tsad.events`, `tsad.suggest` and `tsad.validate`, and over
//! arrays, `tsad.score_series`.
//!
//! The functions take their arguments raw and fill a tuplestore; their declarations stand in sql/detect.sql
//! and sql/score_series.sql.

mod arrays;
mod clean;
mod cursor;
mod events;
mod explain;
mod follow;
mod models;
mod output;
mod reader;
mod request;
mod rows;
mod series;
mod source;
mod suggest;
mod training;
mod validate;

pub(crate) use output::shares;
