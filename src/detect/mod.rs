//! Set-returning functions over tables: `tsad.detect` and `tsad.events`.
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
