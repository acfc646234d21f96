//! Set-returning functions over tables, a file each, and over arrays, `tsad.score_series`. May import `read`.
//!
//! The functions take their arguments raw and fill a tuplestore; their declarations stand in sql/detect.sql,
//! sql/explain.sql, sql/survey.sql and sql/score_series.sql.

mod clean;
pub(crate) mod detect;
pub(crate) mod events;
mod explain;
mod score_series;
mod suggest;
mod validate;
