//! The command `contamination`: is an incident still found when the training part holds one like it?

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use tsad_core::{Point, Status, ValidParams, score_only, train};

use crate::calibration::{ALPHAS, below_all_alphas};
use crate::file;
use crate::normal::Family;
use crate::synthetic::{Noise, minutely};

/// What to run.
#[derive(Debug, Default)]
pub struct Settings {
    /// Labelled files and folders; none means made series.
    pub paths: Vec<PathBuf>,
}

/// Something that happens to a series for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Incident {
    /// Two values far above.
    Spike,
    /// Another level.
    Shift,
    /// Noise on top.
    Noise,
    /// The same value all the time.
    Stuck,
}

const INCIDENTS: [(&str, Incident); 4] = [
    ("spike", Incident::Spike),
    ("level shift", Incident::Shift),
    ("noise", Incident::Noise),
    ("stuck", Incident::Stuck),
];
/// The share of the training rows that an incident takes, below the share that a model sets aside by default.
const SHARE: f64 = 0.01;
/// Where in the training rows the first copy lies.
const EARLY: f64 = 0.4;
/// Rows before and after the later copy that must be normal.
const CALM: usize = 300;
/// Training and scored rows of the made series.
const MADE: (usize, usize) = (3000, 1000);
/// Made series of each kind.
const SEEDS: u64 = 6;

impl Incident {
    /// The rows it takes.
    fn rows(self, training: usize) -> usize {
        match self {
            Self::Spike => 2,
            _ => ((SHARE * training as f64) as usize).max(4),
        }
    }

    /// Puts it into `values`, whose standard deviation in the series is `size`.
    fn put(self, values: &mut [f64], middle: f64, size: f64) {
        let mut noise = Noise(7);
        for v in values {
            *v = match self {
                Self::Spike => *v + 8.0 * size,
                Self::Shift => *v + 3.0 * size,
                Self::Noise => *v + 3.0 * size * noise.next(),
                Self::Stuck => middle + 2.0 * size,
            };
        }
    }
}

/// Series judged, and later copies found at each of [`ALPHAS`] without and with the earlier one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Tally {
    series: u64,
    without: [u64; 3],
    with: [u64; 3],
}

/// Runs all and reports on `out`.
///
/// # Errors
/// Where a file cannot be read or judged, or a report cannot be written.
pub fn run(settings: &Settings, params: &ValidParams, out: &mut dyn Write) -> Result<()> {
    let params = below_all_alphas(params)?;
    let mut tallies = [Tally::default(); INCIDENTS.len()];
    for (values, training, late) in series(settings)? {
        for (tally, (_, incident)) in tallies.iter_mut().zip(INCIDENTS) {
            add(tally, incident, &values, training, late, &params)?;
        }
    }
    let heads: String = ALPHAS.iter().map(|a| format!("{a:>16e}")).collect();
    writeln!(
        out,
        "incidents found when the training rows hold none / one of the same kind\n\n{:12} {:>6}{heads}",
        "kind", "series"
    )?;
    for ((name, _), t) in INCIDENTS.iter().zip(tallies) {
        let cells: String = (0..ALPHAS.len())
            .map(|a| format!("{:>16}", format!("{} / {}", t.without[a], t.with[a])))
            .collect();
        writeln!(out, "{name:12} {:>6}{cells}", t.series)?;
    }
    Ok(())
}

/// Values, the number of training rows, and a normal row after them with normal rows around it.
fn series(settings: &Settings) -> Result<Vec<(Vec<f64>, usize, usize)>> {
    if settings.paths.is_empty() {
        let (training, scored) = MADE;
        let made = Family::ALL
            .into_iter()
            .flat_map(|f| (0..SEEDS).map(move |s| (f, s)));
        let made = made.map(|(f, seed)| (f.values(training + scored, seed), training, training + scored / 2));
        return Ok(made.collect());
    }
    let mut all = Vec::new();
    for path in file::list(&settings.paths)? {
        let series = file::read(&path)?;
        let normal = |i: &usize| !series.labels[i - CALM..i + CALM].iter().any(|l| *l);
        let until = series.labels.len().saturating_sub(CALM);
        let late = (series.train_rows.max(CALM) + CALM..until).find(normal);
        all.extend(late.map(|late| (series.first_channel, series.train_rows, late)));
    }
    Ok(all)
}

/// Counts a series, unless its rows are flagged without any incident: of such a one nothing can be told.
fn add(
    tally: &mut Tally,
    incident: Incident,
    values: &[f64],
    training: usize,
    late: usize,
    params: &ValidParams,
) -> Result<()> {
    let (middle, size) = moments(&values[..training]);
    let rows = incident.rows(training);
    let with = |places: &[usize]| {
        let mut values = values.to_vec();
        for &at in places {
            incident.put(&mut values[at..at + rows], middle, size);
        }
        values
    };
    let early = (EARLY * training as f64) as usize;
    let calm = least_p(&with(&[]), training, late, rows, params)?;
    if size == 0.0 || calm < ALPHAS[0] {
        return Ok(());
    }
    tally.series += 1;
    let without = least_p(&with(&[late]), training, late, rows, params)?;
    let again = least_p(&with(&[early, late]), training, late, rows, params)?;
    for (a, alpha) in ALPHAS.into_iter().enumerate() {
        tally.without[a] += u64::from(without < alpha);
        tally.with[a] += u64::from(again < alpha);
    }
    Ok(())
}

/// The smallest p-value of the rows from `late` on.
fn least_p(values: &[f64], training: usize, late: usize, rows: usize, params: &ValidParams) -> Result<f64> {
    let samples = minutely(values.iter().copied())?;
    let model = train(samples.head(training), params, &|| {})?;
    let points = score_only(&model, samples, &|| {})?;
    let judged = |p: &Point| p.p_value.filter(|_| p.status != Status::InTrainingRange);
    Ok(points[late..late + rows]
        .iter()
        .filter_map(judged)
        .fold(1.0, f64::min))
}

/// Median and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (sorted[sorted.len() / 2], variance.sqrt())
}
