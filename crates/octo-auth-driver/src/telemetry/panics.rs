//! Catches panics of foreign code, such as a subscriber, so that they do not reach the library.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls foreign code. Returns `None` if it panics.
pub(super) fn undisturbed<R>(call: impl FnOnce() -> R) -> Option<R> {
    // The panic hook has already printed the panic.
    catch_unwind(AssertUnwindSafe(call)).ok()
}
