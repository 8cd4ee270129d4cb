//! A flight of a spec: a sequence of phases, each of which holds exactly the data that its end needs.
//!
//! ```text
//! Claiming -> Reloading -> WritingAhead -> Counting -> Sending -> Saving
//! ```
//!
//! A renewal by refresh token with a store of several processes can have all phases. Other renewals skip some:
//!
//! - `Claiming` needs a store of several processes and a refresh token.
//! - `Reloading` needs a store of several processes.
//! - `WritingAhead` needs a store and a refresh token.
//! - `Counting` needs a store and a known limit of requests.
//! - `Saving` needs a store.

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

/// The number of conflicts after which a flight gives up. Concurrent writers usually cause fewer.
const MOST_CONFLICTS: u32 = 16;

/// The flight of a spec.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) flight: Flight,
    pub(crate) phase: Phase,
    /// The moment on the boot clock after which no report of the phase is expected.
    pub(crate) deadline: Duration,
    /// The longest duration of the phase.
    pub(crate) may_take: Duration,
    pub(crate) carrier: JobState,
}

/// What is known about the carrier of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobState {
    /// The carrier runs the job at once, and may end without a report.
    Unknown,
    /// The carrier always reports, and has not begun.
    Waiting,
    /// The carrier has begun, and always reports.
    AtWork,
    /// As `AtWork`, and the deadline has passed once already.
    Overdue,
}

/// The data that stays the same in all phases.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) id: u64,
    /// Counts the jobs, so that a report fits exactly one of them.
    pub(crate) jobs: u32,
    /// The cause, if it is a renewal.
    pub(crate) cause: Option<RenewalCause>,
    /// The owner of the claim that the flight may hold.
    pub(crate) claim: Option<String>,
    /// The request counted in the budget, until it is known that it was sent.
    pub(crate) drawn: Option<Drawn>,
    /// The moment under which its request is in the request log.
    pub(crate) counted: Option<Timestamp>,
    /// How often the store held another version than expected.
    conflicts: u32,
    /// The request must be sent before this moment on the boot clock. After it, claim and attempt no longer
    /// protect it.
    pub(crate) send_before: Duration,
    /// The epoch of the client with which its request was built.
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
    /// The attempt is being written to the record, before its refresh token is sent.
    WritingAhead { attempt: Attempt, written: Box<Written> },
    /// The request is being written to the request log, which then contains these moments.
    Counting { attempt: Option<Attempt>, sent: Vec<Timestamp> },
    /// The request is being sent.
    Sending { origin: Origin },
    /// The record is being written.
    Saving { written: Box<Written> },
}

/// Why a record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoadReason {
    /// The record is unknown, or another process may have changed it.
    Unknown,
    /// Another process is renewing.
    RenewedElsewhere,
}

impl InFlight {
    /// Returns whether a ticket belongs to the present job.
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

    /// Counts a write that found another version than expected.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if that has happened too often to be explained by other processes.
    pub(crate) fn met_conflict(&mut self) -> Result<(), StoreError> {
        self.conflicts += 1;
        if self.conflicts < MOST_CONFLICTS {
            return Ok(());
        }
        Err(StoreError::new("the store reports a conflict at each write"))
    }

    /// Returns whether a resource server's refusal caused the flight.
    pub(crate) fn is_forced(&self) -> bool {
        self.cause == Some(RenewalCause::Refused)
    }
}

impl Phase {
    /// Returns the step of the phase.
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
