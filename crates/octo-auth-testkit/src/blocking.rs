//! Test tools for the blocking adapter: a scripted transport, and suites for every
//! [`Transport`](octo_auth_blocking::Transport) and every [`Store`](octo_auth_core::Store).

pub mod store;
pub mod transport;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use crate::suite::{Asked, Failure, ScriptedTransport, SuiteReport};

/// Runs a suite over blocking calls. Every poll makes progress, so no waker is needed.
fn run(suite: impl Future<Output = SuiteReport>) -> SuiteReport {
    let mut suite = pin!(suite);
    loop {
        if let Poll::Ready(report) = suite.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return report;
        }
    }
}
