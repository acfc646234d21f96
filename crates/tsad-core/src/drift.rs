//! Whether a model still fits: how far newer rows are from what it was trained on.

use crate::control::Check;
use crate::detector::{Point, share_of_far_windows};
use crate::error::Result;
use crate::model::Model;
use crate::score_only;
use crate::series::{Grid, Samples};
use serde::Serialize;

/// Fewer independent p-values tell nothing.
const LEAST_P_VALUES: usize = 10;
/// P-values less uniform than this with that probability are no accident...
const SIGNIFICANT: f64 = 0.01;
/// ... and matter from this distance on.
const RELEVANT: f64 = 0.15;
/// So many windows like none of the training need no more p-values than this.
const FEW_P_VALUES: usize = 3;
/// Such a share of windows is no incident.
const MOST_FAR: f64 = 0.5;
/// A larger share of windows like none of the training asks for another training.
const MANY_FAR: f64 = 0.1;
/// The sampling interval may differ by this share.
const SAME_INTERVAL: f64 = 0.2;

/// How newer rows compare with what a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// What to do.
    pub advice: Advice,
    /// Why, as a sentence.
    pub reason: String,
    /// The rows that are later than the training.
    pub rows: u64,
    /// Of these, the rows with a score.
    pub scored: u64,
    /// From the last training row to the last row, in the unit of the times; none without later rows.
    #[serde(skip)]
    pub age: Option<i64>,
    /// The share of the windows that are far from all clusters, 0 to 1: more than three deviations of the training
    /// windows beyond their mean. Mean over the window lengths; none where no window is full.
    pub far_share: Option<f64>,
    /// How uniform the p-values are, one for each longest window.
    pub p_values: Uniformity,
    /// The share of the scored rows that are anomalies.
    pub alarm_rate: Option<f64>,
    /// The share that is expected on normal data.
    pub alpha: Option<f64>,
    /// For every column how far its median has moved, in robust deviations of the training; none where there are no
    /// values or the model leaves the column out.
    pub shifts: Vec<Option<f64>>,
}

/// What to do with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Nothing: it fits, or there is too little to tell.
    Keep,
    /// Its threshold: windows are as they were, but their scores are not.
    Recalibrate,
    /// Its training: windows are unlike those it knows.
    Retrain,
}

/// How far p-values are from the uniform distribution that they have on normal data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Uniformity {
    /// The number of p-values.
    pub count: usize,
    /// The largest difference between the two distribution functions, 0 to 1 (Kolmogorov and Smirnov); none without
    /// p-values.
    pub distance: Option<f64>,
    /// The probability of such a distance on normal data, 0 to 1.
    pub probability: Option<f64>,
    /// The largest excess of low p-values, 0 to 1: by how much scores are higher than they were.
    pub excess: Option<f64>,
    /// The probability of such an excess on normal data, 0 to 1 (Smirnov's limit).
    pub excess_probability: Option<f64>,
    /// The median; 0.5 on normal data, lower where scores are higher than they were.
    pub median: Option<f64>,
}

impl Uniformity {
    /// Compares p-values with the uniform distribution. The probability is the limit distribution's, corrected for
    /// small numbers (Stephens 1970, doi:10.1111/j.2517-6161.1970.tb00821.x).
    pub fn of(mut p: Vec<f64>) -> Self {
        p.sort_by(f64::total_cmp);
        let n = p.len() as f64;
        if p.is_empty() {
            return Self {
                count: 0,
                distance: None,
                probability: None,
                excess: None,
                excess_probability: None,
                median: None,
            };
        }
        let above = |(i, p): (usize, &f64)| (i + 1) as f64 / n - p;
        let below = |(i, p): (usize, &f64)| p - i as f64 / n;
        let excess = p.iter().enumerate().map(above).fold(0.0, f64::max);
        let distance = p.iter().enumerate().map(below).fold(excess, f64::max);
        let scaled = distance * (n.sqrt() + 0.12 + 0.11 / n.sqrt());
        Self {
            count: p.len(),
            distance: Some(distance),
            probability: Some(kolmogorov(scaled)),
            excess: Some(excess),
            excess_probability: Some((-2.0 * n * excess * excess).exp()),
            median: Some(p[p.len() / 2]),
        }
    }

    /// Whether the p-values are neither uniform by accident nor nearly so.
    pub fn is_off(&self) -> bool {
        self.count >= LEAST_P_VALUES
            && self.distance.is_some_and(|d| d >= RELEVANT)
            && self.probability.is_some_and(|p| p < SIGNIFICANT)
    }

    /// Whether low p-values are more frequent, neither by accident nor by little. That they are rarer is no reason to
    /// do anything: held-out scores, which the calibration is made of, are somewhat higher than those of a model that
    /// has seen all of the training.
    pub fn is_low(&self) -> bool {
        self.count >= LEAST_P_VALUES
            && self.excess.is_some_and(|d| d >= RELEVANT)
            && self.excess_probability.is_some_and(|p| p < SIGNIFICANT)
    }
}

/// The probability that a Kolmogorov variable exceeds `x`, at least 0.
fn kolmogorov(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (1..=20).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// Compares the rows that are later than a model's training with it; rows may come in any order, and earlier ones are
/// left out, but for the windows that reach into them.
///
/// # Errors
/// As [`crate::score`].
pub fn drift(model: &Model, rows: Samples, check: Check) -> Result<Drift> {
    model.check_rows(&rows)?;
    let rows = rows.sorted_canonically(check);
    let first = rows.times().partition_point(|t| *t <= model.last_time);
    check();
    let newer = rows.tail(first);
    check();
    let points: Vec<Point> = score_only(model, rows, check)?.split_off(first);
    let scored: Vec<&Point> = points.iter().filter(|p| p.score.is_some()).collect();
    let alarms = scored.iter().filter(|p| p.is_anomaly == Some(true)).count();
    let p_values = Uniformity::of(decimated(model, &scored));
    check();
    let far_share = share_of_far_windows(model, &newer, check);
    let (advice, reason) = advise(model, &newer, &p_values, far_share);
    Ok(Drift {
        advice,
        reason,
        rows: newer.len() as u64,
        scored: scored.len() as u64,
        age: newer.times().last().map(|t| t.saturating_sub(model.last_time)),
        far_share,
        p_values,
        alarm_rate: (!scored.is_empty()).then(|| alarms as f64 / scored.len() as f64),
        alpha: model.trained().map(|t| t.calibration.alpha),
        shifts: shifts(model, &newer, check),
    })
}

/// The p-values of samples so far apart that they share no window.
fn decimated(model: &Model, points: &[&Point]) -> Vec<f64> {
    let Some(trained) = model.trained() else {
        return Vec::new();
    };
    let longest = trained.longest_window().max(1) as i64;
    let mut next = i64::MIN;
    let mut out = Vec::new();
    for p in points.iter().filter(|p| p.is_final) {
        let cell = trained.grid.cell(p.time);
        if cell >= next {
            out.extend(p.p_value);
            next = cell.saturating_add(longest);
        }
    }
    out
}

fn advise(model: &Model, newer: &Samples, p: &Uniformity, far: Option<f64>) -> (Advice, String) {
    if let Some(reason) = model.untrained_reason() {
        return (Advice::Retrain, format!("the model is not trained: {reason}"));
    }
    if let (Some(had), Ok(grid)) = (model.interval(), Grid::of_times(newer.times())) {
        let ratio = grid.interval as f64 / had as f64;
        if !(1.0 - SAME_INTERVAL..=1.0 + SAME_INTERVAL).contains(&ratio) {
            return (
                Advice::Retrain,
                format!("the sampling interval is {ratio:.3} times that of the training"),
            );
        }
    }
    let far = far.unwrap_or(0.0);
    let retrain = || {
        let share = 100.0 * far;
        (
            Advice::Retrain,
            format!(
                "{share:.0} % of the windows are like none of the training; if they are normal, fold them in or train anew"
            ),
        )
    };
    if p.count >= FEW_P_VALUES && far > MOST_FAR {
        return retrain();
    }
    if p.count < LEAST_P_VALUES {
        return (
            Advice::Keep,
            format!(
                "too little to tell: {} independent p-values after the training, {LEAST_P_VALUES} are needed",
                p.count
            ),
        );
    }
    let median = p.median.unwrap_or(0.5);
    match p.is_low() {
        false => (
            Advice::Keep,
            format!("scores are no higher than they were: the median p-value is {median:.3}"),
        ),
        true if far > MANY_FAR => retrain(),
        true => (
            Advice::Recalibrate,
            format!("scores are higher than they were: the median p-value is {median:.3}, not 0.5"),
        ),
    }
}

/// How far the median of every column has moved, in robust deviations.
fn shifts(model: &Model, rows: &Samples, check: Check) -> Vec<Option<f64>> {
    let mut out = vec![None; model.channels()];
    for channel in model.trained().map_or(&[][..], |t| &t.channels) {
        check();
        let column = (0..rows.len()).map(|i| rows.row(i)[channel.index]);
        let mut values: Vec<f64> = column.filter(|v| !v.is_nan()).collect();
        if !values.is_empty() {
            let middle = values.len() / 2;
            let (_, median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
            out[channel.index] = Some((*median - channel.scale.median) / channel.scale.scale);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_p_values_are_told_from_others() {
        let even: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
        let u = Uniformity::of(even.clone());
        assert!((u.distance.unwrap() - 0.005).abs() < 1e-12 && u.probability.unwrap() > 0.999 && !u.is_off());
        let low = Uniformity::of(even.iter().map(|p| p.powi(2)).collect());
        assert!(low.is_off() && low.is_low() && low.median.unwrap() < 0.3);
        let high = Uniformity::of(even.iter().map(|p| p.sqrt()).collect());
        assert!(high.is_off() && !high.is_low());
        assert_eq!(Uniformity::of(Vec::new()).distance, None);
    }

    #[test]
    fn the_distribution_is_that_of_the_tables() {
        // Smirnov (1948), doi:10.1214/aoms/1177730256: 1 - L(z).
        for (z, p) in [(0.5, 0.963945), (1.0, 0.27), (1.36, 0.049486), (1.63, 0.009846)] {
            assert!((kolmogorov(z) - p).abs() < 2e-5, "{z}");
        }
        assert_eq!((kolmogorov(0.0), kolmogorov(30.0)), (1.0, 0.0));
    }
}
