//! Means and standard deviations.

/// Weighted mean and standard deviation in one pass (West 1979, doi:10.1145/359146.359153).
#[derive(Default)]
pub(crate) struct Moments {
    weight: f64,
    mean: f64,
    square: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, value: f64, weight: f64) {
        self.weight += weight;
        let step = value - self.mean;
        self.mean += step * weight / self.weight;
        self.square += weight * step * (value - self.mean);
    }

    pub(crate) fn mean_and_deviation(&self) -> (f64, f64) {
        (self.mean, (self.square / self.weight.max(1.0)).sqrt())
    }
}

/// Mean and standard deviation of values; not a number of none.
pub(crate) fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let square = values.map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, square.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_agree_with_the_definition() {
        let mut m = Moments::default();
        for (v, w) in [(1.0, 2.0), (4.0, 1.0), (2.0, 3.0)] {
            m.add(v, w);
        }
        let (mean, deviation) = m.mean_and_deviation();
        assert!((mean - 2.0).abs() < 1e-12 && (deviation - 1.0).abs() < 1e-12);
    }
}
