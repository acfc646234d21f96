//! Synthetic anomalies: normal windows changed in the ways in which series go wrong.
//!
//! The kinds are those of NCAD (Carmona et al. 2022, doi:10.24963/ijcai.2022/394), CutAddPaste (Wang et al.
//! 2024, doi:10.1145/3637528.3671739) and COUTA (Xu et al. 2024, doi:10.1109/TKDE.2024.3399738).

use crate::numeric::sampling::uniform;
use rand_chacha::ChaCha8Rng;

/// The number of kinds of incident.
const KINDS: usize = 8;
/// Incidents are at least this share of the window long, spikes excepted.
const SHORTEST: f64 = 0.25;

/// Changes a part of `window`, in units of the robust scale; `other` is another normal window of its length.
pub fn inject(window: &mut [f32], other: &[f32], rng: &mut ChaCha8Rng) {
    let n = window.len();
    let share = SHORTEST + (1.0 - SHORTEST) * uniform(rng);
    let length = ((share * n as f64) as usize).clamp(2, n);
    let from = (uniform(rng) * (n - length + 1) as f64) as usize;
    let size = deviation(window).max(0.3);
    let kind = (uniform(rng) * KINDS as f64) as usize;
    let sign = if uniform(rng) < 0.5 { -1.0 } else { 1.0 };
    let strength = (0.5 + 1.5 * uniform(rng)) as f32;
    let part = &mut window[from..from + length];
    match kind {
        // A spike.
        0 => part[length / 2] += sign * 3.0 * strength * size,
        // A shift of the level.
        1 => part.iter_mut().for_each(|x| *x += sign * strength * size),
        // More noise.
        2 => part
            .iter_mut()
            .for_each(|x| *x += (2.0 * uniform(rng) as f32 - 1.0) * strength * size),
        // A larger or smaller swing about the mean.
        3 => {
            let mean = part.iter().sum::<f32>() / length as f32;
            let factor = if sign < 0.0 { 0.3 } else { 1.0 + strength };
            part.iter_mut().for_each(|x| *x = mean + (*x - mean) * factor);
        }
        // A stuck value.
        4 => {
            let first = part[0];
            part.fill(first);
        }
        // Time runs backwards.
        5 => part.reverse(),
        // A piece of another window, its beginning joined to what was there.
        6 => {
            let step = part[0] - other[from];
            part.iter_mut()
                .zip(&other[from..])
                .for_each(|(x, o)| *x = o + step);
        }
        // Twice the frequency.
        _ => {
            let before = part.to_vec();
            part.iter_mut()
                .enumerate()
                .for_each(|(i, x)| *x = before[2 * i % length]);
        }
    }
}

fn deviation(window: &[f32]) -> f32 {
    let n = window.len() as f32;
    let mean = window.iter().sum::<f32>() / n;
    (window.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    #[test]
    fn every_kind_changes_the_window_and_stays_finite() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let wave = |shift: f32| -> Vec<f32> { (0..40).map(|t| (t as f32 / 3.0 + shift).sin()).collect() };
        let mut changed = 0;
        for _ in 0..200 {
            let mut window = wave(0.0);
            inject(&mut window, &wave(2.0), &mut rng);
            assert!(window.iter().all(|x| x.is_finite()));
            changed += usize::from(window != wave(0.0));
        }
        assert!(changed > 190, "{changed}");
    }

    #[test]
    fn the_shortest_window_can_be_changed() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..100 {
            inject(&mut [0.0; 8], &[1.0; 8], &mut rng);
        }
    }
}
