//! Why a caller gets no token: what happened, who must act, and when asking again makes sense.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{ExchangeError, Remedy, RequestError};
use crate::registration::Limit;
use crate::spec::TokenSpec;
use crate::store::StoreError;

/// Why there is no token to be had now. Cheap to clone; holds no secret.
///
/// `code()` is a stable word: that of the failed exchange where one failed, else one of `signed_out`,
/// `shutting_down`, `store_unavailable`, `still_waiting`, `budget_spent`, `too_many_in_flight`, `refresh_token_rejected`, `not_signed_in`,
/// `too_many_tokens`, `expired_on_arrival`, `same_token_again`, `lost`, `not_begun`, `no_runtime`, `would_block_runtime`, or that of a
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

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The account was signed out; a new sign-in or import starts again.
    SignedOut,
    /// The machine is shutting down.
    ShuttingDown,
    /// The store failed: its record could not be read, or not be claimed or written before a renewal.
    StoreUnavailable,
    /// The caller's time was over before a renewal under way ended; it goes on without the caller.
    StillWaiting,
    /// The last attempt failed, and it is too early for the next; the cause says how.
    BackingOff,
    /// As many requests were sent as a limit allows, and none of them failed; the next slot is not open yet. The text says
    /// whose limit it is.
    BudgetSpent,
    /// As many renewals are in flight as the policy allows at once; one begins as soon as another has ended.
    TooManyInFlight,
    /// The refresh token is dead: the consent was withdrawn, or the refresh token was used up elsewhere.
    RefreshTokenRejected,
    /// A renewal was lost on its way, and with it the refresh token the server may have replaced.
    RefreshOutcomeUnknown,
    /// There is no refresh token: the user has not signed in yet, or the sign-in brought none.
    NotSignedIn,
    /// The request cannot be built from the client's settings.
    Misconfigured,
    /// As many keys as the policy allows are in use, and none can be given up without losing something.
    TooManyTokens,
    /// There is no async runtime to carry the exchange.
    NoRuntime,
    /// Waiting here would stall an async runtime.
    WouldBlockRuntime,
}

/// What lies behind a failure.
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
    /// The server asked for a pause, as the record tells.
    AskedToWait,
    NeverSignedIn,
}

/// Why there is no token: the kind, what lies behind it, and the limit of requests that is reached.
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

    /// The failure of a key that is closed for this duration, with the remedy that applies meanwhile. It has a limit if only that
    /// limit closes it.
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

    /// The failure that there is no async runtime, for adapters.
    #[must_use]
    pub fn no_runtime(spec: &TokenSpec) -> Self {
        Self::new(&Arc::new(spec.clone()), TokenErrorKind::NoRuntime, None, Remedy::FixConfiguration)
    }

    /// The failure that waiting would stall an async runtime, for adapters.
    #[must_use]
    pub fn would_block_runtime(spec: &TokenSpec) -> Self {
        Self::new(&Arc::new(spec.clone()), TokenErrorKind::WouldBlockRuntime, None, Remedy::FixConfiguration)
    }

    /// The key no token could be got for.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        &self.0.spec
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> TokenErrorKind {
        self.0.kind
    }

    /// The failure's stable word.
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

    /// Who must act; to try later means not before so much time has passed since the failure was given out.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.0.remedy
    }

    /// How long after the failure was given out the next attempt is made at the earliest; nothing where no attempt
    /// will be made until its cause is fixed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.after
    }

    /// Returns how long until a limit has room again, if that alone keeps the next attempt from being made.
    pub(crate) fn opens_after(&self) -> Option<Duration> {
        self.0.after.filter(|_| self.0.limit.is_some())
    }

    /// The exchange that failed, where one did.
    #[must_use]
    pub fn exchange_error(&self) -> Option<&ExchangeError> {
        match &self.0.cause {
            Some(Cause::Exchange(error)) => Some(error),
            _ => None,
        }
    }
}

impl TokenErrorKind {
    /// Returns the kind of a failure that only a limit causes.
    pub(crate) fn of(limit: Limit) -> Self {
        match limit {
            Limit::InFlight(_) => Self::TooManyInFlight,
            _ => Self::BudgetSpent,
        }
    }

    /// The kind's stable word, such as `still_waiting`.
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

    /// What happened, as the end of a sentence that begins with the key.
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
    /// The failure kind a key closed for this reason shows.
    pub(crate) fn kind(&self) -> TokenErrorKind {
        match self {
            Self::Store(_) => TokenErrorKind::StoreUnavailable,
            Self::Request(_) => TokenErrorKind::Misconfigured,
            _ => TokenErrorKind::BackingOff,
        }
    }

    /// Returns whether it says by itself why no attempt is made: none has failed.
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

/// A sentence that begins with the key.
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
            // The text tells of these; what lies behind them is not in it.
            Some(Cause::Exchange(error)) => error.source(),
            Some(Cause::Store(error)) => error.source(),
            _ => None,
        }
    }
}
