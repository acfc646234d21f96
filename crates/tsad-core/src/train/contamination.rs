//! Past incidents in the training part, so that they can be left out of it.

use super::held_out::{HeldOut, complete, held_out_scores};
use crate::calibrate::tail_index::tail_index_factor;
use crate::calibrate::{Calibration, Source, TailPrior};
use crate::control::Check;
use crate::model::ChannelModel;
use crate::params::ValidParams;
use crate::residual::Excesses;
use crate::score::combine::{ChannelPooling, scale_weight};
use crate::score::distance::{ScoringMode, WINDOWS_PER_CHECK};
use crate::series::Series;
use crate::view::View;
use crate::window::placement::{hop, mean, runs, starts};
use std::ops::Range;

/// At most this many incidents are looked for: what happens more often is no incident but a habit.
const MAX_INCIDENTS: usize = 2;
/// An incident is left out if the rest of the training part lets expect fewer than this many of its height.
const MAX_EXPECTED_INCIDENTS: f64 = 1e-2;
/// Nothing is looked for if the rest lets expect this many of the highest score.
const CANDIDATE_EXPECTATION: f64 = 0.5;
/// With a tail of values this much heavier than usual, extremes are the habit of a series.
const MAX_TAIL_INDEX_FACTOR: f64 = 1.5;
/// Below this many longest windows the training part tells too little of what is rare for something to be cut out.
const MIN_LONGEST_WINDOWS: usize = 6;
/// The samples of an incident are those above this share of its height.
const CORE_HEIGHT_SHARE: f64 = 0.5;

/// A sample range of one segment.
pub(crate) type Span = (usize, Range<usize>);

/// Whether windows that reach into the incidents found in a series may be kept from its model. Of a short series too
/// few would be left; and of several channels one that rarely switches looks like an incident (both measured: they
/// rank worse). Then only the calibration does without them.
pub(crate) fn can_excise(channels: &[ChannelModel], series: &Series) -> bool {
    let longest = channels[0].scales.last().map_or(0, |s| s.length);
    channels.len() == 1 && series.len() >= MIN_LONGEST_WINDOWS * longest
}

/// The scores that share no window with an incident, segment by segment.
pub(crate) fn without(scores: &[Vec<f64>], incidents: &[Span], reach: usize) -> Vec<Vec<f64>> {
    let mut left: Vec<Vec<bool>> = scores.iter().map(|s| vec![true; s.len()]).collect();
    for (segment, core) in incidents {
        leave_out(&mut left[*segment], core, reach);
    }
    remaining(scores, &left)
}

/// The same for scores at some samples only, given by their indices in each segment.
pub(crate) fn without_at(
    scores: &[Vec<f64>],
    samples: &[Vec<usize>],
    incidents: &[Span],
    reach: usize,
) -> Vec<Vec<f64>> {
    let far = |s: usize, i: usize| {
        let mut own = incidents.iter().filter(|(segment, _)| *segment == s);
        own.all(|(_, core)| i + reach < core.start || i >= core.end + reach)
    };
    let of = |(s, (scores, samples)): (usize, (&Vec<f64>, &Vec<usize>))| {
        let both = scores.iter().zip(samples);
        both.filter(|(_, i)| far(s, **i))
            .map(|(score, _)| *score)
            .collect()
    };
    scores.iter().zip(samples).enumerate().map(of).collect()
}

fn leave_out(left: &mut [bool], core: &Range<usize>, reach: usize) {
    let near = core.start.saturating_sub(reach)..(core.end + reach).min(left.len());
    left[near].fill(false);
}

/// The past incidents in the training part, and the held-out scores they were found by; none where the series is too
/// short to tell.
pub(crate) fn past_incidents(
    channels: &[ChannelModel],
    held_out: &[Vec<Option<HeldOut>>],
    excesses: &[Excesses],
    series: &Series,
    params: &ValidParams,
    check: Check,
) -> (Vec<Span>, Option<Vec<Vec<f64>>>) {
    let Some(held_out) = complete(held_out) else {
        return (Vec::new(), None);
    };
    let scores = held_out_scores(
        channels,
        &held_out,
        excesses,
        series,
        ScoringMode::Retrospective,
        check,
    );
    let found = find(
        channels,
        &held_out,
        excesses,
        series,
        &scores,
        params.contamination,
        check,
    );
    (found, Some(scores))
}

/// Finds the stretches of a training series that the rest of it makes all but impossible, in order: together at most
/// the share `contamination` of the samples. `scores` are the held-out scores of its samples.
///
/// An incident lifts the scores of a longest window before and after it, so that it fills far more scores than
/// samples; with them in the calibration it would vouch for itself. So every candidate is judged by the samples
/// that share no window with it or a higher candidate. Two incidents of like height vouch for one another: the
/// lowest candidate that stands out takes the higher ones with it.
fn find(
    channels: &[ChannelModel],
    held_out: &[Vec<&HeldOut>],
    excesses: &[Excesses],
    series: &Series,
    scores: &[Vec<f64>],
    contamination: f64,
    check: Check,
) -> Vec<Span> {
    let reach = channels[0].scales.last().map_or(0, |s| s.length);
    let mut budget = (contamination * series.len() as f64) as usize;
    if budget == 0 || !is_candidate(scores, reach) {
        return Vec::new();
    }
    check();
    let localized = LocalizedScore::of(channels, held_out, series, check);
    check();
    let mut left: Vec<Vec<bool>> = scores.iter().map(|s| vec![true; s.len()]).collect();
    let (mut found, mut certain) = (Vec::new(), 0);
    while found.len() < MAX_INCIDENTS {
        let Some((segment, at)) = highest(scores, &left, reach / 2) else {
            break;
        };
        let core = localized.core(segment, at, reach);
        if core.len() > budget {
            break;
        }
        budget -= core.len();
        leave_out(&mut left[segment], &core, reach);
        found.push((segment, core));
        // In the units of the rest: the incident widens what its views take for usual.
        check();
        let restandardised = standardised(channels, held_out, series, &left);
        let scores = held_out_scores(
            &restandardised,
            held_out,
            excesses,
            series,
            ScoringMode::Retrospective,
            check,
        );
        check();
        let rest = series.without(&in_order(&found));
        let tail_factor = tail_index_factor(&rest, check);
        check();
        if tail_factor > MAX_TAIL_INDEX_FACTOR {
            break;
        }
        let prior = TailPrior::RETROSPECTIVE.with_tail_scaled(tail_factor);
        let Some(rest) = calibration(&scores, &left, reach, prior) else {
            break;
        };
        if rest.expected_clusters(scores[segment][at]) < MAX_EXPECTED_INCIDENTS {
            certain = found.len();
        }
    }
    found.truncate(certain);
    in_order(&found)
}

/// Whether the highest score stands out at all beside those that share no window with the highest [`MAX_INCIDENTS`]
/// candidates, by far more than will do: most series have no incident, and this costs a tenth of the search.
fn is_candidate(scores: &[Vec<f64>], reach: usize) -> bool {
    let mut left: Vec<Vec<bool>> = scores.iter().map(|s| vec![true; s.len()]).collect();
    let mut top = None;
    for _ in 0..MAX_INCIDENTS {
        let Some((segment, at)) = highest(scores, &left, reach / 2) else {
            break;
        };
        top = top.or(Some(scores[segment][at]));
        leave_out(&mut left[segment], &(at..at + 1), reach);
    }
    let rest = calibration(scores, &left, reach, TailPrior::RETROSPECTIVE);
    top.zip(rest)
        .is_none_or(|(top, rest)| rest.expected_clusters(top) < CANDIDATE_EXPECTATION)
}

fn in_order(places: &[Span]) -> Vec<Span> {
    let mut ordered = places.to_vec();
    ordered.sort_by_key(|(segment, core)| (*segment, core.start));
    ordered
}

/// Where the highest of the scores that are left is: its segment and sample; the first of several. The samples less
/// than `margin` from an end of their segment are no candidates: few windows cover them, so that their scores vary
/// more.
fn highest(scores: &[Vec<f64>], left: &[Vec<bool>], margin: usize) -> Option<(usize, usize)> {
    let inner = |s: usize| margin..scores[s].len().saturating_sub(margin);
    let all = (0..scores.len()).flat_map(|s| inner(s).map(move |i| (s, i)));
    all.filter(|&(s, i)| left[s][i]).reduce(|best, next| {
        let higher = scores[next.0][next.1] > scores[best.0][best.1];
        if higher { next } else { best }
    })
}

/// The channels with the means and deviations of their views taken over the samples that are left.
fn standardised(
    channels: &[ChannelModel],
    held_out: &[Vec<&HeldOut>],
    series: &Series,
    left: &[Vec<bool>],
) -> Vec<ChannelModel> {
    let mut channels = channels.to_vec();
    for (channel, held_out) in channels.iter_mut().zip(held_out) {
        for (scale, distances) in channel.scales.iter_mut().zip(held_out) {
            let (mut weight, mut sums) = (0.0, [(0.0, 0.0); View::COUNT]);
            for ((segment, distances), left) in series.segments.iter().zip(*distances).zip(left) {
                let starts = starts(segment.start, segment.len(), scale.length, hop(scale.length));
                for run in runs(&starts, scale.length).filter(|r| left[r.samples.start]) {
                    let samples = run.samples.len() as f64;
                    weight += samples;
                    for (sum, d) in sums.iter_mut().zip(mean(&distances[run.windows])) {
                        sum.0 += samples * f64::from(d);
                        sum.1 += samples * f64::from(d) * f64::from(d);
                    }
                }
            }
            if weight == 0.0 {
                continue;
            }
            for (view, (first, second)) in scale.views.iter_mut().zip(sums) {
                view.mean = first / weight;
                view.deviation = (second / weight - view.mean * view.mean).max(0.0).sqrt();
            }
        }
    }
    channels
}

/// The calibration by the scores that are left; none if they are fewer than two longest windows.
fn calibration(
    scores: &[Vec<f64>],
    left: &[Vec<bool>],
    reach: usize,
    prior: TailPrior,
) -> Option<Calibration> {
    let segments = remaining(scores, left);
    let count: usize = segments.iter().map(Vec::len).sum();
    (count >= 2 * reach).then(|| Calibration::fit(&segments, reach, 0.0, prior, Source::HeldOut, 0.5))
}

/// The scores that are left, a segment being cut where some are not.
fn remaining(scores: &[Vec<f64>], left: &[Vec<bool>]) -> Vec<Vec<f64>> {
    let mut segments: Vec<Vec<f64>> = Vec::new();
    for (scores, left) in scores.iter().zip(left) {
        segments.push(Vec::new());
        for (score, left) in scores.iter().zip(left) {
            match segments.last_mut() {
                Some(open) if *left => open.push(*score),
                Some(open) if !open.is_empty() => segments.push(Vec::new()),
                _ => {}
            }
        }
    }
    segments
}

/// Where something is odd, as sharply as windows tell it.
struct LocalizedScore {
    /// Per segment and sample the sum over window lengths of the lowest score of the windows that cover it: a sample
    /// beside an incident has a window that does not reach it.
    lowest: Vec<Vec<f64>>,
    median: f64,
}

impl LocalizedScore {
    fn of(channels: &[ChannelModel], held_out: &[Vec<&HeldOut>], series: &Series, check: Check) -> Self {
        let mut lowest: Vec<Vec<f64>> = series.segments.iter().map(|s| vec![0.0; s.len()]).collect();
        let mut pooling = ChannelPooling::new(channels.len(), false);
        for scale in 0..channels[0].scales.len() {
            let length = channels[0].scales[scale].length;
            let weight = scale_weight(channels, scale);
            for (s, segment) in series.segments.iter().enumerate() {
                let starts = starts(segment.start, segment.len(), length, hop(length));
                let windows: Vec<f64> = (0..starts.len())
                    .map(|w| {
                        if w.is_multiple_of(WINDOWS_PER_CHECK) {
                            check();
                        }
                        let distances = held_out.iter().map(|c| c[scale][s][w]);
                        let models = channels.iter().map(|c| &c.scales[scale]);
                        pooling
                            .add(models, weight, ScoringMode::Retrospective, distances)
                            .0
                    })
                    .collect();
                if windows.is_empty() {
                    continue;
                }
                for run in runs(&starts, length) {
                    let least = windows[run.windows].iter().copied().fold(f64::INFINITY, f64::min);
                    lowest[s][run.samples].iter_mut().for_each(|l| *l += least);
                }
            }
        }
        check();
        let mut all = lowest.concat();
        check();
        let middle = all.len() / 2;
        let median = *all.select_nth_unstable_by(middle, f64::total_cmp).1;
        Self { lowest, median }
    }

    /// The samples of the incident that gives the score of sample `at` of a segment its height.
    fn core(&self, segment: usize, at: usize, reach: usize) -> Range<usize> {
        let lowest = &self.lowest[segment];
        let near = at.saturating_sub(reach / 2)..(at + reach / 2 + 1).min(lowest.len());
        let peak = near
            .clone()
            .reduce(|best, i| if lowest[i] > lowest[best] { i } else { best })
            .unwrap_or(at);
        let level = self.median + CORE_HEIGHT_SHARE * (lowest[peak] - self.median);
        let from = lowest[..peak]
            .iter()
            .rposition(|l| *l < level)
            .map_or(0, |i| i + 1);
        let to = lowest[peak..]
            .iter()
            .position(|l| *l < level)
            .map_or(lowest.len(), |i| peak + i);
        from..to.max(peak + 1)
    }
}
