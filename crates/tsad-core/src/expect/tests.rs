use super::robust::normal_quantile;
use super::*;
use std::cell::Cell;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2024-03-04, a Monday, in microseconds since 2000-01-01.
const MONDAY: i64 = 8829 * DAY;

/// A normal variable that depends on its number alone.
fn noise(i: i64) -> f64 {
    let mut z = (i as u64)
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    normal_quantile((((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
}

fn every(step: i64, n: i64) -> Vec<i64> {
    (0..n).map(|i| MONDAY + i * step).collect()
}

fn fitted(times: &[i64], values: &[f64]) -> Fitted {
    fitted_in(times, values, &LocalTime::utc(), false)
}

fn fitted_in(times: &[i64], values: &[f64], local: &LocalTime, zone_known: bool) -> Fitted {
    let options = FitOptions {
        calendar: true,
        local,
        zone_known,
        holidays: &[],
        contamination: 0.02,
    };
    Expectation::fit(times, values, &options, &|| {}).unwrap()
}

fn flagged(rows: &[RowEvidence]) -> Vec<usize> {
    (0..rows.len()).filter(|i| rows[*i].flagged).collect()
}

fn judged(e: &Expectation, times: &[i64], values: &[f64]) -> Vec<RowEvidence> {
    e.judge(times, values, 1e-5, &|| {})
}

fn office(i: i64) -> f64 {
    [10.0, 11.0, 12.0, 11.0, 10.0, 4.0, 3.0][(i % 7) as usize]
}

fn daily_wave(t: i64) -> f64 {
    50.0 + 20.0 * (t as f64 / DAY as f64 * std::f64::consts::TAU).sin()
}

#[test]
fn a_season_is_followed_and_an_incident_does_not_move_it() {
    let times = every(HOUR, 24 * 28);
    let clean: Vec<f64> = times.iter().map(|t| daily_wave(*t) + noise(*t / HOUR)).collect();
    let mut with_incident = clean.clone();
    with_incident[200..205].fill(500.0);
    for values in [clean, with_incident] {
        let e = fitted(&times, &values).expectation;
        let mut outlook = e.outlook();
        for t in (0..100).map(|i| MONDAY + 28 * DAY + i * HOUR) {
            let at = outlook.at(t);
            assert!((at.expected - daily_wave(t)).abs() < 1.5, "{at:?}");
            assert!(at.lower < at.expected && at.expected < at.upper && at.upper - at.lower < 20.0);
            assert_eq!((at, at.expected), (e.at(t), e.centre(t)));
        }
        assert!(e.heldout_error() < 2.0 && e.parts()[1].starts_with("day"));
    }
}

#[test]
fn two_weeks_of_days_suffice() {
    let times = every(DAY, 21);
    let values: Vec<f64> = (0..21).map(|i| 1000.0 * office(i) + 100.0 * noise(i)).collect();
    assert!(
        Expectation::fit(
            &times[..13],
            &values[..13],
            &FitOptions {
                calendar: true,
                local: &LocalTime::utc(),
                zone_known: true,
                holidays: &[],
                contamination: 0.02
            },
            &|| {}
        )
        .is_none()
    );
    let e = fitted(&times[..14], &values[..14]).expectation;
    assert_eq!(e.parts(), ["constant", "week/1"]);
    let mut later = values[14..].to_vec();
    assert!(flagged(&judged(&e, &times[14..], &later)).is_empty());
    later[2] /= 5.0;
    let rows = e.judge(&times[14..], &later, 1e-4, &|| {});
    assert_eq!((flagged(&rows), rows[2].sign), (vec![2], -1));
}

#[test]
fn spread_goes_by_phase_and_a_job_may_run_now_and_then() {
    let times = every(5 * MINUTE, 288 * 14);
    let of_day = |t: i64| t.rem_euclid(DAY);
    let values: Vec<f64> = times
        .iter()
        .map(|t| 100.0 + noise(*t / MINUTE) * if of_day(*t) < 6 * HOUR { 1.0 } else { 8.0 })
        .collect();
    let e = fitted(&times, &values).expectation;
    let width = |hour: i64| {
        let at = e.at(MONDAY + 20 * DAY + hour * HOUR);
        at.upper - at.lower
    };
    assert!(
        width(12) > 2.0 * width(3),
        "{} {} {:?}",
        width(12),
        width(3),
        e.parts()
    );
    let job = |t: i64| (of_day(t) - 2 * HOUR).abs() <= 5 * MINUTE && (t / DAY) % 2 == 0;
    let values: Vec<f64> = times
        .iter()
        .map(|t| 20.0 + noise(*t / MINUTE) + if job(*t) { 60.0 } else { 0.0 })
        .collect();
    let e = fitted(&times, &values).expectation;
    let later: Vec<i64> = times.iter().map(|t| t + 14 * DAY).collect();
    let runs: Vec<f64> = later
        .iter()
        .map(|t| 20.0 + noise(*t / MINUTE) + if job(*t) { 60.0 } else { 0.0 })
        .collect();
    assert!(flagged(&judged(&e, &later, &runs)).is_empty());
    let mut at_noon = runs;
    at_noon[144] += 60.0;
    assert_eq!(flagged(&judged(&e, &later, &at_noon)), [144]);
}

/// Offices that open at eight by the clock of Berlin; the clock changes after four weeks.
fn across_a_change(month: [i64; 2], zone_known: bool) -> Vec<usize> {
    // 2024-03-31 and 2024-10-27, 01:00 UTC.
    let (spring, autumn) = (8856 * DAY + HOUR, 9066 * DAY + HOUR);
    let zone = LocalTime::new(vec![(0, 3600), (spring, 7200), (autumn, 3600)]).unwrap();
    let change = [spring, autumn][month[0] as usize];
    let first = (change - 28 * DAY).div_euclid(DAY) * DAY;
    let times: Vec<i64> = (0..35 * 96).map(|i| first + i * 15 * MINUTE).collect();
    let values: Vec<f64> = times
        .iter()
        .map(|t| {
            let local = zone.local(*t).rem_euclid(DAY);
            let open = (8 * HOUR..18 * HOUR).contains(&local);
            10.0 + noise(*t / MINUTE) + if open { 100.0 } else { 0.0 }
        })
        .collect();
    let n = times.partition_point(|t| *t < change - HOUR);
    let utc = LocalTime::utc();
    let e = fitted_in(
        &times[..n],
        &values[..n],
        if zone_known { &zone } else { &utc },
        month[1] == 1,
    )
    .expectation;
    flagged(&judged(&e, &times[n..], &values[n..]))
}

#[test]
fn clocks_may_change_both_ways() {
    for month in [0, 1] {
        assert!(across_a_change([month, 0], false).is_empty(), "no zone known");
        assert!(across_a_change([month, 1], true).is_empty(), "zone known");
        assert!(
            !across_a_change([month, 1], false).is_empty(),
            "a wrong zone taken for known"
        );
    }
}

#[test]
fn holidays_are_sundays() {
    let times = every(DAY, 70);
    let holiday = |i: i64| i == 30 || i == 64;
    let values: Vec<f64> = (0..70)
        .map(|i| 1000.0 * if holiday(i) { 3.0 } else { office(i) } + 100.0 * noise(i))
        .collect();
    let first = 8829 + 10_957;
    let options = FitOptions {
        calendar: true,
        local: &LocalTime::utc(),
        zone_known: true,
        holidays: &[first + 64, first + 30],
        contamination: 0.02,
    };
    let e = Expectation::fit(&times[..60], &values[..60], &options, &|| {})
        .unwrap()
        .expectation;
    assert!(flagged(&judged(&e, &times[60..], &values[60..])).is_empty());
    let plain = fitted(&times[..60], &values[..60]).expectation;
    assert_eq!(
        flagged(&plain.judge(&times[60..], &values[60..], 1e-3, &|| {})),
        [4]
    );
}

/// A count of mean 3 that depends on its number alone.
fn count(i: i64) -> f64 {
    let p = robust::normal_tail(noise(i));
    let mut sum = 0.0;
    let mut term = (-3.0_f64).exp();
    let mut k = 0.0;
    while sum + term < p && k < 50.0 {
        sum += term;
        k += 1.0;
        term *= 3.0 / k;
    }
    k
}

#[test]
fn counts_are_judged_by_their_distribution() {
    let times = every(HOUR, 24 * 35);
    let mut values: Vec<f64> = (0..times.len() as i64).map(count).collect();
    values[760..784].fill(0.0);
    values[800] = 19.0;
    let e = fitted(&times[..672], &values[..672]).expectation;
    assert_eq!(e.parts(), ["constant", "counts"]);
    let at = e.at(times[700]);
    assert!(
        (at.expected - 3.0).abs() < 0.3 && at.lower == 0.0 && (7.0..12.0).contains(&at.upper),
        "{at:?}"
    );
    let rows = judged(&e, &times[672..], &values[672..]);
    let hit: Vec<usize> = flagged(&rows).into_iter().map(|i| i + 672).collect();
    assert!(hit.contains(&800), "{hit:?}");
    let zeros: Vec<usize> = hit.iter().copied().filter(|i| *i < 795).collect();
    assert!(hit.len() - zeros.len() <= 2, "{hit:?}");
    assert!(
        zeros.len() >= 20 && zeros.iter().all(|i| (757..788).contains(i)),
        "{hit:?}"
    );
    assert!(rows[770 - 672].kind == RowKind::Run && rows[770 - 672].sign == -1);
}

#[test]
fn runs_and_frozen_values_are_found() {
    let times = every(MINUTE, 1500);
    let mut values: Vec<f64> = (0..1500).map(|i| 7.0 + noise(i)).collect();
    let last = values[1099];
    values[1100..1106].fill(last);
    values[1300..1340].iter_mut().for_each(|v| *v += 2.0);
    let e = fitted(&times[..1000], &values[..1000]).expectation;
    let rows = judged(&e, &times[1000..], &values[1000..]);
    let of_kind = |kind| {
        (0..rows.len())
            .filter(|i| rows[*i].kind == kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_kind(RowKind::Frozen), (99..106).collect::<Vec<_>>());
    let run = of_kind(RowKind::Run);
    assert!(
        run.len() > 30 && run[0].abs_diff(300) < 4 && run[run.len() - 1].abs_diff(339) < 4,
        "{run:?}"
    );
    assert!(run.iter().all(|i| rows[*i].sign == 1));
}

#[test]
fn silence_is_told_only_where_rows_were_expected() {
    let open = |t: &i64| (t / DAY - 8829) % 7 < 5 && (8 * HOUR..18 * HOUR).contains(&t.rem_euclid(DAY));
    let times: Vec<i64> = every(10 * MINUTE, 144 * 42).into_iter().filter(open).collect();
    let values: Vec<f64> = times.iter().map(|t| 5.0 + noise(*t / MINUTE)).collect();
    let n = times.partition_point(|t| *t < MONDAY + 28 * DAY);
    let e = fitted(&times[..n], &values[..n]).expectation;
    assert_eq!(e.silences(&times[n - 1..], &|| {}), []);
    let gap = MONDAY + 36 * DAY + 9 * HOUR..MONDAY + 36 * DAY + 14 * HOUR;
    let with_gap: Vec<i64> = times[n..].iter().copied().filter(|t| !gap.contains(t)).collect();
    let found = e.silences(&with_gap, &|| {});
    assert_eq!(found.len(), 1);
    assert!(
        (found[0].from, found[0].to) == (gap.start - 10 * MINUTE, gap.end)
            && (found[0].missed - 30.0).abs() < 4.0
    );
    // The same while it lasts.
    assert!(!e.is_silence(e.missed_between(gap.start, gap.start + 20 * MINUTE)));
    assert!(e.is_silence(e.missed_between(gap.start, gap.start + 3 * HOUR)));
    assert!(!e.is_silence(e.missed_between(MONDAY + 32 * DAY + 18 * HOUR, MONDAY + 35 * DAY + 8 * HOUR)));
    assert!(e.missed_between(i64::MIN, i64::MAX).is_finite());
}

#[test]
fn an_odd_day_of_the_history_is_found_without_a_date() {
    let times = every(DAY, 120);
    let mut values: Vec<f64> = (0..120).map(|i| 1000.0 * office(i) + 150.0 * noise(i)).collect();
    values[30] /= 3.0;
    values[75] = values[75].max(9000.0) * 2.0;
    let f = fitted(&times, &values);
    let rows = f.judge_history(&times, &values, 1e-4, &|| {});
    assert_eq!(flagged(&rows), [30, 75]);
    assert_eq!((rows[30].sign, rows[75].sign), (-1, 1));
    // A run and a frozen stretch.
    let times = every(HOUR, 1200);
    let mut values: Vec<f64> = (0..1200).map(|i| 20.0 + noise(i)).collect();
    values[310..340].iter_mut().for_each(|v| *v += 2.5);
    values[500..508].fill(20.5);
    values[100] = f64::NAN;
    let f = fitted(&times, &values);
    let rows = f.judge_history(&times, &values, 1e-5, &|| {});
    assert!((315..335).all(|i| rows[i].flagged), "{:?}", flagged(&rows));
    assert!((500..508).all(|i| rows[i].kind == RowKind::Frozen));
    assert!(
        flagged(&rows).len() < 60 && rows[100].p == 1.0,
        "{:?}",
        flagged(&rows)
    );
    // Where the level moved, what came before is not odd.
    for (i, v) in (0..).zip(&mut values) {
        *v = noise(i) + if i < 600 { 20.0 } else { 40.0 };
    }
    let f = fitted(&times, &values);
    assert!((f.expectation.centre(times[1199]) - 40.0).abs() < 1.0);
    assert!(flagged(&f.judge_history(&times, &values, 1e-5, &|| {})).len() < 20);
}

#[test]
fn hostile_input_does_no_harm() {
    let n = 60;
    let any = |i: i64| noise(i) * 10.0;
    let columns: Vec<Vec<f64>> = vec![
        vec![f64::NAN; n],
        vec![f64::INFINITY; n],
        vec![5.0; n],
        vec![0.0; n],
        (0..60).map(|i| f64::from(i % 2)).collect(),
        (0..60).map(|i| if i % 2 == 0 { 1e300 } else { -1e300 }).collect(),
        (0..60)
            .map(|i| f64::MAX * if i % 3 == 0 { 1.0 } else { -1.0 })
            .collect(),
        (0..60).map(|i| any(i) * 1e-300).collect(),
        (0..60).map(|i| any(i).exp() * 1e290).collect(),
        (0..60).map(any).collect(),
    ];
    let clocks: Vec<Vec<i64>> = vec![
        (0..60).collect(),
        (0..60).map(|i| MONDAY + i).collect(),
        (0..60)
            .map(|i| (i128::from(i64::MIN) + i * i128::from(i64::MAX / 31)) as i64)
            .collect(),
        (0..60).map(|i| i * i * i * DAY * 365).collect(),
        (0..60).map(|i| if i < 59 { i } else { i64::MAX }).collect(),
        every(DAY, 60),
        every(HOUR, 60),
        every(365 * DAY, 60),
    ];
    for (values, times) in columns.iter().flat_map(|v| clocks.iter().map(move |t| (v, t))) {
        for calendar in [true, false] {
            let options = FitOptions {
                calendar,
                local: &LocalTime::utc(),
                zone_known: false,
                holidays: &[],
                contamination: 0.02,
            };
            let Some(f) = Expectation::fit(times, values, &options, &|| {}) else {
                assert!(!values[0].is_finite());
                continue;
            };
            let e = &f.expectation;
            assert!(e.is_sound(), "{e:?}");
            let bytes = serde_cbor::to_vec(e).unwrap();
            assert_eq!(&serde_cbor::from_slice::<Expectation>(&bytes).unwrap(), e);
            let mut rows = f.judge_history(times, values, 1e-4, &|| {});
            rows.extend(e.judge(times, values, 1e-4, &|| {}));
            rows.extend(e.judge(times, &vec![1e308; n], 1e-4, &|| {}));
            assert!(
                rows.iter()
                    .all(|r| (0.0..=1.0).contains(&r.p) && !r.excess.is_nan())
            );
            for silence in e.silences(times, &|| {}) {
                assert!(silence.missed.is_finite(), "{silence:?}");
            }
            for t in [i64::MIN, -1, MONDAY, i64::MAX] {
                let at = e.at(t);
                assert!(!at.expected.is_nan() && at.lower <= at.upper, "{at:?} {values:?}");
            }
        }
    }
}

#[test]
fn the_same_rows_give_the_same_model_and_the_hook_is_called() {
    let times = every(5 * MINUTE, 3000);
    let values: Vec<f64> = times
        .iter()
        .map(|t| daily_wave(*t) + noise(*t / MINUTE))
        .collect();
    let calls = Cell::new(0);
    let options = FitOptions {
        calendar: true,
        local: &LocalTime::utc(),
        zone_known: false,
        holidays: &[],
        contamination: 0.02,
    };
    let once = Expectation::fit(&times, &values, &options, &|| calls.set(calls.get() + 1)).unwrap();
    assert!(calls.get() > 100);
    assert_eq!(once, fitted(&times, &values));
    let text = serde_json::to_string(&once.expectation).unwrap();
    assert_eq!(
        serde_json::from_str::<Expectation>(&text).unwrap(),
        once.expectation
    );
}

#[test]
fn newer_rows_exchange_an_expectation_that_they_contradict() {
    let value = |t: i64, level: f64| daily_wave(t) + level + noise(t / HOUR);
    let hours = |from: i64, n: i64| -> Vec<i64> { (from..from + n).map(|i| MONDAY + i * HOUR).collect() };
    let of = |times: &[i64], level: f64| -> Vec<f64> { times.iter().map(|t| value(*t, level)).collect() };
    let times = hours(0, 24 * 28);
    let old = fitted(&times, &of(&times, 0.0)).expectation;
    let goes_on_as = |n: i64, level: f64| {
        let times = hours(24 * 28, n);
        let values = of(&times, level);
        old.updated(fitted(&times, &values), &times, &values, true, &|| {})
    };
    assert_eq!(goes_on_as(24 * 7, 0.0), old);
    assert_eq!(goes_on_as(24, 40.0), old, "one cycle");
    let new = goes_on_as(24 * 7, 40.0);
    let noon = MONDAY + 40 * DAY;
    assert!((new.centre(noon) - old.centre(noon) - 40.0).abs() < 3.0);
}

#[test]
fn an_exchanged_line_leaves_the_level_of_windows_where_it_was() {
    let days = |from: i64, n: i64| -> Vec<i64> { (from..from + n).map(|i| MONDAY + i * DAY).collect() };
    let line = |slope: f64, times: &[i64]| -> Vec<f64> {
        let day = |t: &i64| ((t - MONDAY) / DAY) as f64;
        times
            .iter()
            .map(|t| 500.0 + slope * day(t) + noise(t / DAY))
            .collect()
    };
    let times = days(0, 120);
    let old = fitted(&times, &line(2.0, &times)).expectation;
    assert!(old.has_trend(), "{:?}", old.parts());
    for (t, v) in times.iter().zip(line(2.0, &times)) {
        assert!((old.with_trend(*t, old.without_trend(*t, v)) - v).abs() < 1e-9 * v);
    }
    let later = days(120, 120);
    let values = line(5.0, &later);
    let newer = fitted(&later, &values);
    let (free, kept) = (
        old.updated(newer.clone(), &later, &values, false, &|| {}),
        old.updated(newer, &later, &values, true, &|| {}),
    );
    assert!(free != old && kept != old);
    for (t, v) in later.iter().zip(&values) {
        assert!((free.centre(*t) - v).abs() < 12.0 && (free.centre(*t) - kept.centre(*t)).abs() < 1e-3);
    }
    let level = |e: &Expectation, t: i64| e.without_trend(t, e.centre(t));
    assert!((level(&kept, later[50]) - level(&old, times[50])).abs() < 1e-6 * level(&old, times[50]));
}
