//! For the asynchronous adapter: a scripted transport, and what every [`Transport`](octo_auth_async::Transport) and
//! every [`Store`](octo_auth_async::Store) owes.
//!
//! The suites need no runtime of their own; they run on the one that the transport or store needs.

pub mod store;
pub mod transport;

pub use crate::suite::{Asked, Failure, Report, ScriptedTransport};
