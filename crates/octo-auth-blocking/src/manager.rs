//! The manager of all tokens of one registered client, with its transport, store and clocks.
//!
//! This module makes no decisions: the core decides, the driver wakes the callers that are concerned. This module
//! blocks callers and starts threads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    self as core, Answer, Client, Exchange, ExchangeError, Now, Policy, RefreshAhead, Reply, RequestError,
    Storage, Store, TokenError, TokenSpec,
};
use octo_auth_driver::{Shared, Unfinished};
use octo_auth_system::{Clock, SetupError, SystemClock, entropy};

use crate::UreqTransport;
use crate::changes::Changes;
use crate::context::Context;
use crate::refresh_ahead::{RefreshTask, save_again};
use crate::runtime_detection;
use crate::store::NoStore;
use crate::thread_pool::ThreadPool;
use crate::token_source::TokenSource;
use crate::transport::Transport;

/// The interval at which a shutdown retries a failed save.
const SAVING_AGAIN: Duration = Duration::from_secs(1);

/// Manages all tokens of one client that is registered at a provider. It is cheap to clone, and all clones share
/// their state.
///
/// Make one for each client id and share it. All specs of one `TokenManager` share the provider's request budget
/// and the back-off after failures of the token endpoint. Two `TokenManager`s for one client id do not share them.
#[derive(Clone)]
pub struct TokenManager {
    pub(crate) context: Arc<Context>,
}

/// Builds a [`TokenManager`].
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    client: Client,
    policy: Policy,
    store: Arc<dyn Store>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    may_block: fn() -> bool,
}

impl TokenManager {
    /// Builds a `TokenManager` with [`UreqTransport::new`], the clocks of the operating system, the default policy
    /// and no store. Without a store, refresh tokens are lost when the process ends.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, or if the operating system returns
    /// no random bytes.
    pub fn new(client: Client) -> Result<Self, SetupError> {
        Self::builder(client).build()
    }

    /// Returns a builder, to choose the policy, store, transport and clock. Its defaults are those of
    /// [`TokenManager::new`].
    pub fn builder(client: Client) -> Builder {
        Builder {
            client,
            policy: Policy::default(),
            store: Arc::new(NoStore),
            transport: None,
            clock: Arc::new(SystemClock),
            may_block: runtime_detection::may_block,
        }
    }

    /// Returns a handle to the tokens of a spec. It sends no request.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the requests of the spec cannot be built, or if as many specs as the policy allows are
    /// in use and none can be evicted.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a key is made for its handle, and read as `tokens(TokenSpec::account(..))`"
    )]
    pub fn tokens(&self, spec: TokenSpec) -> Result<TokenSource, TokenError> {
        TokenSource::new(self.context.clone(), &spec)
    }

    /// Runs any exchange once, on the calling thread.
    ///
    /// A token request counts against the provider's request budget; such requests get at most half of it. The
    /// request waits in a queue until the budget has room, for at most two minutes. If 64 requests are waiting
    /// already, it is not sent. An authorization code that has become too old is not sent either.
    ///
    /// The result does not change the state of any spec. Use [`TokenSource::import_from`] for an exchange that
    /// returns tokens, such as that of an authorization code, or pass the tokens to [`TokenSource::import`]. A
    /// shutdown waits for the exchange.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] if the expected answer did not come; it says who must act. On a worker thread of an
    /// async runtime nothing is sent.
    pub fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        self.context.run(exchange, |outcome| outcome)
    }

    /// Subscribes to the changes of all specs from now on, so that a program can send alerts or save data.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::new(self.context.shared.changes())
    }

    /// Renews tokens before a caller has to wait for them, on its own thread, until the returned value is dropped.
    pub fn refresh_ahead(&self, which: RefreshAhead) -> RefreshTask {
        RefreshTask::new(&self.context, which)
    }

    /// Replaces the client, such as by one with a new secret. Final refusals and back-offs that were caused by the
    /// old client are cleared.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if the requests of a spec cannot be built with the new client. Nothing is changed then.
    pub fn replace_client(&self, client: Client) -> Result<(), RequestError> {
        self.context.shared.replace_client(client)
    }

    /// Stops starting renewals, and waits until the running ones have ended and everything is saved. It waits at
    /// most as long as a renewal can take: the exchange deadline of the policy plus 30 s. Returns what remains.
    ///
    /// Otherwise the same as [`TokenManager::shutdown_within`].
    pub fn shutdown(&self) -> Unfinished {
        self.shutdown_within(self.context.shared.longest_flight())
    }

    /// Stops starting renewals, and waits until the running ones have ended and everything is saved, at most for
    /// `grace`. Returns what remains: an answer that arrives later may contain the only refresh token that the
    /// server still accepts.
    ///
    /// Valid tokens are still returned. Work that takes longer continues while the program does. On a worker
    /// thread of an async runtime it does not wait.
    pub fn shutdown_within(&self, grace: Duration) -> Unfinished {
        let Context { shared, .. } = &*self.context;
        let end = shared.clock().boot().saturating_add(grace);
        shared.telemetry().shutting_down();
        shared.shut_down();
        self.save_all();
        if self.context.may_block() {
            self.finish(end, grace);
        }
        let unfinished = shared.unfinished();
        shared.telemetry().shut_down(unfinished.is_empty());
        unfinished
    }

    /// Returns what is in flight or unsaved now. It does not wait. It checks every spec.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        self.context.shared.unfinished()
    }

    /// Waits until nothing is in flight and everything is saved. It retries failed saves each second, starts no
    /// renewal, and has no time limit of its own.
    pub fn settled(&self) {
        while let Some(listener) = self.context.shared.listen_while_busy() {
            self.save_all();
            listener.wait_timeout(SAVING_AGAIN);
        }
    }

    /// Returns the current client.
    #[must_use]
    pub fn client(&self) -> Client {
        self.context.shared.client()
    }

    /// Reads the clocks, for calls such as
    /// [`PendingAuthorization::receive`](octo_auth_core::PendingAuthorization::receive).
    #[must_use]
    pub fn now(&self) -> Now {
        self.context.shared.now()
    }

    /// Waits until nothing is in flight and everything is saved, at the latest until `end` on the boot clock. It
    /// retries failed saves at intervals.
    fn finish(&self, end: Duration, grace: Duration) {
        let shared = &self.context.shared;
        let mut left = grace;
        let mut again = shared.clock().boot().saturating_add(SAVING_AGAIN);
        while !left.is_zero() {
            let Some(listener) = shared.listen_while_busy() else { return };
            let now = shared.clock().boot();
            if now >= end {
                return;
            }
            if again <= now {
                self.save_all();
                again = now.saturating_add(SAVING_AGAIN);
            }
            let step = left.min(SAVING_AGAIN);
            if !listener.wait_timeout(step) {
                // The clock may stand still.
                left -= step;
                again = now;
            }
        }
    }

    fn save_all(&self) {
        self.context.shared.save_all().into_iter().for_each(|guard| self.context.spawn(guard));
    }
}

impl fmt::Debug for TokenManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManager").finish_non_exhaustive()
    }
}

impl Builder {
    /// Sets the policy: when tokens are renewed, and how long callers wait.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the store of the records, such as [`MemoryStore`](crate::MemoryStore). Without a store, refresh tokens
    /// are lost when the process ends.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Sets the transport of the requests. The default is [`UreqTransport::new`].
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets the clocks, such as simulated ones. The default is the clocks of the operating system.
    ///
    /// A waiting caller rereads the clocks at least every 30 s. It rereads them at once after a change, or when
    /// [`Clock::subscribe`] notifies it.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the rule that says whether the current thread may wait. The rule is called in each call that may have
    /// to wait, with no lock held.
    ///
    /// By default, a thread may wait unless its name begins with a usual name of a runtime's worker:
    /// `tokio-runtime-worker` or `tokio-rt-worker`, `async-std/runtime`, `smol-`. The name does not distinguish a
    /// tokio worker from a thread of `spawn_blocking`, which is refused too. It also does not show a runtime on
    /// the current thread.
    ///
    /// A program that knows better sets its own rule. Without any runtime: `|| true`. With tokio workers that have
    /// other names: `|| tokio::runtime::Handle::try_current().is_err()`.
    pub fn may_block(mut self, rule: fn() -> bool) -> Self {
        self.may_block = rule;
        self
    }

    /// Builds the `TokenManager`. It sends no request and starts no thread.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, or if the operating system returns
    /// no random bytes.
    pub fn build(self) -> Result<TokenManager, SetupError> {
        let Self { client, policy, store, transport, clock, may_block } = self;
        let entropy = entropy().map_err(|error| SetupError::of("the random source", error))?;
        let transport = match transport {
            Some(transport) => transport,
            None => Arc::new(UreqTransport::new()?),
        };
        let (wait, exchange_deadline) = (policy.wait(), policy.exchange_deadline());
        let threads = usize::try_from(policy.concurrency()).unwrap_or(usize::MAX);
        let storage = store.storage();
        let machine = core::TokenManager::new(client, policy, storage, &entropy);
        let shared = Shared::new(machine, clock);
        if storage == Storage::MultiProcess {
            let listening = Arc::downgrade(&shared);
            store.changes(Arc::new(move |name| {
                if let Some(shared) = listening.upgrade() {
                    shared.changed_elsewhere(name);
                }
            }));
        }
        let requests = Arc::new(ThreadPool::new(shared.clone(), threads));
        let store_calls = Arc::new(ThreadPool::new(shared.clone(), threads.div_ceil(4)));
        let context =
            Context { shared, transport, store, requests, store_calls, wait, exchange_deadline, may_block };
        let context = Arc::new(context);
        save_again(&context);
        Ok(TokenManager { context })
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
