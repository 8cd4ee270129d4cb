//! What is counted.

use std::time::Duration;

/// What was counted; of the healthy accounts, if not said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// How often a token was asked for.
    pub calls: u64,
    /// Calls that got no token although the server would have given one.
    pub denied: u64,
    /// Calls that got no token while the server failed for all accounts.
    pub denied_in_outage: u64,
    /// Calls of bad accounts that got no token.
    pub denied_bad: u64,
    /// Requests sent to the server, for all accounts.
    pub requests: u64,
    /// Requests sent for bad accounts.
    pub requests_for_bad: u64,
    /// Requests sent while the server failed for all accounts.
    pub requests_in_outage: u64,
    /// The most requests in any 60 s, for all accounts.
    pub busiest_minute: u64,
    /// The longest time from the first denied call of an account to its next served one, or to the end of the six
    /// hours.
    pub longest_outage: Duration,
    /// The longest time that a served call took.
    pub slowest_call: Duration,
    /// The time from the end of the failure of all accounts to the last denied call after it: from then on each account
    /// that asks is served. Zero if none was denied.
    pub recovery: Duration,
}
