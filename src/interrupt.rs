//! Cancelling statements.

use crate::memory;

/// What the core calls in long loops ([`tsad_core::Check`]): a statement that is cancelled ends here.
pub(crate) fn check() {
    memory::on_main_stack(|| {
        pgrx::check_for_interrupts!();
    });
}
