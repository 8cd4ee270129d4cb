//! A handle to the tokens of one key.
//!
//! The path of a valid token reads the published snapshot and the boot clock: no lock, nothing allocated, nothing
//! shared written. Everything else asks the driver.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::HeaderValue;
use octo_auth_core::provider::{Import, ProviderCall};
use octo_auth_core::{
    Answer, Authorizer, Caller, Client, Exchange, ExchangeError, Generation, Imported, Now, OnboardingError,
    Reply, RequestError, Status, Token, TokenError, TokenSpec, Waits,
};
use octo_auth_driver::{JobGuard, KeyCell, Snapshot, Told};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::job_runner;
use crate::registration::Registration;

/// A handle to the tokens of one key. It is cheap to clone.
///
/// A valid token is served without a lock and without waiting until its renewal is due. Otherwise the caller waits for
/// the one renewal that is under way for all callers, at most for the duration that it gives, and the renewal goes on without it:
/// it runs in a task of its own. A key that is held by a handle is never given up for another.
///
/// Outside a tokio runtime a call that would have to wait gives
/// [`TokenErrorKind::NoRuntime`](octo_auth_core::TokenErrorKind::NoRuntime) instead.
#[derive(Clone)]
pub struct TokenSource {
    held: Arc<Held>,
}

/// A key that is kept as long as this lives.
struct Held {
    registration: Arc<Registration>,
    cell: Arc<KeyCell>,
}

impl TokenSource {
    pub(crate) fn acquire(registration: &Arc<Registration>, spec: &TokenSpec) -> Result<Self, TokenError> {
        let cell = registration.shared.acquire(spec)?;
        Ok(Self { held: Arc::new(Held { registration: registration.clone(), cell }) })
    }

    /// Gets a token, waiting as long as the policy says, 30 s by default.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if there is no token to be had now; it says why, who must act, and when to ask again.
    #[inline]
    pub fn get(&self) -> impl Future<Output = Result<Token, TokenError>> + Send + '_ {
        self.held.serve(self.held.registration.wait, Token::clone)
    }

    /// Gets a token, waiting at most this long for what is in flight, or for a slot of the request budget that opens within
    /// it. Zero begins what is due and waits for nothing.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    pub fn get_by(&self, wait: Duration) -> impl Future<Output = Result<Token, TokenError>> + Send + '_ {
        self.held.serve(wait, Token::clone)
    }

    /// Gets the value of the header that carries the token, marked sensitive: that of `Authorization`, unless the profile has
    /// another ([`Profile::token_header_name`](octo_auth_core::Profile::token_header_name)). Waits as [`TokenSource::get`] does.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    #[inline]
    pub fn header(&self) -> impl Future<Output = Result<HeaderValue, TokenError>> + Send + '_ {
        self.held.serve(self.held.registration.wait, |token| token.authorization().clone())
    }

    /// Lets the value of that header be read where it lies; waits as [`TokenSource::get`] does.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    #[inline]
    pub async fn with_header<R>(&self, read: impl FnOnce(&HeaderValue) -> R) -> Result<R, TokenError> {
        if let Some(token) = self.held.snapshot().as_ref().and_then(Snapshot::token) {
            return Ok(read(token.authorization()));
        }
        let token = self.held.ask_boxed(self.held.registration.wait).await?;
        Ok(read(token.authorization()))
    }

    /// Takes note that a resource server refused the token of this generation, with status 401 as a rule.
    ///
    /// The next caller gets another token if one can be had. A generation that was replaced already changes nothing,
    /// so each caller may report what it saw, however late.
    pub fn refused(&self, generation: Generation) {
        let Held { registration, cell } = &*self.held;
        registration.shared.refused(cell.spec(), generation);
    }

    /// Starts the key again with the tokens of a sign-in, a property creation, a migration or an import.
    ///
    /// It is in force at once. The call returns when the store has it or has failed (it is saved again by itself
    /// after 1 to 30 s on the same runtime, or with the next call that asks the registration on another one), at the latest after the policy's wait; outside a tokio runtime it does not wait, and whoever asks next
    /// stores it. Dropping the future changes nothing once it was polled.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for tokens of another server, [`RequestError::Secret`] for an empty refresh
    /// token, [`RequestError::Value`] for a refresh token where the client itself is the grant.
    pub async fn import(&self, imported: impl Into<Imported>) -> Result<(), RequestError> {
        let Held { registration, cell } = &*self.held;
        let guard = registration.shared.import(cell.spec(), imported.into())?;
        self.held.see_through(guard, false).await;
        Ok(())
    }

    /// Runs an exchange that brings tokens, such as that of a code, and starts the key again with them.
    ///
    /// Both happen in a task of its own: a caller that is dropped once the request was sent loses nothing. An answer
    /// that cannot be read but for its refresh token brings that, and is an error all the same.
    ///
    /// It waits for the provider's budget as [`TokenManager::run`](crate::Accounts::run) does; after it, as long as
    /// [`TokenSource::import`].
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]; what was brought is in the key or in the error.
    pub async fn import_from<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, OnboardingError>
    where
        for<'a> Imported: From<&'a T>,
    {
        self.drive(ProviderCall::importing(exchange)).await
    }

    /// Runs an exchange and imports what it brings, both in a task of its own; beside the outcome, that of the import.
    pub(crate) async fn run<T: Reply>(
        &self,
        exchange: Exchange<T>,
        import: Import<T>,
    ) -> (Result<Answer<T>, ExchangeError>, Result<(), OnboardingError>) {
        let Held { registration, cell } = &*self.held;
        let spec = cell.spec().clone();
        let (outcome, placed) = registration
            .run(exchange, move |registration, outcome| {
                let brought = import.brought_by(outcome)?;
                let guard = registration.shared.import_if_vacant(&spec, brought, import.replaces());
                Some(guard.map(|guard| drop(guard.map(|guard| job_runner::spawn(registration, guard)))))
            })
            .await;
        let placed = match placed.flatten() {
            Some(placed) => placed,
            None => return (outcome, Ok(())),
        };
        if placed.is_ok() {
            self.held.see_through(None, false).await;
        }
        (outcome, placed)
    }

    /// Ends the key until its next sign-in or adoption: no token is served or asked for from now on.
    ///
    /// What it held is revoked where the provider can. The call returns once storing that and the revocation were
    /// tried, at the latest after the policy's wait; outside a tokio runtime it does not wait, and the
    /// revocation may be left out. Dropping the future changes nothing once it was polled.
    pub async fn sign_out(&self) {
        let Held { registration, cell } = &*self.held;
        let guard = registration.shared.sign_out(cell.spec());
        self.held.see_through(guard, true).await;
    }

    /// How the key stands; always something while the handle lives.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let Held { registration, cell } = &*self.held;
        registration.shared.status(cell.spec())
    }

    /// The state of the key in plain words; no secret is among them.
    #[must_use]
    pub fn explain(&self) -> String {
        let Held { registration, cell } = &*self.held;
        registration.shared.explain(cell.spec())
    }

    /// What authorises calls of the provider's API with this key's tokens: it knows the hosts they may go to.
    #[must_use]
    pub fn authorizer(&self) -> Authorizer {
        self.held.registration.shared.authorizer()
    }

    /// Returns a handle to another key of the registration.
    pub(crate) fn sibling(&self, spec: &TokenSpec) -> Result<Self, TokenError> {
        Self::acquire(&self.held.registration, spec)
    }

    /// Returns the present client.
    pub(crate) fn client(&self) -> Client {
        self.held.registration.shared.client()
    }

    /// Reads the clocks.
    pub(crate) fn now(&self) -> Now {
        self.held.registration.shared.now()
    }

    /// The key.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        self.held.cell.spec()
    }
}

impl Held {
    /// Returns the token that can be served without asking.
    #[inline]
    fn snapshot(&self) -> Option<Snapshot> {
        self.cell.snapshot(self.registration.shared.clock())
    }

    /// Reads what may be served, at once or after asking at the desk.
    ///
    /// Polled by hand rather than written as an async function: what is read is made where it is handed out from, and
    /// moving a header value costs as much as making it.
    #[inline]
    fn serve<'t, R>(
        &'t self,
        wait: Duration,
        read: impl Fn(&Token) -> R + Send + 't,
    ) -> impl Future<Output = Result<R, TokenError>> + Send + 't {
        let mut asking = None;
        poll_fn(move |context| {
            if asking.is_none() {
                if let Some(token) = self.snapshot().as_ref().and_then(Snapshot::token) {
                    return Poll::Ready(Ok(read(token)));
                }
            }
            let asking = asking.get_or_insert_with(|| self.ask_boxed(wait));
            asking.as_mut().poll(context).map(|told| told.map(|token| read(&token)))
        })
    }

    /// As [`Held::ask`], in a box: the futures of the handle stay small for the many calls that never come here.
    fn ask_boxed(
        &self,
        wait: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<Token, TokenError>> + Send + '_>> {
        Box::pin(self.ask(wait))
    }

    /// Asks until there is a token or a failure, and tells telemetry how long that took.
    async fn ask(&self, wait: Duration) -> Result<Token, TokenError> {
        let shared = &self.registration.shared;
        let now = shared.clock().boot();
        let waiting = shared.telemetry().waiting(self.cell.spec(), shared.clock(), now);
        let has_runtime = Handle::try_current().is_ok();
        let waits = if has_runtime { Waits::Until(now.saturating_add(wait)) } else { Waits::NoRuntime };
        let told = self.ask_for(Caller::new(waits)).await;
        waiting.over(told.as_ref());
        told
    }

    async fn ask_for(&self, mut caller: Caller) -> Result<Token, TokenError> {
        loop {
            match self.registration.shared.ask(&self.cell, &mut caller) {
                Told::Token(token) => return Ok(token),
                Told::TokenError(failure) => return Err(failure),
                Told::Run(token, guard) => {
                    job_runner::spawn(&self.registration, guard);
                    if let Some(token) = token {
                        return Ok(token);
                    }
                }
                // Notified or not, it asks again.
                Told::Wait(listener, at_most) => {
                    let _ = timeout(at_most, listener).await;
                }
            }
        }
    }

    /// Runs jobs, and waits until the record is saved or that was tried, at most as long as the policy says; with `all`,
    /// until nothing runs for the key any more.
    async fn see_through(&self, guard: Option<JobGuard>, all: bool) {
        let Self { registration, cell } = self;
        if let Some(guard) = guard {
            job_runner::spawn(registration, guard);
        }
        if Handle::try_current().is_err() {
            return;
        }
        let ends = async {
            while let Some(listener) = registration.shared.listen_while_running(cell, all) {
                listener.await;
            }
        };
        let _ = timeout(registration.wait, ends).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.registration.shared.release(&self.cell);
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("key", self.held.cell.spec()).finish_non_exhaustive()
    }
}
