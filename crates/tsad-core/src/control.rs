//! How a caller stops long loops. May import nothing.

use std::cell::Cell;

/// A hook that long loops call at least every few milliseconds.
///
/// It lets a caller cancel by unwinding out of it; nothing that the core was working on survives.
pub type Check<'a> = &'a dyn Fn();

/// Calls the cancel hook now and then while a sort compares: a sort has no other place for it, and what it leaves
/// behind when the hook unwinds is dropped.
pub(crate) struct ComparisonTicker<'a> {
    check: Check<'a>,
    steps: Cell<u32>,
}

impl<'a> ComparisonTicker<'a> {
    /// Comparisons between two calls.
    pub(crate) const COMPARISONS_PER_CHECK: u32 = 1 << 16;

    pub(crate) fn new(check: Check<'a>) -> Self {
        Self {
            check,
            steps: Cell::new(0),
        }
    }

    /// Counts a comparison.
    pub(crate) fn step(&self) {
        self.steps.set(self.steps.get().wrapping_add(1));
        if self.steps.get().is_multiple_of(Self::COMPARISONS_PER_CHECK) {
            (self.check)();
        }
    }
}
