//! Panics of foreign code, such as a subscriber, which must not reach the code that tells.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls foreign code. Returns `None` if it panics.
pub(super) fn undisturbed<R>(call: impl FnOnce() -> R) -> Option<R> {
    // The panic hook has shown it already.
    catch_unwind(AssertUnwindSafe(call)).ok()
}
