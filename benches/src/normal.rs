//! Made series without any anomaly, of several kinds: what a false-alarm rate can be measured on.

use std::f64::consts::TAU;

use crate::synthetic::Noise;

/// A kind of normal behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Independent normal values.
    White,
    /// An autoregression of order one with coefficient 0.9.
    Autoregressive,
    /// Two periods (48 and 336 rows) and normal noise.
    Seasonal,
    /// A period of 60 rows whose noise is Student's t with three degrees of freedom.
    HeavyTailed,
    /// A generalised autoregressive conditional heteroscedastic series (Bollerslev 1986): calm and wild times.
    Heteroscedastic,
    /// Multiplicative: a load with a daily curve of 144 rows and noise that grows with it, never negative.
    Load,
    /// A switch between two levels at irregular times, with noise.
    Switching,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::White,
        Self::Autoregressive,
        Self::Seasonal,
        Self::HeavyTailed,
        Self::Heteroscedastic,
        Self::Load,
        Self::Switching,
    ];

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::White => "white",
            Self::Autoregressive => "autoregressive",
            Self::Seasonal => "seasonal",
            Self::HeavyTailed => "heavy_tailed",
            Self::Heteroscedastic => "heteroscedastic",
            Self::Load => "load",
            Self::Switching => "switching",
        }
    }

    /// `rows` values; equal seeds give equal values, and a longer series continues a shorter one.
    #[must_use]
    pub fn values(self, rows: usize, seed: u64) -> Vec<f64> {
        let mut noise = Gauss(Noise(seed.wrapping_mul(0x9e37_79b9).wrapping_add(self as u64)));
        let wave = |i: usize, period: f64| (TAU * i as f64 / period).sin();
        let (mut state, mut variance) = (0.0_f64, 1.0_f64);
        let mut value = |i: usize| match self {
            Self::White => noise.next(),
            Self::Autoregressive => {
                state = 0.9 * state + noise.next();
                state
            }
            Self::Seasonal => wave(i, 48.0) + 0.5 * wave(i, 336.0) + 0.2 * noise.next(),
            Self::HeavyTailed => wave(i, 60.0) + 0.2 * noise.student3(),
            Self::Heteroscedastic => {
                variance = 0.05 + 0.1 * state * state + 0.85 * variance;
                state = variance.sqrt() * noise.next();
                state
            }
            Self::Load => {
                let level = 10.0 * (0.8 * wave(i, 144.0)).exp();
                level * (0.1 * noise.next()).exp()
            }
            Self::Switching => {
                if noise.0.next() > 0.98 {
                    state = 3.0 - state;
                }
                state + 0.3 * noise.next()
            }
        };
        (0..rows).map(&mut value).collect()
    }
}

/// Numbers of the standard normal distribution.
struct Gauss(Noise);

impl Gauss {
    /// The next number (Box and Muller 1958, doi:10.1214/aoms/1177706645).
    fn next(&mut self) -> f64 {
        let radius = (-2.0 * (0.5 - 0.5 * self.0.next()).ln()).sqrt();
        radius * (TAU * self.0.next()).cos()
    }

    /// A number of Student's t distribution with three degrees of freedom.
    fn student3(&mut self) -> f64 {
        let chi: f64 = (0..3).map(|_| self.next().powi(2)).sum();
        self.next() / (chi / 3.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_finite_repeatable_and_continue() {
        for family in Family::ALL {
            let (short, long) = (family.values(500, 3), family.values(4000, 3));
            assert_eq!(short, long[..500], "{}", family.name());
            assert!(long.iter().all(|v| v.is_finite()));
            assert_ne!(short, family.values(500, 4));
        }
    }

    #[test]
    fn the_normal_numbers_have_the_normal_moments() {
        let values = Family::White.values(100_000, 1);
        let mean = |f: fn(f64) -> f64| values.iter().map(|v| f(*v)).sum::<f64>() / 1e5;
        assert!(mean(|v| v).abs() < 0.02 && (mean(|v| v * v) - 1.0).abs() < 0.02);
        assert!((mean(|v| v.powi(4)) - 3.0).abs() < 0.15);
    }
}
