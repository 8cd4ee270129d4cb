//! [`TokenError`]: why a caller gets no token, who must act, and when to ask again.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{ExchangeError, Remedy, RequestError};
use crate::registration::Limit;
use crate::spec::TokenSpec;
use crate::store::StoreError;

/// Why no token is available now. Cheap to clone; contains no secret.
///
/// `code()` is a stable word. If an exchange failed, it is the code of that [`ExchangeError`]. Otherwise it
/// is one of `signed_out`, `shutting_down`, `store_unavailable`, `still_waiting`, `budget_spent`,
/// `too_many_in_flight`, `refresh_token_rejected`, `not_signed_in`, `too_many_tokens`, `expired_on_arrival`,
/// `same_token_again`, `lost`, `not_begun`, `no_runtime`, `would_block_runtime`, or the code of a
/// [`RequestError`].
#[derive(Clone)]
pub struct TokenError(Arc<Inner>);

struct Inner {
    spec: Arc<TokenSpec>,
    kind: TokenErrorKind,
    cause: Option<Cause>,
    remedy: Remedy,
    after: Option<Duration>,
    limit: Option<Limit>,
}

/// The kind of a [`TokenError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The account was signed out. A new sign-in or import starts it again.
    SignedOut,
    /// The manager is shutting down.
    ShuttingDown,
    /// The store failed: the record could not be read, or could not be claimed or written before a renewal.
    StoreUnavailable,
    /// The caller's waiting time was over before the renewal in flight ended. The renewal continues without
    /// the caller.
    StillWaiting,
    /// The last attempt failed, and it is too early for the next one. The cause says how it failed.
    BackingOff,
    /// As many requests were sent as a limit allows, and none of them failed. The next slot is not open yet.
    /// The text says whose limit it is.
    BudgetSpent,
    /// As many renewals are in flight as the policy allows. The next one begins when one of them ends.
    TooManyInFlight,
    /// The refresh token is dead: the user withdrew the consent, or another program used the refresh token.
    RefreshTokenRejected,
    /// A renewal was lost on the way. The server may have replaced the refresh token, and then the new one is
    /// lost.
    RefreshOutcomeUnknown,
    /// There is no refresh token: the user has not signed in yet, or the sign-in returned none.
    NotSignedIn,
    /// The request cannot be built from the client's settings.
    Misconfigured,
    /// As many specs as the policy allows are in use, and none can be evicted without losing data.
    TooManyTokens,
    /// There is no async runtime to run the exchange.
    NoRuntime,
    /// Waiting here would block an async runtime.
    WouldBlockRuntime,
}

/// The cause of a [`TokenError`].
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    Exchange(Arc<ExchangeError>),
    Request(Arc<RequestError>),
    Store(StoreError),
    Lost,
    NotBegun,
    ExpiredOnArrival,
    SameTokenAgain,
    RenewedJustNow,
    /// The server asked for a pause, as the record says.
    AskedToWait,
    NeverSignedIn,
}

/// Why there is no token: the kind, the cause, and the request limit that is reached.
pub(crate) struct Why<'a>(pub(crate) TokenErrorKind, pub(crate) Option<&'a Cause>, pub(crate) Option<Limit>);

impl TokenError {
    pub(crate) fn new(
        spec: &Arc<TokenSpec>,
        kind: TokenErrorKind,
        cause: Option<Cause>,
        remedy: Remedy,
    ) -> Self {
        let after = match remedy {
            Remedy::TryLater { after } => Some(after),
            _ => None,
        };
        Self(Arc::new(Inner { spec: spec.clone(), kind, cause, remedy, after, limit: None }))
    }

    /// Returns the error of a spec whose renewal is blocked for this duration, with the remedy until then. It
    /// has a limit if only that limit blocks the renewal.
    pub(crate) fn closed(
        spec: &Arc<TokenSpec>,
        kind: TokenErrorKind,
        cause: Option<Cause>,
        remedy: Remedy,
        after: Duration,
        limit: Option<Limit>,
    ) -> Self {
        let remedy = match remedy {
            Remedy::TryLater { .. } => Remedy::TryLater { after },
            other => other,
        };
        Self(Arc::new(Inner { spec: spec.clone(), kind, cause, remedy, after: Some(after), limit }))
    }

    /// Returns the error that there is no async runtime, for adapters.
    #[must_use]
    pub fn no_runtime(spec: &TokenSpec) -> Self {
        Self::new(&Arc::new(spec.clone()), TokenErrorKind::NoRuntime, None, Remedy::FixConfiguration)
    }

    /// Returns the error that waiting would block an async runtime, for adapters.
    #[must_use]
    pub fn would_block_runtime(spec: &TokenSpec) -> Self {
        Self::new(&Arc::new(spec.clone()), TokenErrorKind::WouldBlockRuntime, None, Remedy::FixConfiguration)
    }

    /// Returns the spec for which there is no token.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        &self.0.spec
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> TokenErrorKind {
        self.0.kind
    }

    /// Returns the error's stable word.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        match (&self.0.cause, self.0.kind) {
            (Some(Cause::Exchange(error)), TokenErrorKind::BackingOff) => error.code(),
            (Some(Cause::Request(error)), _) => Cow::Borrowed(error.code()),
            (Some(Cause::Lost), TokenErrorKind::BackingOff) => Cow::Borrowed("lost"),
            (Some(Cause::NotBegun), TokenErrorKind::BackingOff) => Cow::Borrowed("not_begun"),
            (Some(Cause::ExpiredOnArrival), _) => Cow::Borrowed("expired_on_arrival"),
            (Some(Cause::SameTokenAgain | Cause::RenewedJustNow), _) => Cow::Borrowed("same_token_again"),
            (_, kind) => Cow::Borrowed(kind.word()),
        }
    }

    /// Returns who must act. The duration of [`Remedy::TryLater`] counts from when the error was returned.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.0.remedy
    }

    /// Returns the duration until the next attempt at the earliest, counted from when the error was returned.
    /// It is `None` if no attempt will be made until the cause is fixed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.after
    }

    /// Returns the duration until a limit has room again, if only that limit prevents the next attempt.
    pub(crate) fn opens_after(&self) -> Option<Duration> {
        self.0.after.filter(|_| self.0.limit.is_some())
    }

    /// Returns the error of the exchange, if one failed.
    #[must_use]
    pub fn exchange_error(&self) -> Option<&ExchangeError> {
        match &self.0.cause {
            Some(Cause::Exchange(error)) => Some(error),
            _ => None,
        }
    }
}

impl TokenErrorKind {
    /// Returns the kind of an error that only a limit causes.
    pub(crate) fn of(limit: Limit) -> Self {
        match limit {
            Limit::InFlight(_) => Self::TooManyInFlight,
            _ => Self::BudgetSpent,
        }
    }

    /// Returns the kind's stable word, such as `still_waiting`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::ShuttingDown => "shutting_down",
            Self::StoreUnavailable => "store_unavailable",
            Self::StillWaiting => "still_waiting",
            Self::BackingOff => "backing_off",
            Self::BudgetSpent => "budget_spent",
            Self::TooManyInFlight => "too_many_in_flight",
            Self::RefreshTokenRejected | Self::RefreshOutcomeUnknown => "refresh_token_rejected",
            Self::NotSignedIn => "not_signed_in",
            Self::Misconfigured => "misconfigured",
            Self::TooManyTokens => "too_many_tokens",
            Self::NoRuntime => "no_runtime",
            Self::WouldBlockRuntime => "would_block_runtime",
        }
    }

    /// Returns what happened, as the end of a sentence that begins with the spec.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::SignedOut => "it was signed out",
            Self::ShuttingDown => "the program is shutting down",
            Self::StoreUnavailable => "its record cannot be read or written",
            Self::StillWaiting => {
                "the renewal under way, of this process or another, took longer than the caller would wait; it goes on"
            }
            Self::BackingOff => "the last attempt failed",
            Self::BudgetSpent => "no more requests may be sent now",
            Self::TooManyInFlight => "no more renewals may begin now",
            Self::RefreshTokenRejected => "the provider no longer takes its refresh token",
            Self::RefreshOutcomeUnknown => {
                "a renewal was lost on its way, and with it the refresh token the provider may have replaced"
            }
            Self::NotSignedIn => {
                "the sign-in brought no refresh token, and its access token can no longer be used"
            }
            Self::Misconfigured => "its request cannot be built",
            Self::TooManyTokens => {
                "as many keys are in use as the policy's capacity allows, and none can be given up"
            }
            Self::NoRuntime => "there is no tokio runtime here to carry the request: call from inside one",
            Self::WouldBlockRuntime => {
                "waiting here would stall the async runtime: use the async adapter, or a blocking thread"
            }
        }
    }
}

impl Cause {
    /// Returns the kind of the error that a spec blocked for this reason returns.
    pub(crate) fn kind(&self) -> TokenErrorKind {
        match self {
            Self::Store(_) => TokenErrorKind::StoreUnavailable,
            Self::Request(_) => TokenErrorKind::Misconfigured,
            _ => TokenErrorKind::BackingOff,
        }
    }

    /// Returns whether the cause itself says why no attempt is made, without any failure.
    fn is_no_failure(&self) -> bool {
        matches!(self, Self::SameTokenAgain | Self::RenewedJustNow | Self::AskedToWait | Self::NeverSignedIn)
    }

    fn words(&self) -> Cow<'static, str> {
        match self {
            Self::Exchange(error) => Cow::Owned(error.to_string()),
            Self::Request(error) => Cow::Owned(error.to_string()),
            Self::Store(fault) => Cow::Owned(fault.to_string()),
            Self::Lost => Cow::Borrowed("a request was sent and its outcome is unknown"),
            Self::NotBegun => {
                Cow::Borrowed("it was not begun: its task or thread ended, or was not run in time")
            }
            Self::ExpiredOnArrival => {
                Cow::Borrowed("the token had expired when it arrived; check both clocks")
            }
            Self::SameTokenAgain => Cow::Borrowed("the provider gave the same token again"),
            Self::RenewedJustNow => Cow::Borrowed("the token was due again as soon as it was issued"),
            Self::AskedToWait => Cow::Borrowed("the server asked for a pause (`Retry-After`)"),
            Self::NeverSignedIn => Cow::Borrowed("the user has not signed in yet"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

/// Writes a sentence that begins with the spec.
impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, cause, limit) = self;
        match cause {
            Some(cause) if cause.is_no_failure() => write!(f, "{cause}")?,
            Some(cause) => write!(f, "{} ({cause})", kind.explain())?,
            None => f.write_str(kind.explain())?,
        }
        match limit {
            Some(limit) if *kind == TokenErrorKind::of(*limit) => write!(f, " ({limit})"),
            Some(limit) => write!(f, ", and {} ({limit})", TokenErrorKind::of(*limit).explain()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { spec, kind, cause, remedy, limit, .. } = &*self.0;
        write!(f, "no token for {spec}: {}; ", Why(*kind, cause.as_ref(), *limit))?;
        match cause {
            Some(Cause::NeverSignedIn) => f.write_str("the user has to sign in"),
            _ => write!(f, "{remedy}"),
        }
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("key", &self.0.spec)
            .field("kind", &self.0.kind)
            .field("code", &self.code())
            .field("remedy", &self.0.remedy)
            .finish_non_exhaustive()
    }
}

impl Error for TokenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            // The text does not repeat the causes behind these.
            Some(Cause::Exchange(error)) => error.source(),
            Some(Cause::Store(error)) => error.source(),
            _ => None,
        }
    }
}
