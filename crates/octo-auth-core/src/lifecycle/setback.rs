//! What the last failure left behind: until when nothing is tried, and why.
//!
//! Pauses grow with each failure and never shrink until a success.

use std::sync::Arc;
use std::time::Duration;

use super::dice::Dice;
use super::failure::Cause;
use crate::error::{ErrorKind, ExchangeError, Remedy, Retry};
use crate::exchange::Purpose;

const SECOND: Duration = Duration::from_secs(1);

/// The longest pause that the growing of backoff reaches.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The longest pause after a failure of the store.
const LONGEST_STORE: Duration = Duration::from_secs(30);

/// The first and the longest pause after what waiting does not improve.
const COOLDOWN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15 * 60));

/// The longest pause a server can ask for.
const LONGEST_TOLD: Duration = Duration::from_secs(3600);

/// The least pause after the server said that it is asked too often.
const THROTTLED: Duration = Duration::from_secs(5);

/// From this many refusals without a known code in a row, the refresh token itself is probably what is wrong.
const UNEXPLAINED: u32 = 3;

/// What the failures since the last success have left behind, for one key or for the registration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setbacks {
    last: Option<Setback>,
    /// When it was noted, on the boot clock.
    noted: Duration,
    backoffs: u32,
    cooldowns: u32,
    unexplained: u32,
}

/// What one failure left behind.
#[derive(Debug, Clone)]
pub(crate) struct Setback {
    /// Nothing is tried before this moment on the boot clock.
    pub(crate) until: Duration,
    pub(crate) cause: Cause,
    /// Who must act.
    pub(crate) remedy: Remedy,
}

/// How long a failure closes what it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Growing from 1 s to 60 s with full jitter, at least so long.
    Backoff { at_least: Duration },
    /// 60 s, doubling to 15 min: waiting does not improve it.
    Cooldown,
    /// Growing from 1 s to 30 s with full jitter: the store failed, not the endpoint.
    Store,
    /// Not at all, though it counts: the carrier was lost, not the endpoint.
    Once,
    /// So long exactly: nothing failed, but asking again at once would be of no use.
    Rest(Duration),
}

/// A pause that grows as usual.
pub(crate) const BACKOFF: Pause = Pause::Backoff { at_least: Duration::ZERO };

/// What an [`ExchangeError`] means for the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blame {
    /// Whether the whole endpoint, or the client as such, is concerned.
    pub(crate) registration_wide: bool,
    /// How long nothing is tried; nothing if the refresh token is dead.
    pub(crate) pause: Option<Pause>,
    /// Whether the server may have replaced the refresh token.
    pub(crate) ambiguous: bool,
    /// Whether the answer leaves no doubt that the refresh token was not used, so that the marker goes.
    pub(crate) untouched: bool,
    /// Whether a refresh was refused without saying why.
    pub(crate) unexplained: bool,
}

impl Blame {
    /// The same of an answer to a client that was replaced since: who that was, and what it may do, is of no concern.
    pub(crate) fn of_earlier_client(self) -> Self {
        match self.pause {
            None | Some(Pause::Cooldown) => {
                Self { registration_wide: false, pause: Some(Pause::Once), unexplained: false, ..self }
            }
            Some(_) => self,
        }
    }
}

impl Setbacks {
    /// What is left of the last failure at this moment.
    pub(crate) fn closed(&self, now: Duration) -> Option<&Setback> {
        self.last.as_ref().filter(|last| last.until > now)
    }

    /// Whether something failed since the last success.
    pub(crate) fn any(&self) -> bool {
        self.backoffs > 0 || self.cooldowns > 0
    }

    /// The last failure, whether its pause is over or not.
    pub(crate) fn last(&self) -> Option<&Setback> {
        self.last.as_ref()
    }

    /// Takes note of a failure.
    pub(crate) fn note(
        &mut self,
        pause: Pause,
        cause: Cause,
        remedy: Remedy,
        dice: &mut Dice,
        now: Duration,
    ) {
        let until = now.saturating_add(self.lasts(pause, dice));
        self.noted = now;
        // Of two failures the one that closes longer says why.
        if self.last.as_ref().is_none_or(|last| last.until <= until) {
            self.last = Some(Setback { until, cause, remedy });
        }
    }

    /// Takes note of a refresh refused without a known code; from the third in a row a new sign-in is the advice.
    pub(crate) fn unexplained(&mut self, unexplained: bool) -> Option<Remedy> {
        self.unexplained = if unexplained { self.unexplained.saturating_add(1) } else { 0 };
        (self.unexplained >= UNEXPLAINED).then_some(Remedy::SignInAgain)
    }

    /// Forgets everything, unless something has failed since that moment.
    pub(crate) fn clear_before(&mut self, moment: Duration) {
        if self.noted <= moment {
            self.clear();
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn lasts(&mut self, pause: Pause, dice: &mut Dice) -> Duration {
        match pause {
            Pause::Backoff { at_least } => {
                let bound = doubled(SECOND, self.backoffs, LONGEST_BACKOFF);
                self.backoffs = self.backoffs.saturating_add(1);
                part(bound, dice.fraction()).max(SECOND).max(at_least.min(LONGEST_TOLD))
            }
            Pause::Store => {
                let bound = doubled(SECOND, self.backoffs, LONGEST_STORE);
                self.backoffs = self.backoffs.saturating_add(1);
                part(bound, dice.fraction()).max(SECOND)
            }
            Pause::Cooldown => {
                let lasts = doubled(COOLDOWN.0, self.cooldowns, COOLDOWN.1);
                self.cooldowns = self.cooldowns.saturating_add(1);
                lasts
            }
            Pause::Once => {
                self.backoffs = self.backoffs.saturating_add(1);
                Duration::ZERO
            }
            Pause::Rest(rest) => rest,
        }
    }
}

/// A duration doubled so often, up to a bound.
pub(crate) fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(31)).unwrap_or(u32::MAX)).min(most)
}

/// A fraction of a duration, in units of 2^-32, in whole milliseconds.
pub(crate) fn part(whole: Duration, fraction: u32) -> Duration {
    let millis = (whole.as_millis() * u128::from(fraction)) >> 32;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// What a failed exchange means for the machine.
pub(crate) fn blame(error: &ExchangeError) -> Blame {
    let status = error.status().map(|status| status.as_u16());
    let throttled = matches!(status, Some(429 | 503));
    let (pause, told) = match error.retry() {
        Retry::Never => (None, false),
        Retry::Cooldown => (Some(Pause::Cooldown), false),
        Retry::Backoff { at_least } | Retry::Ambiguous { at_least } => {
            let at_least = if throttled { at_least.max(THROTTLED) } else { at_least };
            (Some(Pause::Backoff { at_least }), false)
        }
        Retry::After(after) => (Some(Pause::Backoff { at_least: after.max(THROTTLED) }), true),
    };
    let ambiguous = matches!(error.retry(), Retry::Ambiguous { .. });
    let answered = status.is_some_and(|status| (300..500).contains(&status) && !passing(status));
    Blame {
        registration_wide: told || concerns_everybody(error, status),
        pause,
        ambiguous,
        untouched: *error.kind() == ErrorKind::NotSent || answered || error.is_in_own_shape() && !ambiguous,
        unexplained: error.purpose() == Purpose::Refresh
            && matches!(status, Some(400 | 401 | 403))
            && error.remedy() == Remedy::AskProvider,
    }
}

/// Whether a failure says something of the endpoint or the client rather than of one key.
fn concerns_everybody(error: &ExchangeError, status: Option<u16>) -> bool {
    use ErrorKind as K;
    match error.kind() {
        K::NotSent | K::MaybeProcessed | K::Timeout | K::HttpMalformed | K::Redirect => true,
        K::OAuth(code) => {
            let of_the_client = ["invalid_client", "unauthorized_client", "unsupported_grant_type"];
            let passing = ["server_error", "temporarily_unavailable", "slow_down"];
            of_the_client.contains(&code.as_str()) || passing.contains(&code.as_str())
        }
        _ if error.refusal() == Some(crate::profile::RefusalMeaning::Quota) => true,
        _ => match status {
            Some(401) => error.purpose() != Purpose::Refresh,
            Some(status) => status >= 500 || [404, 405, 410, 415].contains(&status) || passing(status),
            None => false,
        },
    }
}

fn passing(status: u16) -> bool {
    [408, 425, 429].contains(&status)
}

impl From<ExchangeError> for Cause {
    fn from(error: ExchangeError) -> Self {
        Self::Exchange(Arc::new(error))
    }
}
