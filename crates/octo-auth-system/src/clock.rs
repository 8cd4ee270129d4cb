//! The wall clock and the boot clock.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use octo_auth_core::{Now, Timestamp};

/// Reads the time. A test or a simulation can implement it with another time.
pub trait Clock: Send + Sync {
    /// Reads both clocks, one right after the other.
    fn now(&self) -> Now;

    /// Reads only the boot clock, which costs half as much.
    fn boot(&self) -> Duration {
        self.now().boot
    }

    /// Subscribes a listener. The clock notifies it each time the clock jumps: when a test moves a simulated clock,
    /// or when the clock notices the end of a suspend.
    ///
    /// The default notifies no listener, which is right for a clock that never jumps. Waiters reread the clock at
    /// least every 30 s in any case.
    fn subscribe(&self, waiting: Weak<dyn ClockListener>) {
        drop(waiting);
    }
}

/// A listener that waits for a moment of a clock.
pub trait ClockListener: Send + Sync {
    /// Rereads the clock. The caller must hold no lock that reading the clock takes.
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
/// The wall clock is [`SystemTime`]. On Linux and Android, the boot clock is `CLOCK_BOOTTIME`, which includes the
/// time that the machine was suspended. Elsewhere it is [`Instant`](std::time::Instant), counted from the first
/// reading in this process. On macOS and some other systems that clock stops while the machine is suspended. A
/// token may then look valid for that much too long. If the provider refuses it, that is an ordinary refusal.
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
