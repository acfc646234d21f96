//! The payload of format version 1. Its layout never changes; a new layout gets a new version.

use super::bounds::{
    EMBEDDED, ENCODER, FACTORS, FINEST_SCORE, GAIN, SCALED, SCORE, STANDARDISED, THRESHOLD, WEIGHT,
    check_counts, check_text, is_between, is_within,
};
use super::regimes::RegimesV1;
use super::residuals::ResidualsV1;
use super::vector::{Wrong, from_bytes, require, to_bytes};
use crate::calibrate::Calibration;
use crate::cluster::Centres;
use crate::metric::context::Context;
use crate::metric::{EMBEDDING, LeftOut, Metric};
use crate::model::channel::{ChannelModel, ScaleModel, ViewModel};
use crate::model::embedding::{EmbeddingModel, common_dims};
use crate::model::neighbours::{LinearFit, NeighbourContext};
use crate::model::phase::AlignmentCorrection;
use crate::model::row_model::RowModel;
use crate::model::{Body, Model, Trained, Updates};
use crate::params::Params;
use crate::series::{Grid, RobustScale, Samples, TimeKind};
use crate::view::{Extractor, PerView, Standard};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::model) struct ModelV1 {
    library: String,
    params: Params,
    channels: u32,
    times: TimeKind,
    rows: u64,
    left_out: u64,
    missing: u64,
    first_time: i64,
    last_time: i64,
    updates: Updates,
    row_model: Option<RowModel>,
    body: BodyV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BodyV1 {
    Trained(Box<TrainedV1>),
    Untrained(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainedV1 {
    grid: Grid,
    samples: u64,
    imputed: u64,
    channels: Vec<ChannelV1>,
    calibration: Calibration,
    causal: Calibration,
    metric: MetricV1,
    regimes: RegimesV1,
    residuals: ResidualsV1,
}

/// The weights of the encoders, or why there are none.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MetricV1 {
    Learned(EncodersV1),
    LeftOut(LeftOut),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EncodersV1 {
    amplitude: ByteBuf,
    shape: ByteBuf,
    spectrum: ByteBuf,
    profile: ByteBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelV1 {
    index: u32,
    scale: RobustScale,
    scales: Vec<ScaleV1>,
    /// Left out where causal scores have no windows of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causal: Vec<ScaleV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleV1 {
    length: u32,
    amplitude: ViewV1,
    shape: ViewV1,
    spectrum: ViewV1,
    profile: ViewV1,
    head: Option<EmbeddingModelV1>,
    /// Left out where nothing was learned of the windows beside one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beside: Option<NeighbourContextV1>,
    origins: Vec<Option<i64>>,
}

/// Per view the centres of the embeddings, the gain and the windows out of step.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbeddingModelV1 {
    centres: Vec<ByteBuf>,
    gains: ByteBuf,
    stray: PerView<AlignmentCorrection>,
}

/// What the windows beside one let expect: components, map, the metric of each view, gains and usual distances.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NeighbourContextV1 {
    weight: f64,
    components: ByteBuf,
    map: ByteBuf,
    whitening: Vec<ByteBuf>,
    gains: ByteBuf,
    usual: PerView<LinearFit>,
}

/// Vectors are stored as little-endian 32-bit floating-point numbers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewV1 {
    location: ByteBuf,
    factor: ByteBuf,
    centres: ByteBuf,
    mean: f64,
    deviation: f64,
    window_mean: f64,
    window_deviation: f64,
    stray: AlignmentCorrection,
}

impl From<&Model> for ModelV1 {
    fn from(m: &Model) -> Self {
        let body = match &m.body {
            Body::Untrained(reason) => BodyV1::Untrained(reason.clone()),
            Body::Trained(t) => BodyV1::Trained(Box::new(TrainedV1 {
                grid: t.grid,
                samples: t.samples,
                imputed: t.imputed,
                channels: t.channels.iter().map(ChannelV1::from).collect(),
                calibration: t.calibration.clone(),
                causal: t.causal.clone(),
                metric: MetricV1::from(&t.metric),
                regimes: RegimesV1::from(&t.regimes),
                residuals: ResidualsV1::from(&t.residuals),
            })),
        };
        Self {
            library: m.library.clone(),
            params: m.params.clone(),
            channels: m.channels as u32,
            times: m.times,
            rows: m.rows,
            left_out: m.left_out,
            missing: m.missing,
            first_time: m.first_time,
            last_time: m.last_time,
            updates: m.updates,
            row_model: m.row_model.clone(),
            body,
        }
    }
}

impl From<&ChannelModel> for ChannelV1 {
    fn from(c: &ChannelModel) -> Self {
        let scale = |s: &ScaleModel| ScaleV1 {
            length: s.length as u32,
            amplitude: ViewV1::from(&s.views[0]),
            shape: ViewV1::from(&s.views[1]),
            spectrum: ViewV1::from(&s.views[2]),
            profile: ViewV1::from(&s.views[3]),
            head: s.embedding.as_ref().map(EmbeddingModelV1::from),
            beside: s.context.as_ref().map(NeighbourContextV1::from),
            origins: s.origins.clone(),
        };
        Self {
            index: c.index as u32,
            scale: c.scale,
            scales: c.scales.iter().map(scale).collect(),
            causal: c.causal.iter().map(scale).collect(),
        }
    }
}

impl From<&Result<Metric, LeftOut>> for MetricV1 {
    fn from(m: &Result<Metric, LeftOut>) -> Self {
        match m {
            Err(reason) => Self::LeftOut(*reason),
            Ok(metric) => {
                let [amplitude, shape, spectrum, profile] = metric.weights().map(|w| to_bytes(&w));
                Self::Learned(EncodersV1 {
                    amplitude,
                    shape,
                    spectrum,
                    profile,
                })
            }
        }
    }
}

impl From<&EmbeddingModel> for EmbeddingModelV1 {
    fn from(h: &EmbeddingModel) -> Self {
        Self {
            centres: h.centres.iter().map(|c| to_bytes(c.rows())).collect(),
            gains: to_bytes(&h.gains),
            stray: h.alignment,
        }
    }
}

impl From<&NeighbourContext> for NeighbourContextV1 {
    fn from(b: &NeighbourContext) -> Self {
        let (components, map, whitening) = b.context.weights();
        Self {
            weight: b.weight,
            components: to_bytes(components),
            map: to_bytes(map),
            whitening: whitening.iter().map(|w| to_bytes(w)).collect(),
            gains: to_bytes(&b.gains),
            usual: b.fallback,
        }
    }
}

impl From<&ViewModel> for ViewV1 {
    fn from(v: &ViewModel) -> Self {
        Self {
            location: to_bytes(&v.standard.mean),
            factor: to_bytes(&v.standard.factor),
            centres: to_bytes(v.centres.rows()),
            mean: v.mean,
            deviation: v.deviation,
            window_mean: v.window_mean,
            window_deviation: v.window_deviation,
            stray: v.alignment,
        }
    }
}

impl ModelV1 {
    /// Checks everything that scoring relies on.
    pub(in crate::model) fn into_model(self) -> Result<Model, Wrong> {
        let params = self
            .params
            .validate()
            .map_err(|_| "its options are out of range")?;
        let channels = self.channels as usize;
        require(
            (1..=Samples::MAX_CHANNELS).contains(&channels),
            "number of channels",
        )?;
        require(self.first_time <= self.last_time, "training range")?;
        check_text(&self.library, "version of the library")?;
        check_counts(&[self.rows, self.left_out, self.updates.rows], "numbers of rows")?;
        require(self.missing <= self.rows, "numbers of rows")?;
        let row_model = self.row_model;
        if let Some(rows) = &row_model {
            require(rows.columns.len() == channels, "expectations")?;
            require(rows.is_sound(), "expectations")?;
        }
        let body = match self.body {
            BodyV1::Untrained(reason) => {
                check_text(&reason, "reason")?;
                Body::Untrained(reason)
            }
            BodyV1::Trained(t) => Body::Trained(Box::new(t.into_trained(channels)?)),
        };
        Ok(Model {
            library: self.library,
            params: (*params).clone(),
            channels,
            times: self.times,
            rows: self.rows,
            left_out: self.left_out,
            missing: self.missing,
            first_time: self.first_time,
            last_time: self.last_time,
            updates: self.updates,
            row_model,
            body,
        })
    }
}

impl TrainedV1 {
    fn into_trained(self, channels: usize) -> Result<Trained, Wrong> {
        let grid = self.grid;
        require(
            grid.interval >= 1 && (0..grid.interval).contains(&grid.phase),
            "grid",
        )?;
        require(self.samples >= 1 && self.imputed <= self.samples, "sample counts")?;
        check_counts(&[self.samples], "sample counts")?;
        let lengths: Vec<u32> = match self.channels.first() {
            Some(c) => c.scales.iter().map(|s| s.length).collect(),
            None => return Err("number of channels"),
        };
        let count = 1..=Params::MAX_SCALES;
        require(
            count.contains(&lengths.len()) && lengths.is_sorted_by(|a, b| a < b),
            "scales",
        )?;
        require(self.channels.is_sorted_by(|a, b| a.index < b.index), "channels")?;
        let causal: Vec<u32> = match self.channels.first() {
            Some(c) => c.causal.iter().map(|s| s.length).collect(),
            None => Vec::new(),
        };
        let fits = |l: &u32| lengths.last().is_some_and(|longest| l <= longest);
        require(
            causal.len() <= 2 * Params::MAX_SCALES
                && causal.is_sorted_by(|a, b| a < b)
                && causal.iter().all(fits),
            "causal scales",
        )?;
        let models = self.channels.into_iter().map(|c| {
            require((c.index as usize) < channels, "channels")?;
            require(
                c.causal.iter().map(|s| s.length).eq(causal.iter().copied()),
                "causal scales",
            )?;
            require(
                c.scales.iter().map(|s| s.length).eq(lengths.iter().copied()),
                "scales",
            )?;
            c.into_channel()
        });
        let channels = models.collect::<Result<Vec<_>, _>>()?;
        check_calibration(&self.calibration)?;
        check_calibration(&self.causal)?;
        let metric = self
            .metric
            .into_metric(common_dims(lengths.iter().map(|l| *l as usize)))?;
        let scales = channels.iter().flat_map(|c: &ChannelModel| &c.scales);
        require(
            metric.is_ok() || scales.into_iter().all(|s| s.embedding.is_none()),
            "metric",
        )?;
        let lengths: Vec<usize> = lengths.iter().map(|l| *l as usize).collect();
        let regimes = self.regimes.into_regimes(&lengths, channels.len())?;
        let residuals = self.residuals.into_residuals(channels.len())?;
        Ok(Trained {
            grid,
            samples: self.samples,
            imputed: self.imputed,
            channels,
            calibration: self.calibration,
            causal: self.causal,
            metric,
            regimes,
            residuals,
        })
    }
}

impl ChannelV1 {
    fn into_channel(self) -> Result<ChannelModel, Wrong> {
        let scale = self.scale;
        require(
            scale.median.is_finite() && scale.scale > f64::MIN_POSITIVE && scale.scale.is_finite(),
            "scale",
        )?;
        let model = |s: ScaleV1| {
            let length = s.length as usize;
            require(
                (crate::view::MIN_WINDOW..=crate::view::MAX_WINDOW).contains(&length),
                "scales",
            )?;
            let [amplitude, shape, spectrum, profile] = Extractor::dims_of(length);
            let profile = s.profile.into_view(profile)?;
            require(s.origins.len() == profile.centres.len(), "origins")?;
            Ok(ScaleModel {
                length,
                origins: s.origins,
                views: [
                    s.amplitude.into_view(amplitude)?,
                    s.shape.into_view(shape)?,
                    s.spectrum.into_view(spectrum)?,
                    profile,
                ],
                embedding: s.head.map(EmbeddingModelV1::into_embedding).transpose()?,
                context: s
                    .beside
                    .map(|b| b.into_context(Extractor::dims_of(length)))
                    .transpose()?,
            })
        };
        let models = |all: Vec<ScaleV1>| all.into_iter().map(model).collect::<Result<_, Wrong>>();
        let plain = |s: &ScaleV1| s.head.is_none() && s.beside.is_none();
        require(self.causal.iter().all(plain), "causal scales")?;
        Ok(ChannelModel {
            index: self.index as usize,
            scale,
            scales: models(self.scales)?,
            causal: models(self.causal)?,
        })
    }
}

impl MetricV1 {
    /// Features per view come from the window lengths.
    fn into_metric(self, dims: PerView<usize>) -> Result<Result<Metric, LeftOut>, Wrong> {
        let stored = match self {
            Self::LeftOut(reason) => return Ok(Err(reason)),
            Self::Learned(e) => [e.amplitude, e.shape, e.spectrum, e.profile],
        };
        let mut weights = PerView::<Vec<f32>>::default();
        for (w, bytes) in weights.iter_mut().zip(&stored) {
            *w = from_bytes(bytes, ENCODER)?;
        }
        Metric::of_weights(dims, weights).map(Ok).ok_or("metric")
    }
}

impl EmbeddingModelV1 {
    fn into_embedding(self) -> Result<EmbeddingModel, Wrong> {
        let gains = from_bytes(&self.gains, GAIN)?;
        require(gains.iter().all(|g| *g >= 0.0), "gains")?;
        require(
            self.stray.iter().all(AlignmentCorrection::is_sound),
            "windows out of step",
        )?;
        let centres = self.centres.iter().map(|bytes| {
            let rows = from_bytes(bytes, EMBEDDED)?;
            let whole = !rows.is_empty() && rows.len().is_multiple_of(EMBEDDING);
            require(whole, "embedded centres")?;
            Ok(Centres::from_rows(rows, EMBEDDING))
        });
        let centres: Vec<Centres> = centres.collect::<Result<_, Wrong>>()?;
        Ok(EmbeddingModel {
            centres: centres.try_into().map_err(|_| "embedded centres")?,
            gains: gains.try_into().map_err(|_| "gains")?,
            alignment: self.stray,
        })
    }
}

impl NeighbourContextV1 {
    /// Features per view come from the window length.
    fn into_context(self, dims: PerView<usize>) -> Result<NeighbourContext, Wrong> {
        let gains = from_bytes(&self.gains, GAIN)?;
        require(gains.iter().all(|g| *g >= 0.0), "gains of the context")?;
        require((0.0..=1.0).contains(&self.weight), "weight of the context")?;
        require(self.usual.iter().all(LinearFit::is_sound), "usual context")?;
        let whitening = self.whitening.iter().map(|bytes| from_bytes(bytes, WEIGHT));
        let whitening: Vec<Vec<f32>> = whitening.collect::<Result<_, Wrong>>()?;
        let context = Context::of_weights(
            dims,
            from_bytes(&self.components, WEIGHT)?,
            from_bytes(&self.map, WEIGHT)?,
            whitening.try_into().map_err(|_| "context")?,
        );
        Ok(NeighbourContext {
            context: context.ok_or("context")?,
            weight: self.weight,
            gains: gains.try_into().map_err(|_| "gains of the context")?,
            fallback: self.usual,
        })
    }
}

impl ViewV1 {
    fn into_view(self, dim: usize) -> Result<ViewModel, Wrong> {
        let location = from_bytes(&self.location, SCALED)?;
        let factor = from_bytes(&self.factor, FACTORS.1)?;
        let centres = from_bytes(&self.centres, STANDARDISED)?;
        require(location.len() == dim && factor.len() == dim, "features")?;
        require(factor.iter().all(|f| is_between(*f, FACTORS)), "features")?;
        require(
            !centres.is_empty() && centres.len().is_multiple_of(dim),
            "centres",
        )?;
        let moments = [
            (self.mean, self.deviation),
            (self.window_mean, self.window_deviation),
        ];
        let sound =
            |(mean, deviation): &(f64, f64)| is_within(*mean, SCORE) && (0.0..=SCORE).contains(deviation);
        require(moments.iter().all(sound), "scores")?;
        require(self.stray.is_sound(), "windows out of step")?;
        Ok(ViewModel {
            standard: Standard {
                mean: location,
                factor,
            },
            centres: Centres::from_rows(centres, dim),
            mean: self.mean,
            deviation: self.deviation,
            window_mean: self.window_mean,
            window_deviation: self.window_deviation,
            alignment: self.stray,
        })
    }
}

fn check_calibration(c: &Calibration) -> Result<(), Wrong> {
    let is_score = |s: &f64| is_within(*s, SCORE);
    let is_scale = |s: f64| (FINEST_SCORE..=SCORE).contains(&s);
    require(
        c.knots.len() == Calibration::KNOTS && c.knots.iter().all(is_score),
        "calibration",
    )?;
    require(c.knots.is_sorted(), "calibration")?;
    require((0.0..=0.5).contains(&c.tail.shape), "calibration")?;
    require(
        (1e-12..=0.5).contains(&c.tail_share) && (1..=c.samples).contains(&c.clusters),
        "calibration",
    )?;
    check_counts(&[c.samples, c.set_aside], "calibration")?;
    let sorted = c.highest.is_sorted_by(|a, b| a >= b);
    require(
        sorted && c.highest.len() <= Calibration::HIGHEST && c.highest.iter().all(is_score),
        "calibration",
    )?;
    require(is_scale(c.tail.scale) && is_scale(c.prior.scale), "calibration")?;
    require((0.0..=SCORE).contains(&c.prior.body), "calibration")?;
    require(
        Calibration::ALPHA.contains(&c.alpha) && is_within(c.threshold, THRESHOLD),
        "calibration",
    )?;
    require((0.0..=1.0).contains(&c.achieved), "calibration")
}
