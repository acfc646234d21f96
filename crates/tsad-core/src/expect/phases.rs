//! Keys of the calendar: which phase of its season a time belongs to, and a value for each phase.

use super::calendar::{DAY, Moment};
use serde::{Deserialize, Serialize};

/// The most phases of a day or of a detected period; a week has seven times as many.
pub(super) const MOST: usize = 1440;

/// What a season goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhaseKind {
    /// The time of the day.
    Day,
    /// The time of the day, of workdays and of weekends and holidays.
    Daytype,
    /// The time of the week.
    Week,
    /// The first three days of the month, its last three, and four quarters between.
    Month,
    /// The month of the year.
    MonthOfYear,
    /// The week of the year.
    WeekOfYear,
    /// A period that was detected.
    Period,
}

impl PhaseKind {
    /// The kind in a word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Daytype => "daytype",
            Self::Week => "week",
            Self::Month => "month",
            Self::MonthOfYear => "month_of_year",
            Self::WeekOfYear => "week_of_year",
            Self::Period => "period",
        }
    }
}

/// A key of the calendar: rings of phases that are each other's neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phases {
    /// What the phases go by.
    pub(crate) kind: PhaseKind,
    /// Phases of a day, or of a detected period; 1 to 1440.
    pub(crate) per_cycle: usize,
    /// The length of a detected period in units of the time, above 0; else 0.
    pub(crate) period: f64,
    /// The standard error of a detected period in the same units, at least 0; 0 where it is known.
    pub(crate) doubt: f64,
    /// The local time at which a detected period begins; else 0.
    pub(crate) origin: i64,
}

/// A value for each phase of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The key.
    pub(crate) phases: Phases,
    /// As many values as the key has phases.
    #[serde(with = "super::packed")]
    pub(crate) values: Vec<f64>,
}

impl Phases {
    /// The key of a calendar for rows `interval` microseconds apart.
    pub(super) fn calendar(kind: PhaseKind, interval: f64) -> Self {
        let day = DAY as f64;
        let per_cycle = if interval < 0.6 * day {
            (day / interval).round_ties_even().clamp(1.0, MOST as f64) as usize
        } else {
            1
        };
        Self {
            kind,
            per_cycle,
            period: 0.0,
            doubt: 0.0,
            origin: 0,
        }
    }

    /// The key of a detected period of a length known to `doubt`.
    pub(super) fn periodic((period, doubt): (f64, f64), interval: f64, origin: i64) -> Self {
        Self {
            kind: PhaseKind::Period,
            per_cycle: (period / interval).round_ties_even().clamp(2.0, MOST as f64) as usize,
            period,
            doubt,
            origin,
        }
    }

    /// The number of rings.
    pub(crate) fn rings(&self) -> usize {
        if self.kind == PhaseKind::Daytype { 2 } else { 1 }
    }

    /// The number of phases of a ring.
    pub(crate) fn ring(&self) -> usize {
        match self.kind {
            PhaseKind::Day | PhaseKind::Daytype | PhaseKind::Period => self.per_cycle,
            PhaseKind::Week => 7 * self.per_cycle,
            PhaseKind::Month => 10,
            PhaseKind::MonthOfYear => 12,
            PhaseKind::WeekOfYear => 52,
        }
    }

    /// The number of phases.
    pub(crate) fn count(&self) -> usize {
        self.rings() * self.ring()
    }

    /// Phases of a day, or of a detected period.
    pub(super) fn per_day(&self) -> usize {
        if self.kind == PhaseKind::Week {
            self.per_cycle
        } else {
            self.ring()
        }
    }

    /// Whether it is one of day, daytype and week.
    pub(super) fn is_clock(&self) -> bool {
        matches!(self.kind, PhaseKind::Day | PhaseKind::Daytype | PhaseKind::Week)
    }

    /// Whether neighbouring phases follow each other within a day or a period, at least 24 of them.
    pub(super) fn is_fine(&self) -> bool {
        (self.is_clock() || self.kind == PhaseKind::Period) && self.ring() >= 24
    }

    /// The length of a phase of day, week or period, in units of the time.
    pub(super) fn length(&self) -> f64 {
        let whole = if self.kind == PhaseKind::Period {
            self.period
        } else {
            DAY as f64
        };
        whole / self.per_cycle as f64
    }

    /// Whether the phase may slip: a detected period that no clock keeps is known but roughly, and a machine that stops for a
    /// while goes on where it stood.
    pub(super) fn may_slip(&self) -> bool {
        self.doubt > 0.0
    }

    /// The phase of a time, below the number of phases.
    pub(super) fn of(&self, m: &Moment) -> usize {
        let slot = || (m.of_day as u64 * self.per_cycle as u64 / DAY as u64) as usize;
        let phase = match self.kind {
            PhaseKind::Day => slot(),
            PhaseKind::Daytype => slot() + if m.weekday >= 5 { self.per_cycle } else { 0 },
            PhaseKind::Week => slot() + self.per_cycle * m.weekday as usize,
            PhaseKind::Month => {
                let date = m.date();
                match (date.month_day, date.month_left) {
                    (first, _) if first < 3 => first as usize,
                    (_, left) if left < 3 => 9 - left as usize,
                    (between, _) => 3 + (((between - 3) / 7).min(3)) as usize,
                }
            }
            PhaseKind::MonthOfYear => m.date().month as usize,
            PhaseKind::WeekOfYear => (m.date().year_day / 7).min(51) as usize,
            PhaseKind::Period => {
                let since = m.local.saturating_sub(self.origin) as f64;
                let share = since.rem_euclid(self.period) / self.period;
                (share * self.per_cycle as f64 + 0.5) as usize % self.per_cycle.max(1)
            }
        };
        phase.min(self.count().saturating_sub(1))
    }

    /// Fills what is missing (NaN) between the phases that are known, each ring for itself.
    pub(super) fn fill(&self, values: &mut [f64]) {
        values.chunks_mut(self.ring()).for_each(super::ring::fill);
    }

    /// Does something with each ring.
    pub(super) fn each_ring(&self, values: &[f64], mut change: impl FnMut(&[f64]) -> Vec<f64>) -> Vec<f64> {
        values.chunks(self.ring()).flat_map(&mut change).collect()
    }
}

impl Profile {
    /// A value for each phase, in single precision.
    pub(super) fn new(phases: Phases, values: Vec<f64>) -> Self {
        Self {
            phases,
            values: super::packed::rounded(values),
        }
    }

    /// The value at a time.
    pub(super) fn at(&self, m: &Moment) -> f64 {
        self.values.get(self.phases.of(m)).copied().unwrap_or(0.0)
    }

    /// The value at a time, and the lowest and the highest within `reach` neighbours of its phase, on its ring.
    pub(super) fn range(&self, m: &Moment, reach: usize) -> (f64, f64, f64) {
        let phase = self.phases.of(m);
        let own = self.values.get(phase).copied().unwrap_or(0.0);
        // At most two rings.
        let ring = self.phases.ring();
        let first = if phase >= ring { ring } else { 0 };
        let Some(values) = self
            .values
            .get(first..first + ring)
            .filter(|v| reach > 0 && !v.is_empty())
        else {
            return (own, own, own);
        };
        let (at, reach) = (phase - first, reach.min(ring / 2));
        let wider = |range: (f64, f64), v: &f64| (range.0.min(*v), range.1.max(*v));
        let (from, to) = (at.saturating_sub(reach), (at + reach).min(ring - 1));
        let mut range = values[from..=to].iter().fold((own, own), wider);
        // Beyond the ends of the ring.
        let (before, after) = (reach.saturating_sub(at), (at + reach).saturating_sub(ring - 1));
        range = values[ring - before..].iter().fold(range, wider);
        range = values[..after].iter().fold(range, wider);
        (own, range.0, range.1)
    }
}
