//! What an answer of a provider's API means for the token that was sent.
//!
//! This is a pure function of status, headers and at most the first 8 KiB of the body. The profile's own
//! refusals come first (Octorate answers 403 when a token has expired, and 403 when a quota is used up), then
//! RFC 6750.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::challenge::Challenges;
use super::{errors, retry_after};
use crate::error::{Diagnostic, ErrorKind, ExchangeError, ProviderText, RenewalFailure};
use crate::exchange::sealed::Read;
use crate::exchange::{Answer, Body, Received};
use crate::profile::RefusalMeaning;
use crate::reading::Reading;

/// How many bytes of a body are examined.
pub(crate) const LOOKED_AT: usize = 8192;

/// What an answer of the provider's API means for the token that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenStatus {
    /// The call succeeded.
    Accepted,
    /// The token has expired or was revoked: renew it once and repeat the request.
    TokenRefused,
    /// The token lacks a scope (RFC 6750 section 3.1): request more scopes, do not renew.
    InsufficientScope,
    /// The token is valid but lacks the permission: renewing does not help.
    Forbidden,
    /// A quota is used up or the server is throttling: wait.
    Quota {
        /// How long to wait, if the server says so.
        retry_after: Option<Duration>,
    },
    /// The application is in the wrong environment, sandbox or production.
    WrongEnvironment,
    /// The call failed for a reason that does not concern the token.
    Unrelated,
}

impl TokenStatus {
    /// Returns whether another token of the same kind can help.
    #[must_use]
    pub fn calls_for_renewal(self) -> bool {
        self == Self::TokenRefused
    }

    fn refusal(self) -> Option<RefusalMeaning> {
        match self {
            Self::TokenRefused => Some(RefusalMeaning::TokenRefused),
            Self::Forbidden | Self::InsufficientScope => Some(RefusalMeaning::Forbidden),
            Self::Quota { .. } => Some(RefusalMeaning::Quota),
            Self::WrongEnvironment => Some(RefusalMeaning::WrongEnvironment),
            Self::Accepted | Self::Unrelated => None,
        }
    }
}

/// An answer of the provider's API, whatever its status, and what it means for the token.
#[derive(Clone)]
pub struct ApiAnswer {
    status: StatusCode,
    headers: HeaderMap,
    meaning: TokenStatus,
    code: Option<String>,
    body: Body,
    /// The refusal as an error; `None` if the call succeeded.
    refusal: Option<ExchangeError>,
}

impl ApiAnswer {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns what the answer means for the token.
    #[must_use]
    pub fn meaning(&self) -> TokenStatus {
        self.meaning
    }

    /// Returns the stable word of an error body, such as `provider:ApiLoginExpired`; `None` if it has none.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the provider's message about an error, safe to show.
    #[must_use]
    pub fn provider_text(&self) -> Option<&ProviderText> {
        self.refusal.as_ref()?.provider_text()
    }

    /// Returns why no other token could be obtained, if the token was refused and the request was not
    /// repeated for that reason.
    #[must_use]
    pub fn renewal_failure(&self) -> Option<&(dyn Diagnostic + Send + Sync)> {
        self.refusal.as_ref()?.renewal_failure()
    }

    /// Returns the answer if its status is a success, otherwise the refusal as an error: its code, who must
    /// act, and when.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`] for any status but 2xx, and for a 2xx status that the profile lists as a refusal.
    /// If the token was refused and could not be renewed, the error has the remedy and the time of the failed
    /// renewal.
    pub fn error_for_status(self) -> Result<Self, ExchangeError> {
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(self),
        }
    }

    /// Returns the body: all of it for a success, at least the first 8 KiB for a refusal.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_ref()
    }
}

/// Shows the parts about the token; neither headers nor the body, which belong to the application.
impl fmt::Debug for ApiAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiAnswer")
            .field("status", &self.status)
            .field("meaning", &self.meaning)
            .field("code", &self.code)
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}

impl Read for ApiAnswer {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        // The body of a success must be complete. For a refusal, the beginning is enough.
        if received.status.is_success() && received.body.len() > reading.answer_limit {
            let kind = ErrorKind::TooLarge { limit: reading.answer_limit };
            return Err(reading.unusable(kind, received, Vec::new()));
        }
        let Judgement { said, meaning } = judge(reading, received);
        let code = said.kind.as_ref().map(|kind| kind.code().into_owned());
        let refusal = (meaning != TokenStatus::Accepted)
            .then(|| errors::refused(reading, received, said, meaning.refusal()));
        let deviations = refusal.as_ref().map_or_else(Vec::new, |refusal| refusal.deviations().to_vec());
        let (status, headers) = (received.status, received.headers.clone());
        let value = Self { status, headers, meaning, code, body: Body::new(received.body.to_vec()), refusal };
        Ok(Answer::new(value, deviations))
    }

    fn refuses_the_token(&self) -> bool {
        self.meaning.calls_for_renewal()
    }

    fn keep_renewal_failure(&mut self, failure: RenewalFailure) {
        self.refusal = self.refusal.take().map(|refusal| refusal.with_renewal_failure(failure));
    }
}

/// Returns what an answer of the API means. Only the beginning of its body is needed.
pub(crate) fn api_meaning(reading: &Reading, received: &Received<'_>) -> TokenStatus {
    judge(reading, received).meaning
}

/// The error in an answer, and its meaning.
struct Judgement {
    said: errors::Said,
    meaning: TokenStatus,
}

fn judge(reading: &Reading, received: &Received<'_>) -> Judgement {
    let head = Received { body: &received.body[..received.body.len().min(LOOKED_AT)], ..*received };
    // A success is examined only if the profile says how it may be a refusal.
    let listed = reading.profile.document().refusals.iter().any(|own| own.status == received.status.as_u16());
    if received.status.is_success() && !listed {
        return Judgement { said: errors::Said::default(), meaning: TokenStatus::Accepted };
    }
    let said = errors::said(reading, &errors::body_text(&head));
    let retry_after = retry_after(received, &mut Vec::new());
    let meaning = meaning(reading, &head, said.kind.as_ref(), retry_after);
    if meaning == TokenStatus::Accepted {
        return Judgement { said: errors::Said::default(), meaning };
    }
    Judgement { said, meaning }
}

fn meaning(
    reading: &Reading,
    received: &Received<'_>,
    kind: Option<&ErrorKind>,
    retry_after: Option<Duration>,
) -> TokenStatus {
    let challenges = Challenges::read(received.headers);
    let by_profile = errors::meaning(reading, received.status, kind);
    match (by_profile, by_headers(received.status, &challenges, retry_after)) {
        // RFC 6750 section 3.1 is more precise than a profile that calls every such status refused or
        // forbidden.
        (Some(RefusalMeaning::TokenRefused), Some(TokenStatus::InsufficientScope)) => {
            TokenStatus::InsufficientScope
        }
        (Some(RefusalMeaning::Forbidden) | None, Some(told)) => told,
        (Some(RefusalMeaning::TokenRefused), _) => TokenStatus::TokenRefused,
        (Some(RefusalMeaning::Forbidden), None) => TokenStatus::Forbidden,
        (Some(RefusalMeaning::Quota), _) => TokenStatus::Quota { retry_after },
        (Some(RefusalMeaning::WrongEnvironment), _) => TokenStatus::WrongEnvironment,
        (None, None) => by_status(received, &challenges),
    }
}

/// Returns the meaning by the headers alone, whatever a profile says about the status in general. For a 401
/// the profile has priority.
fn by_headers(
    status: StatusCode,
    challenges: &Challenges,
    retry_after: Option<Duration>,
) -> Option<TokenStatus> {
    match status.as_u16() {
        401 | 403 if challenges.have_token_error("insufficient_scope") => {
            Some(TokenStatus::InsufficientScope)
        }
        400 | 403 if challenges.have_token_error("invalid_token") => Some(TokenStatus::TokenRefused),
        401 => None,
        // A time to wait means that the same call may succeed then (RFC 9110 section 10.2.3).
        400.. if retry_after.is_some_and(|wait| !wait.is_zero()) => Some(TokenStatus::Quota { retry_after }),
        _ => None,
    }
}

/// Returns the meaning by RFC 6750 section 3.1 and RFC 6585 section 4.
fn by_status(received: &Received<'_>, challenges: &Challenges) -> TokenStatus {
    let says_invalid_token = || errors::body_text(received).contains("invalid_token");
    match received.status.as_u16() {
        200..=299 => TokenStatus::Accepted,
        401 if challenges.ask_for_another_credential() && !says_invalid_token() => TokenStatus::Unrelated,
        401 => TokenStatus::TokenRefused,
        403 => TokenStatus::Forbidden,
        429 => TokenStatus::Quota { retry_after: None },
        _ => TokenStatus::Unrelated,
    }
}
