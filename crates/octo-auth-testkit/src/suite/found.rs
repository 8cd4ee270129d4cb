//! The result of a single check.

/// The result of a check; the error says what was found instead.
pub(super) type Found = Result<(), String>;

/// Returns an error with `what` unless `holds` is `true`.
pub(super) fn expect(holds: bool, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(what()) }
}
