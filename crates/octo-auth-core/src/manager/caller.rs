//! A caller that asks for a token: how long it waits, and what it gets if it cannot wait.

use std::time::Duration;

use super::TokenManager;
use crate::failure::{TokenError, TokenErrorKind};
use crate::key::{Decision, Verdict};
use crate::spec::TokenSpec;
use crate::time::Now;

/// One call for a token, from the first question to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    waits: Waits,
    has_asked: bool,
}

/// How long a caller waits for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Until this moment on the boot clock.
    Until(Duration),
    /// Not at all, because waiting would block an async runtime. Jobs run for it on other threads.
    NotHere,
    /// Not at all, because there is no async runtime. No job can run for it either.
    NoRuntime,
}

impl Caller {
    /// Returns a caller that has not asked yet.
    #[must_use]
    pub fn new(waits: Waits) -> Self {
        Self { waits, has_asked: false }
    }
}

impl TokenManager {
    /// Returns what a caller must do next: use a token, have a job run and ask again, wait and ask again, or
    /// give up.
    ///
    /// A caller waits for a flight, and for a slot of the request budget that opens before its waiting time
    /// is over. A caller that cannot wait still asks once, so that a due renewal begins.
    pub fn ask(&mut self, spec: &TokenSpec, caller: &mut Caller, now: Now) -> Decision {
        let has_asked = std::mem::replace(&mut caller.has_asked, true);
        let (may_run, deadline) = match caller.waits {
            Waits::Until(deadline) => (!has_asked || deadline > now.boot, deadline),
            Waits::NotHere => (true, now.boot),
            Waits::NoRuntime => (false, now.boot),
        };
        if may_run {
            let decision = self.decide(spec, now);
            let until = match &decision.verdict {
                Verdict::Wait { until } => Some((*until).min(deadline)),
                // Only a request limit holds it back.
                Verdict::GiveUp(failure) => {
                    let opens = failure.opens_after().map(|after| now.boot.saturating_add(after));
                    opens.filter(|opens| *opens < deadline)
                }
                Verdict::Use(_) | Verdict::UseAndRun(..) | Verdict::Run(_) => None,
            };
            match (until, &decision.verdict) {
                (Some(until), _) if until > now.boot => {
                    return Decision { verdict: Verdict::Wait { until }, ..decision };
                }
                (_, Verdict::Wait { .. }) => {}
                _ => return decision,
            }
        }
        let decision = self.decide_at_deadline(spec, now);
        match &decision.verdict {
            Verdict::GiveUp(failure) if failure.kind() == TokenErrorKind::StillWaiting => {
                let failure = match caller.waits {
                    Waits::Until(_) => return decision,
                    Waits::NotHere => TokenError::would_block_runtime(spec),
                    Waits::NoRuntime => TokenError::no_runtime(spec),
                };
                Decision { verdict: Verdict::GiveUp(failure), ..decision }
            }
            _ => decision,
        }
    }
}
