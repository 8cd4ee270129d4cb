//! The gate: whether a renewal may begin, and what blocks it.

use std::time::Duration;

use crate::error::Remedy;
use crate::failure::{Cause, TokenErrorKind};
use crate::registration::{Limit, Setback};

/// Whether a renewal may begin.
#[derive(Debug, Clone)]
pub(crate) enum Gate {
    Open,
    /// The gate is closed until a moment on the boot clock, which is after now.
    Closed(Blocked),
    /// No renewal can begin: the refresh token is dead.
    Dead(TokenErrorKind),
}

/// Why and until when renewals are blocked.
#[derive(Debug, Clone)]
pub(crate) struct Blocked {
    pub(crate) until: Duration,
    pub(crate) kind: TokenErrorKind,
    pub(crate) cause: Option<Cause>,
    pub(crate) remedy: Remedy,
    /// The request limit that is reached, if nothing else blocks renewals.
    pub(crate) limit: Option<Limit>,
}

impl Blocked {
    pub(crate) fn new(until: Duration, kind: TokenErrorKind, cause: Option<Cause>) -> Self {
        Self { until, kind, cause, remedy: Remedy::TryLater { after: until }, limit: None }
    }

    /// Returns a block by a limit alone.
    pub(crate) fn by(limit: Limit, until: Duration) -> Self {
        Self { limit: Some(limit), ..Self::new(until, TokenErrorKind::of(limit), None) }
    }
}

impl From<&Setback> for Blocked {
    fn from(setback: &Setback) -> Self {
        let Setback { until, cause, remedy } = setback.clone();
        Self { until, kind: cause.kind(), cause: Some(cause), remedy, limit: None }
    }
}

impl Gate {
    /// Returns until when the gate is closed, if only other renewals in flight close it. Its callers wait for
    /// these to end.
    pub(crate) fn lacks_room(&self) -> Option<Duration> {
        match self {
            Self::Closed(blocked) if blocked.kind == TokenErrorKind::TooManyInFlight => Some(blocked.until),
            _ => None,
        }
    }

    /// Returns the gate closed by all these reasons, each of which lasts until its own moment.
    ///
    /// Other reasons are reported in preference to request limits and to the spacing after a failure. Among
    /// several, the one that lasts longest is reported, and among equals the last one.
    pub(crate) fn of(reasons: impl IntoIterator<Item = Blocked>, now: Duration) -> Self {
        let active: Vec<Blocked> = reasons.into_iter().filter(|reason| reason.until > now).collect();
        let until = active.iter().map(|reason| reason.until).max();
        let reported = active.into_iter().max_by_key(|reason| (reason.limit.is_none(), reason.until));
        match (reported, until) {
            (Some(reported), Some(until)) => Self::Closed(Blocked { until, ..reported }),
            _ => Self::Open,
        }
    }
}
