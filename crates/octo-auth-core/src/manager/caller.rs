//! A caller that asks for a token: how long it waits, and what it is told when it cannot wait.

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
    /// Not at all, because it would stall an async runtime; jobs are run for it on other threads.
    NotHere,
    /// Not at all, because there is no async runtime: nothing can be run for it either.
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
    /// Tells a caller what to do next: to use a token, to have a job run and ask again, to wait and ask again, or to give up.
    ///
    /// A caller waits for what is in flight, and for a slot of the request budget that opens before its time is over. A
    /// caller without time to wait still asks once, so that a renewal that is due begins.
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
                // Only a limit of requests holds it back.
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
