//! A deadline that does not beat an answer that is there.
//!
//! A process may be stopped, and a runtime may lie idle while its thread does something else. When it goes on, a timer
//! has elapsed although the answer lies in the socket, where no task has read it yet.

use std::pin::pin;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// How often the answer is looked for once the deadline has passed: the tasks of the runtime that bring it need turns, not
/// only time.
const LOOKS: u32 = 20;

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// Runs a future for a duration, and then half a second more, which is enough for what has arrived by then to be read.
///
/// # Errors
///
/// [`Elapsed`] if there is no output by then.
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
