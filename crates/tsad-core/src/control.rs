//! How a caller stops long loops. May import nothing.

/// A hook that long loops call at least every few milliseconds.
///
/// It lets a caller cancel by unwinding out of it; nothing that the core was working on survives.
pub type Check<'a> = &'a dyn Fn();
