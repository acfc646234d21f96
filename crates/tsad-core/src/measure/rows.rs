//! Evaluation of rows as a database has them: with times, without a score here and there, of one class at times.

use super::evaluate::{DecisionMeasures, Measures, evaluate_decisions, evaluate_with};
use super::event::false_alarms_per_day;
use super::input::check_events;
use super::period::period_length;
use super::run::runs;
use crate::control::{Check, ComparisonTicker};
use crate::error::{Error, ErrorKind, Result};

/// A row with a label and what a detector said of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The time, in microseconds; used for the delay and for false alarms per day.
    pub time: i64,
    /// The score, higher is more anomalous; NaN where there is none.
    pub score: f64,
    /// Whether the row is anomalous in truth.
    pub label: bool,
    /// Whether the detector raised an alarm; `None` where it decided nothing, which counts as no alarm.
    pub alarm: Option<bool>,
}

/// The measures of a series of rows; what is not defined for it is `None`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The number of rows.
    pub rows: usize,
    /// Those without a score.
    pub unscored: usize,
    /// Those labelled anomalous.
    pub anomalous: usize,
    /// The number of runs of rows labelled anomalous.
    pub events: usize,
    /// The window of the volume measures, in rows and at most their number; there if `scores` is.
    pub window: Option<usize>,
    /// The measures of the scores; `None` where all labels are alike or no row has a score.
    pub scores: Option<Measures>,
    /// The measures of the decisions; `None` without a decision, without an event, or where all times are equal.
    pub decisions: Option<DecisionMeasures>,
    /// The mean time in microseconds from the beginning of an event to the first alarm in it, over the events
    /// that were found.
    pub delay_us: Option<f64>,
    /// As in [`DecisionMeasures`], but there without an event too.
    pub false_alarms_per_day: Option<f64>,
}

/// Sorts rows by time; rows of equal time get an order that does not depend on the one they came in. Calls `check` now
/// and then, as [`evaluate_rows`].
pub fn sort_by_time(rows: &mut [Judged], check: Check<'_>) {
    let ticker = ComparisonTicker::new(check);
    rows.sort_unstable_by(|a, b| {
        ticker.step();
        let rest = || (a.label, a.alarm).cmp(&(b.label, b.alarm));
        let score = || a.score.total_cmp(&b.score);
        a.time.cmp(&b.time).then_with(score).then_with(rest)
    });
}

/// All measures of rows in the order of time.
///
/// A row without a score gets the lowest score of the others: nothing was said against it. `window` is that of
/// [`super::vus`], at most the number of rows; by default the [`period_length`] of the scores. Days are counted over
/// the time from the first to the last row plus one median step between successive distinct times.
///
/// Cost and cancellation as [`evaluate_with`].
///
/// # Errors
/// `NotFinite` where a score is infinite.
pub fn evaluate_rows(rows: &[Judged], window: Option<usize>, check: Check<'_>) -> Result<Evaluation> {
    let labels: Vec<bool> = rows.iter().map(|r| r.label).collect();
    let events = runs(labels.iter().copied());
    let anomalous = labels.iter().filter(|l| **l).count();
    check();
    let mut found = Evaluation {
        rows: rows.len(),
        unscored: rows.iter().filter(|r| r.score.is_nan()).count(),
        anomalous,
        events: events.len(),
        window: None,
        scores: None,
        decisions: None,
        delay_us: None,
        false_alarms_per_day: None,
    };
    if rows.iter().any(|r| r.score.is_infinite()) {
        return Err(Error::new(ErrorKind::NotFinite, "score is infinite")
            .with_hint("Replace infinite scores by NULL, or by a number above all others."));
    }
    if anomalous > 0 && anomalous < rows.len() && found.unscored < rows.len() {
        let lowest = rows.iter().map(|r| r.score).fold(f64::INFINITY, f64::min);
        let score = |r: &Judged| if r.score.is_nan() { lowest } else { r.score };
        let scores: Vec<f64> = rows.iter().map(score).collect();
        // Every width costs a pass, and one beyond the rows tells nothing more of them.
        let window = window.unwrap_or_else(|| period_length(&scores)).min(rows.len());
        found.window = Some(window);
        found.scores = Some(evaluate_with(&scores, &labels, window, check)?);
    }
    check();
    let span = span_us(rows).filter(|_| rows.iter().any(|r| r.alarm.is_some()));
    if let Some(span) = span {
        check();
        let alarms: Vec<bool> = rows.iter().map(|r| r.alarm == Some(true)).collect();
        found.false_alarms_per_day = Some(false_alarms_per_day(&alarms, &labels, span)?);
        check();
        if check_events(&events).is_ok() {
            found.decisions = Some(evaluate_decisions(&alarms, &labels, span)?);
            let delays = events.iter().filter_map(|event| {
                let first = alarms[event.clone()].iter().position(|a| *a)?;
                Some(rows[event.start + first].time.abs_diff(rows[event.start].time) as f64)
            });
            let (sum, count) = delays.fold((0.0, 0_usize), |(sum, count), d| (sum + d, count + 1));
            found.delay_us = (count > 0).then(|| sum / count as f64);
        }
    }
    Ok(found)
}

/// The time that rows in order of time cover: from the first to the last, and one median step.
fn span_us(rows: &[Judged]) -> Option<i64> {
    let steps = rows.windows(2).map(|w| w[1].time.abs_diff(w[0].time));
    let mut steps: Vec<u64> = steps.filter(|s| *s > 0).collect();
    let middle = steps.len().checked_sub(1)? / 2;
    let (_, &mut step, _) = steps.select_nth_unstable(middle);
    let whole = rows
        .last()?
        .time
        .abs_diff(rows.first()?.time)
        .saturating_add(step);
    Some(i64::try_from(whole).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{detection_delay, evaluate};

    const HOUR: i64 = 3_600_000_000;

    fn rows(n: usize) -> Vec<Judged> {
        (0..n)
            .map(|i| Judged {
                time: i as i64 * HOUR,
                score: ((i * 7919) % 101) as f64 + if (50..55).contains(&i) { 60.0 } else { 0.0 },
                label: (50..55).contains(&i) || (80..82).contains(&i),
                alarm: Some(i == 10 || (52..60).contains(&i)),
            })
            .collect()
    }

    #[test]
    fn a_window_beyond_all_rows_is_that_of_the_rows() {
        let passes = std::cell::Cell::new(0);
        let rows = rows(240);
        let far = evaluate_rows(&rows, Some(usize::MAX), &|| passes.set(passes.get() + 1)).unwrap();
        assert_eq!(far.window, Some(240));
        assert_eq!(far, evaluate_rows(&rows, Some(240), &|| {}).unwrap());
        assert!((241..1000).contains(&passes.get()), "{}", passes.get());
    }

    #[test]
    fn rows_have_the_measures_of_their_columns() {
        let rows = rows(240);
        let found = evaluate_rows(&rows, Some(20), &|| {}).unwrap();
        let scores: Vec<f64> = rows.iter().map(|r| r.score).collect();
        let labels: Vec<bool> = rows.iter().map(|r| r.label).collect();
        let alarms: Vec<bool> = rows.iter().map(|r| r.alarm.unwrap()).collect();
        assert_eq!(
            (found.rows, found.unscored, found.anomalous, found.events),
            (240, 0, 7, 2)
        );
        assert_eq!(found.scores, Some(evaluate(&scores, &labels, 20).unwrap()));
        let decided = evaluate_decisions(&alarms, &labels, 240 * HOUR).unwrap();
        assert_eq!(found.decisions, Some(decided));
        assert_eq!(found.false_alarms_per_day, Some(0.1));
        let delay = detection_delay(&alarms, &labels).unwrap().unwrap();
        assert_eq!(found.delay_us, Some(delay * HOUR as f64));
        let by_period = evaluate_rows(&rows, None, &|| {}).unwrap();
        assert_eq!(by_period.window, Some(period_length(&scores)));
    }

    #[test]
    fn a_row_without_score_counts_as_the_lowest() {
        let mut gaps = rows(240);
        let mut filled = gaps.clone();
        for i in [3, 51, 200] {
            (gaps[i].score, filled[i].score) = (f64::NAN, 0.0);
        }
        let (gaps, filled) = (
            evaluate_rows(&gaps, None, &|| {}),
            evaluate_rows(&filled, None, &|| {}),
        );
        let (gaps, filled) = (gaps.unwrap(), filled.unwrap());
        assert_eq!(gaps.scores, filled.scores);
        assert_eq!((gaps.unscored, filled.unscored), (3, 0));
    }

    #[test]
    fn what_is_not_defined_is_left_out() {
        let mut normal = rows(240);
        normal.iter_mut().for_each(|r| r.label = false);
        let found = evaluate_rows(&normal, None, &|| {}).unwrap();
        assert!(found.scores.is_none() && found.decisions.is_none() && found.delay_us.is_none());
        assert_eq!(found.false_alarms_per_day, Some(0.2));
        let mut undecided = rows(240);
        undecided.iter_mut().for_each(|r| r.alarm = None);
        let found = evaluate_rows(&undecided, None, &|| {}).unwrap();
        assert!(found.scores.is_some() && found.decisions.is_none() && found.false_alarms_per_day.is_none());
        let mut unscored = rows(240);
        unscored.iter_mut().for_each(|r| r.score = f64::NAN);
        let found = evaluate_rows(&unscored, None, &|| {}).unwrap();
        assert!(found.scores.is_none() && found.window.is_none() && found.decisions.is_some());
        let nothing = evaluate_rows(&[], None, &|| {}).unwrap();
        assert_eq!((nothing.rows, nothing.scores), (0, None));
    }

    #[test]
    fn an_infinite_score_is_an_error_and_so_known() {
        let mut bad = rows(9);
        bad[3].score = f64::NEG_INFINITY;
        let e = evaluate_rows(&bad, None, &|| {}).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NotFinite);
    }

    #[test]
    fn sorting_does_not_depend_on_the_order_of_arrival() {
        let mut a = rows(60);
        a.iter_mut().for_each(|r| r.time /= 3 * HOUR);
        let mut b: Vec<Judged> = a.iter().rev().copied().collect();
        sort_by_time(&mut a, &|| {});
        sort_by_time(&mut b, &|| {});
        assert_eq!(a, b);
        assert!(a.is_sorted_by_key(|r| r.time));
    }
}
