//! What a failed exchange means for the state machine. It is decided once, here, and stored in the error.

use std::time::Duration;

use super::{ErrorKind, ExchangeError, Remedy, Retry};
use crate::profile::RefusalMeaning;

/// The shortest pause after the server said that it gets too many requests.
const THROTTLED: Duration = Duration::from_secs(5);

/// The duration without further attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Grows from 1 s to 60 s with full jitter, and is never shorter than this.
    Backoff { at_least: Duration },
    /// 60 s, doubling to 15 min, and never shorter than the server asked for. Waiting does not improve this
    /// failure.
    Cooldown { at_least: Duration },
    /// Grows from 1 s to 30 s with full jitter: the store failed, not the endpoint.
    Store,
    /// No pause, but it counts as a failure: the carrier was lost.
    Once,
    /// Exactly this duration: nothing failed, but asking again at once would be useless.
    Rest(Duration),
}

/// The usual growing pause.
pub(crate) const BACKOFF: Pause = Pause::Backoff { at_least: Duration::ZERO };

/// What a failure counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The account itself, until other accounts have similar failures.
    Account,
    /// The endpoint: no request could be sent.
    Endpoint,
    /// The client: the server gets too many requests. The profile says whether that counts against the whole
    /// client.
    Throttle,
}

/// What a failed exchange means for the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Classification {
    pub(crate) scope: Scope,
    /// Whether the answer means, according to the profile, that the client's quota is used up.
    pub(crate) is_quota: bool,
    /// The duration without further attempts; `None` if the refresh token is dead.
    pub(crate) pause: Option<Pause>,
    /// The pause that the server asked for by `Retry-After`.
    pub(crate) asked: Option<Duration>,
    /// Whether the server may have replaced the refresh token.
    pub(crate) is_ambiguous: bool,
    /// Whether a refresh was refused for an unknown reason.
    pub(crate) is_unexplained: bool,
    pub(crate) remedy: Remedy,
}

impl Classification {
    pub(crate) fn of(error: &ExchangeError) -> Self {
        let status = error.status().map(|status| status.as_u16());
        let is_quota = error.refusal() == Some(RefusalMeaning::Quota);
        let asked = error.asked_to_wait();
        let least = |at_least: Duration| {
            let least = at_least.max(asked.unwrap_or_default());
            if matches!(status, Some(429 | 503)) || is_quota || asked.is_some() {
                least.max(THROTTLED)
            } else {
                least
            }
        };
        let pause = match error.retry() {
            Retry::Never => None,
            Retry::Cooldown => Some(Pause::Cooldown { at_least: asked.unwrap_or_default() }),
            Retry::Backoff { at_least } | Retry::Ambiguous { at_least } | Retry::After(at_least) => {
                Some(Pause::Backoff { at_least: least(at_least) })
            }
        };
        // A redirect may ask to wait before requesting the other address (RFC 9110 section 10.2.3).
        let asks_client = asked.is_some() && !matches!(status, Some(300..=399));
        let is_throttle = matches!(status, Some(429)) || asks_client || is_quota;
        let scope = match error.kind() {
            ErrorKind::NotSent => Scope::Endpoint,
            _ if is_throttle => Scope::Throttle,
            _ => Scope::Account,
        };
        Self {
            scope,
            is_quota,
            pause,
            asked,
            is_ambiguous: matches!(error.retry(), Retry::Ambiguous { .. }) && !error.repeats_refresh_token(),
            is_unexplained: error.is_unexplained(),
            remedy: error.remedy(),
        }
    }

    /// Returns the classification of an answer to a client that was replaced since: its final refusals and
    /// cooldowns no longer apply.
    pub(crate) fn of_earlier_client(self) -> Self {
        match self.pause {
            None | Some(Pause::Cooldown { .. }) => {
                Self { scope: Scope::Account, pause: Some(Pause::Once), is_unexplained: false, ..self }
            }
            Some(_) => self,
        }
    }
}
