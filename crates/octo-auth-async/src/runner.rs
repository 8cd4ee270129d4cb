//! Runs exchanges: the clock is read, the request carried, the response handed to the core.
//!
//! Nothing here looks at a status, a token or a time; that is the core's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Answer, Exchange, ExchangeError, Now, Reply};
use octo_auth_system::{Clock, SetupError, SystemClock};

use crate::transport::Transport;
use crate::usual_transport::usual;

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

    /// A runner over [`ReqwestTransport::new`](crate::ReqwestTransport::new) with the clocks of the operating system.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if reqwest refuses its settings, or without the feature `reqwest`.
    pub fn new() -> Result<Self, SetupError> {
        usual().map(Self::with_transport)
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
    /// Dropping the future before it ends gives the exchange up, though the server may have processed it: a
    /// refresh or a code exchange should run in a task of its own, so that no caller's time-out can lose what
    /// the server has already replaced.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] for whatever is not the answer that was due; it says who must act.
    pub async fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        let sent = self.clock.now();
        let result = (*self.transport).send(exchange.request(), self.deadline).await;
        exchange.end(result, sent, self.clock.now())
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
