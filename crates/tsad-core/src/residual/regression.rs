//! A sample from those before it: linear regression on these and on random functions of them.

use crate::control::Check;
use crate::numeric::linalg::DVector;
use crate::numeric::ridge::{Folds, in_single};
use crate::numeric::sampling::{evenly_spaced, uniform};
use crate::numeric::simd::vectorize;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

/// The samples that a prediction looks back on.
pub const LAGS: usize = 24;
/// An intercept and the lags.
const LINEAR: usize = 1 + LAGS;
/// The samples that each random function looks at.
const INPUTS: usize = 4;
/// Samples that are worked on at a time.
const BLOCK: usize = 256;
/// Rows between two calls of the cancel hook.
const ROWS_PER_CHECK: usize = 64;

/// Random functions of the past samples (Rahimi and Recht 2007, Random Features for Large-Scale Kernel Machines; Huang
/// et al. 2006, doi:10.1016/j.neucom.2005.12.126), the same in every model.
pub(super) struct Basis {
    functions: Vec<Function>,
}

/// A random function of a few of the past samples: `h / (1 + |h|)` of a linear one.
struct Function {
    bias: f32,
    /// Lags, from 1 on, and weights.
    inputs: [(usize, f32); INPUTS],
}

/// What [`super::Predictor`] sees.
pub(super) static FEW: LazyLock<Basis> = LazyLock::new(|| Basis::new(32));
/// What [`super::Dynamics`] sees; the first of them are [`FEW`].
pub(super) static MANY: LazyLock<Basis> = LazyLock::new(|| Basis::new(256));

impl Basis {
    fn new(functions: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(LAGS as u64);
        // Uniform on an interval around 0, of deviation 1.
        let mut draw = || (12.0_f64.sqrt() * (uniform(&mut rng) - 0.5)) as f32;
        let mut function = || Function {
            bias: 0.5 * draw(),
            inputs: [(); INPUTS].map(|()| {
                let place = f64::from(draw()) / 12.0_f64.sqrt() + 0.5;
                (1 + ((place * LAGS as f64) as usize).min(LAGS - 1), draw())
            }),
        };
        Self {
            functions: (0..functions).map(|_| function()).collect(),
        }
    }

    /// The number of weights: of an intercept, of the lags (latest first) and of the functions.
    pub(super) fn weights(&self) -> usize {
        LINEAR + self.functions.len()
    }

    /// The numbers of sample `t`, with what is to be predicted as the last one: the change from the latest sample.
    fn fill(&self, row: &mut [f64], units: &[f32], t: usize) {
        row[0] = 1.0;
        for lag in 1..=LAGS {
            row[lag] = f64::from(units[t - lag]);
        }
        for (r, function) in row[LINEAR..].iter_mut().zip(&self.functions) {
            *r = f64::from(function.at(units, t));
        }
        row[self.weights()] = f64::from(units[t] - units[t - 1]);
    }

    /// What weights do not explain of the samples from [`LAGS`] on. Every step works on successive samples, which the
    /// compiler turns into vector instructions; no sum runs over samples, so that a result does not depend on the
    /// others.
    pub(super) fn residuals(&self, units: &[f32], weights: &[f32], check: Check) -> Vec<f32> {
        let mut out = vec![0.0; units.len().saturating_sub(LAGS)];
        let mut hidden = [0.0_f32; BLOCK];
        for from in (LAGS..units.len()).step_by(BLOCK) {
            check();
            let to = units.len().min(from + BLOCK);
            let (past, out) = (&units[from - LAGS..to], &mut out[from - LAGS..to - LAGS]);
            vectorize(
                #[inline(always)]
                || self.block(past, weights, out, &mut hidden[..to - from]),
            );
        }
        out
    }

    /// The residuals of successive samples, `units` beginning [`LAGS`] samples before the first of them.
    #[inline(always)]
    fn block(&self, units: &[f32], weights: &[f32], out: &mut [f32], hidden: &mut [f32]) {
        let n = out.len();
        let past = |lag: usize| &units[LAGS - lag..LAGS - lag + n];
        for ((o, value), latest) in out.iter_mut().zip(&units[LAGS..]).zip(past(1)) {
            *o = value - latest - weights[0];
        }
        for (lag, weight) in (1..=LAGS).zip(&weights[1..]) {
            let pairs = out.iter_mut().zip(past(lag));
            pairs.for_each(|(o, u)| *o -= weight * u);
        }
        for (function, weight) in self.functions.iter().zip(&weights[LINEAR..]) {
            hidden.fill(function.bias);
            for (lag, weight) in &function.inputs {
                let pairs = hidden.iter_mut().zip(past(*lag));
                pairs.for_each(|(h, u)| *h += weight * u);
            }
            let pairs = out.iter_mut().zip(&*hidden);
            pairs.for_each(|(o, h)| *o -= weight * Function::bend(*h));
        }
    }
}

impl Function {
    #[inline(always)]
    fn bend(h: f32) -> f32 {
        h / (1.0 + h.abs())
    }

    fn at(&self, units: &[f32], t: usize) -> f32 {
        let h = |h: f32, (lag, weight): &(usize, f32)| h + weight * units[t - lag];
        Self::bend(self.inputs.iter().fold(self.bias, h))
    }
}

/// The regression on a basis, with and without each stretch of time.
pub(super) struct Regression {
    basis: &'static Basis,
    folds: Folds,
    ridge: f64,
    /// How many samples there are with their past.
    samples: usize,
    /// The weights without each stretch.
    without: Vec<DVector<f64>>,
}

impl Regression {
    /// Learns from at most `most` samples of the segments, evenly spaced. The ridge is in units of the channel's
    /// variance. None of fewer than four samples for each weight, or where it cannot be solved.
    pub(super) fn of(
        units: &[Vec<f32>],
        basis: &'static Basis,
        most: usize,
        ridge: f64,
        check: Check,
    ) -> Option<Self> {
        let samples: usize = units.iter().map(|s| s.len().saturating_sub(LAGS)).sum();
        if samples < 4 * basis.weights() {
            return None;
        }
        let mut folds = Folds::new(basis.weights() + 1);
        let mut row = vec![0.0; basis.weights() + 1];
        let mut picks = evenly_spaced(samples, most).enumerate().peekable();
        let mut at = 0;
        for segment in units {
            for t in LAGS..segment.len() {
                if let Some((n, _)) = picks.next_if(|(_, pick)| *pick == at) {
                    if n.is_multiple_of(ROWS_PER_CHECK) {
                        check();
                    }
                    basis.fill(&mut row, segment, t);
                    folds.add(Folds::of(at, samples), &row);
                }
                at += 1;
            }
        }
        let without = folds.without_each(ridge, basis.weights())?;
        Some(Self {
            basis,
            folds,
            ridge,
            samples,
            without,
        })
    }

    /// The weights by all stretches.
    pub(super) fn weights(&self) -> Option<Vec<f32>> {
        self.folds.weights(self.ridge, None)
    }

    /// Per segment the residuals of the samples from [`LAGS`] on by weights that have not seen the stretch around them.
    pub(super) fn held_out(&self, units: &[Vec<f32>], check: Check) -> Option<Vec<Vec<f32>>> {
        let without: Vec<Vec<f32>> = self.without.iter().map(in_single).collect::<Option<_>>()?;
        let mut held_out = Vec::with_capacity(units.len());
        let mut at = 0;
        for segment in units {
            let n = segment.len().saturating_sub(LAGS);
            let mut out = Vec::with_capacity(n);
            while out.len() < n {
                let from = out.len();
                let fold = Folds::of(at + from, self.samples);
                let same = (from..n)
                    .take_while(|t| Folds::of(at + t, self.samples) == fold)
                    .count();
                let part = &segment[from..from + same + LAGS];
                out.extend(self.basis.residuals(part, &without[fold], check));
            }
            at += n;
            held_out.push(out);
        }
        Some(held_out)
    }

    /// How much of the variance that the lags leave, in samples that the fit has not seen, the random functions explain
    /// beside them: at most 1, below 0 where they do worse. None where nothing is left.
    pub(super) fn bent(&self) -> Option<f64> {
        let lags = self.folds.without_each(self.ridge, LINEAR)?;
        let lags = self.folds.held_out_square(&lags).filter(|square| *square > 0.0)?;
        Some(1.0 - self.folds.held_out_square(&self.without)? / lags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bends_is_told_from_what_is_a_line() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut noise = || uniform(&mut rng) as f32 - 0.5;
        let (mut line, mut map) = (vec![0.1_f32; 3], vec![0.4_f32]);
        for _ in 0..3000 {
            let (a, b) = (line[line.len() - 1], line[line.len() - 2]);
            line.push(1.2 * a - 0.5 * b + noise());
            // The logistic map, which no line explains.
            let x = map[map.len() - 1];
            map.push((3.9 * x * (1.0 - x)).clamp(0.001, 0.999));
        }
        let bent = |units: Vec<f32>, basis: &'static Basis| {
            let found = Regression::of(&[units], basis, 3000, 1e-6, &|| {});
            found.unwrap().bent().unwrap()
        };
        assert!(bent(line.clone(), &FEW).abs() < 0.05 && bent(line, &MANY).abs() < 0.15);
        assert!(bent(map.clone(), &FEW) > 0.3 && bent(map, &MANY) > 0.8);
    }
}
