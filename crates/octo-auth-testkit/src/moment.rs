//! Fixed moments; nothing here reads a clock.

use std::time::Duration;

use octo_auth_core::{Now, Timestamp};

/// 2026-01-01T00:00:00Z in seconds since 1970: when every world begins.
pub const START_SECONDS: i64 = 1_767_225_600;

/// The start by both clocks.
#[must_use]
pub fn start() -> Now {
    Now { wall: Timestamp::from_unix_seconds(START_SECONDS), boot: Duration::from_secs(1_000) }
}

/// So many seconds after the start, by both clocks.
#[must_use]
pub fn after(seconds: u32) -> Now {
    let elapsed = Duration::from_secs(seconds.into());
    Now { wall: start().wall.saturating_add(elapsed), boot: start().boot + elapsed }
}
