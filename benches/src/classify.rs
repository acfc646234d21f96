//! The command `classify`: do the regimes of a model recover what kind of series a stretch comes from?

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use tsad_core::cluster::Centres;
use tsad_core::{ValidParams, score, train};

use crate::file;
use crate::normal::Family;
use crate::synthetic::{Noise, minutely};

/// What to run.
#[derive(Debug)]
pub struct Settings {
    /// Files and folders whose series are mixed too.
    pub paths: Vec<PathBuf>,
    /// Series of these in a mixture.
    pub series: usize,
    /// Rows of every stretch.
    pub stretch: usize,
    /// Stretches of each kind.
    pub stretches: usize,
    /// Mixtures made.
    pub seeds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            series: 6,
            stretch: 512,
            stretches: 8,
            seeds: 5,
        }
    }
}

/// How well two ways of classifying agree with the truth: adjusted Rand index, 0 by chance, 1 where they agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Of the regimes of the model.
    pub regimes: f64,
    /// Of k-means, with as many centres, on the raw windows.
    pub raw: f64,
}

/// A stretch of rows and the number of its kind.
type Stretch = (usize, Vec<f64>);

/// Stretches of all made kinds.
fn made(settings: &Settings, seed: u64) -> Vec<Stretch> {
    let kinds = Family::ALL.into_iter().enumerate();
    let stretch = |(k, n, family): (usize, usize, Family)| {
        let number = (k * settings.stretches + n) as u64;
        (k, family.values(settings.stretch, seed * 1000 + number))
    };
    kinds
        .flat_map(|(k, family)| (0..settings.stretches).map(move |n| (k, n, family)))
        .map(stretch)
        .collect()
}

/// Stretches of the training rows of a number of series, chosen at random among those that are long enough.
fn real(series: &[Vec<f64>], settings: &Settings, noise: &mut Noise) -> Vec<Stretch> {
    let chosen = shuffled((0..series.len()).collect(), noise);
    let cut = |(kind, n): (usize, usize)| {
        let stretches = series[n].chunks_exact(settings.stretch).take(settings.stretches);
        stretches.map(move |s| (kind, s.to_vec()))
    };
    chosen
        .into_iter()
        .take(settings.series)
        .enumerate()
        .flat_map(cut)
        .collect()
}

fn shuffled<T>(mut list: Vec<T>, noise: &mut Noise) -> Vec<T> {
    for i in (1..list.len()).rev() {
        let j = ((noise.next() + 1.0) / 2.0 * (i + 1) as f64) as usize;
        list.swap(i, j.min(i));
    }
    list
}

/// Makes a series of the stretches in random order, each standardised so that neither level nor size gives it away,
/// learns it, and compares the regimes of its samples with the kinds. Samples whose window crosses the border of two
/// stretches are left out, and so are constant stretches.
fn mixture(
    settings: &Settings,
    stretches: Vec<Stretch>,
    noise: &mut Noise,
    seed: u64,
    params: &ValidParams,
) -> Result<Agreement> {
    let all = stretches
        .into_iter()
        .filter_map(|(kind, s)| Some((kind, standardised(s)?)));
    let order = shuffled(all.collect(), noise);
    let values: Vec<f64> = order.iter().flat_map(|(_, s)| s.iter().copied()).collect();
    let samples = minutely(values.iter().copied())?;
    let model = train(samples.clone(), params, &|| {})?;
    let points = score(&model, samples, &|| {})?;
    let regimes = model.regimes();
    let length = regimes.first().map_or(64, |r| r.window);
    let raw = raw_classes(&values, length, regimes.len().max(1), seed);
    let inside = |i: &usize| {
        let at = i % settings.stretch;
        at >= length && at + length <= settings.stretch
    };
    let judged: Vec<usize> = (0..values.len()).filter(inside).step_by(length / 4).collect();
    let truth: Vec<usize> = judged.iter().map(|i| order[i / settings.stretch].0).collect();
    let found: Vec<usize> = judged
        .iter()
        .map(|i| points[*i].regime.unwrap_or(0) as usize)
        .collect();
    let plain: Vec<usize> = judged.iter().map(|i| raw[i - length / 2]).collect();
    Ok(Agreement {
        regimes: adjusted_rand(&truth, &found),
        raw: adjusted_rand(&truth, &plain),
    })
}

/// The stretch with mean 0 and deviation 1; none if it has no deviation.
fn standardised(values: Vec<f64>) -> Option<Vec<f64>> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let known = deviation > 0.0 && deviation.is_finite();
    known.then(|| values.into_iter().map(|v| (v - mean) / deviation).collect())
}

/// The class of the window that starts at each sample, by k-means on the windows as they are.
fn raw_classes(values: &[f64], length: usize, k: usize, seed: u64) -> Vec<usize> {
    let window = |i: usize| values[i..i + length].iter().map(|v| *v as f32);
    let last = values.len() - length;
    let points: Vec<f32> = (0..=last).step_by(length / 4).flat_map(window).collect();
    let centres = Centres::fit_seeded(&points, length, k, 0.02, seed, &|| {});
    let class = |i: usize| centres.nearest(&window(i).collect::<Vec<f32>>()).0;
    (0..=last).map(class).collect()
}

/// The adjusted Rand index of two partitions (Hubert and Arabie 1985, doi:10.1007/BF01908075).
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    let pairs = |n: u64| (n * n.saturating_sub(1) / 2) as f64;
    let (mut rows, mut columns, mut cells) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (x, y) in a.iter().zip(b) {
        *rows.entry(x).or_insert(0) += 1;
        *columns.entry(y).or_insert(0) += 1;
        *cells.entry((x, y)).or_insert(0) += 1;
    }
    let both: f64 = cells.values().map(|n| pairs(*n)).sum();
    let (of_a, of_b): (f64, f64) = (
        rows.values().map(|n| pairs(*n)).sum(),
        columns.values().map(|n| pairs(*n)).sum(),
    );
    let expected = of_a * of_b / pairs(a.len() as u64).max(1.0);
    let most = (of_a + of_b) / 2.0;
    if most == expected {
        return 1.0;
    }
    (both - expected) / (most - expected)
}

/// Runs all mixtures of one sort and reports on `out`.
fn table(
    settings: &Settings,
    title: &str,
    params: &ValidParams,
    out: &mut dyn Write,
    make: impl Fn(u64, &mut Noise) -> Vec<Stretch>,
) -> Result<Agreement> {
    writeln!(out, "{title}\n\nseed  regimes  k-means on raw windows")?;
    let mut mean = Agreement {
        regimes: 0.0,
        raw: 0.0,
    };
    for seed in 0..settings.seeds {
        let mut noise = Noise(seed);
        let stretches = make(seed, &mut noise);
        let found = mixture(settings, stretches, &mut noise, seed, params)?;
        writeln!(out, "{seed:4}  {:7.3}  {:22.3}", found.regimes, found.raw)?;
        mean.regimes += found.regimes / settings.seeds as f64;
        mean.raw += found.raw / settings.seeds as f64;
    }
    writeln!(out, "mean  {:7.3}  {:22.3}", mean.regimes, mean.raw)?;
    Ok(mean)
}

/// Runs all mixtures, of made kinds and, where files are given, of their series, and reports on `out`.
///
/// # Errors
/// Where a file cannot be read, no file is long enough, a mixture cannot be learned or a report cannot be written.
pub fn run(settings: &Settings, params: &ValidParams, out: &mut dyn Write) -> Result<()> {
    let rows = settings.stretch;
    let title = format!(
        "adjusted Rand index with the kind of series, {} kinds, {} stretches of {rows} rows each",
        Family::ALL.len(),
        settings.stretches
    );
    table(settings, &title, params, out, |seed, _| made(settings, seed))?;
    if settings.paths.is_empty() {
        return Ok(());
    }
    let mut series = Vec::new();
    for path in file::list(&settings.paths)? {
        let labelled = file::read(&path)?;
        let rows = labelled.first_channel.iter().copied();
        let values: Vec<f64> = rows.take(labelled.train_rows).collect();
        if values.len() >= settings.stretch * settings.stretches.div_ceil(2) {
            series.push(values);
        }
    }
    anyhow::ensure!(
        series.len() >= 2,
        "no two files have {} training rows",
        settings.stretch * settings.stretches.div_ceil(2)
    );
    let title = format!(
        "\nthe same with the series, {} at a time of {} files, {} to {} stretches of {rows} training rows each",
        settings.series.min(series.len()),
        series.len(),
        settings.stretches.div_ceil(2),
        settings.stretches
    );
    table(settings, &title, params, out, |_, noise| {
        real(&series, settings, noise)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adjusted_rand_index_is_that_of_the_definition() {
        assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[5, 5, 2, 2]), 1.0);
        // scikit-learn 1.9: adjusted_rand_score([0,0,1,1,2,2], [0,0,1,2,2,2])
        let found = adjusted_rand(&[0, 0, 1, 1, 2, 2], &[0, 0, 1, 2, 2, 2]);
        assert!((found - 0.444_444_444_444_444_4).abs() < 1e-12, "{found}");
    }

    #[test]
    fn regimes_recover_the_kind_of_series_better_than_raw_windows() {
        let params = crate::params::params(&[]).unwrap();
        let settings = Settings {
            seeds: 3,
            ..Settings::default()
        };
        let found = table(&settings, "", &params, &mut Vec::new(), |seed, _| {
            made(&settings, seed)
        })
        .unwrap();
        assert!(
            found.regimes > 0.55 && found.regimes > found.raw + 0.3,
            "{found:?}"
        );
    }
}
