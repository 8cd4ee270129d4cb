//! The context for reading one exchange's answer: the profile, the purpose, and what was requested and sent.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::answer::{Deviation, retry_after};
use crate::error::{ErrorKind, ExchangeError, Failed, Shape};
use crate::exchange::{Purpose, Received, TransportError};
use crate::profile::Profile;
use crate::scope::Scopes;
use crate::secret::Secret;

/// The context for reading the answer of one exchange.
pub struct Reading {
    pub(crate) profile: Profile,
    pub(crate) purpose: Purpose,
    /// The requested scopes; `None` if the request named none.
    pub(crate) scopes: Option<Scopes>,
    /// The secrets in the request, which are masked in any text of the provider.
    pub(crate) secrets: Vec<Secret>,
    /// The largest accepted body, in bytes.
    pub(crate) answer_limit: usize,
}

impl Reading {
    pub(crate) fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns a failure of this exchange, to be completed by the caller. Deviations of `Retry-After` are
    /// appended to those found so far.
    pub(crate) fn failed(
        &self,
        kind: ErrorKind,
        received: Option<&Received<'_>>,
        mut deviations: Vec<Deviation>,
    ) -> Failed {
        let document = self.profile.document();
        let is_empty_400 = received.is_some_and(|received| {
            received.status == StatusCode::BAD_REQUEST && received.body.trim_ascii().is_empty()
        });
        Failed {
            grant_is_dead: self.says_dead_grant(&kind, is_empty_400),
            kind,
            purpose: self.purpose,
            provider: document.title.clone().into_owned(),
            authentication: document.client_authentication,
            status: received.map(|received| received.status),
            message: None,
            error_uri: None,
            detail: None,
            retry_after: received.and_then(|received| retry_after(received, &mut deviations)),
            shape: Shape::Other,
            refusal: None,
            after_failure: self.after_failure(),
            deviations,
            salvaged: None,
            fault: None,
            renewal_failure: None,
        }
    }

    /// Returns whether an answer says that the grant in the request is dead, whatever its status.
    pub(crate) fn says_dead_grant(&self, kind: &ErrorKind, is_empty_400: bool) -> bool {
        let code = kind.written_code();
        let rules = self.profile.document().refresh.as_ref().filter(|_| self.purpose == Purpose::Refresh);
        let is_by_profile = rules.is_some_and(|rules| {
            let is_listed = code.is_some_and(|code| rules.dead_codes.iter().any(|dead| dead == code));
            is_listed || is_empty_400 && rules.empty_refusal_is_dead
        });
        is_by_profile || code == Some("invalid_grant") && self.purpose.spends_a_grant()
    }

    /// Returns the failure of an unreadable or unusable answer.
    pub(crate) fn unusable(
        &self,
        kind: ErrorKind,
        received: &Received<'_>,
        deviations: Vec<Deviation>,
    ) -> ExchangeError {
        ExchangeError::new(self.failed(kind, Some(received), deviations))
    }

    pub(crate) fn lost(&self, kind: ErrorKind, fault: TransportError) -> ExchangeError {
        ExchangeError::new(Failed { fault: Some(Arc::new(fault)), ..self.failed(kind, None, Vec::new()) })
    }

    /// Returns whether a refresh token equals the one that a refresh has sent, ignoring surrounding white
    /// space.
    pub(crate) fn has_sent(&self, refresh_token: &Secret) -> bool {
        let came = refresh_token.expose().trim_ascii();
        self.purpose == Purpose::Refresh && self.secrets.iter().any(|sent| sent.expose().trim_ascii() == came)
    }

    /// Returns the remaining quota from the provider's own header.
    pub(crate) fn quota_remaining(&self, headers: &HeaderMap) -> Option<u64> {
        let name = self.profile.document().api.as_ref()?.remaining_header.as_deref()?;
        headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }

    /// Returns the shortest pause after a failure: the profile's, if it documents a limit.
    fn after_failure(&self) -> Duration {
        let own = self.profile.document().token_limit.as_ref();
        own.map_or(Duration::from_secs(1), |limit| Duration::from_secs(limit.after_failure_seconds.into()))
    }
}
