//! One series of a picture: its value, its score, the frame around both.

use super::axis::Axis;
use super::scale::{self, Domain, brief};
use super::sketch::{Bucket, Sketch, Span, Track};
use super::svg::{shorten, text_width};
use std::fmt::Write as _;

/// A break in the line longer than this many of the longest usual intervals (the 90th percentile) is a gap: the
/// default of the detector's `max_gap`.
const GAP: u64 = 4;

/// A series, ready to be drawn.
pub(super) struct Panel {
    pub name: String,
    rows: u64,
    columns: Vec<Bucket>,
    longest_step: u64,
    pub values: Option<Domain>,
    extremes: Option<(f64, f64)>,
    pub scores: Domain,
    pub episodes: Vec<Span>,
    pub scored: bool,
    pub limited: bool,
    pub banded: bool,
}

impl Panel {
    /// The panels of all series, their lines made of about `most` points together.
    pub fn all(sketch: &Sketch, from: i64, to: i64, width: f64, most: usize) -> Vec<Self> {
        let tracks = sketch.tracks();
        let points: usize = sketch.tracks().map(|(_, track)| track.points_a_column()).sum();
        let columns = (most / points.max(1)).min(width as usize);
        tracks
            .map(|(name, track)| Self::new(name, track, track.columns(from, to, columns)))
            .collect()
    }

    fn new(name: &str, track: &Track, columns: Vec<Bucket>) -> Self {
        let values = columns.iter().filter_map(|b| b.value.as_ref());
        let extremes = span_of(values.flat_map(|lane| [lane.low.value, lane.high.value]));
        let bands = columns.iter().filter_map(|b| b.band.as_ref());
        let ends = bands.clone().flat_map(|band| [band.lower, band.upper]);
        let shown = span_of(extremes.into_iter().flat_map(|(a, b)| [a, b]).chain(ends));
        let scores = columns.iter().filter_map(|b| b.score.as_ref());
        let limits = || columns.iter().filter_map(|b| b.threshold);
        let (scored, limited, banded) = (
            scores.clone().next().is_some(),
            limits().next().is_some(),
            bands.clone().next().is_some(),
        );
        let scores = span_of(
            scores
                .flat_map(|lane| [lane.low.value, lane.high.value])
                .chain(limits()),
        );
        let scores = scores.map_or(Domain { low: 0.0, high: 1.0 }, |(low, high)| {
            let domain = Domain::around(low.min(0.0), high.max(0.0));
            // Scores begin at zero, on the floor.
            if low >= 0.0 {
                Domain { low: 0.0, ..domain }
            } else {
                domain
            }
        });
        let longest_step = longest_step(&columns);
        let mut panel = Self {
            name: name.to_owned(),
            rows: track.rows,
            longest_step,
            values: shown.map(|(low, high)| Domain::around(low, high)),
            extremes,
            scores,
            episodes: Vec::new(),
            scored,
            limited,
            banded,
            columns,
        };
        panel.episodes = panel.find_episodes();
        panel
    }

    /// The width of the labels at the value axis.
    pub fn label_width(&self) -> f64 {
        let values = self.values.map(|v| v.ticks(5)).unwrap_or_default();
        let scores = if self.scored {
            self.scores.ticks(2)
        } else {
            Vec::new()
        };
        values
            .iter()
            .chain(&scores)
            .map(|(_, label)| text_width(label, 11.0))
            .fold(0.0, f64::max)
    }

    /// Runs of anomalous rows; rows that were not judged do not end one, a gap does.
    fn find_episodes(&self) -> Vec<Span> {
        let mut found: Vec<Span> = Vec::new();
        let mut open = false;
        for bucket in &self.columns {
            let (Some(judged), anomalous) = (bucket.judged, bucket.anomalous) else {
                continue;
            };
            let Some((begin, end)) = anomalous else {
                open = false;
                continue;
            };
            match found.last_mut() {
                Some(last) if open && begin == judged.0 && !self.is_gap(last.1, begin) => last.1 = end,
                _ => found.push((begin, end)),
            }
            open = end == judged.1;
        }
        found
    }

    fn is_gap(&self, from: i64, to: i64) -> bool {
        from.abs_diff(to) > self.longest_step
    }

    /// The stretches without a gap of what `part` finds in each bucket.
    pub fn runs<T>(&self, part: impl Fn(&Bucket) -> Option<T>) -> Vec<Vec<(&Bucket, T)>> {
        let mut runs: Vec<Vec<(&Bucket, T)>> = Vec::new();
        let mut last_end = None;
        for bucket in &self.columns {
            match part(bucket) {
                None => last_end = None,
                Some(found) => {
                    match (last_end, runs.last_mut()) {
                        (Some(end), Some(run)) if !self.is_gap(end, bucket.begin) => {
                            run.push((bucket, found))
                        }
                        _ => runs.push(vec![(bucket, found)]),
                    }
                    last_end = Some(bucket.end);
                }
            }
        }
        runs
    }
}

fn span_of(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |span, v| {
        Some(span.map_or((v, v), |(low, high): (f64, f64)| (low.min(v), high.max(v))))
    })
}

/// The longest step from one row to the next that is no gap.
fn longest_step(columns: &[Bucket]) -> u64 {
    let mut steps: Vec<u64> = columns
        .windows(2)
        .map(|pair| pair[0].end.abs_diff(pair[1].begin))
        .collect();
    steps.sort_unstable();
    steps
        .get(steps.len() * 9 / 10)
        .map_or(u64::MAX, |usual| usual.saturating_mul(GAP))
}

fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!(
            "{} {noun}s",
            scale::integer(i64::try_from(number).unwrap_or(i64::MAX))
        ),
    }
}

/// What a reader who does not see the picture is told.
pub(super) fn describe(panels: &[Panel], from: i64, to: i64, axis: &Axis<'_>) -> String {
    let mut out = format!("{} to {} {}", axis.show(from), axis.show(to), axis.name());
    out.truncate(out.trim_end().len());
    out.push('.');
    for panel in panels.iter().take(12) {
        let name = if panel.name.is_empty() {
            String::new()
        } else {
            format!("{}: ", shorten(&panel.name, 1.0, 60.0))
        };
        let values = panel
            .extremes
            .map_or(" without a value".to_owned(), |(low, high)| {
                format!(", values from {} to {}", brief(low), brief(high))
            });
        let _ = write!(out, " {name}{}{values}", count(panel.rows, "row"));
        if panel.columns.iter().any(|b| b.judged.is_some()) {
            let _ = write!(
                out,
                ", {}",
                count(panel.episodes.len() as u64, "anomalous episode")
            );
            for (i, (begin, end)) in panel.episodes.iter().take(5).enumerate() {
                let lead = if i == 0 { ": " } else { "; " };
                let _ = write!(out, "{lead}{} to {}", axis.show(*begin), axis.show(*end));
            }
            if panel.episodes.len() > 5 {
                out.push_str("; \u{2026}");
            }
        }
        out.push('.');
    }
    if panels.len() > 12 {
        let _ = write!(out, " And {} more series.", panels.len() - 12);
    }
    out
}
