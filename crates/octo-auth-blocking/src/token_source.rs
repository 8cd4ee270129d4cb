//! A handle to the token of one key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use octo_auth_core::provider::{Import, ProviderCall};
use octo_auth_core::{
    Answer, Authorizer, Caller, Client, Exchange, ExchangeError, Generation, Imported, Now, OnboardingError,
    Reply, RequestError, Status, Token, TokenError, TokenSpec, Waits,
};
use octo_auth_driver::{JobGuard, KeyCell, Snapshot, Told};

use crate::context::Context;

/// A handle to the token of one key. It is cheap to clone.
///
/// A valid token is served without a lock and without waiting. Otherwise the calling thread waits for the one
/// renewal that is under way for all callers, at most for the duration that it is given, and the renewal goes on without it. A
/// key that is held by a handle is never given up for another.
///
/// On a worker of an async runtime a call that would have to wait is told at once what it would be told when its time
/// is over: to use a token that was refused but may still work, or why there is none; instead of
/// [`TokenErrorKind::StillWaiting`](octo_auth_core::TokenErrorKind::StillWaiting) that is
/// [`TokenErrorKind::WouldBlockRuntime`](octo_auth_core::TokenErrorKind::WouldBlockRuntime). See
/// [`Builder::may_block`](crate::Builder::may_block).
#[derive(Clone)]
pub struct TokenSource {
    handle: Arc<Handle>,
}

/// What the clones of a handle share; its end gives the key back.
struct Handle {
    context: Arc<Context>,
    cell: Arc<KeyCell>,
}

impl TokenSource {
    pub(crate) fn new(context: Arc<Context>, spec: &TokenSpec) -> Result<Self, TokenError> {
        let cell = context.shared.acquire(spec)?;
        Ok(Self { handle: Arc::new(Handle { context, cell }) })
    }

    /// Gets a token, waiting as long as the policy says, 30 s by default.
    ///
    /// # Errors
    ///
    /// A [`TokenError`] if there is no token to be had now; it says why, who must act, and when to ask again.
    #[inline]
    pub fn get(&self) -> Result<Token, TokenError> {
        self.get_by(self.handle.context.wait)
    }

    /// Gets a token, waiting at most this long for what is in flight, or for a slot of the request budget that opens within
    /// it. Zero begins what is due and waits for nothing.
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

    /// Gets the value of the header that carries the token, marked sensitive: that of `Authorization`, unless the profile has
    /// another ([`Profile::token_header_name`](octo_auth_core::Profile::token_header_name)). Waits as [`TokenSource::get`] does.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::get`].
    #[inline]
    pub fn header(&self) -> Result<HeaderValue, TokenError> {
        // Cloned where it is handed out from: moving a header value costs as much as making it.
        match self.snapshot().as_ref().and_then(Snapshot::token) {
            Some(token) => Ok(token.authorization().clone()),
            None => self.ask(self.handle.context.wait).map(|token| token.authorization().clone()),
        }
    }

    /// Lets the value of that header be read where it lies; waits as [`TokenSource::get`] does.
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

    /// Takes note that a resource server refused the token of this generation, with status 401 as a rule.
    ///
    /// The next caller gets another token if one can be had. A generation that was replaced already changes nothing,
    /// so each caller may report what it saw, however late.
    pub fn refused(&self, generation: Generation) {
        self.handle.context.shared.refused(self.spec(), generation);
    }

    /// Starts the key again with the tokens of a sign-in, a property creation, a migration or an import.
    ///
    /// It is in force at once. Returns once it is saved or saving was tried (it is saved again by itself after 1 to 30 s), at the latest
    /// after the policy's wait. On a worker of an async runtime it does not wait.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for tokens of another server, [`RequestError::Secret`] for an empty refresh
    /// token, [`RequestError::Value`] for a refresh token where the client itself is the grant.
    pub fn import(&self, imported: impl Into<Imported>) -> Result<(), RequestError> {
        let Handle { context, cell } = &*self.handle;
        let job = context.shared.import(cell.spec(), imported.into())?;
        self.see_through(job, false);
        Ok(())
    }

    /// Runs an exchange that brings tokens, such as that of a code, and starts the key again with them.
    ///
    /// An answer that cannot be read but for its refresh token brings that, and is an error all the same. It waits for the
    /// provider's budget as [`TokenManager::run`](crate::Accounts::run) does; after it, as long as [`TokenSource::import`].
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]; what was brought is in the key or in the error.
    pub fn import_from<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, OnboardingError>
    where
        for<'a> Imported: From<&'a T>,
    {
        self.drive(ProviderCall::importing(exchange))
    }

    /// Runs an exchange and imports what it brings; beside the outcome, that of the import.
    pub(crate) fn run<T: Reply>(
        &self,
        exchange: Exchange<T>,
        import: Import<T>,
    ) -> (Result<Answer<T>, ExchangeError>, Result<(), OnboardingError>) {
        let Handle { context, cell } = &*self.handle;
        // A shutdown between the answer and its import would lose what the answer brought.
        let (outcome, job) = context.run(exchange, |outcome| {
            let import_if_vacant =
                |brought| context.shared.import_if_vacant(cell.spec(), brought, import.replaces());
            let job = import.brought_by(&outcome).map(import_if_vacant);
            (outcome, job)
        });
        let placed = job.map_or(Ok(()), |job| job.map(|job| self.see_through(job, false)));
        (outcome, placed)
    }

    /// Ends the key until its next sign-in or adoption: no token is served or asked for from now on.
    ///
    /// What it held is revoked where the provider can, what is on its way included. Returns once it is saved and
    /// revoked or both were tried, at the latest after the policy's wait. On a worker of an async runtime it does not
    /// wait.
    pub fn sign_out(&self) {
        let Handle { context, cell } = &*self.handle;
        self.see_through(context.shared.sign_out(cell.spec()), true);
    }

    /// How the key stands; always something while the handle lives.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.handle.context.shared.status(self.spec())
    }

    /// The state of the key in plain words; no secret is among them.
    #[must_use]
    pub fn explain(&self) -> String {
        self.handle.context.shared.explain(self.spec())
    }

    /// What authorises calls of the provider's API with this key's tokens: it knows the hosts they may go to.
    #[must_use]
    pub fn authorizer(&self) -> Authorizer {
        self.handle.context.shared.authorizer()
    }

    /// Returns a handle to another key of the registration.
    pub(crate) fn sibling(&self, spec: &TokenSpec) -> Result<Self, TokenError> {
        Self::new(self.handle.context.clone(), spec)
    }

    /// Returns the present client.
    pub(crate) fn client(&self) -> Client {
        self.handle.context.shared.client()
    }

    /// The key.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        self.handle.cell.spec()
    }

    /// Reads the clocks.
    pub(crate) fn now(&self) -> Now {
        self.handle.context.shared.now()
    }

    /// Returns the token that can be served without asking.
    #[inline]
    fn snapshot(&self) -> Option<Snapshot> {
        let Handle { context, cell } = &*self.handle;
        cell.snapshot(context.shared.clock())
    }

    /// Asks until there is a token or a failure.
    #[cold]
    fn ask(&self, wait: Duration) -> Result<Token, TokenError> {
        let Handle { context, cell } = &*self.handle;
        // Asked before the lock is taken: the rule is the program's own.
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
                Told::Token(token) => return Ok(token),
                Told::TokenError(failure) => return Err(failure),
                Told::Run(token, guard) => {
                    context.spawn(guard);
                    if let Some(token) = token {
                        return Ok(token);
                    }
                }
                Told::Wait(listener, at_most) => {
                    listener.wait_timeout(at_most);
                }
            }
        }
    }

    /// Has jobs run, and waits until the record is saved or that was tried, at most as long as the policy says; with `all`,
    /// until nothing runs for the key any more.
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
