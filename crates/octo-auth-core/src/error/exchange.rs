//! Why an exchange did not yield its answer.

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

/// Why an exchange did not yield its answer.
///
/// `code()` is a stable word, `remedy()` says who must act, `retry()` what a machine may do; the text names the
/// provider and the call, says what came back and what to do. A refresh token that came with an unusable answer
/// is in `salvaged_refresh_token()`: it may be the only one the server still takes.
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

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The error's stable word, such as `oauth:invalid_client`, `provider:ApiSecurityException` or `http:503`.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        self.0.kind.code()
    }

    /// Returns what the transport reported, if no answer came.
    #[must_use]
    pub fn fault(&self) -> Option<&TransportError> {
        self.0.fault.as_deref()
    }

    /// What the exchange was for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.0.purpose
    }

    /// The status of the answer, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// What the provider wrote about it, safe to show.
    #[must_use]
    pub fn provider_text(&self) -> Option<&ProviderText> {
        self.0.message.as_ref()
    }

    /// The page about the error that the provider names (RFC 6749 section 5.2), if it is an address on the web.
    #[must_use]
    pub fn error_uri(&self) -> Option<&str> {
        self.0.error_uri.as_deref()
    }

    /// What the refusal means for the access token the request was made with, where the profile says.
    #[must_use]
    pub fn refusal(&self) -> Option<RefusalMeaning> {
        self.0.refusal
    }

    /// The departures from the provider's document met before the failure.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.0.deviations
    }

    /// Returns how long to wait before the next attempt; of a token that was refused and could not be renewed, before the
    /// next renewal. `None` if waiting does not help and the server named no time.
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

    /// Returns how long the server asked not to be asked, if it named a time.
    pub(crate) fn asked_to_wait(&self) -> Option<Duration> {
        self.0.retry_after.filter(|after| !after.is_zero())
    }

    /// Returns why no other token was got, if the token was refused and the request could not be repeated for that.
    #[must_use]
    pub fn renewal_failure(&self) -> Option<&(dyn Diagnostic + Send + Sync)> {
        self.0.renewal_failure.as_deref()
    }

    pub(crate) fn with_renewal_failure(mut self, failure: RenewalFailure) -> Self {
        self.0.renewal_failure = Some(failure);
        self
    }

    /// Whether a refresh was refused without a reason that is known.
    pub(crate) fn is_unexplained(&self) -> bool {
        self.0.is_unexplained()
    }

    /// The refresh token that came with an answer that was unusable otherwise; store it over the old one.
    #[must_use]
    pub fn salvaged_refresh_token(&self) -> Option<&Secret> {
        match &self.0.salvaged {
            Some(Salvaged::Other(refresh_token)) => Some(refresh_token),
            Some(Salvaged::Sent) | None => None,
        }
    }

    /// Returns whether the answer, unusable otherwise, repeats the refresh token that was sent: the server has not replaced
    /// it, and takes it again.
    #[must_use]
    pub fn repeats_refresh_token(&self) -> bool {
        matches!(self.0.salvaged, Some(Salvaged::Sent))
    }

    /// What a machine may do now.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry()
    }

    /// Who must act to get past it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.0.remedy()
    }
}

/// `: text`, or nothing.
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
            // The text holds its words.
            Some(fault) if fault.says_why() => fault.source(),
            Some(fault) => Some(fault),
            None => self.renewal_failure()?.source(),
        }
    }
}
