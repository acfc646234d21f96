//! The encoder of one view: a linear map beside one hidden layer.

use crate::numeric::sampling::uniform;
use rand_chacha::ChaCha8Rng;

/// `f(x) = S x + W2 relu(W1 x + b1) + b2`, without normalisation: how far out a window lies must not be lost
/// (unit-sphere embeddings lose most of the accuracy, docs/experiments.md).
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    size: Size,
    /// S, W1, b1, W2, b2 one after the other; matrices input after input, so that a row is what one input adds.
    weights: Vec<f64>,
}

/// The number of inputs, hidden units and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Features of the view.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Coordinates of the embedding.
    pub output: usize,
}

impl Size {
    /// The number of weights.
    pub fn weights(self) -> usize {
        self.ends()[4]
    }

    /// Where S, W1, b1, W2 and b2 end.
    fn ends(self) -> [usize; 5] {
        let Self {
            input,
            hidden,
            output,
        } = self;
        let lengths = [input * output, input * hidden, hidden, hidden * output, output];
        let mut end = 0;
        lengths.map(|l| {
            end += l;
            end
        })
    }

    /// S, W1, b1, W2 and b2 as slices.
    fn split(self, weights: &[f64]) -> [&[f64]; 5] {
        let [a, b, c, d, e] = self.ends();
        [
            &weights[..a],
            &weights[a..b],
            &weights[b..c],
            &weights[c..d],
            &weights[d..e],
        ]
    }
}

impl Encoder {
    /// Draws weights, each uniform within one over the root of the inputs it adds to; biases start at 0.
    pub fn draw(size: Size, rng: &mut ChaCha8Rng) -> Self {
        let [s, w1, b1, w2, _] = size.ends();
        let mut weights = vec![0.0; size.weights()];
        for (i, w) in weights.iter_mut().enumerate() {
            let inputs = match i {
                _ if i < w1 || i < s => size.input,
                _ if i < b1 => continue,
                _ if i < w2 => size.hidden,
                _ => continue,
            };
            *w = (2.0 * uniform(rng) - 1.0) / (inputs as f64).sqrt();
        }
        Self { size, weights }
    }

    /// Takes weights as [`Encoder::weights`] gives them; none if their number is wrong.
    pub fn of_weights(size: Size, weights: Vec<f64>) -> Option<Self> {
        (weights.len() == size.weights()).then_some(Self { size, weights })
    }

    /// The weights.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    pub(super) fn weights_mut(&mut self) -> &mut [f64] {
        &mut self.weights
    }

    /// Writes the embedding of `x` to `out`; `hidden` receives the hidden units.
    pub fn embed(&self, x: &[f32], hidden: &mut [f64], out: &mut [f64]) {
        let [s, w1, b1, w2, b2] = self.size.split(&self.weights);
        hidden.copy_from_slice(b1);
        out.copy_from_slice(b2);
        let rows = w1
            .chunks_exact(self.size.hidden)
            .zip(s.chunks_exact(self.size.output));
        for (x, (w1, s)) in x.iter().zip(rows) {
            add(hidden, f64::from(*x), w1);
            add(out, f64::from(*x), s);
        }
        for (h, w2) in hidden.iter_mut().zip(w2.chunks_exact(self.size.output)) {
            *h = h.max(0.0);
            add(out, *h, w2);
        }
    }

    /// Adds to `gradient` the gradient with respect to the weights, given the input, the hidden units that
    /// [`Encoder::embed`] left, and the gradient with respect to the embedding.
    pub(super) fn backward(&self, x: &[f32], hidden: &[f64], outer: &[f64], gradient: &mut [f64]) {
        let Size {
            hidden: units,
            output,
            ..
        } = self.size;
        let w2 = self.size.split(&self.weights)[3];
        let [s_end, w1_end, b1_end, w2_end, _] = self.size.ends();
        let (gs, rest) = gradient.split_at_mut(s_end);
        let (gw1, rest) = rest.split_at_mut(w1_end - s_end);
        let (gb1, rest) = rest.split_at_mut(b1_end - w1_end);
        let (gw2, gb2) = rest.split_at_mut(w2_end - b1_end);
        let mut inner = vec![0.0; units];
        let columns = w2.chunks_exact(output).zip(gw2.chunks_exact_mut(output));
        for ((i, h), (w2, gw2)) in inner.iter_mut().zip(hidden).zip(columns) {
            if *h > 0.0 {
                add(gw2, *h, outer);
                *i = w2.iter().zip(outer).map(|(w, g)| w * g).sum();
            }
        }
        add(gb1, 1.0, &inner);
        add(gb2, 1.0, outer);
        let rows = gw1.chunks_exact_mut(units).zip(gs.chunks_exact_mut(output));
        for (x, (gw1, gs)) in x.iter().zip(rows) {
            add(gw1, f64::from(*x), &inner);
            add(gs, f64::from(*x), outer);
        }
    }
}

/// Adds `factor` times `b` to `a`.
#[inline]
fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += factor * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    const SIZE: Size = Size {
        input: 5,
        hidden: 7,
        output: 3,
    };

    #[test]
    fn the_gradient_agrees_with_central_differences() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut encoder = Encoder::draw(SIZE, &mut rng);
        let x: Vec<f32> = (0..5).map(|i| (i as f32 - 2.2) * 0.7).collect();
        let outer = [0.3, -1.1, 0.8];
        let value = |e: &Encoder| {
            let (mut hidden, mut out) = ([0.0; 7], [0.0; 3]);
            e.embed(&x, &mut hidden, &mut out);
            (out.iter().zip(&outer).map(|(o, g)| o * g).sum::<f64>(), hidden)
        };
        let (_, hidden) = value(&encoder);
        assert!(hidden.iter().any(|h| *h > 0.0) && hidden.contains(&0.0));
        let mut gradient = vec![0.0; SIZE.weights()];
        encoder.backward(&x, &hidden, &outer, &mut gradient);
        for (i, slope) in gradient.iter().enumerate() {
            let h = 1e-5;
            let at = encoder.weights[i];
            encoder.weights[i] = at + h;
            let above = value(&encoder).0;
            encoder.weights[i] = at - h;
            let below = value(&encoder).0;
            encoder.weights[i] = at;
            assert!(((above - below) / (2.0 * h) - slope).abs() < 1e-8, "weight {i}");
        }
    }

    #[test]
    fn weights_of_wrong_number_are_refused() {
        assert_eq!(Encoder::of_weights(SIZE, vec![0.0; SIZE.weights() + 1]), None);
        let zero = Encoder::of_weights(SIZE, vec![0.0; SIZE.weights()]).unwrap();
        let (mut hidden, mut out) = ([1.0; 7], [1.0; 3]);
        zero.embed(&[1.0; 5], &mut hidden, &mut out);
        assert_eq!((hidden, out), ([0.0; 7], [0.0; 3]));
    }
}
