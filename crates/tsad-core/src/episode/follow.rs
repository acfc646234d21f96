//! Episodes of a series that grows: each call goes on where the one before stopped.

use super::event::{Event, EventParams, suppress_non_maxima};
use crate::score::point::Point;
use serde::{Deserialize, Serialize};

/// Where the following of a series has come to. Everything up to `watermark` is decided for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Up to this time, included, nothing changes any more.
    pub watermark: i64,
    /// The latest episode at that time, if later points can still belong to it; its shares are sums.
    pub carry: Option<Event>,
}

/// How far the following may go. Times and lengths have the unit of the times of the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowLimits {
    /// Rows may arrive this much later than rows with a later time.
    pub late: i64,
    /// Stop at this time: another model is to be trained on what lies before.
    pub next_training: Option<i64>,
    /// Stop when an episode has lasted this long, above 0: it may be the new normal.
    pub adapt_after: Option<i64>,
    /// The end of the training data of the model.
    pub trained_until: i64,
}

/// Why the following stopped before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrainReason {
    /// The time for another training has come.
    Schedule,
    /// An episode has lasted so long that it may be the new normal.
    Adapt,
}

/// What was found after a [`Checkpoint`].
#[derive(Debug, Clone, PartialEq)]
pub struct FollowResult {
    /// Where to go on.
    pub checkpoint: Checkpoint,
    /// Why a training is due at the mark, if one is.
    pub retrain: Option<RetrainReason>,
    /// The episodes after the mark that was given, the one it carried included, in time order.
    pub episodes: Vec<EpisodeUpdate>,
}

/// An episode, and whether later rows can change it.
#[derive(Debug, Clone, PartialEq)]
pub struct EpisodeUpdate {
    /// The episode.
    pub event: Event,
    /// Whether nothing changes it any more.
    pub is_final: bool,
}

/// Goes on from a mark. `points` are a stretch of the series in time order, scored with all rows within the model's
/// reach of them, and begin at least `params.reach` before the mark.
///
/// What lies up to the new mark is decided for good: the scores there are final, no late row is expected, and every
/// score that could put a point into the shade is final too. So the episodes up to a mark do not depend on how
/// often, and at which times, the series was looked at, as long as no row comes later than `limits.late`. After the
/// mark episodes are told as they look now. Time is linear in the number of points.
pub fn follow(
    points: &[Point],
    params: &EventParams,
    from: &Checkpoint,
    limits: &FollowLimits,
) -> FollowResult {
    let mut until = watermark(points, params, from, limits);
    let mut retrain = None;
    if let Some(next) = limits.next_training.filter(|next| *next <= until) {
        (until, retrain) = (next.max(from.watermark), Some(RetrainReason::Schedule));
    }
    let mut found: Vec<Event> = from.carry.iter().cloned().collect();
    let counted = suppress_non_maxima(points, params);
    let mut rest = counted.into_iter().filter(|p| p.time > from.watermark).peekable();
    while let Some(p) = rest.next_if(|p| p.time <= until) {
        params.join(&mut found, p);
        let lasted = |e: &Event| e.last.saturating_sub(e.start.max(limits.trained_until));
        let latest = found.last().map_or(0, lasted);
        if limits.adapt_after.is_some_and(|longest| latest >= longest) {
            (until, retrain) = (p.time, Some(RetrainReason::Adapt));
        }
    }
    let gap = params.gap;
    let ended = |e: &Event| until.saturating_sub(e.last) > gap.of(e, None);
    let carry = found.last().filter(|e| !ended(e)).cloned();
    let finals = found.len() - usize::from(carry.is_some());
    rest.for_each(|p| params.join(&mut found, p));
    let end = points.last().map_or(until, |p| p.time.max(until));
    let update = |(i, mut event): (usize, Event)| {
        event.finish(end, gap);
        let is_final = i < finals;
        EpisodeUpdate { event, is_final }
    };
    FollowResult {
        checkpoint: Checkpoint {
            watermark: until,
            carry,
        },
        retrain,
        episodes: found
            .into_iter()
            .enumerate()
            .map(update)
            .filter(|t| params.counts(&t.event))
            .collect(),
    }
}

/// The time up to which everything is decided.
fn watermark(points: &[Point], params: &EventParams, from: &Checkpoint, limits: &FollowLimits) -> i64 {
    let last_final = points.iter().rfind(|p| p.is_final);
    let Some((last_final, newest)) = last_final.zip(points.last()) else {
        return from.watermark;
    };
    let in_sight = last_final.time.saturating_sub(params.reach);
    let on_time = newest.time.saturating_sub(limits.late);
    in_sight.min(on_time).max(from.watermark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;
    use crate::episode::{MergeGap, events};
    use proptest::prelude::*;

    const PARAMS: EventParams = EventParams {
        focus: 0.5,
        reach: 4,
        gap: MergeGap::Fixed(2),
        min_points: 1,
        min_duration: 0,
    };
    const LIMITS: FollowLimits = FollowLimits {
        late: 0,
        next_training: None,
        adapt_after: None,
        trained_until: 0,
    };
    /// Points from this many before the end on are not final.
    const OPEN: usize = 3;

    /// The points that are read when `known` rows have come, from `first` on.
    fn read(scores: &[f64], first: usize, known: usize) -> Vec<Point> {
        let point = |(i, s): (usize, &f64)| Point {
            score: Some(*s),
            p_value: Some(0.1 / (1.0 + s)),
            is_anomaly: Some(*s > 1.0),
            views: Some([0.1 * s, 1.0 - 0.1 * s, 0.0, 0.0, 0.0, 0.0]),
            channels: Some(vec![1.0]),
            is_final: i + OPEN < known,
            ..Point::unscored(i as i64, Status::Ok)
        };
        let all = scores.iter().enumerate().take(known);
        all.map(point).skip(first).collect()
    }

    fn start() -> Checkpoint {
        Checkpoint {
            watermark: -1,
            carry: None,
        }
    }

    /// Looks when `known` rows have come, for each of these numbers in turn, and gathers what became final.
    fn watched(scores: &[f64], looks: &[usize]) -> Vec<Event> {
        let mut checkpoint = start();
        let mut kept: Vec<EpisodeUpdate> = Vec::new();
        for &known in looks {
            let first = usize::try_from(checkpoint.watermark - PARAMS.reach).unwrap_or(0);
            let text = serde_json::to_string(&checkpoint).unwrap();
            checkpoint = serde_json::from_str(&text).unwrap();
            let followed = follow(&read(scores, first, known), &PARAMS, &checkpoint, &LIMITS);
            assert!(followed.checkpoint.watermark >= checkpoint.watermark);
            kept.retain(|t| t.is_final);
            kept.extend(followed.episodes);
            checkpoint = followed.checkpoint;
        }
        kept.into_iter().map(|t| t.event).collect()
    }

    proptest! {
        #[test]
        fn episodes_do_not_depend_on_when_one_looked(
            scores in prop::collection::vec(prop_oneof![3 => 0.0_f64..1.0, 2 => 1.0_f64..9.0], 1..80),
            looks in prop::collection::vec(1_usize..80, 0..12),
        ) {
            let n = scores.len();
            let mut looks: Vec<usize> = looks.into_iter().map(|l| l.min(n)).chain([n]).collect();
            looks.sort_unstable();
            let close = |a: &Event, b: &Event| {
                let shares = a.views.iter().zip(&b.views).all(|(x, y)| x == y);
                (a.start, a.last, a.points, a.peak, a.open) == (b.start, b.last, b.points, b.peak, b.open) && shares
            };
            let (found, plain) = (watched(&scores, &looks), events(&read(&scores, 0, n), &PARAMS));
            prop_assert_eq!(found.len(), plain.len());
            for (f, p) in found.iter().zip(&plain) {
                prop_assert!(close(f, p), "{:?} {:?}", f, p);
            }
        }
    }

    #[test]
    fn late_rows_hold_the_mark_back() {
        let points = read(&[0.5; 40], 0, 40);
        let at = |late: i64| {
            follow(&points, &PARAMS, &start(), &FollowLimits { late, ..LIMITS })
                .checkpoint
                .watermark
        };
        assert_eq!((at(0), at(20), at(100)), (32, 19, -1));
    }

    #[test]
    fn a_training_is_due_at_its_time_exactly() {
        let points = read(&[0.5; 40], 0, 40);
        let limits = |next| FollowLimits {
            next_training: Some(next),
            ..LIMITS
        };
        let early = follow(&points, &PARAMS, &start(), &limits(20));
        assert_eq!(
            (early.checkpoint.watermark, early.retrain),
            (20, Some(RetrainReason::Schedule))
        );
        let later = follow(&points, &PARAMS, &start(), &limits(33));
        assert_eq!((later.checkpoint.watermark, later.retrain), (32, None));
    }

    #[test]
    fn an_episode_that_does_not_end_asks_for_a_training() {
        let mut scores = vec![0.5; 60];
        scores[20..].fill(3.0);
        let points = read(&scores, 0, 60);
        let limits = FollowLimits {
            adapt_after: Some(10),
            ..LIMITS
        };
        let found = follow(&points, &PARAMS, &start(), &limits);
        assert_eq!(
            (found.checkpoint.watermark, found.retrain),
            (30, Some(RetrainReason::Adapt))
        );
        assert_eq!(
            found.checkpoint.carry.as_ref().map(|e| (e.start, e.last)),
            Some((20, 30))
        );
        let limits = FollowLimits {
            trained_until: 30,
            ..limits
        };
        let again = follow(&points, &PARAMS, &found.checkpoint, &limits);
        assert_eq!(
            (again.checkpoint.watermark, again.retrain),
            (40, Some(RetrainReason::Adapt))
        );
    }

    #[test]
    fn nothing_read_changes_nothing() {
        let checkpoint = start();
        let found = follow(&[], &PARAMS, &checkpoint, &LIMITS);
        assert_eq!(
            (found.checkpoint, found.retrain, found.episodes),
            (checkpoint, None, vec![])
        );
    }
}
