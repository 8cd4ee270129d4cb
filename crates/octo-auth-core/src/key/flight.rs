//! What is in flight for a key: one phase after the other, each of which owns exactly what its end needs.
//!
//! ```text
//! Claiming -> Reloading -> WritingAhead -> Counting -> Sending -> Saving
//! ```
//!
//! Reloading only where several processes use the store, claiming there and for a refresh token; writing ahead only for a refresh token; counting
//! only where a limit of requests is known; a private store begins with writing ahead, and none with sending.

use std::time::Duration;

use super::cause::RenewalCause;
use super::job::Ticket;
use super::operation::Origin;
use super::record::Attempt;
use super::replica::Written;
use super::step::Step;
use crate::exchange::Purpose;
use crate::registration::Drawn;
use crate::spec::{Grant, TokenSpec};
use crate::store::StoreError;
use crate::time::Timestamp;

/// The number of conflicts after which a flight gives up: more than processes that write at once can cause, as a rule.
const MOST_CONFLICTS: u32 = 16;

/// What is in flight for a key.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) flight: Flight,
    pub(crate) phase: Phase,
    /// The moment on the boot clock after which no report of the phase is expected.
    pub(crate) deadline: Duration,
    /// How long the phase may take.
    pub(crate) may_take: Duration,
    pub(crate) carrier: JobState,
}

/// What is known of the carrier of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobState {
    /// It carries the job out at once, and may be gone without a word.
    Unknown,
    /// It reports whatever happens, and has not begun.
    Waiting,
    /// It has begun, and reports whatever happens.
    AtWork,
    /// The same, and the deadline has passed once already.
    Overdue,
}

/// What stays the same from the first phase to the last.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) id: u64,
    /// Counts the jobs, so that a report fits exactly one of them.
    pub(crate) jobs: u32,
    /// What caused it, if it is a renewal.
    pub(crate) cause: Option<RenewalCause>,
    /// The owner of the claim that it may hold.
    pub(crate) claim: Option<String>,
    /// What it drew from the request budget, until it is known that its request was sent.
    pub(crate) drawn: Option<Drawn>,
    /// As which moment its request stands in the request log.
    pub(crate) counted: Option<Timestamp>,
    /// How often another version was stored than the one to be replaced.
    conflicts: u32,
    /// Its request must be sent before this moment on the boot clock: claim and marker are worth no more then.
    pub(crate) send_before: Duration,
    /// Which client its request was built with.
    pub(crate) client_epoch: u32,
}

/// The phase of a flight.
#[derive(Debug)]
pub(crate) enum Phase {
    /// The record is being read.
    Loading(LoadReason),
    /// The renewal is being claimed.
    Claiming,
    /// The record is being read again under the claim: another process may have renewed.
    Reloading,
    /// The attempt is being written to the record before its refresh token is sent.
    WritingAhead { attempt: Attempt, written: Box<Written> },
    /// The request is being written to the request log, which holds these moments then.
    Counting { attempt: Option<Attempt>, sent: Vec<Timestamp> },
    /// The request is under way.
    Sending { origin: Origin },
    /// The record is being written.
    Saving { written: Box<Written> },
}

/// Why a record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoadReason {
    /// It is not known, or another process may have changed it.
    Unknown,
    /// Another process renews.
    RenewedElsewhere,
}

impl InFlight {
    /// Returns whether a ticket is that of the present job.
    pub(crate) fn fits(&self, ticket: &Ticket) -> bool {
        self.flight.id == ticket.flight && self.flight.jobs == ticket.job
    }

    /// Returns whether a refresh token is being sent.
    pub(crate) fn is_refresh(&self) -> bool {
        matches!(self.phase, Phase::Sending { origin: Origin::Refresh { .. } })
    }
}

impl Flight {
    pub(crate) fn new(id: u64, cause: Option<RenewalCause>, client_epoch: u32) -> Self {
        Self {
            id,
            jobs: 0,
            cause,
            claim: None,
            drawn: None,
            counted: None,
            conflicts: 0,
            send_before: Duration::MAX,
            client_epoch,
        }
    }

    /// Counts a write that met another version than expected.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if that has happened too often for other processes to be the cause.
    pub(crate) fn met_conflict(&mut self) -> Result<(), StoreError> {
        self.conflicts += 1;
        if self.conflicts < MOST_CONFLICTS {
            return Ok(());
        }
        Err(StoreError::new("the store reports a conflict at each write"))
    }

    /// Returns whether the refusal of a resource server caused it.
    pub(crate) fn is_forced(&self) -> bool {
        self.cause == Some(RenewalCause::Refused)
    }
}

impl Phase {
    /// Returns the step that the phase is.
    pub(super) fn step(&self, flight: &Flight, spec: &TokenSpec) -> Step {
        match self {
            Self::Loading(_) | Self::Reloading => Step::Load,
            Self::Claiming => Step::Claim,
            Self::WritingAhead { .. } | Self::Saving { .. } => Step::Save,
            Self::Counting { .. } => Step::Count,
            Self::Sending { .. } => {
                let purpose = match spec.grant() {
                    Grant::ClientCredentials => Purpose::ClientCredentials,
                    Grant::ApiLogin => Purpose::ApiLogin,
                    Grant::RefreshToken => Purpose::Refresh,
                };
                Step::Send { purpose, cause: flight.cause }
            }
        }
    }

    /// Describes the phase.
    pub(crate) fn explain(&self) -> &'static str {
        match self {
            Self::Loading(LoadReason::Unknown) => "reading the store",
            Self::Loading(LoadReason::RenewedElsewhere) => "waiting for another process that renews",
            Self::Claiming => "claiming the renewal in the store",
            Self::Reloading => "reading the store again under the claim",
            Self::WritingAhead { .. } => "writing ahead that the refresh token is used",
            Self::Counting { .. } => "counting the request in the store",
            Self::Sending { .. } => "the request",
            Self::Saving { .. } => "writing the store",
        }
    }
}
