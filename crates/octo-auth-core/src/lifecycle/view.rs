//! The facts a decision rests on, gathered once: each orthogonal, each an argument of the table.

use std::time::Duration;

use super::decision::Row;
use super::failure::{Cause, FailureKind};
use super::setback::Setback;
use super::validity::Freshness;
use crate::error::Remedy;

/// The facts a decision rests on.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) signed_out: bool,
    pub(crate) shutting_down: bool,
    pub(crate) knowledge: Knowledge,
    pub(crate) is_client_grant: bool,
    pub(crate) in_flight: bool,
    pub(crate) freshness: Freshness,
    pub(crate) is_refused: bool,
    pub(crate) is_renewable: bool,
    pub(crate) forcing_is_open: bool,
    pub(crate) saving_is_due: bool,
    pub(crate) gate: Gate,
}

/// What is known of what the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// Nothing yet.
    Unread,
    /// It could not be read; it is tried again at this moment on the boot clock.
    Unreadable { until: Duration },
    /// It was read, or there is no store.
    Read,
}

/// Whether a renewal may begin.
#[derive(Debug, Clone)]
pub(crate) enum Gate {
    Open,
    /// Not before a moment on the boot clock, which is after now.
    Closed(Bar),
    /// Never: the refresh token is dead.
    Final(FailureKind),
}

/// Why and until when a gate is closed.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    pub(crate) until: Duration,
    pub(crate) kind: FailureKind,
    pub(crate) cause: Option<Cause>,
    pub(crate) remedy: Remedy,
}

impl Bar {
    pub(crate) fn new(until: Duration, kind: FailureKind, cause: Option<Cause>) -> Self {
        Self { until, kind, cause, remedy: Remedy::TryLater { after: until } }
    }
}

impl From<&Setback> for Bar {
    fn from(setback: &Setback) -> Self {
        let Setback { until, cause, remedy } = setback.clone();
        Self { until, kind: cause.kind(), cause: Some(cause), remedy }
    }
}

impl View {
    fn can_renew(&self) -> bool {
        matches!(self.gate, Gate::Open) && self.is_renewable && !self.shutting_down
    }

    /// The row of the decision table that applies. Total: each combination of facts has exactly one.
    pub(crate) fn row(&self) -> Row {
        match (self.knowledge, self.is_client_grant) {
            (Knowledge::Unread, _) if self.in_flight => return Row::Reading,
            (Knowledge::Unread, _) if self.shutting_down => return Row::ShuttingDown,
            (Knowledge::Unread, _) => return Row::Unread,
            (Knowledge::Unreadable { .. }, false) => return Row::Unreadable,
            (Knowledge::Unreadable { .. }, true) | (Knowledge::Read, _) => {}
        }
        if self.signed_out {
            return if self.saving_is_due && !self.in_flight { Row::Unsaved } else { Row::SignedOut };
        }
        match (self.freshness, self.is_refused) {
            (Freshness::Expired, _) => self.expired_row(),
            (Freshness::Fresh | Freshness::Stale, true) => self.refused_row(),
            (Freshness::Fresh | Freshness::Stale, false) if self.saving_is_due && !self.in_flight => {
                Row::Unsaved
            }
            (Freshness::Fresh, false) => Row::Fresh,
            (Freshness::Stale, false) if self.in_flight => Row::StaleInFlight,
            (Freshness::Stale, false) if self.can_renew() => Row::Renewing,
            (Freshness::Stale, false) => Row::StaleClosed,
        }
    }

    fn expired_row(&self) -> Row {
        match &self.gate {
            _ if self.shutting_down => Row::ShuttingDown,
            _ if self.in_flight => Row::ExpiredInFlight,
            _ if self.can_renew() => Row::Expired,
            // Nothing else to do, so what is known is saved.
            _ if self.saving_is_due => Row::Unsaved,
            Gate::Final(_) => Row::Final,
            _ if !self.is_renewable => Row::NotRenewable,
            Gate::Closed(_) | Gate::Open => Row::Closed,
        }
    }

    fn refused_row(&self) -> Row {
        if self.in_flight {
            Row::RefusedInFlight
        } else if self.can_renew() && self.forcing_is_open {
            Row::RefusedRenewing
        } else if self.saving_is_due {
            Row::Unsaved
        } else {
            Row::RefusedClosed
        }
    }
}
