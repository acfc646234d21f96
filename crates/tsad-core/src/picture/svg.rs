//! What is written: escaped text, short paths, colours.

use std::fmt::Write as _;

/// Colours of a theme, each with a contrast that WCAG 2.1 asks for (4.5 : 1 for text, 3 : 1 for lines), told apart by
/// the colour-blind too: blue against orange, after M. Okabe and K. Ito, *Color universal design*, 2008.
pub(super) struct Palette {
    ground: &'static str,
    text: &'static str,
    faint: &'static str,
    grid: &'static str,
    axis: &'static str,
    line: &'static str,
    score: &'static str,
    anomaly: &'static str,
}

pub(super) const LIGHT: Palette = Palette {
    ground: "#ffffff",
    text: "#1f2328",
    faint: "#59636e",
    grid: "#e7eaee",
    axis: "#8b949e",
    line: "#0969b8",
    score: "#6e5aa8",
    anomaly: "#c94f00",
};

pub(super) const DARK: Palette = Palette {
    ground: "#0d1117",
    text: "#e6edf3",
    faint: "#9ea7b3",
    grid: "#222831",
    axis: "#6b7480",
    line: "#58acf0",
    score: "#b8a5f0",
    anomaly: "#ff9149",
};

impl Palette {
    /// The style rules of the colours; `scope` keeps them from other pictures of the same page.
    pub fn rules(&self, scope: &str) -> String {
        let Self {
            ground,
            text,
            faint,
            grid,
            axis,
            line,
            score,
            anomaly,
        } = self;
        [
            ("g0", format!("fill:{ground}")),
            ("t", format!("fill:{text}")),
            ("u", format!("fill:{faint}")),
            ("gr", format!("stroke:{grid}")),
            ("ax", format!("stroke:{axis}")),
            ("ln", format!("stroke:{line}")),
            ("bd", format!("fill:{line}")),
            ("sc", format!("stroke:{score};fill:{score}")),
            ("an", format!("fill:{anomaly}")),
            ("th", format!("stroke:{anomaly}")),
        ]
        .iter()
        .fold(String::new(), |mut out, (class, rule)| {
            // Writing to a String cannot fail.
            let _ = write!(out, ".{scope} .{class}{{{rule}}}");
            out
        })
    }
}

/// Rules that are the same in every theme.
pub(super) const COMMON: &str = ".tsad{font:11px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",\
Arial,\"Noto Sans\",sans-serif;font-variant-numeric:tabular-nums}\
.tsad .h{font-size:15px;font-weight:600}.tsad .n{font-size:12px;font-weight:600}\
.tsad .e{text-anchor:end}.tsad .m{text-anchor:middle}\
.tsad path,.tsad line{fill:none}\
.tsad .gr,.tsad .ax{shape-rendering:crispEdges}\
.tsad .ln{stroke-width:1.25;stroke-linejoin:round;stroke-linecap:round}.tsad .dt{stroke-width:4}\
.tsad .bd{fill-opacity:.18}.tsad .sc{stroke-width:1;stroke-linejoin:round;fill-opacity:.3}\
.tsad .an{fill-opacity:.2}.tsad .br{fill-opacity:1}.tsad .th{stroke-width:1;stroke-dasharray:5 3}";

/// Text as XML: markup escaped, characters that XML forbids replaced.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            // Forbidden in XML, and the marks that turn the direction of what follows.
            '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push('\u{fffd}')
            }
            c => out.push(c),
        }
    }
    out
}

/// A bound for the width of a text in the fonts of [`COMMON`], which differ.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| glyph(c) * size).sum()
}

/// The size of plain letters as wide as bold ones of this size.
pub(super) fn bold_width(size: f64) -> f64 {
    size * 1.16
}

fn glyph(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.34,
        'f' | 'r' | 't' | '(' | ')' | '-' | '/' | '[' | ']' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        '0'..='9' => 0.62,
        'A'..='Z' => 0.72,
        '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{2070}'..='\u{207f}' => 0.45,
        '\u{1100}'.. if !('\u{2000}'..='\u{2bff}').contains(&c) => 1.1,
        _ => 0.62,
    }
}

/// The text, shortened at its end where it is wider than `room`.
pub(super) fn shorten(text: &str, size: f64, room: f64) -> String {
    if text_width(text, size) <= room {
        return text.to_owned();
    }
    let mut left = room - glyph('m') * size;
    let kept: String = text
        .chars()
        .take_while(|c| {
            left -= glyph(*c) * size;
            left >= 0.0
        })
        .collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// A point of the picture, in tenths of a pixel.
pub(super) type Point = (i64, i64);

/// Tenths of a pixel.
pub(super) fn tenths(pixels: f64) -> i64 {
    (pixels * 10.0).round() as i64
}

/// Pixels, short: tenths, without a zero that says nothing.
pub(super) fn number(tenths: i64) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    match (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10) {
        (whole, 0) => format!("{sign}{whole}"),
        (0, tenth) => format!("{sign}.{tenth}"),
        (whole, tenth) => format!("{sign}{whole}.{tenth}"),
    }
}

/// The path through `points`, in relative steps; steps that add nothing to the one before are joined with it.
pub(super) fn polyline(points: &[Point]) -> String {
    let Some(&(x, y)) = points.first() else {
        return String::new();
    };
    let mut steps: Vec<Point> = Vec::with_capacity(points.len());
    for pair in points.windows(2) {
        let step = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        match steps.last_mut() {
            _ if step == (0, 0) => {}
            Some(last) if along(*last, step) => *last = (last.0 + step.0, last.1 + step.1),
            _ => steps.push(step),
        }
    }
    let mut out = format!("M{} {}", number(x), number(y));
    if steps.is_empty() {
        // A point: round line ends make a dot of it.
        out.push_str("h0");
    }
    let mut command = ' ';
    for (dx, dy) in steps {
        let (next, numbers) = match (dx, dy) {
            (dx, 0) => ('h', vec![dx]),
            (0, dy) => ('v', vec![dy]),
            (dx, dy) => ('l', vec![dx, dy]),
        };
        let mut fresh = next != command;
        if fresh {
            out.push(next);
        }
        for n in numbers {
            let text = number(n);
            if !fresh && !text.starts_with('-') {
                out.push(' ');
            }
            out.push_str(&text);
            fresh = false;
        }
        command = next;
    }
    out
}

/// Whether the steps have one direction, along an axis.
fn along(a: Point, b: Point) -> bool {
    (a.0 == 0 && b.0 == 0 && a.1.signum() == b.1.signum())
        || (a.1 == 0 && b.1 == 0 && a.0.signum() == b.0.signum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short() {
        assert_eq!(polyline(&[(100, 205)]), "M10 20.5h0");
        assert_eq!(
            polyline(&[(0, 0), (0, 0), (10, 0), (25, 0), (25, -5), (30, -8), (33, 0)]),
            "M0 0h2.5v-.5l.5-.3 .3 .8"
        );
        assert_eq!(polyline(&[(0, 0), (0, 9), (0, 2)]), "M0 0v.9-.7");
    }

    #[test]
    fn text_is_escaped_and_shortened() {
        assert_eq!(
            escape("<a href='x'>\"&\u{0}\n\u{202e}"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;  \u{fffd}"
        );
        assert_eq!(shorten("short", 11.0, 100.0), "short");
        let long = shorten(&"series ".repeat(40), 11.0, 100.0);
        assert!(
            long.ends_with('\u{2026}') && text_width(&long, 11.0) <= 101.0,
            "{long}"
        );
    }
}
