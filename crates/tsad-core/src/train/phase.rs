//! Learns how far windows lie that are out of step with the training.

use crate::control::Check;
use crate::model::unit::FINEST;
use crate::model::{Stray, ViewModel};
use crate::numeric::moments::Moments;
use crate::window::layout::Layout;

impl Stray {
    /// Compares log distances of windows in step with those of windows out of step.
    pub(crate) fn of(on: impl Iterator<Item = f32>, off: impl Iterator<Item = f32>) -> Self {
        let moments = |logs: &mut dyn Iterator<Item = f32>| {
            let mut moments = Moments::default();
            logs.for_each(|d| moments.add(f64::from(d), 1.0));
            moments.mean_and_deviation()
        };
        let (on, off) = (moments(&mut { on }), moments(&mut { off }));
        Self {
            mean: off.0 as f32,
            slack: (off.0 - on.0).max(0.0) as f32,
            width: (on.1.max(FINEST) / off.1.max(FINEST)).min(1.0) as f32,
        }
    }
}

impl ViewModel {
    /// Learns how far windows out of step lie, from the standardised features of all windows and those of late
    /// ones as extracted. Returns the distances of all windows, found without the windows around them; none where
    /// these are all, and nothing is learned.
    pub(crate) fn learn_stray(
        &mut self,
        features: &[f32],
        late_raw: &[f32],
        layout: &Layout,
        check: Check,
    ) -> Option<Vec<f32>> {
        let mut standardised = late_raw.to_vec();
        self.standard.apply_all(&mut standardised);
        let others = (standardised.as_slice(), layout.late.beside.as_slice());
        let found = self
            .centres
            .held_out_distances_beside(features, &layout.near, others, check);
        let (on, off) = found?;
        let beside = layout.late.beside.iter().map(|i| self.log(on[*i]));
        self.stray = Stray::of(beside, off.iter().map(|d| self.log(*d)));
        Some(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_out_of_step_are_read_as_in_step_and_never_as_larger() {
        let on: Vec<f32> = (0..50).map(|i| i as f32 / 50.0).collect();
        let off = || on.iter().map(|d| 2.0 + 10.0 * d);
        let stray = Stray::of(on.iter().copied(), off());
        for (on, off) in on.iter().zip(off()) {
            assert!((stray.in_step(off) - on).abs() < 0.01);
        }
        let reversed = Stray::of(off(), on.iter().copied());
        assert!((reversed.in_step(0.7) - 0.7).abs() < 1e-6);
        assert_eq!(Stray::of([].into_iter(), [].into_iter()), Stray::NONE);
    }
}
