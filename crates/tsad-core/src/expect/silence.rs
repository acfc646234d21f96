//! Breaks: rows that are missing although the training lets expect them.

use super::calendar::Calendar;
use super::candidates::Sampling;
use super::expectation::Breaks;
use super::phases::{PhaseKind, Phases, Profile};
use super::ring;
use super::seasonal::{count, sum};
use crate::control::Check;

/// The most slots that are looked at one by one; a break beyond counts by the mean.
const SLOTS: f64 = 20_000.0;
/// No break counts for more slots.
const MOST: f64 = 1e18;
/// The most slots from which occupancy is learned: the latest ones.
const LEARNED: f64 = 4e6;
/// How many of the widest breaks of the training are looked at.
const WIDEST: usize = 300;
/// Slots between two calls of the cancel hook.
const EVERY: usize = 1 << 15;

/// Where a row is to be expected, in units of the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expecting<'a> {
    /// Wall clock and holidays.
    pub(super) calendar: &'a Calendar,
    /// The typical distance of rows.
    pub(super) interval: f64,
}

impl Breaks {
    /// Learns from the times of the training rows.
    pub(super) fn fit(times: &[i64], local: &[i64], s: &Sampling, calendar: &Calendar, check: Check) -> Self {
        let slot = s.interval.max(s.day() / 1440.0);
        let (every, span) = (s.interval / s.day(), (s.span - s.interval) / s.day());
        let kind = match () {
            () if !s.calendar || every >= 1.5 => None,
            () if span >= 14.0 => Some(PhaseKind::Week),
            () if every >= 0.6 => None,
            () if span >= 9.0 => Some(PhaseKind::Daytype),
            () if span >= 2.0 => Some(PhaseKind::Day),
            () => None,
        };
        let mut breaks = Self {
            slot,
            occupied: kind
                .map(|kind| occupancy(Phases::calendar(kind, slot), local, slot, calendar, check))
                .filter(|o| o.values.iter().any(|v| *v != 1.0)),
            longest: 0.0,
        };
        let expecting = Expecting {
            calendar,
            interval: s.interval,
        };
        breaks.longest = breaks.longest_of(times, expecting, check);
        breaks
    }

    /// The most rows that one of the widest breaks has missed.
    fn longest_of(&self, times: &[i64], expecting: Expecting, check: Check) -> f64 {
        let width = |i: usize| times[i + 1].saturating_sub(times[i]);
        let mut wide: Vec<usize> = (0..times.len() - 1)
            .filter(|i| width(*i) as f64 > 1.5 * expecting.interval)
            .collect();
        if wide.len() > WIDEST {
            wide.select_nth_unstable_by_key(WIDEST, |i| (-width(*i), *i));
            wide.truncate(WIDEST);
        }
        let missed = wide.into_iter().map(|i| {
            check();
            self.missed(times[i], times[i + 1], expecting)
        });
        missed.fold(0.0, f64::max)
    }

    /// How many rows are to be expected between two times (UTC).
    pub(super) fn missed(&self, from: i64, to: i64, e: Expecting) -> f64 {
        let first = e.interval;
        let length = to.saturating_sub(from) as f64 - 0.5 * e.interval - first;
        let slots = (length / self.slot).ceil().max(0.0);
        // Also where it is not a number.
        let slots = slots.min(MOST);
        let Some(occupied) = &self.occupied else {
            return slots;
        };
        if slots > SLOTS {
            let all = occupied.values.iter().sum::<f64>() / occupied.values.len().max(1) as f64;
            return slots * all;
        }
        (0..slots as u64)
            .map(|i| {
                let at = from.saturating_add((first + i as f64 * self.slot).round() as i64);
                occupied.at(&e.calendar.moment(at))
            })
            .sum()
    }

    /// Whether so many missed rows are more than twice the worst break of the training, and some.
    pub(super) fn is_long(&self, missed: f64) -> bool {
        missed > 2.0 * self.longest + 3.0
    }
}

/// The share of the slots of each phase that have a row.
fn occupancy(phases: Phases, local: &[i64], slot: f64, calendar: &Calendar, check: Check) -> Profile {
    let (Some(first), Some(last)) = (local.first().copied(), local.last().copied()) else {
        let none = vec![0.0; phases.count()];
        return Profile::new(phases, none);
    };
    let slots = ((last.saturating_sub(first) as f64 + slot) / slot)
        .ceil()
        .max(1.0);
    let skipped = (slots - LEARNED).max(0.0);
    let mut seen = vec![0.0; (slots - skipped) as usize];
    for t in local {
        let at = (t.saturating_sub(first) as f64 / slot).round_ties_even() - skipped;
        if at >= 0.0 {
            let at = (at as usize).min(seen.len() - 1);
            seen[at] = 1.0;
        }
    }
    let mut phase = Vec::with_capacity(seen.len());
    for i in 0..seen.len() {
        if i % EVERY == 0 {
            check();
        }
        let at = first.saturating_add(((skipped + i as f64) * slot).round() as i64);
        phase.push(phases.of(&calendar.at_local(at)) as u32);
    }
    let n = count(&phase, phases.count());
    let rows = sum(seen.into_iter(), &phase, phases.count());
    let mut values: Vec<f64> = rows.iter().zip(n).map(|(r, n)| r / n.max(1.0)).collect();
    if phases.ring() >= 24 {
        // An edge may move by a slot.
        values = phases.each_ring(&values, |r| ring::with_neighbours(r, f64::min));
    }
    Profile::new(phases, values)
}
