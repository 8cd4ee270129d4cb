//! What a user may set about renewals: nothing that makes nonsense, nothing that asks for more than is allowed.

use std::time::Duration;

use super::budget::Origin;
use crate::profile::{AccountLimit, TokenLimit};
use crate::validity::Lead;

/// How tokens are renewed and how long is waited: settings of one registration.
///
/// The default is right for most: renewal by formula, callers wait 30 s, an exchange takes at most 60 s.
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

/// Why a setting cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A duration is out of its range.
    #[error("{setting} must be from {least:?} to {most:?}, not {given:?}")]
    Duration {
        /// The setting's name.
        setting: &'static str,
        /// What was given.
        given: Duration,
        /// The least value.
        least: Duration,
        /// The greatest value.
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
    /// This policy with a fixed lead: a renewal is due so long before the token expires, though never before 0.4 of
    /// its lifetime; zero means only when the token can no longer be served.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] above one day.
    pub fn with_lead(mut self, lead: Duration) -> Result<Self, PolicyError> {
        within("the lead", lead, Duration::ZERO, Duration::from_secs(86_400))?;
        self.lead = if lead.is_zero() { Lead::OnlyWhenExpired } else { Lead::Fixed(lead) };
        Ok(self)
    }

    /// This policy with another time callers wait for a token unless they say otherwise; 30 s by default.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] above one hour.
    pub fn with_wait(mut self, wait: Duration) -> Result<Self, PolicyError> {
        within("the wait", wait, Duration::ZERO, Duration::from_secs(3600))?;
        self.wait = wait;
        Ok(self)
    }

    /// This policy with another time one exchange may take, however long its callers wait; 60 s by default.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] below one second or above ten minutes.
    pub fn with_exchange_deadline(mut self, deadline: Duration) -> Result<Self, PolicyError> {
        within("the exchange deadline", deadline, Duration::from_secs(1), Duration::from_secs(600))?;
        self.exchange = deadline;
        Ok(self)
    }

    /// This policy with fewer token requests in the provider's window (a minute where none is documented) than the
    /// provider allows; a number above that changes nothing. With a shared store it is the number of all processes.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Zero`].
    pub fn with_request_limit(mut self, requests: u32) -> Result<Self, PolicyError> {
        if requests == 0 {
            return Err(PolicyError::Zero { setting: "the request limit" });
        }
        self.requests = Some(requests);
        Ok(self)
    }

    /// This policy with another number of keys kept at once; 1,000,000 by default.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Zero`].
    pub fn with_capacity(mut self, keys: usize) -> Result<Self, PolicyError> {
        if keys == 0 {
            return Err(PolicyError::Zero { setting: "capacity" });
        }
        self.keys = keys;
        Ok(self)
    }

    /// This policy with another interval after which a process that serves a token from memory reads a store that several
    /// processes use again; 60 s by default. A sign-in or sign-out elsewhere is found at the first call after it.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Duration`] below one second or above one day.
    pub fn with_reread_interval(mut self, interval: Duration) -> Result<Self, PolicyError> {
        within("the reread interval", interval, Duration::from_secs(1), Duration::from_secs(86_400))?;
        self.reread = interval;
        Ok(self)
    }

    /// Returns how old what is known of a shared store may be before it is read again beside the use of a token.
    #[must_use]
    pub fn reread_interval(&self) -> Duration {
        self.reread
    }

    /// This policy with another limit of renewals in flight at once; 64 by default. Each holds a connection, and so a file
    /// descriptor, while its request is sent. A quarter of them is left to client grants.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Zero`].
    pub fn with_concurrency(mut self, renewals: u32) -> Result<Self, PolicyError> {
        if renewals == 0 {
            return Err(PolicyError::Zero { setting: "concurrency" });
        }
        self.concurrency = renewals;
        Ok(self)
    }

    /// Returns how many renewals are in flight at once, at most.
    #[must_use]
    pub fn concurrency(&self) -> u32 {
        self.concurrency
    }

    /// How early tokens are renewed.
    #[must_use]
    pub fn lead(&self) -> Lead {
        self.lead
    }

    /// How long a caller waits unless it says otherwise.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// How long one exchange may take.
    #[must_use]
    pub fn exchange_deadline(&self) -> Duration {
        self.exchange
    }

    /// How many keys are kept at once.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.keys
    }

    /// Whether a limit of token requests is documented or set, rather than assumed.
    pub(crate) fn knows_a_limit(&self, documented: Option<&TokenLimit>) -> bool {
        documented.is_some() || self.requests.is_some()
    }

    /// The limit of token requests, the window it counts in and the distance after a failure: one less than what
    /// is documented, or 600 a minute where nothing is. And whose limit that is.
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
        // A second more than the provider counts, for what a request takes to arrive.
        let window = Duration::from_secs(u64::from(seconds) + 1);
        (limit, window, Duration::from_secs(distance.into()), origin)
    }

    /// The limit of one account and its window, with the same margins; `None` where nothing is documented.
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
