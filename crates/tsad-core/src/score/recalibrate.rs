//! Another threshold for a trained model, without training it again.

use super::point::{Evidence, Point, Status};
use crate::calibrate::{Calibration, Labels, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Model};
use crate::params::Params;

/// How many false alarms are accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// The probability that a normal sample is flagged, above 0 and at most 0.5.
    Alpha(f64),
    /// Flagged normal samples per day, above 0.
    AlarmsPerDay(f64),
}

/// Rows tell by themselves only what is so many times as severe as what was called normal.
const QUIET: f64 = 1.25;
/// A recalibration on recent scores needs this many times the longest window.
const MIN_LONGEST_WINDOWS: usize = 8;

impl Model {
    /// The same model with the threshold at another error probability. Nothing is learned anew, so the result
    /// is that of a training with the other `alpha`.
    ///
    /// # Errors
    /// `InvalidParameter` if the probability or rate is out of range or a rate is given for
    /// integer times, `TooLittleData` if the model is untrained.
    pub fn recalibrated(&self, target: Target) -> Result<Self> {
        let (alpha, alarms_per_day) = match target {
            Target::Alpha(alpha) => (Some(alpha), None),
            Target::AlarmsPerDay(rate) => (None, Some(rate)),
        };
        let params = Params {
            alpha,
            alarms_per_day,
            ..self.params.clone()
        };
        let params = params.validate()?;
        params.fits_times(self.times)?;
        let alpha = params.alpha_at(self.interval().unwrap_or(1), self.times);
        let mut model = match &self.row_model {
            Some(rows) if !self.has_windows() => Self {
                row_model: Some(rows.at(alpha)),
                ..self.clone()
            },
            _ => self.with_calibration(|c, _| Ok(c.at(self.window_alpha(alpha))))?,
        };
        model.params = (*params).clone();
        Ok(model)
    }

    /// The same model with the threshold that agrees best with what a user said of stretches of a series;
    /// `points` are that series as this model scored it, in the order of time. How the threshold is chosen:
    /// [`Calibration::by_labels`]. A stretch without a scored row is left out.
    ///
    /// # Errors
    /// `TooLittleData` if no stretch has a scored row, or the model is untrained.
    pub fn recalibrated_by_labels(&self, points: &[Point], labels: &Labels) -> Result<Self> {
        let peak = |&(from, to): &(i64, i64)| {
            let after = &points[points.partition_point(|p| p.time < from)..];
            let inside = after.iter().take_while(|p| p.time <= to);
            inside.filter_map(|p| p.window_score).reduce(f64::max)
        };
        let peaks = |ranges: &[(i64, i64)]| -> Vec<f64> { ranges.iter().filter_map(peak).collect() };
        let (normal, anomalous) = (peaks(&labels.normal), peaks(&labels.anomalous));
        let told = |ranges: &[(i64, i64)]| -> Vec<f64> {
            ranges
                .iter()
                .filter_map(|range| least_p_by_itself(points, *range))
                .collect()
        };
        let (told_normal, told_anomalous) = (told(&labels.normal), told(&labels.anomalous));
        let nothing = |list: &[f64]| list.is_empty();
        if [&normal, &anomalous, &told_normal, &told_anomalous]
            .into_iter()
            .all(|l| nothing(l))
        {
            return Err(
                Error::new(ErrorKind::TooLittleData, "no label covers a scored row").with_hint(
                    "Give the rows around every labelled time, at least as many as the longest window.",
                ),
            );
        }
        let mut model = if self.has_windows() {
            self.with_calibration(|c, _| Ok(c.by_labels(&normal, &anomalous)))?
        } else {
            self.clone()
        };
        if let Some(rows) = &mut model.row_model {
            // What is called normal will not be quite the same again; but what was confirmed is found again.
            let normal = told_normal.into_iter().fold(1.0, f64::min).powf(QUIET);
            let confirmed = told_anomalous.into_iter().fold(0.0, f64::max);
            let told = rows.told.min(normal.max(1.001 * confirmed));
            rows.told = told.max(f64::MIN_POSITIVE / 2.0);
        }
        (model.params.alpha, model.params.alarms_per_day) = (model.alpha(), None);
        Ok(model)
    }

    /// The same model with the distribution of normal scores taken from `points`, scored by this model, in time
    /// order, later than its training and taken as normal; `alpha` stays. Points that lie in the training data,
    /// are not final or have no score are left out, and what looks like an incident is set aside as in training.
    ///
    /// # Errors
    /// `TooLittleData` if fewer than eight longest windows of points remain, or the model is untrained.
    pub fn recalibrated_on(&self, points: &[Point]) -> Result<Self> {
        let usable = |p: &&Point| p.is_final && matches!(p.status, Status::Ok | Status::Constant);
        self.with_calibration(|c, longest| {
            let mut segments: Vec<Vec<f64>> = vec![Vec::new()];
            for p in points {
                match (
                    Some(p).filter(usable).and_then(|p| p.window_score),
                    segments.last_mut(),
                ) {
                    (Some(score), Some(open)) => open.push(score),
                    (None, Some(open)) if !open.is_empty() => segments.push(Vec::new()),
                    _ => {}
                }
            }
            let count: usize = segments.iter().map(Vec::len).sum();
            if count < MIN_LONGEST_WINDOWS * longest {
                return Err(Error::new(
                    ErrorKind::TooLittleData,
                    format!(
                        "{count} final scores after the training data, a calibration needs {}",
                        MIN_LONGEST_WINDOWS * longest
                    ),
                )
                .with_hint("Score a longer normal stretch after the training data."));
            }
            let contamination = self.params.contamination;
            Ok(Calibration::fit(
                &segments,
                longest,
                contamination,
                c.prior,
                Source::Recent,
                c.alpha,
            ))
        })
    }

    /// The error probability of the windows, when that of the decision is `alpha`.
    fn window_alpha(&self, alpha: f64) -> f64 {
        if self.row_model.is_some() {
            alpha / 2.0
        } else {
            alpha
        }
    }

    /// The same model with its calibration changed; `change` also gets the longest window. The causal scores, which
    /// nobody has given, keep their distribution and get the threshold at the new error probability.
    fn with_calibration(&self, change: impl Fn(&Calibration, usize) -> Result<Calibration>) -> Result<Self> {
        let mut model = self.clone();
        match (&mut model.body, &mut model.row_model) {
            (Body::Trained(t), row_model) => {
                t.calibration = change(&t.calibration, t.longest_window())?;
                let alpha = whole_alpha(t.calibration.alpha, row_model.is_some());
                t.causal = t.causal.at(alpha);
                if let Some(r) = row_model {
                    *r = r.at(alpha);
                }
            }
            (Body::Untrained(reason), _) => {
                return Err(Error::new(
                    ErrorKind::TooLittleData,
                    format!("the model has no windows: {reason}"),
                )
                .with_hint("Train it on a longer series first."));
            }
        }
        Ok(model)
    }
}

/// The least p-value in a range of times of what rows tell by themselves.
fn least_p_by_itself(points: &[Point], (from, to): (i64, i64)) -> Option<f64> {
    let inside = points[points.partition_point(|p| p.time < from)..].iter();
    let inside = inside.take_while(|p| p.time <= to);
    let told = inside.filter(|p| p.evidence.is_some_and(|e| e != Evidence::Window));
    told.filter_map(|p| p.p_value).reduce(f64::min)
}

/// The error probability of the decision, when that of the windows is `alpha` and rows are judged too.
fn whole_alpha(alpha: f64, rows: bool) -> f64 {
    if rows { (2.0 * alpha).min(0.5) } else { alpha }
}
