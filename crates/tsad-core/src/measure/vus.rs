//! Volume under the surface of range-aware ROC and precision-recall curves.

use std::ops::Range;

use super::input::check_scored;
use super::run::{runs, samples};
use crate::control::Check;
use crate::error::Result;

/// Thresholds per curve, spread evenly over the ranks of the scores.
const THRESHOLDS: usize = 250;

/// The two volumes; see [`vus`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vus {
    /// Volume under the precision-recall surface, 0 to 1.
    pub pr: f64,
    /// Volume under the ROC surface, 0 to 1.
    pub roc: f64,
}

/// VUS-PR and VUS-ROC: the areas under range-aware curves, averaged over buffer widths 0, 1, ..., `window`.
///
/// Labels say roughly when something happened, rarely to the sample. Each labelled event therefore gets a buffer
/// of half the width on either side in which an alarm counts in part (the weight falls as the root of the
/// distance), and recall is multiplied with the share of events that were touched at all. Averaging over the
/// widths removes the buffer as a parameter; `window` is its largest value in samples, customarily
/// [`super::period_length`] of the series. Only the order of the scores matters.
///
/// Both lie between 0 and 1. Chance is somewhat above 0.5 for the ROC volume and somewhat above the share of
/// anomalous samples for the PR volume; both rise with `window` and with the number of events, whose buffers are
/// easy to touch, so compare only values of the same labels and `window`. `window` 0 leaves plain curves (recall
/// times events touched); a window beyond the length of the series is allowed.
///
/// This is the variant of the TSB-AD benchmark with 250 thresholds, so that figures compare with the published
/// ones. O(n log n + `window` m) for m samples in events and their buffers, O(n) memory.
///
/// Source: Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin, PVLDB 15(11), 2022,
/// doi:10.14778/3551793.3551830; Liu and Paparrizos (TSB-AD), NeurIPS 2024.
///
/// # Errors
/// `InvalidParameter` where the lengths differ, `NotFinite` where a score is NaN or infinite, `TooLittleData`
/// without samples or where the labels are all alike.
///
/// ```
/// let labels = [false, false, true, true, false, false, false, false];
/// let close = tsad_core::measure::vus(&[0., 0., 0., 0., 1., 0., 0., 0.], &labels, 4)?;
/// let far = tsad_core::measure::vus(&[0., 0., 0., 0., 0., 0., 0., 1.], &labels, 4)?;
/// assert!(close.pr > far.pr, "an alarm just after the event is better than one long after it");
/// # Ok::<(), tsad_core::Error>(())
/// ```
pub fn vus(scores: &[f64], labels: &[bool], window: usize) -> Result<Vus> {
    vus_with(scores, labels, window, &|| {})
}

/// As [`vus`]; calls `check` once per buffer width, so that a caller can cancel by unwinding from it.
///
/// # Errors
/// As [`vus`].
pub fn vus_with(scores: &[f64], labels: &[bool], window: usize, check: Check<'_>) -> Result<Vus> {
    check_scored(scores, labels)?;
    let mut surface = Surface::new(scores, labels);
    let mut sum = Vus { pr: 0.0, roc: 0.0 };
    for width in 0..=window {
        check();
        let areas = surface.areas(width);
        sum.pr += areas.pr;
        sum.roc += areas.roc;
    }
    let widths = window as f64 + 1.0;
    Ok(Vus {
        pr: sum.pr / widths,
        roc: sum.roc / widths,
    })
}

/// What does not depend on the width, and the buffers that do.
struct Surface {
    events: Vec<Range<usize>>,
    /// Per sample the first threshold (from the highest) its score reaches.
    bins: Vec<u8>,
    /// Per event the smallest bin inside.
    first_bin: Vec<u8>,
    /// Per bin the number of samples that reach its threshold.
    alarms: Vec<f64>,
    /// Per bin the number of labelled samples.
    labelled: Vec<f64>,
    positives: f64,
    /// Per sample its weight as part of a buffer; zero between two calls.
    weights: Vec<f64>,
}

/// Per bin what a buffer width adds.
struct Buffers {
    /// Buffer weight of the samples of the bin.
    weight: Vec<f64>,
    /// Events (merged where their buffers meet) first touched at this bin.
    touched: Vec<f64>,
    /// Number of merged events.
    events: f64,
}

impl Surface {
    fn new(scores: &[f64], labels: &[bool]) -> Self {
        let bins = bins(scores);
        let events = runs(labels.iter().copied());
        let mut alarms = vec![0.0; THRESHOLDS];
        let mut labelled = vec![0.0; THRESHOLDS];
        for (bin, label) in bins.iter().zip(labels) {
            alarms[usize::from(*bin)] += 1.0;
            if *label {
                labelled[usize::from(*bin)] += 1.0;
            }
        }
        let mut sum = 0.0;
        for count in &mut alarms {
            sum += *count;
            *count = sum;
        }
        Self {
            first_bin: events.iter().map(|event| lowest(&bins[event.clone()])).collect(),
            positives: samples(&events) as f64,
            weights: vec![0.0; scores.len()],
            events,
            bins,
            alarms,
            labelled,
        }
    }

    /// The two areas for one buffer width.
    fn areas(&mut self, width: usize) -> Vus {
        self.weigh(width);
        let buffers = self.gather(width / 2);
        let samples = self.bins.len() as f64;
        let (mut pr, mut roc) = (0.0, 0.0);
        // Sums over the bins so far, and the last point of the ROC curve.
        let (mut hits, mut weight, mut touched) = (0.0, 0.0, 0.0);
        let (mut last_tpr, mut last_fpr) = (0.0, 0.0);
        for bin in 0..THRESHOLDS {
            hits += self.labelled[bin] + buffers.weight[bin];
            weight += buffers.weight[bin];
            touched += buffers.touched[bin];
            let positives = self.positives + weight / 2.0;
            let recall = (hits / positives).min(1.0);
            let tpr = recall * touched / buffers.events;
            let fpr = (self.alarms[bin] - hits) / (samples - positives);
            roc += (fpr - last_fpr) * (tpr + last_tpr) / 2.0;
            pr += (tpr - last_tpr) * hits / self.alarms[bin];
            (last_tpr, last_fpr) = (tpr, fpr);
        }
        // The curve ends at (1, 1).
        roc += (1.0 - last_fpr) * (1.0 + last_tpr) / 2.0;
        Vus { pr, roc }
    }

    /// Adds up the buffers of all events; where two meet their weights add (capped at 1 by the reader).
    fn weigh(&mut self, width: usize) {
        let half = width / 2;
        let falling: Vec<f64> = (1..=half)
            .map(|distance| (1.0 - distance as f64 / width as f64).sqrt())
            .collect();
        let length = self.weights.len();
        for event in &self.events {
            let after = event.end..(event.end + half).min(length);
            for (weight, add) in self.weights[after].iter_mut().zip(&falling) {
                *weight += add;
            }
            let before = event.start.saturating_sub(half)..event.start;
            for (weight, add) in self.weights[before].iter_mut().rev().zip(&falling) {
                *weight += add;
            }
        }
    }

    /// Reads the buffers bin by bin, merges events whose buffers meet, and clears the weights again.
    fn gather(&mut self, half: usize) -> Buffers {
        let length = self.bins.len();
        let mut buffers = Buffers {
            weight: vec![0.0; THRESHOLDS],
            touched: vec![0.0; THRESHOLDS],
            events: 0.0,
        };
        let mut from = self.events.first().map_or(0, |e| e.start.saturating_sub(half));
        let mut lowest = u8::MAX;
        for (k, event) in self.events.iter().enumerate() {
            lowest = lowest.min(self.first_bin[k]);
            let next = self.events.get(k + 1).map(|next| next.start);
            // Buffers that end side by side stay apart, those that share a sample merge.
            let meets = next.is_some_and(|next| event.end - 1 + 2 * half >= next);
            let gaps = [from..event.start, event.end..(event.end + half).min(length)];
            for i in gaps.into_iter().take(if meets { 1 } else { 2 }).flatten() {
                let bin = self.bins[i];
                lowest = lowest.min(bin);
                let weight = std::mem::take(&mut self.weights[i]).min(1.0);
                buffers.weight[usize::from(bin)] += weight;
            }
            if meets {
                from = event.end;
            } else {
                buffers.touched[usize::from(lowest)] += 1.0;
                buffers.events += 1.0;
                lowest = u8::MAX;
                from = next.map_or(length, |next| next.saturating_sub(half));
            }
        }
        buffers
    }
}

fn lowest(bins: &[u8]) -> u8 {
    bins.iter().copied().fold(u8::MAX, u8::min)
}

/// Per score the index of the first of the falling thresholds that it reaches.
fn bins(scores: &[f64]) -> Vec<u8> {
    let mut falling = scores.to_vec();
    falling.sort_unstable_by(|a, b| b.total_cmp(a));
    let last = falling.len() - 1;
    let step = last as f64 / (THRESHOLDS - 1) as f64;
    let thresholds: Vec<f64> = (0..THRESHOLDS)
        .map(|i| {
            // The reference truncates the product; so must we, rounding error included.
            let rank = (i as f64 * step) as usize;
            falling[if i + 1 == THRESHOLDS { last } else { rank.min(last) }]
        })
        .collect();
    scores
        .iter()
        .map(|score| thresholds.partition_point(|threshold| threshold > score) as u8)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_has_a_bin_and_the_highest_the_first() {
        let scores: Vec<f64> = (0..1000).map(|i| f64::from(i % 337)).collect();
        let bins = bins(&scores);
        assert_eq!(bins[336], 0);
        assert_eq!(bins[0], 249);
        assert!(bins.iter().all(|bin| usize::from(*bin) < THRESHOLDS));
    }

    #[test]
    fn weights_are_clear_after_each_width() {
        let labels: Vec<bool> = (0..60).map(|i| [5, 6, 9, 30, 59].contains(&i)).collect();
        let scores: Vec<f64> = (0..60).map(|i| f64::from((i * 7) % 11)).collect();
        let mut surface = Surface::new(&scores, &labels);
        for width in [1, 8, 40, 200] {
            surface.areas(width);
            for (i, weight) in surface.weights.iter().enumerate() {
                assert!(*weight == 0.0 || labels[i], "width {width}, sample {i}: {weight}");
            }
        }
    }

    #[test]
    fn width_zero_of_a_perfect_score() {
        let labels = [false, true, true, false];
        let found = vus(&[0.0, 1.0, 1.0, 0.0], &labels, 0).unwrap();
        assert!((found.pr - 1.0).abs() < 1e-15 && (found.roc - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_hook_runs_at_least_once_a_width() {
        let count = std::cell::Cell::new(0);
        vus_with(&[0.0, 1.0], &[false, true], 9, &|| count.set(count.get() + 1)).unwrap();
        assert!(count.get() >= 10, "{} calls", count.get());
    }
}
