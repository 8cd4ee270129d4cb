//! Reading and writing the record, and the end of a flight.

use std::time::Duration;

use super::KeyState;
use super::flight::{Flight, InFlight, JobState, Phase};
use super::job::{Job, ReleaseJob, SaveJob, SendJob, Ticket};
use super::record::Record;
use super::replica::Written;
use super::state::{Knowledge, State};
use super::step::Step;
use crate::error::{Diagnostic, Pause, Remedy};
use crate::failure::Cause;
use crate::grant::TokenTypeHint;
use crate::registration::{BudgetRequest, Evidence, Share, SharedState};
use crate::secret::Secret;
use crate::spec::Renewal;
use crate::store::{RecordName, STORE_CALL, Saved, Storage, StoreError, Stored, Version};
use crate::time::Now;

/// A record as the store holds it, decoded.
type Held = Option<(Record, Version)>;

impl KeyState {
    /// Processes the result of reading. Returns whether the record could be read.
    pub(super) fn take_loaded(
        &mut self,
        result: Result<Option<Stored>, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> bool {
        self.read_at = Some(now.boot);
        match result.and_then(|stored| self.held(stored, shared)) {
            Ok(held) => {
                // While writing fails, a successful reading does not count as success.
                if self.knowledge != Knowledge::Read {
                    self.store_failures.clear();
                }
                self.reading_failed = false;
                let removed = self.rebase(held, false);
                self.took(removed, shared, now);
                true
            }
            Err(error) => {
                self.store_failed(error, shared, now);
                self.reading_failed = true;
                if self.knowledge != Knowledge::Read {
                    self.knowledge = self.unreadable(now);
                }
                false
            }
        }
    }

    /// Processes the result of a write. Returns `true` if it was done, and `false` if it met another record.
    pub(super) fn take_saved(
        &mut self,
        written: Written,
        result: Result<Saved, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> Result<bool, StoreError> {
        let (is_done, removed) = match result? {
            Saved::Done(version) => {
                // The store may have notified of this very write. A later write shows at the next reading.
                self.is_notified = false;
                (true, self.replica.saved(written, Some(version)))
            }
            Saved::Conflict(stored) => {
                let held = self.held(stored, shared)?;
                (false, self.rebase(held, true))
            }
        };
        if is_done {
            self.store_failures.clear();
        }
        (self.read_at, self.reading_failed) = (Some(now.boot), false);
        self.took(removed, shared, now);
        Ok(is_done)
    }

    /// Takes the stored record as the base. If it has another refresh token, failures of the old one are
    /// forgotten.
    fn rebase(&mut self, held: Held, is_conflict: bool) -> Vec<Secret> {
        let before = self.replica.view().fingerprint();
        let removed = self.replica.loaded(held, is_conflict);
        if self.replica.view().fingerprint() != before {
            self.failures.clear();
            self.why_unusable = None;
        }
        removed
    }

    fn took(&mut self, removed: Vec<Secret>, shared: &mut SharedState, now: Now) {
        self.knowledge = Knowledge::Read;
        self.revocations.extend(removed);
        self.followed(shared, now);
    }

    /// Serves the token of the view, and notes the times of its attempt and pause.
    pub(super) fn followed(&mut self, shared: &mut SharedState, now: Now) {
        let view = self.replica.view();
        let is_elsewhere = self.is_attempt_elsewhere(shared);
        let steady = shared.steady_wall(now);
        let sign_in = (!self.spec.is_client_grant()).then_some(view.family);
        if let Some((pause, until)) = self.sighting.follow(view, sign_in, is_elsewhere, steady, now) {
            if pause.of_client && pause.from.saturating_since(now.wall).is_zero() {
                let pause = Pause::Rest(until.saturating_sub(now.boot));
                let remedy = Remedy::TryLater { after: Duration::ZERO };
                let failure = (pause, Cause::AskedToWait, remedy);
                shared.health.failed(
                    (Evidence::Certain, self.tried),
                    failure,
                    None,
                    &mut shared.rng,
                    now.boot,
                );
            }
        }
        self.serving.follow(self.replica.view(), &self.spec, shared, now);
    }

    fn held(&self, stored: Option<Stored>, shared: &SharedState) -> Result<Held, StoreError> {
        let Some(Stored { version, content }) = stored else { return Ok(None) };
        let record = Record::decode(&content, &self.identity(shared))?;
        Ok(Some((record, version)))
    }

    pub(super) fn store_failed(&mut self, error: StoreError, shared: &mut SharedState, now: Now) {
        let remedy = error.remedy();
        let (failure, served_until) = ((Cause::Store(error), remedy), self.served_until(now));
        self.store_failures.note(Pause::Store, failure, served_until, &mut shared.rng, now.boot);
    }

    pub(super) fn name(&self, shared: &SharedState) -> RecordName {
        self.name.get_or_init(|| RecordName::new(&shared.client, &self.spec)).clone()
    }

    /// Begins to write the record.
    pub(super) fn save(&mut self, flight: Flight, shared: &mut SharedState, now: Now) -> Option<Job> {
        self.save_at = now.boot;
        let written = Box::new(self.replica.to_write());
        let content = match written.record().encode(&self.identity(shared)) {
            Ok(content) => content,
            Err(error) => return self.saved(flight, *written, Err(error), shared, now),
        };
        let (name, expected) = (self.name(shared), self.replica.version());
        let ticket = self.depart(flight, Phase::Saving { written }, STORE_CALL, now);
        Some(Job::Save(SaveJob { ticket, name, expected, content }))
    }

    pub(super) fn saved(
        &mut self,
        mut flight: Flight,
        written: Written,
        result: Result<Saved, StoreError>,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        let saved = self.take_saved(written, result, shared, now);
        // After a conflict, the end of the flight saves the remaining operations.
        let saved = saved.and_then(|is_done| if is_done { Ok(()) } else { flight.met_conflict() });
        if let Err(error) = saved {
            self.store_failed(error, shared, now);
            self.release_pending(shared, now);
        }
        self.land(flight, shared, now)
    }

    /// Adds operations that could not be saved to the view. The token is served, flagged as unsaved, and
    /// saved again later.
    pub(super) fn release_pending(&mut self, shared: &mut SharedState, now: Now) {
        self.save_at = self.store_failures.last().map_or(now.boot, |last| last.until);
        self.replica.release();
        self.followed(shared, now);
    }

    /// Ends a flight: saves operations added meanwhile, releases the claim, and revokes the remaining tokens.
    pub(super) fn land(&mut self, mut flight: Flight, shared: &mut SharedState, now: Now) -> Option<Job> {
        shared.flight_ended(flight.id);
        self.give_back(&mut flight, shared);
        self.serving.unpublish();
        if self.is_unsaved(shared) && self.save_at <= now.boot {
            return self.save(flight, shared, now);
        }
        let release = flight.claim.map(|owner| self.release(flight.id, owner, shared));
        self.name.take();
        release.or_else(|| self.revoke_next(shared, now))
    }

    /// Releases a claim. The flight has ended, so no report fits it.
    pub(super) fn release(&self, flight: u64, owner: String, shared: &SharedState) -> Job {
        let ticket = Ticket { spec: self.spec.clone(), flight, job: 0, step: Step::Release };
        Job::Release(ReleaseJob { ticket, name: self.name(shared), owner })
    }

    /// Writes a sign-in or sign-out at once, or when the present flight has ended.
    pub(super) fn save_soon(&mut self, shared: &mut SharedState, now: Now) -> Option<Job> {
        self.save_at = now.boot;
        if self.in_flight.is_some() {
            return None;
        }
        if shared.storage == Storage::None {
            return self.revoke_next(shared, now);
        }
        let flight = self.new_flight(None, shared);
        self.save(flight, shared, now)
    }

    /// Revokes a token if the provider supports that and the budget has room. This is best effort.
    pub(super) fn revoke_next(&mut self, shared: &mut SharedState, now: Now) -> Option<Job> {
        let token = self.revocations.pop()?;
        let hint = match self.spec.is_client_grant() {
            true => TokenTypeHint::AccessToken,
            false => TokenTypeHint::RefreshToken,
        };
        let request = BudgetRequest { leaves_last: true, share: Share::Beside, lifetime: None };
        let has_room = shared.budget.opens(&self.sent, request) <= now.boot;
        let Some(exchange) = shared.client.revoke(&token, hint).ok().filter(|_| has_room) else {
            self.revocations.clear();
            return None;
        };
        shared.budget.draw_beside(now);
        let ticket = Ticket {
            spec: self.spec.clone(),
            flight: shared.next_flight(),
            job: 0,
            step: Step::revocation(),
        };
        let deadline = shared.policy.exchange_deadline();
        let renewal = Box::new(Renewal::Revocation(exchange));
        Some(Job::Send(SendJob { ticket, renewal, origin: None, deadline }))
    }

    /// Begins the next phase of a flight, with its longest duration.
    pub(super) fn depart(
        &mut self,
        mut flight: Flight,
        phase: Phase,
        may_take: Duration,
        now: Now,
    ) -> Ticket {
        flight.jobs += 1;
        let step = phase.step(&flight, &self.spec);
        let ticket = Ticket { spec: self.spec.clone(), flight: flight.id, job: flight.jobs, step };
        let deadline = now.boot.saturating_add(may_take);
        let carrier = JobState::Unknown;
        self.in_flight = Some(Box::new(InFlight { flight, phase, deadline, may_take, carrier }));
        ticket
    }

    /// Returns whether the renewal of a flight is still due.
    pub(super) fn is_due(&self, flight: &Flight, shared: &SharedState, now: Now) -> bool {
        let state = self.facts(shared, Some(flight.id), now).state();
        matches!(state, State::StaleRenewing | State::ExpiredRenewing | State::RefusedRenewing)
    }

    /// Returns an unsent request of a flight to the budget.
    pub(super) fn give_back(&mut self, flight: &mut Flight, shared: &mut SharedState) {
        if let Some(drawn) = flight.drawn.take() {
            shared.budget.give_back(&mut self.sent, drawn);
        }
    }
}
