//! Principal directions of windows and their distribution: the inner product of a window's direction with the
//! reference direction of its class as a measure of anomaly. May import `numeric`.
//!
//! - `principal`: the direction of a window, where it is defined
//! - `vmf`: mean direction, resultant length and concentration (von Mises-Fisher) of the normal windows of a class
//! - `threshold`: from the deviation `z = 1 - |r . u|` to a p-value and a threshold, by moments

mod principal;
mod threshold;
mod vmf;

pub use threshold::Deviation;
pub(crate) use vmf::MAX_CONCENTRATION as MAX_CONCENTRATED;
pub use vmf::{Mean, bessel_ratio, concentration};

use vmf::dot;

/// The distribution of one kind of direction among the normal windows of a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The mean direction mu, of unit length.
    pub direction: Vec<f32>,
    /// The resultant length R, 0 to 1: 1 if all directions agree.
    pub resultant: f64,
    /// The concentration kappa, 0 or above.
    pub kappa: f64,
    /// The number of training windows with a direction.
    pub windows: u64,
    /// The distribution of the deviation from the mean direction.
    pub deviation: Deviation,
}

impl Axis {
    /// The deviation `z = 1 - |mu . u|` of a direction, from 0 to 1.
    pub fn deviation_of(&self, axis: &[f64]) -> f64 {
        (1.0 - self.inner(axis).abs()).clamp(0.0, 1.0)
    }

    /// The share of each coordinate in the deviation of a direction; sums to 1. None if it does not deviate.
    ///
    /// For unit vectors aligned in sign `1 - mu . u` is half the sum of `(u_j - mu_j)^2`, so each term over the
    /// sum is an exact share.
    pub fn shares(&self, axis: &[f64]) -> Option<Vec<f64>> {
        let sign = if self.inner(axis) < 0.0 { -1.0 } else { 1.0 };
        let terms = axis
            .iter()
            .zip(&self.direction)
            .map(|(u, r)| (sign * u - f64::from(*r)).powi(2));
        let total: f64 = terms.clone().sum();
        (total > 0.0).then(|| terms.map(|t| t / total).collect())
    }

    fn inner(&self, axis: &[f64]) -> f64 {
        axis.iter()
            .zip(&self.direction)
            .map(|(u, r)| u * f64::from(*r))
            .sum()
    }
}

/// The kinds of direction of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of the lag vectors of a single channel.
    Lags,
    /// Of the channels, uncentred: sees changes of level.
    Channels,
    /// Of the channels, centred: sees changes of their relation.
    Relation,
}

impl Kind {
    /// The kinds that windows of `channels` channels have.
    pub fn of(channels: usize) -> &'static [Self] {
        if channels == 1 {
            &[Self::Lags]
        } else {
            &[Self::Channels, Self::Relation]
        }
    }

    /// The name of the kind in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lags => "lags",
            Self::Channels => "channels",
            Self::Relation => "relation",
        }
    }

    /// The number of coordinates of windows of `length` samples of `channels` channels.
    pub fn dimension(self, length: usize, channels: usize) -> usize {
        match self {
            Self::Lags => principal::lag_dimension(length),
            Self::Channels | Self::Relation => channels,
        }
    }

    /// The direction of a window, given channel by channel; none if it is undefined.
    pub fn direction(self, window: &[&[f32]]) -> Option<Vec<f64>> {
        match self {
            Self::Lags => principal::of_lags(window[0], principal::lag_dimension(window[0].len())),
            Self::Channels => principal::of_channels(window, false),
            Self::Relation => principal::of_channels(window, true),
        }
    }
}

/// A class needs this many deviations for a distribution of its own; with fewer it takes that of all classes.
const MIN_DIRECTIONS: usize = 50;

/// A direction of a training window: where the window starts, counted over all segments so that windows of
/// different segments are far apart, and its class.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where the window starts.
    pub start: usize,
    /// The class of the window.
    pub class: usize,
    /// Its direction.
    pub axis: Vec<f64>,
}

/// Learns the distribution of one kind of direction for each of `classes` classes from the directions of
/// training windows of `length` samples, in the order of their starts. A class without directions gets none.
///
/// Every deviation is measured from the mean direction of the class without the windows that share a sample
/// with it, so that no window vouches for itself.
pub fn fit(samples: &[Sample], classes: usize, length: usize) -> Vec<Option<Axis>> {
    let members: Vec<Vec<&Sample>> = (0..classes)
        .map(|k| samples.iter().filter(|s| s.class == k).collect())
        .collect();
    let means: Vec<Option<Mean>> = members
        .iter()
        .map(|m| {
            let axes: Vec<Vec<f64>> = m.iter().map(|s| s.axis.clone()).collect();
            (!axes.is_empty()).then(|| Mean::of(&axes))
        })
        .collect();
    let deviations: Vec<Vec<f64>> = members
        .iter()
        .zip(&means)
        .map(|(m, mean)| {
            mean.as_ref()
                .map_or_else(Vec::new, |mean| held_out(m, mean, length))
        })
        .collect();
    let all: Vec<f64> = deviations.concat();
    if all.is_empty() {
        return vec![None; classes];
    }
    let pooled = Deviation::fit(&all);
    let axis = |((members, mean), own): ((&Vec<&Sample>, Option<Mean>), &Vec<f64>)| {
        let mean = mean?;
        Some(Axis {
            kappa: mean.concentration(),
            resultant: mean.resultant,
            direction: mean.direction.iter().map(|v| *v as f32).collect(),
            windows: members.len() as u64,
            deviation: if own.len() < MIN_DIRECTIONS {
                pooled
            } else {
                Deviation::fit(own)
            },
        })
    };
    members.iter().zip(means).zip(&deviations).map(axis).collect()
}

/// The deviation of every member from the mean of those that share no sample with it; members without such
/// others are left out.
fn held_out(members: &[&Sample], mean: &Mean, length: usize) -> Vec<f64> {
    let aligned: Vec<Vec<f64>> = members
        .iter()
        .map(|s| {
            let sign = if dot(&s.axis, &mean.direction) < 0.0 {
                -1.0
            } else {
                1.0
            };
            s.axis.iter().map(|v| sign * v).collect()
        })
        .collect();
    let mut total = vec![0.0; mean.direction.len()];
    for axis in &aligned {
        total.iter_mut().zip(axis).for_each(|(t, v)| *t += v);
    }
    let mut out = Vec::with_capacity(members.len());
    let mut from = 0;
    for (i, sample) in members.iter().enumerate() {
        while members[from].start + length <= sample.start {
            from += 1;
        }
        let near = (from..members.len()).take_while(|&j| members[j].start < sample.start + length);
        let mut rest = total.clone();
        let mut count = members.len();
        for j in near {
            rest.iter_mut().zip(&aligned[j]).for_each(|(t, v)| *t -= v);
            count -= 1;
        }
        let size = dot(&rest, &rest).sqrt();
        if count > 0 && size > 1e-9 {
            out.push((1.0 - (dot(&rest, &aligned[i]) / size).abs()).clamp(0.0, 1.0));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(i: usize, class: usize, angle: f64) -> Sample {
        Sample {
            start: i * 8,
            class,
            axis: vec![angle.cos(), angle.sin()],
        }
    }

    #[test]
    fn classes_have_directions_of_their_own() {
        let noise = |i: usize| 0.1 * ((i * 7919 % 101) as f64 / 50.0 - 1.0);
        let samples: Vec<Sample> = (0..400)
            .map(|i| sample(i, i % 2, if i % 2 == 0 { 0.3 } else { 1.4 } + noise(i)))
            .collect();
        let axes = fit(&samples, 3, 16);
        let [Some(first), Some(second), None] = &axes[..] else {
            panic!("{axes:?}");
        };
        assert!(first.windows == 200 && first.resultant > 0.99 && first.kappa > 100.0);
        let turned = [0.3_f64.cos(), 0.3_f64.sin()];
        assert!(first.deviation_of(&turned) < 1e-3 && second.deviation_of(&turned) > 0.5);
        assert!(second.deviation.p_value(second.deviation_of(&turned)) < 1e-6);
        let mirrored = turned.map(|v| -v);
        assert!((first.deviation_of(&mirrored) - first.deviation_of(&turned)).abs() < 1e-12);
    }

    #[test]
    fn shares_are_those_of_the_identity() {
        let axis = Axis {
            direction: vec![0.6, 0.8, 0.0],
            resultant: 1.0,
            kappa: 1.0,
            windows: 1,
            deviation: Deviation::fit(&[0.1]),
        };
        let u = [0.0, -0.8, -0.6];
        let shares = axis.shares(&u).unwrap();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[0] - 0.5).abs() < 1e-6 && shares[1] < 1e-12);
        let half: f64 = [0.6, 0.0, 0.6].iter().map(|d: &f64| d * d / 2.0).sum();
        assert!((axis.deviation_of(&u) - half).abs() < 1e-6);
    }
}
