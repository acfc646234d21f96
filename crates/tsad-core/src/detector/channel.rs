//! What is learned of one channel: per scale and view the normal windows' centres.

use super::context::{self, Beside};
use super::head::Head;
use super::held_out::{self, at_most};
use super::score::Sight;
use super::stray::Stray;
use crate::cluster::Centres;
use crate::control::Check;
use crate::metric::Metric;
use crate::numeric::moments::Moments;
use crate::params::{Params, ValidParams};
use crate::series::RobustScale;
use crate::series::{Segment, Series};
use crate::view::{Extractor, PerView, Standard, View};
use crate::window::layout::Layout;
use crate::window::placement::{in_step, mean, runs};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// The longest default window where there are several channels.
const LONGEST_OF_SEVERAL: usize = 128;
/// The least standard deviation of log distances: a view that repeats more exactly than by 5 % would outweigh all
/// others, and call everything odd that it has not seen (docs/experiments.md).
pub(crate) const FINEST: f64 = 0.05;
/// Windows between two calls of the cancel hook.
const CHECK_EVERY: usize = 256;

/// The normal windows of one view at one scale.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewModel {
    /// Location and scale of the features.
    pub standard: Standard,
    /// Centres of the standardised features.
    pub centres: Centres,
    /// The mean over the training samples of the overlap-mean log distance.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// The mean over the training windows of the log distance: what a causal score is compared with.
    pub window_mean: f64,
    /// Its standard deviation.
    pub window_deviation: f64,
    /// How far normal windows lie that are out of step with the training.
    pub stray: Stray,
}

/// The normal windows of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleModel {
    /// The window length in samples.
    pub length: usize,
    /// One model per view, in the order of [`View::ALL`].
    pub views: PerView<ViewModel>,
    /// The learned part, if there is one.
    pub head: Option<Head>,
    /// What the windows beside one let expect of it, if that was learned; hindsight only, for one comes after it.
    pub beside: Option<Beside>,
    /// For each centre of the profile the grid cell where the training window begins that is nearest to it.
    pub origins: Vec<Option<i64>>,
}

/// The normal windows of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelModel {
    /// The index of the channel in the rows.
    pub index: usize,
    /// Location and scale of the values.
    pub scale: RobustScale,
    /// One model per window length, shortest first.
    pub scales: Vec<ScaleModel>,
    /// The same for causal scores where these have windows of their own, which may stand at any phase; else empty.
    pub causal: Vec<ScaleModel>,
}

/// The window lengths that a series is long enough to be trained at: the shortest from twice its samples on, so
/// that a short series gets a model at all, the others from three times theirs.
pub(crate) fn usable_scales(series: &Series, params: &Params) -> Vec<usize> {
    let samples = series.len();
    let longest = series.segments.iter().map(Segment::len).max().unwrap_or(0);
    let fits = |length: &&usize| {
        let times = if **length == params.scales[0] { 2 } else { 3 };
        samples >= times * **length && longest >= **length
    };
    // Measured: several channels together say where an incident is, a long window blurs it (docs/experiments.md).
    let most = match series.channels > 1 && params.scales == Params::default().scales {
        true => LONGEST_OF_SEVERAL,
        false => usize::MAX,
    };
    let usable = params
        .scales
        .iter()
        .filter(fits)
        .filter(|length| **length <= most);
    usable.copied().collect()
}

/// Per segment and window the log distances of the views to centres found without the window.
pub(crate) type HeldOut = Vec<Vec<PerView<f32>>>;

impl ChannelModel {
    /// Learns channel `c` of `series`, which is channel `index` of the rows, at the given window lengths.
    /// Also returns the held-out distances at each length; none where the series is too short for them.
    pub(crate) fn fit(
        series: &Series,
        c: usize,
        index: usize,
        lengths: &[usize],
        params: &ValidParams,
        check: Check,
    ) -> (Self, Vec<Option<HeldOut>>) {
        let scale = RobustScale::fit(series.segments.iter().flat_map(|s| s.channel(c)).copied());
        let scaled = scaled_by(series, c, &scale);
        let segments: Vec<(i64, usize)> = scaled.iter().map(|(first, v)| (*first, v.len())).collect();
        let fit = |&length: &usize| {
            let layout = Layout::in_step(&segments, length, params.centres);
            ScaleModel::fit(&scaled, &layout, index, params, check)
        };
        let (scales, held_out) = lengths.iter().map(fit).unzip();
        let model = Self {
            index,
            scale,
            scales,
            causal: Vec::new(),
        };
        (model, held_out)
    }

    /// The window lengths.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.scales.iter().map(|s| s.length).collect()
    }

    /// The scaled values of every segment of a series whose channel `c` this is, with the grid cells they begin at.
    pub(crate) fn scaled(&self, series: &Series, c: usize) -> Vec<(i64, Vec<f32>)> {
        scaled_by(series, c, &self.scale)
    }
}

/// The scaled values of channel `c`, segment by segment, with the grid cells they begin at.
pub(crate) fn scaled_by(series: &Series, c: usize, scale: &RobustScale) -> Vec<(i64, Vec<f32>)> {
    let of = |s: &Segment| (s.start, s.channel(c).iter().map(|v| scale.apply(*v)).collect());
    series.segments.iter().map(of).collect()
}

impl ScaleModel {
    /// How far from a sample others can touch the windows that cover it, in samples.
    pub(crate) fn reach(&self) -> usize {
        let beside = self.beside.as_ref().map_or(0, |_| context::distance(self.length));
        self.length + beside
    }

    /// Learns the windows of a layout; also returns the held-out distances, if there is enough to hold some out.
    pub(crate) fn fit(
        segments: &[(i64, Vec<f32>)],
        layout: &Layout,
        index: usize,
        params: &ValidParams,
        check: Check,
    ) -> (Self, Option<HeldOut>) {
        let (length, starts) = (layout.length, &layout.starts);
        let raw = extract_all(segments, starts, length, check);
        let late_raw = extract_all(segments, &layout.late.starts, length, check);
        let dims = Extractor::dims_of(length);
        let mut held_out: HeldOut = starts.iter().map(|s| vec![PerView::default(); s.len()]).collect();
        let mut in_sample = held_out.clone();
        let mut complete = true;
        let mut origins = Vec::new();
        let views = std::array::from_fn(|v| {
            let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
            rng.set_stream(layout.stream(index, v));
            let mut fit =
                |raw: &[f32]| ViewModel::fit(View::ALL[v], raw, dims[v], layout, params, &mut rng, check);
            let (mut view, features) = fit(&raw[v]);
            if View::ALL[v] == View::Profile {
                let cells = segments.iter().zip(starts);
                let cells = cells.flat_map(|((first, _), starts)| starts.iter().map(|s| *first + *s as i64));
                origins = Self::origins_of(&view.centres, &features, &cells.collect::<Vec<_>>());
            }
            // The quick leave-out serves to weigh views and scales against one another, where it ranks
            // better (measured); the false-alarm rate needs the honest one.
            let quick = view.learn_stray(&features, &late_raw[v], layout, check);
            if layout.covering {
                view.fill(
                    v,
                    &view.distances(&features, check),
                    &layout.stray,
                    &mut in_sample,
                );
            }
            let quick = quick.unwrap_or_else(|| view.distances(&features, check));
            view.fill(v, &quick, &layout.stray, &mut held_out);
            view.calibrate(v, &held_out, &in_sample, layout);
            match held_out::distances(&raw[v], dims[v], &layout.folds, layout.refitted, |rest| {
                fit(rest).0
            }) {
                Some(honest) => view.fill(v, &honest, &layout.stray, &mut held_out),
                None => complete = false,
            }
            view
        });
        let model = Self {
            length,
            views,
            head: None,
            beside: None,
            origins,
        };
        (model, complete.then_some(held_out))
    }

    /// The log distance of every view of every window that starts at `starts` in the scaled values, the first of which
    /// has the absolute number `first`: `log(1 + distance)`, in the units of windows in step
    /// with the training, and not yet averaged over the windows of a sample. In hindsight the windows beside one have
    /// a say where that was learned.
    pub(crate) fn log_distances(
        &self,
        (first, values): (i64, &[f32]),
        starts: &[usize],
        extractor: &mut Extractor,
        metric: Option<&Metric>,
        sight: Sight,
        check: Check,
    ) -> Vec<PerView<f32>> {
        let beside = self.beside.as_ref().filter(|_| sight == Sight::Hindsight);
        let mut features = vec![0.0; extractor.dim()];
        let mut out = Vec::with_capacity(starts.len());
        let mut joint = Vec::with_capacity(beside.map_or(0, |_| starts.len() * extractor.dim()));
        for (i, &s) in starts.iter().enumerate() {
            if i % CHECK_EVERY == 0 {
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
            let stray = !in_step(first, s, self.length);
            let mut distances: PerView<f32> = std::array::from_fn(|v| {
                let view = &self.views[v];
                view.of_step(view.log_distance(features[v]), stray)
            });
            if let (Some(metric), Some(head)) = (metric, &self.head) {
                let learned = head.log_distances(&metric.embed(features), stray);
                distances.iter_mut().zip(learned).for_each(|(d, l)| *d += l);
            }
            if beside.is_some() {
                joint.extend(context::joint(features));
            }
            out.push(distances);
        }
        if let Some(beside) = beside {
            self.add_beside(beside, values, starts, &joint, &mut out, extractor, check);
        }
        out
    }

    /// Adds to the log distances of windows what those beside them let expect, given the joint features of the windows;
    /// those of a window beside that is not among them are extracted.
    #[allow(clippy::too_many_arguments, reason = "what every step needs")]
    fn add_beside(
        &self,
        beside: &Beside,
        values: &[f32],
        starts: &[usize],
        joint: &[f32],
        out: &mut [PerView<f32>],
        extractor: &mut Extractor,
        check: Check,
    ) {
        let away = context::distance(self.length);
        let rows: Vec<&[f32]> = joint.chunks_exact(extractor.dim()).collect();
        let summaries = beside.context.summaries(joint, check);
        let mut summary = |start: usize| match starts.binary_search(&start) {
            Ok(i) => summaries[i],
            Err(_) => {
                let features = self.features(&values[start..start + self.length], extractor);
                let row: Vec<f32> = context::joint(features.each_ref().map(Vec::as_slice)).collect();
                beside.context.summary(&row)
            }
        };
        for (i, (&start, distances)) in starts.iter().zip(out).enumerate() {
            if i % CHECK_EVERY == 0 {
                check();
            }
            let after = start + away;
            let before = start.checked_sub(away);
            let known = before
                .filter(|_| after + self.length <= values.len())
                .map(|before| {
                    let (before, after) = (summary(before), summary(after));
                    beside.context.log_distances(&before, rows[i], &after)
                });
            let added = beside.added(known, distances);
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

    /// [`ViewModel::calibrate`] of all views.
    pub(crate) fn calibrate(&mut self, held_out: &HeldOut, in_sample: &HeldOut, layout: &Layout) {
        for (v, view) in self.views.iter_mut().enumerate() {
            view.calibrate(v, held_out, in_sample, layout);
        }
    }

    /// The calibrated score of every view from the mean over windows of the log distances, or from the log
    /// distances of one window.
    #[inline]
    pub(crate) fn calibrated(&self, distances: PerView<f32>, sight: Sight) -> PerView<f32> {
        let of = |v: usize| {
            let view = &self.views[v];
            let (mean, deviation) = match sight {
                Sight::Hindsight => (view.mean, view.deviation),
                Sight::Causal => (view.window_mean, view.window_deviation),
            };
            ((f64::from(distances[v]) - mean) / deviation.max(FINEST)) as f32
        };
        std::array::from_fn(of)
    }
}

impl ViewModel {
    /// Learns the features of the training windows; also returns them standardised. The mean and deviation
    /// of the scores are left open.
    fn fit(
        view: View,
        features: &[f32],
        dim: usize,
        layout: &Layout,
        params: &ValidParams,
        rng: &mut ChaCha8Rng,
        check: Check,
    ) -> (Self, Vec<f32>) {
        let standard = match view {
            View::Profile => Standard::identity(dim),
            _ => Standard::fit(features, dim),
        };
        let mut features = features.to_vec();
        standard.apply_all(&mut features);
        let clustered = at_most(&features, dim, layout.clustered);
        let trim = params.contamination;
        let centres = Centres::fit(&clustered, dim, layout.centres, trim, rng, check);
        let model = Self {
            standard,
            centres,
            mean: 0.0,
            deviation: 0.0,
            window_mean: 0.0,
            window_deviation: 0.0,
            stray: Stray::NONE,
        };
        (model, features)
    }

    /// The distance of every window to the nearest centre.
    pub(crate) fn distances(&self, standardised: &[f32], check: Check) -> Vec<f32> {
        let windows = standardised.chunks_exact(self.dim()).enumerate();
        let distance = |(i, f)| {
            if i % CHECK_EVERY == 0 {
                check();
            }
            self.centres.distance(f)
        };
        windows.map(distance).collect()
    }

    /// Puts the log distances of all windows in place of view `v`, in the units of windows in step.
    pub(crate) fn fill(&self, v: usize, distances: &[f32], out_of_step: &[bool], windows: &mut HeldOut) {
        let all = windows.iter_mut().flatten().zip(distances).zip(out_of_step);
        for ((window, d), stray) in all {
            window[v] = self.of_step(self.log(*d), *stray);
        }
    }

    /// A log distance in the units of windows in step.
    fn of_step(&self, log: f32, stray: bool) -> f32 {
        if stray { self.stray.in_step(log) } else { log }
    }

    /// Sets the units of the score of view `v` by the log distances of the training windows, to centres found without
    /// them and to those found with them.
    ///
    /// In hindsight the mean is that in the sample, which [`super::level`] moves to where scores of unseen samples lie,
    /// and the deviation the geometric mean of both: the one in the sample alone is nothing where centres are nearly as
    /// many as windows, the held-out one alone lets a view count for little because a single stretch of the training
    /// is like no other (docs/experiments.md). Where windows do not cover every sample there are no scores in hindsight,
    /// and nothing is asked of the sample.
    pub(crate) fn calibrate(&mut self, v: usize, held_out: &HeldOut, in_sample: &HeldOut, layout: &Layout) {
        let mut windows = Moments::default();
        for window in held_out.iter().flatten() {
            windows.add(f64::from(window[v]), 1.0);
        }
        (self.window_mean, self.window_deviation) = windows.mean_and_deviation();
        if !layout.covering {
            (self.mean, self.deviation) = (self.window_mean, self.window_deviation);
            return;
        }
        let (_, apart) = sample_moments(v, held_out, layout);
        let (mean, within) = sample_moments(v, in_sample, layout);
        (self.mean, self.deviation) = (mean, (apart * within).sqrt());
    }

    /// The features of centre `k`, in the units in which they are extracted.
    pub(crate) fn centre(&self, k: usize) -> Vec<f64> {
        let row = &self.centres.rows()[k * self.dim()..(k + 1) * self.dim()];
        let units = self.standard.mean.iter().zip(&self.standard.factor);
        row.iter()
            .zip(units)
            .map(|(c, (mean, factor))| f64::from(*c) / f64::from(*factor) + f64::from(*mean))
            .collect()
    }

    /// The number of features.
    pub fn dim(&self) -> usize {
        self.standard.mean.len()
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

/// The features of all windows of all segments, view by view.
pub(crate) fn extract_all(
    segments: &[(i64, Vec<f32>)],
    starts: &[Vec<usize>],
    length: usize,
    check: Check,
) -> PerView<Vec<f32>> {
    let mut extractor = Extractor::new(length);
    let dims = extractor.dims();
    let mut row = vec![0.0; extractor.dim()];
    let windows: usize = starts.iter().map(Vec::len).sum();
    let mut features = dims.map(|dim| Vec::with_capacity(windows * dim));
    for ((_, values), starts) in segments.iter().zip(starts) {
        for (i, &s) in starts.iter().enumerate() {
            if i % CHECK_EVERY == 0 {
                check();
            }
            extractor.extract(&values[s..s + length], &mut row);
            let mut rest = row.as_slice();
            for (all, dim) in features.iter_mut().zip(dims) {
                let (these, others) = rest.split_at(dim);
                all.extend_from_slice(these);
                rest = others;
            }
        }
    }
    features
}

/// Mean and deviation over the samples of the mean log distance of view `v` of the windows that cover each.
pub(crate) fn sample_moments(v: usize, windows: &HeldOut, layout: &Layout) -> (f64, f64) {
    let mut moments = Moments::default();
    for (distances, starts) in windows.iter().zip(&layout.starts) {
        for run in runs(starts, layout.length) {
            let score = mean(&distances[run.windows])[v];
            moments.add(f64::from(score), run.samples.len() as f64);
        }
    }
    moments.mean_and_deviation()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_lie_between_those_in_the_sample_and_those_held_out() {
        let params = Params::default().validate().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let wave = |t: i32| (f64::from(t) / 9.0).sin() as f32;
        let values: Vec<f32> = (0..3000)
            .map(|t| wave(t) + 0.2 * (crate::numeric::sampling::uniform(&mut rng) as f32 - 0.5))
            .collect();
        let layout = Layout::in_step(&[(0, values.len())], 64, params.centres);
        let segments = [(0, values)];
        let (model, _) = ScaleModel::fit(&segments, &layout, 0, &params, &|| {});
        let raw = extract_all(&segments, &layout.starts, 64, &|| {});
        let mut extractor = Extractor::new(64);
        let starts = &layout.starts[0];
        let values = (0, segments[0].1.as_slice());
        let seen = model.log_distances(values, starts, &mut extractor, None, Sight::Hindsight, &|| {});
        for (v, view) in model.views.iter().enumerate() {
            let (mean, within) = sample_moments(v, &vec![seen.clone()], &layout);
            assert!((view.mean - mean).abs() < 1e-6, "{v}");
            let mut features = raw[v].clone();
            view.standard.apply_all(&mut features);
            let apart = view.centres.held_out_distances(&features, &layout.near, &|| {});
            let mut held_out = vec![vec![PerView::default(); starts.len()]];
            view.fill(v, &apart.unwrap(), &layout.stray, &mut held_out);
            let (_, apart) = sample_moments(v, &held_out, &layout);
            assert!(
                (view.deviation / (apart * within).sqrt() - 1.0).abs() < 1e-6,
                "{v}"
            );
            assert!(1.02 * within < apart, "{v}: {within} {apart}");
            assert!(view.window_mean > mean, "{v}");
        }
    }
}
