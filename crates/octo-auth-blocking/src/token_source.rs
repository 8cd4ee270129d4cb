//! A handle to the tokens of one spec.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use octo_auth_core::provider::{Import, ProviderCall};
use octo_auth_core::{
    Answer, Authorizer, Caller, Client, Exchange, ExchangeError, Generation, Imported, Now, OnboardingError,
    Reply, RequestError, Status, Token, TokenError, TokenSpec, Waits,
};
use octo_auth_driver::{CallerAction, JobGuard, KeyCell, Snapshot};

use crate::context::Context;

/// A handle that yields the tokens of one spec. It is cheap to clone.
///
/// Until its renewal is due, a valid token is returned without a lock and without waiting. Otherwise the calling
/// thread waits for the single renewal that all callers share, at most for the duration that it passes. The
/// renewal continues after that. A spec is never evicted while a handle to it exists.
///
/// On a worker thread of an async runtime, a call that would have to wait returns at once. Its result is the one
/// that it would get at the end of its wait: a token that was refused but may still work, or an error. Instead of
/// [`TokenErrorKind::StillWaiting`](octo_auth_core::TokenErrorKind::StillWaiting), the error is
/// [`TokenErrorKind::WouldBlockRuntime`](octo_auth_core::TokenErrorKind::WouldBlockRuntime). See
/// [`Builder::may_block`](crate::Builder::may_block).
#[derive(Clone)]
pub struct TokenSource {
    handle: Arc<Handle>,
}

/// The state that the clones of a handle share. Dropping it releases the spec.
struct Handle {
    context: Arc<Context>,
    cell: Arc<KeyCell>,
}

impl TokenSource {
    pub(crate) fn new(context: Arc<Context>, spec: &TokenSpec) -> Result<Self, TokenError> {
        let cell = context.shared.acquire(spec)?;
        Ok(Self { handle: Arc::new(Handle { context, cell }) })
    }

    /// Returns a token. It waits at most for the duration in the policy, 30 s by default.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if no token is available now. It says why, who must act, and when to try again.
    #[inline]
    pub fn get(&self) -> Result<Token, TokenError> {
        self.get_by(self.handle.context.wait)
    }

    /// Returns a token. It waits at most for `wait` for a request in flight, or for a slot of the request budget
    /// that becomes free within `wait`. With zero, it starts the work that is due and does not wait.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    #[inline]
    pub fn get_by(&self, wait: Duration) -> Result<Token, TokenError> {
        match self.snapshot().as_ref().and_then(Snapshot::token) {
            Some(token) => Ok(token.clone()),
            None => self.ask(wait),
        }
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
    pub fn header(&self) -> Result<HeaderValue, TokenError> {
        // Cloned in its final place: moving a header value costs as much as making it.
        match self.snapshot().as_ref().and_then(Snapshot::token) {
            Some(token) => Ok(token.authorization().clone()),
            None => self.ask(self.handle.context.wait).map(|token| token.authorization().clone()),
        }
    }

    /// Calls `read` with the value of that header, without a copy. It waits as [`TokenSource::get`] does.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    #[inline]
    pub fn with_header<R>(&self, read: impl FnOnce(&HeaderValue) -> R) -> Result<R, TokenError> {
        match self.snapshot().as_ref().and_then(Snapshot::token) {
            Some(token) => Ok(read(token.authorization())),
            None => self.ask(self.handle.context.wait).map(|token| read(token.authorization())),
        }
    }

    /// Reports that a resource server refused the token of this generation, usually with status 401.
    ///
    /// The next caller gets another token if one can be obtained. If the generation was already replaced, the call
    /// has no effect. So each caller may report a refusal, however late.
    pub fn refused(&self, generation: Generation) {
        self.handle.context.shared.refused(self.spec(), generation);
    }

    /// Imports the tokens of a sign-in, a property creation or a migration. They replace the current tokens of the
    /// spec.
    ///
    /// They take effect at once. The call returns when the store has saved the tokens or has failed, and at the
    /// latest after the wait of the policy. A failed save is retried after 1 to 30 s. On a worker thread of an
    /// async runtime the call does not wait.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] if the tokens are from another server, [`RequestError::Secret`] if the
    /// refresh token is empty, [`RequestError::Value`] if there is a refresh token but the grant is the client's
    /// own.
    pub fn import(&self, imported: impl Into<Imported>) -> Result<(), RequestError> {
        let Handle { context, cell } = &*self.handle;
        let job = context.shared.import(cell.spec(), imported.into())?;
        self.see_through(job, false);
        Ok(())
    }

    /// Runs an exchange that returns tokens, such as that of an authorization code, and imports them.
    ///
    /// If only the refresh token of an answer can be read, it is imported, and the call still returns an error.
    ///
    /// The call waits for the provider's request budget as [`TokenManager::run`](crate::TokenManager::run) does.
    /// After that it waits as long as [`TokenSource::import`].
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]. The tokens that were returned have been imported, or are in the error.
    pub fn import_from<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, OnboardingError>
    where
        for<'a> Imported: From<&'a T>,
    {
        self.drive(ProviderCall::importing(exchange))
    }

    /// Runs an exchange and imports its tokens. Returns the outcome of the exchange, and that of the import.
    pub(crate) fn run<T: Reply>(
        &self,
        exchange: Exchange<T>,
        import: Import<T>,
    ) -> (Result<Answer<T>, ExchangeError>, Result<(), OnboardingError>) {
        let Handle { context, cell } = &*self.handle;
        // A shutdown between the answer and its import would lose the tokens of the answer.
        let (outcome, job) = context.run(exchange, |outcome| {
            let import_if_vacant =
                |brought| context.shared.import_if_vacant(cell.spec(), brought, import.replaces());
            let job = import.brought_by(&outcome).map(import_if_vacant);
            (outcome, job)
        });
        let placed = job.map_or(Ok(()), |job| job.map(|job| self.see_through(job, false)));
        (outcome, placed)
    }

    /// Signs the account out. From now on no token is returned or requested, until the next sign-in or import.
    ///
    /// Its tokens are revoked if the provider supports that, also those of a request in flight. The call returns
    /// when the sign-out was saved and the tokens were revoked, or both were tried, and at the latest after the
    /// wait of the policy. On a worker thread of an async runtime it does not wait.
    pub fn sign_out(&self) {
        let Handle { context, cell } = &*self.handle;
        self.see_through(context.shared.sign_out(cell.spec()), true);
    }

    /// Returns the current status of the spec. It is never `None` while this handle exists.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.handle.context.shared.status(self.spec())
    }

    /// Describes the state of the spec in plain words, without secrets.
    #[must_use]
    pub fn explain(&self) -> String {
        self.handle.context.shared.explain(self.spec())
    }

    /// Returns an authorizer for API calls with the tokens of this spec. It knows the hosts that may receive them.
    #[must_use]
    pub fn authorizer(&self) -> Authorizer {
        self.handle.context.shared.authorizer()
    }

    /// Returns a handle to another spec of the same `TokenManager`.
    pub(crate) fn sibling(&self, spec: &TokenSpec) -> Result<Self, TokenError> {
        Self::new(self.handle.context.clone(), spec)
    }

    /// Returns the current client.
    pub(crate) fn client(&self) -> Client {
        self.handle.context.shared.client()
    }

    /// Returns the spec.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        self.handle.cell.spec()
    }

    /// Reads the clocks.
    pub(crate) fn now(&self) -> Now {
        self.handle.context.shared.now()
    }

    /// Returns the published snapshot, if its token can be returned without asking the driver.
    #[inline]
    fn snapshot(&self) -> Option<Snapshot> {
        let Handle { context, cell } = &*self.handle;
        cell.snapshot(context.shared.clock())
    }

    /// Asks the driver until it returns a token or an error.
    #[cold]
    fn ask(&self, wait: Duration) -> Result<Token, TokenError> {
        let Handle { context, cell } = &*self.handle;
        // Called before the lock is taken, because the program may have set the rule.
        let may_block = context.may_block();
        let shared = &context.shared;
        let now = shared.clock().boot();
        let waiting = shared.telemetry().waiting(cell.spec(), shared.clock(), now);
        let waits = if may_block { Waits::Until(now.saturating_add(wait)) } else { Waits::NotHere };
        let told = self.ask_for(Caller::new(waits));
        waiting.over(told.as_ref());
        told
    }

    fn ask_for(&self, mut caller: Caller) -> Result<Token, TokenError> {
        let Handle { context, cell } = &*self.handle;
        loop {
            match context.shared.ask(cell, &mut caller) {
                CallerAction::Token(token) => return Ok(token),
                CallerAction::TokenError(failure) => return Err(failure),
                CallerAction::Run(token, guard) => {
                    context.spawn(guard);
                    if let Some(token) = token {
                        return Ok(token);
                    }
                }
                CallerAction::Wait(listener, at_most) => {
                    listener.wait_timeout(at_most);
                }
            }
        }
    }

    /// Runs the jobs of `guard`. Waits until the record was saved or the save failed, at most for the wait of the
    /// policy. With `all`, waits until no job of the spec runs.
    fn see_through(&self, guard: Option<JobGuard>, all: bool) {
        let Handle { context, cell } = &*self.handle;
        if let Some(guard) = guard {
            context.spawn(guard);
        }
        if !context.may_block() {
            return;
        }
        let end = context.shared.clock().boot().saturating_add(context.wait);
        while let Some(listener) = context.shared.listen_while_running(cell, all) {
            let left = end.saturating_sub(context.shared.clock().boot());
            if !listener.wait_timeout(left) {
                return;
            }
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("key", self.spec()).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.context.shared.release(&self.cell);
    }
}
