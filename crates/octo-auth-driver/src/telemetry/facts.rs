//! The reported facts: a change with the state of its spec, and the end of a job or an exchange.

use std::borrow::Cow;
use std::time::Duration;

use octo_auth_core::{Change, Ending, Report, State, Ticket};

/// A change, and the state of its spec at that time.
#[derive(Debug, Clone)]
pub struct News {
    /// The change.
    pub change: Change,
    pub(super) state: State,
    /// How long the current token can still be used; zero if there is none.
    pub(super) left: Option<Duration>,
}

/// The reported facts of a job's report.
#[derive(Debug)]
pub struct Reported {
    pub(super) ticket: Ticket,
    pub(super) end: End,
}

/// The end of a job or an exchange, in words.
#[derive(Debug)]
pub(super) struct End {
    pub(super) outcome: &'static str,
    pub(super) trouble: Option<Trouble>,
}

/// The reported facts of a failed exchange.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) code: Cow<'static, str>,
    pub(super) remedy: &'static str,
    pub(super) status: Option<u16>,
}

impl News {
    /// Builds the fact of a change. `state` is the state of its spec, `left` is how long its token can still be
    /// used.
    #[must_use]
    pub fn new(change: Change, state: State, left: Option<Duration>) -> Self {
        Self { change, state, left }
    }
}

impl Reported {
    /// Returns the reported facts of a report.
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
