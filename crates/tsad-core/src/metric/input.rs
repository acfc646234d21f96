//! The input layer: the standardised views of training windows of all lengths and channels.

use crate::view::PerView;

/// Windows as the metric sees them: per view one row per window, short rows filled up with zeros.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    views: PerView<Vec<f32>>,
    count: usize,
}

impl Windows {
    /// Adds a window, given its standardised features per view, none longer than `dims`.
    pub fn push(&mut self, features: PerView<&[f32]>, dims: PerView<usize>) {
        for ((view, features), dim) in self.views.iter_mut().zip(features).zip(dims) {
            let end = view.len() + dim;
            view.extend_from_slice(features);
            view.resize(end, 0.0);
        }
        self.count += 1;
    }

    /// The number of windows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no window.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The features of window `i` in view `v`.
    pub fn row(&self, v: usize, i: usize) -> &[f32] {
        let dim = self.views[v].len() / self.count;
        &self.views[v][i * dim..(i + 1) * dim]
    }

    /// The views side by side, each divided by the root of its dimension so that none outweighs another.
    pub fn joint(&self, dims: PerView<usize>) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.count * dims.iter().sum::<usize>());
        for i in 0..self.count {
            for (v, dim) in dims.iter().enumerate() {
                let share = 1.0 / (*dim as f32).sqrt();
                out.extend(self.row(v, i).iter().map(|x| x * share));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_rows_are_filled_up_and_views_weigh_the_same() {
        let mut w = Windows::default();
        w.push([&[1.0], &[2.0, 3.0], &[], &[4.0]], [1, 4, 2, 1]);
        w.push([&[5.0], &[6.0; 4], &[7.0; 2], &[8.0]], [1, 4, 2, 1]);
        assert_eq!(
            (w.len(), w.row(1, 0), w.row(2, 0)),
            (2, &[2.0, 3.0, 0.0, 0.0][..], &[0.0, 0.0][..])
        );
        let joint = w.joint([1, 4, 2, 1]);
        assert_eq!(joint.len(), 16);
        assert_eq!((joint[0], joint[1], joint[7]), (1.0, 1.0, 4.0));
    }
}
