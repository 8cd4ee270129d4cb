//! Points in time as arguments: the core never reads a clock.
//!
//! [`Timestamp`] is a wall-clock instant in whole milliseconds. [`Now`] is one reading of both clocks of a
//! machine. All arithmetic saturates, so no input can cause a panic.

mod calendar;
mod date;
mod http_date;

use std::fmt;
use std::time::{Duration, SystemTime};

pub(crate) use date::{DateDeviation, parse_date};
pub(crate) use http_date::parse_http_date;

/// A wall-clock instant: whole milliseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// One reading of both clocks of a machine, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, which can be stepped.
    pub wall: Timestamp,
    /// The time since the machine started, including suspend. This clock is never stepped.
    pub boot: Duration,
}

impl Timestamp {
    /// Returns the instant this many milliseconds after the epoch.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the instant this many seconds after the epoch; saturates.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn as_unix_millis(self) -> i64 {
        self.0
    }

    /// Returns the instant this duration later; saturates.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// Returns the instant this duration earlier; saturates.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// Returns the duration from an earlier instant to this one; zero if `earlier` is later.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the signed distance in milliseconds from another instant to this one; saturates.
    pub(crate) fn millis_after(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Returns the instant moved by signed milliseconds; saturates.
    pub(crate) fn shifted(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl Now {
    /// Returns the larger of the ages of a moment by both clocks, so that neither a stepped wall clock nor a
    /// suspend hides it.
    pub(crate) fn age_of(self, moment: Self) -> Duration {
        self.wall.saturating_since(moment.wall).max(self.boot.saturating_sub(moment.boot))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self(millis(after)),
            Err(before) => Self(-millis(before.duration())),
        }
    }
}

impl From<Timestamp> for SystemTime {
    /// Converts the instant. One that the platform's clock cannot represent becomes the epoch.
    fn from(timestamp: Timestamp) -> Self {
        let distance = Duration::from_millis(timestamp.0.unsigned_abs());
        let moved = match timestamp.0 {
            0.. => Self::UNIX_EPOCH.checked_add(distance),
            _ => Self::UNIX_EPOCH.checked_sub(distance),
        };
        moved.unwrap_or(Self::UNIX_EPOCH)
    }
}

/// Formats as RFC 3339 in UTC with milliseconds: `2026-01-01T00:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(86_400_000);
        let rest = self.0.rem_euclid(86_400_000);
        let (year, month, day) = calendar::civil_from_days(days);
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        let (second, milli) = (rest / 1000 % 60, rest % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
