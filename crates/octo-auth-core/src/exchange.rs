//! [`Exchange`]: one HTTP request and the one way to read its answer, as a value.
//!
//! Every grant, revocation and onboarding call is an [`Exchange`]. Send [`Exchange::request`] with any HTTP
//! client that follows no redirects, and pass the response to [`Exchange::read`]. If no response came, pass
//! the [`TransportError`] to [`Exchange::failed`]. This module sends nothing, does not wait and reads no
//! clock.

mod body;
mod fault;
mod options;
mod purpose;
mod received;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use http::{Request, Response};

pub use body::Body;
pub(crate) use fault::FaultKind;
pub use fault::{Delivery, TransportError};
pub use options::SendOptions;
pub use purpose::Purpose;
pub(crate) use received::Received;
pub use received::{ANSWER_LIMIT, note_framing};

use crate::answer::{Deviation, salvage};
use crate::error::{ErrorKind, ExchangeError};
use crate::reading::Reading;
use crate::time::Now;

/// One HTTP request and the one way to read its answer.
#[must_use = "an exchange does nothing until its request is sent and its answer read"]
pub struct Exchange<T: Reply> {
    request: Request<Body>,
    reading: Reading,
    reply: PhantomData<fn() -> T>,
}

/// When the code of a request was received, and its lifetime.
#[derive(Debug, Clone, Copy)]
struct CodeLifetime {
    received: Now,
    lifetime: Duration,
}

impl<T: Reply> Exchange<T> {
    pub(crate) fn new(mut request: Request<Body>, reading: Reading) -> Self {
        request.extensions_mut().insert(SendOptions::from(&reading));
        Self { request, reading, reply: PhantomData }
    }

    /// Returns the exchange with the moment its code was received, and the code's lifetime.
    pub(crate) fn spending(mut self, received: Now, lifetime: Duration) -> Self {
        self.request.extensions_mut().insert(CodeLifetime { received, lifetime });
        self
    }

    /// Returns whether the code to exchange has become too old. Check it before sending a request that had to
    /// wait.
    #[must_use]
    pub fn is_too_old(&self, now: Now) -> bool {
        let code = self.request.extensions().get::<CodeLifetime>();
        code.is_some_and(|code| now.age_of(code.received) >= code.lifetime)
    }

    /// Returns the request. Send it unchanged to its absolute URL, without following redirects.
    #[must_use]
    pub fn request(&self) -> &Request<Body> {
        &self.request
    }

    /// Returns the purpose of the exchange.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.reading.purpose()
    }

    /// Reads the response.
    ///
    /// `sent` is when sending of the request began: lifetimes count from there. `received` is when the
    /// response was complete.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] if the answer is neither as the provider documents it nor a tolerated variant of
    /// it.
    pub fn read<B: AsRef<[u8]>>(
        self,
        response: &Response<B>,
        sent: Now,
        received: Now,
    ) -> Result<Answer<T>, ExchangeError> {
        let received = Received::new(response, sent, received);
        let read = T::read(&self.reading, &received)
            .map_err(|error| error.with_salvaged(salvage(&self.reading, response, true)))?;
        Ok(Answer { quota_remaining: self.reading.quota_remaining(response.headers()), ..read })
    }

    /// Ends the exchange with the result of a transport: reads the response, or returns the error of the
    /// failed transfer.
    ///
    /// # Errors
    ///
    /// As [`Exchange::read`] and [`Exchange::failed`].
    pub fn end<B: AsRef<[u8]>>(
        self,
        result: Result<Response<B>, TransportError>,
        sent: Now,
        received: Now,
    ) -> Result<Answer<T>, ExchangeError> {
        match result {
            Ok(response) => self.read(&response, sent, received),
            Err(fault) => Err(self.failed(fault)),
        }
    }

    /// Ends an exchange that got no complete response. If the received part has a refresh token, it is in
    /// [`ExchangeError::salvaged_refresh_token`].
    #[must_use]
    pub fn failed(self, mut fault: TransportError) -> ExchangeError {
        let partial = fault.take_partial_response();
        let salvaged = partial.and_then(|partial| salvage(&self.reading, &partial, false));
        let kind = match fault.kind() {
            FaultKind::NotSent | FaultKind::Misconfigured => ErrorKind::NotSent,
            FaultKind::Unknown => ErrorKind::MaybeProcessed,
            FaultKind::TimedOut => ErrorKind::Timeout,
            FaultKind::NotAnswered(_) | FaultKind::Malformed => ErrorKind::HttpMalformed,
            FaultKind::BrokenOff => ErrorKind::BodyIncomplete,
        };
        self.reading.lost(kind, fault).with_salvaged(salvaged)
    }
}

/// Shows the method, the URL without its query, and the purpose; never a header or the body.
impl<T: Reply> fmt::Debug for Exchange<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.request.uri();
        f.debug_struct("Exchange")
            .field("purpose", &self.purpose())
            .field("method", self.request.method())
            .field("host", &uri.authority().map(http::uri::Authority::as_str))
            .field("path", &uri.path())
            .finish_non_exhaustive()
    }
}

/// A value read from an answer, and the deviations tolerated while reading it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// Each deviation from the provider's document, in the order found.
    pub deviations: Vec<Deviation>,
    /// How much of the provider's quota is left, if its profile names a header for it.
    pub quota_remaining: Option<u64>,
}

impl<T> Answer<T> {
    pub(crate) fn new(value: T, deviations: Vec<Deviation>) -> Self {
        Self { value, deviations, quota_remaining: None }
    }

    /// Returns the answer with its value converted, and the same deviations.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: convert(self.value),
            deviations: self.deviations,
            quota_remaining: self.quota_remaining,
        }
    }
}

/// The value of an exchange's answer. Only this crate implements it.
pub trait Reply: sealed::Read + Send + Sized + 'static {}

impl<T: sealed::Read + Send + 'static> Reply for T {}

pub(crate) mod sealed {
    use super::{Answer, ExchangeError, Reading, Received};
    use crate::error::RenewalFailure;

    /// Reads the value of an answer.
    pub trait Read: Sized {
        fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError>;

        /// Returns whether the answer refuses the token of the request, so that another token can help.
        fn refuses_the_token(&self) -> bool {
            false
        }

        /// Stores why no other token could be obtained after [`Read::refuses_the_token`].
        fn keep_renewal_failure(&mut self, failure: RenewalFailure) {
            let _ = failure;
        }
    }
}
