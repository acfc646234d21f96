//! The command `robustness`: the same series with rows missing, noise, another interval, another scale.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use tsad_core::{Samples, ValidParams};

use crate::accuracy::{Score, judge};
use crate::file::{self, Labelled};

/// What is done to a series before training and scoring.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Clean,
    /// This share of the rows is not there.
    Missing(f64),
    /// White noise of this ratio of powers in decibels is added to every channel.
    Noise(f64),
    /// Every second row only.
    HalfRate,
    /// Other units and another zero.
    Units,
}

const CHANGES: [(&str, Change); 7] = [
    ("clean", Change::Clean),
    ("1 % of rows missing", Change::Missing(0.01)),
    ("5 % of rows missing", Change::Missing(0.05)),
    ("20 % of rows missing", Change::Missing(0.2)),
    ("noise at 10 dB", Change::Noise(10.0)),
    ("every second row", Change::HalfRate),
    ("times 1000, plus a million", Change::Units),
];

/// Prints the mean VUS-PR over the files under every change; the number of failures.
///
/// # Errors
/// Where no file is found or the report cannot be written.
pub fn run(
    paths: &[PathBuf],
    params: &ValidParams,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<usize> {
    let files = file::list(paths)?;
    let mut failed = 0;
    writeln!(out, "{:28}  files  VUS-PR", "change")?;
    for (name, change) in CHANGES {
        let (mut sum, mut count) = (0.0, 0);
        for path in &files {
            let outcome = file::read(path)
                .and_then(|series| changed(&series, change))
                .and_then(|series| judge(series, params, Score::Hindsight));
            match outcome {
                Ok(found) => {
                    sum += found.measures.vus_pr;
                    count += 1;
                }
                Err(e) => {
                    writeln!(err, "{}, {name}: {e:#}", file::stem(path))?;
                    failed += 1;
                }
            }
        }
        writeln!(out, "{name:28}  {count:5}  {:6.4}", sum / f64::from(count.max(1)))?;
    }
    Ok(failed)
}

fn changed(series: &Labelled, change: Change) -> Result<Labelled> {
    let samples = &series.samples;
    let mut random = Random(1);
    let keep: Vec<usize> = (0..samples.len())
        .filter(|i| match change {
            Change::Missing(share) => random.uniform() >= share,
            Change::HalfRate => i % 2 == 0,
            _ => true,
        })
        .collect();
    let noise = deviations(samples).map(|sd| match change {
        // Uniform noise of this width has the deviation that is asked for.
        Change::Noise(decibels) => sd * 10.0_f64.powf(-decibels / 20.0) * 12.0_f64.sqrt(),
        _ => 0.0,
    });
    let noise: Vec<f64> = noise.collect();
    let (factor, offset) = if change == Change::Units {
        (1e3, 1e6)
    } else {
        (1.0, 0.0)
    };
    let mut rows = Samples::new(samples.channels())?;
    let mut row = Vec::new();
    for &i in &keep {
        row.clear();
        let values = samples.row(i).iter().zip(&noise);
        row.extend(values.map(|(v, width)| (v + width * (random.uniform() - 0.5)) * factor + offset));
        rows.push(samples.times()[i], &row)?;
    }
    Ok(Labelled {
        first_channel: (0..rows.len()).map(|i| rows.row(i)[0]).collect(),
        samples: rows,
        labels: keep.iter().map(|&i| series.labels[i]).collect(),
        train_rows: keep.iter().filter(|i| **i < series.train_rows).count(),
    })
}

/// The standard deviation of every channel.
fn deviations(samples: &Samples) -> impl Iterator<Item = f64> {
    (0..samples.channels()).map(|c| {
        let known: Vec<f64> = (0..samples.len())
            .map(|i| samples.row(i)[c])
            .filter(|v| !v.is_nan())
            .collect();
        let n = known.len().max(1) as f64;
        let mean = known.iter().sum::<f64>() / n;
        (known.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
    })
}

/// SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195): the same changes on every run.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> Labelled {
        let mut samples = Samples::new(1).unwrap();
        for i in 0..1000 {
            samples
                .push(i * crate::MINUTE_US, &[(i as f64 / 9.0).sin()])
                .unwrap();
        }
        Labelled {
            samples,
            labels: (0..1000).map(|i| i >= 900).collect(),
            first_channel: vec![0.0; 1000],
            train_rows: 500,
        }
    }

    #[test]
    fn changes_are_what_they_are_called() {
        let of = |change| changed(&series(), change).unwrap();
        let missing = of(Change::Missing(0.2));
        assert!((750..850).contains(&missing.samples.len()) && (370..430).contains(&missing.train_rows));
        assert!(missing.labels.len() == missing.samples.len() && missing.labels[missing.labels.len() - 1]);
        assert_eq!(
            (
                of(Change::HalfRate).samples.len(),
                of(Change::HalfRate).train_rows
            ),
            (500, 250)
        );
        let noisy = of(Change::Noise(10.0));
        let plain = series();
        let square: f64 = (0..1000)
            .map(|i| (noisy.samples.row(i)[0] - plain.samples.row(i)[0]).powi(2))
            .sum();
        assert!((square / 1000.0 / 0.05 - 1.0).abs() < 0.2, "{square}");
        assert_eq!(of(Change::Units).samples.row(0)[0], 1e6);
    }
}
