//! The cancel hook: called often, and obeyed at once.

use crate::common::{short, trained, valid, waves};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tsad_core::{Check, Model, Params, score, train};

/// How often `work` calls the hook.
fn calls(work: impl Fn(Check)) -> usize {
    let count = Cell::new(0);
    work(&|| count.set(count.get() + 1));
    count.get()
}

/// Lets the hook panic at its call number `n` and returns how often it was called.
fn stopped_at(n: usize, work: impl Fn(Check)) -> usize {
    let count = Cell::new(0);
    let hook = || {
        count.set(count.get() + 1);
        if count.get() >= n {
            // Unlike a panic by the macro, without a message on the terminal.
            std::panic::resume_unwind(Box::new("cancelled"));
        }
    };
    let result = catch_unwind(AssertUnwindSafe(|| work(&hook)));
    assert_eq!(result.unwrap_err().downcast_ref(), Some(&"cancelled"));
    count.get()
}

fn training(rows: i64, params: Params) -> impl Fn(Check) {
    let (rows, params) = (waves(rows), valid(params));
    move |check| {
        train(rows.clone(), &params, check).unwrap();
    }
}

fn scoring(model: Model, rows: i64) -> impl Fn(Check) {
    let rows = waves(rows);
    move |check| {
        score(&model, rows.clone(), check).unwrap();
    }
}

#[test]
fn training_stops_at_whichever_call_the_hook_asks_for_it() {
    let work = training(900, short());
    let all = calls(&work);
    assert!(all > 30, "{all} calls");
    for n in 1..=all {
        assert_eq!(stopped_at(n, &work), n, "nothing may run on, not even the hook");
    }
}

#[test]
fn scoring_stops_at_whichever_call_the_hook_asks_for_it() {
    let work = scoring(trained(waves(900), short()), 3000);
    let all = calls(&work);
    assert!(all > 10, "{all} calls");
    for n in 1..=all {
        assert_eq!(stopped_at(n, &work), n);
    }
}

#[test]
fn the_hook_is_called_in_proportion_to_the_rows() {
    let model = trained(waves(3000), Params::default());
    let rows = 100_000;
    let (short, long) = (
        calls(training(rows / 4, Params::default())),
        calls(training(rows, Params::default())),
    );
    let own = long - short;
    assert!(
        own >= rows as usize * 3 / 4 / 2000,
        "training: {own} calls more for 75,000 rows more"
    );
    let (short, long) = (
        calls(scoring(model.clone(), rows / 4)),
        calls(scoring(model, rows)),
    );
    let own = long - short;
    assert!(
        own >= rows as usize * 3 / 4 / 2000,
        "scoring: {own} calls more for 75,000 rows more"
    );
}

#[test]
fn work_that_was_cancelled_leaves_nothing_behind() {
    let model = trained(waves(900), short());
    let before = score(&model, waves(1000), &|| {}).unwrap();
    stopped_at(5, scoring(model.clone(), 1000));
    stopped_at(9, training(900, short()));
    assert_eq!(trained(waves(900), short()), model);
    assert_eq!(score(&model, waves(1000), &|| {}).unwrap(), before);
}
