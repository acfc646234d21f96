//! From rows to a model.

use super::causal;
use super::channel::{ChannelModel, HeldOut, usable_scales};
use super::head;
use super::incident;
use super::level::level;
use super::regime::Regimes;
use super::score::{Scores, Sight};
use crate::calibrate::tail_index::heaviness;
use crate::calibrate::{Calibration, Source, Usual};
use crate::control::Check;
use crate::error::Result;
use crate::expect::Baseline;
use crate::metric::{LeftOut, Metric};
use crate::model::{Body, Model, Trained, Updates};
use crate::params::ValidParams;
use crate::residual::{Excesses, Residuals};
use crate::series::{Grid, Samples, Segment, Series};
use crate::window::layout::Instants;
use std::borrow::Cow;

/// Trains a model. The order of the rows does not matter: equal rows, parameters and seed give an equal model.
///
/// Too little data is no error, so that one short series does not stop the training of others: the model
/// then says what was missing, and scores nothing.
///
/// Of more rows than the parameters allow the latest are taken; the model says how many were left out.
///
/// Time is linear in the number of rows.
///
/// # Errors
/// `InvalidParameter` if alarms per day are asked for but the times are integers without a unit, `OutOfMemory` if there is
/// no room to choose the latest rows.
pub fn train(mut rows: Samples, params: &ValidParams, check: Check) -> Result<Model> {
    params.fits_times(rows.time_kind())?;
    rows.keep_latest(params.most_training_rows(rows.channels()), check)?;
    let rows = rows.sorted_canonically(check);
    let missing = (0..rows.len())
        .filter(|&i| rows.row(i).iter().all(|v| v.is_nan()))
        .count();
    let mut model = Model {
        library: env!("CARGO_PKG_VERSION").to_owned(),
        params: (**params).clone(),
        channels: rows.channels(),
        times: rows.time_kind(),
        rows: rows.len() as u64,
        left_out: rows.left_out(),
        missing: missing as u64,
        first_time: rows.times().first().copied().unwrap_or(0),
        last_time: rows.times().last().copied().unwrap_or(0),
        updates: Updates::default(),
        body: Body::Untrained(String::new()),
    };
    model.body = match fit(&rows, params, check) {
        Ok(trained) => Body::Trained(Box::new(trained)),
        Err(reason) => Body::Untrained(reason),
    };
    Ok(model)
}

/// Fits the trained part, or says what is missing.
fn fit(rows: &Samples, params: &ValidParams, check: Check) -> std::result::Result<Trained, String> {
    if rows.is_empty() {
        return Err("there are no rows to train on".to_owned());
    }
    let sparse = rows.sparse_channels();
    let live: Vec<usize> = (0..rows.channels()).filter(|c| !sparse.contains(c)).collect();
    if live.is_empty() {
        return Err(format!(
            "no channel has values in at least half of the {} rows",
            rows.len()
        ));
    }
    let rows = rows.select(&live, check);
    let grid = Grid::of_times(rows.times()).map_err(|e| e.message().to_owned())?;
    let (series, _) = Series::on_grid(&rows, &grid, params.max_gap, check);
    let lengths = usable_scales(&series, params);
    if lengths.is_empty() {
        let longest = series.segments.iter().map(Segment::len).max().unwrap_or(0);
        return Err(format!(
            "{} samples (longest stretch without a gap: {longest}), but the smallest window of {} needs {}",
            series.len(),
            params.scales[0],
            params.least_samples(),
        ));
    }
    let whole = series;
    let fit = |series: &Series| -> (Vec<ChannelModel>, Vec<Vec<Option<HeldOut>>>, f64) {
        let fit = |(c, index)| ChannelModel::fit(series, c, index, &lengths, params, check);
        let (mut channels, held_out): (Vec<_>, Vec<_>) = live.iter().copied().enumerate().map(fit).unzip();
        let coarser = level(&mut channels, &held_out, series, params, check);
        (channels, held_out, coarser)
    };
    let (mut channels, mut held_out, mut coarser) = fit(&whole);
    let longest = lengths[lengths.len() - 1];
    let (mut residuals, mut excesses) = Residuals::fit(&scaled(&channels, &whole, check), longest, check);
    // Windows that reach into a past incident would teach the model that it is normal.
    let (incidents, mut known) = past_incidents(&channels, &held_out, &excesses, &whole, params, check);
    check();
    let rest = whole.without(&incidents);
    check();
    let cut = !incidents.is_empty()
        && incident::may_be_cut(&channels, &whole)
        && usable_scales(&rest, params) == lengths;
    let series = if cut { &rest } else { &whole };
    if cut {
        (channels, held_out, coarser) = fit(series);
        (residuals, excesses) = Residuals::fit(&scaled(&channels, series, check), longest, check);
    }
    let learned = params
        .metric
        .then(|| head::learn(&mut channels, &mut held_out, series, params, check));
    if cut || learned.is_some() {
        known = None;
    }
    let (metric, hindsight) = match learned {
        Some(learned) => (learned.metric, Some(learned.hindsight)),
        None => (Err(LeftOut::NotWanted), None),
    };
    let learned = metric.as_ref().ok();
    let seen = hindsight.as_ref().unwrap_or(&held_out);
    if hindsight.is_some() {
        coarser = level(&mut channels, seen, series, params, check);
    }
    let instants = Instants::of(series);
    let causal = causal::learn(&mut channels, series, &instants, params, check);
    let apart = if cut { &[][..] } else { &incidents };
    let mut scores = |sight: Sight| {
        check();
        let known = known.take_if(|_| sight == Sight::Hindsight);
        let own = causal.as_ref().filter(|_| sight == Sight::Causal);
        // How many scores the longest window spans.
        let held_out = match sight {
            Sight::Hindsight => seen,
            Sight::Causal => &held_out,
        };
        let (source, mut scores, reach) = match (own.and_then(|c| complete(c)), complete(held_out)) {
            (Some(held_out), _) => {
                let scores = causal::held_out_scores(&channels, &held_out, &excesses, &instants, check);
                let scores = incident::without_at(&scores, &instants.of, apart, longest);
                (Source::HeldOut, scores, longest.div_ceil(instants.step))
            }
            (None, Some(held_out)) if own.is_none() => {
                let scores = known.unwrap_or_else(|| {
                    held_out_scores(&channels, &held_out, &excesses, series, sight, check)
                });
                (
                    Source::HeldOut,
                    incident::without(&scores, apart, longest),
                    longest,
                )
            }
            _ => {
                let scores = in_sample_scores(&channels, learned, &residuals, series, sight, check);
                (
                    Source::InSample,
                    incident::without(&scores, apart, longest),
                    longest,
                )
            }
        };
        // Without a later sample the first ones of a segment have no score.
        scores
            .iter_mut()
            .for_each(|s| s.retain(|score| score.is_finite()));
        (source, scores, reach)
    };
    let calibration = |(source, scores, reach): (Source, Vec<Vec<f64>>, usize), usual: Usual| {
        check();
        // Where scores are held out, incidents have been left out already.
        let contamination = match source {
            Source::InSample => params.contamination,
            _ => 0.0,
        };
        let alpha = params.alpha_at(grid.interval, rows.time_kind());
        let mut found = Calibration::fit(&scores, reach, contamination, usual, source, alpha);
        found.set_aside += incidents.iter().map(|(_, core)| core.len() as u64).sum::<u64>();
        found
    };
    let heavy = heaviness(series, check);
    // Where no window is in step nothing better is known of causal scores than of those in hindsight.
    let causal = Some(scores(Sight::Causal)).filter(|(_, s, _)| s.iter().any(|s| !s.is_empty()));
    let hindsight = scores(Sight::Hindsight);
    Ok(Trained {
        grid,
        samples: whole.len() as u64,
        imputed: whole.imputed() as u64,
        baselines: (0..channels.len())
            .map(|c| Baseline::fit(&whole, c, &channels[c].scale, check))
            .collect(),
        regimes: Regimes::fit(&channels, series, params, check),
        causal: match causal {
            Some(causal) => calibration(causal, Usual::CAUSAL.wider(heavy)),
            None => calibration(hindsight.clone(), Usual::HINDSIGHT.wider(heavy).coarser(coarser)),
        },
        calibration: calibration(hindsight, Usual::HINDSIGHT.wider(heavy).coarser(coarser)),
        channels,
        metric,
        residuals,
    })
}

/// The scaled values of every segment, channel by channel.
pub(crate) fn scaled(channels: &[ChannelModel], series: &Series, check: Check) -> Vec<Vec<Vec<f32>>> {
    let channel = |s: &Segment, (c, m): (usize, &ChannelModel)| {
        check();
        s.channel(c).iter().map(|v| m.scale.apply(*v)).collect()
    };
    let segment = |s| channels.iter().enumerate().map(|c| channel(s, c)).collect();
    series.segments.iter().map(segment).collect()
}

/// The past incidents in the training part, and the held-out scores they were found by; none where the series is too
/// short to tell.
fn past_incidents(
    channels: &[ChannelModel],
    held_out: &[Vec<Option<HeldOut>>],
    excesses: &[Excesses],
    series: &Series,
    params: &ValidParams,
    check: Check,
) -> (Vec<incident::Place>, Option<Vec<Vec<f64>>>) {
    let Some(held_out) = complete(held_out) else {
        return (Vec::new(), None);
    };
    let scores = held_out_scores(channels, &held_out, excesses, series, Sight::Hindsight, check);
    let found = incident::find(
        channels,
        &held_out,
        excesses,
        series,
        &scores,
        params.contamination,
        check,
    );
    (found, Some(scores))
}

/// The held-out distances of all channels and scales; none if those of one are missing.
pub(crate) fn complete(held_out: &[Vec<Option<HeldOut>>]) -> Option<Vec<Vec<&HeldOut>>> {
    let channels = held_out.iter().map(|c| c.iter().map(Option::as_ref).collect());
    channels.collect()
}

/// The scores of the training samples by centres found without them.
pub(crate) fn held_out_scores(
    channels: &[ChannelModel],
    held_out: &[Vec<&HeldOut>],
    excesses: &[Excesses],
    series: &Series,
    sight: Sight,
    check: Check,
) -> Vec<Vec<f64>> {
    let scores = |(s, segment): (usize, &Segment)| {
        let of = |scale: usize, _: usize, _: &[usize]| {
            held_out
                .iter()
                .map(|c| Cow::Borrowed(c[scale][s].as_slice()))
                .collect()
        };
        Scores::of_distances(channels, segment, &excesses[s], sight, false, check, of).score
    };
    series.segments.iter().enumerate().map(scores).collect()
}

fn in_sample_scores(
    channels: &[ChannelModel],
    metric: Option<&Metric>,
    residuals: &Residuals,
    series: &Series,
    sight: Sight,
    check: Check,
) -> Vec<Vec<f64>> {
    let segments = series.segments.iter();
    segments
        .map(|s| Scores::of_segment(channels, metric, residuals, s, sight, false, check).score)
        .collect()
}
