//! What a richer prediction does not explain of some successive samples, where the series is not linear.

use super::regression::{LAGS, MANY, Regression};
use crate::control::Check;
use crate::numeric::moments::mean_and_deviation;

/// The samples over which residuals are taken together.
const SPAN: usize = 32;
/// A prediction is learned from at most this many samples, evenly spaced.
const MAX_SAMPLES: usize = 4000;
/// The ridge, in units of the channel's variance.
const RIDGE: f64 = 1e-5;
/// It is looked at only where the quick prediction's random functions explain this much of what the lags leave.
const MIN_SCREENING_GAIN: f64 = 0.02;
/// It is used where its own explain this much.
const MIN_GAIN: f64 = 0.1;
/// How many deviations of the logarithm of the mean square are usual.
const LIMIT_DEVIATIONS: f64 = 3.0;
/// The least deviation.
const MIN_LOG_DEVIATION: f64 = 0.05;
/// What a deviation beyond is worth, beside the excess of a single residual.
const EXCESS_WEIGHT: f64 = 0.5;
/// The resolution of a residual, in units of the robust scale.
const RESOLUTION: f64 = 1e-2;

/// How well a series follows its own law, for [`SPAN`] samples at a time: a prediction by 256 random functions of the
/// past, where these explain at least a tenth of what a linear one leaves of samples not seen.
///
/// An incident that goes on as the series might, but not as it would, leaves no sample that stands out; what it leaves
/// is that all are a little harder to predict.
#[derive(Debug, Clone, PartialEq)]
pub struct Dynamics {
    /// The weights, as those of [`super::Predictor`].
    pub weights: Vec<f32>,
    /// The logarithm of the mean square that is usual, in the predictor's units.
    pub limit: f32,
    /// The excess per unit of the logarithm beyond.
    pub slope: f32,
}

impl Dynamics {
    /// The number of weights.
    pub fn weights() -> usize {
        MANY.weights()
    }

    /// Learns from the units of every segment, `factor` being that of the predictor and `screening` what it was learned
    /// by; also returns per segment the held-out excesses of the samples from [`BACK`] on. None where it does not pay.
    pub(super) fn fit(
        units: &[Vec<f32>],
        screening: &Regression,
        factor: f32,
        check: Check,
    ) -> Option<(Self, Vec<Vec<f32>>)> {
        screening.bent().filter(|gain| *gain >= MIN_SCREENING_GAIN)?;
        let regression = Regression::of(units, &MANY, MAX_SAMPLES, RIDGE, check)?;
        let gain = regression.bent().filter(|gain| *gain >= MIN_GAIN)?;
        let weights = regression.weights()?;
        let held_out = regression.held_out(units, check)?;
        let mut sizes: Vec<Vec<f32>> = held_out.iter().map(|r| sizes(r, factor)).collect();
        let (mean, deviation) = moments(&sizes)?;
        let dynamics = Self {
            weights,
            limit: (mean + LIMIT_DEVIATIONS * deviation) as f32,
            slope: (EXCESS_WEIGHT * gain / deviation) as f32,
        };
        sizes.iter_mut().for_each(|s| dynamics.exceed(s));
        Some((dynamics, sizes))
    }

    /// The same with the limit raised to what the samples of newer segments show.
    pub(super) fn widened(&self, units: &[Vec<f32>], factor: f32, check: Check) -> Self {
        let sizes: Vec<Vec<f32>> = units.iter().map(|s| self.sizes(s, factor, check)).collect();
        let Some((mean, deviation)) = moments(&sizes) else {
            return self.clone();
        };
        Self {
            limit: self.limit.max((mean + LIMIT_DEVIATIONS * deviation) as f32),
            ..self.clone()
        }
    }

    /// The excesses of the samples of a segment from [`BACK`] on, each by the [`SPAN`] samples that end with it.
    pub(super) fn excesses(&self, units: &[f32], factor: f32, check: Check) -> Vec<f32> {
        let mut out = self.sizes(units, factor, check);
        self.exceed(&mut out);
        out
    }

    /// The excess of the last of [`LAGS`] and one samples, whose residual joins the `recent` ones before it.
    pub(super) fn latest(&self, units: &[f32], factor: f32, recent: &mut Vec<f32>, check: Check) -> f32 {
        if recent.len() == SPAN {
            recent.remove(0);
        }
        recent.extend(MANY.residuals(units, &self.weights, check));
        let mut size = sizes(recent, factor);
        self.exceed(&mut size);
        size.first().copied().unwrap_or(0.0)
    }

    fn sizes(&self, units: &[f32], factor: f32, check: Check) -> Vec<f32> {
        sizes(&MANY.residuals(units, &self.weights, check), factor)
    }

    /// Turns sizes into excesses.
    fn exceed(&self, sizes: &mut [f32]) {
        for size in sizes {
            *size = self.slope * (*size - self.limit).max(0.0);
        }
    }
}

/// The logarithm of the mean square of every [`SPAN`] successive residuals. Sums of pairs, of pairs of pairs and so on:
/// the same wherever the series begins.
fn sizes(residuals: &[f32], factor: f32) -> Vec<f32> {
    let mut sums: Vec<f32> = residuals.iter().map(|r| r * r).collect();
    let mut width = 1;
    while width < SPAN {
        for i in (width..sums.len()).rev() {
            sums[i] += sums[i - width];
        }
        width *= 2;
    }
    let least = (RESOLUTION * f64::from(factor)).powi(2);
    let size = |s: f32| (f64::from(s) / SPAN as f64 + least).ln() as f32;
    sums.into_iter().skip(SPAN - 1).map(size).collect()
}

/// Mean and deviation, at least [`MIN_LOG_DEVIATION`], of sizes; none without one.
fn moments(sizes: &[Vec<f32>]) -> Option<(f64, f64)> {
    let (mean, deviation) = mean_and_deviation(sizes.iter().flatten().map(|s| f64::from(*s)));
    mean.is_finite().then(|| (mean, deviation.max(MIN_LOG_DEVIATION)))
}

/// The excesses in retrospective scores of all samples of a segment, by the spans around them, from those of the
/// samples from [`BACK`] on by the spans that end with them; at the end of the segment by the last one.
pub(super) fn around(excesses: Vec<f32>, samples: usize) -> Vec<f32> {
    let last = excesses.last().copied().unwrap_or(0.0);
    let ends = std::iter::repeat_n(0.0, BACK)
        .chain(excesses)
        .chain(std::iter::repeat(last));
    ends.skip(SPAN / 2).take(samples).collect()
}

/// How many samples an excess looks back on: those of a span, and those before them.
pub(super) const BACK: usize = LAGS + SPAN - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::sampling::uniform;
    use crate::residual::Residuals;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    /// The equation of Mackey and Glass 1977 (doi:10.1126/science.267326), a step for every sample, with a little
    /// noise.
    fn chaos(samples: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut x: Vec<f64> = (0..18).map(|_| 0.5 + 0.5 * uniform(&mut rng)).collect();
        while x.len() < samples + 200 {
            let (now, then) = (x[x.len() - 1], x[x.len() - 18]);
            x.push(now + 0.2 * then / (1.0 + then.powi(10)) - 0.1 * now);
        }
        let mut noisy = |v: &f64| (4.0 * v + 0.05 * uniform(&mut rng)) as f32;
        x[200..].iter().map(&mut noisy).collect()
    }

    fn fit(channels: Vec<Vec<f32>>, longest: usize) -> Residuals {
        Residuals::fit(&[channels], longest, &|| {}).0
    }

    fn dynamics(residuals: &Residuals) -> Option<&Dynamics> {
        residuals.predictors[0].as_ref().unwrap().dynamics.as_ref()
    }

    #[test]
    fn they_are_learned_of_one_long_channel_that_is_no_line() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let noise: Vec<f32> = (0..3000).map(|_| uniform(&mut rng) as f32).collect();
        let wave: Vec<f32> = noise
            .iter()
            .zip(0..)
            .map(|(n, t)| n + (t as f32 / 9.0).sin())
            .collect();
        assert!(dynamics(&fit(vec![chaos(3000, 1)], 64)).is_some());
        assert!(dynamics(&fit(vec![noise], 64)).is_none());
        assert!(dynamics(&fit(vec![wave], 64)).is_none());
        assert!(dynamics(&fit(vec![chaos(900, 1)], 64)).is_none());
        assert!(dynamics(&fit(vec![chaos(3000, 1)], BACK)).is_none());
        assert!(dynamics(&fit(vec![chaos(3000, 1), chaos(3000, 2)], 64)).is_none());
    }

    #[test]
    fn what_breaks_the_law_exceeds_around_it_and_nothing_else_does() {
        let (residuals, held_out) = Residuals::fit(&[vec![chaos(4000, 1)]], 64, &|| {});
        let exceeds =
            |of: &dyn Fn(usize) -> f32, range: std::ops::Range<usize>| range.filter(|t| of(*t) > 0.0).count();
        let usual = exceeds(&|t| held_out[0].of(t)[0][0], 0..4000);
        assert!(usual < 60, "{usual}");
        // Far less than the series itself varies.
        let mut later = chaos(2000, 2);
        later[1000..1020].iter_mut().step_by(3).for_each(|v| *v += 0.15);
        let found = residuals.excesses(&[later], &|| {});
        let (around, until) = (|t| found.of(t)[0][0], |t| found.until(t)[0][0]);
        let peak = |of: &dyn Fn(usize) -> f32| (0..2000).max_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap();
        assert!((980..1040).contains(&peak(&around)), "{}", peak(&around));
        assert!((1000..1080).contains(&peak(&until)), "{}", peak(&until));
        assert!(around(1010) > 1.0);
        // Nothing is known of it before it, nor told long after.
        assert!(exceeds(&until, 0..1000) < 20 && exceeds(&until, 1100..2000) < 20);
        assert!(exceeds(&around, 0..980) < 20 && exceeds(&around, 1060..2000) < 20);
    }

    #[test]
    fn in_hindsight_a_span_is_that_half_a_span_later() {
        let spans: Vec<f32> = (0..60).map(|i| i as f32).collect();
        let found = around(spans, BACK + 60);
        for (t, value) in found.iter().enumerate() {
            let end = (t + SPAN / 2).min(BACK + 59);
            let expected = end.checked_sub(BACK).map_or(0.0, |i| i as f32);
            assert_eq!(*value, expected, "{t}");
        }
        assert_eq!(around(Vec::new(), 3), [0.0; 3]);
    }

    #[test]
    fn sizes_are_those_of_whole_spans_wherever_the_series_begins() {
        let residuals: Vec<f32> = (0..100).map(|i| (i * 37 % 23) as f32 / 7.0).collect();
        let all = sizes(&residuals, 1.0);
        for end in SPAN..100 {
            let own = &residuals[end - SPAN + 1..=end];
            let mean = own.iter().map(|r| f64::from(*r).powi(2)).sum::<f64>() / SPAN as f64;
            let found = all[end + 1 - SPAN];
            assert!((f64::from(found) - (mean + 1e-4).ln()).abs() < 1e-5);
            assert_eq!(sizes(own, 1.0), [found]);
        }
    }

    #[test]
    fn newer_segments_that_are_less_regular_raise_what_is_usual() {
        let (residuals, _) = Residuals::fit(&[vec![chaos(4000, 1)]], 64, &|| {});
        let limit = |r: &Residuals| dynamics(r).unwrap().limit;
        let (same, _) = residuals.updated(&[vec![chaos(1000, 3)]], &|| {});
        assert!(limit(&same) - limit(&residuals) < 0.3);
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut wild = chaos(1000, 4);
        wild.iter_mut().for_each(|v| *v += uniform(&mut rng) as f32);
        let (raised, excesses) = residuals.updated(&[vec![wild.clone()]], &|| {});
        assert!(limit(&raised) > limit(&residuals) + 0.5);
        let count = |r: &Residuals| {
            let found = r.excesses(&[&wild], &|| {});
            (0..1000).filter(|t| found.of(*t)[0][0] > 0.0).count()
        };
        assert_eq!(excesses[0], raised.excesses(&[&wild], &|| {}));
        assert!(
            count(&raised) < 50 && count(&residuals) > 300,
            "{} {}",
            count(&raised),
            count(&residuals)
        );
        // What is shorter than a span says nothing.
        assert_eq!(
            limit(&residuals.updated(&[vec![chaos(40, 5)]], &|| {}).0),
            limit(&residuals)
        );
    }
}
