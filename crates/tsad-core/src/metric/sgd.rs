//! Stochastic gradient descent with momentum, weight decay and a bounded gradient.

/// What a step is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// The share of the velocity that a step adds.
    pub rate: f64,
    /// The share of the velocity that is kept (Polyak 1964, doi:10.1016/0041-5553(64)90137-5).
    pub momentum: f64,
    /// The share of a weight that is added to its gradient.
    pub decay: f64,
    /// The largest norm of a gradient; a larger one is shortened to it.
    pub clip: f64,
}

/// The velocities of all weights.
pub struct Descent {
    rates: Rates,
    velocity: Vec<Vec<f64>>,
}

impl Descent {
    /// Starts at rest; `sizes` are the numbers of weights of the parts.
    pub fn new(rates: Rates, sizes: impl Iterator<Item = usize>) -> Self {
        Self {
            rates,
            velocity: sizes.map(|n| vec![0.0; n]).collect(),
        }
    }

    /// Moves the weights of all parts by one step; the norm is that of all gradients together.
    pub fn step<'a>(&mut self, weights: impl Iterator<Item = &'a mut [f64]>, gradients: &[Vec<f64>]) {
        let Rates {
            rate,
            momentum,
            decay,
            clip,
        } = self.rates;
        let norm = gradients.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        let shorten = if norm > clip { clip / norm } else { 1.0 };
        for ((weights, gradient), velocity) in weights.zip(gradients).zip(&mut self.velocity) {
            for ((w, g), v) in weights.iter_mut().zip(gradient).zip(velocity) {
                *v = momentum * *v + shorten * g + decay * *w;
                *w -= rate * *v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_follows_the_formula() {
        let rates = Rates {
            rate: 0.1,
            momentum: 0.9,
            decay: 0.01,
            clip: 5.0,
        };
        let mut descent = Descent::new(rates, [1, 1].into_iter());
        let (mut a, mut b) = ([1.0], [2.0]);
        descent.step([&mut a[..], &mut b[..]].into_iter(), &[vec![6.0], vec![8.0]]);
        // The norm 10 is halved.
        assert!((a[0] - (1.0 - 0.1 * (3.0 + 0.01))).abs() < 1e-12);
        assert!((b[0] - (2.0 - 0.1 * (4.0 + 0.02))).abs() < 1e-12);
        let before = a[0];
        descent.step([&mut a[..], &mut b[..]].into_iter(), &[vec![0.0], vec![0.0]]);
        assert!((a[0] - (before - 0.1 * (0.9 * 3.01 + 0.01 * before))).abs() < 1e-12);
    }
}
