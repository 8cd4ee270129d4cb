//! A deadline that does not win over an answer that has already arrived.
//!
//! A process may be suspended, and a runtime may be idle while its thread does other work. When it resumes, the
//! timer has elapsed, although the answer is already in the socket and no task has read it yet.

use std::pin::pin;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// The number of polls after the deadline. Several are needed: the tasks of the runtime that read the answer need
/// turns, not only time.
const LOOKS: u32 = 20;

/// The time between two polls.
const LOOK: Duration = Duration::from_millis(25);

/// Runs a future for a duration, and then half a second longer, so that an answer that has already arrived can be
/// read.
///
/// # Errors
///
/// [`Elapsed`] if the future has no output by then.
pub(crate) async fn within<F: Future>(duration: Duration, work: F) -> Result<F::Output, Elapsed> {
    let mut work = pin!(work);
    let mut result = timeout(duration, &mut work).await;
    for _ in 0..LOOKS {
        if result.is_ok() {
            break;
        }
        result = timeout(LOOK, &mut work).await;
    }
    result
}
