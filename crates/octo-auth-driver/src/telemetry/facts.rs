//! The facts that are told: a change with how the key stood then, and how a job or an exchange ended.

use std::borrow::Cow;
use std::time::Duration;

use octo_auth_core::{Change, Ending, Report, State, Ticket};

/// A change, and how the key stood then.
#[derive(Debug, Clone)]
pub struct News {
    /// The change.
    pub change: Change,
    pub(super) state: State,
    /// How long the token in force is served still; zero if there is none.
    pub(super) left: Option<Duration>,
}

/// What may be told of a job's report once the machine has it.
#[derive(Debug)]
pub struct Reported {
    pub(super) ticket: Ticket,
    pub(super) end: End,
}

/// How something ended, in words.
#[derive(Debug)]
pub(super) struct End {
    pub(super) outcome: &'static str,
    pub(super) trouble: Option<Trouble>,
}

/// What may be told of an exchange that failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) code: Cow<'static, str>,
    pub(super) remedy: &'static str,
    pub(super) status: Option<u16>,
}

impl News {
    /// Returns a change of a key in this state, whose token can be served that long.
    #[must_use]
    pub fn new(change: Change, state: State, left: Option<Duration>) -> Self {
        Self { change, state, left }
    }
}

impl Reported {
    /// What may be told of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self { ticket: report.ticket().clone(), end: End::of(report.ending()) }
    }
}

impl End {
    pub(super) fn of(ending: Ending<'_>) -> Self {
        let trouble = match ending {
            Ending::Failed(error) => Some(Trouble {
                code: error.code(),
                remedy: error.remedy().word(),
                status: error.status().map(|status| status.as_u16()),
            }),
            _ => None,
        };
        Self { outcome: ending.word(), trouble }
    }
}
