//! A picture of series and their anomalies, as self-contained SVG. May import `civil`,
//! `error`.
//!
//! Rows are gathered in a [`Sketch`], whatever their order and number, and [`draw`] draws it: the line of each series,
//! its expected band, its anomalous episodes shaded, and below it the score and the threshold. Equal rows and options
//! give equal bytes. There are no scripts and no references to anything outside.

mod axis;
mod calendar;
mod frame;
mod panel;
mod scale;
mod sketch;
mod svg;
mod tick;

pub use axis::Axis;
pub use calendar::Clock;
pub use sketch::{Row, Sketch};

use crate::error::{Error, ErrorKind, Result};
use frame::Frame;
use panel::Panel;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use svg::{bold_width, escape, number, shorten, tenths, text_width};

/// The largest size of a picture.
const MAX_BYTES: usize = 300_000;
/// The points of all lines of a picture to begin with, about: some 6 bytes each in one panel, some 9 in many narrow
/// ones.
const MAX_POINTS: usize = 48_000;
/// Fewer would not show the course of 64 series: eight columns each.
const MIN_POINTS: usize = 6_000;

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the reader's device prefers; light where it does not say.
    #[default]
    Auto,
    /// Dark on white.
    Light,
    /// Light on black.
    Dark,
}

/// How a picture shall look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What stands above the picture; by default the name of its only series, if it has one.
    pub title: Option<String>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels, at least; by default as the number of series asks for.
    pub height: Option<u32>,
    /// Light or dark.
    pub theme: Theme,
    /// The clock of the time axis; the caller turns it into a [`Clock`].
    pub timezone: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            title: None,
            width: 960,
            height: None,
            theme: Theme::Auto,
            timezone: None,
        }
    }
}

impl Options {
    /// The names of all options.
    pub const NAMES: [&str; 5] = ["title", "width", "height", "theme", "timezone"];

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if the width is not from 240 to 2000 or the height not from 120 to 8000.
    pub fn validate(self) -> Result<Self> {
        let checked = |name: &str, given: u32, low: u32, high: u32| {
            if (low..=high).contains(&given) {
                return Ok(());
            }
            Err(Error::new(
                ErrorKind::InvalidParameter,
                format!("{name} is {given}, it must be from {low} to {high} pixels"),
            )
            .with_hint("The picture is drawn in vectors: viewers scale it to any size."))
        };
        checked("width", self.width, 240, 2000)?;
        checked("height", self.height.unwrap_or(120), 120, 8000)?;
        Ok(self)
    }
}

/// Draws a sketch; `None` if it has no rows.
///
/// Each series is drawn by at most one column of four points a pixel, and by wider columns where the picture would
/// otherwise have more than 300 kB: it is drawn again until it has not, so that neither the number of rows nor that of
/// series matters. The highest and the lowest value of every column are among its points, whatever its width: no spike
/// is lost. See [`Sketch`] for why the line of a column a pixel is that of all rows. Time and memory: proportional to
/// the number of buckets, at most 4096 a series.
#[must_use]
pub fn draw(sketch: &Sketch, options: &Options, axis: &Axis<'_>) -> Option<String> {
    let mut points = MAX_POINTS;
    loop {
        let drawn = draw_with(sketch, options, axis, points)?;
        if drawn.len() <= MAX_BYTES || points <= MIN_POINTS {
            return Some(drawn);
        }
        points = points * MAX_BYTES / drawn.len() * 19 / 20;
    }
}

fn draw_with(sketch: &Sketch, options: &Options, axis: &Axis<'_>, points: usize) -> Option<String> {
    let ranges = || sketch.tracks().filter_map(|(_, track)| track.range());
    let (from, to) = (ranges().map(|r| r.0).min()?, ranges().map(|r| r.1).max()?);
    let mut panels: Vec<Panel> = Panel::all(sketch, from, to, f64::from(options.width), points);

    let width = f64::from(options.width);
    let only = if let [panel] = &panels[..] {
        Some(panel.name.clone())
    } else {
        None
    };
    let title = options
        .title
        .clone()
        .or(only.clone())
        .filter(|t| !t.trim().is_empty());
    // The only series is not named twice.
    if options.title.is_none() && only.is_some() {
        panels[0].name.clear();
    }

    let label_width = panels.iter().map(Panel::label_width).fold(0.0, f64::max);
    let left = (label_width + 20.0).clamp(44.0, width * 0.4).ceil();
    let right = width - 26.0;

    let mut body = String::new();
    let mut y = 14.0;
    if let Some(title) = &title {
        let shown = escape(&shorten(title, bold_width(15.0), right - 14.0));
        let _ = write!(
            body,
            r#"<text class="t h" x="14" y="{}">{shown}</text>"#,
            y + 14.0
        );
        y += 26.0;
    }
    y = legend(&mut body, &panels, y, right);

    let scored = panels.iter().any(|p| p.scored);
    let named = panels.iter().any(|p| !p.name.is_empty());
    let frame = Frame::new(
        left,
        right,
        from,
        to,
        axis,
        &panels,
        options.height,
        y,
        scored,
        named,
    );
    for panel in &panels {
        y = frame.draw(&mut body, panel, y);
    }
    let height = frame.time_axis(&mut body, y);

    let scope = match options.theme {
        Theme::Auto => "tsad-auto",
        Theme::Light => "tsad-light",
        Theme::Dark => "tsad-dark",
    };
    let colours = match options.theme {
        Theme::Auto => format!(
            "{}@media(prefers-color-scheme:dark){{{}}}",
            svg::LIGHT.rules(scope),
            svg::DARK.rules(scope)
        ),
        Theme::Light => svg::LIGHT.rules(scope),
        Theme::Dark => svg::DARK.rules(scope),
    };
    let (w, h) = (number(tenths(width)), number(tenths(height)));
    let name = escape(&shorten(title.as_deref().unwrap_or("Time series"), 1.0, 200.0));
    let description = escape(&panel::describe(&panels, from, to, axis));
    Some(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="tsad {scope}" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{name}"><title>{name}</title><desc>{description}</desc><style>{}{colours}</style><rect class="g0" width="{w}" height="{h}"/>{body}</svg>"#,
        svg::COMMON,
    ))
}

/// Says what the marks mean, where there is more than a line; gives the y below it.
fn legend(out: &mut String, panels: &[Panel], y: f64, right: f64) -> f64 {
    let has = |part: fn(&Panel) -> bool| panels.iter().any(part);
    let entries: Vec<(&str, &str)> = [
        ("value", r#"<path class="ln" d="M0-4h18"/>"#, true),
        ("expected", r#"<rect class="bd" y="-9" width="18" height="10"/>"#, has(|p| p.banded)),
        (
            "anomaly",
            r#"<rect class="an" y="-9" width="18" height="10"/><rect class="an br" y="-9" width="18" height="2"/>"#,
            has(|p| !p.episodes.is_empty()),
        ),
        ("score", r#"<path class="sc" d="M0 1v-6l4 2 5-5 5 6 4-2v5"/>"#, has(|p| p.scored)),
        ("threshold", r#"<path class="th" d="M0-4h18"/>"#, has(|p| p.limited)),
    ]
    .iter()
    .filter(|(_, _, there)| *there)
    .map(|(text, mark, _)| (*text, *mark))
    .collect();
    if entries.len() < 2 {
        return y;
    }
    let (mut x, mut y) = (14.0, y + 10.0);
    for (text, mark) in entries {
        let room = 24.0 + text_width(text, 11.0);
        if x > 14.0 && x + room > right {
            (x, y) = (14.0, y + 16.0);
        }
        let _ = write!(
            out,
            r#"<g transform="translate({} {})">{mark}<text class="u" x="24">{text}</text></g>"#,
            number(tenths(x)),
            number(tenths(y))
        );
        x += room + 16.0;
    }
    y + 12.0
}
