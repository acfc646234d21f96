use super::*;

/// Not run by itself: how long it takes.
#[test]
#[ignore]
fn timings() {
    for (n, step) in [
        (1000_usize, 3_600_000_000_i64),
        (100_000, 300_000_000),
        (1_000_000, 60_000_000),
        (1_000_000, 300_000_000),
    ] {
        for counts in [false, true] {
            let times: Vec<i64> = (0..n as i64).map(|i| i * step).collect();
            let mut s = 12345_u64;
            let values: Vec<f64> = times
                .iter()
                .map(|t| {
                    s = s
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    let u = (s >> 11) as f64 / (1u64 << 53) as f64;
                    let day = (*t as f64 / 86_400e6 * std::f64::consts::TAU).sin();
                    let week = if t.div_euclid(86_400_000_000) % 7 < 2 {
                        0.6
                    } else {
                        1.0
                    };
                    if counts {
                        (-(1.0 - u).ln() * (2.0 + day)).floor()
                    } else {
                        50.0 + 20.0 * day * week + 4.0 * robust::normal_quantile(u.max(1e-9))
                    }
                })
                .collect();
            let utc = LocalTime::utc();
            let options = FitOptions {
                calendar: true,
                local: &utc,
                zone_known: false,
                holidays: &[],
                contamination: 0.02,
            };
            let last = std::cell::Cell::new(std::time::Instant::now());
            let longest = std::cell::Cell::new(0.0_f64);
            let check = || {
                longest.set(longest.get().max(last.get().elapsed().as_secs_f64()));
                last.set(std::time::Instant::now());
            };
            let t0 = std::time::Instant::now();
            let f = Expectation::fit(&times, &values, &options, &check).unwrap();
            let fit = t0.elapsed().as_secs_f64();
            let l1 = longest.replace(0.0);
            check();
            longest.set(0.0);
            let t0 = std::time::Instant::now();
            let j = f.expectation.judge(&times, &values, 1e-5, &check);
            let judge = t0.elapsed().as_secs_f64() / n as f64 * 1e9;
            let l2 = longest.replace(0.0);
            check();
            longest.set(0.0);
            let t0 = std::time::Instant::now();
            let h = f.judge_history(&times, &values, 1e-5, &check);
            let hist = t0.elapsed().as_secs_f64();
            let l3 = longest.get();
            let t0 = std::time::Instant::now();
            let sum: f64 = times.iter().map(|t| f.expectation.at(*t).upper).sum();
            let at = t0.elapsed().as_secs_f64() / n as f64 * 1e9;
            println!(
                "{n} {step} counts {counts}: fit {fit:.3} s, judge {judge:.0} ns/row, history {hist:.3} s, at {at:.0} ns; checks apart {:.1} {:.1} {:.1} ms; {:?} flagged {} {} {sum:.3}",
                l1 * 1e3,
                l2 * 1e3,
                l3 * 1e3,
                f.expectation.parts(),
                j.iter().filter(|e| e.flagged).count(),
                h.iter().filter(|e| e.flagged).count()
            );
        }
    }
}
