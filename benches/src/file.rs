//! Labelled series in the layout of the TSB-AD benchmark.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tsad_core::Samples;

use crate::MINUTE_US;

/// A labelled series.
#[derive(Debug)]
pub struct Labelled {
    /// All rows, a minute apart.
    pub samples: Samples,
    /// One label per row.
    pub labels: Vec<bool>,
    /// The values of the first channel.
    pub first_channel: Vec<f64>,
    /// The number of rows at the beginning that are for training.
    pub train_rows: usize,
}

/// The files to read: a file as it is, of a folder every `*.csv` in it (not below), by name.
///
/// # Errors
/// Where a path cannot be read or a folder holds no such file.
pub fn list(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            ensure!(path.exists(), "{} does not exist", path.display());
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "csv") && file.is_file() {
                inside.push(file);
            }
        }
        ensure!(!inside.is_empty(), "{} holds no .csv file", path.display());
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// The name of a file without folder and ending.
#[must_use]
pub fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The data set a file belongs to: the first part of its name that is not a number (`NAB` of `001_NAB_id_1_...`).
#[must_use]
pub fn data_set(stem: &str) -> &str {
    let is_number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    stem.split('_').find(|part| !is_number(part)).unwrap_or(stem)
}

/// The training rows a name tells: `1007` of `..._tr_1007_1st_2014` or `..._tr_1007`.
#[must_use]
pub fn train_rows(stem: &str) -> Option<usize> {
    let (_, rest) = stem.rsplit_once("_tr_")?;
    rest.split('_').next()?.parse().ok()
}

/// Reads a file.
///
/// # Errors
/// Where it cannot be read, its name tells no training rows, or a cell is not what the layout asks for.
pub fn read(path: &Path) -> Result<Labelled> {
    let stem = stem(path);
    let Some(train_rows) = train_rows(&stem) else {
        bail!("the name tells no training rows (..._tr_N_... or ..._tr_N.csv)");
    };
    let labelled = parse(fs::File::open(path).context("cannot open")?, train_rows)?;
    ensure!(
        (1..=labelled.labels.len()).contains(&train_rows),
        "{train_rows} training rows of {}",
        labelled.labels.len()
    );
    Ok(labelled)
}

fn parse(text: impl Read, train_rows: usize) -> Result<Labelled> {
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers()?.clone();
    let channels = header.len().saturating_sub(1);
    ensure!(
        channels > 0 && header.get(channels) == Some("Label"),
        "the header needs a value column at least and Label as the last column"
    );
    let mut samples = Samples::new(channels).map_err(anyhow::Error::new)?;
    let (mut labels, mut first_channel, mut row) = (Vec::new(), Vec::new(), Vec::new());
    for (i, record) in reader.records().enumerate() {
        let record = record?;
        let line = i + 2;
        row.clear();
        for cell in record.iter().take(channels) {
            row.push(value(cell).with_context(|| format!("line {line}: {cell:?} is not a number"))?);
        }
        let cell = record.get(channels).unwrap_or_default();
        let label = value(cell).filter(|label| *label == 0.0 || *label == 1.0);
        labels.push(label.with_context(|| format!("line {line}: label {cell:?} is not 0 or 1"))? == 1.0);
        first_channel.push(row[0]);
        samples
            .push(i as i64 * MINUTE_US, &row)
            .with_context(|| format!("line {line}"))?;
    }
    Ok(Labelled {
        samples,
        labels,
        first_channel,
        train_rows,
    })
}

/// A number; an empty cell is a missing one.
fn value(cell: &str) -> Option<f64> {
    match cell.trim() {
        "" => Some(f64::NAN),
        text => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_set_and_training_rows() {
        let name = "001_NAB_id_1_Facility_tr_1007_1st_2014";
        assert_eq!((data_set(name), train_rows(name)), ("NAB", Some(1007)));
        let name = "SMD_machine-1-6_dim0_tr_500";
        assert_eq!((data_set(name), train_rows(name)), ("SMD", Some(500)));
        assert_eq!(train_rows("MITDBx_105_tr_many_1st_1"), None);
        assert_eq!((data_set("12_34"), train_rows("plain")), ("12_34", None));
    }

    #[test]
    fn rows_become_samples_and_labels() {
        let found = parse("a,b,Label\n1,2.5,0\n,nan,1.0\n".as_bytes(), 1).unwrap();
        assert_eq!(found.labels, [false, true]);
        assert_eq!((found.samples.len(), found.samples.channels()), (2, 2));
        assert_eq!(found.samples.row(0), [1.0, 2.5]);
        assert!(found.samples.row(1).iter().all(|v| v.is_nan()) && found.first_channel[1].is_nan());
        assert_eq!(found.samples.times(), [0, MINUTE_US]);
    }

    #[test]
    fn mistakes_name_the_line() {
        for (text, part) in [
            ("Label\n0\n", "value column"),
            ("a,b\n1,0\n", "Label"),
            ("a,Label\n1,0\nx,0\n", "line 3: \"x\" is not a number"),
            ("a,Label\n1,2\n", "line 2: label \"2\""),
            ("a,Label\ninf,0\n", "line 2"),
            ("a,Label\n1\n", "line: 2"),
        ] {
            let e = format!("{:#}", parse(text.as_bytes(), 1).unwrap_err());
            assert!(e.contains(part), "{e}");
        }
    }
}
