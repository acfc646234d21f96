//! Set-returning functions over tables: `tsad.detect`, `tsad.events`, `tsad.suggest` and `tsad.validate`.
//!
//! The functions take their arguments raw and fill a tuplestore; their declarations stand in sql/detect.sql.

mod cursor;
mod events;
mod models;
mod output;
mod request;
mod rows;
mod series;
mod source;
mod suggest;
mod validate;
