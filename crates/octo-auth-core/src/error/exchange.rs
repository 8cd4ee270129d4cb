//! [`ExchangeError`]: why an exchange failed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::failed::{Failed, Retry, Salvaged};
use super::{Diagnostic, ErrorKind, ProviderText, Remedy, RenewalFailure};
use crate::answer::Deviation;
use crate::exchange::{Purpose, TransportError};
use crate::profile::RefusalMeaning;
use crate::secret::Secret;

/// Why an exchange failed.
///
/// `code()` is a stable word, `remedy()` says who must act, and `retry()` says what a program may do. The
/// text names the provider and the call, says what the server answered and what to do. If an unusable answer
/// had a refresh token, it is in `salvaged_refresh_token()`: it may be the only one that the server still
/// accepts.
#[derive(Clone)]
pub struct ExchangeError(Box<Failed>);

impl ExchangeError {
    pub(crate) fn new(failed: Failed) -> Self {
        Self(Box::new(failed))
    }

    pub(crate) fn with_salvaged(mut self, salvaged: Option<Salvaged>) -> Self {
        self.0.salvaged = salvaged;
        self
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns the error's stable word, such as `oauth:invalid_client`, `provider:ApiSecurityException` or
    /// `http:503`.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        self.0.kind.code()
    }

    /// Returns the error of the transport, if no complete answer came.
    #[must_use]
    pub fn fault(&self) -> Option<&TransportError> {
        self.0.fault.as_deref()
    }

    /// Returns the purpose of the exchange.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.0.purpose
    }

    /// Returns the status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the provider's message about the error, safe to show.
    #[must_use]
    pub fn provider_text(&self) -> Option<&ProviderText> {
        self.0.message.as_ref()
    }

    /// Returns the URL of the provider's page about the error (RFC 6749 section 5.2), if it is an http or
    /// https address.
    #[must_use]
    pub fn error_uri(&self) -> Option<&str> {
        self.0.error_uri.as_deref()
    }

    /// Returns what the refusal means for the access token of the request, if the profile defines it.
    #[must_use]
    pub fn refusal(&self) -> Option<RefusalMeaning> {
        self.0.refusal
    }

    /// Returns the deviations from the provider's document found before the failure.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.0.deviations
    }

    /// Returns the duration until the next attempt. If the token was refused and could not be renewed, it is
    /// the duration until the next renewal. It is `None` if waiting does not help and the server named no
    /// time.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match (self.renewal_failure(), self.retry()) {
            (Some(failure), _) => failure.retry_after(),
            (
                None,
                Retry::After(after)
                | Retry::Backoff { at_least: after }
                | Retry::Ambiguous { at_least: after },
            ) => Some(after),
            (None, Retry::Never | Retry::Cooldown) => self.asked_to_wait(),
        }
    }

    /// Returns the pause that the server asked for, if it named one.
    pub(crate) fn asked_to_wait(&self) -> Option<Duration> {
        self.0.retry_after.filter(|after| !after.is_zero())
    }

    /// Returns why no other token could be obtained, if the token was refused and the request was not
    /// repeated for that reason.
    #[must_use]
    pub fn renewal_failure(&self) -> Option<&(dyn Diagnostic + Send + Sync)> {
        self.0.renewal_failure.as_deref()
    }

    pub(crate) fn with_renewal_failure(mut self, failure: RenewalFailure) -> Self {
        self.0.renewal_failure = Some(failure);
        self
    }

    /// Returns whether a refresh was refused for an unknown reason.
    pub(crate) fn is_unexplained(&self) -> bool {
        self.0.is_unexplained()
    }

    /// Returns the refresh token of an answer that was otherwise unusable. Store it in place of the old one.
    #[must_use]
    pub fn salvaged_refresh_token(&self) -> Option<&Secret> {
        match &self.0.salvaged {
            Some(Salvaged::Other(refresh_token)) => Some(refresh_token),
            Some(Salvaged::Sent) | None => None,
        }
    }

    /// Returns whether an otherwise unusable answer repeats the refresh token that was sent. The server has
    /// not replaced it, and accepts it again.
    #[must_use]
    pub fn repeats_refresh_token(&self) -> bool {
        matches!(self.0.salvaged, Some(Salvaged::Sent))
    }

    /// Returns what a program may do now.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry()
    }

    /// Returns who must act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.0.remedy()
    }
}

/// Returns `: text`, or an empty string.
pub(super) fn after_colon(text: Option<&ProviderText>) -> String {
    text.map(|text| format!(": {text}")).unwrap_or_default()
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = &*self.0;
        write!(f, "{}: the {} request ", failed.provider, failed.purpose)?;
        failed.kind.explain(f)?;
        if let Some(fault) = self.fault().filter(|fault| fault.says_why()) {
            write!(f, ": {fault}")?;
        }
        if let Some(status) = failed.status {
            write!(f, " (HTTP {})", status.as_u16())?;
        }
        if let Some(detail) = &failed.detail {
            write!(f, " [{detail}]")?;
        }
        f.write_str(&after_colon(failed.message.as_ref()))?;
        if let Some(advice) = failed.advice() {
            write!(f, "; {advice}")?;
        }
        match &failed.renewal_failure {
            Some(failure) => write!(f, "; the token was not renewed: {failure}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeError")
            .field("code", &self.code())
            .field("purpose", &self.0.purpose)
            .field("status", &self.0.status)
            .field("provider_text", &self.0.message)
            .field("deviations", &self.0.deviations)
            .field("fault", &self.0.fault)
            .finish_non_exhaustive()
    }
}

impl Error for ExchangeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.fault() {
            // The error's text contains the transport's words already.
            Some(fault) if fault.says_why() => fault.source(),
            Some(fault) => Some(fault),
            None => self.renewal_failure()?.source(),
        }
    }
}
