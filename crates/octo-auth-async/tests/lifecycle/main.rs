//! The lifecycle of tokens in an asynchronous program: callers, runtimes, stores and telemetry.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod callers;
mod cancelling;
#[cfg(feature = "tracing")]
mod documented;
#[cfg(feature = "tracing")]
mod hearing;
mod keeping_warm;
#[cfg(feature = "tracing")]
mod life;
#[allow(dead_code, unreachable_pub, reason = "these tests listen for more than secrets")]
#[path = "../../../../tests/src/log.rs"]
mod log;
#[cfg(all(feature = "metrics", feature = "tracing"))]
mod measures;
mod outages;
mod provider;
#[cfg(feature = "tracing")]
mod recording_subscriber;
mod runtimes;
mod server;
mod sharing;
mod stored;
mod storing;
mod telemetry;
mod time;
