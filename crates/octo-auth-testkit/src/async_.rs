//! Test tools for the asynchronous adapter: a scripted transport, and suites for every
//! [`Transport`](octo_auth_async::Transport) and every [`Store`](octo_auth_async::Store).
//!
//! The suites need no runtime of their own. They run on the runtime that the transport or store needs, which may be
//! single-threaded, such as that of `#[tokio::test]`.

pub mod store;
pub mod transport;

use std::future::poll_fn;
use std::task::Poll;

pub use crate::suite::{Asked, Failure, ScriptedTransport, SuiteReport};

/// Yields once to the other tasks of the runtime.
async fn pause() {
    let mut has_paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
