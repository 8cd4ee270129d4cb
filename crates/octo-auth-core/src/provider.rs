//! The clients of the three providers and of any standard server, without IO: one file for each, one machine for the calls
//! of all.
//!
//! A call that needs a token, or that brings tokens for an account, is a [`ProviderCall`]. It says what to do next, and its
//! caller carries that out: an adapter by one loop, a program with its own transport by the same. Which grant, which
//! headers, what is repeated and what an account may be replaced by is decided here.
//!
//! A client of another provider is a file like these, and in each adapter a method of one line for each call.

mod api;
mod call;

pub mod octorate;
pub mod octotable;
pub mod officernd;
pub mod rfc6749;
pub mod web;

pub use call::{Import, ProviderCall, RequestSent, TokenWanted};
