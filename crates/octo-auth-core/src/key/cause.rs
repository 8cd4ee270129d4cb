//! [`RenewalCause`]: what caused a renewal.

use super::state::State;

/// What caused a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RenewalCause {
    /// A caller asked for the first token.
    First,
    /// A caller asked for a token that is still valid, and its renewal is due.
    Due,
    /// A caller asked for a token that had expired.
    Expired,
    /// A resource server refused the token.
    Refused,
    /// The token is refreshed ahead: no caller has asked yet.
    Ahead,
}

impl RenewalCause {
    /// Returns the cause of a renewal that begins in this state.
    pub(super) fn of(state: State, has_had_token: bool, is_ahead: bool) -> Self {
        match state {
            State::RefusedRenewing => Self::Refused,
            _ if is_ahead => Self::Ahead,
            _ if !has_had_token => Self::First,
            State::StaleRenewing => Self::Due,
            _ => Self::Expired,
        }
    }

    /// Returns the cause's stable word: `first`, `due`, `expired`, `refused` or `ahead`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Due => "due",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Ahead => "ahead",
        }
    }
}
