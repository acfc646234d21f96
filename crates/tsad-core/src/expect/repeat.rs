//! Runs of equal values.

use super::expectation::Repeats;
use std::ops::Range;

/// The fewest equal values that are too many.
const LEAST: f64 = 3.0;

/// Ranges of equal values, at least two.
fn stretches(values: &[f64]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut from = 0;
    for i in 1..=values.len() {
        if i == values.len() || values[i] != values[from] {
            if i - from >= 2 {
                out.push(from..i);
            }
            from = i;
        }
    }
    out
}

impl Repeats {
    /// Learns from at least one value.
    pub(super) fn fit(values: &[f64]) -> Self {
        let runs = stretches(values);
        let same: usize = runs.iter().map(|r| r.len() - 1).sum();
        Self {
            share: (same as f64 + 0.5) / (values.len() as f64 + 1.0),
            longest: runs.iter().map(ExactSizeIterator::len).max().unwrap_or(1) as u64,
        }
    }

    /// Runs of equal values that are too long at an error rate of `alpha`, with their probability.
    pub(super) fn frozen(&self, values: &[f64], alpha: f64) -> Vec<(Range<usize>, f64)> {
        let runs = stretches(values).into_iter();
        let judged = runs.filter_map(|r| self.p(r.len(), alpha).map(|p| (r, p)));
        judged.collect()
    }

    /// The same among the rows of a training: each run is judged by all others.
    pub(super) fn frozen_among(values: &[f64], alpha: f64) -> Vec<(Range<usize>, f64)> {
        let runs = stretches(values);
        let same: usize = runs.iter().map(|r| r.len() - 1).sum();
        let mut lengths: Vec<usize> = runs.iter().map(ExactSizeIterator::len).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        lengths.extend([1, 1]);
        let judged = runs.into_iter().filter_map(|r| {
            let repeated = r.len() - 1;
            let others = Self {
                share: ((same - repeated) as f64 + 0.5) / ((values.len() - repeated) as f64 + 1.0),
                longest: lengths[usize::from(r.len() == lengths[0])] as u64,
            };
            others.p(r.len(), alpha).map(|p| (r, p))
        });
        judged.collect()
    }

    /// The probability of so many equal values, at most `alpha`; none where they are not too many.
    fn p(&self, length: usize, alpha: f64) -> Option<f64> {
        let share = self.share.clamp(1e-12, 0.999);
        let mut need = (1.0 + alpha.ln() / share.ln()).ceil().max(LEAST);
        if self.longest > 2 {
            need = need.max(2.0 * self.longest as f64 + 2.0);
        }
        (length as f64 >= need).then(|| alpha.min(self.share.powf(length as f64 - 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_equal_value_is_too_many_where_there_never_were_two() {
        let noise: Vec<f64> = (0..500).map(f64::from).collect();
        let never = Repeats::fit(&noise);
        assert_eq!(never.longest, 1);
        assert_eq!(
            never.frozen(&[1.0, 2.0, 2.0, 2.0, 3.0, 3.0], 1e-5),
            [(1..4, never.share.powi(2))]
        );
        assert_eq!(Repeats::fit(&[4.0; 50]).frozen(&[4.0; 60], 1e-5), []);
        let often = Repeats::fit(&[1.0, 1.0, 1.0, 2.0].repeat(50));
        assert_eq!(often.longest, 3);
        assert!(often.frozen(&[1.0; 7], 1e-3).is_empty());
        assert!(never.frozen(&[], 0.0).is_empty());
    }

    #[test]
    fn a_run_of_the_training_does_not_excuse_itself() {
        let mut values: Vec<f64> = (0..500).map(f64::from).collect();
        values[100..106].fill(-1.0);
        assert!(Repeats::fit(&values).frozen(&values, 1e-5).is_empty());
        let found = Repeats::frozen_among(&values, 1e-5);
        assert_eq!((found.len(), &found[0].0), (1, &(100..106)));
        // What happens twice is the way of the data.
        values[300..306].fill(-1.0);
        assert!(Repeats::frozen_among(&values, 1e-5).is_empty());
        assert!(Repeats::frozen_among(&[], 1e-5).is_empty());
        assert!(Repeats::frozen_among(&[4.0; 3], 1e-5).len() < 2);
    }
}
