//! The counts of a simulation.

use std::time::Duration;

/// The counts of a simulation. They cover the healthy accounts unless a field says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationCounts {
    /// The number of calls for a token.
    pub calls: u64,
    /// The number of calls that got no token although the server would have issued one.
    pub denied: u64,
    /// The number of calls that got no token while the server failed for all accounts.
    pub denied_in_outage: u64,
    /// The number of calls for bad accounts that got no token.
    pub denied_bad: u64,
    /// The number of requests to the server, for all accounts.
    pub requests: u64,
    /// The number of requests for bad accounts.
    pub requests_for_bad: u64,
    /// The number of requests while the server failed for all accounts.
    pub requests_in_outage: u64,
    /// The largest number of requests in any 60 s, for all accounts.
    pub busiest_minute: u64,
    /// The longest time from the first denied call of an account to its next served call, or to the end of the six
    /// hours.
    pub longest_outage: Duration,
    /// The longest duration of a served call.
    pub slowest_call: Duration,
    /// The time from the end of the failure of all accounts to the last denied call after it. Every later call is
    /// served. Zero if no call was denied.
    pub recovery: Duration,
}
