//! Values around a ring: the last is a neighbour of the first.

/// Fills what is missing (NaN) on a ring by lines between the known values; with zeros where nothing is known.
pub(super) fn fill(ring: &mut [f64]) {
    let n = ring.len();
    let known: Vec<usize> = (0..n).filter(|i| !ring[*i].is_nan()).collect();
    let Some(first) = known.first() else {
        ring.fill(0.0);
        return;
    };
    let next = known.iter().skip(1).copied().chain([first + n]);
    let pairs: Vec<(usize, usize)> = known.iter().copied().zip(next).collect();
    for (a, b) in pairs {
        let (low, high) = (ring[a], ring[b % n]);
        for k in a + 1..b {
            ring[k % n] = low + (high - low) * ((k - a) as f64 / (b - a) as f64);
        }
    }
}

/// The mean of the `width` (odd) values around each of a ring.
pub(super) fn mean(ring: &[f64], width: usize) -> Vec<f64> {
    let (n, half) = (ring.len(), width / 2);
    if half == 0 || n <= 2 * half {
        return ring.to_vec();
    }
    let at = |k: usize| ring[(k + n - half) % n];
    // Sums are made anew now and then, so that what rounding leaves does not pile up.
    let mut out = Vec::with_capacity(n);
    let mut sum = 0.0;
    for i in 0..n {
        if i % 64 == 0 {
            sum = (i..=i + 2 * half).map(at).sum();
        } else {
            sum += at(i + 2 * half) - at(i - 1);
        }
        out.push(sum / (2 * half + 1) as f64);
    }
    out
}

/// The median of the `width` (odd) values around each of a ring.
pub(super) fn median(ring: &[f64], width: usize) -> Vec<f64> {
    let (n, half) = (ring.len(), width / 2);
    if half == 0 || n <= 2 * half {
        return ring.to_vec();
    }
    let at = |k: usize| ring[(k + n - half) % n];
    let mut window: Vec<f64> = (0..=2 * half).map(at).collect();
    window.sort_unstable_by(f64::total_cmp);
    let mut out = Vec::with_capacity(n);
    for i in 0..n {
        out.push(window[half]);
        let place = |v: f64, window: &[f64]| window.partition_point(|w| w.total_cmp(&v).is_lt());
        let gone = place(at(i), &window);
        if gone < window.len() {
            window.remove(gone);
        }
        let new = at(i + 2 * half + 1);
        window.insert(place(new, &window), new);
    }
    out
}

/// What `pick` takes (the lower or the higher one) of each value and its two neighbours on a ring.
pub(super) fn with_neighbours(ring: &[f64], pick: fn(f64, f64) -> f64) -> Vec<f64> {
    let n = ring.len();
    let beside = |i: usize| pick(ring[(i + n - 1) % n], ring[(i + 1) % n]);
    (0..n).map(|i| pick(ring[i], beside(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_median_and_mean_agree_with_their_definition() {
        let ring: Vec<f64> = (0..200).map(|i| f64::from((i * i * 31 + i * 7) % 101)).collect();
        for width in [1, 3, 7, 61] {
            let (medians, means) = (median(&ring, width), mean(&ring, width));
            for i in 0..200 {
                let mut around: Vec<f64> = (0..width)
                    .map(|k| ring[(i + 200 + k - width / 2) % 200])
                    .collect();
                around.sort_by(f64::total_cmp);
                assert_eq!(medians[i], around[width / 2]);
                assert!((means[i] - around.iter().sum::<f64>() / width as f64).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn what_is_missing_lies_on_lines_around_the_ring() {
        let mut ring = [f64::NAN, 1.0, f64::NAN, 3.0, f64::NAN, f64::NAN];
        fill(&mut ring);
        assert_eq!(ring, [1.5, 1.0, 2.0, 3.0, 2.5, 2.0]);
        let mut none = [f64::NAN; 3];
        fill(&mut none);
        assert_eq!(none, [0.0; 3]);
    }
}
