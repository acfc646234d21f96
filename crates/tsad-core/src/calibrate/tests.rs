use super::*;
use crate::numeric::sampling::uniform;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// Quantiles of the exponential distribution: a sample without noise.
fn exponential(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| -(1.0 - (i as f64 + 0.5) / n as f64).ln())
        .collect()
}

/// The same in a scattered order, so that high scores are no single cluster.
fn scattered(n: usize) -> Vec<f64> {
    let ordered = exponential(n);
    (0..n).map(|i| ordered[i * 7919 % n]).collect()
}

/// The same in an order of chance, in which high scores come together now and then.
fn shuffled(n: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut all = exponential(n);
    for i in (1..n).rev() {
        all.swap(i, (uniform(&mut rng) * (i + 1) as f64) as usize);
    }
    all
}

#[test]
fn p_values_of_an_exponential_sample_are_right_in_body_and_tail() {
    let c = Calibration::fit(
        &[scattered(5000)],
        1,
        0.0,
        TailPrior::RETROSPECTIVE,
        Source::HeldOut,
        1e-3,
    );
    for x in [0.1_f64, 0.7, 2.0, 4.0, 7.0] {
        let (p, expected) = (c.p_value(x), (-x).exp());
        assert!((p / expected - 1.0).abs() < 0.2, "{x} {p} {expected}");
    }
    assert!((c.threshold - 1e-3_f64.ln().abs()).abs() < 0.3);
    assert!((c.achieved / 1e-3 - 1.0).abs() < 0.3);
    assert!(c.supported_alpha() < 1e-4);
}

#[test]
fn equal_scores_give_a_threshold_just_above_and_finite_p_values() {
    let c = Calibration::fit(
        &[vec![0.7; 300]],
        10,
        0.02,
        TailPrior::RETROSPECTIVE,
        Source::InSample,
        1e-4,
    );
    assert!(c.threshold > 0.7 && c.threshold < 20.0);
    assert!(!c.is_anomaly(0.7) && c.p_value(0.7) >= c.alpha);
    assert!(c.is_anomaly(1e4) && c.p_value(1e4) > 0.0);
}

#[test]
fn the_fewer_stretches_the_nearer_to_the_usual_distribution() {
    let far = |reach: usize, times: f64| {
        let scores = scattered(5000).iter().map(|s| times * s).collect();
        let c = Calibration::fit(
            &[scores],
            reach,
            0.0,
            TailPrior::RETROSPECTIVE,
            Source::HeldOut,
            1e-4,
        );
        (c.clusters, c.threshold - times * 2.0_f64.ln())
    };
    // Much lower and much higher than usual: with one cluster the threshold hardly follows, with 100 it does.
    for times in [0.2, 3.0] {
        let ((one, few), (many, seen)) = (far(5000, times), far(0, times));
        assert!(one == 1 && many > 80);
        let truth = times * (1e4_f64 / 2.0).ln();
        assert!((seen / truth - 1.0).abs() < 0.2, "{times}: {seen} {truth}");
        assert!((4.0..15.0).contains(&few), "{times}: {few}");
    }
}

#[test]
fn of_very_many_stretches_the_highest_alone_tell_of_the_tail() {
    // The last part falls off five times as fast as the body, and a tail fitted to a tenth does not see it. The body is
    // as wide as is usual.
    let (steep, wide) = (0.2, TailPrior::RETROSPECTIVE.scale);
    let found = |n: usize, part: f64, alpha: f64| {
        let bend = -part.ln();
        let bent = |x: f64| x.min(bend) + steep * (x - bend).max(0.0);
        let scores = shuffled(n).into_iter().map(|x| wide * bent(x)).collect();
        let c = Calibration::fit(
            &[scores],
            20,
            0.0,
            TailPrior::RETROSPECTIVE,
            Source::HeldOut,
            alpha,
        );
        let found = c.threshold / wide;
        let straight = found.min(bend) + (found - bend).max(0.0) / steep;
        (-straight).exp() / alpha
    };
    for (n, part, least) in [(50_000, 0.02, 1e-3), (500_000, 0.0005, 1e-4)] {
        for alpha in [0.5, 0.1, 1e-2, 1e-3, least] {
            let rate = found(n, part, alpha);
            assert!((0.5..2.0).contains(&rate), "{n} {alpha}: {rate}");
        }
    }
    assert!(found(1000, 0.02, 1e-4) < 0.1, "few stretches cannot tell");
}

#[test]
fn between_knots_the_distribution_is_that_of_the_scores() {
    let c = Calibration::fit(
        &[scattered(500_000)],
        0,
        0.0,
        TailPrior::RETROSPECTIVE,
        Source::HeldOut,
        1e-9,
    );
    assert!(c.tail_share < 1e-3, "{}", c.tail_share);
    for p in [0.99, 0.7, 0.3, 0.05, 1e-2, 3e-3, 1e-3] {
        let found = c.p_value(-f64::ln(p));
        assert!((found / p - 1.0).abs() < 0.05, "{p} {found}");
    }
}

#[test]
fn a_past_incident_is_set_aside_and_wild_times_are_not() {
    // Twenty neighbours share every score, as samples do that share windows.
    let lasting = || -> Vec<f64> { scattered(1000).iter().flat_map(|s| [*s; 20]).collect() };
    let clean = Calibration::fit(
        &[lasting()],
        20,
        0.02,
        TailPrior::RETROSPECTIVE,
        Source::HeldOut,
        1e-3,
    );
    let mut incident = lasting();
    incident[2000..2050].fill(40.0);
    incident[3000..3030].fill(45.0);
    let dirty = Calibration::fit(
        std::slice::from_ref(&incident),
        20,
        0.02,
        TailPrior::RETROSPECTIVE,
        Source::HeldOut,
        1e-3,
    );
    assert_eq!(clean.set_aside, 0);
    assert!((80..200).contains(&dirty.set_aside));
    assert!(dirty.threshold < 1.5 * clean.threshold);
    let trusting = Calibration::fit(
        &[incident],
        20,
        0.0,
        TailPrior::RETROSPECTIVE,
        Source::HeldOut,
        1e-3,
    );
    assert!(trusting.set_aside == 0 && trusting.threshold > dirty.threshold);
}

#[test]
fn the_share_above_a_moved_threshold_is_that_of_the_scores() {
    let scores = scattered(5000);
    let c = Calibration::fit(
        std::slice::from_ref(&scores),
        1,
        0.0,
        TailPrior::RETROSPECTIVE,
        Source::HeldOut,
        1e-3,
    );
    for alpha in [1e-4, 1e-2, 0.05, 0.3] {
        let moved = c.at(alpha);
        let above = scores.iter().filter(|s| **s > moved.threshold).count() as f64 / 5000.0;
        assert!((moved.achieved - above).abs() < 0.02, "{alpha}");
        assert!(alpha > 0.04 || moved.achieved == above, "{alpha}");
    }
}

proptest! {
    #[test]
    fn flag_threshold_and_p_value_agree(
        scores in prop::collection::vec(0.0_f64..20.0, 1..200),
        reach in 0_usize..50,
        contamination in 0.0_f64..0.4,
        alpha in prop::sample::select(vec![1e-9, 1e-4, 0.01, 0.09, 0.1, 0.3, 0.5]),
        again in prop::sample::select(vec![1e-12, 1e-3, 0.2]),
        labels in prop::collection::vec(0.0_f64..30.0, 0..6),
        at in 0.0_f64..40.0,
    ) {
        let (head, tail) = scores.split_at(scores.len() / 2);
        let segments = [head.to_vec(), tail.to_vec()];
        let first = Calibration::fit(&segments, reach, contamination, TailPrior::RETROSPECTIVE, Source::HeldOut, alpha);
        let (normal, anomalous) = labels.split_at(labels.len() / 2);
        for c in [first.clone(), first.at(again), first.by_labels(normal, anomalous)] {
            let near = [at, c.threshold, c.threshold.next_up(), c.threshold.next_down()];
            for s in scores.iter().copied().chain(near) {
                let p = c.p_value(s);
                prop_assert!(p > 0.0 && p <= 1.0);
                prop_assert_eq!(s > c.threshold, p < c.alpha);
                prop_assert_eq!(c.is_anomaly(s), p < c.alpha);
                prop_assert!(c.p_value(s + 0.5) <= p);
                prop_assert_eq!(c.is_anomaly(c.score_of(p)), p < c.alpha);
            }
        }
    }
}

#[test]
fn in_coarser_scores_all_that_is_usual_is_larger() {
    let scores: Vec<f64> = (0..300).map(|i| f64::from(i % 10) / 100.0).collect();
    let threshold = |prior: TailPrior, times: f64| {
        let scores = scores.iter().map(|s| times * s).collect();
        Calibration::fit(&[scores], 50, 0.0, prior, Source::HeldOut, 1e-3).threshold
    };
    let (once, thrice) = (TailPrior::RETROSPECTIVE, TailPrior::RETROSPECTIVE.scaled(3.0));
    assert!((threshold(thrice, 3.0) / threshold(once, 1.0) - 3.0).abs() < 0.05);
    assert!(threshold(once, 3.0) < 0.8 * threshold(thrice, 3.0));
}
