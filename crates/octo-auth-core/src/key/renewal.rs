//! How a flight goes from phase to phase, and the effects of each end.
//!
//! | the exchange ended with | operation | afterwards |
//! |---|---|---|
//! | tokens | `Renewed`, saved before the token is served | the failure history is cleared |
//! | an expired or unusable token, but a refresh token | `Renewed` without the token | back-off or cooldown |
//! | not sent, or clearly refused | `End`: the attempt is closed | back-off or cooldown |
//! | an unknown outcome | none: the attempt stays open | back-off; the refresh is repeated when that loses nothing |
//! | the server's verdict that the grant is dead | `Dead`; a conflict shows whether another process renewed | sign in |
//! | `Retry-After` | `Pause` | no request before its end, also after a restart |
//!
//! A refresh token read from an answer is never dropped: it becomes a pending operation before anything else
//! happens.

use std::sync::Arc;
use std::time::Duration;

use super::KeyState;
use super::cause::RenewalCause;
use super::flight::{Flight, InFlight, LoadReason, Phase};
use super::job::{ClaimJob, Job, LoadJob, Outcome, SaveJob, SendJob, Ticket};
use super::operation::{Operation, Origin};
use super::record::{Attempt, FamilyId, OperationId};
use super::replica::Written;
use crate::error::{self, BACKOFF, Remedy};
use crate::failure::Cause;
use crate::registration::{Drawn, SharedState, part};
use crate::store::{Claimed, STORE_CALL, Saved, Storage, StoreError, Stored};
use crate::time::{Now, Timestamp};

/// The average time between two readings of a store while another process renews. The actual time is between
/// half of it and one and a half times it.
const RENEWED_ELSEWHERE: Duration = Duration::from_millis(500);

/// How long a claim lasts: the reading and the writing ahead that follow it. After that the open attempt
/// keeps other processes away. A claim cannot do that: a process that was stopped does not know that its
/// claim has ended.
const CLAIM: Duration = STORE_CALL.saturating_mul(2);

const SECOND: Duration = Duration::from_secs(1);

/// The store answered, but too late for the next step.
const LATE: &str = "the store took longer than 5 s to answer";

/// The carrier of a store call ended without a report, so the outcome of the call is unknown.
const UNREPORTED: &str =
    "the store did not answer: its call took longer than 5 s, or ended early, as by a panic";

impl KeyState {
    /// Begins a renewal.
    pub(super) fn renew(&mut self, cause: RenewalCause, shared: &mut SharedState, now: Now) -> Option<Job> {
        let mut flight = self.new_flight(Some(cause), shared);
        self.tried = flight.id;
        shared.renewal_begins(flight.id, self.spec.is_client_grant(), now);
        self.draw(&mut flight, shared, now);
        flight.send_before = now.boot.saturating_add(4 * STORE_CALL);
        match shared.storage {
            // Two concurrent requests of a client grant do no harm, and a claim left by a dead process would
            // delay it. So it takes no claim, and does not wait for a store that has just failed.
            Storage::MultiProcess if self.spec.is_client_grant() => {
                match self.store_failures.blocked(now.boot) {
                    None => Some(self.reload(flight, shared, now)),
                    Some(_) => self.write_ahead(flight, shared, now),
                }
            }
            Storage::MultiProcess => Some(self.claim(flight, shared, now)),
            Storage::SingleProcess | Storage::None => self.write_ahead(flight, shared, now),
        }
    }

    /// Begins to read the record before a request: another process may have renewed.
    fn reload(&mut self, flight: Flight, shared: &SharedState, now: Now) -> Job {
        self.is_notified = false;
        let ticket = self.depart(flight, Phase::Reloading, STORE_CALL, now);
        Job::Load(LoadJob { ticket, name: self.name(shared), after: Duration::ZERO })
    }

    fn claim(&mut self, mut flight: Flight, shared: &SharedState, now: Now) -> Job {
        let owner = SharedState::owner(shared.writer);
        flight.claim = Some(owner.clone());
        let ticket = self.depart(flight, Phase::Claiming, STORE_CALL, now);
        Job::Claim(ClaimJob { ticket, name: self.name(shared), owner, ttl: CLAIM })
    }

    /// Begins to read the record after a delay.
    pub(super) fn load(
        &mut self,
        flight: Flight,
        reason: LoadReason,
        after: Duration,
        shared: &SharedState,
        now: Now,
    ) -> Job {
        self.is_notified = false;
        let ticket = self.depart(flight, Phase::Loading(reason), after + STORE_CALL, now);
        Job::Load(LoadJob { ticket, name: self.name(shared), after })
    }

    /// Writes to the record that a refresh token is about to be sent. A client grant skips this: it has no
    /// token to lose.
    fn write_ahead(&mut self, flight: Flight, shared: &mut SharedState, now: Now) -> Option<Job> {
        let view = self.replica.view();
        let Some(from) = view.fingerprint().filter(|_| !self.spec.is_client_grant()) else {
            return self.count(flight, None, shared, now);
        };
        let number = view.attempts.saturating_add(1);
        let id = OperationId::next(shared);
        let mut flight = flight;
        // This write, and counting the request, come before sending.
        let steps = if shared.budget.fleet().is_some() { 2 } else { 1 };
        flight.send_before = flight.send_before.min(now.boot.saturating_add(steps * STORE_CALL));
        let left = flight.send_before.saturating_sub(now.boot);
        // The answer is saved by then.
        let saved = left + shared.policy.exchange_deadline() + SECOND + STORE_CALL;
        let deadline = now.wall.saturating_add(saved);
        let attempt = Attempt { id, number, begun: now.wall, deadline };
        self.replica.push(id, Operation::Begin { from, attempt }, false);
        if shared.storage == Storage::None {
            self.settle(shared, now);
            return self.count(flight, Some(attempt), shared, now);
        }
        let written = Box::new(self.replica.to_write());
        let content = match written.record().encode(&self.identity(shared)) {
            Ok(content) => content,
            Err(error) => {
                return self.written_ahead(flight, (attempt, *written, false), Err(error), shared, now);
            }
        };
        let (name, expected) = (self.name(shared), self.replica.version());
        let ticket = self.depart(flight, Phase::WritingAhead { attempt, written }, STORE_CALL, now);
        Some(Job::Save(SaveJob { ticket, name, expected, content }))
    }

    /// Counts the request of a flight in the budget.
    fn draw(&mut self, flight: &mut Flight, shared: &mut SharedState, now: Now) {
        let share = self.budget_request(now).share;
        flight.drawn = Some(shared.budget.draw(&mut self.sent, share, now.boot));
    }

    /// Writes the request to the request log, if a limit is known, and then sends it.
    fn count(
        &mut self,
        mut flight: Flight,
        attempt: Option<Attempt>,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        self.give_back(&mut flight, shared);
        let has_room = shared.budget.opens(&self.sent, self.budget_request(now)) <= now.boot;
        let may_be_sent = has_room && self.may_be_sent(&flight, attempt.as_ref(), shared, now);
        if let Some((log, window)) = shared.budget.fleet().filter(|_| may_be_sent) {
            if self.store_failures.blocked(now.boot).is_none() {
                let (expected, sent) = log.with_one_more(window, now);
                let content = log.encode(&sent, &shared.requests);
                self.draw(&mut flight, shared, now);
                let ticket = self.depart(flight, Phase::Counting { attempt, sent }, STORE_CALL, now);
                let name = shared.requests.name.clone();
                return Some(Job::Save(SaveJob { ticket, name, expected, content }));
            }
            // Only a client grant gets here while the store fails, and it does not wait for the store.
            log.note_untold(window, now);
        }
        self.send(flight, attempt, has_room, shared, now)
    }

    /// Returns whether the request may still be sent. This is the fence before every request.
    fn may_be_sent(
        &self,
        flight: &Flight,
        attempt: Option<&Attempt>,
        shared: &SharedState,
        now: Now,
    ) -> bool {
        // Includes the unsaved operations: a late answer may have brought the successor of the refresh token.
        let written = self.replica.to_write();
        let is_marked = match attempt {
            Some(attempt) => written.record().attempt.as_ref().is_some_and(|open| open.id == attempt.id),
            None => self.spec.is_client_grant() && !written.record().signed_out,
        };
        let is_in_time = attempt.is_none() || now.boot < flight.send_before;
        let is_open = shared.health.blocked(Some(flight.id), now.boot).is_none();
        is_marked && is_in_time && is_open && !shared.is_shutting_down
    }

    fn send(
        &mut self,
        mut flight: Flight,
        attempt: Option<Attempt>,
        has_room: bool,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        let view = self.replica.view();
        let may_be_sent = has_room && self.may_be_sent(&flight, attempt.as_ref(), shared, now);
        let renewal = match self.spec.renewal(&shared.client, view.refresh_token.as_ref()) {
            Ok(renewal) if may_be_sent => Box::new(renewal),
            unsent => {
                if let Err(error) = unsent {
                    let pause = error::Pause::Cooldown { at_least: Duration::ZERO };
                    self.note(pause, Cause::Request(Arc::new(error)), Remedy::FixConfiguration, shared, now);
                }
                self.end_attempt(attempt, shared, now);
                return self.land(flight, shared, now);
            }
        };
        let origin = match (attempt, view.fingerprint()) {
            (Some(attempt), Some(from)) => Origin::Refresh { family: view.family, from, attempt },
            _ => {
                let family = FamilyId::from_bytes(shared.rng.bytes());
                Origin::Client { over: view.family, family, number: view.attempts.saturating_add(1) }
            }
        };
        let counted = flight.counted.take();
        self.draw(&mut flight, shared, now);
        flight.drawn = flight.drawn.map(|drawn| Drawn { counted, ..drawn });
        let deadline = shared.policy.exchange_deadline();
        // This is a little longer than the carrier's own time-out, so that the time-out is reported first.
        let ticket = self.depart(flight, Phase::Sending { origin }, deadline + SECOND, now);
        self.sighting.is_over_at(now.boot.saturating_add(deadline));
        Some(Job::Send(SendJob { ticket, renewal, origin: Some(origin), deadline }))
    }

    /// Processes the outcome of a job. Returns the next job.
    pub(crate) fn report(
        &mut self,
        shared: &mut SharedState,
        ticket: &Ticket,
        outcome: Outcome,
        now: Now,
    ) -> Option<Job> {
        let present = self.in_flight.take_if(|own| own.fits(ticket));
        let Some(InFlight { flight, phase, deadline, .. }) = present.map(|own| *own) else {
            return self.take_late(outcome, shared, now);
        };
        let is_late = deadline <= now.boot;
        match (phase, outcome) {
            (Phase::Loading(reason), Outcome::Loaded(result)) => {
                self.loaded(flight, reason, result, shared, now)
            }
            (Phase::Claiming, Outcome::Claimed(result)) => self.claimed(flight, is_late, result, shared, now),
            (Phase::Reloading, Outcome::Loaded(result)) => {
                self.reloaded(flight, is_late, result, shared, now)
            }
            (Phase::WritingAhead { attempt, written }, Outcome::Saved(result)) => {
                self.written_ahead(flight, (attempt, *written, is_late), result, shared, now)
            }
            (Phase::Counting { attempt, sent }, Outcome::Saved(result)) => {
                self.counted(flight, (attempt, sent, is_late), result, shared, now)
            }
            (Phase::Sending { .. }, Outcome::Answered(answered)) => {
                self.answered(flight, *answered, shared, now)
            }
            (Phase::Saving { written }, Outcome::Saved(result)) => {
                self.saved(flight, *written, result, shared, now)
            }
            (phase, Outcome::NotBegun) => {
                self.not_begun(flight, &phase, shared, now);
                None
            }
            // The carrier ended, or reports the outcome of another kind of job.
            (phase, _) => {
                // A client grant can repeat a lost request at once, but only once, in case its carriers
                // always fail.
                let is_first = self.spec.is_client_grant() && !self.failures.any();
                let pause = if is_first { error::Pause::Once } else { BACKOFF };
                self.give_up(flight, &phase, pause, shared, now);
                None
            }
        }
    }

    /// Ends a flight whose carrier is gone, so no job can follow. Unsaved operations wait for the next call
    /// for the spec, revocations for the next report, and the claim for the next flight, which has the same
    /// owner.
    pub(super) fn give_up(
        &mut self,
        mut flight: Flight,
        phase: &Phase,
        pause: error::Pause,
        shared: &mut SharedState,
        now: Now,
    ) {
        shared.flight_ended(flight.id);
        self.serving.unpublish();
        if let Phase::Sending { origin } = phase {
            shared.budget.failed(now.boot);
            self.failure_count = self.failure_count.saturating_add(1);
            if self.is_present(*origin) {
                let later = Remedy::TryLater { after: Duration::ZERO };
                self.note(pause, Cause::Lost, later, shared, now);
            }
            return;
        }
        self.give_back(&mut flight, shared);
        if let Phase::Loading(_) = phase {
            self.take_loaded(Err(StoreError::new(UNREPORTED)), shared, now);
            return;
        }
        self.store_failed(StoreError::new(UNREPORTED), shared, now);
        match phase {
            Phase::WritingAhead { attempt, .. } => self.end_attempt(Some(*attempt), shared, now),
            Phase::Counting { attempt, .. } => self.end_attempt(*attempt, shared, now),
            Phase::Saving { .. } => self.release_pending(shared, now),
            Phase::Loading(_) | Phase::Claiming | Phase::Reloading | Phase::Sending { .. } => {}
        }
    }

    fn loaded(
        &mut self,
        flight: Flight,
        reason: LoadReason,
        result: Result<Option<Stored>, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        let is_read = self.take_loaded(result, shared, now);
        if reason == LoadReason::RenewedElsewhere && is_read && self.is_due(&flight, shared, now) {
            if self.is_renewed_elsewhere(shared, now) {
                return Some(self.wait_for_other(flight, shared, now));
            }
            let mut flight = flight;
            flight.send_before = now.boot.saturating_add(4 * STORE_CALL);
            return Some(self.claim(flight, shared, now));
        }
        self.land(flight, shared, now)
    }

    fn claimed(
        &mut self,
        mut flight: Flight,
        is_late: bool,
        result: Result<Claimed, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        match result {
            // A claim that was granted late may have expired.
            Ok(Claimed::Granted | Claimed::TakenOver { .. }) if is_late => {
                self.store_failed(StoreError::new(LATE), shared, now);
                self.land(flight, shared, now)
            }
            Ok(Claimed::Granted) => Some(self.reload(flight, shared, now)),
            Ok(Claimed::TakenOver { from }) => {
                self.sighting.owner_has_ended(from, now);
                Some(self.reload(flight, shared, now))
            }
            Ok(Claimed::Held(_)) => {
                flight.claim = None;
                Some(self.wait_for_other(flight, shared, now))
            }
            // The store may have failed only for this process, so read whether another one has renewed. The
            // claim may have succeeded anyway, and is released at the end.
            Err(error) => {
                self.store_failed(error, shared, now);
                Some(self.load(flight, LoadReason::Unknown, Duration::ZERO, shared, now))
            }
        }
    }

    fn reloaded(
        &mut self,
        flight: Flight,
        is_late: bool,
        result: Result<Option<Stored>, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        let is_read = self.take_loaded(result, shared, now);
        if is_late {
            self.store_failed(StoreError::new(LATE), shared, now);
        }
        if is_late && !self.spec.is_client_grant() {
            return self.land(flight, shared, now);
        }
        let may_go_on = is_read || self.spec.is_client_grant();
        match may_go_on && self.is_due(&flight, shared, now) {
            true => self.go_on(flight, shared, now),
            false => self.land(flight, shared, now),
        }
    }

    /// Continues with a renewal that is still due after reading the record, unless another process may be
    /// renewing.
    fn go_on(&mut self, flight: Flight, shared: &mut SharedState, now: Now) -> Option<Job> {
        match self.is_renewed_elsewhere(shared, now) {
            true => Some(self.wait_for_other(flight, shared, now)),
            false => self.write_ahead(flight, shared, now),
        }
    }

    /// Begins to read the record after a delay: another process is renewing.
    fn wait_for_other(&mut self, flight: Flight, shared: &mut SharedState, now: Now) -> Job {
        let after = RENEWED_ELSEWHERE / 2 + part(RENEWED_ELSEWHERE, shared.rng.fraction());
        self.load(flight, LoadReason::RenewedElsewhere, after, shared, now)
    }

    fn written_ahead(
        &mut self,
        mut flight: Flight,
        (attempt, written, is_late): (Attempt, Written, bool),
        result: Result<Saved, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        match self.take_saved(written, result, shared, now) {
            Ok(true) => self.count(flight, Some(attempt), shared, now),
            Ok(false) => {
                self.replica.withdraw(attempt.id);
                self.followed(shared, now);
                match flight.met_conflict() {
                    Ok(()) if !is_late && self.is_due(&flight, shared, now) => {
                        return self.go_on(flight, shared, now);
                    }
                    Ok(()) => {}
                    Err(error) => self.store_failed(error, shared, now),
                }
                self.land(flight, shared, now)
            }
            Err(error) => {
                self.store_failed(error, shared, now);
                self.end_attempt(Some(attempt), shared, now);
                self.land(flight, shared, now)
            }
        }
    }

    fn counted(
        &mut self,
        mut flight: Flight,
        (attempt, sent, is_late): (Option<Attempt>, Vec<Timestamp>, bool),
        result: Result<Saved, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        self.give_back(&mut flight, shared);
        let identity = shared.requests.clone();
        let Some((log, window)) = shared.budget.fleet() else {
            return self.send(flight, attempt, !is_late, shared, now);
        };
        let counted = match result {
            Ok(Saved::Done(version)) => {
                log.wrote(&sent, version, now);
                flight.counted = sent.last().copied();
                Ok(true)
            }
            Ok(Saved::Conflict(stored)) => {
                let seen = log.saw(stored.as_ref(), &identity, now).map_err(StoreError::from);
                seen.and_then(|()| flight.met_conflict()).map(|()| false)
            }
            Err(error) => Err(error),
        };
        if counted.is_err() && self.spec.is_client_grant() {
            log.note_untold(window, now);
        }
        match counted {
            Ok(true) => {
                // The log contains the latest moment at which the request may be sent.
                let has_room = shared.budget.opens_here(&self.sent, self.budget_request(now)) <= now.boot;
                self.send(flight, attempt, has_room && !is_late, shared, now)
            }
            Ok(false) => self.count(flight, attempt, shared, now),
            Err(error) => {
                self.store_failed(error, shared, now);
                let has_room = shared.budget.opens_here(&self.sent, self.budget_request(now)) <= now.boot;
                self.send(flight, attempt, has_room && self.spec.is_client_grant(), shared, now)
            }
        }
    }
}
