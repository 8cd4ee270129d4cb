//! What follows from a failure: what a machine may do, and who must act.
//!
//! Pure functions of what was collected about it, in one place, so that no reader of answers decides for itself.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::{ErrorKind, ProviderText, Remedy, RenewalFailure};
use crate::answer::Deviation;
use crate::exchange::{Fault, FaultKind, Purpose};
use crate::profile::{ClientAuthentication, RefusalMeaning};
use crate::secret::Secret;

/// The least pause after the server said that it is asked too often.
const THROTTLED: Duration = Duration::from_secs(5);

/// The parts of an `ExchangeError`, collected while an answer is read.
#[derive(Clone)]
pub(crate) struct Failed {
    pub(crate) kind: ErrorKind,
    pub(crate) purpose: Purpose,
    pub(crate) provider: String,
    /// How the profile has the client authenticate itself.
    pub(crate) authentication: ClientAuthentication,
    pub(crate) status: Option<StatusCode>,
    pub(crate) message: Option<ProviderText>,
    pub(crate) error_uri: Option<String>,
    pub(crate) detail: Option<ProviderText>,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the body has the shape of an error of the provider itself, not of a gateway before it.
    pub(crate) own_shape: bool,
    /// What the profile says the refusal means.
    pub(crate) refusal: Option<RefusalMeaning>,
    pub(crate) after_failure: Duration,
    pub(crate) deviations: Vec<Deviation>,
    pub(crate) salvaged: Option<Secret>,
    pub(crate) fault: Option<Arc<Fault>>,
    /// Why no other token was got, if the one of the request was refused.
    pub(crate) renewal_failure: Option<RenewalFailure>,
}

/// What a machine may do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Not again with the same credential.
    Never,
    /// Waiting does not improve it: 60 s at first, doubling to 15 min.
    Cooldown,
    /// Waiting may improve it: growing pauses, at least so long.
    Backoff {
        /// The least pause.
        at_least: Duration,
    },
    /// The server named the time to wait.
    After(Duration),
    /// The server may have done what was asked: find out before asking again, and not before so much time has
    /// passed. A refresh token may have been replaced, a property or client created.
    Ambiguous {
        /// The least pause.
        at_least: Duration,
    },
}

impl Failed {
    pub(super) fn retry(&self) -> Retry {
        let waiting_helps = self.waiting_helps();
        if self.kind_is("invalid_grant") && self.purpose.spends_a_grant() {
            return Retry::Never;
        }
        // A code is sent once, whatever came of it.
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
                if !self.succeeded() =>
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
            // What is said of a missing token type names the setting of the profile that accepts it, another one is for
            // the profile or the client's registration; what is no JSON mostly comes from another address than meant.
            K::Redirect
            | K::PropertyExists { .. }
            | K::TokenTypeMissing
            | K::TokenTypeUnsupported(_)
            | K::MediaType => Remedy::FixConfiguration,
            K::Status(status) if [404, 405, 407, 410, 415].contains(&status.as_u16()) => {
                Remedy::FixConfiguration
            }
            K::TooLarge { .. } if self.purpose == Purpose::ApiCall => Remedy::FixConfiguration,
            K::OAuth(code) => self.oauth_remedy(code.as_str()),
            K::Status(_) | K::Provider(_) | K::ProviderError | K::OAuthMalformed => self.refusal_remedy(),
            _ => Remedy::AskProvider,
        }
    }

    fn oauth_remedy(&self, code: &str) -> Remedy {
        match code {
            "access_denied"
            | "login_required"
            | "consent_required"
            | "interaction_required"
            | "account_selection_required" => Remedy::SignInAgain,
            // Where no person has granted anything, it is the client that is not granted.
            "invalid_grant" if !self.purpose.rests_on_the_client_alone() => Remedy::SignInAgain,
            "invalid_grant"
            | "invalid_client"
            | "unauthorized_client"
            | "invalid_scope"
            | "unsupported_grant_type"
            | "invalid_request"
            | "invalid_target"
            | "unsupported_token_type" => Remedy::FixConfiguration,
            _ => self.refusal_remedy(),
        }
    }

    /// A refusal without a known code. Where client id and secret, or the caller's own data, are all that was
    /// sent, they are what is wrong.
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

    /// Whether the same request may succeed later.
    fn waiting_helps(&self) -> bool {
        use ErrorKind as K;
        match &self.kind {
            _ if self.refusal == Some(RefusalMeaning::Quota) => true,
            K::Status(status) => passing_status(*status),
            K::OAuth(code) => {
                matches!(code.as_str(), "temporarily_unavailable" | "server_error" | "slow_down")
            }
            // A page in the place of the answer goes away; a form is what this server answers with.
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

    /// Whether the request may have taken effect behind this failure: a success that cannot be read, a lost answer,
    /// or a gateway's error that is not in the shape of the provider's own errors.
    fn may_have_been_processed(&self) -> bool {
        use ErrorKind as K;
        match self.status {
            None => self.kind != K::NotSent,
            Some(status) if status.is_success() => self.is_unreadable(),
            Some(status) => status.as_u16() >= 500 && !self.own_shape,
        }
    }

    /// Whether nothing of the body could be read. An answer that is read and lacks something tells what it granted.
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

    /// Where to look when the server does not know the client: the credentials may be right and sent in a way it ignores.
    pub(super) fn hint(&self) -> Option<&'static str> {
        let sent = match self.authentication {
            ClientAuthentication::Body => {
                "the credentials were sent in the body (`client_authentication` of the profile can be `basic`)"
            }
            ClientAuthentication::Basic | ClientAuthentication::BasicRaw => {
                "the credentials were sent by HTTP Basic (`client_authentication` of the profile can be `body`)"
            }
        };
        (self.kind_is("invalid_client") && !self.purpose.rests_on_a_token()).then_some(sent)
    }

    fn kind_is(&self, word: &str) -> bool {
        matches!(&self.kind, ErrorKind::OAuth(code) if code.as_str() == word)
    }

    fn succeeded(&self) -> bool {
        self.refusal.is_none() && self.status.is_some_and(|status| status.is_success())
    }

    fn throttled(&self) -> bool {
        let by_status = self.status.is_some_and(|status| [429, 503].contains(&status.as_u16()));
        by_status || self.refusal == Some(RefusalMeaning::Quota)
    }
}

/// Statuses after which waiting may help: server errors, throttling, time-outs.
fn passing_status(status: StatusCode) -> bool {
    status.as_u16() >= 500 || [408, 425, 429].contains(&status.as_u16())
}
