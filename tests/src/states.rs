//! The states of the decision table, for tests which show that each is reached.

use octo_auth_core::State;

/// The states of a token spec in a registration. `State::NoKey` is the state of an unknown one.
pub const STATES: [State; 19] = [
    State::SignedOut,
    State::Unread,
    State::Reading,
    State::Unreadable,
    State::ShuttingDown,
    State::Fresh,
    State::Rereading,
    State::Unsaved,
    State::StaleRenewing,
    State::StaleInFlight,
    State::StaleBlocked,
    State::ExpiredInFlight,
    State::ExpiredRenewing,
    State::ExpiredBlocked,
    State::RefreshTokenDead,
    State::NotSignedIn,
    State::RefusedRenewing,
    State::RefusedBlocked,
    State::RefusedInFlight,
];
