//! Vector instructions of the processor at hand, without a change of results.

/// Runs `work`, compiled for the widest vectors of the processor, if all it calls is inlined (`#[inline(always)]`).
///
/// The operations and their order are those of the source at any width and none is fused, so the result is the same
/// to the last bit on every machine.
#[inline]
pub(crate) fn vectorize<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(always)]
    fn folded(a: &[f32], b: &[f32]) -> [f32; 8] {
        let mut acc = [0.0_f32; 8];
        for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
            for k in 0..8 {
                acc[k] += a[k] * b[k];
            }
        }
        acc
    }

    #[test]
    fn wide_vectors_give_the_bits_of_narrow_ones() {
        let a: Vec<f32> = (0..4096).map(|i| (i as f32 * 0.37).sin() * 1e3).collect();
        let b: Vec<f32> = (0..4096).map(|i| (i as f32 * 1.91).cos() / 7.0).collect();
        let one_by_one = (0..8).map(|k| {
            let lane = (k..4096).step_by(8);
            lane.fold(0.0_f32, |sum, i| sum + std::hint::black_box(a[i] * b[i]))
        });
        let there = vectorize(
            #[inline(always)]
            || folded(&a, &b),
        );
        assert!(there.iter().map(|v| v.to_bits()).eq(one_by_one.map(f32::to_bits)));
    }
}
