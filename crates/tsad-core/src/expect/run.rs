//! Runs of rows that lie on one side: sums of consecutive residuals, and where they are out of reach.

use super::count::CountScores;
use super::expectation::SumScale;
use super::robust::{mean, median, scale_of, student_tail};
use super::tail::{ExcessTail, Prior};
use crate::control::Check;

/// A single row counts at most this much in a run.
const CLIP: f64 = 4.0;
/// Larger counts count as this many in a sum.
const LARGEST_COUNT: f64 = 1e6;
/// The longest sum, in rows.
const LONGEST: usize = 256;
/// A scale is learned from this many sums that do not overlap, at least.
const LEAST: usize = 6;
/// Scales are learned from about so many sums of a length.
const ENOUGH: usize = 50_000;
/// From this mean on a sum of counts is near its normal approximation.
const SKEWED: f64 = 4.0;
/// Sums between two calls of the cancel hook.
const EVERY: usize = 1 << 12;

/// Cumulative sums over rows, from which those of any length follow.
pub(super) struct Sums {
    /// Of residuals in spreads, clipped.
    residuals: Vec<f64>,
    /// Of counts, and of their expectations.
    counts: Option<(Vec<f64>, Vec<f64>)>,
    /// The size of the distribution of one count.
    size: Option<f64>,
}

/// A run: which rows, on which side, and with which probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub(super) from: usize,
    /// One after the last row.
    pub(super) to: usize,
    pub(super) sign: i8,
    pub(super) p: f64,
}

impl Sums {
    /// Of residuals in spreads.
    pub(super) fn new(plain: &[f64]) -> Self {
        Self {
            residuals: cumulative(plain.iter().map(|v| v.clamp(-CLIP, CLIP))),
            counts: None,
            size: None,
        }
    }

    /// Of counts too: a sum of few events is too skewed for a sum of scores.
    pub(super) fn with_counts(
        mut self,
        values: &[f64],
        expected: impl Iterator<Item = f64>,
        size: Option<f64>,
    ) -> Self {
        let values = values.iter().map(|v| v.clamp(0.0, LARGEST_COUNT));
        self.counts = Some((
            cumulative(values),
            cumulative(expected.map(|e| e.min(LARGEST_COUNT))),
        ));
        self.size = size;
        self
    }

    fn rows(&self) -> usize {
        self.residuals.len() - 1
    }

    /// The sum of the `length` rows from row `i` on as a normal score, as if rows were independent.
    fn score(&self, i: usize, length: usize, counts: &mut CountScores) -> f64 {
        let sum = |c: &[f64]| c[i + length] - c[i];
        match &self.counts {
            Some((values, expected)) => counts.score(sum(values).round(), sum(expected).max(1e-9)),
            None => sum(&self.residuals) / (length as f64).sqrt(),
        }
    }

    fn scores_of(&self, length: usize) -> CountScores {
        CountScores::new(self.size.map(|s| s * length as f64))
    }

    /// Sums of `length` consecutive rows as normal scores; of many every `stride`-th.
    fn scores(&self, length: usize, stride: usize, check: Check) -> Vec<f64> {
        let mut counts = self.scores_of(length);
        let starts = (0..(self.rows() + 1).saturating_sub(length)).step_by(stride);
        let each = starts.enumerate().map(|(k, i)| {
            if k % EVERY == 0 {
                check();
            }
            self.score(i, length, &mut counts)
        });
        each.collect()
    }

    /// The sums beyond a limit on either side, in units of their scale.
    fn far(&self, s: &SumScale, limit: f64, check: Check) -> Vec<(usize, f64)> {
        let mut counts = self.scores_of(s.length);
        let near = self.surely_near(s.length, limit * s.scale);
        let mut out = Vec::new();
        for i in 0..(self.rows() + 1).saturating_sub(s.length) {
            if i % EVERY == 0 {
                check();
            }
            if near(i) {
                continue;
            }
            let z = self.score(i, s.length, &mut counts) / s.scale;
            if z.abs() > limit {
                out.push((i, z));
            }
        }
        out
    }

    /// Which sums of counts need no score, for it surely is below a limit: a normal score is at most the standardised count
    /// above the mean (the distribution is skewed), and below it at most so many times that.
    fn surely_near(&self, length: usize, limit: f64) -> impl Fn(usize) -> bool {
        let size = self.size.map(|s| s * length as f64);
        move |i| {
            let Some((values, expected)) = &self.counts else {
                return false;
            };
            let mean = (expected[i + length] - expected[i]).max(1e-9);
            if mean < SKEWED {
                return false;
            }
            let off = values[i + length] - values[i] - mean;
            let deviation = (mean + size.map_or(0.0, |s| mean * mean / s)).sqrt();
            let skew = 1.5 + size.map_or(0.0, |s| (2.0 * (mean / s).ln_1p()).sqrt());
            off.abs() * skew < limit * deviation
        }
    }

    /// How large sums of held-out rows are; autocorrelation is taken into account by itself.
    pub(super) fn scales(&self, check: Check) -> Vec<SumScale> {
        let n = self.rows();
        let counted = self.counts.is_some();
        let stride = (n / ENOUGH).max(1);
        let of_length = |length: usize| {
            let z = self.scores(length, stride, check);
            let scale = if counted {
                // The score of a sum of few events has no smooth middle: its size instead of its quantiles.
                mean(z.iter().map(|z| z.clamp(-3.0, 3.0).powi(2))).sqrt()
            } else {
                scale_of(&z, check).max(median(&mut z.clone(), check).abs())
            };
            let scale = scale.max(1.0);
            let blocks = n as f64 / length as f64 / 1.5;
            let least = if counted { 30.0_f64 } else { 5.0 };
            let sizes: Vec<f64> = z.iter().map(|z| z.abs() / scale).collect();
            SumScale {
                length,
                scale,
                freedom: least.max(blocks.min(200.0)),
                tail: ExcessTail::fit(
                    &sizes,
                    (stride as f64 / length as f64).min(1.0),
                    Prior::SUM,
                    check,
                ),
            }
        };
        lengths().take_while(|l| *l <= n / LEAST).map(of_length).collect()
    }
}

/// The lengths of sums: 2, 4, 8, ... 256.
pub(super) fn lengths() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(2), |l| Some(l * 2)).take_while(|l| *l <= LONGEST)
}

fn cumulative(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = values.map(|v| {
        sum += v;
        sum
    });
    std::iter::once(0.0).chain(sums).collect()
}

impl SumScale {
    /// The probability of a sum at least so large, in units of the scale.
    fn p(&self, z: f64) -> f64 {
        student_tail(z, self.freedom).max(0.5 * self.tail.p(z))
    }

    /// The sum of probability `p`, between 2 and 60 scales.
    fn limit(&self, p: f64) -> f64 {
        let (mut low, mut high) = (2.0, 60.0);
        for _ in 0..14 {
            let middle = 0.5 * (low + high);
            if self.p(middle) <= p {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }
}

/// Overlapping sums that are out of reach.
#[derive(Clone, Copy)]
struct Mark {
    from: usize,
    to: usize,
    /// The first row of the rarest sum, its length and its probability.
    best: (usize, usize, f64),
}

/// Stretches of rows whose sums are out of reach of those of held-out rows, trimmed to the rows that carry them.
pub(super) fn runs(scales: &[SumScale], sums: &Sums, plain: &[f64], alpha: f64, check: Check) -> Vec<Run> {
    let tests = 2.0 * scales.len().max(1) as f64;
    let mut marks: [Vec<Mark>; 2] = [Vec::new(), Vec::new()];
    for s in scales.iter().take_while(|s| s.length <= plain.len()) {
        let limit = s.limit(alpha / tests);
        let far = sums.far(s, limit, check);
        for (marks, sign) in marks.iter_mut().zip([-1.0, 1.0]) {
            let of_side = far.iter().map(|(i, z)| (*i, sign * z)).filter(|(_, z)| *z > 0.0);
            marks.extend(merged(of_side, s, tests));
        }
    }
    let mut out = Vec::new();
    for (mut marks, sign) in marks.into_iter().zip([-1_i8, 1]) {
        marks.sort_by_key(|m| m.from);
        let mut rest = marks.into_iter().peekable();
        while let Some(mut whole) = rest.next() {
            check();
            while let Some(next) = rest.next_if(|m| m.from <= whole.to) {
                whole.to = whole.to.max(next.to);
                if next.best.2 < whole.best.2 {
                    whole.best = next.best;
                }
            }
            out.push(trimmed(&whole, sign, plain));
        }
    }
    out
}

/// Overlapping sums of one length on one side become one mark.
fn merged(far: impl Iterator<Item = (usize, f64)>, s: &SumScale, tests: f64) -> Vec<Mark> {
    let mut out: Vec<(Mark, f64)> = Vec::new();
    for (i, z) in far {
        match out.last_mut().filter(|(m, _)| i <= m.to) {
            Some((m, largest)) => {
                m.to = i + s.length;
                if z > *largest {
                    *largest = z;
                    m.best.0 = i;
                }
            }
            None => {
                let mark = Mark {
                    from: i,
                    to: i + s.length,
                    best: (i, s.length, 1.0),
                };
                out.push((mark, z));
            }
        }
    }
    let with_p = |(mut m, z): (Mark, f64)| {
        m.best.2 = s.p(z) * tests;
        m
    };
    out.into_iter().map(with_p).collect()
}

/// The piece of the highest sum less half of what a row of the rarest sum has on average (Bentley 1984,
/// doi:10.1145/358234.381162).
fn trimmed(whole: &Mark, sign: i8, plain: &[f64]) -> Run {
    let value = |v: &f64| f64::from(sign) * v.clamp(-CLIP, CLIP);
    let (from, length, p) = whole.best;
    let core = plain[from..from + length].iter().map(value).sum::<f64>() / length as f64;
    let off = (0.5 * core).max(0.3);
    let (mut sum, mut low) = (0.0, (0.0, 0));
    let mut best = (0.0, 0, 1);
    for (i, v) in plain[whole.from..whole.to].iter().enumerate() {
        sum += value(v) - off;
        if sum - low.0 > best.0 {
            best = (sum - low.0, low.1, i + 1);
        }
        if sum < low.0 {
            low = (sum, i + 1);
        }
    }
    Run {
        from: whole.from + best.1,
        to: whole.from + best.2,
        sign,
        p,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::robust::normal_quantile;

    fn noise(n: u64) -> Vec<f64> {
        (0..n)
            .map(|i| normal_quantile(((i * 7_368_787 % 99_991) as f64 + 0.5) / 99_991.0))
            .collect()
    }

    #[test]
    fn a_run_is_found_and_trimmed() {
        let scales = Sums::new(&noise(4000)).scales(&|| {});
        assert_eq!(scales.len(), 8);
        let mut plain = noise(500);
        for v in &mut plain[200..230] {
            *v += 2.0;
        }
        let found = runs(&scales, &Sums::new(&plain), &plain, 1e-5, &|| {});
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].from.abs_diff(200) <= 3 && found[0].to.abs_diff(230) <= 3 && found[0].sign == 1);
        assert!(found[0].p < 1e-5);
        assert_eq!(
            runs(&scales, &Sums::new(&noise(500)), &noise(500), 1e-5, &|| {}),
            []
        );
    }

    #[test]
    fn zeros_of_counts_add_up_and_no_input_is_too_hostile() {
        let three =
            |n: usize| Sums::new(&vec![0.0; n]).with_counts(&vec![3.0; n], vec![3.0; n].into_iter(), None);
        let scales = three(600).scales(&|| {});
        let plain = vec![-1.6; 24];
        let zeros = Sums::new(&plain).with_counts(&[0.0; 24], vec![3.0; 24].into_iter(), None);
        let found = runs(&scales, &zeros, &plain, 1e-5, &|| {});
        assert_eq!((found.len(), found[0].from, found[0].to), (1, 0, 24));
        let huge = vec![1e300; 64];
        let sums = Sums::new(&huge).with_counts(&huge, huge.iter().copied(), Some(0.05));
        let _ = runs(&scales, &sums, &huge, 1e-5, &|| {});
        assert_eq!(runs(&scales, &Sums::new(&[]), &[], 1e-5, &|| {}), []);
    }
}
