//! What windows get to see: values without their trend, and what was to be expected in place of incidents.

use super::calendar::DAY;
use super::expectation::Expectation;
use super::level::LevelKind;
use super::phases::PhaseKind;

/// A row is looked for this many cycles back, and then ahead.
const CYCLES: i64 = 4;

impl Expectation {
    /// Whether the level is a line, so that values are told without their trend.
    #[must_use]
    pub fn has_trend(&self) -> bool {
        self.forecast.mean.level.kind == LevelKind::Line && self.forecast.mean.level.slope != 0.0
    }

    /// A value without the trend since (or before) the end of the training.
    #[must_use]
    pub fn without_trend(&self, time: i64, value: f64) -> f64 {
        self.moved(time, value, -1.0)
    }

    /// The inverse of [`Expectation::without_trend`].
    #[must_use]
    pub fn with_trend(&self, time: i64, value: f64) -> f64 {
        self.moved(time, value, 1.0)
    }

    /// A value with the trend taken `times` times more.
    fn moved(&self, time: i64, value: f64, times: f64) -> f64 {
        let f = &self.forecast;
        if !self.has_trend() || !value.is_finite() {
            return value;
        }
        let local = f.calendar.local.local(time);
        let rise = times * f.mean.level.slope * local.saturating_sub(f.mean.level.origin) as f64;
        match f.log_shift {
            // A factor, which says nothing of a value that is not positive.
            Some(_) if value <= 0.0 => value,
            Some(_) => bounded(value * rise.exp()),
            None => bounded(value + rise),
        }
    }

    /// The length of the longest season of days or weeks, or of the detected period, in units of the time; none without a
    /// season.
    #[must_use]
    pub fn cycle(&self) -> Option<i64> {
        let seasons = &self.forecast.mean.seasons;
        let of = |kind: PhaseKind, phases: &super::phases::Phases| match kind {
            PhaseKind::Week | PhaseKind::Daytype => Some(7 * DAY),
            PhaseKind::Day => Some(DAY),
            PhaseKind::Period => Some(phases.period.clamp(1.0, 1e18) as i64),
            PhaseKind::Month | PhaseKind::MonthOfYear | PhaseKind::WeekOfYear => None,
        };
        seasons
            .iter()
            .filter_map(|s| of(s.profile.phases.kind, &s.profile.phases))
            .max()
    }

    /// The values of rows with those of `aside`, ascending, replaced by their expectation and the residual of the row one
    /// cycle away: a bare expectation has no noise, and would be an anomaly of its own. Times ascend.
    pub fn replace(&self, times: &[i64], values: &mut [f64], aside: &[usize]) {
        if aside.is_empty() {
            return;
        }
        let mut marked = vec![false; times.len()];
        aside.iter().for_each(|i| marked[*i] = true);
        let usable = |i: &usize| !marked[*i] && values[*i].is_finite();
        let found = |at: usize, cycle: i64| {
            let near = (1..=CYCLES).flat_map(|n| [-n, n]).find_map(|n| {
                let time = times[at].saturating_add(n.saturating_mul(cycle));
                let i = times.partition_point(|t| *t < time);
                let near = |i: &usize| times[*i].abs_diff(time) as f64 <= 0.75 * self.interval();
                [i, i.wrapping_sub(1)]
                    .into_iter()
                    .filter(|i| *i < times.len())
                    .filter(near)
                    .find(usable)
            });
            near.map_or(0.0, |i| values[i] - self.centre(times[i]))
        };
        let season = self.cycle();
        let mut new = Vec::with_capacity(aside.len());
        for rows in aside.chunk_by(|a, b| *b == a + 1) {
            let (first, last) = (rows[0], rows[rows.len() - 1]);
            // Without a season, their own length away.
            let span = times[last].saturating_sub(times[first]) as f64 + self.interval();
            let cycle = season.unwrap_or(span.clamp(1.0, 1e18) as i64).max(1);
            new.extend(rows.iter().map(|i| self.centre(times[*i]) + found(*i, cycle)));
        }
        aside.iter().zip(new).for_each(|(i, v)| values[*i] = bounded(v));
    }

    /// The values of rows with those of `aside`, ascending, replaced by their expectation and a bridge between the residuals of
    /// the rows beside them: unlike [`Expectation::replace`] a matter of these rows alone, whatever else is read.
    pub fn bridge(&self, times: &[i64], values: &mut [f64], aside: &[usize]) {
        let residual = |i: usize| Some(values[i] - self.centre(times[i])).filter(|r| r.is_finite());
        let mut new = Vec::with_capacity(aside.len());
        for rows in aside.chunk_by(|a, b| *b == a + 1) {
            let (first, last) = (rows[0], rows[rows.len() - 1]);
            let before = first.checked_sub(1).and_then(residual);
            let after = Some(last + 1).filter(|i| *i < times.len()).and_then(residual);
            let (from, to) = match (before, after) {
                (Some(a), Some(b)) => (a, b),
                (Some(a), None) | (None, Some(a)) => (a, a),
                (None, None) => (0.0, 0.0),
            };
            let length = rows.len() as f64 + 1.0;
            new.extend(rows.iter().enumerate().map(|(n, i)| {
                let share = (n as f64 + 1.0) / length;
                self.centre(times[*i]) + from + share * (to - from)
            }));
        }
        aside.iter().zip(new).for_each(|(i, v)| values[*i] = bounded(v));
    }

    /// How many rows before and after one can have a part in its evidence: those of the longest sum, twice.
    #[must_use]
    pub fn reach(&self) -> usize {
        2 * self.sums.last().map_or(0, |s| s.length)
    }

    /// The number of rows of the longest sum, at least 1.
    #[must_use]
    pub fn longest_sum(&self) -> usize {
        self.sums.last().map_or(1, |s| s.length)
    }
}

/// Arithmetic on large values may overflow.
fn bounded(value: f64) -> f64 {
    value.clamp(-f64::MAX, f64::MAX)
}
