//! The API clients of the three providers and of any standard server, without IO. Each has its own file, and
//! one state machine runs the calls of all.
//!
//! A call that needs a token, or that returns tokens for an account, is a [`ProviderCall`]. It says what to
//! do next. An adapter, or a program with its own transport, carries that out in one loop. This module
//! decides about grants, headers, repetitions and which tokens of an account may be replaced.
//!
//! A client of another provider needs such a file here and, for each call, a one-line method in each adapter.

mod api;
mod call;

pub mod octorate;
pub mod octotable;
pub mod officernd;
pub mod rfc6749;
pub mod web;

pub use call::{Import, ProviderCall, RequestSent, TokenWanted};
