//! Learns how far unaligned windows lie.

use crate::control::Check;
use crate::model::unit::MIN_LOG_DEVIATION;
use crate::model::{AlignmentCorrection, ViewModel};
use crate::numeric::moments::Moments;
use crate::window::plan::WindowPlan;

impl AlignmentCorrection {
    /// Compares log distances of windows aligned with those of unaligned windows.
    pub(crate) fn of(aligned: impl Iterator<Item = f32>, unaligned: impl Iterator<Item = f32>) -> Self {
        let moments = |logs: &mut dyn Iterator<Item = f32>| {
            let mut moments = Moments::default();
            logs.for_each(|d| moments.add(f64::from(d), 1.0));
            moments.mean_and_deviation()
        };
        let (aligned, unaligned) = (moments(&mut { aligned }), moments(&mut { unaligned }));
        Self {
            mean: unaligned.0 as f32,
            slack: (unaligned.0 - aligned.0).max(0.0) as f32,
            width: (aligned.1.max(MIN_LOG_DEVIATION) / unaligned.1.max(MIN_LOG_DEVIATION)).min(1.0) as f32,
        }
    }
}

impl ViewModel {
    /// Learns how far unaligned windows lie, from the standardised features of all windows and those of offset
    /// ones as extracted. Returns the distances of all windows, found without the windows around them; none where
    /// these are all, and nothing is learned.
    pub(crate) fn learn_alignment(
        &mut self,
        features: &[f32],
        offset_raw: &[f32],
        plan: &WindowPlan,
        check: Check,
    ) -> Option<Vec<f32>> {
        let mut standardised = offset_raw.to_vec();
        self.standard.apply_all(&mut standardised);
        let others = (standardised.as_slice(), plan.offset.aligned.as_slice());
        let found = self
            .centres
            .held_out_distances_beside(features, &plan.near, others, check);
        let (aligned, unaligned) = found?;
        let beside = plan.offset.aligned.iter().map(|i| self.log(aligned[*i]));
        self.alignment = AlignmentCorrection::of(beside, unaligned.iter().map(|d| self.log(*d)));
        Some(aligned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_out_of_step_are_read_as_in_step_and_never_as_larger() {
        let aligned: Vec<f32> = (0..50).map(|i| i as f32 / 50.0).collect();
        let unaligned = || aligned.iter().map(|d| 2.0 + 10.0 * d);
        let correction = AlignmentCorrection::of(aligned.iter().copied(), unaligned());
        for (aligned, unaligned) in aligned.iter().zip(unaligned()) {
            assert!((correction.aligned(unaligned) - aligned).abs() < 0.01);
        }
        let reversed = AlignmentCorrection::of(unaligned(), aligned.iter().copied());
        assert!((reversed.aligned(0.7) - 0.7).abs() < 1e-6);
        assert_eq!(
            AlignmentCorrection::of([].into_iter(), [].into_iter()),
            AlignmentCorrection::NONE
        );
    }
}
