//! The emulated providers, asked over the socket as any client asks them.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod emulator;
mod generic;
mod octorate;
mod octotable;
mod officernd;
mod wire;
