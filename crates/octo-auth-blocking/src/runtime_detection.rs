//! Whether the current thread may wait, or belongs to an async runtime that would stall.

use std::thread;

/// How the runtimes in wide use name their workers: tokio (two forms), async-std, smol.
const WORKERS: [&str; 4] = ["tokio-runtime-worker", "tokio-rt-worker", "async-std/runtime", "smol-"];

/// Whether the current thread's name is not that of a runtime's worker.
pub(crate) fn may_block() -> bool {
    !thread::current().name().is_some_and(|name| WORKERS.iter().any(|worker| name.starts_with(worker)))
}
