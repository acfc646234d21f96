//! The threshold that agrees with what a user said of single stretches.

use super::{Calibration, MAX_ALPHA, MIN_ALPHA, Source};

/// What a user said of stretches of a series: first and last time of each, both included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// "This was normal": nothing in it should be flagged.
    pub normal: Vec<(i64, i64)>,
    /// "This was one": something in it should be flagged.
    pub anomalous: Vec<(i64, i64)>,
}

impl Calibration {
    /// The same distribution with the threshold that makes the fewest mistakes: a normal stretch flagged or
    /// an anomalous one missed counts as one, whatever its length. Each stretch is given by its highest score.
    /// However many stretches were called normal, the threshold does not rise above an anomalous one that the present
    /// one flags: what a user confirmed is found again.
    ///
    /// Of all thresholds with the fewest mistakes, the range nearest to the present threshold is taken: the
    /// present one, if it lies in the range; else the middle of the range, or, where it has no other end, a
    /// tail's scale beyond the score that bounds it. `alpha` becomes the survival function at the threshold,
    /// at least 1e-300; where it exceeds 0.5 the threshold is moved up until it does not.
    #[must_use]
    pub fn by_labels(&self, normal: &[f64], anomalous: &[f64]) -> Self {
        let ascending = |scores: &mut dyn Iterator<Item = &f64>| {
            let mut scores: Vec<f64> = scores.copied().collect();
            scores.sort_by(f64::total_cmp);
            scores
        };
        let mut bounds = ascending(&mut normal.iter().chain(anomalous));
        bounds.dedup();
        let (normal, missable) = (ascending(&mut normal.iter()), ascending(&mut anomalous.iter()));
        // Range i holds the thresholds from bound i-1 (included: a score must lie above to be flagged) to
        // below bound i.
        let low = |i: usize| i.checked_sub(1).map_or(f64::NEG_INFINITY, |i| bounds[i]);
        let high = |i: usize| bounds.get(i).copied().unwrap_or(f64::INFINITY);
        let mistakes = |i: usize| {
            let up_to = |scores: &[f64]| scores.partition_point(|s| *s <= low(i));
            normal.len() - up_to(&normal) + up_to(&missable)
        };
        let far = |i: usize| (low(i) - self.threshold).max(self.threshold - high(i)).max(0.0);
        let confirmed = anomalous.iter().copied().filter(|s| self.is_anomaly(*s));
        let limit = confirmed.fold(f64::INFINITY, f64::min);
        let ranges = (0..=bounds.len()).filter(|i| low(*i) < limit);
        let best = ranges.min_by(|&i, &j| mistakes(i).cmp(&mistakes(j)).then(far(i).total_cmp(&far(j))));
        let (low, high) = best.map_or((f64::NEG_INFINITY, f64::INFINITY), |i| (low(i), high(i)));
        let threshold = if (low..high).contains(&self.threshold) {
            self.threshold
        } else if low == f64::NEG_INFINITY {
            high - self.tail.scale
        } else if high == f64::INFINITY {
            low + self.tail.scale
        } else {
            low + (high - low) / 2.0
        };
        let alpha = self.survival(threshold);
        let mut moved = if alpha <= MAX_ALPHA {
            self.with_threshold(threshold, alpha.max(MIN_ALPHA))
        } else {
            self.at(alpha)
        };
        moved.source = Source::Labels;
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::TailPrior;

    fn calibration() -> Calibration {
        let scores = (0..4000)
            .map(|i| -(1.0 - (f64::from(i) + 0.5) / 4000.0).ln())
            .collect();
        Calibration::fit(&[scores], 0, 0.0, TailPrior::RETROSPECTIVE, Source::HeldOut, 1e-2)
    }

    #[test]
    fn labels_that_agree_change_nothing() {
        let c = calibration();
        let same = c.by_labels(&[c.threshold - 1.0], &[c.threshold + 1.0]);
        assert_eq!((same.threshold, same.source), (c.threshold, Source::Labels));
        assert!((same.alpha / c.alpha - 1.0).abs() < 1e-9);
        assert_eq!(c.by_labels(&[], &[]).threshold, c.threshold);
    }

    #[test]
    fn a_false_alarm_raises_the_threshold_and_a_miss_lowers_it() {
        let c = calibration();
        let calmer = c.by_labels(&[7.0, 2.0], &[]);
        assert!(calmer.threshold > 7.0 && calmer.alpha < c.alpha && !calmer.is_anomaly(7.0));
        let keener = c.by_labels(&[], &[3.0, 9.0]);
        assert!(keener.threshold < 3.0 && keener.alpha > c.alpha && keener.is_anomaly(3.0));
        let between = c.by_labels(&[6.0], &[8.0]);
        assert_eq!(between.threshold, 7.0);
        assert!(between.p_value(8.0) < between.alpha && between.p_value(6.0) >= between.alpha);
    }

    #[test]
    fn no_number_of_normal_stretches_hides_a_confirmed_incident() {
        let c = calibration();
        let found = c.threshold + 1.0;
        let moved = c.by_labels(&[found + 5.0, found + 6.0, found + 7.0], &[found, found + 9.0]);
        assert!(
            moved.is_anomaly(found) && moved.threshold >= c.threshold,
            "{moved:?}"
        );
        // One that was missed anyway is no reason to alarm more often than the others allow.
        let missed = c.threshold - 1.0;
        assert!(c.by_labels(&[found, found + 1.0], &[missed]).threshold > found + 1.0);
    }

    #[test]
    fn contradictions_cost_the_fewest_mistakes() {
        let c = calibration();
        let t = c.by_labels(&[2.0, 3.0, 9.0], &[6.0, 7.0, 8.0]).threshold;
        assert!((3.0..6.0).contains(&t), "one false alarm, nothing missed: {t}");
        let low = c.by_labels(&[], &[0.001]);
        assert!(
            (low.alpha - 0.5).abs() < 1e-12,
            "no more than every second sample: {low:?}"
        );
    }
}
