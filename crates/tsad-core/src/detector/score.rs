//! From rows and a model to scored points.

use super::causal::{Pace, blended, causal_score, part, weight};
use super::channel::{ChannelModel, ScaleModel};
use super::point::{Point, Status};
use super::regime::Verdict;
use crate::control::Check;
use crate::error::Result;
use crate::metric::Metric;
use crate::model::PerAspect;
use crate::model::{Body, Model, Trained};
use crate::params::Decision;
use crate::residual::{Excesses, RESIDUALS, Residuals};
use crate::series::{Place, Samples, Segment, Series};
use crate::view::{Extractor, PerView, View};
use crate::window::placement::{Run, hop, mean, runs, starts};
use std::borrow::Cow;
use std::ops::Range;

/// The weight of an excess beside the mean over windows, which has the deviation of about 1 on normal samples.
pub(crate) const RESIDUAL_WEIGHT: f32 = 3.0;

/// Rows between two calls of the cancel hook.
const CHECK_EVERY: usize = 1 << 14;
/// Windows between two calls of it.
const CHECK_WINDOWS: usize = 1 << 10;

/// What a score may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All windows that cover a sample, later samples included.
    Hindsight,
    /// The latest window that ends at the sample or before.
    Causal,
}

/// Scores every row: one point per row, in time order (rows of equal time in the order given).
///
/// A row's score uses all windows that cover it, later ones included, where they exist; until the longest
/// window has passed the point is not final. Rows that cannot be scored get a status instead.
///
/// Time is linear in the number of rows, memory too.
///
/// # Errors
/// `Dimension` if the rows have another number of channels than the model, `InvalidParameter` if their times are
/// of another kind.
pub fn score(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    scored(model, rows, Sight::Hindsight, Detail::ALL, check)
}

/// As [`score`], in about half the time, without what only explains: shares, the direction of change, and, unless
/// the model decides by them, regimes and principal directions. Scores, p-values and flags are the same.
///
/// # Errors
/// As [`score`].
pub fn score_only(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    let detail = Detail {
        shares: false,
        directions: model.params.decision != Decision::Metric,
    };
    scored(model, rows, Sight::Hindsight, detail, check)
}

/// As [`score_only`], with the shares of views and channels and the direction of change.
///
/// # Errors
/// As [`score`].
pub fn score_with_shares(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    let detail = Detail {
        shares: true,
        directions: model.params.decision != Decision::Metric,
    };
    scored(model, rows, Sight::Hindsight, detail, check)
}

/// Scores every row by what was known when it came: no later row has a say in its score, which therefore is final
/// at once. It ranks worse than [`score`], which knows what came next, and is the fair measure of how early an
/// incident shows. A channel missing in a row is filled in from the next row that has it, if there is one.
///
/// The score of a row is the weighted root mean (to the power of 1/2) over the window lengths of the latest windows'
/// scores, each raised by half of what it has risen within an eighth of its length; its scale is not that of [`score`],
/// and the model keeps a calibration of its own for it. It always decides by the metric; directions and regimes are not
/// told. A model trained with `causal` has windows for it that end at every sample. Else they are those of the
/// training, an eighth of their length apart: others see a periodic series in phases that training has not seen, and
/// flag it. Such a window sees a sample an eighth of its length after it at the latest. Until the first window of a
/// segment has ended the status is `Warmup`. Row by row, the same is done by [`super::Stream`].
///
/// Time is linear in the number of rows.
///
/// # Errors
/// As [`score`].
pub fn score_causal(model: &Model, rows: Samples, check: Check) -> Result<Vec<Point>> {
    let detail = Detail {
        shares: true,
        directions: false,
    };
    scored(model, rows, Sight::Causal, detail, check)
}

/// What is told of a row beside its score.
#[derive(Debug, Clone, Copy)]
struct Detail {
    /// The shares of views and channels, and the direction of change.
    shares: bool,
    /// Regimes and principal directions.
    directions: bool,
}

impl Detail {
    const ALL: Self = Self {
        shares: true,
        directions: true,
    };
}

fn scored(model: &Model, rows: Samples, sight: Sight, detail: Detail, check: Check) -> Result<Vec<Point>> {
    model.check_rows(&rows)?;
    let rows = rows.sorted_by_time(check);
    let trained = match &model.body {
        Body::Trained(trained) => trained,
        Body::Untrained(_) => {
            let point = |&t: &i64| Point::unscored(t, Status::InsufficientData);
            return Ok(rows.times().iter().map(point).collect());
        }
    };
    let live: Vec<usize> = trained.channels.iter().map(|c| c.index).collect();
    let rows = rows.select(&live, check);
    let (series, places) = Series::on_grid(&rows, &trained.grid, model.params.max_gap, check);
    let scored: Vec<Scores> = series
        .segments
        .iter()
        .map(|s| {
            let metric = trained.metric.as_ref().ok();
            let residuals = &trained.residuals;
            Scores::of_segment(
                &trained.channels,
                metric,
                residuals,
                s,
                sight,
                detail.shares,
                check,
            )
        })
        .collect();
    let alpha = trained.calibration.alpha;
    let verdicts = series.segments.iter();
    let verdicts = verdicts.map(|s| match detail.directions {
        true => trained.regimes.verdicts(&trained.channels, s, alpha, check),
        false => (Vec::new(), Vec::new()),
    });
    let judge = Judge {
        model,
        trained,
        reach: trained.reach(),
        verdicts: verdicts.collect(),
        matters: series
            .segments
            .iter()
            .map(|s| matters(model, trained, s, sight))
            .collect(),
        series: &series,
        scored: &scored,
        sight,
    };
    let point = |i: usize| {
        if i.is_multiple_of(CHECK_EVERY) {
            check();
        }
        judge.point(rows.times()[i], rows.row(i), places[i])
    };
    Ok((0..rows.len()).map(point).collect())
}

/// The scores of the samples of one segment.
pub(crate) struct Scores {
    channels: usize,
    /// Per sample the score; empty if the segment is shorter than every window.
    pub(crate) score: Vec<f64>,
    /// Per sample the weight of each aspect; empty unless shares are wanted.
    views: Vec<PerAspect<f32>>,
    /// Per sample the weight of each channel; empty unless shares are wanted.
    weights: Vec<f32>,
    /// In causal sight, of every length the first sample that a window ends at, and the weight.
    begun: Vec<(usize, f64)>,
}

impl Scores {
    pub(crate) fn of_segment(
        channels: &[ChannelModel],
        metric: Option<&Metric>,
        residuals: &Residuals,
        segment: &Segment,
        sight: Sight,
        shares: bool,
        check: Check,
    ) -> Self {
        let scaled: Vec<Vec<f32>> = channels
            .iter()
            .enumerate()
            .map(|(c, m)| {
                check();
                segment.channel(c).iter().map(|v| m.scale.apply(*v)).collect()
            })
            .collect();
        let excesses = residuals.excesses(&scaled, check);
        Self::of_distances(
            channels,
            segment,
            &excesses,
            sight,
            shares,
            check,
            |scale, length, starts| {
                let mut extractor = Extractor::new(length);
                let models = channels.iter().zip(&scaled);
                let distances = |(c, values): (&ChannelModel, &Vec<f32>)| {
                    let model = &c.looked_at(sight)[scale];
                    Cow::Owned(model.log_distances(
                        (segment.start, values),
                        starts,
                        &mut extractor,
                        metric,
                        sight,
                        check,
                    ))
                };
                models.map(distances).collect()
            },
        )
    }

    /// The scores of a segment from the excesses of its samples and from log distances: `distances` gives these per
    /// channel and window, for the index of a scale, its window length and the starts of the windows.
    pub(crate) fn of_distances<'a>(
        channels: &[ChannelModel],
        segment: &Segment,
        excesses: &Excesses,
        sight: Sight,
        shares: bool,
        check: Check,
        mut distances: impl FnMut(usize, usize, &[usize]) -> Vec<Cow<'a, [PerView<f32>]>>,
    ) -> Self {
        let mut out = Self {
            channels: channels.len(),
            score: Vec::new(),
            views: Vec::new(),
            weights: Vec::new(),
            begun: Vec::new(),
        };
        check();
        let scales = channels[0].looked_at(sight);
        let lengths: Vec<usize> = scales.iter().map(|s| s.length).collect();
        let fitting = lengths.iter().filter(|l| **l <= segment.len()).count();
        if fitting == 0 {
            return out;
        }
        out.score = vec![0.0; segment.len()];
        if shares {
            out.views = vec![PerAspect::default(); segment.len()];
            out.weights = vec![0.0; segment.len() * channels.len()];
        }
        for (s, &length) in lengths.iter().enumerate().take(fitting) {
            match sight {
                Sight::Hindsight => {
                    let starts = starts(segment.start, segment.len(), length, hop(length));
                    let distances = distances(s, length, &starts);
                    out.add_scale(channels, s, runs(&starts, length), &distances, check);
                }
                Sight::Causal => {
                    let pace = Pace::of(&channels[0], s);
                    let starts = starts(segment.start, segment.len(), length, pace.hop());
                    let distances = distances(s, length, &starts);
                    let windows = pace.in_step(segment.start, &starts);
                    let windows: Vec<(usize, usize)> = windows.into_iter().map(|w| (w, starts[w])).collect();
                    out.add_latest(channels, s, &windows, pace.back(), &distances, check);
                }
            }
        }
        let total = match sight {
            Sight::Hindsight => (0..fitting).map(|s| scale_weight(channels, s)).sum(),
            Sight::Causal => 1.0,
        };
        out.finish(total, excesses, sight, check);
        out
    }

    /// Adds the scores at one window length: per view the mean over the top quarter of the channels.
    fn add_scale(
        &mut self,
        channels: &[ChannelModel],
        scale: usize,
        runs: impl Iterator<Item = Run>,
        distances: &[Cow<'_, [PerView<f32>]>],
        check: Check,
    ) {
        let mut blend = Blend::new(channels.len(), !self.views.is_empty());
        let weight = scale_weight(channels, scale);
        for (n, run) in runs.enumerate() {
            if n.is_multiple_of(CHECK_WINDOWS) {
                check();
            }
            let means = distances.iter().map(|d| mean(&d[run.windows.clone()]));
            let models = channels.iter().map(|c| &c.scales[scale]);
            let (sum, views) = blend.add(models, weight, Sight::Hindsight, means);
            self.spread(run.samples, sum, &views, &blend.weights);
        }
    }

    /// Adds what the latest window of one length says of each sample. Windows are their indices among the distances and
    /// their starts; each has to rise above the one `back` windows before it.
    fn add_latest(
        &mut self,
        channels: &[ChannelModel],
        scale: usize,
        windows: &[(usize, usize)],
        back: usize,
        distances: &[Cow<'_, [PerView<f32>]>],
        check: Check,
    ) {
        let length = channels[0].causal_scales()[scale].length;
        let mut blend = Blend::new(channels.len(), !self.views.is_empty());
        let mut means: Vec<f64> = Vec::with_capacity(windows.len());
        for (n, (w, start)) in windows.iter().enumerate() {
            if n.is_multiple_of(CHECK_WINDOWS) {
                check();
            }
            let own = distances.iter().map(|d| d[*w]);
            let (mean, views) = blended(&mut blend, channels, scale, own);
            let before = n.checked_sub(back).map(|b| means[b]);
            means.push(mean);
            let next = windows
                .get(n + 1)
                .map_or(self.score.len(), |(_, s)| s + length - 1);
            let samples = start + length - 1..next;
            self.spread(samples, part(length, mean, before), &views, &blend.weights);
        }
        if let Some((_, first)) = windows.first() {
            self.begun.push((first + length - 1, weight(length)));
        }
    }

    /// Adds to the scores of samples, and to the weights of views and channels where these are wanted.
    fn spread(&mut self, samples: Range<usize>, sum: f64, views: &PerView<f32>, channels: &[f32]) {
        self.score[samples.clone()].iter_mut().for_each(|s| *s += sum);
        if self.views.is_empty() {
            return;
        }
        for i in samples {
            for (sum, view) in self.views[i].iter_mut().zip(views) {
                *sum += view;
            }
            let own = i * self.channels..(i + 1) * self.channels;
            let pairs = self.weights[own].iter_mut().zip(channels);
            pairs.for_each(|(w, weight)| *w += weight);
        }
    }
}

impl Scores {
    /// Turns the sums over window lengths, which in hindsight have the weight `total` together, into scores; not a number
    /// where no window has ended yet.
    fn finish(&mut self, total: f64, excesses: &Excesses, sight: Sight, check: Check) {
        let mut residual = Residual::new(self.channels);
        let channels = self.channels;
        for (i, score) in self.score.iter_mut().enumerate() {
            if i.is_multiple_of(CHECK_EVERY) {
                check();
            }
            residual.blend(match sight {
                Sight::Hindsight => excesses.of(i),
                Sight::Causal => excesses.until(i),
            });
            let share = match sight {
                Sight::Hindsight => {
                    *score = softplus(*score / (total * View::COUNT as f64) + residual.sum);
                    1.0 / total
                }
                Sight::Causal => {
                    let ended = self.begun.iter().filter(|(first, _)| *first <= i);
                    let weights: f64 = ended.map(|(_, weight)| weight).sum();
                    *score = causal_score(*score, weights, residual.sum);
                    1.0 / weights
                }
            };
            if let Some(views) = self.views.get_mut(i) {
                residual.join(share, views, &mut self.weights[i * channels..(i + 1) * channels]);
            }
        }
    }
}

/// What the residuals of a sample add to its score: for each the mean over the top quarter of the channels.
pub(crate) struct Residual {
    top: usize,
    order: Vec<(f32, usize)>,
    /// What they add.
    pub(crate) sum: f64,
    each: [f32; RESIDUALS],
    weights: Vec<f32>,
}

impl Residual {
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            top: channels.div_ceil(4),
            order: Vec::with_capacity(channels),
            sum: 0.0,
            each: [0.0; RESIDUALS],
            weights: vec![0.0; channels],
        }
    }

    /// The number of channels.
    pub(crate) fn channels(&self) -> usize {
        self.weights.len()
    }

    /// Takes in the excesses of a sample.
    pub(crate) fn blend(&mut self, excesses: [&[f32]; RESIDUALS]) {
        self.sum = 0.0;
        self.weights.fill(0.0);
        for (each, excesses) in self.each.iter_mut().zip(excesses) {
            *each = 0.0;
            self.order.clear();
            let over = excesses.iter().enumerate().filter(|(_, e)| **e > 0.0);
            self.order.extend(over.map(|(c, e)| (*e, c)));
            self.order
                .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for &(excess, c) in self.order.iter().take(self.top) {
                let share = RESIDUAL_WEIGHT * excess / self.top as f32;
                *each += share;
                self.weights[c] += share;
            }
            self.sum += f64::from(*each);
        }
    }

    /// Adds the weights of the residuals to those of the windows, which are sums over views and window lengths of
    /// which `share` makes the mean over the lengths.
    pub(crate) fn join(&self, share: f64, views: &mut PerAspect<f32>, weights: &mut [f32]) {
        let (windows, residuals) = views.split_at_mut(View::COUNT);
        let share = (share / View::COUNT as f64) as f32;
        windows.iter_mut().for_each(|w| *w *= share);
        residuals.copy_from_slice(&self.each);
        for (weight, own) in weights.iter_mut().zip(&self.weights) {
            *weight = *weight * share / self.top as f32 + own;
        }
    }
}

/// Blends the channels of one window length: per view the mean over the top quarter of them.
pub(crate) struct Blend {
    order: Vec<(f32, usize)>,
    z: Vec<PerView<f32>>,
    /// Whether the weights of views and channels are wanted.
    shares: bool,
    /// The weight of each channel in what was blended last.
    pub(crate) weights: Vec<f32>,
}

impl Blend {
    pub(crate) fn new(channels: usize, shares: bool) -> Self {
        Self {
            order: Vec::with_capacity(channels),
            z: vec![PerView::default(); channels],
            shares,
            weights: vec![0.0; channels],
        }
    }

    /// The sum over the views, and the weight of each view, both times the weight of the length, from the model and
    /// the log distances of each channel.
    pub(crate) fn add<'a>(
        &mut self,
        models: impl Iterator<Item = &'a ScaleModel>,
        scale_weight: f64,
        sight: Sight,
        distances: impl Iterator<Item = PerView<f32>>,
    ) -> (f64, PerView<f32>) {
        let top = self.z.len().div_ceil(4);
        for (z, (distances, model)) in self.z.iter_mut().zip(distances.zip(models)) {
            *z = model.calibrated(distances, sight);
        }
        let (mut sum, mut views) = (0.0_f64, PerView::<f32>::default());
        self.weights.fill(0.0);
        for (v, view) in views.iter_mut().enumerate() {
            self.order.clear();
            self.order
                .extend(self.z.iter().enumerate().map(|(c, z)| (z[v], c)));
            if self.order.len() > 1 {
                self.order
                    .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            }
            for &(z, c) in &self.order[..top] {
                sum += f64::from(z) * scale_weight / top as f64;
                if self.shares {
                    let weight = (softplus(f64::from(z)) * scale_weight) as f32;
                    *view += weight;
                    self.weights[c] += weight;
                }
            }
        }
        (sum, views)
    }
}

/// The weight of a window length in the score in hindsight: its samples to the power of 5/8, and once more as many where
/// the windows beside have as much to say as the views themselves, in the mean over the channels.
///
/// The longer a window, the more it has seen, and the more it blurs: incidents of hundreds of samples ask for a higher
/// power, those of a few for a lower one (docs/experiments.md).
pub(crate) fn scale_weight(channels: &[ChannelModel], scale: usize) -> f64 {
    let beside = |c: &ChannelModel| c.scales[scale].beside.as_ref().map_or(0.0, |b| b.weight);
    let said = 1.0 + channels.iter().map(beside).sum::<f64>() / channels.len() as f64;
    let length = channels[0].scales[scale].length as f64;
    // By roots, which are rounded alike on all machines.
    length.sqrt() * length.sqrt().sqrt().sqrt() * said
}

/// `log(1 + exp(x))`: keeps the order, is positive (in single precision too, for the sake of the shares), and is
/// nearly `x` where `x` is large.
pub(crate) fn softplus(x: f64) -> f64 {
    (x.max(0.0) + (-x.abs()).exp().ln_1p()).max(f64::from(f32::MIN_POSITIVE))
}

/// Turns the scores of samples into points of rows.
struct Judge<'a> {
    model: &'a Model,
    trained: &'a Trained,
    /// How many samples after one can touch its score.
    reach: usize,
    series: &'a Series,
    scored: &'a [Scores],
    /// Per segment the verdicts of the windows of the regimes, and which one counts for a sample.
    verdicts: Vec<(Vec<Verdict>, Vec<usize>)>,
    /// Per segment and sample whether a value nearby deviates enough to matter.
    matters: Vec<Vec<bool>>,
    sight: Sight,
}

impl Judge<'_> {
    fn point(&self, time: i64, row: &[f64], place: Option<Place>) -> Point {
        if row.iter().all(|v| v.is_nan()) {
            let mut point = Point::unscored(time, Status::Missing);
            point.imputed = place.is_some();
            return point;
        }
        let Some(place) = place else {
            return Point::unscored(time, Status::Gap);
        };
        let scores = &self.scored[place.segment];
        let Some(&score) = scores.score.get(place.sample).filter(|s| s.is_finite()) else {
            let status = match self.sight {
                Sight::Causal => Status::Warmup,
                Sight::Hindsight if self.series.segments.len() == 1 => Status::InsufficientData,
                Sight::Hindsight => Status::Gap,
            };
            return Point::unscored(time, status);
        };
        let (verdicts, of_sample) = &self.verdicts[place.segment];
        // Windows of regimes reach past the sample: of what was known when the row came they say nothing.
        let verdict = match self.sight {
            Sight::Hindsight => of_sample.get(place.sample).map(|w| &verdicts[*w]),
            Sight::Causal => None,
        };
        let direction = verdict.and_then(|v| v.p_value);
        let calibration = match self.sight {
            Sight::Hindsight => &self.trained.calibration,
            Sight::Causal => &self.trained.causal,
        };
        let (mut score, mut p_value) = match self.sight {
            Sight::Hindsight => self.decide(score, direction),
            Sight::Causal => (score, calibration.p_value(score)),
        };
        let mut status = self.status(time, direction);
        if calibration.is_anomaly(score) && !self.matters[place.segment][place.sample] {
            // Not significant, to the reader: score and p-value must say so too.
            (score, p_value) = (calibration.threshold, calibration.alpha);
            status = Status::SmallDeviation;
        }
        let weights = scores.weights.chunks_exact(scores.channels).nth(place.sample);
        let segment = &self.series.segments[place.segment];
        Point {
            time,
            status,
            score: Some(score),
            p_value: Some(p_value),
            is_anomaly: Some(calibration.is_anomaly(score)),
            regime: verdict.map(|v| v.regime),
            direction_p_value: direction,
            direction_channels: verdict.and_then(|v| self.spread(v.channels.as_deref()?)),
            views: scores.views.get(place.sample).copied().map(shares),
            channels: weights.map(|w| channel_shares(self.model, self.trained, w)),
            change: weights.and_then(|w| self.change(segment, place.sample, w)),
            imputed: segment.imputed[place.sample],
            is_final: self.sight == Sight::Causal
                || place.segment + 1 < self.series.segments.len()
                || place.sample + self.reach <= self.series.settled.min(segment.len() - 1),
        }
    }

    /// Where the value of the channel of largest weight lies against its band.
    fn change(&self, segment: &Segment, sample: usize, weights: &[f32]) -> Option<i8> {
        let c = most_to_blame(weights)?;
        let band = self.trained.baselines[c].at(segment.start + sample as i64);
        Some(band.change(segment.channel(c)[sample]))
    }

    /// The score and p-value that decide, from the metric score and the p-value of the direction.
    fn decide(&self, score: f64, direction: Option<f64>) -> (f64, f64) {
        let calibration = &self.trained.calibration;
        let metric = calibration.p_value(score);
        let p = match self.model.params.decision {
            Decision::Metric => return (score, metric),
            Decision::Direction => direction.unwrap_or(1.0),
            Decision::Either => (2.0 * metric.min(direction.unwrap_or(1.0))).min(1.0),
        };
        let p = p.max(f64::MIN_POSITIVE);
        (calibration.score_of(p), p)
    }

    /// The channels' shares in the order of the rows, 0 for a channel that is left out.
    fn spread(&self, shares: &[f64]) -> Option<Vec<f64>> {
        let mut out = vec![0.0; self.model.channels];
        for (share, c) in shares.iter().zip(&self.trained.channels) {
            out[c.index] = *share;
        }
        Some(out)
    }

    fn status(&self, time: i64, direction: Option<f64>) -> Status {
        let undirected = self.sight == Sight::Hindsight
            && self.model.params.decision == Decision::Direction
            && direction.is_none();
        match status_at(self.model, self.trained, time) {
            Status::Ok if undirected => Status::NoDirection,
            status => status,
        }
    }
}

/// The status of a scored row by its time.
pub(crate) fn status_at(model: &Model, trained: &Trained, time: i64) -> Status {
    if time < model.first_time {
        Status::BeforeModel
    } else if time <= model.last_time {
        Status::InTrainingRange
    } else if let Some(age) = model.params.max_age()
        && time.saturating_sub(model.last_time) > age
    {
        Status::StaleModel
    } else if trained.channels.iter().all(|c| c.scale.constant) {
        Status::Constant
    } else {
        Status::Ok
    }
}

/// The channel of largest weight, the first of several.
pub(crate) fn most_to_blame(weights: &[f32]) -> Option<usize> {
    let all = weights.iter().enumerate();
    all.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map(|(c, _)| c)
}

/// The share of every channel of the rows, 0 for those that the model leaves out.
pub(crate) fn channel_shares(model: &Model, trained: &Trained, weights: &[f32]) -> Vec<f64> {
    let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    let mut out = vec![0.0; model.channels];
    for (w, c) in weights.iter().zip(&trained.channels) {
        out[c.index] = f64::from(*w) / total;
    }
    out
}

/// For every sample whether a value of any channel nearby deviates from the baseline by the least deviation asked
/// for: within half the shortest window or, in causal sight, within the shortest window that ends with the sample.
fn matters(model: &Model, trained: &Trained, segment: &Segment, sight: Sight) -> Vec<bool> {
    if !model.params.asks_for_deviation() {
        return vec![true; segment.len()];
    }
    let mut out = vec![false; segment.len()];
    let shortest = trained.channels[0].scales[0].length;
    let (before, after) = match sight {
        Sight::Hindsight => (shortest / 2, shortest / 2),
        Sight::Causal => (0, shortest - 1),
    };
    for (c, baseline) in trained.baselines.iter().enumerate() {
        let mut done = 0;
        for (i, value) in segment.channel(c).iter().enumerate() {
            let expected = baseline.at(segment.start + i as i64).expected;
            if model.params.is_far(*value, expected) {
                let end = (i + after + 1).min(segment.len());
                out[done.max(i.saturating_sub(before))..end].fill(true);
                done = end;
            }
        }
    }
    out
}

pub(crate) fn shares(weights: PerAspect<f32>) -> PerAspect<f64> {
    let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    weights.map(|w| f64::from(w) / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softplus_is_positive_increasing_and_nearly_the_identity_above() {
        let at = [-50.0, -5.0, 0.0, 1.0, 30.0, 1e4].map(softplus);
        assert!(at.is_sorted_by(|a, b| a < b) && at[0] > 0.0);
        assert!((at[2] - 2.0_f64.ln()).abs() < 1e-15 && at[5] == 1e4);
    }
}
