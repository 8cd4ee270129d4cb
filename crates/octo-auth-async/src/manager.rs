//! One registration at a provider, with everything its tokens need: a transport, a store, two clocks.
//!
//! Nothing is decided here: the core decides, the driver says whom it concerns, tasks run the jobs.

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

/// How often a shutdown tries again to save what could not be saved.
const SAVING_AGAIN: Duration = Duration::from_secs(1);

/// One registration at a provider and all its tokens. It is cheap to clone; the clones are one registration.
///
/// Make one for each client id and share it: its keys then share the provider's budget of requests and what failures
/// of the endpoint left behind. Two of them for one client id know nothing of each other. What is awaited here needs
/// a tokio runtime with its time enabled, multi-threaded or not; requests and saving run in tasks of that runtime.
#[derive(Clone)]
pub struct TokenManager {
    pub(crate) registration: Arc<Registration>,
}

/// How a registration is to be set up.
#[must_use = "nothing is set up until it is built"]
pub struct Builder {
    client: Client,
    policy: Policy,
    store: Option<Arc<dyn Store>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
}

impl TokenManager {
    /// A registration over [`ReqwestTransport::new`](crate::ReqwestTransport::new) with the clocks of the operating
    /// system, the default policy and no store: refresh tokens live and die with the process.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, if reqwest refuses its settings, or if the
    /// operating system gives no random bytes; without the feature
    /// `reqwest`, if there is no transport.
    pub fn new(client: Client) -> Result<Self, SetupError> {
        Self::builder(client).build()
    }

    /// A builder, to choose policy, store, transport and clock.
    pub fn builder(client: Client) -> Builder {
        let (policy, clock) = (Policy::default(), Arc::new(SystemClock));
        Builder { client, policy, store: None, transport: None, clock }
    }

    /// A handle to the tokens of a key. Nothing is asked for yet.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if the key's requests cannot be built, or if there is no room for another key.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a key is made where it is asked for, and reads best as it is"
    )]
    pub fn tokens(&self, spec: TokenSpec) -> Result<TokenSource, TokenError> {
        TokenSource::acquire(&self.registration, &spec)
    }

    /// Runs any exchange once, in a task of its own.
    ///
    /// A request for a token counts in the provider's budget, of which such requests get at most half, and waits in line
    /// until that has room, at most two minutes. While 64 wait, a further one is not sent, nor
    /// is a code that became too old. Its outcome changes no key: an exchange that brings tokens, such as that of an authorization code, is one for
    /// [`TokenSource::import_from`].
    ///
    /// A caller that is dropped while it waits for a slot sends nothing. One that is dropped later loses the answer of
    /// its exchange, with the tokens in it; the request is finished all the same.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] for whatever is not the answer that was due; it says who must act. Outside a tokio
    /// runtime nothing is sent.
    pub async fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        self.registration.run(exchange, |_, _| ()).await.0
    }

    /// Subscribes to what happens to the keys from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::new(self.registration.shared.changes())
    }

    /// Renews tokens before anybody waits for them, in a task of the runtime it is called on.
    ///
    /// Outside a tokio runtime nothing is kept warm; [`RefreshTask::is_running`] tells.
    pub fn refresh_ahead(&self, which: RefreshAhead) -> RefreshTask {
        RefreshTask::start(&self.registration, which)
    }

    /// Puts another client, such as one with a new secret, in the place of the present one. What was refused for
    /// good or is left alone for a while because of the old one is tried again.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if the requests of a key cannot be built with it; nothing is changed then.
    pub fn replace_client(&self, client: Client) -> Result<(), RequestError> {
        self.registration.shared.replace_client(client)
    }

    /// Begins no renewal from now on, and waits until what is under way has ended and all is stored: as long as a renewal may
    /// take, which is the policy's exchange deadline and 30 s. Returns what was left.
    ///
    /// As [`TokenManager::shutdown_within`] in all else.
    pub async fn shutdown(&self) -> Unfinished {
        self.shutdown_within(self.registration.shared.longest_flight()).await
    }

    /// Begins no renewal from now on, and waits until what is under way has ended and all is stored, but no longer than
    /// `grace`. Returns what was left: an answer that comes later may hold the only refresh token the server still takes.
    ///
    /// Valid tokens are served still. What takes longer goes on as long as its runtime does. Dropping the future
    /// undoes nothing. Outside a tokio runtime it does not wait.
    pub async fn shutdown_within(&self, grace: Duration) -> Unfinished {
        let shared = &self.registration.shared;
        shared.telemetry().shutting_down();
        shared.shut_down();
        if Handle::try_current().is_ok() {
            // What is not done in that time goes on by itself.
            let _ = timeout(grace, self.settled()).await;
        }
        let unfinished = shared.unfinished();
        shared.telemetry().shut_down(unfinished.is_empty());
        unfinished
    }

    /// Returns what is under way or unsaved now. It waits for nothing, and looks at each key.
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        self.registration.shared.unfinished()
    }

    /// Waits until nothing is in flight and nothing is unsaved, saving again each second what could not be saved. It begins
    /// no renewal and has no time limit of its own. It needs a tokio runtime.
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

    /// The client, as it stands now.
    #[must_use]
    pub fn client(&self) -> Client {
        self.registration.shared.client()
    }

    /// Reads the clocks, for [`PendingAuthorization::receive`](octo_auth_core::PendingAuthorization::receive) and the like.
    #[must_use]
    pub fn now(&self) -> Now {
        self.registration.shared.now()
    }
}

impl Builder {
    /// Sets how tokens are renewed and how long is waited.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets what keeps the records. Without a store refresh tokens live and die with the process.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets what carries the requests; [`ReqwestTransport::new`](crate::ReqwestTransport::new) otherwise.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets the clocks, such as simulated ones; those of the operating system otherwise.
    ///
    /// They alone say what time it is. Sleeping is left to tokio, for as long as they say, and never for more than
    /// 30 s without looking at them again; callers that wait look at once when told by [`Clock::subscribe`].
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the registration up.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, if reqwest refuses its settings, or if the
    /// operating system gives no random bytes; without the feature
    /// `reqwest`, if there is no transport.
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
