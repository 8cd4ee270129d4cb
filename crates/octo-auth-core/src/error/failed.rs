//! The consequences of a failure: what a program may do, and who must act.
//!
//! These are pure functions of the collected facts, in one place, so that no parser of answers decides for
//! itself.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::meaning::CodeMeaning;
use super::{ErrorKind, ProviderText, Remedy, RenewalFailure};
use crate::answer::Deviation;
use crate::exchange::{Delivery, FaultKind, Purpose, TransportError};
use crate::profile::{ClientAuthentication, RefusalMeaning};
use crate::secret::Secret;

/// The shortest pause after the server said that it gets too many requests.
const THROTTLED: Duration = Duration::from_secs(5);

/// The parts of an `ExchangeError`, collected while an answer is read.
#[derive(Clone)]
pub(crate) struct Failed {
    pub(crate) kind: ErrorKind,
    pub(crate) purpose: Purpose,
    pub(crate) provider: String,
    /// How the client authenticates itself according to the profile.
    pub(crate) authentication: ClientAuthentication,
    pub(crate) status: Option<StatusCode>,
    pub(crate) message: Option<ProviderText>,
    pub(crate) error_uri: Option<String>,
    pub(crate) detail: Option<ProviderText>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) shape: Shape,
    /// Whether the answer says that the grant in the request is dead.
    pub(crate) grant_is_dead: bool,
    /// What the refusal means according to the profile.
    pub(crate) refusal: Option<RefusalMeaning>,
    pub(crate) after_failure: Duration,
    pub(crate) deviations: Vec<Deviation>,
    pub(crate) salvaged: Option<Salvaged>,
    pub(crate) fault: Option<Arc<TransportError>>,
    /// Why no other token could be obtained, if the request's token was refused.
    pub(crate) renewal_failure: Option<RenewalFailure>,
}

/// The refresh token of an otherwise unusable answer.
#[derive(Clone)]
pub(crate) enum Salvaged {
    /// The refresh token that was sent: the server has not replaced it.
    Sent,
    /// Another one.
    Other(Secret),
}

/// The form of a refusal's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An error of the provider itself, not of a gateway in front of it.
    Own,
    /// No body.
    Empty,
    /// An HTML page, as firewalls and proxies send it.
    Page,
    Other,
}

/// What a program may do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Do not retry with the same credential.
    Never,
    /// Waiting does not help by itself. Retry after 60 s at first, doubling to 15 min.
    Cooldown,
    /// Waiting may help. Retry with growing pauses, never shorter than this.
    Backoff {
        /// The shortest pause.
        at_least: Duration,
    },
    /// The server named the duration to wait.
    After(Duration),
    /// The server may have processed the request. It may have replaced a refresh token, or created a property
    /// or client. Find out before retrying, and wait at least this duration.
    Ambiguous {
        /// The shortest pause.
        at_least: Duration,
    },
}

impl Failed {
    pub(super) fn retry(&self) -> Retry {
        let waiting_helps = self.waiting_helps();
        if self.grant_is_dead {
            return Retry::Never;
        }
        // A code is sent only once, whatever the outcome.
        if waiting_helps && self.purpose == Purpose::CodeExchange {
            return Retry::Never;
        }
        let told =
            self.retry_after.filter(|after| !after.is_zero()).map(|after| after.max(self.after_failure));
        let at_least = if self.throttled() { self.after_failure.max(THROTTLED) } else { self.after_failure };
        if self.purpose.must_not_be_repeated_blindly() && self.may_have_been_processed() {
            return Retry::Ambiguous { at_least: told.unwrap_or(at_least) };
        }
        match told {
            _ if !waiting_helps => Retry::Cooldown,
            Some(after) => Retry::After(after),
            None => Retry::Backoff { at_least },
        }
    }

    pub(super) fn remedy(&self) -> Remedy {
        use ErrorKind as K;
        if let Some(failure) = &self.renewal_failure {
            return failure.remedy();
        }
        if self.fault.as_ref().is_some_and(|fault| fault.kind() == FaultKind::Misconfigured) {
            return Remedy::FixConfiguration;
        }
        match self.retry() {
            Retry::After(after)
            | Retry::Backoff { at_least: after }
            | Retry::Ambiguous { at_least: after }
                if !self.succeeded() || self.shape == Shape::Own =>
            {
                return Remedy::TryLater { after };
            }
            Retry::Never => return Remedy::SignInAgain,
            _ => {}
        }
        if self.refusal == Some(RefusalMeaning::TokenRefused) && self.purpose.rests_on_a_token() {
            return Remedy::RenewToken;
        }
        match &self.kind {
            // The text about a missing token type names the profile setting that accepts it. Another token
            // type is a matter of the profile or the client's registration. A body that is not JSON mostly
            // comes from a wrong address.
            K::Redirect
            | K::PropertyExists { .. }
            | K::TokenTypeMissing
            | K::TokenTypeUnsupported(_)
            | K::MediaType => Remedy::FixConfiguration,
            K::Status(status) if [404, 405, 407, 410, 415].contains(&status.as_u16()) => {
                Remedy::FixConfiguration
            }
            _ if self.is_elsewhere() || self.is_page() => Remedy::FixConfiguration,
            K::TooLarge { .. } if self.purpose == Purpose::ApiCall => Remedy::FixConfiguration,
            K::OAuth(code) => self.oauth_remedy(code.as_str()),
            K::Status(_) | K::Provider(_) | K::ProviderError | K::OAuthMalformed => self.refusal_remedy(),
            _ => Remedy::AskProvider,
        }
    }

    fn oauth_remedy(&self, code: &str) -> Remedy {
        match CodeMeaning::of(code) {
            // It may concern only this request, such as one that came too early.
            Some(CodeMeaning::SignIn) if code == "access_denied" && self.purpose == Purpose::Refresh => {
                Remedy::AskProvider
            }
            // If no person has granted anything, the client itself lacks the permission.
            _ if ["access_denied", "invalid_grant"].contains(&code)
                && self.purpose.rests_on_the_client_alone() =>
            {
                Remedy::FixConfiguration
            }
            Some(CodeMeaning::Configuration) => Remedy::FixConfiguration,
            Some(CodeMeaning::SignIn) => Remedy::SignInAgain,
            None if code == "invalid_grant" && !self.purpose.spends_a_grant() => Remedy::SignInAgain,
            Some(CodeMeaning::Later) | None => self.refusal_remedy(),
        }
    }

    /// Returns who must act after a refusal without a known code. If only the client id and secret, or the
    /// caller's own data, were sent, they are wrong.
    fn refusal_remedy(&self) -> Remedy {
        let status = self.status.map(|status| status.as_u16()).unwrap_or_default();
        let refused = [400, 401, 403].contains(&status);
        let conflicts = [409, 412, 422].contains(&status);
        let own_data = (refused || conflicts) && self.purpose.brings_data();
        if own_data || refused && self.purpose.rests_on_the_client_alone() {
            Remedy::FixConfiguration
        } else if refused && self.purpose == Purpose::CodeExchange {
            Remedy::SignInAgain
        } else {
            Remedy::AskProvider
        }
    }

    /// Returns whether the same request may succeed later.
    fn waiting_helps(&self) -> bool {
        use ErrorKind as K;
        match &self.kind {
            _ if self.refusal == Some(RefusalMeaning::Quota) || self.is_put_off() => true,
            K::Status(status) => passing_status(*status),
            K::OAuth(code) => CodeMeaning::of(code.as_str()) == Some(CodeMeaning::Later),
            // An HTML page in place of the answer is temporary. A form is the server's usual format.
            K::MediaType => !self.deviations.contains(&Deviation::FormAnswer),
            kind => matches!(
                kind,
                K::NotSent
                    | K::MaybeProcessed
                    | K::Timeout
                    | K::HttpMalformed
                    | K::BodyIncomplete
                    | K::EmptyBody
                    | K::NotUtf8
                    | K::NotJson
                    | K::NotObject
                    | K::DuplicateMember
                    | K::AccessTokenMissing
                    | K::AccessTokenMalformed
                    | K::AccessTokenUnsafe
            ),
        }
    }

    /// Returns whether the request may have been processed despite this failure: a success that cannot be
    /// read, a lost answer, or a gateway's error that does not have the form of the provider's own errors.
    fn may_have_been_processed(&self) -> bool {
        match self.status {
            None => self.fault.as_ref().is_some_and(|fault| fault.delivery() == Delivery::Unknown),
            Some(status) if status.is_success() => self.is_unreadable(),
            Some(status) => status.as_u16() >= 500 && self.shape != Shape::Own,
        }
    }

    /// Returns whether the whole body was unreadable. An answer that was read but is incomplete says what it
    /// granted.
    fn is_unreadable(&self) -> bool {
        use ErrorKind as K;
        match &self.kind {
            K::MediaType => !self.deviations.contains(&Deviation::FormAnswer),
            kind => matches!(
                kind,
                K::EmptyBody
                    | K::NotUtf8
                    | K::NotJson
                    | K::NotObject
                    | K::TooLarge { .. }
                    | K::ContentEncoding
                    | K::HttpMalformed
                    | K::Status(_)
            ),
        }
    }

    /// Returns whether a refusal asks for the same request later: it names a time to wait (RFC 9110 section
    /// 10.2.3), or says so in words. A code that says what is wrong has priority.
    fn is_put_off(&self) -> bool {
        let is_refusal = self.has_status(400..=499) || self.shape == Shape::Own;
        if !is_refusal || self.says_what_is_wrong() {
            return false;
        }
        let names_a_time = self.retry_after.is_some_and(|after| !after.is_zero());
        let texts = [self.kind.written_code(), self.message.as_ref().map(ProviderText::as_str)];
        names_a_time || texts.into_iter().flatten().any(asks_to_try_again)
    }

    /// Returns whether a code says what is wrong with the request. `invalid_request` does not: many servers
    /// use it for everything.
    fn says_what_is_wrong(&self) -> bool {
        let ErrorKind::OAuth(code) = &self.kind else { return false };
        let is_exact = CodeMeaning::of(code.as_str()) == Some(CodeMeaning::Configuration);
        is_exact && code.as_str() != "invalid_request" || code.as_str() == "invalid_grant"
    }

    /// Returns whether the token endpoint is not at this address: a web framework says, in its own words or
    /// not in JSON, that the page does not exist. For an API call, it may be the requested object that does
    /// not exist.
    pub(super) fn is_elsewhere(&self) -> bool {
        let is_missing = self.has_status(404..=405) || self.has_status(410..=410);
        let is_unknown = match &self.kind {
            // Not a code of the standards.
            kind @ ErrorKind::OAuth(_) => kind.word() == "oauth",
            kind => {
                matches!(kind, ErrorKind::Status(_) | ErrorKind::OAuthMalformed | ErrorKind::ProviderError)
            }
        };
        is_missing && is_unknown && self.purpose != Purpose::ApiCall
    }

    /// Returns whether an HTML page came in place of an answer or a refusal, as firewalls and proxies send
    /// it.
    pub(super) fn is_page(&self) -> bool {
        let is_refusal = self.has_status(400..=499) && !self.waiting_helps();
        self.shape == Shape::Page && (is_refusal || self.succeeded())
    }

    /// Returns whether a refresh was refused for an unknown reason: in the server's own error format, or by
    /// 400 without a body. Several in a row, with no token left to serve, mean that the refresh token is the
    /// problem.
    pub(super) fn is_unexplained(&self) -> bool {
        let is_refusal = match self.shape {
            Shape::Own => [200..=299, 400..=401, 403..=403].into_iter().any(|range| self.has_status(range)),
            Shape::Empty => self.has_status(400..=400),
            Shape::Page | Shape::Other => false,
        };
        let is_known =
            matches!(&self.kind, ErrorKind::OAuth(code) if CodeMeaning::of(code.as_str()).is_some());
        self.purpose == Purpose::Refresh && is_refusal && !is_known && self.remedy() == Remedy::AskProvider
    }

    fn has_status(&self, range: RangeInclusive<u16>) -> bool {
        self.status.is_some_and(|status| range.contains(&status.as_u16()))
    }

    fn succeeded(&self) -> bool {
        self.refusal.is_none() && self.status.is_some_and(|status| status.is_success())
    }

    fn throttled(&self) -> bool {
        let by_status = self.status.is_some_and(|status| [429, 503].contains(&status.as_u16()));
        by_status || self.refusal == Some(RefusalMeaning::Quota)
    }
}

/// Returns whether a provider's text asks for the same request again, rather than for a new sign-in.
fn asks_to_try_again(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace('_', " ");
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&["try again", "retry", "temporar"])
        && !says(&["sign in", "log in", "login", "authoriz", "expired", "revoked", "invalid"])
}

/// Returns whether waiting may help after this status: server errors, throttling, time-outs.
fn passing_status(status: StatusCode) -> bool {
    status.as_u16() >= 500 || [408, 425, 429].contains(&status.as_u16())
}
