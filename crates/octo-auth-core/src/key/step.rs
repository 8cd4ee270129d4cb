//! What a job does and how it ended, in fixed words, for those that tell of it: the core itself tells nothing.

use super::cause::RenewalCause;
use crate::error::ExchangeError;
use crate::exchange::Purpose;

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
    /// The store holds another record, or another process holds the claim.
    Elsewhere,
    /// The exchange failed.
    Failed(&'r ExchangeError),
    /// The store failed.
    StoreFailed,
    /// Nothing is known of it: its carrier is gone.
    Lost,
    /// It was not begun: its carrier is gone, or had no time for it until it was too late.
    NotBegun,
}

impl Step {
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
    /// The ending's stable word: `ok`, `tried`, `elsewhere`, `store_failed`, `lost`, `not_begun`, or
    /// the [`word`](crate::ErrorKind::word) of what failed. What a provider wrote is never in it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Tried => "tried",
            Self::Elsewhere => "elsewhere",
            Self::Failed(error) => error.kind().word(),
            Self::StoreFailed => "store_failed",
            Self::Lost => "lost",
            Self::NotBegun => "not_begun",
        }
    }
}
