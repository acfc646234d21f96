//! Evaluation: how well scores or decisions agree with labels. May import
//! `control`, `error`, `numeric`.
//!
//! Three families:
//!
//! | what is judged | functions | depends on |
//! | --- | --- | --- |
//! | the order of the scores | [`vus`], [`auc_pr`], [`auc_roc`], [`best_point_f1`] | ranks only |
//! | the score at its best threshold | [`best_event_f1`], [`best_range_f1`], [`best_affiliation_f1`], [`best_point_adjusted_f1`] | spacing of the scores |
//! | decisions | [`point()`], [`event()`], [`range()`], [`affiliation()`], [`point_adjusted`], [`detection_delay`], [`false_alarms_per_day`] | the threshold in use |
//!
//! [`evaluate`] gives the first two families at once, [`evaluate_decisions`] the third, [`evaluate_rows`] all of
//! them for rows as a database has them. To choose between detectors use
//! VUS-PR ([`vus`], with [`period_length`] as window); it forgives labels that are off by some samples, is hard to
//! please by chance, and is what the TSB-AD benchmark ranks by. The values are those of TSB-AD's own evaluation
//! code (Liu and Paparrizos, NeurIPS 2024), so they compare with published figures.
//!
//! Samples are taken as equally spaced, one score and one label each, in time order. Give samples that have no
//! score the lowest score of the series, or leave them out of both. Scores must be finite, higher is more
//! anomalous; labels must hold both kinds, since with one kind alone none of the score measures is defined.
//!
//! ```
//! use tsad_core::measure::{evaluate, period_length};
//!
//! let values: Vec<f64> = (0..600).map(|i| (i as f64 * 0.2).sin() + if i == 500 { 3.0 } else { 0.0 }).collect();
//! let labels: Vec<bool> = (0..600).map(|i| (499..503).contains(&i)).collect();
//! let scores: Vec<f64> = values.iter().map(|v| v.abs()).collect();
//! let found = evaluate(&scores, &labels, period_length(&values))?;
//! assert!(found.vus_pr > 0.2 && found.event_f1 > 0.99);
//! # Ok::<(), tsad_core::Error>(())
//! ```

mod affiliation;
mod evaluate;
mod event;
mod input;
mod period;
mod precision;
mod range;
mod rank;
mod rows;
mod run;
mod sweep;
mod vus;

pub use affiliation::{affiliation, best_affiliation_f1};
pub use evaluate::{DecisionMeasures, Measures, evaluate, evaluate_decisions, evaluate_with};
pub use event::{
    best_event_f1, best_point_adjusted_f1, detection_delay, event, false_alarms_per_day, point,
    point_adjusted,
};
pub use period::period_length;
pub use precision::PrecisionRecall;
pub use range::{best_range_f1, range};
pub use rank::{auc_pr, auc_roc, best_point_f1};
pub use rows::{Evaluation, Judged, evaluate_rows, sort_by_time};
pub use vus::{Vus, vus, vus_with};
