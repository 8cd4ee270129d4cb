//! The state machine of one token spec: what a caller must do, and which job begins.
//!
//! ```text
//! state      THE decision table: facts -> state
//! gate       why no renewal can begin now; line: where it waits for what all accounts share
//! decision   the answer to a caller; status: the answer to an observer; explain: the same in plain words
//! flight     what is in flight, phase by phase; renewal: how each phase ends; cause: why it began
//! answer     the effects of a response; import: those of sign-ins, sign-outs, and a replaced client
//! saving     reading and writing the record, and the end of a flight
//! job        one effect for the adapter; step: its stable words; carrying: when it is begun, and overdue
//! replica    base + pending operations -> view; operation: what each does; record: what is stored, codec: how
//! serving    the token that is served; token: what a caller gets
//! sighting   moments that the record names, on the boot clock of this process
//! ```

mod answer;
mod carrying;
mod cause;
mod codec;
mod decision;
mod explain;
mod flight;
mod gate;
mod import;
mod job;
mod line;
mod operation;
mod record;
mod renewal;
mod replica;
mod saving;
mod serving;
mod sighting;
mod state;
mod status;
mod step;
mod token;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use cause::RenewalCause;
pub use decision::{Decision, Verdict};
pub use import::Imported;
pub use job::{ClaimJob, Job, LoadJob, ReleaseJob, Report, SaveJob, SendJob, Ticket};
pub(crate) use line::Line;
pub use record::{FamilyId, Generation};
pub use state::State;
pub use status::{Change, Event, Status};
pub(crate) use status::{Settled, Shown};
pub use step::{Ending, Step};
pub use token::{Published, Token};

use flight::{Flight, InFlight, LoadReason};
use gate::{Blocked, Gate};
use record::Fingerprint;
use replica::Replica;
use serving::Serving;
use sighting::Sighting;
use state::{Facts, Knowledge};

use crate::error::Remedy;
use crate::failure::{Cause, TokenError, TokenErrorKind};
use crate::profile::Replay;
use crate::registration::{BudgetRequest, FailureHistory, Limit, SendLog, Share, SharedState};
use crate::secret::Secret;
use crate::spec::TokenSpec;
use crate::store::{Identity, RecordName, Storage};
use crate::time::Now;
use crate::validity::Freshness;

/// How long a caller that cannot wait for a flight, or for a free slot, should wait before asking again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The shortest time between two readings of a shared store before a caller is told to sign in.
const BEFORE_SIGN_IN: Duration = Duration::from_secs(1);

/// The state of one token spec.
#[derive(Debug)]
pub(crate) struct KeyState {
    spec: Arc<TokenSpec>,
    replica: Replica,
    knowledge: Knowledge,
    /// When the store was last read, on the boot clock, and whether that failed.
    read_at: Option<Duration>,
    reading_failed: bool,
    /// Whether the store notified that another process has changed the record since the last reading began.
    is_notified: bool,
    /// When to write to the store next, on the boot clock.
    save_at: Duration,
    sighting: Sighting,
    serving: Serving,
    in_flight: Option<Box<InFlight>>,
    /// The name of its record, cached while a flight may need it.
    name: OnceLock<RecordName>,
    failures: FailureHistory,
    store_failures: FailureHistory,
    /// Why the refresh token is in doubt or dead: the failure that left a refresh without an outcome, or the
    /// server's refusal.
    why_unusable: Option<Box<Cause>>,
    /// A dead refresh token that may be tried again, because the client was replaced.
    forgiven: Option<Box<Fingerprint>>,
    revocations: Vec<Secret>,
    sent: SendLog,
    /// Counts failures, so that a new one is distinguished from the last one.
    failure_count: u32,
    /// The number of the last renewal's flight. Flight numbers grow, so the spec with the smaller number was
    /// tried longer ago.
    tried: u64,
    /// The epoch of the client at the last look at this spec.
    client_epoch: u32,
}

impl KeyState {
    pub(crate) fn new(spec: Arc<TokenSpec>, shared: &SharedState) -> Self {
        let knowledge = if shared.storage == Storage::None { Knowledge::Read } else { Knowledge::Unread };
        Self {
            spec,
            replica: Replica::new(),
            knowledge,
            read_at: None,
            reading_failed: false,
            is_notified: false,
            save_at: Duration::ZERO,
            sighting: Sighting::default(),
            serving: Serving::default(),
            in_flight: None,
            name: OnceLock::new(),
            failures: FailureHistory::default(),
            store_failures: FailureHistory::default(),
            why_unusable: None,
            forgiven: None,
            revocations: Vec::new(),
            sent: SendLog::default(),
            failure_count: 0,
            tried: 0,
            client_epoch: shared.client_epoch,
        }
    }

    pub(crate) fn spec(&self) -> &Arc<TokenSpec> {
        &self.spec
    }

    /// Returns what a caller must do, or the timer that refreshes ahead.
    pub(crate) fn decide(&mut self, is_ahead: bool, shared: &mut SharedState, now: Now) -> Decision {
        shared.note_look(now);
        self.end_overdue_flight(shared, now);
        let mut facts = self.facts(shared, None, now);
        let mut state = facts.state();
        let job = self.begin(state, is_ahead, shared, now);
        if job.is_none() && state.begins_a_job() {
            // Beginning the job failed and closed the gate, so no state begins a job now.
            facts = self.facts(shared, None, now);
            state = facts.state();
        }
        self.conclude(state, &facts, shared, job, now)
    }

    /// Returns what a caller must do whose waiting time is over: it never runs a job or waits.
    pub(crate) fn decide_at_deadline(&mut self, shared: &mut SharedState, now: Now) -> Decision {
        self.end_overdue_flight(shared, now);
        let facts = self.facts(shared, None, now);
        let decision = self.conclude(facts.state(), &facts, shared, None, now);
        let verdict = match decision.verdict {
            Verdict::Wait { .. } => self.token_or(now, || self.failure(decision.state, &facts, now)),
            other => other,
        };
        Decision { verdict, ..decision }
    }

    fn begin(&mut self, state: State, is_ahead: bool, shared: &mut SharedState, now: Now) -> Option<Job> {
        match state {
            State::Unread | State::Rereading => {
                let flight = self.new_flight(None, shared);
                Some(self.load(flight, LoadReason::Unknown, Duration::ZERO, shared, now))
            }
            State::Unsaved => {
                let flight = self.new_flight(None, shared);
                self.save(flight, shared, now)
            }
            State::StaleRenewing | State::ExpiredRenewing | State::RefusedRenewing => {
                let cause = RenewalCause::of(state, self.serving.current().is_some(), is_ahead);
                self.renew(cause, shared, now)
            }
            State::SignedOut
            | State::Reading
            | State::Unreadable
            | State::ShuttingDown
            | State::Fresh
            | State::StaleInFlight
            | State::StaleBlocked
            | State::ExpiredInFlight
            | State::ExpiredBlocked
            | State::RefreshTokenDead
            | State::NotSignedIn
            | State::RefusedBlocked
            | State::RefusedInFlight
            | State::NoKey => None,
        }
    }

    fn conclude(
        &self,
        state: State,
        facts: &Facts,
        shared: &SharedState,
        job: Option<Job>,
        now: Now,
    ) -> Decision {
        let until = self.in_flight.as_ref().map(|own| own.deadline).or_else(|| facts.gate.lacks_room());
        let until = until.unwrap_or(now.boot);
        let failure = || self.failure(state, facts, now);
        let verdict = match (state, job) {
            (State::RefusedRenewing | State::ExpiredRenewing | State::Unread, Some(job)) => Verdict::Run(job),
            (_, Some(job)) => match self.serving.token(now) {
                Some(token) if !facts.is_refused => Verdict::UseAndRun(token, job),
                _ => Verdict::Run(job),
            },
            (State::Reading | State::ExpiredInFlight | State::RefusedInFlight, None) => {
                Verdict::Wait { until }
            }
            (State::ExpiredBlocked | State::RefusedBlocked, None) if facts.gate.lacks_room().is_some() => {
                Verdict::Wait { until }
            }
            (
                State::Fresh
                | State::Rereading
                | State::Unsaved
                | State::StaleRenewing
                | State::StaleInFlight
                | State::StaleBlocked
                | State::RefusedRenewing
                | State::RefusedBlocked,
                None,
            ) => self.token_or(now, failure),
            (_, None) => Verdict::GiveUp(failure()),
        };
        Decision { verdict, state, next_change: self.next_change(facts, shared, now) }
    }

    fn token_or(&self, now: Now, failure: impl FnOnce() -> TokenError) -> Verdict {
        self.serving.token(now).map_or_else(|| Verdict::GiveUp(failure()), Verdict::Use)
    }

    /// Returns the error for a caller, in a state without a token for it.
    fn failure(&self, state: State, facts: &Facts, now: Now) -> TokenError {
        let later = |until: Duration| Remedy::TryLater { after: until.saturating_sub(now.boot) };
        let (kind, cause, remedy) = match (state, &facts.gate) {
            _ if facts.is_signed_out => (TokenErrorKind::SignedOut, None, Remedy::SignInAgain),
            (State::ShuttingDown, _) => (TokenErrorKind::ShuttingDown, None, later(now.boot)),
            (State::Unreadable, _) => {
                let until = match facts.knowledge {
                    Knowledge::Unreadable { until } => until,
                    Knowledge::Unread | Knowledge::Read => now.boot,
                };
                let last = self.store_failures.last();
                let remedy = last.map_or(later(until), |last| last.remedy);
                let cause = last.map(|last| last.cause.clone());
                let after = until.saturating_sub(now.boot);
                let kind = cause.as_ref().map_or(TokenErrorKind::StoreUnavailable, Cause::kind);
                return TokenError::closed(&self.spec, kind, cause, remedy, after, None);
            }
            (State::NotSignedIn, _) => {
                let is_first = self.replica.view().family == FamilyId::default();
                let cause = is_first.then_some(Cause::NeverSignedIn);
                (TokenErrorKind::NotSignedIn, cause, Remedy::SignInAgain)
            }
            (_, Gate::Dead(kind)) => (*kind, self.why_unusable.as_deref().cloned(), Remedy::SignInAgain),
            (_, Gate::Closed(Blocked { until, kind, cause, remedy, limit })) if !facts.in_flight => {
                let after = until.saturating_sub(now.boot);
                return TokenError::closed(&self.spec, *kind, cause.clone(), *remedy, after, *limit);
            }
            // The flight usually ends long before its deadline, and its end is an event. Asking again costs
            // no request.
            (_, Gate::Open | Gate::Closed(_)) => {
                let until = self.in_flight.as_ref().map_or(now.boot, |own| own.deadline);
                (TokenErrorKind::StillWaiting, None, later(until.min(now.boot.saturating_add(LOOK_AGAIN))))
            }
        };
        TokenError::new(&self.spec, kind, cause, remedy)
    }

    /// Returns the name and the owner under which the record is stored.
    fn identity(&self, shared: &SharedState) -> Identity {
        shared.identity(self.name(shared))
    }

    /// Collects the facts for a decision. A flight that asks about itself has already been counted in the
    /// budget.
    fn facts(&self, shared: &SharedState, own_flight: Option<u64>, now: Now) -> Facts {
        let knowledge = match self.knowledge {
            Knowledge::Unread | Knowledge::Unreadable { .. } if self.replica.is_decided() => Knowledge::Read,
            other => other,
        };
        let view = self.replica.view();
        let gate = self.gate(shared, own_flight, now);
        let is_renewable = self.spec.is_client_grant() || view.refresh_token.is_some();
        let (freshness, is_refused) = (self.serving.freshness(now), self.serving.is_refused());
        let is_dead_end = !view.signed_out && (!is_renewable || matches!(gate, Gate::Dead(_)));
        let needs_a_sign_in = is_dead_end && (freshness == Freshness::Expired || is_refused);
        let knowledge = match knowledge {
            // Another process may have renewed or signed in since the record was read, so no caller is told to sign in.
            Knowledge::Read if self.reading_failed && needs_a_sign_in && !self.replica.is_decided() => {
                self.unreadable(now)
            }
            other => other,
        }
        .at(now);
        // A client grant continues without the store, which is read while the token is in use.
        let is_read_beside = self.spec.is_client_grant() && freshness != Freshness::Expired;
        let (knowledge, is_unread) = match knowledge {
            Knowledge::Unread if is_read_beside => (Knowledge::Read, true),
            other => (other, false),
        };
        let is_older_than = |age: Duration| {
            let is_known = !self.replica.is_decided();
            let is_old =
                self.is_notified || self.read_at.is_none_or(|read| read.saturating_add(age) <= now.boot);
            shared.storage == Storage::MultiProcess && is_known && is_old
        };
        Facts {
            is_signed_out: view.signed_out,
            is_shutting_down: shared.is_shutting_down,
            knowledge,
            is_outdated: is_unread || is_older_than(shared.policy.reread_interval()),
            may_know_better: is_older_than(BEFORE_SIGN_IN),
            is_client_grant: self.spec.is_client_grant(),
            in_flight: self.in_flight.is_some(),
            freshness,
            is_refused,
            is_renewable,
            saving_is_due: self.is_unsaved(shared) && self.save_at <= now.boot,
            gate,
        }
    }

    /// Returns that the record cannot be read before the pause after the last failure of the store is over.
    fn unreadable(&self, now: Now) -> Knowledge {
        Knowledge::Unreadable { until: self.store_failures.last().map_or(now.boot, |last| last.until) }
    }

    /// Returns whether a renewal may begin.
    fn gate(&self, shared: &SharedState, own_flight: Option<u64>, now: Now) -> Gate {
        let view = self.replica.view();
        let store = self.store_failures.blocked(now.boot).filter(|_| !self.spec.is_client_grant());
        if view.is_dead && self.forgiven.as_deref().copied() != view.fingerprint() {
            let is_verdict_known = self.replica.base().is_dead || shared.storage != Storage::MultiProcess;
            if is_verdict_known {
                let in_doubt = view.in_doubt;
                return Gate::Dead(if in_doubt {
                    TokenErrorKind::RefreshOutcomeUnknown
                } else {
                    TokenErrorKind::RefreshTokenRejected
                });
            }
            // Another process may have renewed since. Writing the verdict to the store shows whether it has.
            let until = self.save_at.max(now.boot.saturating_add(Duration::from_millis(1)));
            let unsaved =
                Blocked::new(until, TokenErrorKind::BackingOff, self.why_unusable.as_deref().cloned());
            return Gate::of([Some(unsaved), store.map(Blocked::from)].into_iter().flatten(), now.boot);
        }
        let doubt = match self.doubt(shared, now) {
            Some(Gate::Dead(kind)) => return Gate::Dead(kind),
            Some(Gate::Closed(blocked)) => Some(blocked),
            Some(Gate::Open) | None => None,
        };
        let pause = self.sighting.pause_until();
        let has_slot = own_flight.is_some() || shared.has_slot(self.spec.is_client_grant());
        let slot = Limit::InFlight(shared.policy.concurrency());
        let slot = Blocked::by(slot, now.boot.saturating_add(LOOK_AGAIN));
        let forced = self.serving.forced_until(now).filter(|_| own_flight.is_none());
        let reasons = [
            Some(slot).filter(|_| !has_slot),
            forced.map(|until| Blocked::by(Limit::Forced, until)),
            own_flight.is_none().then(|| self.spent(shared, now)),
            Some(Blocked::new(pause, TokenErrorKind::BackingOff, Some(Cause::AskedToWait))),
            self.failures.blocked(now.boot).map(Blocked::from),
            shared.health.blocked(own_flight, now.boot).as_ref().map(Blocked::from),
            shared.health.yields(self.tried).as_ref().map(Blocked::from),
            store.map(Blocked::from),
            doubt,
        ];
        Gate::of(reasons.into_iter().flatten(), now.boot)
    }

    /// Returns until when a request limit blocks the next request. If an attempt has failed since the last
    /// success, that failure is reported rather than the limit: without it no further request would be
    /// needed.
    fn spent(&self, shared: &SharedState, now: Now) -> Blocked {
        let (until, limit) = shared.budget.blocked(&self.sent, self.budget_request(now));
        let failure = self.failures.failure().or_else(|| shared.health.failure());
        let blocked = failure.map_or_else(|| Blocked::by(limit, until), Blocked::from);
        Blocked { until, limit: Some(limit), ..blocked }
    }

    /// Returns what an earlier refresh with an unknown outcome means for the next one, if there is one.
    ///
    /// The refresh is repeated only if that loses nothing: the token has expired or was refused, and the
    /// earlier exchange is over. If the exchange belongs to another process, the renewal itself waits for it.
    fn doubt(&self, shared: &SharedState, now: Now) -> Option<Gate> {
        let view = self.replica.view();
        let replay = shared.replay();
        let is_in_doubt = self.in_flight.is_none() && (view.in_doubt || view.attempt.is_some());
        if !is_in_doubt || view.refresh_token.is_none() || replay == Some(Replay::Always) {
            return None;
        }
        let is_elsewhere = self.is_renewed_elsewhere(shared, now);
        let over = match view.attempt.is_some() && !is_elsewhere {
            true => self.sighting.attempt_until(),
            false => Duration::ZERO,
        };
        let has_token = self.serving.freshness(now) != Freshness::Expired && !self.serving.is_refused();
        if replay == Some(Replay::Never) && !is_elsewhere && !has_token && over <= now.boot {
            return Some(Gate::Dead(TokenErrorKind::RefreshOutcomeUnknown));
        }
        let end = self.serving.current().and_then(|issued| issued.validity.end_on_boot(now));
        let end = if has_token { end.unwrap_or(Duration::MAX) } else { Duration::ZERO };
        let cause = self.why_unusable.as_deref().cloned().unwrap_or(Cause::Lost);
        let blocked = Blocked::new(end.max(over), TokenErrorKind::BackingOff, Some(cause));
        Some(Gate::of([blocked], now.boot))
    }

    /// Returns whether the open attempt belongs to another process, or to an earlier start of this one.
    fn is_attempt_elsewhere(&self, shared: &SharedState) -> bool {
        let attempt =
            self.replica.view().attempt.as_deref().filter(|_| shared.storage == Storage::MultiProcess);
        attempt.is_some_and(|attempt| attempt.id.writer != shared.writer)
    }

    /// Returns whether another process may be renewing: its attempt is open and not over. If the provider
    /// accepts a refresh token twice, a second attempt does no harm, so this process does not wait.
    fn is_renewed_elsewhere(&self, shared: &SharedState, now: Now) -> bool {
        let is_awaited = self.is_attempt_elsewhere(shared) && shared.replay() != Some(Replay::Always);
        is_awaited && self.sighting.attempt_until() > now.boot
    }

    /// Returns the next moment on the boot clock at which the decision can change by time alone.
    fn next_change(&self, facts: &Facts, shared: &SharedState, now: Now) -> Option<Duration> {
        let gate = match &facts.gate {
            Gate::Closed(blocked) => Some(blocked.until),
            Gate::Open | Gate::Dead(_) => None,
        };
        self.next_change_but(gate, facts, shared, now)
    }

    /// As `next_change`, if the gate opens at another moment, or never.
    fn next_change_but(
        &self,
        gate: Option<Duration>,
        facts: &Facts,
        shared: &SharedState,
        now: Now,
    ) -> Option<Duration> {
        let knowledge = match facts.knowledge {
            Knowledge::Unreadable { until } => Some(until),
            Knowledge::Unread | Knowledge::Read => None,
        };
        let reread = match facts.state() {
            State::SignedOut | State::RefreshTokenDead | State::NotSignedIn => Some(BEFORE_SIGN_IN),
            _ => Some(shared.policy.reread_interval()),
        };
        let is_shared = shared.storage == Storage::MultiProcess && !self.replica.is_decided();
        let reread =
            reread.zip(self.read_at).filter(|_| is_shared).map(|(age, read)| read.saturating_add(age));
        let doubt = self.replica.view().attempt.as_ref().map(|_| self.sighting.attempt_until());
        let validity = self.serving.current().and_then(|issued| issued.validity.next_change(now));
        let flight = self.in_flight.as_ref().map(|own| own.deadline);
        let save = self.is_unsaved(shared).then_some(self.save_at);
        let all = [gate, knowledge, reread, doubt, validity, flight, save];
        let next = all.into_iter().flatten().filter(|moment| *moment > now.boot).min();
        // The last moment of the clock means never.
        next.filter(|moment| *moment != Duration::MAX)
    }

    /// Returns whether there is a store that may lack changes of this process.
    pub(crate) fn is_unsaved(&self, shared: &SharedState) -> bool {
        shared.storage != Storage::None && self.replica.is_unsaved()
    }

    fn budget_request(&self, now: Now) -> BudgetRequest {
        let share = if self.failures.any() { Share::Failing } else { Share::Whole };
        let leaves_last = self.serving.freshness(now) != Freshness::Expired;
        let lifetime = self.serving.current().and_then(|issued| issued.validity.lifetime());
        BudgetRequest { leaves_last, share, lifetime }
    }

    fn new_flight(&self, cause: Option<RenewalCause>, shared: &mut SharedState) -> Flight {
        Flight::new(shared.next_flight(), cause, shared.client_epoch)
    }
}
