//! The emulated providers, asked over the socket as any client asks them.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod emulator;
mod faults;
mod generic;
mod holds;
mod line;
mod octorate;
mod octotable;
mod officernd;
mod rotation;
mod wire;
