//! The command `speed`: rows per second of training and scoring.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};
use tsad_core::{ValidParams, score, train};

use crate::synthetic;

/// What to measure.
#[derive(Debug)]
pub struct Settings {
    /// Lengths of the series.
    pub rows: Vec<usize>,
    /// Value columns.
    pub channels: usize,
    /// Runs per length; the fastest counts, since everything else on the machine only ever slows one down.
    pub repeat: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rows: vec![1_000, 10_000, 100_000],
            channels: 1,
            repeat: 3,
        }
    }
}

/// Trains on every series and scores it, and reports on `out`.
///
/// # Errors
/// Where training or scoring fails, or the report cannot be written.
pub fn run(settings: &Settings, params: &ValidParams, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "     rows  channels  train s  train rows/s  score s  score rows/s"
    )?;
    for &rows in &settings.rows {
        let samples = synthetic::series(rows, settings.channels)?;
        let (mut train_s, mut score_s) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..settings.repeat.max(1) {
            let (for_training, for_scoring) = (samples.clone(), samples.clone());
            let start = Instant::now();
            let model = train(for_training, params, &|| {}).with_context(|| format!("{rows} rows"))?;
            train_s = train_s.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let points = score(&model, for_scoring, &|| {}).with_context(|| format!("{rows} rows"))?;
            score_s = score_s.min(start.elapsed().as_secs_f64());
            anyhow::ensure!(points.len() == rows, "{} points of {rows} rows", points.len());
        }
        let rate = |seconds: f64| rows as f64 / seconds.max(1e-9);
        let (channels, train_rate, score_rate) = (settings.channels, rate(train_s), rate(score_s));
        writeln!(
            out,
            "{rows:9}  {channels:8}  {train_s:7.3}  {train_rate:12.0}  {score_s:7.3}  {score_rate:12.0}"
        )?;
    }
    Ok(())
}
