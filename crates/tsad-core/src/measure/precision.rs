//! Precision and recall.

/// Precision and recall, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecall {
    /// Of what was flagged, the share that was right.
    pub precision: f64,
    /// Of what was labelled, the share that was found.
    pub recall: f64,
}

impl PrecisionRecall {
    /// The harmonic mean of both; 0 where both are 0.
    #[must_use]
    pub fn f1(&self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 {
            2.0 * self.precision * self.recall / sum
        } else {
            0.0
        }
    }

    /// From counts; a share of nothing is 0.
    pub(super) fn of_counts(hits: usize, flagged: usize, labelled: usize) -> Self {
        let share = |of: usize| if of == 0 { 0.0 } else { hits as f64 / of as f64 };
        Self {
            precision: share(flagged),
            recall: share(labelled),
        }
    }
}
