//! What a job does and how it ended, as fixed words for adapters that log them. The core itself does not log.

use super::cause::RenewalCause;
use crate::error::ExchangeError;
use crate::exchange::Purpose;

/// The step that a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Read the record from the store.
    Load,
    /// Claim the renewal in the store.
    Claim,
    /// Write a request to the request log in the store, before it is sent. The log also contains the requests
    /// of other processes.
    Count,
    /// Send a request.
    Send {
        /// The purpose of the request.
        purpose: Purpose,
        /// The cause of the renewal; `None` for a revocation.
        cause: Option<RenewalCause>,
    },
    /// Write the record of the spec to the store.
    Save,
    /// Release the claim in the store.
    Release,
}

/// How a job ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Ending<'r> {
    /// It succeeded.
    Done,
    /// It was tried, and its success does not matter: a revocation, a release.
    Tried,
    /// The store holds another record, or another process holds the claim.
    Elsewhere,
    /// The exchange failed.
    Failed(&'r ExchangeError),
    /// The store failed.
    StoreFailed,
    /// The outcome is unknown: the carrier ended without a report.
    Lost,
    /// The job was not begun: its carrier ended, or was busy until it was too late.
    NotBegun,
}

impl Step {
    /// Returns the step of a revocation.
    pub(super) fn revocation() -> Self {
        Self::Send { purpose: Purpose::Revocation, cause: None }
    }

    /// Returns the step's stable word: `load`, `claim`, `count`, `send`, `save` or `release`.
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
    /// Returns the ending's stable word: `ok`, `tried`, `elsewhere`, `store_failed`, `lost`, `not_begun`, or
    /// the [`word`](crate::ErrorKind::word) of the failed exchange. It never contains text of a provider.
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
