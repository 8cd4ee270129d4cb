//! Tests of the program as people and scripts use it: its outputs and its exit codes.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod book;
mod config;
mod demo;
#[cfg(unix)]
mod doctor;
mod emulate;
mod ip;
#[cfg(unix)]
mod login;
#[cfg(unix)]
mod pages;
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
