//! For the blocking adapter: a scripted transport, and what every [`Transport`](octo_auth_blocking::Transport) and
//! every [`Store`](octo_auth_core::Store) owes.

pub mod store;
pub mod transport;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use crate::suite::{Asked, Failure, Report, ScriptedTransport};

/// The outcome of a suite over calls that block instead of waiting: there is nothing to be woken by.
fn run(suite: impl Future<Output = Report>) -> Report {
    let mut suite = pin!(suite);
    loop {
        if let Poll::Ready(report) = suite.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return report;
        }
    }
}
