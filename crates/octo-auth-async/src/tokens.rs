//! A handle to the tokens of one key.
//!
//! The path of a valid token reads the published snapshot and the boot clock: no lock, nothing allocated, nothing
//! shared written. Everything else asks at the desk.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::HeaderValue;
use octo_auth_core::{
    Adopted, Answer, Authorizer, Exchange, Failure, FailureKind, Generation, Job, Key, OnboardingError,
    Reply, RequestError, Status, Token,
};
use octo_auth_system::{Serving, Slot};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::accounts::{Accounts, Registration};
use crate::carrier;
use crate::desk::Told;

/// A handle to the tokens of one key. It is cheap to clone.
///
/// A valid token is served without a lock and without waiting until its renewal is due. Otherwise the caller waits for
/// the one renewal that is under way for all callers, at most so long as it says, and the renewal goes on without it:
/// it runs in a task of its own. A key that is held by a handle is never given up for another.
///
/// Outside a tokio runtime a call that would have to wait gives
/// [`FailureKind::NoRuntime`](octo_auth_core::FailureKind::NoRuntime) instead.
#[derive(Clone)]
pub struct Tokens {
    held: Arc<Held>,
}

/// A key that is kept as long as this lives.
struct Held {
    registration: Arc<Registration>,
    key: Arc<Key>,
    slot: Arc<Slot>,
}

impl Tokens {
    pub(crate) fn hold(registration: &Arc<Registration>, key: &Key) -> Result<Self, Failure> {
        let (key, slot) = registration.desk.hold(key)?;
        Ok(Self { held: Arc::new(Held { registration: registration.clone(), key, slot }) })
    }

    /// Gets a token, waiting as long as the policy says, 30 s by default.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if there is no token to be had now; it says why, who must act, and when to ask again.
    #[inline]
    pub fn get(&self) -> impl Future<Output = Result<Token, Failure>> + Send + '_ {
        self.held.serve(self.held.registration.wait, Token::clone)
    }

    /// Gets a token, waiting at most so long; zero begins what is due and waits for nothing.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    pub fn get_by(&self, wait: Duration) -> impl Future<Output = Result<Token, Failure>> + Send + '_ {
        self.held.serve(wait, Token::clone)
    }

    /// Gets the value of the `Authorization` header, marked sensitive; waits as [`Tokens::get`] does.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    #[inline]
    pub fn header(&self) -> impl Future<Output = Result<HeaderValue, Failure>> + Send + '_ {
        self.held.serve(self.held.registration.wait, |token| token.authorization().clone())
    }

    /// Lets the value of the `Authorization` header be read where it lies; waits as [`Tokens::get`] does.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    #[inline]
    pub async fn with_header<R>(&self, read: impl FnOnce(&HeaderValue) -> R) -> Result<R, Failure> {
        if let Some(token) = self.held.serving().as_ref().and_then(Serving::token) {
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
        let Held { registration, key, .. } = &*self.held;
        registration.desk.refused(key, generation);
    }

    /// Begins the key anew with what a sign-in, a property creation, a migration or an import gave.
    ///
    /// It is in force at once. The call returns when the store has it or has failed (storing it is tried again
    /// then), at the latest after the policy's wait; outside a tokio runtime it does not wait, and whoever asks next
    /// stores it. Dropping the future changes nothing once it was polled.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for tokens of another server, [`RequestError::Secret`] for an empty refresh
    /// token, [`RequestError::Value`] for a refresh token where the client itself is the grant.
    pub async fn adopt(&self, adopted: impl Into<Adopted>) -> Result<(), RequestError> {
        let Held { registration, key, .. } = &*self.held;
        let job = registration.desk.adopt(key, adopted.into())?;
        self.held.see_through(job, |status| status.saving && status.in_flight).await;
        Ok(())
    }

    /// Runs an exchange that brings tokens, such as that of a code, and begins the key anew with them.
    ///
    /// Both happen in a task of its own: a caller that is dropped once the request was sent loses nothing. An answer
    /// that cannot be read but for its refresh token brings that, and is an error all the same.
    ///
    /// It is counted in the provider's budget, and waits for the next slot if the budget is spent; after it, as long
    /// as [`Tokens::adopt`].
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]; what was brought is in the key or in the error.
    pub async fn adopt_from<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, OnboardingError>
    where
        for<'a> Adopted: From<&'a T>,
    {
        let (answer, placed) = self.begin_from(exchange, true).await?;
        placed.map(|()| answer)
    }

    /// The same, and another refresh token that the key holds is left alone unless `replaces`; beside the answer,
    /// whether what it brought is in the key.
    pub(crate) async fn begin_from<T: Reply>(
        &self,
        exchange: Exchange<T>,
        replaces: bool,
    ) -> Result<(Answer<T>, Result<(), OnboardingError>), OnboardingError>
    where
        for<'a> Adopted: From<&'a T>,
    {
        let Held { registration, key, .. } = &*self.held;
        if !replaces {
            self.know().await?;
        }
        let own = key.clone();
        let (outcome, begun) = registration
            .run(exchange, move |registration, outcome| {
                let job = registration.desk.onboard(&own, Adopted::brought_by(outcome)?, replaces);
                Some(job.map(|job| job.and_then(|job| carrier::carry(registration, job))))
            })
            .await;
        // Of a failed exchange, its own error says more than that what it brought has no place.
        let answer = outcome?;
        let carried = match begun.flatten().transpose() {
            Ok(carried) => carried.flatten(),
            Err(error) => return Ok((answer, Err(error))),
        };
        self.held.settle(carried, |status| status.saving && status.in_flight).await;
        Ok((answer, Ok(())))
    }

    /// Has the key's record read, so that it is known what it holds.
    async fn know(&self) -> Result<(), Failure> {
        let got = self.get().await;
        let is_read = self.status().is_some_and(|status| status.is_read);
        got.err().filter(|_| !is_read).map_or(Ok(()), Err)
    }

    /// Ends the key until its next sign-in or adoption: no token is served or asked for from now on.
    ///
    /// What it held is revoked where the provider can. The call returns once storing that and the revocation were
    /// tried, at the latest after the policy's wait; outside a tokio runtime it does not wait, and the
    /// revocation may be left out. Dropping the future changes nothing once it was polled.
    pub async fn sign_out(&self) {
        let Held { registration, key, .. } = &*self.held;
        let job = registration.desk.sign_out(key);
        self.held.see_through(job, |status| status.in_flight).await;
    }

    /// How the key stands; always something while the handle lives.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let Held { registration, key, .. } = &*self.held;
        registration.desk.status(key)
    }

    /// The state of the key in plain words; no secret is among them.
    #[must_use]
    pub fn explain(&self) -> String {
        let Held { registration, key, .. } = &*self.held;
        registration.desk.explain(key)
    }

    /// What authorises calls of the provider's API with this key's tokens: it knows the hosts they may go to.
    #[must_use]
    pub fn authorizer(&self) -> Authorizer {
        self.held.registration.desk.authorizer()
    }

    /// The registration it belongs to.
    pub(crate) fn accounts(&self) -> Accounts {
        Accounts { registration: self.held.registration.clone() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.held.key
    }
}

impl Held {
    /// What may be served without asking.
    #[inline]
    fn serving(&self) -> Option<Serving> {
        self.slot.serving(self.registration.desk.clock())
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
    ) -> impl Future<Output = Result<R, Failure>> + Send + 't {
        let mut asking = None;
        poll_fn(move |context| {
            if asking.is_none() {
                if let Some(token) = self.serving().as_ref().and_then(Serving::token) {
                    return Poll::Ready(Ok(read(token)));
                }
            }
            let asking = asking.get_or_insert_with(|| self.ask_boxed(wait));
            asking.as_mut().poll(context).map(|told| told.map(|token| read(&token)))
        })
    }

    /// As [`Held::ask`], in a box: the futures of the handle stay small for the many calls that never come here.
    fn ask_boxed(&self, wait: Duration) -> Pin<Box<dyn Future<Output = Result<Token, Failure>> + Send + '_>> {
        Box::pin(self.ask(wait))
    }

    /// Asks at the desk until there is a token or a failure, at most so long, and tells how long that took.
    async fn ask(&self, wait: Duration) -> Result<Token, Failure> {
        let desk = &self.registration.desk;
        let now = desk.clock().boot();
        let waiting = desk.telling().waiting(&self.key, desk.clock(), now);
        let told = self.ask_until(now.saturating_add(wait)).await;
        waiting.over(told.as_ref());
        told
    }

    /// Asks at the desk until there is a token or a failure, at most until this moment on the boot clock.
    async fn ask_until(&self, deadline: Duration) -> Result<Token, Failure> {
        let Self { registration, key, .. } = self;
        let desk = &registration.desk;
        let has_runtime = Handle::try_current().is_ok();
        let mut told = if has_runtime { desk.ask(key) } else { desk.ask_at_deadline(key) };
        loop {
            match told {
                Told::Token(token) => return Ok(token),
                // Whoever could only wait is told what keeps it from that; any other failure is the key's own.
                Told::Failure(failure) if !has_runtime && failure.kind() == FailureKind::StillWaiting => {
                    return Err(Failure::no_runtime(key));
                }
                Told::Failure(failure) => return Err(failure),
                Told::Carry(token, job) => {
                    carrier::carry(registration, *job);
                    if let Some(token) = token {
                        return Ok(token);
                    }
                }
                Told::Wait(seat, wait) => {
                    let left = deadline.saturating_sub(desk.clock().boot());
                    // Called or not, it asks again.
                    let _ = timeout(wait.min(left), seat).await;
                }
            }
            let is_over = desk.clock().boot() >= deadline;
            told = if is_over { desk.ask_at_deadline(key) } else { desk.ask(key) };
        }
    }

    /// Has a job carried out to its end, and waits while this holds for the key, at most as long as the policy says.
    async fn see_through(&self, job: Option<Job>, holds: fn(&Status) -> bool) {
        let carried = job.and_then(|job| carrier::carry(&self.registration, job));
        self.settle(carried, holds).await;
    }

    /// Waits until a carrier has ended, and while this holds for the key, at most as long as the policy says.
    async fn settle(&self, carried: Option<JoinHandle<()>>, holds: fn(&Status) -> bool) {
        if Handle::try_current().is_err() {
            return;
        }
        let ends = async {
            if let Some(carried) = carried {
                // It ends with the last job, such as a revocation. One that was lost has reported that itself.
                let _ = carried.await;
            }
            while let Some(seat) = self.registration.desk.seat_while(&self.key, holds) {
                seat.await;
            }
        };
        let _ = timeout(self.registration.wait, ends).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.registration.desk.let_go(&self.key);
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("key", &self.held.key).finish_non_exhaustive()
    }
}
