//! Runs of equal values.

use super::expectation::Repeats;

/// The fewest equal values that are too many.
const LEAST: f64 = 3.0;

/// Ranges of equal values, at least two.
fn stretches(values: &[f64]) -> Vec<std::ops::Range<usize>> {
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
    pub(super) fn frozen(&self, values: &[f64], alpha: f64) -> Vec<(std::ops::Range<usize>, f64)> {
        let share = self.share.clamp(1e-12, 0.999);
        let mut need = (1.0 + alpha.ln() / share.ln()).ceil().max(LEAST);
        if self.longest > 2 {
            need = need.max(2.0 * self.longest as f64 + 2.0);
        }
        let p = |length: usize| alpha.min(self.share.powf(length as f64 - 1.0));
        stretches(values)
            .into_iter()
            .filter(|r| r.len() as f64 >= need)
            .map(|r| (r.clone(), p(r.len())))
            .collect()
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
}
