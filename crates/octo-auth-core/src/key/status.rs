//! The status of a spec, and the events that changed it.

use std::sync::Arc;
use std::time::Duration;

use super::KeyState;
use super::flight::Phase;
use super::gate::Gate;
use super::job::Job;
use super::line::Line;
use super::record::Generation;
use super::state::{Facts, Knowledge, State};
use super::token::{Published, Token};
use crate::answer::Deviation;
use crate::error::Remedy;
use crate::failure::TokenError;
use crate::registration::{FailureHistory, SharedState};
use crate::spec::TokenSpec;
use crate::store::Storage;
use crate::time::Now;
use crate::validity::Freshness;

/// How often a shared store is read for a spec that only a sign-in in another process can revive.
const SIGN_IN_ELSEWHERE: Duration = Duration::from_secs(30);

/// The status of a spec at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The row of the decision table that applies.
    pub state: State,
    /// The token, while it can be served.
    pub token: Option<Token>,
    /// Whether the token can be served and whether its renewal is due. It is `Expired` if there is no token.
    pub freshness: Freshness,
    /// The deviations tolerated while reading the token from an answer or the store, whether it can be served
    /// or not.
    pub deviations: Vec<Deviation>,
    /// Whether a job of the spec is in flight.
    pub in_flight: bool,
    /// Whether the content of the store is known.
    pub is_read: bool,
    /// What blocks a renewal now; `None` if it is possible.
    pub setback: Option<TokenError>,
    /// Whether only a new sign-in can bring another token, according to the server's answers. A refresh token
    /// that is not known to be dead is tried again nevertheless.
    pub sign_in_needed: bool,
    /// Whether there are unsaved changes in memory.
    pub unsaved: bool,
    /// Whether the record is being written, or will be when the present flight ends. It is `false` during the
    /// back-off after a failed attempt.
    pub saving: bool,
    /// The moment on the boot clock at which this status can change by time alone.
    pub next_change: Option<Duration>,
}

/// The status last shown to subscribers and to callers that wait for the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) facts: ShownFacts,
    pub(crate) next_change: Option<Duration>,
    /// The generation of the current token, whether the token can still be served or not.
    generation: Generation,
    failures: u32,
    sign_in_needed: bool,
}

/// The facts that callers wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShownFacts {
    pub(crate) state: State,
    pub(crate) in_flight: bool,
    unsaved: bool,
    lost: bool,
    saving: bool,
}

/// The changes of a step outside the spec.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) shown: Shown,
    pub(crate) events: Vec<Event>,
    /// The moment on the boot clock at which to look at the spec, even without a caller.
    pub(crate) due: Option<Duration>,
    /// Its place in a line that waits for something all accounts share.
    pub(crate) place: Option<(Line, u64)>,
    /// The token that its handles may serve without asking the manager.
    pub(crate) published: Option<Arc<Published>>,
}

/// An event of a spec.
#[derive(Debug, Clone)]
pub struct Change {
    /// The spec.
    pub spec: Arc<TokenSpec>,
    /// The event.
    pub event: Event,
}

/// An event of a spec.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The spec has another token.
    Renewed(Generation),
    /// An exchange failed.
    Setback(TokenError),
    /// Only a new sign-in can bring another token.
    SignInNeeded(TokenError),
    /// The store could not save the token in use. Saving is tried again with the next call for the spec, and
    /// without a call if tokens are refreshed ahead.
    Unsaved(Generation),
    /// The store has lost what it had confirmed, by a failover or a restored backup. It is written again.
    LostWrite(Generation),
}

impl Status {
    /// Returns whether the record is being saved, so that waiting for it makes sense.
    #[must_use]
    pub fn is_being_saved(&self) -> bool {
        self.saving && self.in_flight
    }
}

impl KeyState {
    /// Returns the status of the spec.
    pub(crate) fn status(&self, shared: &SharedState, now: Now) -> Status {
        let facts = self.facts(shared, None, now);
        let ShownFacts { state, in_flight, unsaved, saving, .. } = self.shown_facts(&facts, shared);
        let sign_in_needed = self.needs_sign_in(&facts, state);
        Status {
            state,
            token: self.serving.token(now),
            freshness: facts.freshness,
            deviations: self.serving.current().map(|issued| issued.deviations.to_vec()).unwrap_or_default(),
            in_flight,
            is_read: self.knowledge == Knowledge::Read,
            setback: self.setback(&facts, state, now),
            sign_in_needed,
            unsaved,
            saving,
            next_change: self.next_change(&facts, shared, now),
        }
    }

    /// Returns the status shown of the spec before the first look at it.
    pub(crate) fn shown_at_first(&self, shared: &SharedState) -> Shown {
        let sign_in_needed = shared.storage == Storage::None && !self.spec.is_client_grant();
        let facts =
            ShownFacts { state: State::NoKey, in_flight: false, unsaved: false, lost: false, saving: false };
        let generation = Generation::default();
        Shown { facts, next_change: None, generation, failures: 0, sign_in_needed }
    }

    /// Returns the changes of a step outside the spec, computed from one set of facts.
    pub(crate) fn settled(
        &mut self,
        last: &Shown,
        is_served: bool,
        shared: &SharedState,
        now: Now,
    ) -> Settled {
        let facts = self.facts(shared, None, now);
        let next_change = self.next_change(&facts, shared, now);
        let (shown, events) = self.shown_since(last, &facts, next_change, shared, now);
        let (due, place) = self.due_by(&facts, next_change, shared, now);
        let published = is_served.then(|| self.publication_by(&facts, next_change, now)).flatten();
        Settled { shown, events, due, place, published }
    }

    fn shown_since(
        &self,
        last: &Shown,
        facts: &Facts,
        next_change: Option<Duration>,
        shared: &SharedState,
        now: Now,
    ) -> (Shown, Vec<Event>) {
        let shown_facts = self.shown_facts(facts, shared);
        let sign_in_needed = self.needs_sign_in(facts, shown_facts.state);
        let generation = self.serving.current().map(|issued| issued.generation).unwrap_or_default();
        let mut events = Vec::new();
        if facts.freshness != Freshness::Expired && generation != last.generation {
            events.push(Event::Renewed(generation));
        }
        let has_failed = self.failure_count != last.failures && !sign_in_needed;
        if has_failed || (sign_in_needed && !last.sign_in_needed) {
            let event = if sign_in_needed { Event::SignInNeeded } else { Event::Setback };
            events.extend(self.setback(facts, shown_facts.state, now).map(event));
        }
        let ShownFacts { in_flight, unsaved, lost, .. } = shown_facts;
        if unsaved && !in_flight && (!last.facts.unsaved || last.facts.in_flight) {
            events.push(Event::Unsaved(generation));
        }
        if lost && !last.facts.lost {
            events.push(Event::LostWrite(generation));
        }
        let failures = self.failure_count;
        (Shown { facts: shown_facts, next_change, generation, failures, sign_in_needed }, events)
    }

    fn shown_facts(&self, facts: &Facts, shared: &SharedState) -> ShownFacts {
        let saving = self.in_flight.as_ref().is_some_and(|own| matches!(own.phase, Phase::Saving { .. }));
        ShownFacts {
            state: facts.state(),
            in_flight: facts.in_flight,
            unsaved: self.is_unsaved(shared) && !saving,
            lost: self.replica.is_lost(),
            saving: facts.saving_is_due || saving,
        }
    }

    /// Returns whether only a new sign-in can bring another token: no renewal can begin, or the last one was
    /// refused in a way that only a sign-in can fix.
    fn needs_sign_in(&self, facts: &Facts, state: State) -> bool {
        let is_advised = self.failures.last().is_some_and(|last| last.remedy == Remedy::SignInAgain);
        is_advised && !facts.is_client_grant || is_dead_end(facts, state)
    }

    /// Returns what blocks a renewal now; `None` if it is possible.
    fn setback(&self, facts: &Facts, state: State, now: Now) -> Option<TokenError> {
        let is_blocked = is_dead_end(facts, state)
            || facts.is_shutting_down
            || state == State::Unreadable
            || !matches!(facts.gate, Gate::Open);
        let blocked = match state {
            State::Unreadable | State::NotSignedIn => state,
            _ if facts.is_shutting_down && !is_dead_end(facts, state) => State::ShuttingDown,
            _ => State::ExpiredBlocked,
        };
        let at_rest = || Facts { in_flight: false, ..facts.clone() };
        is_blocked.then(|| self.failure(blocked, &at_rest(), now))
    }

    /// Returns the duration for which the token can still be served; `None` if unknown, zero without a token.
    pub(crate) fn served_for(&self, now: Now) -> Option<Duration> {
        match self.serving.current() {
            Some(issued) => issued.validity.end_on_boot(now).map(|end| end.saturating_sub(now.boot)),
            None => Some(Duration::ZERO),
        }
    }

    /// Returns the token that a handle may serve without asking the manager. There is one if the table says
    /// to use it and to begin no job.
    pub(crate) fn publication(&mut self, shared: &SharedState, now: Now) -> Option<Arc<Published>> {
        if let Some(published) = self.serving.published(now) {
            return Some(published.clone());
        }
        let facts = self.facts(shared, None, now);
        self.publication_by(&facts, self.next_change(&facts, shared, now), now)
    }

    fn publication_by(
        &mut self,
        facts: &Facts,
        next_change: Option<Duration>,
        now: Now,
    ) -> Option<Arc<Published>> {
        if let Some(published) = self.serving.published(now) {
            return Some(published.clone());
        }
        self.serving.unpublish();
        // An overdue flight must be ended first, which the next decision does.
        if self.in_flight.as_ref().is_some_and(|own| own.deadline <= now.boot) {
            return None;
        }
        // Only events of this spec, and time, may change the decision. The success of another spec may open a
        // closed gate.
        let is_steady = match facts.state() {
            State::Fresh | State::StaleInFlight => true,
            State::StaleBlocked => !facts.is_renewable || matches!(facts.gate, Gate::Dead(_)),
            _ => false,
        };
        is_steady.then(|| self.serving.publish(next_change.unwrap_or(Duration::MAX), now)).flatten()
    }

    /// Returns the moment on the boot clock at which to look at the spec without a caller, and its place in a
    /// line that waits for something all accounts share.
    pub(crate) fn due(&self, shared: &SharedState, now: Now) -> (Option<Duration>, Option<(Line, u64)>) {
        let facts = self.facts(shared, None, now);
        self.due_by(&facts, self.next_change(&facts, shared, now), shared, now)
    }

    fn due_by(
        &self,
        facts: &Facts,
        next_change: Option<Duration>,
        shared: &SharedState,
        now: Now,
    ) -> (Option<Duration>, Option<(Line, u64)>) {
        // The store is read before a caller is told to sign in. Without a caller it is read every 30 s.
        let state = match facts.state() {
            State::Unread if facts.may_know_better => {
                Facts { may_know_better: false, ..facts.clone() }.state()
            }
            state => state,
        };
        let place = self.line(shared, now);
        if let Some(save_at) = self.saved_next(shared) {
            return (Some(save_at), place);
        }
        let due = match state {
            // Another process may have signed in.
            State::SignedOut | State::RefreshTokenDead | State::NotSignedIn => {
                let is_shared = shared.storage == Storage::MultiProcess;
                self.read_at.filter(|_| is_shared).map(|read| read.saturating_add(SIGN_IN_ELSEWHERE))
            }
            state if state.begins_a_job() => Some(now.boot),
            // The line knows when the gate opens. While no renewal is due, the gate does not matter.
            _ if place.is_some() || !self.wants_renewal(now) => {
                self.next_change_but(None, facts, shared, now)
            }
            _ => next_change,
        };
        (due, place)
    }

    /// Records that a caller asked for the token.
    pub(crate) fn note_asked(&mut self) {
        self.serving.note_asked();
    }

    /// Returns whether the token was used since its last renewal, or there are unsaved changes.
    pub(crate) fn wants_refresh_ahead(&self, shared: &SharedState) -> bool {
        self.serving.was_used() || self.is_unsaved(shared)
    }

    /// Returns whether a renewal is due and not in flight.
    pub(crate) fn wants_renewal(&self, now: Now) -> bool {
        let is_due = self.serving.freshness(now) != Freshness::Fresh || self.serving.is_refused();
        is_due && self.in_flight.is_none()
    }

    /// Returns whether a job is in flight.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Returns whether a job is in flight, or there are unsaved changes.
    pub(crate) fn is_busy(&self, shared: &SharedState) -> bool {
        self.in_flight.is_some() || self.is_unsaved(shared)
    }

    /// Returns the moment on the boot clock from which to save the unsaved changes; `None` if there are none,
    /// or while a flight is under way, whose end saves them.
    pub(crate) fn saved_next(&self, shared: &SharedState) -> Option<Duration> {
        (self.in_flight.is_none() && self.is_unsaved(shared)).then_some(self.save_at)
    }

    /// Returns the job that saves the unsaved changes, if no job is in flight.
    pub(crate) fn save_now(&mut self, shared: &mut SharedState, now: Now) -> Option<Job> {
        self.end_overdue_flight(shared, now);
        self.saved_next(shared)?;
        let flight = self.new_flight(None, shared);
        self.save(flight, shared, now)
    }

    /// Records that another process has changed the record.
    pub(crate) fn changed_elsewhere(&mut self) {
        self.is_notified = true;
        self.serving.unpublish();
    }

    /// Returns from when on the boot clock the spec can be evicted: not before the pause after a failure is
    /// over, and not before a refused token expires. It is `None` while eviction would lose data.
    pub(crate) fn evictable_from(&self, shared: &SharedState, now: Now) -> Option<Duration> {
        let view = self.replica.view();
        let is_kept = shared.storage != Storage::None || view.refresh_token.is_none() && !view.signed_out;
        let failures = [&self.failures, &self.store_failures].into_iter().filter(|failures| failures.any());
        let pauses = failures.filter_map(FailureHistory::last).map(|last| last.until);
        let refused = self.serving.current().filter(|_| self.serving.is_refused());
        let refused = refused
            .map(|token| token.validity.end_on_boot(now).unwrap_or_else(|| self.serving.forced_opens()));
        let paused = pauses.chain(refused).chain([self.sighting.pause_until()]).max();
        paused.filter(|_| is_kept && !self.is_busy(shared))
    }
}

/// Returns whether no renewal can begin before a new sign-in.
fn is_dead_end(facts: &Facts, state: State) -> bool {
    match state {
        State::SignedOut | State::RefreshTokenDead | State::NotSignedIn => true,
        State::Unreadable => false,
        _ => facts.is_signed_out || matches!(facts.gate, Gate::Dead(_)),
    }
}
