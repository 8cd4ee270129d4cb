//! Runs exchanges: the clock is read, the request carried, the response handed to the core.
//!
//! Nothing here looks at a status, a token or a time; that is the core's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Answer, Exchange, ExchangeError, Now, Reply};
use octo_auth_system::{Clock, SetupError, SystemClock};

use crate::UreqTransport;
use crate::transport::Transport;

/// Runs exchanges over a [`Transport`].
///
/// It is cheap to clone; the clones share the transport.
#[derive(Clone)]
pub struct Runner {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
}

impl Runner {
    /// The time an exchange may take from first to last, unless set otherwise: 60 s.
    pub const DEADLINE: Duration = Duration::from_secs(60);

    /// A runner over [`UreqTransport::new`] with the clocks of the operating system.
    ///
    /// # Errors
    ///
    /// None today: ureq refuses no setting before it connects. The signature is that of the async adapter, so that
    /// a program moves from one to the other by its imports.
    pub fn new() -> Result<Self, SetupError> {
        Ok(Self::with_transport(UreqTransport::new()?))
    }

    /// A runner over any transport with the clocks of the operating system.
    #[must_use]
    pub fn with_transport(transport: impl Transport + 'static) -> Self {
        Self { transport: Arc::new(transport), clock: Arc::new(SystemClock), deadline: Self::DEADLINE }
    }

    /// This runner with another clock, such as a simulated one.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// This runner with another deadline for a whole exchange, from looking up the host's name to the last byte
    /// of the answer.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Reads the clocks, for [`PendingAuthorization::receive`](octo_auth_core::PendingAuthorization::receive) and the like.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Sends the request of an exchange once and reads its answer.
    ///
    /// The calling thread waits, at most until the deadline. Inside an async runtime that stalls the runtime's
    /// thread: use the async adapter there.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] for whatever is not the answer that was due; it says who must act.
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
