//! A handle to the tokens of one spec.
//!
//! A valid token is read from the published snapshot and checked with the boot clock. That path takes no lock,
//! does not allocate, and does not write shared memory. All other calls go to the driver.

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
use octo_auth_driver::{CallerAction, JobGuard, KeyCell, Snapshot};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::job_runner;
use crate::registration::Registration;

/// A handle that yields the tokens of one spec. It is cheap to clone.
///
/// Until its renewal is due, a valid token is returned without a lock and without waiting. Otherwise the caller
/// waits for the single renewal that all callers share, at most for the duration that it passes. The renewal runs
/// in its own task and continues after that. A spec is never evicted while a handle to it exists.
///
/// Outside a tokio runtime, a call that would have to wait returns
/// [`TokenErrorKind::NoRuntime`](octo_auth_core::TokenErrorKind::NoRuntime) instead.
#[derive(Clone)]
pub struct TokenSource {
    held: Arc<Held>,
}

/// Keeps the spec in use until it is dropped.
struct Held {
    registration: Arc<Registration>,
    cell: Arc<KeyCell>,
}

impl TokenSource {
    pub(crate) fn acquire(registration: &Arc<Registration>, spec: &TokenSpec) -> Result<Self, TokenError> {
        let cell = registration.shared.acquire(spec)?;
        Ok(Self { held: Arc::new(Held { registration: registration.clone(), cell }) })
    }

    /// Returns a token. It waits at most for the duration in the policy, 30 s by default.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if no token is available now. It says why, who must act, and when to try again.
    #[inline]
    pub fn get(&self) -> impl Future<Output = Result<Token, TokenError>> + Send + '_ {
        self.held.serve(self.held.registration.wait, Token::clone)
    }

    /// Returns a token. It waits at most for `wait` for a request in flight, or for a slot of the request budget
    /// that becomes free within `wait`. With zero, it starts the work that is due and does not wait.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    pub fn get_by(&self, wait: Duration) -> impl Future<Output = Result<Token, TokenError>> + Send + '_ {
        self.held.serve(wait, Token::clone)
    }

    /// Returns the value of the header that carries the token, marked as sensitive. The header is `Authorization`,
    /// unless the profile names another
    /// ([`Profile::token_header_name`](octo_auth_core::Profile::token_header_name)). It waits as
    /// [`TokenSource::get`] does.
    ///
    /// For many calls in a short time [`TokenSource::with_header`] is the fastest: it copies nothing.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    #[inline]
    pub fn header(&self) -> impl Future<Output = Result<HeaderValue, TokenError>> + Send + '_ {
        self.held.serve(self.held.registration.wait, |token| token.authorization().clone())
    }

    /// Calls `read` with the value of that header, without a copy. It waits as [`TokenSource::get`] does.
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

    /// Reports that a resource server refused the token of this generation, usually with status 401.
    ///
    /// The next caller gets another token if one can be obtained. If the generation was already replaced, the call
    /// has no effect. So each caller may report a refusal, however late.
    pub fn refused(&self, generation: Generation) {
        let Held { registration, cell } = &*self.held;
        registration.shared.refused(cell.spec(), generation);
    }

    /// Imports the tokens of a sign-in, a property creation or a migration. They replace the current tokens of the
    /// spec.
    ///
    /// They take effect at once. The call returns when the store has saved the tokens or has failed, and at the
    /// latest after the wait of the policy. A failed save is retried after 1 to 30 s on the same runtime, or on
    /// another runtime with the next call for a token. Outside a tokio runtime the call does not wait, and the
    /// next caller saves the tokens. Once the future was polled, dropping it does not undo the import.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] if the tokens are from another server, [`RequestError::Secret`] if the
    /// refresh token is empty, [`RequestError::Value`] if there is a refresh token but the grant is the client's
    /// own.
    pub async fn import(&self, imported: impl Into<Imported>) -> Result<(), RequestError> {
        let Held { registration, cell } = &*self.held;
        let guard = registration.shared.import(cell.spec(), imported.into())?;
        self.held.see_through(guard, false).await;
        Ok(())
    }

    /// Runs an exchange that returns tokens, such as that of an authorization code, and imports them.
    ///
    /// Both run in their own task: a caller that is dropped after the request was sent loses nothing. If only the
    /// refresh token of an answer can be read, it is imported, and the call still returns an error.
    ///
    /// The call waits for the provider's request budget as [`TokenManager::run`](crate::TokenManager::run) does.
    /// After that it waits as long as [`TokenSource::import`].
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]. The tokens that were returned have been imported, or are in the error.
    pub async fn import_from<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, OnboardingError>
    where
        for<'a> Imported: From<&'a T>,
    {
        self.drive(ProviderCall::importing(exchange)).await
    }

    /// Runs an exchange and imports its tokens, both in one task. Returns the outcome of the exchange, and that of
    /// the import.
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

    /// Signs the account out. From now on no token is returned or requested, until the next sign-in or import.
    ///
    /// Its tokens are revoked if the provider supports that. The call returns when the sign-out was saved and the
    /// tokens were revoked, or both were tried, and at the latest after the wait of the policy. Outside a tokio
    /// runtime it does not wait, and may skip the revocation. Once the future was polled, dropping it does not
    /// undo the sign-out.
    pub async fn sign_out(&self) {
        let Held { registration, cell } = &*self.held;
        let guard = registration.shared.sign_out(cell.spec());
        self.held.see_through(guard, true).await;
    }

    /// Returns the current status of the spec. It is never `None` while this handle exists.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let Held { registration, cell } = &*self.held;
        registration.shared.status(cell.spec())
    }

    /// Describes the state of the spec in plain words, without secrets.
    #[must_use]
    pub fn explain(&self) -> String {
        let Held { registration, cell } = &*self.held;
        registration.shared.explain(cell.spec())
    }

    /// Returns an authorizer for API calls with the tokens of this spec. It knows the hosts that may receive them.
    #[must_use]
    pub fn authorizer(&self) -> Authorizer {
        self.held.registration.shared.authorizer()
    }

    /// Returns a handle to another spec of the same `TokenManager`.
    pub(crate) fn sibling(&self, spec: &TokenSpec) -> Result<Self, TokenError> {
        Self::acquire(&self.held.registration, spec)
    }

    /// Returns the current client.
    pub(crate) fn client(&self) -> Client {
        self.held.registration.shared.client()
    }

    /// Reads the clocks.
    pub(crate) fn now(&self) -> Now {
        self.held.registration.shared.now()
    }

    /// Returns the spec.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        self.held.cell.spec()
    }
}

impl Held {
    /// Returns the published snapshot, if its token can be returned without asking the driver.
    #[inline]
    fn snapshot(&self) -> Option<Snapshot> {
        self.cell.snapshot(self.registration.shared.clock())
    }

    /// Reads the token, from the snapshot or after asking the driver.
    ///
    /// This is a hand-written future, not an async function, so that the value is made in its final place. Moving
    /// a header value costs as much as making it.
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

    /// As [`Held::ask`], but boxed. This keeps the futures of the handle small, as most calls never get here.
    fn ask_boxed(
        &self,
        wait: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<Token, TokenError>> + Send + '_>> {
        Box::pin(self.ask(wait))
    }

    /// Asks the driver until it returns a token or an error, and reports the waiting time to telemetry.
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
                CallerAction::Token(token) => return Ok(token),
                CallerAction::TokenError(failure) => return Err(failure),
                CallerAction::Run(token, guard) => {
                    job_runner::spawn(&self.registration, guard);
                    if let Some(token) = token {
                        return Ok(token);
                    }
                }
                // Ask again, whether notified or timed out.
                CallerAction::Wait(listener, at_most) => {
                    let _ = timeout(at_most, listener).await;
                }
            }
        }
    }

    /// Runs the jobs of `guard`. Waits until the record was saved or the save failed, at most for the wait of the
    /// policy. With `all`, waits until no job of the spec runs.
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
