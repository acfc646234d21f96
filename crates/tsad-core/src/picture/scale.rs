//! The value axis: nice numbers and how they are written.

/// A decimal number `digits * 10^exponent`, exact.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    digits: i64,
    exponent: i32,
}

impl Decimal {
    fn value(self) -> f64 {
        // Parsing is exact and the same on every machine; powers of ten by multiplication are neither.
        format!("{}e{}", self.digits, self.exponent)
            .parse()
            .unwrap_or(0.0)
    }
}

/// The first digits of a positive number and its decimal exponent: 1234 is (1.234, 3).
fn exponent_of(value: f64) -> (f64, i32) {
    let text = format!("{value:e}");
    text.split_once('e').map_or((1.0, 0), |(m, e)| {
        (m.parse().unwrap_or(1.0), e.parse().unwrap_or(0))
    })
}

/// From values to heights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Domain {
    pub low: f64,
    pub high: f64,
}

impl Domain {
    /// A domain that holds `low` and `high` with some air around them.
    pub fn around(low: f64, high: f64) -> Self {
        let (half, largest) = (high / 2.0 - low / 2.0, low.abs().max(high.abs()));
        // Constant, or too narrow for a double to tell positions apart: some room around it.
        let air = if half > largest * 1e-12 && half > f64::MIN_POSITIVE {
            half * 0.1
        } else if largest > f64::MIN_POSITIVE * 1e12 {
            largest * if half > 0.0 { 1e-12 } else { 0.1 }
        } else {
            1.25
        };
        Self {
            low: (low - air).max(f64::MIN),
            high: (high + air).min(f64::MAX),
        }
    }

    /// Where a value lies, from 0 at the low end to 1 at the high end. By halves, because the difference of two
    /// doubles may be none.
    pub fn position(self, value: f64) -> f64 {
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// About `wanted` ticks at multiples of 1, 2 or 5 times a power of ten, with their labels; two at least, unless
    /// the domain is too narrow for doubles.
    pub fn ticks(self, wanted: usize) -> Vec<(f64, String)> {
        let raw = (self.high / 2.0 - self.low / 2.0) / wanted.max(1) as f64 * 2.0;
        let (mantissa, exponent) = exponent_of(raw);
        let (digits, exponent) = match mantissa {
            m if m <= 1.0 => (1, exponent),
            m if m <= 2.0 => (2, exponent),
            m if m <= 5.0 => (5, exponent),
            _ => (1, exponent + 1),
        };
        let found = self.multiples(Decimal { digits, exponent });
        let ticks = if found.len() < 2 {
            let finer = match digits {
                1 => Decimal {
                    digits: 5,
                    exponent: exponent - 1,
                },
                2 => Decimal { digits: 1, exponent },
                _ => Decimal { digits: 2, exponent },
            };
            self.multiples(finer)
        } else {
            found
        };
        let largest = ticks.iter().map(|t| t.value().abs()).fold(0.0, f64::max);
        let notation = Notation::for_numbers(largest, ticks.first().map_or(0, |t| t.exponent));
        ticks.iter().map(|t| (t.value(), notation.write(*t))).collect()
    }

    fn multiples(self, step: Decimal) -> Vec<Decimal> {
        let (first, last) = (
            (self.low / step.value()).ceil(),
            (self.high / step.value()).floor(),
        );
        if !(first.abs() < 9e15 && last.abs() < 9e15 && last - first < 100.0) {
            return Vec::new();
        }
        (first as i64..=last as i64)
            .map(|k| Decimal {
                digits: k * step.digits,
                exponent: step.exponent,
            })
            .collect()
    }
}

/// A number with four significant digits, for text.
pub(super) fn brief(value: f64) -> String {
    let text = format!("{:.3e}", value.abs());
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let (Ok(mut digits), Ok(mut exponent)) =
        (mantissa.replace('.', "").parse::<i64>(), exponent.parse::<i32>())
    else {
        return text;
    };
    exponent -= 3;
    while digits != 0 && digits % 10 == 0 {
        digits /= 10;
        exponent += 1;
    }
    if digits == 0 {
        exponent = 0;
    }
    let digits = if value < 0.0 { -digits } else { digits };
    Notation::for_numbers(value.abs(), exponent).write(Decimal { digits, exponent })
}

/// An integer with all its digits.
pub(super) fn integer(value: i64) -> String {
    Notation {
        unit: 0,
        decimals: 0,
        suffix: "",
        scientific: false,
    }
    .write(Decimal {
        digits: value,
        exponent: 0,
    })
}

/// How numbers of one axis are written: in units of a power of ten.
#[derive(Debug, Clone, Copy)]
struct Notation {
    unit: i32,
    decimals: usize,
    suffix: &'static str,
    scientific: bool,
}

impl Notation {
    /// For numbers up to `largest` that are multiples of 10^`exponent`.
    fn for_numbers(largest: f64, exponent: i32) -> Self {
        let size = exponent_of(largest).1;
        let (unit, suffix, scientific) = match size {
            _ if largest == 0.0 => (0, "", false),
            6..=8 => (6, "M", false),
            9..=11 => (9, "G", false),
            12..=14 => (12, "T", false),
            -4..=5 => (0, "", false),
            _ => (size, "", true),
        };
        let decimals = |unit: i32| usize::try_from(unit - exponent).unwrap_or(0);
        // Where the prefix makes the number longer than its digits, the digits are better.
        let plain = !scientific && decimals(unit) > 4;
        let (unit, suffix) = if plain { (0, "") } else { (unit, suffix) };
        Self {
            unit,
            decimals: decimals(unit),
            suffix,
            scientific,
        }
    }

    fn write(self, number: Decimal) -> String {
        if number.digits == 0 {
            return "0".to_owned();
        }
        let mut digits = number.digits.unsigned_abs().to_string();
        digits.extend(std::iter::repeat_n(
            '0',
            usize::try_from(number.exponent - self.unit).unwrap_or(0),
        ));
        if digits.len() <= self.decimals {
            digits.insert_str(0, &"0".repeat(self.decimals + 1 - digits.len()));
        }
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        let mut out = String::from(if number.digits < 0 { "\u{2212}" } else { "" });
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i) % 3 == 0 {
                out.push(',');
            }
            out.push(digit);
        }
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(fraction);
        }
        out.push_str(self.suffix);
        if self.scientific {
            out.push_str("\u{00d7}10");
            out.extend(self.unit.to_string().chars().map(superscript));
        }
        out
    }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '\u{207b}',
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        _ => c
            .to_digit(10)
            .and_then(|d| char::from_u32(0x2070 + d))
            .unwrap_or(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        Domain { low, high }
            .ticks(4)
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    #[test]
    fn numbers_are_nice() {
        assert_eq!(labels(-0.1, 1.0), ["0", "0.5", "1.0"]);
        assert_eq!(labels(-12.0, 31.0), ["0", "20"]);
        assert_eq!(labels(-8.0, 19.0).len(), 2);
        assert_eq!(labels(0.0, 45_000.0), ["0", "20,000", "40,000"]);
        assert_eq!(labels(0.0, 4.5e6), ["0", "2M", "4M"]);
        assert_eq!(
            labels(0.0, 3e-9),
            [
                "0",
                "1\u{d7}10\u{207b}\u{2079}",
                "2\u{d7}10\u{207b}\u{2079}",
                "3\u{d7}10\u{207b}\u{2079}"
            ]
        );
        assert_eq!(
            labels(1_000_000.001, 1_000_000.003),
            [
                "1,000,000.0010",
                "1,000,000.0015",
                "1,000,000.0020",
                "1,000,000.0025",
                "1,000,000.0030"
            ]
        );
    }

    #[test]
    fn text_has_four_digits() {
        let found: Vec<String> = [0.0, 1.0, -2.5, 66.0, 123_456.0, 1e6, 0.001_234_56, 6.02e23]
            .map(brief)
            .into();
        assert_eq!(
            found,
            [
                "0",
                "1",
                "\u{2212}2.5",
                "66",
                "123,500",
                "1M",
                "0.001235",
                "6.02\u{d7}10\u{b2}\u{b3}"
            ]
        );
    }

    #[test]
    fn any_two_doubles_make_a_domain() {
        let all = [
            0.0,
            5e-324,
            -5e-324,
            1e-300,
            1.0,
            1.0 + f64::EPSILON,
            -1e300,
            f64::MAX,
            f64::MIN,
        ];
        for (a, b) in all.iter().flat_map(|a| all.map(|b| (a.min(b), a.max(b)))) {
            let domain = Domain::around(a, b);
            for v in [a, b] {
                assert!((0.0..=1.0).contains(&domain.position(v)), "{a} {b} {domain:?}");
            }
            let ticks = domain.ticks(4);
            assert!((1..=9).contains(&ticks.len()), "{a} {b} {ticks:?}");
        }
    }
}
