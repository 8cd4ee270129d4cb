//! What a caller is told.

use std::fmt;
use std::time::Duration;

use super::failure::Failure;
use super::issued::Token;
use super::job::Job;

/// What a caller is told: what to do, by which row of the table, and when that can change by itself.
#[derive(Debug)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// The row of the table that applies.
    pub row: Row,
    /// The moment on the boot clock at which the answer can change by time alone, strictly after now; nothing if
    /// only an event can change it. Asking again then gives the same results as asking all the time.
    pub next_change: Option<Duration>,
}

/// What a caller is to do.
#[derive(Debug)]
#[must_use = "the verdict may hold a job that has to be carried out"]
pub enum Verdict {
    /// Use this token.
    Use(Token),
    /// Use this token, and have this job carried out beside it.
    UseAndRun(Token, Job),
    /// Have this job carried out and ask again.
    Run(Job),
    /// Wait until the flight under way ends, at most until this moment on the boot clock, and ask again.
    Wait {
        /// The flight's deadline.
        until: Duration,
    },
    /// There is no token to be had now.
    GiveUp(Failure),
}

/// The rows of the decision table, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Row {
    /// 0a: signed out.
    SignedOut,
    /// 0b: the record was not read from the store yet; it is read now.
    Unread,
    /// 0b: the record is being read.
    Reading,
    /// 0b: the record could not be read, and without it nothing can be renewed.
    Unreadable,
    /// 0c: shutting down, nothing to serve.
    ShuttingDown,
    /// 1: fresh.
    Fresh,
    /// 1s: to be served, and not saved yet.
    Unsaved,
    /// 2: stale; a renewal begins beside it.
    Renewing,
    /// 3: stale, a renewal is under way.
    StaleInFlight,
    /// 4: stale, and no renewal is possible now.
    StaleClosed,
    /// 6: nothing to serve, a renewal is under way.
    ExpiredInFlight,
    /// 7: nothing to serve; a renewal begins.
    Expired,
    /// 8: nothing to serve, and it is too early for the next attempt.
    Closed,
    /// 9: nothing to serve, and the refresh token is dead.
    Final,
    /// 10: nothing to serve and nothing to renew it with.
    NotRenewable,
    /// 11: refused by a resource server; a renewal begins.
    RefusedRenewing,
    /// 12: refused, and no renewal is possible now.
    RefusedClosed,
    /// 13: refused, a renewal is under way.
    RefusedInFlight,
    /// Beside the table: the key's requests cannot be built, or there is no room for another key.
    NoKey,
}

impl Row {
    /// The row's number in the table.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::SignedOut => "0a",
            Self::Unread | Self::Reading | Self::Unreadable => "0b",
            Self::ShuttingDown => "0c",
            Self::Fresh => "1",
            Self::Unsaved => "1s",
            Self::Renewing => "2",
            Self::StaleInFlight => "3",
            Self::StaleClosed => "4",
            Self::ExpiredInFlight => "6",
            Self::Expired => "7",
            Self::Closed => "8",
            Self::Final => "9",
            Self::NotRenewable => "10",
            Self::RefusedRenewing => "11",
            Self::RefusedClosed => "12",
            Self::RefusedInFlight => "13",
            Self::NoKey => "-",
        }
    }
}

/// The row as a reason.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignedOut => "signed out",
            Self::Unread => "not read from the store yet",
            Self::Reading => "being read from the store",
            Self::Unreadable => "the store could not be read",
            Self::ShuttingDown => "shutting down",
            Self::Fresh => "fresh",
            Self::Unsaved => "not saved yet",
            Self::Renewing => "due for renewal, which begins",
            Self::StaleInFlight => "due for renewal, which is under way",
            Self::StaleClosed => "due for renewal, which is not possible now",
            Self::ExpiredInFlight => "expired, its renewal is under way",
            Self::Expired => "expired, its renewal begins",
            Self::Closed => "expired, and too early for the next attempt",
            Self::Final => "expired, and its refresh token is dead",
            Self::NotRenewable => "expired, and nothing to renew it with",
            Self::RefusedRenewing => "refused, its renewal begins",
            Self::RefusedClosed => "refused, and its renewal is not possible now",
            Self::RefusedInFlight => "refused, its renewal is under way",
            Self::NoKey => "not kept",
        })
    }
}
