//! The calls that start jobs. Each returns the guard of its jobs, made in the same step.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use octo_auth_core::{
    Caller, DueJob, Imported, Job, Now, OnboardingError, RefreshAhead, RequestError, Token, TokenError,
    TokenManager, TokenSpec, Verdict,
};

use crate::event::Listener;
use crate::job_guard::JobGuard;
use crate::key_cell::KeyCell;
use crate::saver::Saver;
use crate::shared::{Shared, State, left};

/// The next action of a caller.
#[derive(Debug)]
#[must_use = "the caller has to do as it is told"]
pub enum CallerAction {
    /// Use this token.
    Token(Token),
    /// No token is available now.
    TokenError(TokenError),
    /// Run these jobs. If there is a token, use it; otherwise ask again.
    Run(Option<Token>, JobGuard),
    /// Wait for the listener, at most for this duration, and ask again.
    Wait(Listener, Duration),
}

/// The next action of a background task or thread that refreshes tokens ahead or retries saves.
#[derive(Debug)]
#[must_use = "the jobs have to be run"]
pub enum Due {
    /// Run these jobs and ask again.
    Run(JobGuard),
    /// Wait for the listener, at most for this duration, and ask again.
    Wait(Listener, Duration),
    /// Stop: no renewal begins any more, or everything is saved.
    Over,
}

impl Shared {
    /// Returns the next action of a caller.
    pub fn ask(self: &Arc<Self>, cell: &KeyCell, caller: &mut Caller) -> CallerAction {
        let (mut state, now) = self.enter();
        let (decision, wakers) = self.apply(&mut state, now, |machine| machine.ask(cell.spec(), caller, now));
        let told = match decision.verdict {
            Verdict::Use(token) => CallerAction::Token(token),
            Verdict::UseAndRun(token, job) => CallerAction::Run(Some(token), self.guard(&mut state, job)),
            Verdict::Run(job) => CallerAction::Run(None, self.guard(&mut state, job)),
            Verdict::Wait { until } => CallerAction::Wait(state.listen(cell), left(until, now)),
            Verdict::GiveUp(failure) => CallerAction::TokenError(failure),
        };
        self.leave(state, wakers);
        told
    }

    /// Imports tokens into a spec. Returns the jobs that store them.
    ///
    /// # Errors
    ///
    /// As [`TokenManager::import`].
    pub fn import(
        self: &Arc<Self>,
        spec: &TokenSpec,
        imported: Imported,
    ) -> Result<Option<JobGuard>, RequestError> {
        self.begin(|machine, now| machine.import(spec, imported, now))
    }

    /// Imports the tokens of an exchange. Returns the jobs that store them.
    ///
    /// # Errors
    ///
    /// As [`TokenManager::import_if_vacant`].
    pub fn import_if_vacant(
        self: &Arc<Self>,
        spec: &TokenSpec,
        brought: Imported,
        replaces: bool,
    ) -> Result<Option<JobGuard>, OnboardingError> {
        self.begin(|machine, now| machine.import_if_vacant(spec, brought, replaces, now))
    }

    /// Signs an account out. Returns the jobs that store the sign-out and revoke its tokens.
    pub fn sign_out(self: &Arc<Self>, spec: &TokenSpec) -> Option<JobGuard> {
        let Ok(guard) = self.begin(|machine, now| Ok::<_, Infallible>(machine.sign_out(spec, now)));
        guard
    }

    /// Returns the next renewal to refresh ahead.
    pub fn poll_due(self: &Arc<Self>, which: RefreshAhead) -> Due {
        let (mut state, now) = self.enter();
        if state.is_shut_down {
            return Due::Over;
        }
        let (DueJob { job, again }, wakers) =
            self.apply(&mut state, now, |machine| machine.poll_due(which, now));
        let due = match job {
            Some(job) => Due::Run(self.guard(&mut state, job)),
            None => Due::Wait(self.watched.listen(), left(again, now)),
        };
        self.leave(state, wakers);
        due
    }

    /// Returns the jobs that save all unsaved records, except those that are being saved.
    pub fn save_all(self: &Arc<Self>) -> Vec<JobGuard> {
        let (mut guards, mut last) = (Vec::new(), None);
        loop {
            // A few in each step, so that callers do not wait for all of them.
            let (mut state, now) = self.enter();
            let ((jobs, next), wakers) =
                self.apply(&mut state, now, |machine| machine.save_some(last.as_deref(), now));
            guards.extend(jobs.into_iter().map(|job| self.guard(&mut state, job)));
            self.leave(state, wakers);
            if next.is_none() {
                return guards;
            }
            last = next;
        }
    }

    /// Makes one call on the core that may start a job.
    fn begin<E>(
        self: &Arc<Self>,
        call: impl FnOnce(&mut TokenManager, Now) -> Result<Option<Job>, E>,
    ) -> Result<Option<JobGuard>, E> {
        let (mut state, now) = self.enter();
        let (job, wakers) = self.apply(&mut state, now, |machine| call(machine, now));
        let guard = job.map(|job| job.map(|job| self.guard(&mut state, job)));
        self.leave(state, wakers);
        guard
    }

    pub(crate) fn guard(self: &Arc<Self>, state: &mut State, job: Job) -> JobGuard {
        state.machine.hand_over(job.ticket());
        let spec = job.ticket().spec().clone();
        JobGuard::new(self.run(state, Some(spec)), job)
    }
}

impl Saver {
    /// Returns the next record to save, also after a shutdown. Returns [`Due::Over`] when everything is saved. If
    /// something is unsaved later, another saver is started.
    pub fn poll(&self, shared: &Arc<Shared>) -> Due {
        let (mut state, now) = shared.enter();
        let (saving, wakers) = shared.apply(&mut state, now, |machine| machine.save_next(now));
        let due = match saving {
            Some(DueJob { job: Some(job), .. }) => Due::Run(shared.guard(&mut state, job)),
            Some(DueJob { job: None, again }) => Due::Wait(shared.listen(), left(again, now)),
            None => {
                // In the same step, so that no unsaved record is left without a saver.
                state.saver = Weak::new();
                Due::Over
            }
        };
        shared.leave(state, wakers);
        due
    }
}
