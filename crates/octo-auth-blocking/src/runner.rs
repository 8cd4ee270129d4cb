//! Runs single exchanges: reads the clock, sends the request, passes the response to the core.
//!
//! This module does not interpret statuses, tokens or times; the core does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Answer, Exchange, ExchangeError, Now, Reply};
use octo_auth_system::{Clock, SetupError, SystemClock};

use crate::UreqTransport;
use crate::transport::Transport;

/// Runs exchanges with a [`Transport`].
///
/// It is cheap to clone, and all clones share the transport.
#[derive(Clone)]
pub struct Runner {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
}

impl Runner {
    /// The default deadline of a whole exchange: 60 s.
    pub const DEADLINE: Duration = Duration::from_secs(60);

    /// Builds a runner with [`UreqTransport::new`] and the clocks of the operating system.
    ///
    /// # Errors
    ///
    /// None at present: ureq checks no setting before it connects. The signature matches the async adapter, so
    /// that a program can switch adapters by changing its imports.
    pub fn new() -> Result<Self, SetupError> {
        Ok(Self::with_transport(UreqTransport::new()?))
    }

    /// Builds a runner with any transport and the clocks of the operating system.
    #[must_use]
    pub fn with_transport(transport: impl Transport + 'static) -> Self {
        Self { transport: Arc::new(transport), clock: Arc::new(SystemClock), deadline: Self::DEADLINE }
    }

    /// Replaces the clock, such as by a simulated one.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the deadline of a whole exchange, from the lookup of the host's name to the last byte of the answer.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Reads the clocks, for calls such as
    /// [`PendingAuthorization::receive`](octo_auth_core::PendingAuthorization::receive).
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Sends the request of an exchange once and reads its answer.
    ///
    /// The calling thread waits, at most until the deadline. In an async runtime this blocks a thread of the
    /// runtime; use the async adapter there.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] if the expected answer did not come; it says who must act.
    pub fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        let sent = self.clock.now();
        let result = self.transport.send(exchange.request(), self.deadline);
        exchange.end(result, sent, self.clock.now())
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
