//! Cancelling statements.

/// What the core calls in long loops ([`tsad_core::Check`]): a statement that is cancelled ends here.
pub(crate) fn check() {
    pgrx::check_for_interrupts!();
}
