//! Parameters of training, unchecked and checked. May import `error`, `series`, `view`.

use crate::error::{Error, ErrorKind, Result};
use crate::series::TimeKind;
use crate::view::{MAX_WINDOW, MIN_WINDOW};
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// What decides whether a row is an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The distance from the clusters of normal windows.
    #[default]
    Metric,
    /// The principal direction of the window. The score is then the metric score of equal p-value.
    Direction,
    /// Either of the two: the p-value is twice the smaller one (Bonferroni), the score that of equal p-value.
    Either,
}

/// Microseconds.
const DAY: f64 = 86_400e6;

/// Parameters of training as a user gives them; [`Params::validate`] checks them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Window lengths in samples, ascending, each from 8 to 4096; default 32, 64, 128 and, for a single
    /// channel, 256. The shortest is used
    /// where the training part holds at least twice as many samples, the others where it holds three times as many.
    pub scales: Vec<usize>,
    /// The largest number of cluster centres per view and scale, 1 to 256; default 32.
    pub centres: usize,
    /// The share of training windows that may belong to past incidents, 0 to below 0.5; default 0.02.
    pub contamination: f64,
    /// Whether windows of their own are learned for causal scores, which then find more (docs/experiments.md); default
    /// false, because the model grows several times, and training takes several times as long.
    pub causal: bool,
    /// Whether a metric over all views is learned and used beside the plain views; default false, because measured it
    /// neither gains nor loses on average (docs/experiments.md), and training takes several times as long.
    pub metric: bool,
    /// How many days after its last training row a model is too old, above 0; its scores stand, but say so
    /// ([`StaleModel`](crate::Status::StaleModel)). Default none.
    pub max_age_days: Option<f64>,
    /// The longest gap, in sampling intervals, that is filled linearly, 0 to 1000; default 4.
    pub max_gap: usize,
    /// The most values (rows times channels) that are trained on, 1,000 to 16,777,216; of more rows the latest are
    /// taken. Default 4,000,000.
    pub max_training_points: usize,
    /// The probability that a normal sample is flagged, above 0 and at most 0.5.
    pub alpha: Option<f64>,
    /// The same as a number of flagged normal samples per day, above 0; the default is one a week.
    pub alarms_per_day: Option<f64>,
    /// What decides whether a row is an anomaly; default metric.
    pub decision: Decision,
    /// A row is no anomaly where no value within half the shortest window deviates from the expected value by at
    /// least this much, in units of the values; 0 or above.
    pub min_deviation: Option<f64>,
    /// The same as a share of the size of the expected value; 0 or above. Where both are given, a deviation must
    /// reach both.
    pub min_deviation_relative: Option<f64>,
    /// The seed of all random choices of the training; default 0.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            scales: vec![32, 64, 128, 256],
            centres: 32,
            contamination: 0.02,
            causal: false,
            metric: false,
            max_age_days: None,
            max_gap: 4,
            max_training_points: 4_000_000,
            alpha: None,
            alarms_per_day: None,
            decision: Decision::Metric,
            min_deviation: None,
            min_deviation_relative: None,
            seed: 0,
        }
    }
}

/// The names of all parameters, for messages about misspelt ones.
impl Params {
    /// The names under which the parameters are known to users, in alphabetical order.
    pub const NAMES: [&'static str; 14] = [
        "alarms_per_day",
        "alpha",
        "causal",
        "centres",
        "contamination",
        "decision",
        "max_age_days",
        "max_gap",
        "max_training_points",
        "metric",
        "min_deviation",
        "min_deviation_relative",
        "scales",
        "seed",
    ];

    /// The largest number of values that a model can be trained on.
    pub const MAX_TRAINING_POINTS: usize = 1 << 24;

    /// The largest number of scales.
    pub const MAX_SCALES: usize = 16;

    /// Checks every parameter.
    ///
    /// # Errors
    /// `InvalidParameter`, naming the parameter, its value and its range.
    pub fn validate(self) -> Result<ValidParams> {
        let scales = &self.scales;
        if scales.is_empty() || scales.len() > Self::MAX_SCALES {
            return Err(invalid(
                format!("option \"scales\" has {} window lengths", scales.len()),
                format!("Give 1 to {} window lengths.", Self::MAX_SCALES),
            ));
        }
        for &length in scales {
            within("scales", length, MIN_WINDOW, MAX_WINDOW)?;
        }
        if !scales.is_sorted_by(|a, b| a < b) {
            return Err(invalid(
                "option \"scales\" is not in ascending order",
                "Give every window length once, the shortest first.",
            ));
        }
        within("centres", self.centres, 1, 256)?;
        within("max_gap", self.max_gap, 0, 1000)?;
        within(
            "max_training_points",
            self.max_training_points,
            1000,
            Self::MAX_TRAINING_POINTS,
        )?;
        if !(0.0..0.5).contains(&self.contamination) {
            return Err(invalid(
                format!("option \"contamination\" is out of range: {}", self.contamination),
                "Give a share from 0 to below 0.5.",
            ));
        }
        if let (Some(_), Some(_)) = (self.alpha, self.alarms_per_day) {
            return Err(invalid(
                "options \"alpha\" and \"alarms_per_day\" contradict each other",
                "Give one of the two.",
            ));
        }
        if let Some(alpha) = self.alpha.filter(|a| !(*a > 0.0 && *a <= 0.5)) {
            return Err(invalid(
                format!("option \"alpha\" is out of range: {alpha}"),
                "Give a probability above 0 and at most 0.5.",
            ));
        }
        if let Some(rate) = self.alarms_per_day.filter(|r| !(*r > 0.0 && r.is_finite())) {
            return Err(invalid(
                format!("option \"alarms_per_day\" is out of range: {rate}"),
                "Give a number above 0.",
            ));
        }
        if let Some(days) = self.max_age_days.filter(|d| !(*d > 0.0 && d.is_finite())) {
            return Err(invalid(
                format!("option \"max_age_days\" is out of range: {days}"),
                "Give a number of days above 0.",
            ));
        }
        for (name, least) in [
            ("min_deviation", self.min_deviation),
            ("min_deviation_relative", self.min_deviation_relative),
        ] {
            if let Some(least) = least.filter(|l| !(*l >= 0.0 && l.is_finite())) {
                return Err(invalid(
                    format!("option \"{name}\" is out of range: {least}"),
                    "Give a number of 0 or above.",
                ));
            }
        }
        Ok(ValidParams(self))
    }
}

impl Params {
    /// The longest time after the last training row for which a model is not too old, in microseconds.
    pub(crate) fn max_age(&self) -> Option<i64> {
        self.max_age_days.map(|days| (days * DAY) as i64)
    }

    /// The most rows that are trained on, given the number of their values.
    pub fn most_training_rows(&self, channels: usize) -> usize {
        (self.max_training_points / channels.max(1)).max(1)
    }

    /// Whether anomalies must deviate from their expectation by some least deviation.
    pub(crate) fn asks_for_deviation(&self) -> bool {
        self.min_deviation.is_some() || self.min_deviation_relative.is_some()
    }

    /// Whether a value deviates from the expected one by the least deviation asked for.
    pub(crate) fn is_far(&self, value: f64, expected: f64) -> bool {
        let off = (value - expected).abs();
        off >= self.min_deviation.unwrap_or(0.0)
            && off >= self.min_deviation_relative.unwrap_or(0.0) * expected.abs()
    }
}

fn within(name: &str, value: usize, low: usize, high: usize) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(invalid(
        format!("option \"{name}\" is out of range: {value}"),
        format!("Give a value from {low} to {high}."),
    ))
}

fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameter, message).with_hint(hint)
}

/// Parameters that were checked; they read like [`Params`].
#[derive(Debug, Clone, PartialEq)]
pub struct ValidParams(Params);

impl Deref for ValidParams {
    type Target = Params;

    fn deref(&self) -> &Params {
        &self.0
    }
}

impl ValidParams {
    /// The samples that the shortest window needs for training.
    pub fn least_samples(&self) -> usize {
        2 * self.scales[0]
    }

    /// Checks that the parameters make sense for times of a kind.
    ///
    /// # Errors
    /// `InvalidParameter` if alarms per day or an age are asked for but the times are integers without a unit.
    pub(crate) fn fits_times(&self, times: TimeKind) -> Result<()> {
        if times == TimeKind::Timestamp {
            return Ok(());
        }
        if self.alarms_per_day.is_some() {
            return Err(invalid(
                "option \"alarms_per_day\" needs times with a unit, got integers",
                "Give the error probability per sample with option \"alpha\" instead.",
            ));
        }
        if self.max_age_days.is_some() {
            return Err(invalid(
                "option \"max_age_days\" needs times with a unit, got integers",
                "Leave it out, and compare the integers in SQL.",
            ));
        }
        Ok(())
    }

    /// The error probability per sample at a sampling interval: `alpha` as given, or the rate per day divided
    /// by the samples per day, between 1e-9 and 0.01. Integer times have no day: 0.001 unless `alpha` is given.
    pub fn alpha_at(&self, interval: i64, times: TimeKind) -> f64 {
        const DEFAULT_PER_DAY: f64 = 1.0 / 7.0;
        const DEFAULT_ALPHA: f64 = 1e-3;
        if let Some(alpha) = self.alpha {
            return alpha;
        }
        if times == TimeKind::Integer {
            return DEFAULT_ALPHA;
        }
        let rate = self.alarms_per_day.unwrap_or(DEFAULT_PER_DAY);
        (rate * interval as f64 / DAY).clamp(1e-9, 0.01)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(change: impl FnOnce(&mut Params)) -> String {
        let mut p = Params::default();
        change(&mut p);
        let e = p.validate().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidParameter);
        assert!(e.hint().is_some());
        e.message().to_owned()
    }

    #[test]
    fn every_parameter_is_checked() {
        assert!(rejected(|p| p.scales = vec![]).contains("scales"));
        assert!(rejected(|p| p.scales = vec![7]).contains("scales"));
        assert!(rejected(|p| p.scales = vec![8192]).contains("scales"));
        assert!(rejected(|p| p.scales = vec![64, 32]).contains("ascending"));
        assert!(rejected(|p| p.scales = vec![32, 32]).contains("ascending"));
        assert!(rejected(|p| p.scales = (8..30).collect()).contains("22"));
        assert!(rejected(|p| p.centres = 0).contains("centres"));
        assert!(rejected(|p| p.max_gap = 1001).contains("max_gap"));
        assert!(rejected(|p| p.max_training_points = 999).contains("max_training_points"));
        assert!(rejected(|p| p.max_training_points = 1 << 25).contains("max_training_points"));
        assert!(rejected(|p| p.contamination = 0.5).contains("contamination"));
        assert!(rejected(|p| p.contamination = f64::NAN).contains("contamination"));
        assert!(rejected(|p| p.alpha = Some(0.0)).contains("alpha"));
        assert!(rejected(|p| p.alpha = Some(0.6)).contains("alpha"));
        assert!(rejected(|p| p.alarms_per_day = Some(-1.0)).contains("alarms_per_day"));
        assert!(rejected(|p| p.max_age_days = Some(0.0)).contains("max_age_days"));
        let both = |p: &mut Params| (p.alpha, p.alarms_per_day) = (Some(0.01), Some(1.0));
        assert!(rejected(both).contains("contradict"));
    }

    #[test]
    fn names_are_those_of_the_fields() {
        let json = serde_json::to_value(Params::default()).unwrap();
        let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, Params::NAMES);
    }

    #[test]
    fn a_rate_becomes_a_probability_by_the_interval() {
        let minute = 60_000_000;
        let p = Params {
            alarms_per_day: Some(1.44),
            ..Params::default()
        };
        assert!((p.validate().unwrap().alpha_at(minute, TimeKind::Timestamp) - 0.001).abs() < 1e-12);
        let weekly = Params::default().validate().unwrap();
        assert!((weekly.alpha_at(5 * minute, TimeKind::Timestamp) - 1.0 / 7.0 / 288.0).abs() < 1e-12);
        assert_eq!(weekly.alpha_at(86_400_000_000, TimeKind::Timestamp), 0.01);
        assert_eq!(weekly.alpha_at(1, TimeKind::Integer), 0.001);
    }
}
