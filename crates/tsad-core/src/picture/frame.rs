//! The frame around the panels, and how they are drawn in it.

use super::axis::Axis;
use super::panel::Panel;
use super::scale::Domain;
use super::sketch::Span;
use super::svg::{Point, bold_width, escape, number, polyline, shorten, tenths, text_width};
use super::tick::Tick;
use std::fmt::Write as _;

/// Where things are.
pub(super) struct Frame<'a> {
    left: f64,
    right: f64,
    from: i64,
    to: i64,
    axis: &'a Axis<'a>,
    ticks: Vec<Tick>,
    head: f64,
    value_height: f64,
    score_height: f64,
    tooltips: bool,
}

const BETWEEN: f64 = 8.0;
const BELOW: f64 = 14.0;
const AXIS: f64 = 40.0;

impl<'a> Frame<'a> {
    #[expect(
        clippy::too_many_arguments,
        reason = "the one place that knows all that decides the layout"
    )]
    pub fn new(
        left: f64,
        right: f64,
        from: i64,
        to: i64,
        axis: &'a Axis<'a>,
        panels: &[Panel],
        height: Option<u32>,
        top: f64,
        scored: bool,
        named: bool,
    ) -> Self {
        let (from, to) = if from == to { axis.around(from) } else { (from, to) };
        let head = if named { 22.0 } else { 6.0 };
        let (value_height, score_height) = match panels.len() {
            1 => (230.0, 64.0),
            2 | 3 => (130.0, 44.0),
            4..=8 => (92.0, 34.0),
            _ => (64.0, 26.0),
        };
        let strip = if scored { score_height + BETWEEN } else { 0.0 };
        let natural = value_height + strip;
        let rest = head + BELOW;
        let given = height.map(|h| (f64::from(h) - top - AXIS + BELOW) / panels.len() as f64 - rest);
        let room = given
            .unwrap_or(natural)
            .max(if scored { 72.0 } else { 40.0 })
            .floor();
        let score_height = if scored {
            (room * 0.22).clamp(20.0, 160.0).floor()
        } else {
            0.0
        };
        Self {
            left,
            right,
            from,
            to,
            axis,
            ticks: axis.ticks(from, to, right - left),
            head,
            value_height: if scored {
                room - score_height - BETWEEN
            } else {
                room
            },
            score_height,
            tooltips: panels.iter().map(|p| p.episodes.len()).sum::<usize>() <= 200,
        }
    }

    fn x(&self, time: i64) -> f64 {
        let share = self.from.abs_diff(time) as f64 / self.from.abs_diff(self.to) as f64;
        self.left + share * (self.right - self.left)
    }

    /// Draws a panel whose top is at `y` and gives its bottom.
    pub fn draw(&self, out: &mut String, panel: &Panel, y: f64) -> f64 {
        if !panel.name.is_empty() {
            let shown = escape(&shorten(&panel.name, bold_width(12.0), self.right - 14.0));
            let whole = escape(&shorten(&panel.name, 1.0, 200.0));
            let _ = write!(
                out,
                r#"<text class="t n" x="14" y="{}">{shown}<title>{whole}</title></text>"#,
                number(tenths(y + 12.0))
            );
        }
        let top = y + self.head;
        let bottom = top + self.value_height;
        let strip = (bottom + BETWEEN, bottom + BETWEEN + self.score_height);
        self.grid(out, top, bottom, panel.values, 34.0);
        if self.score_height > 0.0 {
            self.grid(
                out,
                strip.0,
                strip.1,
                Some(panel.scores).filter(|_| panel.scored),
                24.0,
            );
        }
        self.shade(out, panel, top, bottom, strip);
        if let Some(domain) = panel.values {
            self.value(out, panel, |v| bottom - domain.position(v) * (bottom - top));
        } else {
            let (x, y) = ((self.left + self.right) / 2.0, (top + bottom) / 2.0 + 4.0);
            let _ = write!(
                out,
                r#"<text class="u m" x="{}" y="{}">no values</text>"#,
                number(tenths(x)),
                number(tenths(y))
            );
        }
        if panel.scored {
            self.score(out, panel, strip.1, |v| {
                strip.1 - panel.scores.position(v) * (strip.1 - strip.0)
            });
        }
        if self.score_height > 0.0 {
            strip.1 + BELOW
        } else {
            bottom + BELOW
        }
    }

    fn grid(&self, out: &mut String, top: f64, bottom: f64, domain: Option<Domain>, spacing: f64) {
        let (left, right) = (tenths(self.left), tenths(self.right));
        let (mut lines, mut labels) = (String::new(), String::new());
        for tick in &self.ticks {
            let x = tenths(self.x(tick.time));
            lines += &polyline(&[(x, tenths(top)), (x, tenths(bottom))]);
        }
        let wanted = ((bottom - top) / spacing).round() as usize;
        let ticks = domain.map(|d| d.ticks(wanted.clamp(2, 6))).unwrap_or_default();
        // In a low strip every other number, rather than numbers that touch.
        let skip = if (bottom - top) / (ticks.len() as f64) < 12.0 {
            2
        } else {
            1
        };
        for (value, label) in ticks.into_iter().step_by(skip) {
            let share = domain.map_or(0.0, |d| d.position(value));
            let y = bottom - share * (bottom - top);
            lines += &polyline(&[(left, tenths(y)), (right, tenths(y))]);
            let _ = write!(
                labels,
                r#"<text class="u e" x="{}" y="{}">{label}</text>"#,
                number(left - 60),
                number(tenths(y + 3.8))
            );
        }
        let _ = write!(
            out,
            r#"<path class="gr" d="{lines}"/><path class="ax" d="{}"/>{labels}"#,
            polyline(&[(left, tenths(bottom)), (right, tenths(bottom))])
        );
    }

    /// Shades the episodes, each at least two pixels wide, with a bar above that does without colour.
    fn shade(&self, out: &mut String, panel: &Panel, top: f64, bottom: f64, strip: (f64, f64)) {
        let mut boxes: Vec<(f64, f64, Span)> = Vec::new();
        for &(begin, end) in &panel.episodes {
            let (a, b) = (self.x(begin), self.x(end));
            let slack = ((2.0 - (b - a)) / 2.0).max(0.0);
            match boxes.last_mut() {
                Some(last) if a - slack < last.1 + 1.0 => (last.1, last.2.1) = (b + slack, end),
                _ => boxes.push((a - slack, b + slack, (begin, end))),
            }
        }
        let last = if self.score_height > 0.0 { strip.1 } else { bottom };
        let (mut shades, mut bars, mut tips) = (String::new(), String::new(), String::new());
        for (a, b, (begin, end)) in boxes {
            let (x, w) = (number(tenths(a)), tenths(b) - tenths(a));
            let part = |y: f64, h: f64| {
                let (y, w, h) = (number(tenths(y)), number(w), number(tenths(h)));
                format!("M{x} {y}h{w}v{h}h-{w}z")
            };
            shades += &part(top, last - top);
            bars += &part(top - 3.0, 3.0);
            if self.tooltips {
                let text = format!(
                    "{} to {} {}",
                    self.axis.show(begin),
                    self.axis.show(end),
                    self.axis.name()
                );
                let text = escape(text.trim_end());
                let _ = write!(
                    tips,
                    r#"<path class="an" d="{}"><title>{text}</title></path>"#,
                    part(top, last - top)
                );
            }
        }
        if bars.is_empty() {
            return;
        }
        let shades = if self.tooltips {
            tips
        } else {
            format!(r#"<path class="an" d="{shades}"/>"#)
        };
        let _ = write!(out, r#"{shades}<path class="an br" d="{bars}"/>"#);
    }

    fn value(&self, out: &mut String, panel: &Panel, y: impl Fn(f64) -> f64) {
        let mut band = String::new();
        for run in panel.runs(|b| b.band.clone()) {
            let above = run
                .iter()
                .flat_map(|(_, b)| [(b.begin, b.upper), (b.end, b.upper)]);
            let below = run
                .iter()
                .rev()
                .flat_map(|(_, b)| [(b.end, b.lower), (b.begin, b.lower)]);
            let points: Vec<Point> = above
                .chain(below)
                .map(|(t, v)| (tenths(self.x(t)), tenths(y(v))))
                .collect();
            band += &polyline(&points);
            band.push('z');
        }
        if !band.is_empty() {
            let _ = write!(out, r#"<path class="bd" d="{band}"/>"#);
        }
        let (mut line, mut dots) = (String::new(), String::new());
        for run in panel.runs(|b| b.value.clone()) {
            let knots = run.iter().flat_map(|(_, lane)| lane.knots());
            let points: Vec<Point> = knots
                .map(|k| (tenths(self.x(k.time)), tenths(y(k.value))))
                .collect();
            let into = if run.len() == 1 && points.iter().all(|p| *p == points[0]) {
                &mut dots
            } else {
                &mut line
            };
            *into += &polyline(&points);
        }
        for (class, path) in [("ln", line), ("ln dt", dots)] {
            if !path.is_empty() {
                let _ = write!(out, r#"<path class="{class}" d="{path}"/>"#);
            }
        }
    }

    fn score(&self, out: &mut String, panel: &Panel, floor: f64, y: impl Fn(f64) -> f64) {
        let mut area = String::new();
        for run in panel.runs(|b| b.score.clone()) {
            let mut points: Vec<Point> = run
                .iter()
                .flat_map(|(_, lane)| lane.knots())
                .map(|k| (tenths(self.x(k.time)), tenths(y(k.value))))
                .collect();
            let ends = (points[0].0, points[points.len() - 1].0);
            points.insert(0, (ends.0, tenths(floor)));
            points.push((ends.1, tenths(floor)));
            area += &polyline(&points);
        }
        let mut limit = String::new();
        for run in panel.runs(|b| b.threshold) {
            let mut points: Vec<Point> = run
                .iter()
                .flat_map(|(b, threshold)| {
                    [b.begin, b.end].map(|t| (tenths(self.x(t)), tenths(y(*threshold))))
                })
                .collect();
            // Wide enough to be seen, however short it lasts.
            let (first, last) = (points[0], points[points.len() - 1]);
            let slack = ((60 - (last.0 - first.0)) / 2).max(0);
            points.insert(0, (first.0 - slack, first.1));
            points.push((last.0 + slack, last.1));
            limit += &polyline(&points);
        }
        let _ = write!(out, r#"<path class="sc" d="{area}"/>"#);
        if !limit.is_empty() {
            let _ = write!(out, r#"<path class="th" d="{limit}"/>"#);
        }
    }

    /// Draws the time axis below the panels and gives the height of the picture.
    pub fn time_axis(&self, out: &mut String, y: f64) -> f64 {
        let y = y - BELOW;
        let (mut marks, mut labels) = (String::new(), String::new());
        // Where the last context ends: what would overlap it is left out.
        let mut taken = 0.0;
        let mut zone = Some(self.axis.name()).filter(|name| !name.is_empty());
        for tick in &self.ticks {
            let x = self.x(tick.time);
            marks += &polyline(&[(tenths(x), tenths(y)), (tenths(x), tenths(y + 4.0))]);
            let _ = write!(
                labels,
                r#"<text class="u m" x="{}" y="{}">{}</text>"#,
                number(tenths(
                    x.min(self.right + 22.0 - text_width(&tick.label, 11.0) / 2.0)
                )),
                number(tenths(y + 16.0)),
                tick.label
            );
            let Some(context) = &tick.context else { continue };
            let text = match zone.filter(|_| !context.is_empty()) {
                Some(zone) => format!("{context} \u{b7} {zone}"),
                None => context.clone(),
            };
            let room = text_width(&text, 11.0);
            let start = (x - text_width(&tick.label, 11.0) / 2.0)
                .min(self.right + 20.0 - room)
                .max(taken);
            if context.is_empty() || (taken > 0.0 && start > x) || start < 0.0 {
                continue;
            }
            zone = None;
            taken = start + room + 12.0;
            let _ = write!(
                labels,
                r#"<text class="u" x="{}" y="{}">{}</text>"#,
                number(tenths(start)),
                number(tenths(y + 31.0)),
                escape(&text)
            );
        }
        let _ = write!(out, r#"<path class="ax" d="{marks}"/>{labels}"#);
        (y + AXIS).ceil()
    }
}
