//! Choices among many: evenly spaced, evenly scattered, at random.

use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;

/// At most `most` of the indices below `count`, evenly spaced.
pub(crate) fn evenly_spaced(count: usize, most: usize) -> impl ExactSizeIterator<Item = usize> {
    let taken = count.min(most);
    (0..taken).map(move |i| i * count / taken)
}

/// The number of index `i` in a sequence that fills 0 to below `end` evenly however many of it are taken: by multiples
/// of the golden ratio (Weyl 1916, doi:10.1007/BF01475864).
pub(crate) fn scattered(i: usize, end: usize) -> usize {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    ((i as f64 * GOLDEN).fract() * end as f64) as usize
}

/// A number from 0 to below 1.
pub(crate) fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}
