//! From rows to a model. May import `control`, `error`, `numeric`, `series`, `view`, `cluster`, `direction`,
//! `residual`, `metric`, `window`, `params`, `expect`, `calibrate`, `model`, `score`.

mod causal;
mod channel;
mod contamination;
mod embedding;
mod held_out;
mod neighbours;
mod phase;
mod regime;
mod rows;
mod units;
mod update;

pub use update::update;

use crate::calibrate::tail_index::tail_index_factor;
use crate::calibrate::{Calibration, Source, TailPrior};
use crate::control::Check;
use crate::error::Result;
use crate::expect::Expectation;
use crate::metric::LeftOut;
use crate::model::{Body, ChannelModel, Model, Regimes, Trained, Updates, scaled};
use crate::params::ValidParams;
use crate::residual::Residuals;
use crate::score::distance::ScoringMode;
use crate::series::{Grid, Samples, Segment, Series};
use crate::window::plan::AnchorPoints;
use channel::usable_scales;
use contamination::past_incidents;
use held_out::{HeldOut, complete, held_out_scores, in_sample_scores};
use units::recentre_on_held_out;

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
/// `InvalidParameter` if alarms per day are asked for but the times are integers without a unit, `OutOfMemory` if there
/// is no room to choose the latest rows.
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
        row_model: None,
        body: Body::Untrained(String::new()),
    };
    let rows::Learned {
        model: row_model,
        cleaned,
    } = rows::learn(&rows, params, check)?;
    model.row_model = row_model;
    model.body = match fit(&cleaned, params, model.row_model.is_some(), check) {
        Ok(trained) => Body::Trained(Box::new(trained)),
        Err(reason) => Body::Untrained(reason),
    };
    Ok(model)
}

/// Fits the trained part, or says what is missing. Where rows are judged too, windows have half of the error probability.
fn fit(
    rows: &Samples,
    params: &ValidParams,
    rows_are_judged: bool,
    check: Check,
) -> std::result::Result<Trained, String> {
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
        let inflation = recentre_on_held_out(&mut channels, &held_out, series, params, check);
        (channels, held_out, inflation)
    };
    let (mut channels, mut held_out, mut inflation) = fit(&whole);
    let longest = lengths[lengths.len() - 1];
    let (mut residuals, mut excesses) = Residuals::fit(&scaled(&channels, &whole, check), longest, check);
    // Windows that reach into a past incident would teach the model that it is normal.
    let (incidents, mut known) = past_incidents(&channels, &held_out, &excesses, &whole, params, check);
    check();
    let rest = whole.without(&incidents);
    check();
    let cut = !incidents.is_empty()
        && contamination::can_excise(&channels, &whole)
        && usable_scales(&rest, params) == lengths;
    let series = if cut { &rest } else { &whole };
    if cut {
        (channels, held_out, inflation) = fit(series);
        (residuals, excesses) = Residuals::fit(&scaled(&channels, series, check), longest, check);
    }
    let learned = params
        .metric
        .then(|| embedding::learn(&mut channels, &mut held_out, series, params, check));
    if cut || learned.is_some() {
        known = None;
    }
    let (metric, retrospective) = match learned {
        Some(learned) => (learned.metric, Some(learned.retrospective)),
        None => (Err(LeftOut::NotWanted), None),
    };
    let learned = metric.as_ref().ok();
    let seen = retrospective.as_ref().unwrap_or(&held_out);
    if retrospective.is_some() {
        inflation = recentre_on_held_out(&mut channels, seen, series, params, check);
    }
    let anchors = AnchorPoints::of(series);
    let causal = causal::learn(&mut channels, series, &anchors, params, check);
    let apart = if cut { &[][..] } else { &incidents };
    let mut scores = |mode: ScoringMode| {
        check();
        let known = known.take_if(|_| mode == ScoringMode::Retrospective);
        let own = causal.as_ref().filter(|_| mode == ScoringMode::Causal);
        // How many scores the longest window spans.
        let held_out = match mode {
            ScoringMode::Retrospective => seen,
            ScoringMode::Causal => &held_out,
        };
        let (source, mut scores, reach) = match (own.and_then(|c| complete(c)), complete(held_out)) {
            (Some(held_out), _) => {
                let scores = causal::held_out_scores(&channels, &held_out, &excesses, &anchors, check);
                let scores = contamination::without_at(&scores, &anchors.of, apart, longest);
                (Source::HeldOut, scores, longest.div_ceil(anchors.step))
            }
            (None, Some(held_out)) if own.is_none() => {
                let scores = known
                    .unwrap_or_else(|| held_out_scores(&channels, &held_out, &excesses, series, mode, check));
                (
                    Source::HeldOut,
                    contamination::without(&scores, apart, longest),
                    longest,
                )
            }
            _ => {
                let scores = in_sample_scores(&channels, learned, &residuals, series, mode, check);
                (
                    Source::InSample,
                    contamination::without(&scores, apart, longest),
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
    let calibration =
        |(source, scores, reach): (Source, Vec<Vec<f64>>, usize), prior: TailPrior, share: f64| {
            check();
            // Where scores are held out, incidents have been left out already.
            let contamination = match source {
                Source::InSample => params.contamination,
                _ => 0.0,
            };
            let alpha = share * params.alpha_at(grid.interval, rows.time_kind());
            let mut found = Calibration::fit(&scores, reach, contamination, prior, source, alpha);
            found.set_aside += incidents.iter().map(|(_, core)| core.len() as u64).sum::<u64>();
            found
        };
    let tail_factor = tail_index_factor(series, check);
    // Where no window is aligned nothing better is known of causal scores than of retrospective ones.
    let causal = Some(scores(ScoringMode::Causal)).filter(|(_, s, _)| s.iter().any(|s| !s.is_empty()));
    let retrospective = scores(ScoringMode::Retrospective);
    Ok(Trained {
        grid,
        samples: whole.len() as u64,
        imputed: whole.imputed() as u64,
        regimes: Regimes::fit(&channels, series, params, check),
        causal: match causal {
            Some(causal) => calibration(causal, TailPrior::CAUSAL.with_tail_scaled(tail_factor), 1.0),
            None => calibration(
                retrospective.clone(),
                TailPrior::RETROSPECTIVE
                    .with_tail_scaled(tail_factor)
                    .scaled(inflation),
                1.0,
            ),
        },
        calibration: calibration(
            retrospective,
            TailPrior::RETROSPECTIVE
                .with_tail_scaled(tail_factor)
                .scaled(inflation),
            if rows_are_judged {
                Expectation::WINDOWS
            } else {
                1.0
            },
        ),
        channels,
        metric,
        residuals,
    })
}
