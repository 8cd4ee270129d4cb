//! The two clocks of a machine.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use octo_auth_core::{Now, Timestamp};

/// Tells the time, so that a test or a simulation can tell another.
pub trait Clock: Send + Sync {
    /// Reads both clocks, one right after the other.
    fn now(&self) -> Now;

    /// Reads the boot clock alone, which is half the work.
    fn boot(&self) -> Duration {
        self.now().boot
    }

    /// Subscribes a waiter of this clock, which is told each time the clock is moved other than by running: a simulated
    /// clock by its test, one that hears of the end of a suspend.
    ///
    /// A clock that only runs tells no waiter, as this does: a waiter looks at it again every 30 s in any case.
    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        drop(waiting);
    }
}

/// A waiter of a clock.
pub trait ClockListener: Send + Sync {
    /// Looks at the clock again. No lock may be held that reading the clock takes.
    fn clock_stepped(&self);
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Now {
        (**self).now()
    }

    fn boot(&self) -> Duration {
        (**self).boot()
    }

    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        (**self).subscribe(waiting);
    }
}

/// The clocks of the operating system.
///
/// The wall clock is [`SystemTime`]. Time since the machine started is `CLOCK_BOOTTIME` on Linux and Android,
/// which counts the time a machine was suspended. Elsewhere it is [`Instant`](std::time::Instant), counted from
/// the first reading in this process: on macOS and some other systems it stands still while the machine is
/// suspended, so a token may be taken for valid that much too long; a token refused by the provider for that
/// reason is an ordinary refusal.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { wall: Timestamp::from(SystemTime::now()), boot: boot() }
    }

    fn boot(&self) -> Duration {
        boot()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot() -> Duration {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_never_goes_back() {
        let first = SystemClock.now();
        let second = SystemClock.now();
        assert!(second.boot >= first.boot);
    }

    #[test]
    fn the_wall_clock_is_the_operating_systems() {
        let before = Timestamp::from(SystemTime::now());
        let now = SystemClock.now();
        let after = Timestamp::from(SystemTime::now());
        assert!(before <= now.wall && now.wall <= after);
    }
}
