//! Stretches of high scores: what counts as one event among dependent samples.

use super::tail::Tail;

/// A stretch is set aside if the others let expect fewer than this many of its height.
const ALL_BUT_IMPOSSIBLE: f64 = 1e-4;

/// The stretches of scores above a level.
pub(super) struct Stretches {
    level: f64,
    /// Lowest peak first.
    all: Vec<Stretch>,
}

/// Scores above a level, neighbours less than the reach apart.
struct Stretch {
    peak: f64,
    scores: Vec<f64>,
}

impl Stretches {
    /// Finds the stretches of `segments` above `level`: a break of more than `reach` samples ends one.
    pub(super) fn above(level: f64, segments: &[Vec<f64>], reach: usize) -> Self {
        let mut all: Vec<Stretch> = Vec::new();
        for scores in segments {
            let mut last = None;
            for (i, &score) in scores.iter().enumerate().filter(|(_, s)| **s > level) {
                match (all.last_mut(), last) {
                    (Some(open), Some(before)) if i - before <= reach => open.add(score),
                    _ => all.push(Stretch::of(score)),
                }
                last = Some(i);
            }
        }
        all.sort_by(|a, b| a.peak.total_cmp(&b.peak));
        Self { level, all }
    }

    /// The number of stretches.
    pub(super) fn kept(&self) -> usize {
        self.all.len()
    }

    /// Drops the highest stretches as long as the tail of the others makes them all but impossible and no
    /// more than `most` samples are dropped; the number of samples dropped.
    pub(super) fn set_aside(&mut self, most: f64) -> usize {
        let mut from = self.all.len();
        let mut gone = 0;
        let mut dropped = 0;
        // The incident may be several stretches of like height that vouch for one another, so all the
        // candidates are looked at, and the lowest that stands out takes the higher ones with it.
        for at in (1..self.all.len()).rev() {
            gone += self.all[at].scores.len();
            if gone as f64 > most {
                break;
            }
            if self.stands_out(at) {
                (from, dropped) = (at, gone);
            }
        }
        self.all.truncate(from);
        dropped
    }

    /// Whether the stretches below number `at` make one of its height all but impossible.
    fn stands_out(&self, at: usize) -> bool {
        let below = &self.all[..at];
        let mut excesses: Vec<f64> = below
            .iter()
            .flat_map(|s| &s.scores)
            .map(|s| s - self.level)
            .collect();
        excesses.sort_by(f64::total_cmp);
        let tail = Tail::fit(&excesses).widened(at);
        at as f64 * tail.survival(self.all[at].peak - self.level) < ALL_BUT_IMPOSSIBLE
    }
}

impl Stretch {
    fn of(score: f64) -> Self {
        Self {
            peak: score,
            scores: vec![score],
        }
    }

    fn add(&mut self, score: f64) {
        self.peak = self.peak.max(score);
        self.scores.push(score);
    }
}

/// The probability of a score above the empirical quantile that a share `share` of the scores exceeds, when
/// these are `stretches` independent stretches: the rank rule `(k + 1) / (n + 1)`.
pub(super) fn predictive_share(stretches: usize, share: f64) -> f64 {
    let k = stretches as f64;
    (k + 1.0) / (k / share + 1.0)
}
