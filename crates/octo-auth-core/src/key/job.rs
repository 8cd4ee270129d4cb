//! One effect to run, and the report of its outcome.
//!
//! A report consumes its job, so no job can be reported twice, and the types make a report fit its job. The
//! adapter that runs a job keeps its [`Ticket`], to tell the manager if the job is lost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};

use super::cause::RenewalCause;
use super::operation::Origin;
use super::step::{Ending, Step};
use crate::error::ExchangeError;
use crate::exchange::{Answer, Body, Purpose, TransportError};
use crate::spec::{Renewal, TokenSpec};
use crate::store::{Claimed, RecordBytes, RecordName, Saved, StoreError, Stored, Version};
use crate::time::Now;
use crate::token::TokenSet;

/// One effect, to be run now and reported.
#[derive(Debug)]
#[must_use = "a job that is not carried out must be reported as abandoned"]
pub enum Job {
    /// Read the record from the store.
    Load(LoadJob),
    /// Claim the renewal in the store.
    Claim(ClaimJob),
    /// Send the request.
    Send(SendJob),
    /// Write the record to the store.
    Save(SaveJob),
    /// Release the claim in the store.
    Release(ReleaseJob),
}

/// Which step of which flight a job or report belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) spec: Arc<TokenSpec>,
    pub(crate) flight: u64,
    pub(crate) job: u32,
    pub(crate) step: Step,
}

/// Read the record of a spec from the store.
#[derive(Debug)]
pub struct LoadJob {
    pub(crate) ticket: Ticket,
    pub(crate) name: RecordName,
    pub(crate) after: Duration,
}

/// Claim the renewal of a spec in the store.
#[derive(Debug)]
pub struct ClaimJob {
    pub(crate) ticket: Ticket,
    pub(crate) name: RecordName,
    pub(crate) owner: String,
    pub(crate) ttl: Duration,
}

/// Send a request.
pub struct SendJob {
    pub(crate) ticket: Ticket,
    pub(crate) renewal: Box<Renewal>,
    /// The origin of its answer; `None` for a revocation.
    pub(crate) origin: Option<Origin>,
    pub(crate) deadline: Duration,
}

/// Write a record to the store: that of a spec, or the request log of the registration.
///
/// If the provider documents a limit of token requests, or the policy sets one, each request is written to
/// the log before it is sent.
#[derive(Debug)]
pub struct SaveJob {
    pub(crate) ticket: Ticket,
    pub(crate) name: RecordName,
    pub(crate) expected: Option<Version>,
    pub(crate) content: RecordBytes,
}

/// Release the claim of a spec in the store.
#[derive(Debug)]
pub struct ReleaseJob {
    pub(crate) ticket: Ticket,
    pub(crate) name: RecordName,
    pub(crate) owner: String,
}

/// The outcome of a job.
#[derive(Debug)]
#[must_use = "a report changes nothing until the machine has it"]
pub struct Report {
    pub(crate) ticket: Ticket,
    pub(crate) outcome: Outcome,
}

/// The outcome in a report.
#[derive(Debug)]
pub(crate) enum Outcome {
    Loaded(Result<Option<Stored>, StoreError>),
    Claimed(Result<Claimed, StoreError>),
    Answered(Box<Answered>),
    Revoked,
    Saved(Result<Saved, StoreError>),
    Released,
    Lost,
    NotBegun,
}

/// The outcome of an exchange.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) result: Result<Answer<TokenSet>, ExchangeError>,
    pub(crate) sent: Now,
    /// The origin of the answer; `None` for a revocation.
    pub(crate) origin: Option<Origin>,
}

impl Job {
    /// Returns the ticket: which step of which flight the job is.
    #[must_use]
    pub fn ticket(&self) -> &Ticket {
        match self {
            Self::Load(job) => &job.ticket,
            Self::Claim(job) => &job.ticket,
            Self::Send(job) => &job.ticket,
            Self::Save(job) => &job.ticket,
            Self::Release(job) => &job.ticket,
        }
    }

    /// Reports a job that was not run, or whose outcome is unknown.
    pub fn abandon(self) -> Report {
        self.ticket().clone().lost()
    }

    /// Reports a job of which certainly no part was run.
    pub fn not_begun(self) -> Report {
        self.ticket().clone().report(Outcome::NotBegun)
    }
}

impl Ticket {
    /// Returns the spec of the job.
    #[must_use]
    pub fn spec(&self) -> &Arc<TokenSpec> {
        &self.spec
    }

    /// Returns the report that no outcome of the job will follow, because its carrier ended. If its answer
    /// arrives nevertheless, report that too.
    pub fn lost(self) -> Report {
        self.report(Outcome::Lost)
    }

    /// Returns whether the job belongs to no phase of a flight: a release, or a revocation.
    pub(crate) fn is_beside_the_flights(&self) -> bool {
        self.job == 0
    }

    fn report(self, outcome: Outcome) -> Report {
        Report { ticket: self, outcome }
    }
}

impl LoadJob {
    /// Returns how long to wait before reading; zero unless another process holds the claim.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.after
    }

    /// Returns the name of the record to read.
    #[must_use]
    pub fn name(&self) -> &RecordName {
        &self.name
    }

    /// Returns the spec whose record to read.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        &self.ticket.spec
    }

    /// Reports the result of reading.
    pub fn loaded(self, result: Result<Option<Stored>, StoreError>) -> Report {
        self.ticket.report(Outcome::Loaded(result))
    }
}

impl ClaimJob {
    /// Returns the name of the record to claim.
    #[must_use]
    pub fn name(&self) -> &RecordName {
        &self.name
    }

    /// Returns the spec whose renewal to claim.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        &self.ticket.spec
    }

    /// Returns the owner of the claim.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns how long the claim lasts unless it is released.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Reports the result of claiming.
    pub fn claimed(self, result: Result<Claimed, StoreError>) -> Report {
        self.ticket.report(Outcome::Claimed(result))
    }
}

impl SendJob {
    /// Returns the request. Send it once, unchanged, without following redirects.
    #[must_use]
    pub fn request(&self) -> &Request<Body> {
        match &*self.renewal {
            Renewal::Token(exchange) => exchange.request(),
            Renewal::Admin(exchange) => exchange.request(),
            Renewal::Revocation(exchange) => exchange.request(),
        }
    }

    /// Returns the spec whose token to renew or revoke.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        &self.ticket.spec
    }

    /// Returns the cause of the renewal; `None` for a revocation.
    #[must_use]
    pub fn cause(&self) -> Option<RenewalCause> {
        match self.ticket.step {
            Step::Send { cause, .. } => cause,
            _ => None,
        }
    }

    /// Returns the purpose of the request.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        match &*self.renewal {
            Renewal::Token(exchange) => exchange.purpose(),
            Renewal::Admin(exchange) => exchange.purpose(),
            Renewal::Revocation(exchange) => exchange.purpose(),
        }
    }

    /// Returns the longest duration of the whole exchange.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Reports the response. `sent` is when sending of the request began: the token's lifetime counts from
    /// there.
    pub fn answered<B: AsRef<[u8]>>(self, response: &Response<B>, sent: Now, received: Now) -> Report {
        let result = match *self.renewal {
            Renewal::Token(exchange) => exchange.read(response, sent, received),
            Renewal::Admin(exchange) => {
                exchange.read(response, sent, received).map(|answer| answer.map(|token| token.0))
            }
            Renewal::Revocation(_) => return self.ticket.report(Outcome::Revoked),
        };
        let answered = Answered { result, sent, origin: self.origin };
        self.ticket.report(Outcome::Answered(Box::new(answered)))
    }

    /// Reports that no response came.
    pub fn failed(self, fault: TransportError, sent: Now) -> Report {
        let error = match *self.renewal {
            Renewal::Token(exchange) => exchange.failed(fault),
            Renewal::Admin(exchange) => exchange.failed(fault),
            Renewal::Revocation(_) => return self.ticket.report(Outcome::Revoked),
        };
        let answered = Answered { result: Err(error), sent, origin: self.origin };
        self.ticket.report(Outcome::Answered(Box::new(answered)))
    }
}

impl SaveJob {
    /// Returns the name of the record to write.
    #[must_use]
    pub fn name(&self) -> &RecordName {
        &self.name
    }

    /// Returns the spec whose flight writes the record.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        &self.ticket.spec
    }

    /// Returns whether the record is the request log of the registration.
    #[must_use]
    pub fn is_request_log(&self) -> bool {
        self.ticket.step == Step::Count
    }

    /// Returns the version that the store must hold for the write to succeed; `None` means that the store
    /// must not hold the record.
    #[must_use]
    pub fn expected(&self) -> Option<Version> {
        self.expected
    }

    /// Returns the content to write.
    #[must_use]
    pub fn content(&self) -> &RecordBytes {
        &self.content
    }

    /// Reports the result of writing.
    pub fn saved(self, result: Result<Saved, StoreError>) -> Report {
        self.ticket.report(Outcome::Saved(result))
    }
}

impl ReleaseJob {
    /// Returns the name of the record whose claim is to be released.
    #[must_use]
    pub fn name(&self) -> &RecordName {
        &self.name
    }

    /// Returns the spec whose claim to release.
    #[must_use]
    pub fn spec(&self) -> &TokenSpec {
        &self.ticket.spec
    }

    /// Returns the owner of the claim.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Reports that releasing was tried.
    pub fn released(self) -> Report {
        self.ticket.report(Outcome::Released)
    }
}

impl fmt::Debug for SendJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendJob").field("ticket", &self.ticket).field("purpose", &self.purpose()).finish()
    }
}

impl Ticket {
    /// Returns the step that the job does.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }
}

impl Report {
    /// Returns the ticket: which step of which flight the report is about.
    #[must_use]
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Returns how the job ended.
    #[must_use]
    pub fn ending(&self) -> Ending<'_> {
        match &self.outcome {
            Outcome::Loaded(Ok(_))
            | Outcome::Claimed(Ok(Claimed::Granted | Claimed::TakenOver { .. }))
            | Outcome::Saved(Ok(Saved::Done(_))) => Ending::Done,
            Outcome::Claimed(Ok(Claimed::Held(_))) | Outcome::Saved(Ok(Saved::Conflict(_))) => {
                Ending::Elsewhere
            }
            Outcome::Loaded(Err(_)) | Outcome::Claimed(Err(_)) | Outcome::Saved(Err(_)) => {
                Ending::StoreFailed
            }
            Outcome::Answered(answered) => {
                answered.result.as_ref().map_or_else(Ending::Failed, |_| Ending::Done)
            }
            Outcome::Revoked | Outcome::Released => Ending::Tried,
            Outcome::Lost => Ending::Lost,
            Outcome::NotBegun => Ending::NotBegun,
        }
    }
}
