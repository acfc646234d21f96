//! The command `answer`: what a user reads of labelled series at the rate that was asked for.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use tsad_core::{Event, EventParams, MergeGap, Model, Point, ValidParams, events, score_with_shares, train};

use crate::file::{self, Labelled};

/// What to run.
#[derive(Debug, Default)]
pub struct Settings {
    /// Labelled files and folders.
    pub paths: Vec<PathBuf>,
}

/// What was found behind the training rows of one series, or of several.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Labelled incidents; those that an episode touches.
    pub incidents: u64,
    /// See `incidents`.
    pub found: u64,
    /// Episodes; those that touch an incident.
    pub episodes: u64,
    /// See `episodes`.
    pub hits: u64,
    /// Labelled rows, flagged rows.
    pub rows: [u64; 2],
    /// For each incident found the rows from its begin to the first one flagged in it.
    pub delays: Vec<u64>,
}

impl Answer {
    /// Of points in the order of the labels, those from row `first` on.
    #[must_use]
    pub fn of(points: &[Point], labels: &[bool], first: usize, found: &[Event]) -> Self {
        let mut out = Self::default();
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for i in (first..labels.len()).filter(|i| labels[*i]) {
            match ranges.last_mut() {
                Some(last) if last.1 + 1 == i => last.1 = i,
                _ => ranges.push((i, i)),
            }
        }
        let flagged = |i: &usize| points[*i].is_anomaly == Some(true);
        let touches = |e: &Event, (from, to): &(usize, usize)| {
            e.start <= points[*to].time && e.last >= points[*from].time
        };
        for range in &ranges {
            out.incidents += 1;
            out.found += u64::from(found.iter().any(|e| touches(e, range)));
            let delay = (range.0..=range.1).position(|i| flagged(&i));
            out.delays.extend(delay.map(|d| d as u64));
        }
        let late = found
            .iter()
            .filter(|e| points.get(first).is_some_and(|p| e.last >= p.time));
        for event in late {
            out.episodes += 1;
            out.hits += u64::from(ranges.iter().any(|r| touches(event, r)));
        }
        out.rows = [
            labels[first..].iter().filter(|l| **l).count() as u64,
            (first..points.len()).filter(flagged).count() as u64,
        ];
        out
    }

    fn add(&mut self, other: &Self) {
        self.incidents += other.incidents;
        self.found += other.found;
        self.episodes += other.episodes;
        self.hits += other.hits;
        self.rows = [self.rows[0] + other.rows[0], self.rows[1] + other.rows[1]];
        self.delays.extend(&other.delays);
    }

    fn line(&self, name: &str, out: &mut dyn Write) -> Result<()> {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        let delay = delays
            .get(delays.len() / 2)
            .map_or("-".to_owned(), u64::to_string);
        let precision = match self.episodes {
            0 => "-".to_owned(),
            n => format!("{:.2}", self.hits as f64 / n as f64),
        };
        let share = self.rows[1] as f64 / self.rows[0].max(1) as f64;
        let (found, all, episodes) = (self.found, self.incidents, self.episodes);
        Ok(writeln!(
            out,
            "{name:40} {found:>5}/{all:<5} {episodes:>8} {precision:>9} {share:>9.2} {delay:>6}"
        )?)
    }
}

/// Runs all and reports on `out`.
///
/// # Errors
/// Where a file cannot be read or judged, or a report cannot be written.
pub fn run(settings: &Settings, params: &ValidParams, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "{:40} {:>11} {:>8} {:>9} {:>9} {:>6}",
        "behind the training rows", "found", "episodes", "precision", "rows", "delay"
    )?;
    let mut all = Answer::default();
    for path in file::list(&settings.paths)? {
        let answer = answer(file::read(&path)?, params)?;
        answer.line(&file::stem(&path).chars().take(40).collect::<String>(), out)?;
        all.add(&answer);
    }
    all.line("all", out)?;
    Ok(writeln!(
        out,
        "\nfound: incidents that an episode touches; precision: episodes that touch an incident; rows: flagged rows over\n\
         labelled ones; delay: median rows from the begin of an incident to the first one flagged in it"
    )?)
}

fn answer(series: Labelled, params: &ValidParams) -> Result<Answer> {
    let model = train(series.samples.head(series.train_rows), params, &|| {})?;
    let points = score_with_shares(&model, series.samples, &|| {})?;
    let found = episodes(&model, &points);
    Ok(Answer::of(&points, &series.labels, series.train_rows, &found))
}

/// The episodes with the parameters that the SQL functions have by default.
fn episodes(model: &Model, points: &[Point]) -> Vec<Event> {
    let interval = model.interval().unwrap_or(1);
    let length = |samples: Option<usize>| interval.saturating_mul(samples.unwrap_or(0) as i64);
    let params = EventParams {
        focus: 0.5,
        reach: length(model.longest_window()),
        gap: MergeGap::ByEvidence {
            interval,
            window: length(model.shortest_window()),
        },
        min_points: 1,
        min_duration: 0,
    };
    events(points, &params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::Family;
    use crate::synthetic::minutely;

    #[test]
    fn a_spike_is_found_where_it_is_and_another_one_is_an_episode_too_many() {
        let mut values = Family::Seasonal.values(6000, 1);
        values[5000] += 30.0;
        values[5500] += 30.0;
        let series = Labelled {
            samples: minutely(values.iter().copied()).unwrap(),
            labels: (0..6000)
                .map(|i| (4998..=5001).contains(&i) || i == 100)
                .collect(),
            first_channel: values,
            train_rows: 4000,
        };
        let params = crate::params::params(&[]).unwrap();
        let found = answer(series, &params).unwrap();
        let expected = Answer {
            incidents: 1,
            found: 1,
            episodes: 2,
            hits: 1,
            rows: [4, 2],
            delays: vec![2],
        };
        assert_eq!(found, expected);
        let mut both = found.clone();
        both.add(&found);
        let mut out = Vec::new();
        both.line("both", &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>(),
            ["both", "2/2", "4", "0.50", "0.50", "2"]
        );
    }
}
