//! Pictures: well-formed whatever the rows, the same in any order, small, and true to the extremes.

use proptest::collection::vec;
use proptest::prelude::*;
use roxmltree::Document;
use tsad_core::ErrorKind;
use tsad_core::picture::{Axis, Clock, Options, Row, Sketch, Theme, draw};

const MINUTE: i64 = 60_000_000;

fn utc() -> Axis<'static> {
    Axis::Clock(Clock::utc())
}

fn picture(rows: &[(&str, Row)], options: &Options) -> String {
    let mut sketch = Sketch::default();
    for (series, row) in rows {
        sketch.add(series, row).unwrap();
    }
    draw(&sketch, options, &utc()).unwrap()
}

fn row(time: i64, value: f64) -> Row {
    Row {
        time,
        value: Some(value),
        ..Row::default()
    }
}

/// The paths of a class.
fn paths<'a>(document: &'a Document<'_>, class: &str) -> Vec<&'a str> {
    document
        .descendants()
        .filter(|n| n.attribute("class") == Some(class))
        .filter_map(|n| n.attribute("d"))
        .collect()
}

/// The corners of the paths, in pixels.
fn points(path: &str) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let (mut x, mut y) = (0.0, 0.0);
    let mut rest = path;
    let mut command = ' ';
    let mut numbers: Vec<f64> = Vec::new();
    while let Some(c) = rest.chars().next() {
        if c.is_alphabetic() {
            (command, rest) = (c, &rest[1..]);
            continue;
        }
        let text = rest.trim_start();
        let end = text[1..]
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .map_or(text.len(), |n| n + 1);
        numbers.push(text[..end].parse().unwrap());
        rest = &text[end..];
        match (command, &numbers[..]) {
            ('M', [a, b]) => {
                (x, y) = (*a, *b);
                runs.push(Vec::new());
            }
            ('l', [a, b]) => (x, y) = (x + a, y + b),
            ('h', [a]) => x += a,
            ('v', [a]) => y += a,
            _ => continue,
        }
        numbers.clear();
        runs.last_mut().unwrap().push((x, y));
    }
    runs
}

fn any_number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => (-100.0..100.0_f64).prop_map(Some),
        1 => Just(None),
        1 => any::<f64>().prop_map(Some),
    ]
}

fn any_row() -> impl Strategy<Value = Row> {
    let time = prop_oneof![4 => 0..10_000 * MINUTE, 1 => any::<i64>()];
    let numbers = [
        any_number(),
        any_number(),
        any_number(),
        any_number(),
        any_number(),
    ];
    (time, numbers, any::<Option<bool>>()).prop_map(
        |(time, [value, score, threshold, lower, upper], is_anomaly)| Row {
            time,
            value,
            score,
            threshold,
            is_anomaly,
            lower,
            upper,
        },
    )
}

proptest! {
    #[test]
    fn any_rows_make_a_well_formed_picture(rows in vec((".{0,8}", any_row()), 1..60), title in ".*", width in 240..2000_u32,
                                           height in prop::option::of(120..8000_u32)) {
        let options = Options { title: Some(title), width, height, ..Options::default() };
        let mut sketch = Sketch::default();
        for (series, row) in &rows {
            sketch.add(series, row).unwrap();
        }
        for axis in [utc(), Axis::Integers] {
            let svg = draw(&sketch, &options, &axis).unwrap();
            let document = Document::parse(&svg).map_err(|e| TestCaseError::fail(format!("{e}: {svg}")))?;
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf "), "{}", svg);
            let named = |name: &str| document.descendants().filter(|n| n.has_tag_name(("http://www.w3.org/2000/svg", name))).count();
            prop_assert_eq!((named("script"), named("image"), named("foreignObject")), (0, 0, 0));
            // Nothing lies outside; the marks of the legend are moved to their place.
            let height: f64 = document.root_element().attribute("height").unwrap().parse().unwrap();
            for path in ["ln", "sc", "th", "bd", "gr"].iter().flat_map(|class| paths(&document, class)) {
                for (x, y) in points(&path.replace('z', "")).into_iter().flatten() {
                    prop_assert!((0.0..=f64::from(width)).contains(&x) && (-10.0..=height).contains(&y), "{} {}", x, y);
                }
            }
        }
    }

    #[test]
    fn equal_rows_make_equal_pictures_in_any_order_and_parts(mut rows in vec((0..3_usize, any_row()), 1..200), cut in any::<prop::sample::Index>(), seed in any::<u64>()) {
        let names = ["", "a", "b"];
        let add = |sketch: &mut Sketch, rows: &[(usize, Row)]| {
            for (series, row) in rows {
                sketch.add(names[*series], row).unwrap();
            }
        };
        let mut whole = Sketch::default();
        add(&mut whole, &rows);
        // A permutation of the rows.
        let mut state = seed;
        for i in (1..rows.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            rows.swap(i, (state >> 33) as usize % (i + 1));
        }
        let (left, right) = rows.split_at(cut.index(rows.len()));
        let (mut a, mut b) = (Sketch::default(), Sketch::default());
        add(&mut a, left);
        add(&mut b, right);
        let b = Sketch::from_bytes(&b.to_bytes().unwrap()).unwrap();
        a.merge(&b).unwrap();
        prop_assert_eq!(draw(&a, &Options::default(), &utc()), draw(&whole, &Options::default(), &utc()));
        prop_assert_eq!(a, whole);
    }
}

#[test]
fn thinned_rows_give_the_same_picture_in_any_order_and_parts() {
    let rows: Vec<Row> = (0..50_000_i64)
        .map(|i| Row {
            score: Some((i * 31 % 97) as f64),
            threshold: Some(95.5),
            ..row(i * i * 100, ((i * 7919 % 10_007) as f64).sqrt())
        })
        .collect();
    let sketch = |rows: &mut dyn Iterator<Item = &Row>| {
        let mut sketch = Sketch::default();
        for row in rows {
            sketch.add("", row).unwrap();
        }
        sketch
    };
    let forwards = sketch(&mut rows.iter());
    assert_eq!(forwards, sketch(&mut rows.iter().rev()));
    let mut strides = Sketch::default();
    for part in 0..7 {
        strides
            .merge(&sketch(&mut rows.iter().skip(part).step_by(7)))
            .unwrap();
    }
    assert_eq!(forwards, strides);
}

#[test]
fn a_single_spike_among_a_million_rows_is_drawn_at_its_time_and_height() {
    let spike = 654_321;
    let mut sketch = Sketch::default();
    for i in 0..1_000_000_i64 {
        let value = if i == spike { 100.0 } else { (i % 10) as f64 };
        sketch
            .add(
                "",
                &Row {
                    score: Some(value),
                    threshold: Some(50.0),
                    ..row(i * MINUTE, value)
                },
            )
            .unwrap();
    }
    let svg = draw(&sketch, &Options::default(), &utc()).unwrap();
    assert!(svg.len() < 120_000, "{}", svg.len());
    let document = Document::parse(&svg).unwrap();
    let line = points(paths(&document, "ln").last().unwrap());
    let all: Vec<(f64, f64)> = line.into_iter().flatten().collect();
    let (left, right) = (all[0].0, all[all.len() - 1].0);
    let top = all.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let expected = left + (right - left) * spike as f64 / 999_999.0;
    assert!((top.0 - expected).abs() < 0.11, "{top:?} {expected}");
    // Next to it nothing is even half as high.
    let floor = all.iter().map(|p| p.1).fold(0.0, f64::max);
    assert_eq!(all.iter().filter(|p| p.1 < (top.1 + floor) / 2.0).count(), 1);
    // And it is shaded, though it lasts no time.
    assert_eq!(paths(&document, "an").len(), 1);
}

#[test]
fn thinning_leaves_no_pixel_behind() {
    // Every sample lies between the extremes drawn in its column, to a tenth of a pixel.
    let value = |i: i64| ((i * 7919 % 10_007) as f64 / 100.0).sin() * (1.0 + (i % 1000) as f64);
    let rows: Vec<(&str, Row)> = (0..100_000).map(|i| ("", row(i * 1_000_003, value(i)))).collect();
    let svg = picture(&rows, &Options::default());
    let document = Document::parse(&svg).unwrap();
    let line: Vec<(f64, f64)> = points(paths(&document, "ln").last().unwrap())
        .into_iter()
        .flatten()
        .collect();
    let (low, high) = rows.iter().fold((f64::MAX, f64::MIN), |(l, h), (_, r)| {
        (l.min(r.value.unwrap()), h.max(r.value.unwrap()))
    });
    let (top, bottom) = line
        .iter()
        .fold((f64::MAX, f64::MIN), |(t, b), p| (t.min(p.1), b.max(p.1)));
    let (left, right) = (line[0].0, line[line.len() - 1].0);
    for (i, (_, r)) in rows.iter().enumerate().step_by(17) {
        let x = left + (right - left) * i as f64 / 99_999.0;
        let y = bottom - (bottom - top) * (r.value.unwrap() - low) / (high - low);
        let near = line.iter().filter(|p| (p.0 - x).abs() <= 2.2);
        let (above, below) = near.fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(p.1), b.max(p.1)));
        assert!(above - 0.2 <= y && y <= below + 0.2, "{i}: {above} {y} {below}");
    }
}

#[test]
fn gaps_are_gaps() {
    let broken = |rows: &[(&str, Row)]| {
        let svg = picture(rows, &Options::default());
        let document = Document::parse(&svg).unwrap();
        points(paths(&document, "ln").last().unwrap()).len()
    };
    let minutes = |range: std::ops::Range<i64>| range.map(|i| ("", row(i * MINUTE, i as f64)));
    assert_eq!(broken(&minutes(0..100).collect::<Vec<_>>()), 1);
    // A NULL, a NaN, an hour without rows.
    for gap in [None, Some(f64::NAN), Some(f64::INFINITY)] {
        let mut rows: Vec<_> = minutes(0..100).collect();
        rows[50].1.value = gap;
        assert_eq!(broken(&rows), 2);
    }
    assert_eq!(
        broken(&minutes(0..50).chain(minutes(110..150)).collect::<Vec<_>>()),
        2
    );
    // Irregular times are none.
    let irregular: Vec<_> = (0..500_i64)
        .map(|i| ("", row(i * i % 7 * MINUTE + i * 7 * MINUTE, 1.0)))
        .collect();
    assert_eq!(broken(&irregular), 1);
}

#[test]
fn hostile_text_stays_text() {
    let names = [
        "</text><script>alert(1)</script>",
        "\"><image href=\"x\"/>",
        "]]>&amp;&#0;",
        "\u{0}\u{1}\u{fffe}\u{202e}\r\n",
    ];
    let rows: Vec<(&str, Row)> = names
        .iter()
        .flat_map(|n| [(*n, row(0, 1.0)), (*n, row(MINUTE, 2.0))])
        .collect();
    let options = Options {
        title: Some("<!-- \u{b} --><style>*{}</style>".to_owned()),
        ..Options::default()
    };
    let svg = picture(&rows, &options);
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<String> = document
        .descendants()
        .filter(|n| n.attribute("class") == Some("t n"))
        .filter_map(|n| n.text().map(str::to_owned))
        .collect();
    assert!(texts.contains(&names[0].to_owned()), "{texts:?}");
    assert_eq!(
        document
            .descendants()
            .filter(|n| n.tag_name().name() == "style")
            .count(),
        1
    );
    assert!(document.descendants().all(|n| n.tag_name().name() != "script"));
}

#[test]
fn a_long_name_does_not_make_a_long_picture() {
    let name = "\u{1f680}".repeat(1_000_000);
    let svg = picture(&[(&name, row(0, 1.0))], &Options::default());
    assert!(svg.len() < 10_000, "{}", svg.len());
}

#[test]
fn sixty_four_series_of_many_rows_stay_small() {
    let mut sketch = Sketch::default();
    for i in 0..300_000_i64 {
        let value = ((i * 7919 % 10_007) as f64).sqrt();
        let row = Row {
            score: Some(value),
            threshold: Some(90.0),
            lower: Some(value - 1.0),
            upper: Some(value + 1.0),
            ..row(i * MINUTE, value)
        };
        sketch.add(&format!("series {}", i % 64), &row).unwrap();
    }
    let svg = draw(
        &sketch,
        &Options {
            width: 2000,
            ..Options::default()
        },
        &utc(),
    )
    .unwrap();
    assert!((200_000..=300_000).contains(&svg.len()), "{}", svg.len());
    let error = sketch.add("one more", &row(0, 1.0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[test]
fn themes_are_light_dark_or_as_the_reader_likes() {
    let of = |theme| {
        picture(
            &[("", row(0, 1.0))],
            &Options {
                theme,
                ..Options::default()
            },
        )
    };
    assert!(of(Theme::Auto).contains("prefers-color-scheme:dark"));
    for theme in [Theme::Light, Theme::Dark] {
        assert!(!of(theme).contains("prefers-color-scheme"));
    }
    assert_ne!(of(Theme::Light), of(Theme::Dark));
}

#[test]
fn sizes_have_limits() {
    for (width, height) in [(239, None), (2001, None), (800, Some(119)), (800, Some(8001))] {
        let options = Options {
            width,
            height,
            ..Options::default()
        };
        assert_eq!(
            options.validate().unwrap_err().kind(),
            ErrorKind::InvalidParameter
        );
    }
    assert!(
        Options {
            width: 240,
            height: Some(8000),
            ..Options::default()
        }
        .validate()
        .is_ok()
    );
}

#[test]
fn no_rows_make_no_picture_and_no_bytes_make_no_sketch() {
    assert_eq!(draw(&Sketch::default(), &Options::default(), &utc()), None);
    assert_eq!(
        Sketch::from_bytes(b"\x01").unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}
