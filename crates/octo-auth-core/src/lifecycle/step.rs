//! What a job does and how it ended, in fixed words, for those that tell of it: the core itself tells nothing.

use super::Row;
use super::flight::{Flight, Leg};
use super::job::{Outcome, Report, Ticket};
use super::store::{Claimed, Saved};
use crate::accounts::{Grant, Key};
use crate::error::ExchangeError;
use crate::exchange::Purpose;

/// What caused a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RenewalCause {
    /// A caller asked for the first token.
    First,
    /// A caller asked for a token that still works and is due for renewal.
    Due,
    /// A caller asked for a token that had expired.
    Expired,
    /// A resource server refused the token, whoever asked then.
    Refused,
    /// It is kept warm: nobody had asked yet.
    Warm,
}

/// What a job is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Read the record from the store.
    Load,
    /// Claim the renewal in the store.
    Claim,
    /// Write a request down in the store, with those of other processes, before it is sent.
    Count,
    /// Send a request.
    Send {
        /// What the request is for.
        purpose: Purpose,
        /// What caused the renewal; nothing for a revocation.
        cause: Option<RenewalCause>,
    },
    /// Write the record of the key to the store.
    Save,
    /// Release the claim in the store.
    Release,
}

/// How a job ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Ending<'r> {
    /// It did what it was to do.
    Done,
    /// It was tried, and nothing depends on whether it succeeded: a revocation, a release.
    Tried,
    /// The store holds another record, or somebody else holds the claim.
    Elsewhere,
    /// The exchange failed.
    Failed(&'r ExchangeError),
    /// The store failed.
    StoreFailed,
    /// Nothing is known of it: whoever carried it is gone.
    Lost,
}

impl RenewalCause {
    /// What causes the renewal that a row begins, for a key that has had a token or not.
    pub(super) fn of(row: Row, has_had_token: bool, is_warming: bool) -> Self {
        match row {
            Row::RefusedRenewing => Self::Refused,
            _ if is_warming => Self::Warm,
            _ if !has_had_token => Self::First,
            Row::Renewing => Self::Due,
            _ => Self::Expired,
        }
    }

    /// The cause's stable word: `first`, `due`, `expired`, `refused` or `warm`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Due => "due",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Warm => "warm",
        }
    }
}

impl Step {
    /// The step that a leg of a flight is.
    pub(super) fn of(leg: &Leg, flight: &Flight, key: &Key) -> Self {
        match leg {
            Leg::Reading(_) => Self::Load,
            Leg::Claiming => Self::Claim,
            Leg::Marking { .. } | Leg::Saving(_) => Self::Save,
            Leg::Counting { .. } => Self::Count,
            Leg::Sending { .. } => {
                let purpose = match key.grant() {
                    Grant::ClientCredentials => Purpose::ClientCredentials,
                    Grant::ApiLogin => Purpose::ApiLogin,
                    Grant::RefreshToken | Grant::None => Purpose::Refresh,
                };
                Self::Send { purpose, cause: flight.cause }
            }
        }
    }

    /// The step of a revocation.
    pub(super) fn revocation() -> Self {
        Self::Send { purpose: Purpose::Revocation, cause: None }
    }

    /// The step's stable word: `load`, `claim`, `count`, `send`, `save` or `release`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Claim => "claim",
            Self::Count => "count",
            Self::Send { .. } => "send",
            Self::Save => "save",
            Self::Release => "release",
        }
    }
}

impl Ending<'_> {
    /// The ending's stable word: `ok`, `tried`, `elsewhere`, `store_failed`, `lost`, or the
    /// [`word`](crate::ErrorKind::word) of what failed. What a provider wrote is never in it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Tried => "tried",
            Self::Elsewhere => "elsewhere",
            Self::Failed(error) => error.kind().word(),
            Self::StoreFailed => "store_failed",
            Self::Lost => "lost",
        }
    }
}

impl Ticket {
    /// What the job is to do.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }
}

impl Report {
    /// Which step of which flight it is about.
    #[must_use]
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// How the job ended.
    #[must_use]
    pub fn ending(&self) -> Ending<'_> {
        match &self.outcome {
            Outcome::Loaded(Ok(_))
            | Outcome::Claimed(Ok(Claimed::Granted))
            | Outcome::Saved(Ok(Saved::Done(_))) => Ending::Done,
            Outcome::Claimed(Ok(Claimed::Held(_))) | Outcome::Saved(Ok(Saved::Conflict(_))) => {
                Ending::Elsewhere
            }
            Outcome::Loaded(Err(_)) | Outcome::Claimed(Err(_)) | Outcome::Saved(Err(_)) => {
                Ending::StoreFailed
            }
            Outcome::Answered(answered) => {
                answered.result.as_ref().map_or_else(Ending::Failed, |_| Ending::Done)
            }
            Outcome::Revoked | Outcome::Released => Ending::Tried,
            Outcome::Lost => Ending::Lost,
        }
    }
}
