//! One registration at a provider and all its tokens.
//!
//! The core decides, the driver says whom it concerns; what is here moves bytes, blocks callers and starts threads.

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

/// How often a shutdown tries again to store what could not be stored.
const SAVING_AGAIN: Duration = Duration::from_secs(1);

/// One registration at a provider and all its tokens. It is cheap to clone; the clones are one registration.
///
/// Make one for each client id and share it: its keys then share the provider's budget of requests and what failures
/// of the endpoint left behind. Two of them for one client id know nothing of each other.
#[derive(Clone)]
pub struct TokenManager {
    pub(crate) context: Arc<Context>,
}

/// How [`TokenManager`] are to be set up.
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
    /// The tokens of a client, with the default policy, over [`UreqTransport::new`], with the clocks of the
    /// operating system and without a store: what is not adopted again is forgotten when the program ends.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if the environment names a proxy that cannot be used, or if the operating system gives no random
    /// bytes.
    pub fn new(client: Client) -> Result<Self, SetupError> {
        Self::builder(client).build()
    }

    /// A builder that begins with what [`TokenManager::new`] uses.
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

    /// A handle to the token of a key. Nothing is sent until it is asked for a token.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the requests of the key cannot be built, or if as many keys as the policy allows are in use
    /// and none can be given up.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a key is made for its handle, and read as `tokens(TokenSpec::account(..))`"
    )]
    pub fn tokens(&self, spec: TokenSpec) -> Result<TokenSource, TokenError> {
        TokenSource::new(self.context.clone(), &spec)
    }

    /// Runs any exchange, such as that of an authorization code, once, on the calling thread.
    ///
    /// A request for a token counts in the provider's budget, of which such requests get at most half, and waits in line
    /// until that has room, at most two minutes. While 64 wait, a further one is not sent, nor
    /// is a code that became too old. Its outcome changes no key: tokens it brings are handed to [`TokenSource::import`]. A
    /// shutdown waits for it.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] for whatever is not the answer that was due; on a worker of an async runtime one that
    /// says that nothing was sent.
    pub fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        self.context.run(exchange, |outcome| outcome)
    }

    /// Subscribes to what happens to the keys from now on, so that a program can alert or persist.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::new(self.context.shared.changes())
    }

    /// Renews tokens before anybody has to wait for them, on a thread of its own, until the answer is dropped.
    pub fn refresh_ahead(&self, which: RefreshAhead) -> RefreshTask {
        RefreshTask::new(&self.context, which)
    }

    /// Puts another client, such as one with a new secret, in the place of the present one: final refusals and
    /// cooldowns held against the old one are forgotten.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if the requests of a key cannot be built with it; nothing is changed then.
    pub fn replace_client(&self, client: Client) -> Result<(), RequestError> {
        self.context.shared.replace_client(client)
    }

    /// Begins no renewal from now on, and waits until what is under way has ended and all is stored: as long as a renewal may
    /// take, which is the policy's exchange deadline and 30 s. Returns what was left.
    ///
    /// As [`TokenManager::shutdown_within`] in all else.
    pub fn shutdown(&self) -> Unfinished {
        self.shutdown_within(self.context.shared.longest_flight())
    }

    /// Begins no renewal from now on, and waits until what is under way has ended and all is stored, but no longer than
    /// `grace`. Returns what was left: an answer that comes later may hold the only refresh token the server still takes.
    ///
    /// Valid tokens are served still. What takes longer goes on as long as the program does. On a worker of an async
    /// runtime it does not wait.
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

    /// Returns what is under way or unsaved now. It waits for nothing, and looks at each key.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        self.context.shared.unfinished()
    }

    /// Waits until nothing is in flight and nothing is unsaved, saving again each second what could not be saved. It begins
    /// no renewal and has no time limit of its own.
    pub fn settled(&self) {
        while let Some(listener) = self.context.shared.listen_while_busy() {
            self.save_all();
            listener.wait_timeout(SAVING_AGAIN);
        }
    }

    /// The client, as it stands now.
    #[must_use]
    pub fn client(&self) -> Client {
        self.context.shared.client()
    }

    /// Reads the clocks, for [`PendingAuthorization::receive`](octo_auth_core::PendingAuthorization::receive) and the like.
    #[must_use]
    pub fn now(&self) -> Now {
        self.context.shared.now()
    }

    /// Waits until nothing is in flight or unsaved, until this moment on the boot clock at the latest, storing again from
    /// time to time what could not be stored.
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
    /// Another policy.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// A store, such as [`MemoryStore`](crate::MemoryStore), that records are read from and written to.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Another transport.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Another clock, such as a simulated one. A caller that waits while it stands still is woken by changes and by
    /// [`Clock::subscribe`], and looks at it again every 30 s.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another rule for whether the current thread may wait; it is asked in each call that may have to, with no lock
    /// held.
    ///
    /// Without one, a thread may wait unless its name begins as the runtimes in wide use name their workers:
    /// `tokio-runtime-worker` or `tokio-rt-worker`, `async-std/runtime`, `smol-`. A name cannot tell a worker of
    /// tokio from its threads made for blocking (`spawn_blocking`), which are refused too, nor a runtime on the
    /// current thread from none. A program that knows better says so: in one without any runtime `|| true`, beside
    /// tokio with workers named otherwise `|| tokio::runtime::Handle::try_current().is_err()`.
    pub fn may_block(mut self, rule: fn() -> bool) -> Self {
        self.may_block = rule;
        self
    }

    /// Sets the registration up. Nothing is sent, and no thread is started.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if the environment names a proxy that cannot be used, or if the operating system gives no random
    /// bytes.
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
