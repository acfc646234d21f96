//! Tails of single rows and scales of sums, from rows that the fits did not see.

use super::expectation::SumScale;
use super::forecast::{Deviation, Forecast, Ratio, Walk};
use super::level::LevelKind;
use super::mean::Mean;
use super::robust::{quantile, scale_of};
use super::rows::pick;
use super::run::Sums;
use super::spread::Residuals;
use super::tail::{ExcessTail, Prior};
use super::training::{Kept, Shape, Training, UNIFORM};
use crate::control::Check;

/// From so many held-out rows on each side has a tail of its own.
const SIDES: usize = 200;
/// The spread of ratios is at least this.
const RATIO_FLOOR: f64 = 1e-4;
/// Rows between two calls of the cancel hook.
const EVERY: usize = 1 << 13;

/// What is learned of rows that fits have not seen.
pub(super) struct Calibration {
    pub(super) tails: [ExcessTail; 2],
    pub(super) ratio: Option<Ratio>,
    pub(super) sums: Vec<SumScale>,
}

impl Calibration {
    /// Held-out rows are judged by a mean fitted to earlier rows and by the final spread and band.
    pub(super) fn of(t: &Training, shape: &Shape, kept: &Kept, forecast: &Forecast) -> Self {
        let check = t.check;
        let shift = ratio_shift(t, shape, forecast);
        let mut held = Vec::with_capacity(kept.held.len());
        for (fold, mean) in &kept.fits {
            held.extend(deviations(t, (forecast, mean), shift, &kept.index[fold.clone()]));
        }
        let excess: Vec<f64> = held.iter().map(|d| d.excess).collect();
        let plain: Vec<f64> = held.iter().map(|d| d.plain).collect();
        check();
        let two_sided = held.len() >= SIDES;
        let mut seen = Vec::new();
        if two_sided {
            let first = kept.fits.first().map_or(0, |(fold, _)| fold.start);
            let early = deviations(t, (forecast, &shape.mean), shift, &kept.index[..first]);
            seen.extend(early.iter().map(|d| d.excess));
        }
        seen.extend(&excess);
        let tails = sides(&seen, two_sided).map(|side| {
            let clusters = clusters(&side, check);
            ExcessTail::fit(&side, clusters, Prior::ROW, check)
        });
        let mut sums = Sums::new(&plain);
        if let Some(counts) = forecast.counts {
            let expected = kept
                .held
                .iter()
                .map(|i| forecast.count_at(counts, &forecast.calendar.moment(t.times[*i])));
            sums = sums.with_counts(&pick(t.values, &kept.held), expected, counts.size);
        }
        let ratios: Vec<f64> = held.iter().map(|d| d.ratio).collect();
        Self {
            tails,
            ratio: shift.map(|shift| ratio(t, shape, kept, (forecast, shift), ratios)),
            sums: sums.scales(check),
        }
    }
}

/// Rows against a forecast with another mean.
fn deviations(
    t: &Training,
    (forecast, mean): (&Forecast, &Mean),
    shift: Option<f64>,
    rows: &[usize],
) -> Vec<Deviation> {
    let forecast = Forecast {
        mean: t.with_reach(mean),
        ..forecast.clone()
    };
    let mut walk = Walk::new(&forecast, shift);
    let each = rows.iter().enumerate().map(|(i, row)| {
        if i % EVERY == 0 {
            (t.check)();
        }
        walk.deviation(t.times[*row], t.values[*row], Some(i))
    });
    each.collect()
}

/// Excesses below and above, or those of both sides for each where there are few rows.
fn sides(excess: &[f64], two_sided: bool) -> [Vec<f64>; 2] {
    [-1.0, 1.0].map(|side| {
        let of_side = |e: &f64| if two_sided { (side * e).max(0.0) } else { e.abs() };
        excess.iter().map(of_side).collect()
    })
}

/// The share of exceedances that begin a cluster (Leadbetter 1983, doi:10.1007/BF00532484, counts them as independent).
fn clusters(excess: &[f64], check: Check) -> f64 {
    let limit = quantile(&mut excess.to_vec(), 0.95, check).max(1.0);
    let above = excess.iter().filter(|e| **e > limit).count();
    let starts = (0..excess.len()).filter(|i| excess[*i] > limit && (*i == 0 || excess[i - 1] <= limit));
    starts.count() as f64 / above.max(1) as f64
}

/// What is added to values before their ratio is taken: positive values of an additive model without a trend.
fn ratio_shift(t: &Training, shape: &Shape, forecast: &Forecast) -> Option<f64> {
    let additive = forecast.counts.is_none() && forecast.log_shift.is_none() && forecast.step.is_none();
    let low = t.traits.low;
    let positive = t.traits.least > 0.0 && low > 0.1 * t.traits.median;
    (additive && positive && shape.mean.level.kind != LevelKind::Line).then_some(0.1 * low)
}

/// The spread and the tails of the ratios of held-out rows.
fn ratio(
    t: &Training,
    shape: &Shape,
    kept: &Kept,
    (forecast, shift): (&Forecast, f64),
    mut ratios: Vec<f64>,
) -> Ratio {
    let check = t.check;
    let of_step = UNIFORM * t.traits.step / t.traits.low.max(1e-300);
    let uncertain = 1.0 + 1.0 / (ratios.len() as f64).sqrt();
    let spread = scale_of(&ratios, check).max(of_step).max(RATIO_FLOOR) * uncertain;
    let whole: Vec<f64> = deviations(t, (forecast, &shape.mean), Some(shift), &kept.index)
        .iter()
        .map(|d| d.ratio)
        .collect();
    let spread_by_phase = Residuals {
        rows: &kept.rows,
        values: &whole,
        overall: spread,
        inside: scale_of(&whole, check).max(1e-300),
        floor: RATIO_FLOOR,
    }
    .by_phase(check);
    for (r, i) in ratios.iter_mut().zip(&kept.held) {
        *r /= spread_by_phase
            .as_ref()
            .map_or(spread, |p| p.at(&forecast.calendar.moment(t.times[*i])));
    }
    let two_sided = ratios.len() >= SIDES;
    Ratio {
        shift,
        spread,
        spread_by_phase,
        tails: sides(&ratios, two_sided).map(|side| ExcessTail::fit(&side, 1.0, Prior::ROW, check)),
    }
}
