//! What neither the past of a channel nor the other channels explain: the views of a single sample. May import
//! `control`, `numeric`.
//!
//! Windows tell that something is unusual around a sample, residuals that it is the sample itself. Both residuals use
//! no later sample. Only what exceeds everything usual counts: `log(|r| / l)` where the residual `r` exceeds the
//! limit `l`, four times its root mean square on training samples that the fit has not seen, and 0 otherwise. A
//! channel that is rarely at work has a large limit for the size of its values, so that being at work is no news.
//!
//! Where a channel follows a law that is not linear, a richer prediction is learned and its residuals are taken
//! together over some samples: [`Dynamics`]. In retrospective scores these lie around the sample, else they end with
//! it.

mod dynamics;
mod limit;
mod prediction;
mod regression;
mod relation;
mod standard;

use dynamics::BACK;
pub use dynamics::Dynamics;
pub use prediction::Predictor;
pub use regression::LAGS;
pub use relation::{MAX_RELATED, Relation};

use crate::control::Check;
use dynamics::around;
use prediction::Found;
use std::ops::Range;

/// Makes the random functions.
pub(crate) fn prepare() {
    std::sync::LazyLock::force(&regression::FEW);
    std::sync::LazyLock::force(&regression::MANY);
}

/// The number of residuals.
pub const RESIDUALS: usize = 2;
/// The residuals' models of a series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Residuals {
    /// One for each channel; none where there is too little to learn from.
    pub predictors: Vec<Option<Predictor>>,
    /// One for each group of successive channels; a channel that is alone has none.
    pub relations: Vec<Relation>,
}

/// The excesses of the samples of a segment: of the prediction and of the relation, each sample after sample, one
/// value per channel, 0 where nothing exceeds what is usual.
#[derive(Debug, Clone, PartialEq)]
pub struct Excesses {
    channels: usize,
    /// By what is known when a sample comes.
    prediction: Vec<f32>,
    /// In retrospective scores, where that differs; else empty.
    around: Vec<f32>,
    relation: Vec<f32>,
}

impl Excesses {
    pub(crate) fn zero(channels: usize, samples: usize) -> Self {
        Self {
            channels,
            prediction: vec![0.0; channels * samples],
            around: Vec::new(),
            relation: vec![0.0; channels * samples],
        }
    }

    /// The excesses of a sample in retrospective scores, one value per channel, by prediction and by relation.
    pub fn of(&self, sample: usize) -> [&[f32]; RESIDUALS] {
        match self.around.is_empty() {
            true => self.until(sample),
            false => [&self.around, &self.relation].map(|all| &all[self.own(sample)]),
        }
    }

    /// The same without the samples after it.
    pub fn until(&self, sample: usize) -> [&[f32]; RESIDUALS] {
        [&self.prediction, &self.relation].map(|all| &all[self.own(sample)])
    }

    fn own(&self, sample: usize) -> Range<usize> {
        sample * self.channels..(sample + 1) * self.channels
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.relation.len() / self.channels.max(1)
    }

    /// Puts in what was found of channel `c`.
    fn put_prediction(&mut self, c: usize, found: Found) {
        add(&mut self.prediction, self.channels, c, LAGS, &found.alone);
        // Only a channel that is alone has spans.
        let Some(spans) = found.spans else { return };
        self.around.clone_from(&self.prediction);
        add(&mut self.prediction, self.channels, c, BACK, &spans);
        let spans = around(spans, self.samples());
        add(&mut self.around, self.channels, c, 0, &spans);
    }
}

/// Adds to the excesses of channel `c` of the samples from `from` on.
fn add(all: &mut [f32], channels: usize, c: usize, from: usize, excesses: &[f32]) {
    let places = all.iter_mut().skip(from * channels + c).step_by(channels);
    places.zip(excesses).for_each(|(place, e)| *place += *e);
}

impl Residuals {
    /// Learns from the scaled values of every segment, channel by channel (equally long within a segment). Also
    /// returns the excesses of the training samples by fits that have not seen the stretch of time around them.
    ///
    /// `longest` is the longest window: where it is too short for what a prediction or dynamics look back on, there are
    /// none.
    pub fn fit(segments: &[Vec<Vec<f32>>], longest: usize, check: Check) -> (Self, Vec<Excesses>) {
        let channels = segments.first().map_or(0, Vec::len);
        let mut held_out: Vec<Excesses> = segments
            .iter()
            .map(|s| Excesses::zero(channels, s.first().map_or(0, Vec::len)))
            .collect();
        // Measured: of several channels, of which the top quarter counts, they find no more, and take twice the time.
        let dynamics = channels == 1 && longest > BACK;
        let mut predictors = Vec::with_capacity(channels);
        for c in 0..channels {
            let values: Vec<&[f32]> = segments.iter().map(|s| s[c].as_slice()).collect();
            let fit = || Predictor::fit(&values, dynamics, check);
            let found = (longest > LAGS).then(fit).flatten();
            predictors.push(found.map(|(predictor, excesses)| {
                for (out, excesses) in held_out.iter_mut().zip(excesses) {
                    check();
                    out.put_prediction(c, excesses);
                }
                predictor
            }));
        }
        let mut relations = Vec::new();
        for first in (0..channels).step_by(MAX_RELATED) {
            let group = first..channels.min(first + MAX_RELATED);
            let values: Vec<&[Vec<f32>]> = segments.iter().map(|s| &s[group.clone()]).collect();
            let Some((relation, excesses)) = Relation::fit(first, &values, check) else {
                continue;
            };
            for (out, excesses) in held_out.iter_mut().zip(&excesses) {
                for (c, excesses) in group.clone().zip(excesses) {
                    check();
                    add(&mut out.relation, channels, c, 0, excesses);
                }
            }
            relations.push(relation);
        }
        let residuals = Self {
            predictors,
            relations,
        };
        (residuals, held_out)
    }

    /// The same models with newer segments folded in, and the excesses of the samples of these: the limit of what is
    /// usual rises to that of the newer segments. What they depend on each other by is left as it is: learned from
    /// the newer segments alone it would not hold for the older ones, which are not there any more.
    pub fn updated(&self, segments: &[Vec<Vec<f32>>], check: Check) -> (Self, Vec<Excesses>) {
        let predictor = |(c, old): (usize, &Option<Predictor>)| {
            let values: Vec<&[f32]> = segments.iter().map(|s| s[c].as_slice()).collect();
            old.as_ref().map(|old| old.widened(&values, check))
        };
        let relation = |old: &Relation| {
            let group = old.first..old.first + old.channels();
            let values: Vec<&[Vec<f32>]> = segments.iter().map(|s| &s[group.clone()]).collect();
            old.widened(&values, check)
        };
        let out = Self {
            predictors: self.predictors.iter().enumerate().map(predictor).collect(),
            relations: self.relations.iter().map(relation).collect(),
        };
        let excesses = segments.iter().map(|s| out.excesses(s, check)).collect();
        (out, excesses)
    }

    /// Whether dynamics were learned.
    pub fn dynamic(&self) -> bool {
        self.predictors.iter().flatten().any(|p| p.dynamics.is_some())
    }

    /// The excesses of the samples of a segment, given its scaled values channel by channel. The first [`LAGS`]
    /// samples have no prediction.
    pub fn excesses<V: AsRef<[f32]>>(&self, channels: &[V], check: Check) -> Excesses {
        self.found(channels, check, |predictor, values| {
            predictor.excesses(values, check)
        })
    }

    /// The excesses of the latest sample of a segment, [`Excesses::until`] it: the last one of what is returned. It is
    /// told the last [`LAGS`] and one samples, and what it keeps from sample to sample: nothing at the beginning of a
    /// segment, and less its last element where the latest sample has changed.
    pub fn latest(&self, channels: &[&[f32]], recent: &mut Vec<f32>) -> Excesses {
        self.found(channels, &|| {}, |predictor, values| Found {
            alone: predictor.latest(values, recent, &|| {}),
            spans: None,
        })
    }

    fn found<V: AsRef<[f32]>>(
        &self,
        channels: &[V],
        check: Check,
        mut of: impl FnMut(&Predictor, &[f32]) -> Found,
    ) -> Excesses {
        let samples = channels.first().map_or(0, |c| c.as_ref().len());
        let mut out = Excesses::zero(channels.len(), samples);
        for (c, (predictor, values)) in self.predictors.iter().zip(channels).enumerate() {
            if let Some(predictor) = predictor {
                out.put_prediction(c, of(predictor, values.as_ref()));
            }
        }
        for relation in &self.relations {
            let group = relation.first..relation.first + relation.channels();
            let excesses = relation.excesses(&channels[group.clone()], check);
            for (c, excesses) in group.zip(&excesses) {
                add(&mut out.relation, channels.len(), c, 0, excesses);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::sampling::uniform;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    /// Two waves and their sum, with noise; more channels than one that stay alone in a group are not needed.
    fn segment(samples: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut noise = || 0.1 * (uniform(&mut rng) as f32 - 0.5);
        let mut out = vec![Vec::new(); 3];
        for t in 0..samples {
            let (a, b) = ((t as f32 / 7.0).sin() + noise(), (t as f32 / 3.1).cos() + noise());
            out[0].push(a);
            out[1].push(b);
            out[2].push(a + b + noise());
        }
        out
    }

    #[test]
    fn only_the_sample_that_is_not_explained_exceeds() {
        let (residuals, held_out) = Residuals::fit(&[segment(900, 1)], 128, &|| {});
        assert!(residuals.predictors.iter().all(Option::is_some) && residuals.relations.len() == 1);
        let none = |e: &Excesses| {
            e.prediction
                .iter()
                .chain(&e.relation)
                .filter(|e| **e > 0.0)
                .count()
        };
        assert!(none(&held_out[0]) < 10, "{}", none(&held_out[0]));
        let mut later = segment(300, 2);
        later[2][200] += 3.0;
        let found = residuals.excesses(&later, &|| {});
        let [prediction, relation] = found.of(200);
        assert!(prediction[2] > 1.0 && prediction[0] == 0.0, "{prediction:?}");
        assert!(relation[2] > 1.0, "{relation:?}");
        assert!(found.of(150).iter().all(|of| of.iter().all(|e| *e == 0.0)));
    }

    #[test]
    fn a_sample_depends_on_those_just_before_it_alone() {
        let (residuals, _) = Residuals::fit(&[segment(900, 1)], 128, &|| {});
        let mut later = segment(700, 3);
        later[1][555] += 2.0;
        let whole = residuals.excesses(&later, &|| {});
        for end in [300, 556, 700] {
            let tail: Vec<&[f32]> = later.iter().map(|c| &c[end - LAGS - 1..end]).collect();
            assert_eq!(residuals.excesses(&tail, &|| {}).of(LAGS), whole.of(end - 1));
        }
    }

    #[test]
    fn too_little_to_learn_from_leaves_the_prediction_out() {
        let short = Residuals::fit(&[segment(150, 1)], 64, &|| {}).0;
        assert!(short.predictors.iter().all(Option::is_none) && short.relations.len() == 1);
        let narrow = Residuals::fit(&[segment(900, 1)], 16, &|| {}).0;
        assert!(narrow.predictors.iter().all(Option::is_none));
        let alone: Vec<Vec<f32>> = segment(900, 1).into_iter().take(1).collect();
        assert!(Residuals::fit(&[alone], 64, &|| {}).0.relations.is_empty());
    }

    #[test]
    fn newer_segments_raise_what_is_usual_where_they_are_less_regular() {
        let (residuals, _) = Residuals::fit(&[segment(900, 1)], 128, &|| {});
        let (same, excesses) = residuals.updated(&[segment(700, 5)], &|| {});
        let limit = |r: &Residuals| r.predictors[0].as_ref().unwrap().limit;
        assert!(limit(&same) >= limit(&residuals) && limit(&same) < 1.2 * limit(&residuals));
        assert_eq!(excesses[0], same.excesses(&segment(700, 5), &|| {}));
        let mut wild = segment(700, 6);
        for c in [0, 2] {
            wild[c].iter_mut().step_by(9).for_each(|v| *v += 1.0);
        }
        let (raised, excesses) = residuals.updated(&[wild], &|| {});
        assert!(limit(&raised) > 2.0 * limit(&residuals));
        assert!(excesses[0].prediction.iter().all(|e| *e == 0.0));
    }

    #[test]
    fn constant_channels_and_extremes_stay_finite() {
        let mut constant = segment(900, 1);
        constant[0].fill(0.0);
        let (residuals, _) = Residuals::fit(&[constant], 64, &|| {});
        let wild = vec![vec![1e4; 100], vec![-1e4; 100], vec![0.0; 100]];
        let found = residuals.excesses(&wild, &|| {});
        assert!(
            found
                .prediction
                .iter()
                .chain(&found.relation)
                .all(|e| e.is_finite())
        );
        assert!(found.of(50)[1][0] > 1.0);
    }
}
