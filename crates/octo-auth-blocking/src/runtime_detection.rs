//! Detects whether the current thread may wait, or is a worker of an async runtime that must not block.

use std::thread;

/// The usual beginnings of worker thread names: tokio (two forms), async-std, smol.
const WORKERS: [&str; 4] = ["tokio-runtime-worker", "tokio-rt-worker", "async-std/runtime", "smol-"];

/// Returns whether the current thread's name is not that of a runtime's worker.
pub(crate) fn may_block() -> bool {
    !thread::current().name().is_some_and(|name| WORKERS.iter().any(|worker| name.starts_with(worker)))
}
