//! How far windows lie from the normal ones, as logarithms and in the units of the training.

use crate::control::Check;
use crate::metric::{EMBEDDING, Embedded, Metric, context};
use crate::model::unit::MIN_LOG_DEVIATION;
use crate::model::{EmbeddingModel, NeighbourContext, ScaleModel, ViewModel, neighbours};
use crate::view::{Extractor, PerView};
use crate::window::placement::aligned;

/// What a score may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScoringMode {
    /// All windows that cover a sample, later samples included.
    Retrospective,
    /// The latest window that ends at the sample or before.
    Causal,
}

/// Windows between two calls of the cancel hook.
pub(crate) const WINDOWS_PER_CHECK: usize = 256;

impl ScaleModel {
    /// The log distance of every view of every window that starts at `starts` in the scaled values, the first of which
    /// has the absolute number `first`: `log(1 + distance)`, in the units of windows aligned
    /// with the training, and not yet averaged over the windows of a sample. In retrospective scores the windows beside
    /// one have a say where that was learned.
    pub(crate) fn log_distances(
        &self,
        (first, values): (i64, &[f32]),
        starts: &[usize],
        extractor: &mut Extractor,
        metric: Option<&Metric>,
        mode: ScoringMode,
        check: Check,
    ) -> Vec<PerView<f32>> {
        let context = self
            .context
            .as_ref()
            .filter(|_| mode == ScoringMode::Retrospective);
        let mut features = vec![0.0; extractor.dim()];
        let mut out = Vec::with_capacity(starts.len());
        let mut joint = Vec::with_capacity(context.map_or(0, |_| starts.len() * extractor.dim()));
        for (i, &s) in starts.iter().enumerate() {
            if i % WINDOWS_PER_CHECK == 0 {
                check();
            }
            extractor.extract(&values[s..s + self.length], &mut features);
            let mut rest = features.as_mut_slice();
            let features = self.views.each_ref().map(|view| {
                let (these, others) = std::mem::take(&mut rest).split_at_mut(view.dim());
                rest = others;
                view.standard.apply(these);
                &*these
            });
            let unaligned = !aligned(first, s, self.length);
            let mut distances: PerView<f32> = std::array::from_fn(|v| {
                let view = &self.views[v];
                view.align(view.log_distance(features[v]), unaligned)
            });
            if let (Some(metric), Some(head)) = (metric, &self.embedding) {
                let learned = head.log_distances(&metric.embed(features), unaligned);
                distances.iter_mut().zip(learned).for_each(|(d, l)| *d += l);
            }
            if context.is_some() {
                joint.extend(context::joint(features));
            }
            out.push(distances);
        }
        if let Some(context) = context {
            self.add_context(context, values, starts, &joint, &mut out, extractor, check);
        }
        out
    }

    /// Adds to the log distances of windows what those beside them let expect, given the joint features of the windows;
    /// those of a window beside that is not among them are extracted.
    #[allow(clippy::too_many_arguments, reason = "what every step needs")]
    fn add_context(
        &self,
        context: &NeighbourContext,
        values: &[f32],
        starts: &[usize],
        joint: &[f32],
        out: &mut [PerView<f32>],
        extractor: &mut Extractor,
        check: Check,
    ) {
        let away = neighbours::distance(self.length);
        let rows: Vec<&[f32]> = joint.chunks_exact(extractor.dim()).collect();
        let summaries = context.context.summaries(joint, check);
        let mut summary = |start: usize| match starts.binary_search(&start) {
            Ok(i) => summaries[i],
            Err(_) => {
                let features = self.features(&values[start..start + self.length], extractor);
                let row: Vec<f32> = context::joint(features.each_ref().map(Vec::as_slice)).collect();
                context.context.summary(&row)
            }
        };
        for (i, (&start, distances)) in starts.iter().zip(out).enumerate() {
            if i % WINDOWS_PER_CHECK == 0 {
                check();
            }
            let after = start + away;
            let before = start.checked_sub(away);
            let known = before
                .filter(|_| after + self.length <= values.len())
                .map(|before| {
                    let (before, after) = (summary(before), summary(after));
                    context.context.log_distances(&before, rows[i], &after)
                });
            let added = context.added(known, distances);
            distances.iter_mut().zip(added).for_each(|(d, a)| *d += a);
        }
    }

    /// The standardised features of a window, view by view.
    pub(crate) fn features(&self, window: &[f32], extractor: &mut Extractor) -> PerView<Vec<f32>> {
        let mut all = vec![0.0; extractor.dim()];
        extractor.extract(window, &mut all);
        let mut rest = all.as_slice();
        self.views.each_ref().map(|view| {
            let (these, others) = rest.split_at(view.dim());
            rest = others;
            let mut features = these.to_vec();
            view.standard.apply(&mut features);
            features
        })
    }

    /// The calibrated score of every view from the mean over windows of the log distances, or from the log
    /// distances of one window.
    #[inline]
    pub(crate) fn calibrated(&self, distances: PerView<f32>, mode: ScoringMode) -> PerView<f32> {
        let of = |v: usize| {
            let view = &self.views[v];
            let (mean, deviation) = match mode {
                ScoringMode::Retrospective => (view.mean, view.deviation),
                ScoringMode::Causal => (view.window_mean, view.window_deviation),
            };
            ((f64::from(distances[v]) - mean) / deviation.max(MIN_LOG_DEVIATION)) as f32
        };
        std::array::from_fn(of)
    }
}

impl ViewModel {
    /// The distance of every window to the nearest centre.
    pub(crate) fn distances(&self, standardised: &[f32], check: Check) -> Vec<f32> {
        let windows = standardised.chunks_exact(self.dim()).enumerate();
        let distance = |(i, f)| {
            if i % WINDOWS_PER_CHECK == 0 {
                check();
            }
            self.centres.distance(f)
        };
        windows.map(distance).collect()
    }

    /// A log distance in the units of aligned windows.
    pub(crate) fn align(&self, log: f32, unaligned: bool) -> f32 {
        if unaligned {
            self.alignment.aligned(log)
        } else {
            log
        }
    }

    /// `log(1 + d)` for the distance `d` of standardised features to the nearest centre, over the square
    /// root of their number.
    #[inline]
    fn log_distance(&self, features: &[f32]) -> f32 {
        self.log(self.centres.distance(features))
    }

    #[inline]
    pub(crate) fn log(&self, distance: f32) -> f32 {
        (distance / (self.dim() as f32).sqrt()).ln_1p()
    }
}

impl EmbeddingModel {
    /// The learned log distance of each view, times its gain: `log(1 + d)` for the distance `d` to the nearest
    /// centre over the root of the dimension, in the units of aligned windows. The disagreement of the views'
    /// embeddings is left to the training: in the score it measures worse (docs/experiments.md).
    pub(crate) fn log_distances(&self, z: &Embedded, unaligned: bool) -> PerView<f32> {
        std::array::from_fn(|v| {
            let log = self.gains[v] * log_distance(self.centres[v].distance(&z[v]));
            if unaligned {
                self.alignment[v].aligned(log)
            } else {
                log
            }
        })
    }
}

pub(crate) fn log_distance(distance: f32) -> f32 {
    (distance / (EMBEDDING as f32).sqrt()).ln_1p()
}

impl NeighbourContext {
    /// What is added to the log distances `plain` of a window, given those by its context, if it has both neighbours.
    pub(crate) fn added(&self, context: Option<PerView<f32>>, plain: &PerView<f32>) -> PerView<f32> {
        let expected = || std::array::from_fn(|v| self.fallback[v].at(plain[v]));
        let context = context.unwrap_or_else(expected);
        std::array::from_fn(|v| self.gains[v] * context[v])
    }
}
