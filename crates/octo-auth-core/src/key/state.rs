//! THE decision table: from the facts about a key to what a caller is told.

use std::fmt;
use std::time::Duration;

use super::gate::Gate;
use crate::validity::Freshness;

/// The state of a key: the row of the decision table that applies.
///
/// A token is *fresh* while no renewal is due, *stale* while a renewal is due and it can still be served, and *expired*
/// when it cannot be served, or when there is none. It is *refused* when a resource server rejected it. The gate is *open*
/// unless the request budget, failures, or a refresh whose outcome is unknown block a renewal, or, of a refused token, the
/// limit of forced refreshes.
///
/// | state | applies when | the caller gets |
/// |---|---|---|
/// | `signed_out` | the user signed out | failure: sign in |
/// | `unread` | the record was not read, or a shared store may know better where no token can be served | a load job |
/// | `reading` | it is being read | wait |
/// | `unreadable` | it could not be read; client grants go on | failure: try later |
/// | `shutting_down` | nothing to serve, no new request | failure |
/// | `fresh` | fresh | the token |
/// | `rereading` | fresh or stale, and a shared store was read a while ago | the token, and a load job |
/// | `unsaved` | the store does not hold what is known, and saving is due | the token, and a save job |
/// | `stale_renewing` | stale, gate open | the token, and a renewal |
/// | `stale_in_flight` | stale, a renewal is in flight | the token |
/// | `stale_blocked` | stale, gate closed or no refresh token | the token |
/// | `expired_in_flight` | expired, something is in flight | wait |
/// | `expired_renewing` | expired, gate open | a renewal |
/// | `expired_blocked` | expired, gate closed | failure: not before a moment; [`TokenManager::ask`](crate::Accounts::ask) waits for a slot of the budget; wait while too many renewals are in flight |
/// | `refresh_token_dead` | expired or refused, and the refresh token is dead | failure: sign in |
/// | `not_signed_in` | expired or refused, and there is no refresh token | failure: sign in |
/// | `refused_renewing` | refused, gate open | a renewal |
/// | `refused_in_flight` | refused, a renewal is in flight | wait; at the deadline the token, flagged as suspect |
/// | `refused_blocked` | refused, gate closed | the token, flagged as suspect; wait while too many renewals are in flight |
/// | `no_key` | the key was rejected before it had a state | failure |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum State {
    /// The user signed out.
    SignedOut,
    /// The record is to be read.
    Unread,
    /// The record is being read.
    Reading,
    /// The record could not be read.
    Unreadable,
    /// The machine is shutting down and has nothing to serve.
    ShuttingDown,
    /// The token is fresh.
    Fresh,
    /// The token is served, and the shared store is read again beside it.
    Rereading,
    /// The store does not hold what is known; it is saved now.
    Unsaved,
    /// The token is stale; a renewal begins.
    StaleRenewing,
    /// The token is stale; a renewal is in flight.
    StaleInFlight,
    /// The token is stale; no renewal can begin now.
    StaleBlocked,
    /// The token has expired; something is in flight.
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
    /// The key was rejected: its request cannot be built, or there is no room for another key.
    NoKey,
}

/// The facts that a decision rests on, each independent of the others.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) is_signed_out: bool,
    pub(crate) is_shutting_down: bool,
    pub(crate) knowledge: Knowledge,
    /// Another process may have changed the record since it was read: for a caller that is served, and for one that would
    /// have to sign in.
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

/// What is known of what the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// It was not read yet.
    Unread,
    /// It could not be read; the next attempt is at this moment on the boot clock.
    Unreadable { until: Duration },
    /// It was read, or there is no store.
    Read,
}

impl Facts {
    /// Returns the state. Total: each combination of facts has exactly one.
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

    /// Before "sign in" is said, a shared store is read: another process may have signed in or renewed.
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
            // No renewal can begin, so save what is known.
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

    /// Returns the state in which only a sign-in helps, if that is so.
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

/// The state as a phrase.
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
