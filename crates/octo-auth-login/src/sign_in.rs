//! One sign-in as its requests see it, without IO: which request is the callback, and which page each request gets.

use octo_auth_core::{AuthorizationCode, CallbackError, Now, PendingAuthorization};

use crate::page::Page;
use crate::request::{self, Refusal};

/// The result of a request.
#[derive(Debug)]
pub(crate) enum Visit {
    /// The head is incomplete: read more.
    Incomplete,
    /// The request gets this page, and the sign-in continues.
    Page(Page),
    /// The request was the callback. The program chooses the page after it has exchanged the code.
    Code(Box<AuthorizationCode>),
    /// The request was the callback and ended the sign-in without a code.
    Ended(Page, Box<CallbackError>),
}

/// A sign-in that waits for its callback, or has received it.
pub(crate) struct SignIn {
    authority: String,
    /// The path of the redirect URI.
    path: String,
    /// `None` once a callback was received.
    pending: Option<Box<PendingAuthorization>>,
}

impl SignIn {
    /// Creates a sign-in that waits at `http://{authority}{path}`, its redirect URI.
    pub(crate) fn new(authority: String, path: String, pending: PendingAuthorization) -> Self {
        Self { authority, path, pending: Some(Box::new(pending)) }
    }

    /// Handles the bytes that a connection has sent so far.
    ///
    /// A request without the right `state` never ends the sign-in. Of several requests with the right one, the first
    /// counts.
    pub(crate) fn visit(&mut self, bytes: &[u8], now: Now) -> Visit {
        match request::read(bytes, &self.authority) {
            Ok(None) => Visit::Incomplete,
            Ok(Some(target)) => self.callback(&target, now),
            Err(refusal) => Visit::Page(refusal.into()),
        }
    }

    fn callback(&mut self, target: &str, now: Now) -> Visit {
        let Some(pending) = self.pending.take() else {
            let path = target.split('?').next().unwrap_or_default();
            return Visit::Page(if path == self.path { Page::AlreadyReceived } else { Page::NotFound });
        };
        let rejected = match pending.receive(target, now) {
            Ok(code) => return Visit::Code(Box::new(code)),
            Err(rejected) => rejected,
        };
        self.pending = rejected.pending;
        match rejected.error {
            error if self.pending.is_none() => Visit::Ended(page(&error), Box::new(error)),
            CallbackError::RedirectUriMismatch => Visit::Page(Page::NotFound),
            CallbackError::TooLong => Visit::Page(Refusal::TargetTooLong.into()),
            _ => Visit::Page(Page::NotThisSignIn),
        }
    }
}

/// Returns the page for a callback that ended the sign-in.
fn page(error: &CallbackError) -> Page {
    if matches!(error, CallbackError::Refused { .. }) { Page::NotGranted } else { Page::Failed }
}
