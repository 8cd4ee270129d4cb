//! What a single check of a suite returns.

/// What a check has found.
pub(super) type Found = Result<(), String>;

/// Fails unless something holds, with what was found instead.
pub(super) fn expect(holds: bool, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(what()) }
}
