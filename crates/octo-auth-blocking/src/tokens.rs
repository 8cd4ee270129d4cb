//! A handle to the token of one key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use octo_auth_core::{
    Adopted, Answer, Authorizer, Exchange, Failure, Generation, Job, Key, Now, OnboardingError, Reply,
    RequestError, Status, Token,
};
use octo_auth_system::Serving;

use crate::accounts::Accounts;
use crate::carrier::Office;
use crate::seat::Seat;

/// A handle to the token of one key. It is cheap to clone.
///
/// A valid token is served without a lock and without waiting. Otherwise the calling thread waits for the one
/// renewal that is under way for all callers, at most so long as it is told, and the renewal goes on without it. A
/// key that is held by a handle is never given up for another.
///
/// On a worker of an async runtime a call that would have to wait is told at once what it would be told when its time
/// is over: to use a token that was refused but may still work, or why there is none; instead of
/// [`FailureKind::StillWaiting`](octo_auth_core::FailureKind::StillWaiting) that is
/// [`FailureKind::WouldStall`](octo_auth_core::FailureKind::WouldStall). See
/// [`Builder::may_block`](crate::Builder::may_block).
#[derive(Clone)]
pub struct Tokens {
    handle: Arc<Handle>,
}

/// What the clones of a handle share; its end gives the key back.
struct Handle {
    office: Arc<Office>,
    seat: Arc<Seat>,
}

impl Tokens {
    pub(crate) fn new(office: Arc<Office>, key: &Key) -> Result<Self, Failure> {
        let seat = office.desk.sit(key)?;
        Ok(Self { handle: Arc::new(Handle { office, seat }) })
    }

    /// Gets a token, waiting as long as the policy says, 30 s by default.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if there is no token to be had now; it says why, who must act, and when to ask again.
    #[inline]
    pub fn get(&self) -> Result<Token, Failure> {
        self.get_by(self.handle.office.wait)
    }

    /// Gets a token, waiting at most so long; zero begins what is due and waits for nothing.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    #[inline]
    pub fn get_by(&self, wait: Duration) -> Result<Token, Failure> {
        match self.serving().as_ref().and_then(Serving::token) {
            Some(token) => Ok(token.clone()),
            None => self.ask(wait),
        }
    }

    /// Gets the value of the `Authorization` header, marked sensitive; waits as [`Tokens::get`] does.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    #[inline]
    pub fn header(&self) -> Result<HeaderValue, Failure> {
        // Cloned where it is handed out from: moving a header value costs as much as making it.
        match self.serving().as_ref().and_then(Serving::token) {
            Some(token) => Ok(token.authorization().clone()),
            None => self.ask(self.handle.office.wait).map(|token| token.authorization().clone()),
        }
    }

    /// Lets the value of the `Authorization` header be read where it lies; waits as [`Tokens::get`] does.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    #[inline]
    pub fn with_header<R>(&self, read: impl FnOnce(&HeaderValue) -> R) -> Result<R, Failure> {
        match self.serving().as_ref().and_then(Serving::token) {
            Some(token) => Ok(read(token.authorization())),
            None => self.ask(self.handle.office.wait).map(|token| read(token.authorization())),
        }
    }

    /// Takes note that a resource server refused the token of this generation, with status 401 as a rule.
    ///
    /// The next caller gets another token if one can be had. A generation that was replaced already changes nothing,
    /// so each caller may report what it saw, however late.
    pub fn refused(&self, generation: Generation) {
        self.handle.office.desk.refused(&self.handle.seat, generation);
    }

    /// Begins the key anew with what a sign-in, a property creation, a migration or an import gave.
    ///
    /// It is in force at once. Returns once it is saved or saving was tried (it is tried again then), at the latest
    /// after the policy's wait. On a worker of an async runtime it does not wait.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for tokens of another server, [`RequestError::Secret`] for an empty refresh
    /// token, [`RequestError::Value`] for a refresh token where the client itself is the grant.
    pub fn adopt(&self, adopted: impl Into<Adopted>) -> Result<(), RequestError> {
        let Handle { office, seat } = &*self.handle;
        let job = office.desk.adopt(seat, adopted.into())?;
        self.see_through(job, false);
        Ok(())
    }

    /// Runs an exchange that brings tokens, such as that of a code, and begins the key anew with them.
    ///
    /// An answer that cannot be read but for its refresh token brings that, and is an error all the same. It is counted
    /// in the provider's budget, and waits for the next slot if the budget is spent; after it, as long as
    /// [`Tokens::adopt`].
    ///
    /// # Errors
    ///
    /// An [`OnboardingError`]; what was brought is in the key or in the error.
    pub fn adopt_from<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, OnboardingError>
    where
        for<'a> Adopted: From<&'a T>,
    {
        let (answer, placed) = self.begin_from(exchange, true)?;
        placed.map(|()| answer)
    }

    /// The same, and another refresh token that the key holds is left alone unless `replaces`; beside the answer,
    /// whether what it brought is in the key.
    pub(crate) fn begin_from<T: Reply>(
        &self,
        exchange: Exchange<T>,
        replaces: bool,
    ) -> Result<(Answer<T>, Result<(), OnboardingError>), OnboardingError>
    where
        for<'a> Adopted: From<&'a T>,
    {
        let Handle { office, seat } = &*self.handle;
        if !replaces {
            self.know()?;
        }
        let outcome = office.run(exchange);
        let placed = match Adopted::brought_by(&outcome) {
            Some(brought) => {
                let job = office.desk.onboard(seat, brought, replaces);
                job.map(|job| self.see_through(job, false))
            }
            None => Ok(()),
        };
        // Of a failed exchange, its own error says more than that what it brought has no place.
        Ok((outcome?, placed))
    }

    /// Has the key's record read, so that it is known what it holds.
    fn know(&self) -> Result<(), Failure> {
        let got = self.get();
        let is_read = self.status().is_some_and(|status| status.is_read);
        got.err().filter(|_| !is_read).map_or(Ok(()), Err)
    }

    /// Ends the key until its next sign-in or adoption: no token is served or asked for from now on.
    ///
    /// What it held is revoked where the provider can, what is on its way included. Returns once it is saved and
    /// revoked or both were tried, at the latest after the policy's wait. On a worker of an async runtime it does not
    /// wait.
    pub fn sign_out(&self) {
        let Handle { office, seat } = &*self.handle;
        self.see_through(office.desk.sign_out(seat), true);
    }

    /// How the key stands; always something while the handle lives.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.handle.office.desk.status(&self.handle.seat)
    }

    /// The state of the key in plain words; no secret is among them.
    #[must_use]
    pub fn explain(&self) -> String {
        self.handle.office.desk.explain(&self.handle.seat)
    }

    /// What authorises calls of the provider's API with this key's tokens: it knows the hosts they may go to.
    #[must_use]
    pub fn authorizer(&self) -> Authorizer {
        self.handle.office.desk.authorizer()
    }

    /// The registration it belongs to.
    pub(crate) fn accounts(&self) -> Accounts {
        Accounts { office: self.handle.office.clone() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key {
        self.handle.seat.key()
    }

    /// Reads the clocks.
    pub(crate) fn now(&self) -> Now {
        self.handle.office.desk.clock().now()
    }

    /// What may be served without asking.
    #[inline]
    fn serving(&self) -> Option<Serving> {
        let Handle { office, seat } = &*self.handle;
        seat.slot().serving(&**office.desk.clock())
    }

    /// Asks at the desk, waiting at most so long.
    #[cold]
    fn ask(&self, wait: Duration) -> Result<Token, Failure> {
        let Handle { office, seat } = &*self.handle;
        // Asked before the desk's lock is taken: the rule is the program's own.
        let may_wait = office.may_wait();
        let (desk, clock) = (&office.desk, &**office.desk.clock());
        let waiting = desk.telling().waiting(seat.key(), clock, clock.boot());
        let told = desk.get(seat, wait, may_wait, |job| office.carry(job));
        waiting.over(told.as_ref());
        told
    }

    /// Has a job carried out, and waits until the record is saved or that was tried; with `all`, until nothing is
    /// carried for the key any more.
    fn see_through(&self, job: Option<Job>, all: bool) {
        let Handle { office, seat } = &*self.handle;
        if let Some(job) = job {
            office.carry(job);
        }
        if office.may_wait() {
            office.desk.settle(seat, all, office.wait);
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("key", self.key()).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.office.desk.leave(&self.seat);
    }
}
