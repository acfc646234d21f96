//! The command `classify`: do the regimes of a model recover what kind of series a stretch comes from?

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use tsad_core::cluster::Centres;
use tsad_core::{Samples, ValidParams, score, train};

use crate::MINUTE_US;
use crate::normal::Family;
use crate::synthetic::Noise;

/// What to run.
#[derive(Debug)]
pub struct Settings {
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

/// Makes a series of stretches of different kinds in random order, each standardised so that neither level nor
/// size gives it away, learns it, and compares the regimes of its samples with the kinds. Samples whose window
/// crosses the border of two stretches are left out.
///
/// # Errors
/// Where training or scoring fails.
pub fn mixture(settings: &Settings, seed: u64, params: &ValidParams) -> Result<Agreement> {
    let mut noise = Noise(seed);
    let mut order: Vec<Family> = Family::ALL
        .iter()
        .flat_map(|f| vec![*f; settings.stretches])
        .collect();
    for i in (1..order.len()).rev() {
        let j = ((noise.next() + 1.0) / 2.0 * (i + 1) as f64) as usize;
        order.swap(i, j.min(i));
    }
    let mut values = Vec::new();
    for (i, family) in order.iter().enumerate() {
        values.extend(standardised(
            family.values(settings.stretch, seed * 1000 + i as u64),
        ));
    }
    let mut samples = Samples::new(1)?;
    for (i, v) in values.iter().enumerate() {
        samples.push(i as i64 * MINUTE_US, &[*v])?;
    }
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
    let truth: Vec<usize> = judged
        .iter()
        .map(|i| order[i / settings.stretch] as usize)
        .collect();
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

fn standardised(values: Vec<f64>) -> impl Iterator<Item = f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    values.into_iter().map(move |v| (v - mean) / deviation)
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

/// Runs all mixtures and reports on `out`.
///
/// # Errors
/// Where a mixture cannot be learned or a report cannot be written.
pub fn run(settings: &Settings, params: &ValidParams, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "adjusted Rand index with the kind of series, {} kinds, {} stretches of {} rows each\n\nseed  regimes  k-means on raw windows",
        Family::ALL.len(),
        settings.stretches,
        settings.stretch
    )?;
    let (mut regimes, mut raw) = (0.0, 0.0);
    for seed in 0..settings.seeds {
        let found = mixture(settings, seed, params)?;
        writeln!(out, "{seed:4}  {:7.3}  {:22.3}", found.regimes, found.raw)?;
        regimes += found.regimes / settings.seeds as f64;
        raw += found.raw / settings.seeds as f64;
    }
    Ok(writeln!(out, "mean  {regimes:7.3}  {raw:22.3}")?)
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
        let mixtures = (0..3).map(|seed| mixture(&Settings::default(), seed, &params).unwrap());
        let found: Vec<Agreement> = mixtures.collect();
        let mean = |of: fn(&Agreement) -> f64| found.iter().map(of).sum::<f64>() / 3.0;
        let (regimes, raw) = (mean(|f| f.regimes), mean(|f| f.raw));
        assert!(regimes > 0.25 && regimes > raw + 0.05, "{found:?}");
    }
}
