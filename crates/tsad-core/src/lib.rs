//! The numerical core of pg_tsad: anomaly detection in time series.
//!
//! It knows nothing of PostgreSQL, reads no clock, draws no entropy and does no input or output: the same
//! samples, parameters and seed give the same model, byte for byte.
//!
//! One folder or file is one station. A station imports only what stands below it:
//!
//! ```text
//! train                                          rows -> Model
//! drift                                          Model + rows -> advice
//! episode                                        points -> episodes
//! score                                          Model + rows -> points
//! model                                          plain data and its bytes
//! window   calibrate   expect   params
//! metric   residual   cluster   view   direction   series
//! measure   picture                              apart: labels, pictures
//! numeric   civil   error   control
//! ```
//!
//! - [`series`]: rows become a regular grid without duplicates, cut into segments at long gaps
//! - [`view`]: windows of several lengths seen as amplitude, shape, spectrum and profile
//! - [`residual`]: what neither its past nor the other channels explain of a sample
//! - [`cluster`]: the centres of normal windows, guarded against contaminated training data
//! - [`direction`]: principal directions of windows and their von Mises-Fisher distribution
//! - [`metric`]: the learned distances between windows
//! - `window`: where windows stand, and which of them are learned from
//! - `params`: the options of training, checked ([`Params`])
//! - [`expect`]: the value that was to be expected at a time
//! - [`calibrate`]: from score to p-value and threshold, on training windows held out from the fit
//! - [`model`]: what training found, and its bytes, versioned and checked
//! - [`score`](mod@score): from a model and rows to points, to their explanation, and to a new threshold
//! - `train`: from rows to a model ([`train()`]); [`update`] folds newer rows in
//! - [`drift`](mod@drift): whether a model still fits
//! - [`episode`]: runs of anomalous points, of a whole series or of one that grows
//! - [`measure`]: VUS and the other measures of detection accuracy
//! - [`picture`]: series, scores and episodes as SVG
//! - `numeric`, `civil`, `error`, `control`: arithmetic in a fixed order, dates of the Gregorian calendar, the one error
//!   type, the cancel hook
//!
//! Training: rows are put on a grid (`series`) and scaled, cut into windows (`window`), seen in views (`view`) and
//! clustered (`cluster`); residuals are learned beside them (`residual`). Past incidents are left out (`train`). Scores
//! of windows held out (`score`) give the calibration (`calibrate`), and all of it is a [`Model`].
//!
//! Scoring: rows are put on the model's grid and scaled, and cut into the same windows and views. Distances to the
//! centres are blended over views, channels and lengths, residuals are added, and the calibration turns the sum into
//! a p-value and a decision: a [`Point`]. Points become episodes ([`events`]).
//!
//! docs/architecture.md has the same with a file for every step.
//!
//! # Example
//!
//! ```
//! use tsad_core::{Params, Samples, score, train};
//!
//! let minute = 60_000_000; // times are integers, usually microseconds
//! let mut rows = Samples::new(1)?;
//! for i in 0..2000_i64 {
//!     let spike = if i == 1900 { 8.0 } else { 0.0 };
//!     rows.push(i * minute, &[(i as f64 / 10.0).sin() + spike])?;
//! }
//! let params = Params::default().validate()?;
//! let model = train(rows.head(1500), &params, &|| {})?;
//! let points = score(&model, rows, &|| {})?;
//! assert_eq!(points.len(), 2000);
//! assert!(points[1900].is_anomaly == Some(true));
//! assert!(points[1000].is_anomaly == Some(false));
//! # Ok::<(), tsad_core::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod calibrate;
mod civil;
pub mod cluster;
mod control;
pub mod direction;
pub mod drift;
pub mod episode;
mod error;
pub mod expect;
pub mod measure;
pub mod metric;
pub mod model;
mod numeric;
mod params;
pub mod picture;
pub mod residual;
pub mod score;
pub mod series;
mod train;
pub mod view;
mod window;

pub use control::Check;
pub use drift::drift;
pub use episode::{
    Checkpoint, EpisodeUpdate, Event, EventParams, FollowLimits, FollowResult, MergeGap, RetrainReason,
    events, follow,
};
pub use error::{Error, ErrorKind, Result};
pub use model::Model;
pub use params::{Decision, Params, ValidParams};
pub use score::{
    Evidence, Explainer, Explanation, Point, Status, Stream, score, score_causal, score_only,
    score_with_shares,
};
pub use series::{Samples, TimeKind};
pub use train::{train, update};

/// Makes what the core keeps for as long as the process lives: tables of random functions, some 50 kB, which otherwise
/// are made when they are first needed.
///
/// For callers that give all memory back which was taken while the core ran, whatever became of it: nothing else that
/// outlives a call is taken in one.
pub fn prepare() {
    residual::prepare();
    metric::prepare();
}
