//! What the measures ask of their input.

use super::run;
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;

fn check_lengths(what: &str, count: usize, labels: usize) -> Result<()> {
    if count != labels {
        return Err(Error::new(
            ErrorKind::InvalidParameter,
            format!("{count} {what} and {labels} labels do not fit together"),
        )
        .with_hint("Give every sample one of each, in time order."));
    }
    if count == 0 {
        return Err(Error::new(
            ErrorKind::TooLittleData,
            "there are no samples to evaluate",
        ));
    }
    Ok(())
}

/// What the measures of a score ask of their input.
pub(super) fn check_scored(scores: &[f64], labels: &[bool]) -> Result<()> {
    check_lengths("scores", scores.len(), labels.len())?;
    if let Some(i) = scores.iter().position(|score| !score.is_finite()) {
        let what = if scores[i].is_nan() { "NaN" } else { "infinite" };
        return Err(Error::new(
            ErrorKind::NotFinite,
            format!("score {} of {} is {what}", i + 1, scores.len()),
        )
        .with_hint("Leave samples without a score out, or give them the lowest score of the series."));
    }
    let positives = labels.iter().filter(|label| **label).count();
    if positives == 0 || positives == labels.len() {
        let what = if positives == 0 { "none" } else { "all" };
        return Err(Error::new(
            ErrorKind::TooLittleData,
            format!("{what} of the {} samples are labelled anomalous", labels.len()),
        )
        .with_hint("A score can only be judged where both normal and anomalous samples are known."));
    }
    Ok(())
}

/// What the measures of decisions ask of their input; the runs of both sides.
#[expect(clippy::type_complexity, reason = "the two lists go apart at once")]
pub(super) fn check_decided(
    predicted: &[bool],
    labels: &[bool],
) -> Result<(Vec<Range<usize>>, Vec<Range<usize>>)> {
    check_lengths("decisions", predicted.len(), labels.len())?;
    Ok((
        run::runs(predicted.iter().copied()),
        run::runs(labels.iter().copied()),
    ))
}

pub(super) fn check_events(events: &[Range<usize>]) -> Result<()> {
    if events.is_empty() {
        return Err(
            Error::new(ErrorKind::TooLittleData, "no sample is labelled anomalous")
                .with_hint("Without labelled events only the false alarms can be counted."),
        );
    }
    Ok(())
}
