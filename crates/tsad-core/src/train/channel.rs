//! Learns one channel: per scale and view the normal windows' centres.

use super::held_out::{self, HeldOut, at_most};
use crate::cluster::Centres;
use crate::control::Check;
use crate::model::{AlignmentCorrection, ChannelModel, ScaleModel, ViewModel};
use crate::params::{Params, ValidParams};
use crate::score::distance::WINDOWS_PER_CHECK;
use crate::series::{RobustScale, Segment, Series, scaled_by};
use crate::view::{Extractor, PerView, Standard, View};
use crate::window::plan::WindowPlan;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// The longest default window where there are several channels.
const LONGEST_OF_SEVERAL: usize = 128;
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
            let plan = WindowPlan::aligned(&segments, length, params.centres);
            ScaleModel::fit(&scaled, &plan, index, params, check)
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
}

impl ScaleModel {
    /// Learns the windows of a plan; also returns the held-out distances, if there is enough to hold some out.
    pub(crate) fn fit(
        segments: &[(i64, Vec<f32>)],
        plan: &WindowPlan,
        index: usize,
        params: &ValidParams,
        check: Check,
    ) -> (Self, Option<HeldOut>) {
        let (length, starts) = (plan.length, &plan.starts);
        let raw = extract_all(segments, starts, length, check);
        let offset_raw = extract_all(segments, &plan.offset.starts, length, check);
        let dims = Extractor::dims_of(length);
        let mut held_out: HeldOut = starts.iter().map(|s| vec![PerView::default(); s.len()]).collect();
        let mut in_sample = held_out.clone();
        let mut complete = true;
        let mut origins = Vec::new();
        let views = std::array::from_fn(|v| {
            let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
            rng.set_stream(plan.rng_stream(index, v));
            let mut fit =
                |raw: &[f32]| ViewModel::fit(View::ALL[v], raw, dims[v], plan, params, &mut rng, check);
            let (mut view, features) = fit(&raw[v]);
            if View::ALL[v] == View::Profile {
                let cells = segments.iter().zip(starts);
                let cells = cells.flat_map(|((first, _), starts)| starts.iter().map(|s| *first + *s as i64));
                origins = Self::origins_of(&view.centres, &features, &cells.collect::<Vec<_>>());
            }
            // The jackknife serves to weigh views and scales against one another, where it ranks
            // better (measured); the false-alarm rate needs the cross-fitted one.
            let jackknife = view.learn_alignment(&features, &offset_raw[v], plan, check);
            if plan.covering {
                view.fill(
                    v,
                    &view.distances(&features, check),
                    &plan.unaligned,
                    &mut in_sample,
                );
            }
            let jackknife = jackknife.unwrap_or_else(|| view.distances(&features, check));
            view.fill(v, &jackknife, &plan.unaligned, &mut held_out);
            view.calibrate(v, &held_out, &in_sample, plan);
            match held_out::distances(&raw[v], dims[v], &plan.folds, plan.refitted, |rest| fit(rest).0) {
                Some(cross_fitted) => view.fill(v, &cross_fitted, &plan.unaligned, &mut held_out),
                None => complete = false,
            }
            view
        });
        let model = Self {
            length,
            views,
            embedding: None,
            context: None,
            origins,
        };
        (model, complete.then_some(held_out))
    }
}

impl ViewModel {
    /// Learns the features of the training windows; also returns them standardised. The mean and deviation
    /// of the scores are left open.
    fn fit(
        view: View,
        features: &[f32],
        dim: usize,
        plan: &WindowPlan,
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
        let clustered = at_most(&features, dim, plan.clustered);
        let trim = params.contamination;
        let centres = Centres::fit(&clustered, dim, plan.centres, trim, rng, check);
        let model = Self {
            standard,
            centres,
            mean: 0.0,
            deviation: 0.0,
            window_mean: 0.0,
            window_deviation: 0.0,
            alignment: AlignmentCorrection::NONE,
        };
        (model, features)
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
            if i % WINDOWS_PER_CHECK == 0 {
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

impl ScaleModel {
    /// The cells where the training windows begin that are nearest to each centre of the profile, given the
    /// standardised features of the training windows and the cells where these begin.
    pub(crate) fn origins_of(centres: &Centres, features: &[f32], cells: &[i64]) -> Vec<Option<i64>> {
        let mut best: Vec<Option<(f32, i64)>> = vec![None; centres.len()];
        let dim = centres.rows().len() / centres.len();
        for (x, cell) in features.chunks_exact(dim).zip(cells) {
            let (k, square) = centres.nearest(x);
            if best[k].is_none_or(|(least, _)| square < least) {
                best[k] = Some((square, *cell));
            }
        }
        best.into_iter().map(|b| b.map(|(_, cell)| cell)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::distance::ScoringMode;
    use crate::train::units::sample_moments;

    #[test]
    fn units_lie_between_those_in_the_sample_and_those_held_out() {
        let params = Params::default().validate().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let wave = |t: i32| (f64::from(t) / 9.0).sin() as f32;
        let values: Vec<f32> = (0..3000)
            .map(|t| wave(t) + 0.2 * (crate::numeric::sampling::uniform(&mut rng) as f32 - 0.5))
            .collect();
        let plan = WindowPlan::aligned(&[(0, values.len())], 64, params.centres);
        let segments = [(0, values)];
        let (model, _) = ScaleModel::fit(&segments, &plan, 0, &params, &|| {});
        let raw = extract_all(&segments, &plan.starts, 64, &|| {});
        let mut extractor = Extractor::new(64);
        let starts = &plan.starts[0];
        let values = (0, segments[0].1.as_slice());
        let in_sample = model.log_distances(
            values,
            starts,
            &mut extractor,
            None,
            ScoringMode::Retrospective,
            &|| {},
        );
        for (v, view) in model.views.iter().enumerate() {
            let (mean, in_sample_deviation) = sample_moments(v, &vec![in_sample.clone()], &plan);
            assert!((view.mean - mean).abs() < 1e-6, "{v}");
            let mut features = raw[v].clone();
            view.standard.apply_all(&mut features);
            let left_out = view.centres.held_out_distances(&features, &plan.near, &|| {});
            let mut held_out = vec![vec![PerView::default(); starts.len()]];
            view.fill(v, &left_out.unwrap(), &plan.unaligned, &mut held_out);
            let (_, held_out_deviation) = sample_moments(v, &held_out, &plan);
            assert!(
                (view.deviation / (held_out_deviation * in_sample_deviation).sqrt() - 1.0).abs() < 1e-6,
                "{v}"
            );
            assert!(
                1.02 * in_sample_deviation < held_out_deviation,
                "{v}: {in_sample_deviation} {held_out_deviation}"
            );
            assert!(view.window_mean > mean, "{v}");
        }
    }
}
