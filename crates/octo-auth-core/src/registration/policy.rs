//! [`Policy`]: the user's settings for renewals, limited to sensible values.

use std::time::Duration;

use super::budget::Origin;
use crate::profile::{AccountLimit, TokenLimit};
use crate::validity::Lead;

/// The settings of one `TokenManager` for renewals and waiting times.
///
/// The default suits most programs: renewals are due by formula, callers wait 30 s, and an exchange takes at
/// most 60 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    lead: Lead,
    wait: Duration,
    exchange: Duration,
    requests: Option<u32>,
    keys: usize,
    reread: Duration,
    concurrency: u32,
}

/// Why a setting was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A duration is out of range.
    #[error("{setting} must be from {least:?} to {most:?}, not {given:?}")]
    Duration {
        /// The setting's name.
        setting: &'static str,
        /// The given value.
        given: Duration,
        /// The smallest allowed value.
        least: Duration,
        /// The largest allowed value.
        most: Duration,
    },
    /// A number is zero.
    #[error("{setting} must be at least 1")]
    Zero {
        /// The setting's name.
        setting: &'static str,
    },
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lead: Lead::Automatic,
            wait: Duration::from_secs(30),
            exchange: Duration::from_secs(60),
            requests: None,
            keys: 1_000_000,
            reread: Duration::from_secs(60),
            concurrency: 64,
        }
    }
}

impl Policy {
    /// Returns the policy with a fixed lead: a renewal is due this duration before the token expires, but
    /// never before 0.4 of its lifetime. Zero means that a renewal is due only when the token can no longer
    /// be served.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] above one day.
    pub fn with_lead(mut self, lead: Duration) -> Result<Self, PolicyError> {
        within("the lead", lead, Duration::ZERO, Duration::from_secs(86_400))?;
        self.lead = if lead.is_zero() { Lead::OnlyWhenExpired } else { Lead::Fixed(lead) };
        Ok(self)
    }

    /// Returns the policy with another default for how long callers wait for a token; 30 s by default.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] above one hour.
    pub fn with_wait(mut self, wait: Duration) -> Result<Self, PolicyError> {
        within("the wait", wait, Duration::ZERO, Duration::from_secs(3600))?;
        self.wait = wait;
        Ok(self)
    }

    /// Returns the policy with another limit for the duration of one exchange, independent of its callers; 60
    /// s by default.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] below one second or above ten minutes.
    pub fn with_exchange_deadline(mut self, deadline: Duration) -> Result<Self, PolicyError> {
        within("the exchange deadline", deadline, Duration::from_secs(1), Duration::from_secs(600))?;
        self.exchange = deadline;
        Ok(self)
    }

    /// Returns the policy with a lower limit of token requests in the provider's window than the provider
    /// allows. The window is one minute if the provider documents none. A higher number has no effect. With a
    /// shared store, the limit applies to all processes together.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Zero`] if `requests` is zero.
    pub fn with_request_limit(mut self, requests: u32) -> Result<Self, PolicyError> {
        if requests == 0 {
            return Err(PolicyError::Zero { setting: "the request limit" });
        }
        self.requests = Some(requests);
        Ok(self)
    }

    /// Returns the policy with another limit of specs kept in memory; 1,000,000 by default.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Zero`] if `keys` is zero.
    pub fn with_capacity(mut self, keys: usize) -> Result<Self, PolicyError> {
        if keys == 0 {
            return Err(PolicyError::Zero { setting: "capacity" });
        }
        self.keys = keys;
        Ok(self)
    }

    /// Returns the policy with another interval for reading a store of several processes again while a token
    /// is served from memory; 60 s by default. A sign-in or sign-out in another process is found at the first
    /// call after it.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] below one second or above one day.
    pub fn with_reread_interval(mut self, interval: Duration) -> Result<Self, PolicyError> {
        within("the reread interval", interval, Duration::from_secs(1), Duration::from_secs(86_400))?;
        self.reread = interval;
        Ok(self)
    }

    /// Returns the age from which the record of a shared store is read again while the token is in use.
    #[must_use]
    pub fn reread_interval(&self) -> Duration {
        self.reread
    }

    /// Returns the policy with another limit of renewals in flight; 64 by default. Each renewal holds a
    /// connection, and so a file descriptor, while its request is sent. A quarter of them is reserved for
    /// client grants.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Zero`] if `renewals` is zero.
    pub fn with_concurrency(mut self, renewals: u32) -> Result<Self, PolicyError> {
        if renewals == 0 {
            return Err(PolicyError::Zero { setting: "concurrency" });
        }
        self.concurrency = renewals;
        Ok(self)
    }

    /// Returns the limit of renewals in flight.
    #[must_use]
    pub fn concurrency(&self) -> u32 {
        self.concurrency
    }

    /// Returns how early tokens are renewed.
    #[must_use]
    pub fn lead(&self) -> Lead {
        self.lead
    }

    /// Returns how long a caller waits by default.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// Returns the longest duration of one exchange.
    #[must_use]
    pub fn exchange_deadline(&self) -> Duration {
        self.exchange
    }

    /// Returns the limit of specs kept in memory.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.keys
    }

    /// Returns whether a limit of token requests is documented or set, rather than assumed.
    pub(crate) fn knows_a_limit(&self, documented: Option<&TokenLimit>) -> bool {
        documented.is_some() || self.requests.is_some()
    }

    /// Returns the limit of token requests, its window, the spacing after a failure, and the limit's origin.
    /// The limit is one less than the documented one, or 600 a minute if none is documented.
    pub(crate) fn limit(&self, documented: Option<&TokenLimit>) -> (u32, Duration, Duration, Origin) {
        let (limit, seconds, distance) = documented.map_or((600, 60, 0), |documented| {
            let limit = documented.requests.saturating_sub(1).max(1);
            (limit, documented.per_seconds, documented.after_failure_seconds)
        });
        let (limit, origin) = match self.requests {
            Some(own) if own < limit => (own, Origin::Policy),
            _ => {
                let of_provider = |documented: &TokenLimit| Origin::Documented(documented.requests);
                (limit, documented.map_or(Origin::Assumed, of_provider))
            }
        };
        // This is a second more than the provider's window, for a request's way to the server.
        let window = Duration::from_secs(u64::from(seconds) + 1);
        (limit, window, Duration::from_secs(distance.into()), origin)
    }

    /// Returns the limit of one account and its window, with the same margins; `None` if none is documented.
    pub(crate) fn account_limit(documented: Option<&AccountLimit>) -> Option<(u32, Duration)> {
        let AccountLimit { requests, per_seconds, .. } = documented?;
        let window = Duration::from_secs(u64::from(*per_seconds) + 1);
        Some((requests.saturating_sub(1).max(1), window))
    }
}

fn within(
    setting: &'static str,
    given: Duration,
    least: Duration,
    most: Duration,
) -> Result<(), PolicyError> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    Err(PolicyError::Duration { setting, given, least, most })
}
