//! Episodes: runs of anomalous points.

use crate::expect::Silence;
use crate::model::component::PerComponent;
use crate::score::point::{Evidence, Point};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How points become episodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventParams {
    /// A point told by windows whose score is below this share of the highest such score within `reach` of it is not counted,
    /// 0 to 1: windows carry the score of an incident as far as they are long, falling off with the distance.
    pub focus: f64,
    /// The length of the longest window, in the unit of the times; not negative.
    pub reach: i64,
    /// Which anomalous points belong to one episode.
    pub gap: MergeGap,
    /// An episode with fewer anomalous points is left out.
    pub min_points: usize,
    /// An episode of shorter duration is left out.
    pub min_duration: i64,
}

/// How far apart anomalous points of one episode may be, in the unit of the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeGap {
    /// At most so far; not negative.
    Fixed(i64),
    /// As far as is usual for what the points were told by.
    ByEvidence {
        /// The sampling interval, above 0. Points told by themselves may be three samples apart, or a third of the points
        /// of the episode so far.
        interval: i64,
        /// The length of the shortest window: it blurs what is nearer.
        window: i64,
    },
}

/// Rows that are missing between two anomalous rows of one episode.
const FEW: i64 = 3;
/// A longer episode bridges no more rows than this.
const MOST: i64 = 32;

impl MergeGap {
    /// The largest distance of the next point of an episode.
    pub(super) fn of(self, e: &Event, next: Option<Evidence>) -> i64 {
        match self {
            Self::Fixed(gap) => gap,
            Self::ByEvidence { interval, window } => {
                let third = i64::try_from(e.points / 3).unwrap_or(MOST).min(MOST);
                let samples = 1 + third.max(FEW);
                let half = interval / 2;
                let rows = interval.saturating_mul(samples).saturating_add(half);
                let blurred =
                    e.evidence == Some(Evidence::Window) && next.is_none_or(|n| n == Evidence::Window);
                if blurred { rows.max(window) } else { rows }
            }
        }
    }
}

/// A run of anomalous points, short breaks included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The time of the first anomalous point.
    pub start: i64,
    /// The time of the last anomalous point so far.
    pub last: i64,
    /// Whether a later point could still belong to the episode.
    pub open: bool,
    /// The time of the point most to blame: that of the smallest p-value, the first of several.
    pub peak: i64,
    /// Its score.
    pub peak_score: f64,
    /// What the peak was told by.
    #[serde(default)]
    pub evidence: Option<Evidence>,
    /// Whether the peak lies above the expected band (1) or below it (-1), or neither (0).
    #[serde(default)]
    pub peak_change: i8,
    /// The smallest p-value.
    pub min_p_value: f64,
    /// The number of anomalous points.
    pub points: usize,
    /// The mean share of each view over the anomalous points; sums to 1.
    pub views: PerComponent<f64>,
    /// The mean share of each channel over the anomalous points; sums to 1.
    pub channels: Vec<f64>,
    /// The number of anomalous points above the expected band less the number of those below it.
    #[serde(default)]
    pub balance: i64,
}

/// Joins the anomalous points of one series, given in time order, to episodes, in time order.
pub fn events(points: &[Point], params: &EventParams) -> Vec<Event> {
    let mut found: Vec<Event> = Vec::new();
    for p in suppress_non_maxima(points, params) {
        params.join(&mut found, p);
    }
    let end = points.last().map_or(0, |p| p.time);
    for e in &mut found {
        e.finish(end, params.gap);
    }
    found.retain(|e| params.counts(e));
    found
}

impl EventParams {
    /// Adds a point to the last episode, or begins another.
    pub(crate) fn join(&self, found: &mut Vec<Event>, p: &Point) {
        match found.last_mut() {
            Some(e) if p.time.abs_diff(e.last) <= self.gap.of(e, p.evidence).unsigned_abs() => e.add(p),
            _ => found.push(Event::of(p)),
        }
    }

    /// Whether an episode is large enough to be told.
    pub(crate) fn counts(&self, e: &Event) -> bool {
        e.points >= self.min_points && e.last.abs_diff(e.start) >= self.min_duration.unsigned_abs()
    }
}

/// The anomalous points that count: those not in the shadow of a much higher score within `reach`.
pub(crate) fn suppress_non_maxima<'a>(points: &'a [Point], params: &EventParams) -> Vec<&'a Point> {
    let anomalies: Vec<&Point> = points.iter().filter(|p| p.is_anomaly == Some(true)).collect();
    let peaks = highest_within(&anomalies, params.reach);
    let counts =
        |(p, peak): &(&Point, f64)| !by_windows(p) || p.score.is_some_and(|s| s >= params.focus * peak);
    let both = anomalies.into_iter().zip(peaks);
    both.filter(counts).map(|(p, _)| p).collect()
}

/// Whether only windows tell of a point.
fn by_windows(p: &Point) -> bool {
    p.evidence.is_none_or(|e| e == Evidence::Window)
}

/// For every point the highest score of windows among the points at most `reach` before or after it.
fn highest_within(points: &[&Point], reach: i64) -> Vec<f64> {
    let score = |i: usize| points[i].score.filter(|_| by_windows(points[i])).unwrap_or(0.0);
    let near = |i: usize, j: usize| points[i].time.abs_diff(points[j].time) <= reach.unsigned_abs();
    // Indices whose scores fall: the first is the highest of those that are still near.
    let mut falling: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    let highest = |i: usize| {
        while next < points.len() && near(i, next) {
            while falling.pop_back_if(|j| score(*j) <= score(next)).is_some() {}
            falling.push_back(next);
            next += 1;
        }
        while falling.pop_front_if(|j| !near(i, *j)).is_some() {}
        falling.front().map_or(0.0, |j| score(*j))
    };
    (0..points.len()).map(highest).collect()
}

impl Event {
    /// Whether its peak lies above the expected band (1) or below it (-1); where neither is true, what most of its points do.
    pub fn direction(&self) -> i8 {
        match self.peak_change {
            0 => self.balance.signum() as i8,
            peak => peak,
        }
    }

    /// An episode in which no row came where rows were to be expected; of column `c` of `channels`. It lasts from the last row
    /// before the break to the first row after it, and is open while there is none.
    pub fn of_silence(silence: &Silence, open: bool, c: usize, channels: usize) -> Self {
        let mut shares = vec![0.0; channels];
        shares[c] = 1.0;
        Self {
            start: silence.from,
            last: silence.to,
            open,
            peak: silence.from,
            peak_score: silence.missed,
            evidence: Some(Evidence::Silence),
            peak_change: -1,
            min_p_value: 0.0,
            points: 0,
            views: PerComponent::default(),
            channels: shares,
            balance: -1,
        }
    }

    fn of(p: &Point) -> Self {
        let mut event = Self {
            start: p.time,
            last: p.time,
            open: false,
            peak: p.time,
            peak_score: f64::NEG_INFINITY,
            evidence: None,
            peak_change: 0,
            min_p_value: f64::INFINITY,
            points: 0,
            views: PerComponent::default(),
            channels: vec![0.0; p.channels.as_ref().map_or(0, Vec::len)],
            balance: 0,
        };
        event.add(p);
        event
    }

    fn add(&mut self, p: &Point) {
        self.last = p.time;
        self.points += 1;
        let score = p.score.unwrap_or(f64::NEG_INFINITY);
        let p_value = p.p_value.unwrap_or(1.0);
        if p_value < self.min_p_value || p_value == self.min_p_value && score > self.peak_score {
            (self.peak, self.peak_score, self.min_p_value) = (p.time, score, p_value);
            (self.evidence, self.peak_change) = (p.evidence, p.change.unwrap_or(0));
        }
        self.balance += i64::from(p.change.unwrap_or(0));
        for (sum, share) in self.views.iter_mut().zip(p.views.iter().flatten()) {
            *sum += share;
        }
        for (sum, share) in self.channels.iter_mut().zip(p.channels.iter().flatten()) {
            *sum += share;
        }
    }

    /// Turns the sums of the shares into means.
    pub(crate) fn finish(&mut self, end: i64, gap: MergeGap) {
        self.open = end.abs_diff(self.last) <= gap.of(self, None).unsigned_abs();
        let share = 1.0 / self.points as f64;
        self.views
            .iter_mut()
            .chain(&mut self.channels)
            .for_each(|s| *s *= share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;
    use proptest::prelude::*;

    const PARAMS: EventParams = EventParams {
        focus: 0.0,
        reach: 0,
        gap: MergeGap::Fixed(2),
        min_points: 1,
        min_duration: 0,
    };

    fn points(flags: &str) -> Vec<Point> {
        let point = |(i, f): (usize, char)| Point {
            score: Some(if f == '#' { 3.0 + i as f64 } else { 0.5 }),
            p_value: Some(0.1 / (i + 1) as f64),
            is_anomaly: Some(f == '#'),
            views: Some([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
            channels: Some(vec![1.0]),
            ..Point::unscored(i as i64, Status::Ok)
        };
        flags.chars().enumerate().map(point).collect()
    }

    #[test]
    fn short_breaks_are_merged_and_long_ones_split() {
        let found = events(&points(".##.#..##...."), &PARAMS);
        let spans: Vec<_> = found
            .iter()
            .map(|e| (e.start, e.last, e.points, e.open))
            .collect();
        assert_eq!(spans, [(1, 4, 3, false), (7, 8, 2, false)]);
        assert_eq!((found[0].peak, found[0].peak_score), (4, 7.0));
        assert!((found[0].min_p_value - 0.02).abs() < 1e-12);
        assert_eq!(
            (found[0].views, &found[0].channels),
            ([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], &vec![1.0])
        );
    }

    #[test]
    fn the_direction_is_that_of_the_peak_or_else_of_most_points() {
        let direction = |changes: [i8; 3]| {
            // The last of them has the highest score.
            let mut all = points("###...");
            for (p, change) in all.iter_mut().zip(changes) {
                p.change = Some(change);
            }
            events(&all, &PARAMS)[0].direction()
        };
        assert_eq!([direction([1, 1, -1]), direction([-1, -1, 1])], [-1, 1]);
        assert_eq!(
            [direction([0, -1, 0]), direction([1, 1, 0]), direction([1, -1, 0])],
            [-1, 1, 0]
        );
    }

    #[test]
    fn an_episode_at_the_end_is_open() {
        assert!(events(&points("..##."), &PARAMS)[0].open);
        assert!(!events(&points("..##..."), &PARAMS)[0].open);
    }

    #[test]
    fn small_episodes_can_be_left_out() {
        let all = points("#....###....#.#...");
        let count = |p: EventParams| events(&all, &p).len();
        assert_eq!(count(PARAMS), 3);
        assert_eq!(
            count(EventParams {
                min_points: 2,
                ..PARAMS
            }),
            2
        );
        assert_eq!(
            count(EventParams {
                min_points: 3,
                ..PARAMS
            }),
            1
        );
        assert_eq!(
            count(EventParams {
                min_duration: 2,
                ..PARAMS
            }),
            2
        );
        assert_eq!(events(&[], &PARAMS), []);
    }

    #[test]
    fn points_near_a_much_higher_one_are_not_counted() {
        let scores = [3.0, 4.0, 9.0, 10.0, 4.0, 3.0, 3.0, 3.0, 3.5, 3.0];
        let point = |(i, s): (usize, &f64)| Point {
            score: Some(*s),
            is_anomaly: Some(true),
            ..Point::unscored(i as i64, Status::Ok)
        };
        let points: Vec<Point> = scores.iter().enumerate().map(point).collect();
        let spans = |focus: f64| -> Vec<_> {
            let params = EventParams {
                focus,
                reach: 3,
                gap: MergeGap::Fixed(1),
                ..PARAMS
            };
            events(&points, &params)
                .iter()
                .map(|e| (e.start, e.last))
                .collect()
        };
        assert_eq!(spans(0.0), [(0, 9)]);
        assert_eq!(spans(0.5), [(2, 3), (7, 9)]);
        assert_eq!(spans(1.0), [(3, 3), (8, 8)]);
    }

    proptest! {
        #[test]
        fn the_highest_score_within_reach_is_found(
            scores in prop::collection::vec(0.0_f64..9.0, 0..40), reach in 0_i64..12, step in 1_i64..4,
        ) {
            let point = |(i, s): (usize, &f64)| Point {
                score: Some(*s), ..Point::unscored(step * i as i64, Status::Ok)
            };
            let points: Vec<Point> = scores.iter().enumerate().map(point).collect();
            let refs: Vec<&Point> = points.iter().collect();
            for (p, found) in refs.iter().zip(highest_within(&refs, reach)) {
                let near = points.iter().filter(|q| (q.time - p.time).abs() <= reach);
                let plain = near.filter_map(|q| q.score).fold(0.0, f64::max);
                prop_assert_eq!(found, plain);
            }
        }
    }
}
