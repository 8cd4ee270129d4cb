//! The one thing that is under way for a key: each leg of a flight owns exactly what its end needs.

use std::sync::Arc;
use std::time::Duration;

use super::issued::Issued;
use super::record::{Attempt, Fingerprint, Lineage};
use super::step::RenewalCause;
use crate::error::ExchangeError;
use crate::time::Timestamp;

/// What is under way for a key.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pub(crate) flight: Flight,
    pub(crate) leg: Leg,
    /// The moment on the boot clock from which nothing is expected of the leg any more.
    pub(crate) deadline: Duration,
}

/// What stays the same from the first leg of a flight to the last.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) id: u64,
    /// Counts the jobs handed out, so that a report fits one of them alone.
    pub(crate) legs: u32,
    /// What caused it, if it is a renewal.
    pub(crate) cause: Option<RenewalCause>,
    /// The owner of the claim it holds in the store.
    pub(crate) claim: Option<String>,
    /// When it drew on the budget, until its request is sent: of many keys that are due, those without a slot need
    /// not begin.
    pub(crate) drawn: Option<Duration>,
    /// The client was replaced after its request was sent.
    pub(crate) is_for_earlier_client: bool,
}

/// The leg a flight is at.
#[derive(Debug)]
pub(crate) enum Leg {
    /// The record is being read.
    Reading(Why),
    /// The renewal is being claimed.
    Claiming,
    /// The attempt is being written down in the record of this lineage; what stood there before comes back if it cannot
    /// be.
    Marking { before: Option<Attempt>, lineage: Lineage },
    /// The request is being written down among those of the fleet, which are these then.
    Counting { sent: Vec<Timestamp> },
    /// The request is under way, with this refresh token.
    Sending { refresh_token: Option<Fingerprint> },
    /// The record with the outcome is being written; then this token is put in force.
    Saving(Option<Publication>),
}

/// Why a record is read.
#[derive(Debug)]
pub(crate) enum Why {
    /// Nothing is known of the key yet.
    First,
    /// The renewal is ours; somebody may have been faster.
    UnderClaim,
    /// Somebody else renews.
    WhileHeld,
    /// The server refused this refresh token; somebody may have replaced it.
    AfterRefusal { error: Arc<ExchangeError>, refresh_token: Option<Fingerprint> },
}

/// A token about to be put in force.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) issued: Arc<Issued>,
    /// Whether it takes the place of another token, rather than being the same one again.
    pub(crate) is_new: bool,
}

impl Flight {
    pub(crate) fn new(id: u64, cause: Option<RenewalCause>) -> Self {
        Self { id, legs: 0, cause, claim: None, drawn: None, is_for_earlier_client: false }
    }

    /// Whether a resource server's refusal caused it.
    pub(crate) fn is_forced(&self) -> bool {
        self.cause == Some(RenewalCause::Refused)
    }
}

impl Leg {
    /// What is being done.
    pub(crate) fn explain(&self) -> &'static str {
        match self {
            Self::Reading(Why::First) => "reading the store",
            Self::Reading(Why::UnderClaim) => "reading the store again under the claim",
            Self::Reading(Why::WhileHeld) => "waiting for another process that renews",
            Self::Reading(Why::AfterRefusal { .. }) => {
                "reading the store after the refresh token was refused"
            }
            Self::Claiming => "claiming the renewal in the store",
            Self::Marking { .. } => "noting the renewal in the store",
            Self::Counting { .. } => "counting the request in the store",
            Self::Sending { .. } => "the request",
            Self::Saving(_) => "writing the store",
        }
    }
}
