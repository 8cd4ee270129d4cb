//! The emulated providers, tested over sockets like any client uses them.

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
