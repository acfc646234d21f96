//! Sums over slices in eight lanes: the compiler turns them into vector instructions, and the order of
//! summation, hence the result, is the same on every machine.

const LANES: usize = 8;

/// The sum of `f` over pairs of equal index, eight partial sums at a time.
#[inline(always)]
fn fold(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    let mut acc = [0.0_f32; LANES];
    let (chunks_a, chunks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail = chunks_a.remainder().iter().zip(chunks_b.remainder());
    let tail: f32 = tail.map(|(x, y)| f(*x, *y)).sum();
    for (x, y) in chunks_a.zip(chunks_b) {
        for k in 0..LANES {
            acc[k] += f(x[k], y[k]);
        }
    }
    let four = [acc[0] + acc[4], acc[1] + acc[5], acc[2] + acc[6], acc[3] + acc[7]];
    (four[0] + four[2]) + (four[1] + four[3]) + tail
}

/// The sum of all values.
#[inline(always)]
pub(crate) fn sum(a: &[f32]) -> f32 {
    fold(a, a, |x, _| x)
}

/// The inner product of the common part of two slices.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, |x, y| x * y)
}

/// The sum of third powers.
#[inline(always)]
pub(crate) fn cubes(a: &[f32]) -> f32 {
    fold(a, a, |x, _| x * x * x)
}

/// The sum of absolute differences of the common part of two slices.
#[inline(always)]
pub(crate) fn absolute_differences(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, |x, y| (x - y).abs())
}

/// The number of pairs of opposite sign in the common part of two slices.
#[inline(always)]
pub(crate) fn sign_changes(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, |x, y| if x * y < 0.0 { 1.0 } else { 0.0 })
}

/// The extreme of `f` over pairs of equal index, by `pick`.
#[inline(always)]
fn extreme(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32, pick: impl Fn(f32, f32) -> f32) -> f32 {
    let n = a.len().min(b.len());
    if n == 0 {
        return 0.0;
    }
    let (a, b) = (&a[..n], &b[..n]);
    let mut acc = [f(a[0], b[0]); LANES];
    let (chunks_a, chunks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (x, y) in chunks_a.remainder().iter().zip(chunks_b.remainder()) {
        acc[0] = pick(acc[0], f(*x, *y));
    }
    for (x, y) in chunks_a.zip(chunks_b) {
        for k in 0..LANES {
            acc[k] = pick(acc[k], f(x[k], y[k]));
        }
    }
    acc.into_iter().fold(acc[0], pick)
}

/// The smallest value.
#[inline(always)]
pub(crate) fn minimum(a: &[f32]) -> f32 {
    extreme(a, a, |x, _| x, |x, y| if y < x { y } else { x })
}

/// The largest value.
#[inline(always)]
pub(crate) fn maximum(a: &[f32]) -> f32 {
    extreme(a, a, |x, _| x, |x, y| if y > x { y } else { x })
}

/// The largest absolute difference in the common part of two slices.
#[inline(always)]
pub(crate) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    extreme(a, b, |x, y| (x - y).abs(), |x, y| if y > x { y } else { x })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lanes_agree_with_plain_loops(a in prop::collection::vec(-9.0_f32..9.0, 1..70)) {
            let b = &a[1..];
            let near = |x: f32, y: f32| (x - y).abs() < 1e-2;
            let pairs = || a.iter().zip(b);
            prop_assert!(near(sum(&a), a.iter().sum()));
            prop_assert!(near(dot(&a, b), pairs().map(|(x, y)| x * y).sum()));
            prop_assert!(near(cubes(&a), a.iter().map(|x| x.powi(3)).sum()));
            prop_assert!(near(absolute_differences(&a, b), pairs().map(|(x, y)| (x - y).abs()).sum()));
            prop_assert_eq!(sign_changes(&a, b), pairs().filter(|(x, y)| *x * *y < 0.0).count() as f32);
            prop_assert_eq!(minimum(&a), a.iter().copied().fold(f32::INFINITY, f32::min));
            prop_assert_eq!(maximum(&a), a.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            prop_assert_eq!(largest_difference(&a, b), pairs().map(|(x, y)| (x - y).abs()).fold(0.0, f32::max));
        }
    }
}
