//! The command line of `tsad-bench`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use tsad_bench::{accuracy, answer, calibration, classify, contaminate, params, robust, speed};

const USAGE: &str = "\
Usage:
  tsad-bench accuracy PATH... [--by-set] [--causal] [--csv FILE] [--jobs N] [--option NAME=VALUE]...
  tsad-bench answer PATH... [--option NAME=VALUE]...
  tsad-bench calibration [PATH]... [--judge after|updated|within] [--causal] [--rows N,N,...] [--scored N] [--seeds N] [--option NAME=VALUE]...
  tsad-bench classify [PATH]... [--series N] [--stretch N] [--stretches N] [--seeds N] [--option NAME=VALUE]...
  tsad-bench contamination [PATH]... [--option NAME=VALUE]...
  tsad-bench robustness PATH... [--option NAME=VALUE]...
  tsad-bench speed [--rows N,N,...] [--channels N] [--repeat N] [--option NAME=VALUE]...

accuracy  trains on the beginning of every labelled series, scores all of it, reports VUS-PR
  PATH        a folder of .csv files, or a file; ..._tr_N_... in the name: the first N rows train
  --by-set    also the mean of every data set (from the names of the files)
  --causal    score every row without the rows after it; trains with --option causal=true unless that is given
  --csv FILE  write all measures of every file
  --jobs N    files at a time, default 1; times are only honest with 1
answer    what is read of the same at the rate asked for: incidents found, precision of episodes, rows flagged, delay
calibration  the false-alarm rate on normal data over the one asked for: of made series, or of files
  --judge     of files: the rows after the training rows (default); the same, the model being updated with the normal ones
              every 500 rows; or each twentieth of long normal stretches by a model of the rest, also where that model
              supports the error probability
  --causal    score every row without the rows after it, as above
  --rows      training rows of the made series, default 1000,10000,100000
  --scored    rows scored of each, default 200000
  --seeds     made series of each kind, default 5
classify  how well regimes recover the kind of series a stretch comes from, against k-means on raw windows
  PATH         files or folders whose series are kinds too
  --series     series of these in a mixture, default 6
  --stretch    rows of a stretch, default 512
  --stretches  stretches of each kind, default 8
  --seeds      mixtures, default 5
contamination  incidents found when the training rows hold one of the same kind, of made series or files
robustness  VUS-PR of the same files with rows missing, noise, another interval, another scale
speed     rows per second of training and scoring made series
  --rows      lengths, default 1000,10000,100000
  --channels  value columns, default 1
  --repeat    runs per length, default 3; the fastest counts

  --option NAME=VALUE  a parameter of training, the value in JSON: --option 'scales=[16,64]'

Exit code: 0 good, 1 a file failed, 2 wrong arguments.";

enum Command {
    Accuracy(accuracy::Settings),
    Answer(answer::Settings),
    Calibration(calibration::Settings),
    Classify(classify::Settings),
    Contamination(contaminate::Settings),
    Robustness(Vec<std::path::PathBuf>),
    Speed(speed::Settings),
    Help,
}

fn main() -> ExitCode {
    let mut err = io::stderr();
    let run =
        parse(std::env::args_os()).and_then(|(command, options)| Ok((command, params::params(&options)?)));
    let (command, params) = match run {
        Ok(run) => run,
        Err(e) => {
            // Nothing is left to be done where even the standard error is closed.
            let _ = writeln!(err, "tsad-bench: {e:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut out = io::stdout();
    let failed = match command {
        Command::Help => writeln!(out, "{USAGE}").map(|()| 0).context("cannot write"),
        Command::Answer(settings) => answer::run(&settings, &params, &mut out).map(|()| 0),
        Command::Calibration(settings) => calibration::run(&settings, &params, &mut out).map(|()| 0),
        Command::Classify(settings) => classify::run(&settings, &params, &mut out).map(|()| 0),
        Command::Contamination(settings) => contaminate::run(&settings, &params, &mut out).map(|()| 0),
        Command::Speed(settings) => speed::run(&settings, &params, &mut out).map(|()| 0),
        Command::Robustness(paths) => robust::run(&paths, &params, &mut out, &mut err),
        Command::Accuracy(settings) => accuracy::run(&settings, &params, &mut out, &mut err),
    };
    match failed {
        Ok(0) => ExitCode::SUCCESS,
        Ok(count) => {
            let _ = writeln!(err, "tsad-bench: {count} files failed and are not in the mean");
            ExitCode::FAILURE
        }
        Err(e) => {
            let _ = writeln!(err, "tsad-bench: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<(Command, Vec<String>)> {
    let mut parser = lexopt::Parser::from_iter(args);
    let mut command = match parser.next()? {
        Some(Value(name)) if name == "accuracy" => Command::Accuracy(accuracy::Settings {
            jobs: 1,
            ..accuracy::Settings::default()
        }),
        Some(Value(name)) if name == "answer" => Command::Answer(answer::Settings::default()),
        Some(Value(name)) if name == "calibration" => Command::Calibration(calibration::Settings::default()),
        Some(Value(name)) if name == "classify" => Command::Classify(classify::Settings::default()),
        Some(Value(name)) if name == "contamination" => {
            Command::Contamination(contaminate::Settings::default())
        }
        Some(Value(name)) if name == "robustness" => Command::Robustness(Vec::new()),
        Some(Value(name)) if name == "speed" => Command::Speed(speed::Settings::default()),
        Some(Long("help") | Short('h')) => return Ok((Command::Help, Vec::new())),
        Some(other) => return Err(other.unexpected().into()),
        None => anyhow::bail!("a command is missing"),
    };
    let mut options = Vec::new();
    while let Some(arg) = parser.next()? {
        match (&mut command, arg) {
            (_, Long("help") | Short('h')) => return Ok((Command::Help, Vec::new())),
            (_, Long("option")) => options.push(parser.value()?.string()?),
            (Command::Accuracy(settings), Value(path)) => settings.paths.push(path.into()),
            (Command::Answer(settings), Value(path)) => settings.paths.push(path.into()),
            (Command::Contamination(settings), Value(path)) => settings.paths.push(path.into()),
            (Command::Robustness(paths), Value(path)) => paths.push(path.into()),
            (Command::Accuracy(settings), Long("csv")) => settings.csv = Some(parser.value()?.into()),
            (Command::Accuracy(settings), Long("jobs")) => settings.jobs = count(&mut parser, "--jobs")?,
            (Command::Accuracy(settings), Long("by-set")) => settings.by_set = true,
            (Command::Accuracy(settings), Long("causal")) => settings.causal = true,
            (Command::Calibration(settings), Long("causal")) => settings.causal = true,
            (Command::Calibration(settings), Value(path)) => settings.paths.push(path.into()),
            (Command::Calibration(settings), Long("judge")) => {
                let name = parser.value()?.string()?;
                settings.judge = calibration::Judge::named(&name)
                    .with_context(|| format!("--judge is after, updated or within, not {name:?}"))?;
            }
            (Command::Calibration(settings), Long("rows")) => settings.rows = counts(&mut parser, "--rows")?,
            (Command::Calibration(settings), Long("scored")) => {
                settings.scored = count(&mut parser, "--scored")?;
            }
            (Command::Calibration(settings), Long("seeds")) => {
                settings.seeds = count(&mut parser, "--seeds")? as u64;
            }
            (Command::Classify(settings), Value(path)) => settings.paths.push(path.into()),
            (Command::Classify(settings), Long("series")) => {
                settings.series = count(&mut parser, "--series")?;
            }
            (Command::Classify(settings), Long("stretch")) => {
                settings.stretch = count(&mut parser, "--stretch")?;
            }
            (Command::Classify(settings), Long("stretches")) => {
                settings.stretches = count(&mut parser, "--stretches")?;
            }
            (Command::Classify(settings), Long("seeds")) => {
                settings.seeds = count(&mut parser, "--seeds")? as u64;
            }
            (Command::Speed(settings), Long("rows")) => settings.rows = counts(&mut parser, "--rows")?,
            (Command::Speed(settings), Long("channels")) => {
                settings.channels = count(&mut parser, "--channels")?;
            }
            (Command::Speed(settings), Long("repeat")) => settings.repeat = count(&mut parser, "--repeat")?,
            (_, arg) => return Err(arg.unexpected().into()),
        }
    }
    if matches!(&command, Command::Accuracy(settings) if settings.paths.is_empty()) {
        anyhow::bail!("accuracy needs a folder");
    }
    if matches!(&command, Command::Answer(settings) if settings.paths.is_empty()) {
        anyhow::bail!("answer needs a folder");
    }
    if matches!(&command, Command::Robustness(paths) if paths.is_empty()) {
        anyhow::bail!("robustness needs a folder");
    }
    let causal = match &command {
        Command::Accuracy(settings) => settings.causal,
        Command::Calibration(settings) => settings.causal,
        _ => false,
    };
    if causal && !options.iter().any(|o| o.starts_with("causal=")) {
        options.push("causal=true".to_owned());
    }
    Ok((command, options))
}

fn counts(parser: &mut lexopt::Parser, name: &str) -> Result<Vec<usize>> {
    let list = parser.value()?.string()?;
    let number = |n: &str| n.trim().parse().with_context(|| format!("{name}: {n:?}"));
    list.split(',').map(number).collect()
}

fn count(parser: &mut lexopt::Parser, name: &str) -> Result<usize> {
    let value = parser
        .value()?
        .parse::<usize>()
        .with_context(|| name.to_owned())?;
    anyhow::ensure!(value > 0, "{name} must be 1 or more");
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Command, Vec<String>)> {
        parse(
            std::iter::once("tsad-bench")
                .chain(line.split_whitespace())
                .map(OsString::from),
        )
    }

    #[test]
    fn arguments_may_come_in_any_order() {
        let (command, options) =
            parsed("accuracy --option seed=1 a --jobs 2 b --by-set --csv c.csv --option centres=4").unwrap();
        let Command::Accuracy(settings) = command else {
            panic!("not accuracy")
        };
        assert_eq!(
            (settings.paths.len(), settings.jobs, settings.by_set),
            (2, 2, true)
        );
        assert!(settings.csv.is_some_and(|path| path.ends_with("c.csv")));
        assert_eq!(options, ["seed=1", "centres=4"]);
        let Command::Speed(settings) = parsed("speed --rows 5,70 --channels 3").unwrap().0 else {
            panic!("not speed")
        };
        assert_eq!(
            (settings.rows, settings.channels, settings.repeat),
            (vec![5, 70], 3, 3)
        );
    }

    #[test]
    fn models_that_score_causally_are_trained_for_it_unless_told_otherwise() {
        assert_eq!(parsed("accuracy a --causal").unwrap().1, ["causal=true"]);
        assert_eq!(
            parsed("calibration --causal --option seed=1").unwrap().1,
            ["seed=1", "causal=true"]
        );
        assert_eq!(
            parsed("calibration --causal --option causal=false").unwrap().1,
            ["causal=false"]
        );
    }

    #[test]
    fn mistakes_are_refused() {
        for line in [
            "",
            "fast",
            "accuracy",
            "accuracy a --rows 5",
            "accuracy a --jobs 0",
            "speed a",
            "speed --rows x",
            "calibration a --judge later",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(matches!(parsed("--help").unwrap().0, Command::Help));
    }
}
