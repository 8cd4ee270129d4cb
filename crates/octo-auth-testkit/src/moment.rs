//! Fixed points in time. Nothing here reads a real clock.

use std::time::Duration;

use octo_auth_core::{Now, Timestamp};

/// The start of every world, 2026-01-01T00:00:00Z, in seconds since 1970.
pub const START_SECONDS: i64 = 1_767_225_600;

/// Returns the start by both clocks.
#[must_use]
pub fn start() -> Now {
    Now { wall: Timestamp::from_unix_seconds(START_SECONDS), boot: Duration::from_secs(1_000) }
}

/// Returns both clocks this many seconds after the start.
#[must_use]
pub fn after(seconds: u32) -> Now {
    let elapsed = Duration::from_secs(seconds.into());
    Now { wall: start().wall.saturating_add(elapsed), boot: start().boot + elapsed }
}
