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
use octo_auth_core::{Adopted, Failure, Generation, Job, Key, RequestError, Status, Token};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::accounts::Registration;
use crate::carrier;
use crate::desk::Told;
use crate::slot::{Serving, Slot};

/// A handle to the tokens of one key: always a working token, one renewal for all callers, nothing lost.
///
/// It is cheap to clone. As long as a handle lives, its key is never given up for another. A caller that is dropped
/// while it waits stops nothing: renewals run in tasks of their own.
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
        let (key, slot) = registration.desk.hold(key, Slot::default)?;
        Ok(Self { held: Arc::new(Held { registration: registration.clone(), key, slot }) })
    }

    /// Gives a token that can be used now; waits for a renewal only if there is none, at most as long as the policy
    /// says.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if no token can be had now; it says who must act and when asking again makes sense. Outside a
    /// tokio runtime only a token that needs no renewal is given.
    #[inline]
    pub fn get(&self) -> impl Future<Output = Result<Token, Failure>> + Send + '_ {
        self.held.serve(self.held.registration.wait, Token::clone)
    }

    /// Gives a token that can be used now; waits at most so long. Zero: begins what is due and waits for nothing.
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    pub fn get_by(&self, wait: Duration) -> impl Future<Output = Result<Token, Failure>> + Send + '_ {
        self.held.serve(wait, Token::clone)
    }

    /// Gives the value of the `Authorization` header, marked sensitive; waits as [`Tokens::get`].
    ///
    /// # Errors
    ///
    /// As [`Tokens::get`].
    #[inline]
    pub fn header(&self) -> impl Future<Output = Result<HeaderValue, Failure>> + Send + '_ {
        self.held.serve(self.held.registration.wait, |token| token.authorization().clone())
    }

    /// Lends the value of the `Authorization` header, marked sensitive; waits as [`Tokens::get`].
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

    /// Takes note that a resource server refused a token of this generation, such as with 401. The next caller has
    /// it renewed, however many say so; one that was replaced already changes nothing.
    pub fn refused(&self, generation: Generation) {
        let Held { registration, key, .. } = &*self.held;
        registration.desk.refused(key, generation);
    }

    /// Begins anew with what a sign-in, a creation, a migration or an import gave; returns once it is saved or saving
    /// was tried, after the policy's wait at the latest.
    ///
    /// Dropping the future changes nothing once it was polled. Outside a tokio runtime what was adopted is in use and
    /// is saved by whoever asks next.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for tokens of another server, [`RequestError::Secret`] for an empty refresh
    /// token, [`RequestError::Value`] for a refresh token where the client itself is the grant.
    pub async fn adopt(&self, adopted: impl Into<Adopted>) -> Result<(), RequestError> {
        let Held { registration, key, .. } = &*self.held;
        let job = registration.desk.adopt(key, adopted.into())?;
        self.held.see_through(job).await;
        Ok(())
    }

    /// Ends the key until its next sign-in or adoption; what it held is revoked where the provider can. Returns once
    /// both were tried, after the policy's wait at the latest.
    ///
    /// Dropping the future changes nothing once it was polled.
    pub async fn sign_out(&self) {
        let Held { registration, key, .. } = &*self.held;
        let job = registration.desk.sign_out(key);
        self.held.see_through(job).await;
    }

    /// How the key stands; nothing only if the machine does not know it, which it does as long as a handle lives.
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

    /// Asks at the desk until there is a token or a failure, at most so long.
    async fn ask(&self, wait: Duration) -> Result<Token, Failure> {
        let Self { registration, key, .. } = self;
        let desk = &registration.desk;
        let deadline = desk.clock().boot().saturating_add(wait);
        let has_runtime = Handle::try_current().is_ok();
        let mut told = if has_runtime { desk.ask(key) } else { desk.ask_at_deadline(key) };
        loop {
            match told {
                Told::Token(token) => return Ok(token),
                Told::Failure(_) if !has_runtime => return Err(Failure::no_runtime(key)),
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

    /// Has a job carried out and waits for its end and for the saving it left to others.
    async fn see_through(&self, job: Option<Job>) {
        let carried = job.and_then(|job| carrier::carry(&self.registration, job));
        if Handle::try_current().is_err() {
            return;
        }
        let ends = async {
            if let Some(carried) = carried {
                // A carrier that was lost has reported that itself.
                let _ = carried.await;
            }
            while let Some(seat) = self.registration.desk.unsaved(&self.key) {
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
