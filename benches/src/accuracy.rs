//! The command `accuracy`: train, score and judge every file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use tsad_core::measure::{self, Measures};
use tsad_core::{Model, Point, Samples, ValidParams, score_causal, score_only, train};

use crate::file::{self, Labelled};

/// What one file gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Rows scored.
    pub rows: usize,
    /// Rows trained on.
    pub train_rows: usize,
    /// Value columns.
    pub channels: usize,
    /// The window of the volume measures.
    pub window: usize,
    /// How well the scores agree with the labels.
    pub measures: Measures,
    /// Seconds of training.
    pub train_seconds: f64,
    /// Seconds of scoring.
    pub score_seconds: f64,
}

/// What to run and what to report.
#[derive(Debug, Default)]
pub struct Settings {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Where to write every value of every file, if anywhere.
    pub csv: Option<PathBuf>,
    /// Files at the same time, 1 or more.
    pub jobs: usize,
    /// Whether to report the mean of every data set.
    pub by_set: bool,
    /// Whether to score every row without the rows after it.
    pub causal: bool,
}

/// Runs all files, reports on `out` and complains on `err`; the number of files that failed.
///
/// # Errors
/// Where no file is found, a report cannot be written, or no file could be judged.
pub fn run(
    settings: &Settings,
    params: &ValidParams,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<usize> {
    let files = file::list(&settings.paths)?;
    // Opened before the long work, so that a wrong path is told at once.
    let mut table = settings
        .csv
        .as_ref()
        .map(|path| csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display())))
        .transpose()?;
    if let Some(table) = &mut table {
        table.write_record(COLUMNS)?;
    }
    let width = files
        .iter()
        .map(|path| file::stem(path).len())
        .max()
        .unwrap_or_default();
    writeln!(out, "{:width$}  VUS-PR  VUS-ROC  train s  score s", "file")?;
    let mut good = Vec::new();
    let how = Score::of(settings.causal);
    each(&files, settings.jobs, params, how, |name, outcome| {
        let found = match outcome {
            Ok(found) => found,
            Err(e) => return Ok(writeln!(err, "{name}: {e:#}")?),
        };
        let Measures { vus_pr, vus_roc, .. } = found.measures;
        let (train_s, score_s) = (found.train_seconds, found.score_seconds);
        writeln!(
            out,
            "{name:width$}  {vus_pr:6.4}  {vus_roc:7.4}  {train_s:7.3}  {score_s:7.3}"
        )?;
        if let Some(table) = &mut table {
            table.write_record(record(&name, &found))?;
        }
        good.push((name, found));
        Ok(())
    })?;
    if let Some(table) = &mut table {
        table.flush()?;
    }
    if settings.by_set {
        report_sets(&good, out)?;
    }
    anyhow::ensure!(!good.is_empty(), "none of {} files could be judged", files.len());
    let mean = Mean::of(good.iter().map(|(_, found)| found));
    let Mean {
        vus_pr,
        seconds,
        files: count,
        ..
    } = mean;
    writeln!(
        out,
        "mean VUS-PR {vus_pr:.4} over {count} files, {seconds:.1} seconds"
    )?;
    Ok(files.len() - good.len())
}

/// What a score may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// All rows.
    Hindsight,
    /// No later row.
    Causal,
}

impl Score {
    /// The kind by the flag of the command line.
    #[must_use]
    pub fn of(causal: bool) -> Self {
        if causal { Self::Causal } else { Self::Hindsight }
    }

    /// Scores all rows.
    pub(crate) fn run(self, model: &Model, samples: Samples) -> tsad_core::Result<Vec<Point>> {
        match self {
            Self::Hindsight => score_only(model, samples, &|| {}),
            Self::Causal => score_causal(model, samples, &|| {}),
        }
    }
}

/// Trains on the beginning of a series, scores all of it, and judges the scores.
///
/// # Errors
/// Where the series cannot be trained on, scored, or judged.
pub fn judge(series: Labelled, params: &ValidParams, how: Score) -> Result<Outcome> {
    let Labelled {
        samples,
        labels,
        first_channel,
        train_rows,
    } = series;
    let channels = samples.channels();
    let head = samples.head(train_rows);
    let start = Instant::now();
    let model = train(head, params, &|| {}).context("training")?;
    let train_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let points = how.run(&model, samples).context("scoring")?;
    let score_seconds = start.elapsed().as_secs_f64();
    let scores = filled(points.iter().map(|point| point.score));
    let window = measure::period_length(&first_channel);
    let measures = measure::evaluate(&scores, &labels, window).context("judging")?;
    Ok(Outcome {
        rows: labels.len(),
        train_rows,
        channels,
        window,
        measures,
        train_seconds,
        score_seconds,
    })
}

/// Scores with the lowest one where there is none; 0 where there is none at all.
fn filled(scores: impl Iterator<Item = Option<f64>> + Clone) -> Vec<f64> {
    let lowest = scores.clone().flatten().reduce(f64::min).unwrap_or(0.0);
    scores.map(|score| score.unwrap_or(lowest)).collect()
}

/// Judges the files on `jobs` threads and hands the outcomes on in the order of the files, each as soon as it
/// and all before it are there.
fn each(
    files: &[PathBuf],
    jobs: usize,
    params: &ValidParams,
    how: Score,
    mut report: impl FnMut(String, Result<Outcome>) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = files.get(i) else { break };
                    let outcome = file::read(path).and_then(|series| judge(series, params, how));
                    if sender.send((i, outcome)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (i, outcome) in receiver {
            waiting.insert(i, outcome);
            while let Some(outcome) = waiting.remove(&due) {
                report(file::stem(&files[due]), outcome)?;
                due += 1;
            }
        }
        Ok(())
    })
}

/// Means over files, and the sum of their seconds.
struct Mean {
    files: usize,
    vus_pr: f64,
    vus_roc: f64,
    seconds: f64,
}

impl Mean {
    fn of<'a>(found: impl Iterator<Item = &'a Outcome> + Clone) -> Self {
        let files = found.clone().count();
        let mean = |value: fn(&Measures) -> f64| {
            found.clone().map(|f| value(&f.measures)).sum::<f64>() / files as f64
        };
        Self {
            files,
            vus_pr: mean(|m| m.vus_pr),
            vus_roc: mean(|m| m.vus_roc),
            seconds: found.clone().map(|f| f.train_seconds + f.score_seconds).sum(),
        }
    }
}

fn report_sets(good: &[(String, Outcome)], out: &mut dyn Write) -> Result<()> {
    let mut sets: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for (name, found) in good {
        sets.entry(file::data_set(name)).or_default().push(found);
    }
    writeln!(out, "\n{:12}  files  VUS-PR  VUS-ROC  seconds", "data set")?;
    for (set, found) in sets {
        let Mean {
            files,
            vus_pr,
            vus_roc,
            seconds,
        } = Mean::of(found.into_iter());
        writeln!(
            out,
            "{set:12}  {files:5}  {vus_pr:6.4}  {vus_roc:7.4}  {seconds:7.2}"
        )?;
    }
    Ok(writeln!(out)?)
}

const COLUMNS: [&str; 17] = [
    "file",
    "data_set",
    "rows",
    "train_rows",
    "channels",
    "window",
    "vus_pr",
    "vus_roc",
    "auc_pr",
    "auc_roc",
    "point_f1",
    "event_f1",
    "range_f1",
    "affiliation_f1",
    "point_adjusted_f1",
    "train_seconds",
    "score_seconds",
];

fn record(name: &str, found: &Outcome) -> [String; 17] {
    let m = &found.measures;
    [
        name.to_owned(),
        file::data_set(name).to_owned(),
        found.rows.to_string(),
        found.train_rows.to_string(),
        found.channels.to_string(),
        found.window.to_string(),
        m.vus_pr.to_string(),
        m.vus_roc.to_string(),
        m.auc_pr.to_string(),
        m.auc_roc.to_string(),
        m.point_f1.to_string(),
        m.event_f1.to_string(),
        m.range_f1.to_string(),
        m.affiliation_f1.to_string(),
        m.point_adjusted_f1.to_string(),
        found.train_seconds.to_string(),
        found.score_seconds.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_score_gets_the_lowest() {
        assert_eq!(filled([None, Some(3.0), Some(2.0)].into_iter()), [2.0, 3.0, 2.0]);
        assert_eq!(filled([None, None].into_iter()), [0.0, 0.0]);
    }

    /// A folder of files, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = std::env::temp_dir().join(format!("tsad-bench-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            for (name, text) in files {
                std::fs::write(folder.join(name), text).unwrap();
            }
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// A wave with noise and an event of twenty rows that is much larger.
    fn series(seed: u64) -> String {
        let mut noise = crate::synthetic::Noise(seed);
        let rows = (0..900).map(|i| {
            let event = (700..720).contains(&i);
            let size = if event { 6.0 } else { 1.0 };
            let value = size * (f64::from(i) / 5.0).sin() + 0.1 * noise.next();
            format!("{value},{}\n", u8::from(event))
        });
        "value,Label\n".to_owned() + &rows.collect::<String>()
    }

    #[test]
    fn a_folder_is_judged_and_reported() {
        let folder = Folder::with(&[
            ("1_AA_tr_500_1st_700.csv", &series(1)),
            ("2_AA_tr_500.csv", &series(2)),
            ("3_BB_tr_500.csv", &series(3)),
            ("4_BB.csv", &series(4)),
            ("5_CC_tr_2.csv", "value,Label\n1,0\n2,x\n"),
            ("notes.txt", "not a series"),
        ]);
        let run = |jobs| {
            let csv = folder.0.join("out.table");
            let settings = Settings {
                paths: vec![folder.0.clone()],
                csv: Some(csv.clone()),
                jobs,
                by_set: true,
                causal: false,
            };
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let params = crate::params::params(&[]).unwrap();
            let failed = run(&settings, &params, &mut out, &mut err).unwrap();
            let texts = [out, err].map(|text| String::from_utf8(text).unwrap());
            (failed, texts, std::fs::read_to_string(csv).unwrap())
        };
        let (failed, [out, err], table) = run(1);
        assert_eq!(failed, 2);
        assert!(err.contains("4_BB: the name tells no training rows"), "{err}");
        assert!(
            err.contains("5_CC_tr_2: line 3: label \"x\" is not 0 or 1"),
            "{err}"
        );
        let last = out.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("mean VUS-PR ") && last.contains(" over 3 files, "),
            "{last}"
        );
        assert!(
            out.contains("\nAA                2  ") && out.contains("\nBB                1  "),
            "{out}"
        );
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0], COLUMNS);
        assert_eq!(
            rows[1][..6],
            ["1_AA_tr_500_1st_700", "AA", "900", "500", "1", "31"]
        );
        assert!(
            rows[1..].iter().all(|row| row[6].parse::<f64>().unwrap() > 0.5),
            "{table}"
        );
        // More jobs change the times and nothing else.
        let (_, [_, again_err], again) = run(3);
        let values = |table: &str| {
            table
                .lines()
                .map(|line| line.split(',').take(15).collect::<String>())
                .collect::<Vec<_>>()
        };
        assert_eq!((values(&again), again_err), (values(&table), err));
    }

    #[test]
    fn nothing_to_judge_is_an_error() {
        let settings = Settings {
            paths: vec![PathBuf::from("/nowhere")],
            ..Settings::default()
        };
        let params = crate::params::params(&[]).unwrap();
        let e = run(&settings, &params, &mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(e.to_string(), "/nowhere does not exist");
    }
}
