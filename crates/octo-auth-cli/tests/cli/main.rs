//! The program as a person or a script meets it: what it prints, where, and with which exit code.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod config;
mod demo;
#[cfg(unix)]
mod doctor;
mod emulate;
mod ip;
#[cfg(unix)]
mod login;
mod profile;
mod program;
#[cfg(unix)]
mod session;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod store;
#[cfg(unix)]
mod stored;
mod token;
mod trouble;
#[cfg(unix)]
mod unusable;
mod usage;
