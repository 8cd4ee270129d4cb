//! The manager of all tokens of one registered client, with its transport, store and clocks.
//!
//! This module makes no decisions: the core decides, the driver wakes the callers that are concerned, and tasks
//! run the jobs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Answer, Client, Exchange, ExchangeError, Now, Policy, RefreshAhead, Reply, RequestError, Storage,
    TokenError, TokenSpec,
};
use octo_auth_driver::{Shared, Unfinished};
use octo_auth_system::{Clock, SetupError, SystemClock, entropy};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::changes::Changes;
use crate::job_runner;
use crate::refresh_ahead::{RefreshTask, save_again};
use crate::registration::Registration;
use crate::store::Store;
use crate::token_source::TokenSource;
use crate::transport::Transport;
use crate::usual_transport::usual;

/// The interval at which a shutdown retries a failed save.
const SAVING_AGAIN: Duration = Duration::from_secs(1);

/// Manages all tokens of one client that is registered at a provider. It is cheap to clone, and all clones share
/// their state.
///
/// Make one for each client id and share it. All specs of one `TokenManager` share the provider's request budget
/// and the back-off after failures of the token endpoint. Two `TokenManager`s for one client id do not share them.
///
/// The async methods need a tokio runtime with its timer enabled, multi-threaded or not. Requests and saves run in
/// tasks of that runtime.
#[derive(Clone)]
pub struct TokenManager {
    pub(crate) registration: Arc<Registration>,
}

/// Builds a [`TokenManager`].
#[must_use = "nothing is set up until it is built"]
pub struct Builder {
    client: Client,
    policy: Policy,
    store: Option<Arc<dyn Store>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
}

impl TokenManager {
    /// Builds a `TokenManager` with [`ReqwestTransport::new`](crate::ReqwestTransport::new), the clocks of the
    /// operating system, the default policy and no store. Without a store, refresh tokens are lost when the
    /// process ends.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, if reqwest rejects its settings, or
    /// if the operating system returns no random bytes. Without the feature `reqwest`, also if there is no
    /// transport.
    pub fn new(client: Client) -> Result<Self, SetupError> {
        Self::builder(client).build()
    }

    /// Returns a builder, to choose the policy, store, transport and clock.
    pub fn builder(client: Client) -> Builder {
        let (policy, clock) = (Policy::default(), Arc::new(SystemClock));
        Builder { client, policy, store: None, transport: None, clock }
    }

    /// Returns a handle to the tokens of a spec. It sends no request.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the requests of the spec cannot be built, or if as many specs as the policy allows are
    /// in use and none can be evicted.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a key is made where it is asked for, and reads best as it is"
    )]
    pub fn tokens(&self, spec: TokenSpec) -> Result<TokenSource, TokenError> {
        TokenSource::acquire(&self.registration, &spec)
    }

    /// Runs any exchange once, in its own task.
    ///
    /// A token request counts against the provider's request budget; such requests get at most half of it. The
    /// request waits in a queue until the budget has room, for at most two minutes. If 64 requests are waiting
    /// already, it is not sent. An authorization code that has become too old is not sent either.
    ///
    /// The result does not change the state of any spec. Use [`TokenSource::import_from`] for an exchange that
    /// returns tokens, such as that of an authorization code.
    ///
    /// If the future is dropped while it waits for a slot, nothing is sent. If it is dropped later, the answer is
    /// lost, with the tokens in it. The request is still finished.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] if the expected answer did not come; it says who must act. Outside a tokio runtime
    /// nothing is sent.
    pub async fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        self.registration.run(exchange, |_, _| ()).await.0
    }

    /// Subscribes to the changes of all specs from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::new(self.registration.shared.changes())
    }

    /// Renews tokens before a caller has to wait for them, in a task of the current runtime.
    ///
    /// Outside a tokio runtime no token is refreshed ahead; see [`RefreshTask::is_running`].
    pub fn refresh_ahead(&self, which: RefreshAhead) -> RefreshTask {
        RefreshTask::start(&self.registration, which)
    }

    /// Replaces the client, such as by one with a new secret. Final refusals and back-offs that were caused by the
    /// old client are cleared.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if the requests of a spec cannot be built with the new client. Nothing is changed then.
    pub fn replace_client(&self, client: Client) -> Result<(), RequestError> {
        self.registration.shared.replace_client(client)
    }

    /// Stops starting renewals, and waits until the running ones have ended and everything is saved. It waits at
    /// most as long as a renewal can take: the exchange deadline of the policy plus 30 s. Returns what remains.
    ///
    /// Otherwise the same as [`TokenManager::shutdown_within`].
    pub async fn shutdown(&self) -> Unfinished {
        self.shutdown_within(self.registration.shared.longest_flight()).await
    }

    /// Stops starting renewals, and waits until the running ones have ended and everything is saved, at most for
    /// `grace`. Returns what remains: an answer that arrives later may contain the only refresh token that the
    /// server still accepts.
    ///
    /// Valid tokens are still returned. Work that takes longer continues while its runtime does. Dropping the
    /// future undoes nothing. Outside a tokio runtime it does not wait.
    pub async fn shutdown_within(&self, grace: Duration) -> Unfinished {
        let shared = &self.registration.shared;
        shared.telemetry().shutting_down();
        shared.shut_down();
        if Handle::try_current().is_ok() {
            // Work that is not done in that time continues in its tasks.
            let _ = timeout(grace, self.settled()).await;
        }
        let unfinished = shared.unfinished();
        shared.telemetry().shut_down(unfinished.is_empty());
        unfinished
    }

    /// Returns what is in flight or unsaved now. It does not wait. It checks every spec.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        self.registration.shared.unfinished()
    }

    /// Waits until nothing is in flight and everything is saved. It retries failed saves each second, starts no
    /// renewal, and has no time limit of its own. It needs a tokio runtime.
    pub async fn settled(&self) {
        let Registration { shared, .. } = &*self.registration;
        while shared.listen_while_busy().is_some() {
            for guard in shared.save_all() {
                job_runner::spawn(&self.registration, guard);
            }
            let idle = async {
                while let Some(listener) = shared.listen_while_busy() {
                    listener.await;
                }
            };
            let _ = timeout(SAVING_AGAIN, idle).await;
        }
    }

    /// Returns the current client.
    #[must_use]
    pub fn client(&self) -> Client {
        self.registration.shared.client()
    }

    /// Reads the clocks, for calls such as
    /// [`PendingAuthorization::receive`](octo_auth_core::PendingAuthorization::receive).
    #[must_use]
    pub fn now(&self) -> Now {
        self.registration.shared.now()
    }
}

impl Builder {
    /// Sets the policy: when tokens are renewed, and how long callers wait.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the store of the records. Without a store, refresh tokens are lost when the process ends.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets the transport of the requests. The default is [`ReqwestTransport::new`](crate::ReqwestTransport::new).
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets the clocks, such as simulated ones. The default is the clocks of the operating system.
    ///
    /// They are the only source of time. Sleeping uses tokio's timer, for the durations that these clocks yield.
    /// It rereads the clocks at least every 30 s. Waiting callers reread them at once when [`Clock::subscribe`]
    /// notifies them.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the `TokenManager`.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, if reqwest rejects its settings, or
    /// if the operating system returns no random bytes. Without the feature `reqwest`, also if there is no
    /// transport.
    pub fn build(self) -> Result<TokenManager, SetupError> {
        let Self { client, policy, store, transport, clock } = self;
        let transport = match transport {
            Some(transport) => transport,
            None => usual()?,
        };
        let storage = store.as_ref().map_or(Storage::None, Store::storage);
        let (wait, exchange_deadline) = (policy.wait(), policy.exchange_deadline());
        let entropy = entropy().map_err(|error| SetupError::of("the random source", error))?;
        let machine = octo_auth_core::TokenManager::new(client, policy, storage, &entropy);
        let shared = Shared::new(machine, clock);
        if let Some(store) = store.as_ref().filter(|_| storage == Storage::MultiProcess) {
            let listening = Arc::downgrade(&shared);
            store.changes(Arc::new(move |name| {
                if let Some(shared) = listening.upgrade() {
                    shared.changed_elsewhere(name);
                }
            }));
        }
        let registration = Arc::new(Registration { shared, transport, store, wait, exchange_deadline });
        save_again(&registration);
        Ok(TokenManager { registration })
    }
}

impl fmt::Debug for TokenManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManager").field("wait", &self.registration.wait).finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("client", &self.client)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
