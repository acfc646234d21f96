//! Folding newer normal rows into a model.
//!
//! A model holds no rows, so a part of it is only changed as far as the newer rows can vouch for it: centres are
//! clustered together with the newer windows; calibration, expectations and regimes are exchanged where the newer rows
//! contradict them; what is not contradicted stays, to the bit.

use super::causal;
use super::channel::extract_all;
use super::embedding;
use super::held_out::{self, HeldOut, at_most, complete, held_out_scores};
use super::rows;
use super::train;
use super::units::recentre_on_held_out;
use crate::calibrate::{Calibration, Source, Uniformity};
use crate::cluster::Centres;
use crate::cluster::streaming::Mixture;
use crate::control::Check;
use crate::error::Result;
use crate::metric::LeftOut;
use crate::model::{Body, ChannelModel, Model, Regimes, RowModel, ScaleModel, Trained, scaled};
use crate::params::ValidParams;
use crate::score::distance::ScoringMode;
use crate::series::{RobustScale, Samples, Segment, Series, scaled_by};
use crate::view::{PerView, Standard, View};
use crate::window::plan::{AnchorPoints, WindowPlan};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// Streams of random numbers of their own.
const UPDATE_STREAM: u64 = 1 << 40;
/// Standardised features are clipped at 50; within this range they are told apart with room to spare.
const MAX_STANDARDISED: f32 = 40.0;
/// Held-out distances need at least this many windows.
const MIN_HELD_OUT_WINDOWS: usize = 20;
/// The same model with newer normal rows folded in, without a training from nothing. Rows that are not later than the
/// model's last one are left out, so that an update can be repeated; the order of the rows does not matter. If no
/// stretch of the newer rows fills the shortest window nothing changes. A model that is not trained is trained on the
/// rows given.
///
/// - Centres of each view are clustered anew from the old ones, each weighing its share of the training windows, and the
///   newer windows; clusters that hold few of the newer windows and none of the old centres are left out.
/// - The distribution of scores is that of the newer rows, each scored by centres found without it, where they
///   contradict the old one (Kolmogorov and Smirnov on p-values that share no window) or are the longer part. They must
///   be long enough to hold some out.
/// - What is expected of a column is exchanged for what the newer rows let expect, if these cover two cycles of its seasons
///   and that makes the error a fifth smaller.
/// - Predictions and relations of the samples stay; what they leave unexplained of the newer rows is usual from then on.
/// - Regimes are found anew in the newer rows where these contradict the model; their numbers then change.
///
/// Time is linear in the number of rows.
///
/// # Errors
/// As [`crate::score()`].
pub fn update(model: &Model, rows: Samples, check: Check) -> Result<Model> {
    model.check_rows(&rows)?;
    let params = model.params.clone().validate()?;
    let rows = rows.sorted_canonically(check);
    let known = rows.times().partition_point(|t| *t <= model.last_time);
    let (mut out, newer) = match &model.body {
        Body::Untrained(_) => {
            let fresh = train(rows.clone(), &params, check)?;
            match &model.row_model {
                Some(old) if !fresh.has_windows() => {
                    let newer = rows.tail(known);
                    if newer.is_empty() {
                        return Ok(model.clone());
                    }
                    let learned = rows::update(old, &newer, &params, false, check)?;
                    (with_newer(model, &newer, learned.model), newer)
                }
                _ => (fresh, rows),
            }
        }
        Body::Trained(trained) => {
            let newer = rows.tail(known);
            let live: Vec<usize> = trained.channels.iter().map(|c| c.index).collect();
            let learned = match &model.row_model {
                Some(old) => rows::update(old, &newer, &params, true, check)?,
                None => rows::Learned {
                    model: None,
                    cleaned: newer.clone(),
                },
            };
            let cleaned = learned.cleaned.select(&live, check);
            let (series, _) = Series::on_grid(&cleaned, &trained.grid, params.max_gap, check);
            let Some(merged) = merge(trained, &series, &params, check) else {
                return Ok(model.clone());
            };
            let mut out = with_newer(model, &newer, learned.model);
            out.body = Body::Trained(Box::new(merged));
            (out, newer)
        }
    };
    if out.is_trained() {
        out.updates = model.updates;
        out.updates.count = model.updates.count.saturating_add(1);
        out.updates.rows += newer.len() as u64;
    }
    Ok(out)
}

/// The model with newer rows counted in, and what is expected of rows exchanged.
fn with_newer(model: &Model, newer: &Samples, row_model: Option<RowModel>) -> Model {
    let missing = (0..newer.len()).filter(|&i| newer.row(i).iter().all(|v| v.is_nan()));
    let mut out = model.clone();
    out.rows += newer.len() as u64;
    out.missing += missing.count() as u64;
    out.last_time = newer.times().last().copied().unwrap_or(out.last_time);
    out.row_model = row_model;
    out
}

/// The trained part with a newer series folded in; none if no window of it is full.
fn merge(trained: &Trained, series: &Series, params: &ValidParams, check: Check) -> Option<Trained> {
    let longest = series.segments.iter().map(Segment::len).max().unwrap_or(0);
    if longest < trained.channels[0].scales[0].length {
        return None;
    }
    let mut out = trained.clone();
    let anchors = AnchorPoints::of(series);
    let causal_lengths: Vec<usize> = trained.channels[0].causal.iter().map(|s| s.length).collect();
    let (mut held_out, mut held_out_causal) = (Vec::new(), Vec::new());
    let mut moved = false;
    for (c, channel) in out.channels.iter_mut().enumerate() {
        let merger = Merger {
            params,
            anchors: &anchors,
            causal: &causal_lengths,
            samples: trained.samples,
            check,
        };
        let (of_channel, widened) = merger.channel(channel, series, c);
        held_out.push(of_channel);
        held_out_causal.push(merger.causal(channel, series, c));
        moved |= widened;
    }
    recentre_on_held_out(&mut out.channels, &held_out, series, params, check);
    let channels = out.channels.iter_mut().zip(&trained.channels).zip(&held_out);
    // What is measured in other units cannot be joined.
    for ((now, before), held_out) in channels.filter(|((now, before), _)| now.scale == before.scale) {
        let scales = now.scales.iter_mut().zip(&before.scales).zip(held_out);
        for ((now, before), _) in scales.filter(|(_, held_out)| held_out.is_some()) {
            let (old, new) = (trained.samples as f64, series.len() as f64);
            let views = now.views.iter_mut().zip(&before.views);
            for (now, before) in views.filter(|(now, before)| now.standard == before.standard) {
                let (was, is) = ((before.mean, before.deviation), (now.mean, now.deviation));
                (now.mean, now.deviation) = pooled(was, is, old, new);
            }
        }
    }
    let mut retrospective = None;
    if params.metric && complete(&held_out).is_some() {
        let learned = embedding::learn(&mut out.channels, &mut held_out, series, params, check);
        recentre_on_held_out(&mut out.channels, &learned.retrospective, series, params, check);
        (out.metric, retrospective) = (learned.metric, Some(learned.retrospective));
    } else if params.metric && moved {
        // What was learned is of other features.
        out.metric = Err(LeftOut::TooFewWindows);
        let scales = out.channels.iter_mut().flat_map(|c| &mut c.scales);
        scales.for_each(|s| (s.embedding, s.context) = (None, None));
    }
    let window = trained.longest_window();
    let excesses;
    (out.residuals, excesses) = trained
        .residuals
        .updated(&scaled(&out.channels, series, check), check);
    let calibrated = |old: &Calibration, mode: ScoringMode| {
        check();
        let held_out = match mode {
            ScoringMode::Retrospective => retrospective.as_ref().unwrap_or(&held_out),
            ScoringMode::Causal => &held_out,
        };
        let (scores, reach) = match mode {
            ScoringMode::Causal if !causal_lengths.is_empty() => (
                causal::held_out_scores(
                    &out.channels,
                    &complete(&held_out_causal)?,
                    &excesses,
                    &anchors,
                    check,
                ),
                window.div_ceil(anchors.step),
            ),
            _ => (
                held_out_scores(
                    &out.channels,
                    &complete(held_out)?,
                    &excesses,
                    series,
                    mode,
                    check,
                ),
                window,
            ),
        };
        recalibrated(old, scores, reach, params.contamination)
    };
    let (retrospective, causal) = (
        calibrated(&trained.calibration, ScoringMode::Retrospective),
        calibrated(&trained.causal, ScoringMode::Causal),
    );
    let contradicted = moved
        || retrospective
            .as_ref()
            .is_some_and(|(_, contradicts)| *contradicts);
    if let Some((calibration, _)) = retrospective {
        out.calibration = calibration;
    }
    if let Some((calibration, _)) = causal {
        out.causal = calibration;
    }
    if contradicted && longest >= out.regimes.length {
        out.regimes = Regimes::fit(&out.channels, series, params, check);
    }
    out.samples += series.len() as u64;
    out.imputed += series.imputed() as u64;
    Some(out)
}

/// The distribution that counts, the old one or that of newer scores, and whether these contradict the old one.
fn recalibrated(
    old: &Calibration,
    mut scores: Vec<Vec<f64>>,
    window: usize,
    contamination: f64,
) -> Option<(Calibration, bool)> {
    scores
        .iter_mut()
        .for_each(|s| s.retain(|score| score.is_finite()));
    if scores.iter().all(Vec::is_empty) {
        return None;
    }
    let decimated = scores.iter().flat_map(|s| s.iter().step_by(window));
    let off = Uniformity::of(decimated.map(|s| old.p_value(*s)).collect()).is_off();
    let fresh = Calibration::fit(
        &scores,
        window,
        contamination,
        old.prior,
        Source::Recent,
        old.alpha,
    );
    let chosen = match off || fresh.clusters > old.clusters {
        true => fresh,
        false => old.clone(),
    };
    Some((chosen, off))
}

struct Merger<'a> {
    params: &'a ValidParams,
    anchors: &'a AnchorPoints,
    /// The lengths of the windows that causal scores have of their own, if they have.
    causal: &'a [usize],
    /// The number of samples that the model stands for.
    samples: u64,
    check: Check<'a>,
}

impl Merger<'_> {
    /// Folds channel `c` of a series into its model. Returns the held-out distances of each window length, none where
    /// there are too few windows for them, and whether the range of a feature had to be widened.
    fn channel(&self, channel: &mut ChannelModel, series: &Series, c: usize) -> (Vec<Option<HeldOut>>, bool) {
        let values = || series.segments.iter().flat_map(|s| s.channel(c)).copied();
        let lengths = channel.lengths();
        let longest = series.segments.iter().map(Segment::len).max().unwrap_or(0);
        let fits =
            lengths.iter().all(|l| *l <= longest) && self.causal.iter().all(|l| self.anchors.suffice(*l));
        if channel.scale.constant && fits && !RobustScale::fit(values()).constant {
            // A scale of constant values measures nothing: what is known of the channel is what is new.
            let (fresh, held_out) =
                ChannelModel::fit(series, c, channel.index, &lengths, self.params, self.check);
            *channel = fresh;
            return (held_out, true);
        }
        let scaled = scaled_by(series, c, &channel.scale);
        let segments: Vec<(i64, usize)> = scaled.iter().map(|(first, v)| (*first, v.len())).collect();
        let mut moved = false;
        let index = channel.index;
        let of_scale = |scale: &mut ScaleModel| {
            let plan = WindowPlan::aligned(&segments, scale.length, self.params.centres);
            let (held_out, widened) = self.scale(scale, &scaled, &plan, index);
            moved |= widened;
            held_out
        };
        (channel.scales.iter_mut().map(of_scale).collect(), moved)
    }

    /// The same for the windows that causal scores have of their own, if they have.
    fn causal(&self, channel: &mut ChannelModel, series: &Series, c: usize) -> Vec<Option<HeldOut>> {
        if channel.causal.is_empty() {
            // Either there are none, or what was known of the channel has just been exchanged.
            return channel.learn_causal(series, c, self.anchors, self.causal, self.params, self.check);
        }
        let scaled = channel.scaled(series, c);
        let index = channel.index;
        let of_scale = |scale: &mut ScaleModel| {
            let plan = WindowPlan::at_anchors(self.anchors, scale.length, self.params.centres);
            self.scale(scale, &scaled, &plan, index).0
        };
        channel.causal.iter_mut().map(of_scale).collect()
    }

    fn scale(
        &self,
        scale: &mut ScaleModel,
        segments: &[(i64, Vec<f32>)],
        plan: &WindowPlan,
        index: usize,
    ) -> (Option<HeldOut>, bool) {
        let (length, starts, folds) = (plan.length, &plan.starts, &plan.folds);
        let windows = plan.windows();
        if windows == 0 {
            return (None, false);
        }
        let raw = extract_all(segments, starts, length, self.check);
        let offset_raw = extract_all(segments, &plan.offset.starts, length, self.check);
        let complete =
            windows >= MIN_HELD_OUT_WINDOWS && folds.iter().all(|b| 2 * b.left_out.len() <= windows);
        let mut held_out: HeldOut = starts.iter().map(|s| vec![PerView::default(); s.len()]).collect();
        let mut in_sample = held_out.clone();
        let mut moved = false;
        for (v, view) in scale.views.iter_mut().enumerate() {
            let old: Vec<Vec<f64>> = (0..view.centres.len()).map(|k| view.centre(k)).collect();
            let (standard, widened) = match View::ALL[v] {
                View::Profile => (view.standard.clone(), false),
                _ => widened(&view.standard, &old, &raw[v]),
            };
            moved |= widened;
            let known = standardised(&standard, &old);
            let mut newer = raw[v].clone();
            standard.apply_all(&mut newer);
            let part = Part {
                known: &known,
                known_weight: self.samples as f64 * plan.density / old.len() as f64,
                dim: view.dim(),
                stream: UPDATE_STREAM + plan.rng_stream(index, v),
                centres: plan.centres,
                clustered: plan.clustered,
            };
            let centres = self.cluster(&part, &newer);
            if View::ALL[v] == View::Profile {
                let cells = segments.iter().zip(starts);
                let cells = cells.flat_map(|((first, _), starts)| starts.iter().map(|s| *first + *s as i64));
                scale.origins = origins(&centres, (&known, &scale.origins), (&newer, cells.collect()));
            }
            let before = (view.window_mean, view.window_deviation);
            view.standard = standard;
            view.centres = centres;
            if complete {
                let distances = held_out::distances_by(&newer, view.dim(), folds, plan.refitted, |rest| {
                    self.cluster(&part, rest)
                });
                view.learn_alignment(&newer, &offset_raw[v], plan, self.check);
                view.fill(v, &distances, &plan.unaligned, &mut held_out);
                if plan.covering {
                    let seen = view.distances(&newer, self.check);
                    view.fill(v, &seen, &plan.unaligned, &mut in_sample);
                }
                view.calibrate(v, &held_out, &in_sample, plan);
                if !widened {
                    let (old, new) = (self.samples as f64, windows as f64 / plan.density);
                    let now = (view.window_mean, view.window_deviation);
                    (view.window_mean, view.window_deviation) = pooled(before, now, old, new);
                }
            }
        }
        (complete.then_some(held_out), moved)
    }

    /// The clusters of old centres and newer standardised windows.
    fn cluster(&self, part: &Part, newer: &[f32]) -> Centres {
        let mut rng = ChaCha8Rng::seed_from_u64(self.params.seed);
        rng.set_stream(part.stream);
        let few = at_most(newer, part.dim, part.clustered);
        let mixture = Mixture {
            dim: part.dim,
            known: part.known,
            known_weight: part.known_weight,
            newer: &few,
            newer_weight: newer.len() as f64 / few.len().max(1) as f64,
        };
        mixture.cluster(part.centres, self.params.contamination, &mut rng, self.check)
    }
}

/// What is known of a view, and where its random numbers come from.
struct Part<'a> {
    known: &'a [f32],
    known_weight: f64,
    dim: usize,
    stream: u64,
    /// The largest number of centres, and of newer windows that are clustered.
    centres: usize,
    clustered: usize,
}

/// The standardisation under which both old centres, given in the units of the features, and newer windows are told
/// apart, and whether it is another one. The units stay unless something would be clipped: they are what the training
/// found to be a deviation, and a change of level must not make it coarser than it has to.
fn widened(standard: &Standard, old: &[Vec<f64>], newer: &[f32]) -> (Standard, bool) {
    let mut out = standard.clone();
    let dim = standard.mean.len();
    for j in 0..dim {
        let all = || {
            let old = old.iter().map(move |c| c[j] as f32);
            old.chain(newer.chunks_exact(dim).map(move |f| f[j]))
        };
        let (low, high) = all().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        let at = |v: f32| (v - standard.mean[j]) * standard.factor[j];
        if at(low) < -MAX_STANDARDISED || at(high) > MAX_STANDARDISED {
            out.mean[j] = low + (high - low) / 2.0;
            out.factor[j] = standard.factor[j].min(2.0 * MAX_STANDARDISED / (high - low));
        }
    }
    let changed = out != *standard;
    (out, changed)
}

/// Centres in the units of the features, standardised and one after the other.
fn standardised(standard: &Standard, centres: &[Vec<f64>]) -> Vec<f32> {
    let mut rows = Vec::new();
    for centre in centres {
        let mut row: Vec<f32> = centre.iter().map(|v| *v as f32).collect();
        standard.apply(&mut row);
        rows.extend(row);
    }
    rows
}

/// Where the windows begin that are nearest to each centre, of those that were nearest to the old centres and the newer
/// ones.
fn origins(
    centres: &Centres,
    (known, places): (&[f32], &[Option<i64>]),
    (newer, cells): (&[f32], Vec<i64>),
) -> Vec<Option<i64>> {
    let dim = centres.rows().len() / centres.len();
    let placed = known
        .chunks_exact(dim)
        .zip(places)
        .filter_map(|(c, p)| Some((c, (*p)?)));
    let (mut features, mut all) = (Vec::new(), Vec::new());
    for (centre, cell) in placed {
        features.extend_from_slice(centre);
        all.push(cell);
    }
    features.extend_from_slice(newer);
    all.extend(cells);
    ScaleModel::origins_of(centres, &features, &all)
}

/// Joins the mean and deviation of scores before with those now, weighted by samples.
fn pooled(was: (f64, f64), is: (f64, f64), old: f64, new: f64) -> (f64, f64) {
    let share = new / (old + new);
    let mean = was.0 + share * (is.0 - was.0);
    let square = (1.0 - share) * was.1.powi(2) + share * is.1.powi(2);
    let between = share * (1.0 - share) * (is.0 - was.0).powi(2);
    (mean, (square + between).sqrt())
}
