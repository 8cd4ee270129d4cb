//! One sign-in as its requests see it: which request is the callback, and which page each one gets. Without IO.

use octo_auth_core::{AuthorizationCode, CallbackError, Now, PendingAuthorization};

use crate::page::Page;
use crate::request::{self, Refusal};

/// What a request comes to.
#[derive(Debug)]
pub(crate) enum Visit {
    /// The head is incomplete: read more.
    Incomplete,
    /// The request gets this page, and the sign-in goes on as before.
    Page(Page),
    /// The request was the callback. The page is chosen when the code has been exchanged.
    Code(Box<AuthorizationCode>),
    /// The request was the callback and ended the sign-in without a code.
    Ended(Page, Box<CallbackError>),
}

/// A sign-in that waits for its callback, or waited for it.
pub(crate) struct SignIn {
    authority: String,
    /// The path of the redirect URI.
    path: String,
    /// `None` once a callback was received.
    pending: Option<Box<PendingAuthorization>>,
}

impl SignIn {
    /// A sign-in that waits at `http://{authority}{path}`, its redirect URI.
    pub(crate) fn new(authority: String, path: String, pending: PendingAuthorization) -> Self {
        Self { authority, path, pending: Some(Box::new(pending)) }
    }

    /// Takes the bytes that a connection has sent so far.
    ///
    /// A request without the right `state` never ends the sign-in. Of several with the right one, the first counts.
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

/// The page of a callback that ended the sign-in.
fn page(error: &CallbackError) -> Page {
    if matches!(error, CallbackError::Refused { .. }) { Page::NotGranted } else { Page::Failed }
}
