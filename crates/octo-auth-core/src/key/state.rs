//! The decision table: from the facts about a spec to what a caller must do.

use std::fmt;
use std::time::Duration;

use super::gate::Gate;
use crate::time::Now;
use crate::validity::Freshness;

/// The state of a spec: the row of the decision table that applies.
///
/// A token is *fresh* while no renewal is due. It is *stale* while a renewal is due and the token can still
/// be served. It is *expired* when it cannot be served, or when there is none. It is *refused* when a
/// resource server rejected it.
///
/// A renewal is *blocked* by the request budget, by the back-off after failures, or by a refresh whose
/// outcome is unknown. The renewal of a refused token is also blocked by the limit of forced refreshes.
/// Otherwise it is *possible*.
///
/// | state | applies when | the caller gets |
/// |---|---|---|
/// | `signed_out` | the user signed out | error: sign in |
/// | `unread` | the record was not read; or no token can be served, and a shared store may have a newer record | a load job |
/// | `reading` | the record is being read | wait |
/// | `unreadable` | the record could not be read, the first time or before a caller is told to sign in; client grants continue | error: try later |
/// | `shutting_down` | no token to serve, and no new request | error |
/// | `fresh` | fresh | the token |
/// | `rereading` | fresh or stale, and a shared store must be read again | the token, and a load job |
/// | `unsaved` | there are unsaved changes, and saving is due | the token, and a save job |
/// | `stale_renewing` | stale, renewal possible | the token, and a renewal |
/// | `stale_in_flight` | stale, a renewal is in flight | the token |
/// | `stale_blocked` | stale, renewal blocked, or no refresh token | the token |
/// | `expired_in_flight` | expired, a job is in flight | wait |
/// | `expired_renewing` | expired, renewal possible | a renewal |
/// | `expired_blocked` | expired, renewal blocked | error: not before a moment; [`TokenManager::ask`](crate::TokenManager::ask) waits for a slot of the budget; wait while too many renewals are in flight |
/// | `refresh_token_dead` | expired or refused, and the refresh token is dead | error: sign in |
/// | `not_signed_in` | expired or refused, and there is no refresh token | error: sign in |
/// | `refused_renewing` | refused, renewal possible | a renewal |
/// | `refused_in_flight` | refused, a renewal is in flight | wait; at the deadline the token, flagged as suspect |
/// | `refused_blocked` | refused, renewal blocked | the token, flagged as suspect; wait while too many renewals are in flight |
/// | `no_key` | the spec was rejected before it had a state | error |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum State {
    /// The user signed out.
    SignedOut,
    /// The record must be read.
    Unread,
    /// The record is being read.
    Reading,
    /// The record could not be read.
    Unreadable,
    /// The manager is shutting down and has no token to serve.
    ShuttingDown,
    /// The token is fresh.
    Fresh,
    /// The token is served, while the shared store is read again.
    Rereading,
    /// There are unsaved changes, which are saved now.
    Unsaved,
    /// The token is stale; a renewal begins.
    StaleRenewing,
    /// The token is stale; a renewal is in flight.
    StaleInFlight,
    /// The token is stale; no renewal can begin now.
    StaleBlocked,
    /// The token has expired; a job is in flight.
    ExpiredInFlight,
    /// The token has expired; a renewal begins.
    ExpiredRenewing,
    /// The token has expired; no renewal can begin now.
    ExpiredBlocked,
    /// The refresh token is dead.
    RefreshTokenDead,
    /// There is no refresh token.
    NotSignedIn,
    /// The token was refused; a renewal begins.
    RefusedRenewing,
    /// The token was refused; no renewal can begin now.
    RefusedBlocked,
    /// The token was refused; a renewal is in flight.
    RefusedInFlight,
    /// The spec was rejected: its request cannot be built, or there is no room for another spec.
    NoKey,
}

/// The facts for a decision. They are independent of each other.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) is_signed_out: bool,
    pub(crate) is_shutting_down: bool,
    pub(crate) knowledge: Knowledge,
    /// Whether another process may have changed the record since it was read. `is_outdated` is for a caller
    /// that gets a token, and `may_know_better` for one that would have to sign in.
    pub(crate) is_outdated: bool,
    pub(crate) may_know_better: bool,
    pub(crate) is_client_grant: bool,
    pub(crate) in_flight: bool,
    pub(crate) freshness: Freshness,
    pub(crate) is_refused: bool,
    pub(crate) is_renewable: bool,
    pub(crate) saving_is_due: bool,
    pub(crate) gate: Gate,
}

/// Whether the content of the store is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// The record was not read yet.
    Unread,
    /// The record could not be read. The next attempt is at this moment on the boot clock.
    Unreadable { until: Duration },
    /// The record was read, or there is no store.
    Read,
}

impl Knowledge {
    /// Returns what is known at a moment: after its pause, a record that could not be read is read again.
    pub(crate) fn at(self, now: Now) -> Self {
        match self {
            Self::Unreadable { until } if until <= now.boot => Self::Unread,
            other => other,
        }
    }
}

impl Facts {
    /// Returns the state. Each combination of facts has exactly one.
    pub(crate) fn state(&self) -> State {
        match (self.knowledge, self.is_client_grant) {
            (Knowledge::Unread, _) => return self.unread(),
            (Knowledge::Unreadable { .. }, false) => return State::Unreadable,
            (Knowledge::Unreadable { .. }, true) | (Knowledge::Read, _) => {}
        }
        if self.is_signed_out {
            let is_saved = !self.saving_is_due || self.in_flight;
            return if is_saved { self.sign_in_needed(State::SignedOut) } else { State::Unsaved };
        }
        match (self.freshness, self.is_refused) {
            (Freshness::Expired, _) => self.expired(),
            (_, true) => self.refused(),
            (_, false) if self.saving_is_due && !self.in_flight => State::Unsaved,
            (Freshness::Stale, false) if self.in_flight => State::StaleInFlight,
            (Freshness::Stale, false) if self.can_renew() => State::StaleRenewing,
            (_, false) if self.is_outdated && !self.in_flight && !self.is_shutting_down => State::Rereading,
            (Freshness::Fresh, false) => State::Fresh,
            (Freshness::Stale, false) => State::StaleBlocked,
        }
    }

    fn unread(&self) -> State {
        match (self.in_flight, self.is_shutting_down) {
            (true, _) => State::Reading,
            (false, true) => State::ShuttingDown,
            (false, false) => State::Unread,
        }
    }

    /// Returns `Unread` or `Reading` if a shared store must be read before a caller is told to sign in: another
    /// process may have signed in or renewed. Otherwise returns `state`.
    fn sign_in_needed(&self, state: State) -> State {
        match self.may_know_better && !self.is_shutting_down {
            true if self.in_flight => State::Reading,
            true => State::Unread,
            false => state,
        }
    }

    fn expired(&self) -> State {
        match &self.gate {
            _ if self.is_shutting_down => State::ShuttingDown,
            _ if self.in_flight => State::ExpiredInFlight,
            _ if self.can_renew() => State::ExpiredRenewing,
            // No renewal can begin, so save the changes.
            _ if self.saving_is_due => State::Unsaved,
            // Another process may have renewed it. A store that could not be read is left alone.
            _ if self.is_outdated && self.knowledge == Knowledge::Read => State::Unread,
            _ => self.dead_end().unwrap_or(State::ExpiredBlocked),
        }
    }

    fn refused(&self) -> State {
        match &self.gate {
            _ if self.in_flight => State::RefusedInFlight,
            _ if self.can_renew() => State::RefusedRenewing,
            _ if self.saving_is_due => State::Unsaved,
            // Another process may have renewed it, or signed out.
            _ if self.is_outdated && !self.is_shutting_down => State::Unread,
            _ => self.dead_end().unwrap_or(State::RefusedBlocked),
        }
    }

    /// Returns the state in which only a sign-in helps, if it applies.
    fn dead_end(&self) -> Option<State> {
        match &self.gate {
            Gate::Dead(_) => Some(self.sign_in_needed(State::RefreshTokenDead)),
            _ if !self.is_renewable => Some(self.sign_in_needed(State::NotSignedIn)),
            Gate::Open | Gate::Closed(_) => None,
        }
    }

    fn can_renew(&self) -> bool {
        matches!(self.gate, Gate::Open) && self.is_renewable && !self.is_shutting_down
    }
}

impl State {
    /// Returns the state's stable word, such as `stale_renewing`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Unread => "unread",
            Self::Reading => "reading",
            Self::Unreadable => "unreadable",
            Self::ShuttingDown => "shutting_down",
            Self::Fresh => "fresh",
            Self::Rereading => "rereading",
            Self::Unsaved => "unsaved",
            Self::StaleRenewing => "stale_renewing",
            Self::StaleInFlight => "stale_in_flight",
            Self::StaleBlocked => "stale_blocked",
            Self::ExpiredInFlight => "expired_in_flight",
            Self::ExpiredRenewing => "expired_renewing",
            Self::ExpiredBlocked => "expired_blocked",
            Self::RefreshTokenDead => "refresh_token_dead",
            Self::NotSignedIn => "not_signed_in",
            Self::RefusedRenewing => "refused_renewing",
            Self::RefusedBlocked => "refused_blocked",
            Self::RefusedInFlight => "refused_in_flight",
            Self::NoKey => "no_key",
        }
    }

    /// Returns whether a job begins in this state.
    pub(crate) fn begins_a_job(self) -> bool {
        matches!(
            self,
            Self::Unread
                | Self::Rereading
                | Self::Unsaved
                | Self::StaleRenewing
                | Self::ExpiredRenewing
                | Self::RefusedRenewing
        )
    }
}

/// Writes the state as a phrase.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignedOut => "signed out",
            Self::Unread => "not read from the store yet",
            Self::Reading => "being read from the store",
            Self::Unreadable => "the store could not be read",
            Self::ShuttingDown => "shutting down",
            Self::Fresh => "fresh",
            Self::Rereading => "served, the store is read again",
            Self::Unsaved => "not saved yet",
            Self::StaleRenewing => "due for renewal, which begins",
            Self::StaleInFlight => "due for renewal, which is in flight",
            Self::StaleBlocked => "due for renewal, which is not possible now",
            Self::ExpiredInFlight => "expired, its renewal is in flight",
            Self::ExpiredRenewing => "expired, its renewal begins",
            Self::ExpiredBlocked => "expired, and too early for the next attempt",
            Self::RefreshTokenDead => "its refresh token is dead",
            Self::NotSignedIn => "there is no refresh token",
            Self::RefusedRenewing => "refused, its renewal begins",
            Self::RefusedBlocked => "refused, and its renewal is not possible now",
            Self::RefusedInFlight => "refused, its renewal is in flight",
            Self::NoKey => "rejected",
        })
    }
}
