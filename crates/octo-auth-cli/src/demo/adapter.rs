//! The two adapters as one, so that each flow is written once.

use octo_auth_core::{Answer, Client, Entropy, Exchange, ExchangeError, Now, Reply};
use tokio::runtime::{self, Runtime};

use super::simulated_day::{Session, Simulated};
use super::stopped::Stopped;
use crate::failure::{Exit, Failure};

/// An adapter, ready to run exchanges.
pub(super) enum Adapter {
    Async { runtime: Runtime, runner: octo_auth_async::Runner },
    Blocking(octo_auth_blocking::Runner),
}

impl Adapter {
    pub(super) fn asynchronous() -> Result<Self, Failure> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::of(Exit::TryLater, &error))?;
        let runner =
            octo_auth_async::Runner::new().map_err(|error| Failure::of(Exit::Configuration, &error))?;
        Ok(Self::Async { runtime, runner })
    }

    pub(super) fn blocking() -> Result<Self, Failure> {
        let runner =
            octo_auth_blocking::Runner::new().map_err(|error| Failure::of(Exit::Configuration, &error))?;
        Ok(Self::Blocking(runner))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Async { .. } => "async",
            Self::Blocking(_) => "blocking",
        }
    }

    pub(super) fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        match self {
            Self::Async { runtime, runner } => runtime.block_on(runner.run(exchange)),
            Self::Blocking(runner) => runner.run(exchange),
        }
    }

    /// Creates a manager for the tokens of one account with this adapter, in simulated time.
    pub(super) fn life(&self, client: Client, clock: Simulated) -> Result<Session<'_>, Stopped> {
        match self {
            Self::Async { runtime, .. } => Session::asynchronous(runtime, client, clock),
            Self::Blocking(_) => Session::blocking(client, clock),
        }
    }

    pub(super) fn now(&self) -> Now {
        match self {
            Self::Async { runner, .. } => runner.now(),
            Self::Blocking(runner) => runner.now(),
        }
    }

    pub(super) fn entropy(&self) -> Result<Entropy, octo_auth_async::EntropyError> {
        match self {
            Self::Async { .. } => octo_auth_async::entropy(),
            Self::Blocking(_) => octo_auth_blocking::entropy(),
        }
    }
}
