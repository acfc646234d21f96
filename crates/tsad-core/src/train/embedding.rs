//! Learns the part of a window length that stands beside the plain views: distances in the embedding.
//!
//! The encoders neither gain nor lose on average, what the windows beside one let expect gains where a series has an
//! order and enough of it was seen (docs/experiments.md).

use super::channel::extract_all;
use super::held_out::{HeldOut, thinned};
use crate::cluster::Centres;
use crate::control::Check;
use crate::metric::context::joint;
use crate::metric::input::Windows;
use crate::metric::{EMBEDDING, Embedded, LeftOut, Metric, synthetic};
use crate::model::{
    AlignmentCorrection, ChannelModel, EmbeddingModel, NeighbourContext, ScaleModel, common_dims,
};
use crate::numeric::sampling::{evenly_spaced, uniform};
use crate::params::ValidParams;
use crate::score::distance::log_distance;
use crate::series::Series;
use crate::view::{Extractor, PerView};
use crate::window::placement::{hop, starts};
use crate::window::plan::WindowPlan;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// The metric is learned from at most about this many windows of all lengths and channels.
const MAX_METRIC_WINDOWS: usize = 3000;
/// The stream of random numbers of the learned part; windows lengths and channels have those from 0 on.
const EMBEDDING_STREAM: u64 = u64::MAX;

/// Scaled values of every segment, with the grid cell of its first sample.
type Scaled = Vec<(i64, Vec<f32>)>;

/// What was learned beside the plain views.
pub(crate) struct Learned {
    /// The encoders, or why there are none.
    pub metric: Result<Metric, LeftOut>,
    /// The held-out distances of retrospective scores, channel by channel and scale by scale.
    pub retrospective: Vec<Vec<Option<HeldOut>>>,
}

/// Learns a metric from all channels and gives every scale that has held-out distances its head, and what the windows
/// beside one let expect; the distances and the calibration of the scale then include both. `held_out`, which
/// scores that know no later sample go by, receives what the encoders add.
pub(crate) fn learn(
    channels: &mut [ChannelModel],
    held_out: &mut [Vec<Option<HeldOut>>],
    series: &Series,
    params: &ValidParams,
    check: Check,
) -> Learned {
    let mut rng = ChaCha8Rng::seed_from_u64(params.seed);
    rng.set_stream(EMBEDDING_STREAM);
    let dims = common_dims(channels[0].scales.iter().map(|s| s.length));
    let scaled: Vec<Scaled> = channels
        .iter()
        .enumerate()
        .map(|(c, m)| m.scaled(series, c))
        .collect();
    let (mut normal, mut synthetic) = (Windows::default(), Windows::default());
    let share = MAX_METRIC_WINDOWS / (channels.len() * channels[0].scales.len());
    for (model, scaled) in channels.iter().zip(&scaled) {
        for scale in &model.scales {
            collect_training_windows(
                scale,
                scaled,
                share.max(16),
                dims,
                &mut normal,
                &mut synthetic,
                &mut rng,
                check,
            );
        }
    }
    let metric = Metric::learn(&normal, &synthetic, dims, &mut rng, check);
    let mut retrospective = Vec::with_capacity(channels.len());
    for ((model, scaled), held_out) in channels.iter_mut().zip(&scaled).zip(held_out) {
        let scales = model.scales.iter_mut().zip(held_out);
        let of_channel = scales.map(|(scale, held_out)| {
            let metric = metric.as_ref().ok();
            let held_out = held_out.as_mut()?;
            Some(fit_embedding(
                scale, metric, scaled, held_out, params, &mut rng, check,
            ))
        });
        retrospective.push(of_channel.collect());
    }
    Learned {
        metric,
        retrospective,
    }
}

/// Adds evenly spaced training windows, and an incident made of each.
#[allow(
    clippy::too_many_arguments,
    reason = "two sinks, two sources, and what every step needs"
)]
fn collect_training_windows(
    scale: &ScaleModel,
    scaled: &Scaled,
    share: usize,
    dims: PerView<usize>,
    normal: &mut Windows,
    synthetic: &mut Windows,
    rng: &mut ChaCha8Rng,
    check: Check,
) {
    let length = scale.length;
    let mut places = Vec::new();
    for (s, (first, values)) in scaled.iter().enumerate() {
        places.extend(
            starts(*first, values.len(), length, hop(length))
                .into_iter()
                .map(|a| (s, a)),
        );
    }
    let window = |i: usize| {
        let (s, a) = places[i];
        &scaled[s].1[a..a + length]
    };
    let mut extractor = Extractor::new(length);
    for at in evenly_spaced(places.len(), share) {
        check();
        let features = scale.features(window(at), &mut extractor);
        normal.push(features.each_ref().map(Vec::as_slice), dims);
        let mut changed = window(at).to_vec();
        let other = (uniform(rng) * places.len() as f64) as usize;
        synthetic::inject(&mut changed, window(other), rng);
        let features = scale.features(&changed, &mut extractor);
        synthetic.push(features.each_ref().map(Vec::as_slice), dims);
    }
}

/// Adds to the held-out log distances of a scale what encoders and the windows beside let expect, and calibrates it
/// anew. Returns the held-out distances of retrospective scores; `held_out` receives those of the encoders only.
fn fit_embedding(
    scale: &mut ScaleModel,
    metric: Option<&Metric>,
    scaled: &Scaled,
    held_out: &mut HeldOut,
    params: &ValidParams,
    rng: &mut ChaCha8Rng,
    check: Check,
) -> HeldOut {
    let segments: Vec<(i64, usize)> = scaled.iter().map(|(first, v)| (*first, v.len())).collect();
    let plan = WindowPlan::aligned(&segments, scale.length, params.centres);
    let plain = features(scale, scaled, &plan.starts, check);
    let (mut jackknife, mut in_sample) = (held_out.clone(), held_out.clone());
    for (v, view) in scale.views.iter().enumerate() {
        let own = view.distances(&plain[v], check);
        let left_out = view.centres.held_out_distances(&plain[v], &plan.near, check);
        view.fill(
            v,
            left_out.as_ref().unwrap_or(&own),
            &plan.unaligned,
            &mut jackknife,
        );
        view.fill(v, &own, &plan.unaligned, &mut in_sample);
    }
    (scale.embedding, scale.context) = (None, None);
    if let Some(metric) = metric {
        let offset = features(scale, scaled, &plan.offset.starts, check);
        let (model, [added, in_sample_added]) =
            embed_windows(metric, (&plain, &offset), &plan, &jackknife, params, rng, check);
        add(&mut jackknife, &added);
        add(held_out, &added);
        add(&mut in_sample, &in_sample_added);
        scale.embedding = Some(model);
    }
    // As for the plain views: the jackknife weighs, the cross-fitted one keeps the false-alarm rate.
    scale.calibrate(&jackknife, &in_sample, &plan);
    let mut retrospective = held_out.clone();
    let dims = Extractor::dims_of(scale.length);
    let joint: Vec<f32> = (0..plan.windows())
        .flat_map(|i| joint(row(&plain, dims, i)))
        .collect();
    if let Some((beside, known)) =
        NeighbourContext::learn(&joint, dims, &plan, &jackknife, &mut scale.views, check)
    {
        for (window, known) in retrospective.iter_mut().flatten().zip(known) {
            let added = beside.added(known, window);
            window.iter_mut().zip(added).for_each(|(w, a)| *w += a);
        }
        scale.context = Some(beside);
    }
    retrospective
}

/// The standardised features of windows, view by view.
fn features(scale: &ScaleModel, scaled: &Scaled, starts: &[Vec<usize>], check: Check) -> PerView<Vec<f32>> {
    let mut out = extract_all(scaled, starts, scale.length, check);
    for (view, features) in scale.views.iter().zip(&mut out) {
        view.standard.apply_all(features);
    }
    out
}

/// The features of window `i`.
fn row(features: &PerView<Vec<f32>>, dims: PerView<usize>, i: usize) -> PerView<&[f32]> {
    std::array::from_fn(|v| &features[v][i * dims[v]..(i + 1) * dims[v]])
}

/// Adds to the log distances of all windows.
fn add(windows: &mut HeldOut, added: &[PerView<f32>]) {
    for (window, added) in windows.iter_mut().flatten().zip(added) {
        window.iter_mut().zip(added).for_each(|(w, a)| *w += a);
    }
}

/// Fits centres in the embedding of the windows of a plan, given their features and those of the offset ones, to weigh
/// like the log distances `jackknife`. Also returns what is added to each window, held out and in the sample.
fn embed_windows(
    metric: &Metric,
    (plain, offset): (&PerView<Vec<f32>>, &PerView<Vec<f32>>),
    plan: &WindowPlan,
    jackknife: &HeldOut,
    params: &ValidParams,
    rng: &mut ChaCha8Rng,
    check: Check,
) -> (EmbeddingModel, [Vec<PerView<f32>>; 2]) {
    let dims = Extractor::dims_of(plan.length);
    let embed = |features: &PerView<Vec<f32>>| -> Vec<Embedded> {
        let windows = 0..features[0].len() / dims[0];
        let each = windows.map(|i| {
            check();
            metric.embed(row(features, dims, i))
        });
        each.collect()
    };
    let (embedded, embedded_offset) = (embed(plain), embed(offset));
    let beside = plan.offset.aligned.as_slice();
    let mut learned_offset = PerView::<Vec<f32>>::default();
    let mut learned = vec![PerView::<f32>::default(); embedded.len()];
    let mut in_sample = learned.clone();
    let centres = std::array::from_fn(|v| {
        let rows: Vec<f32> = embedded.iter().flat_map(|z| z[v]).collect();
        let few = thinned(&rows, EMBEDDING);
        let centres = Centres::fit(&few, EMBEDDING, params.centres, params.contamination, rng, check);
        let offset_rows: Vec<f32> = embedded_offset.iter().flat_map(|z| z[v]).collect();
        let others = (offset_rows.as_slice(), beside);
        let distances = centres.held_out_distances_beside(&rows, &plan.near, others, check);
        let (distances, of_offset) = distances.unzip();
        learned_offset[v] = of_offset.iter().flatten().map(|d| log_distance(*d)).collect();
        for (i, z) in embedded.iter().enumerate() {
            let own = centres.distance(&z[v]);
            in_sample[i][v] = log_distance(own);
            learned[i][v] = log_distance(distances.as_ref().map_or(own, |d| d[i]));
        }
        centres
    });
    let gains = std::array::from_fn(|v| {
        let plain = spread(jackknife.iter().flatten().map(|w| w[v]));
        let learned = spread(learned.iter().map(|w| w[v]));
        if learned > 0.0 { plain / learned } else { 0.0 }
    });
    let on = |i: &usize, v: usize| gains[v] * learned[*i][v];
    let model = EmbeddingModel {
        centres,
        gains,
        alignment: std::array::from_fn(|v| {
            let off = learned_offset[v].iter().map(|l| gains[v] * l);
            match off.len() {
                0 => AlignmentCorrection::NONE,
                _ => AlignmentCorrection::of(beside.iter().map(|i| on(i, v)), off),
            }
        }),
    };
    let added = [learned, in_sample].map(|logs| {
        let of = |(log, unaligned): (&PerView<f32>, &bool)| {
            std::array::from_fn(|v| {
                let log = model.gains[v] * log[v];
                if *unaligned {
                    model.alignment[v].aligned(log)
                } else {
                    log
                }
            })
        };
        logs.iter().zip(&plan.unaligned).map(of).collect()
    });
    (model, added)
}

/// The standard deviation.
fn spread(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let n = values.clone().count() as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / n;
    (values.map(|v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt() as f32
}
