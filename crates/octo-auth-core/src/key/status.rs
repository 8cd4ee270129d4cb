//! How a key stands, and what changed between two looks at it.

use std::sync::Arc;
use std::time::Duration;

use super::KeyState;
use super::flight::Phase;
use super::gate::Gate;
use super::job::Job;
use super::record::Generation;
use super::state::{Facts, Knowledge, State};
use super::token::{Published, Token};
use crate::answer::Deviation;
use crate::failure::Failure;
use crate::registration::SharedState;
use crate::spec::Key;
use crate::store::Storage;
use crate::time::Now;
use crate::validity::Freshness;

/// How often a shared store is read for a key that only a sign-in in another process can revive.
const SIGN_IN_ELSEWHERE: Duration = Duration::from_secs(30);

/// How a key stands at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The row of the decision table that applies.
    pub state: State,
    /// The token, while it can be served.
    pub token: Option<Token>,
    /// Whether the token can be served and whether its renewal is due; expired if there is none.
    pub freshness: Freshness,
    /// What was tolerated in reading the token, from an answer or from the store, whether it can be served or not.
    pub deviations: Vec<Deviation>,
    /// Whether something is in flight.
    pub in_flight: bool,
    /// Whether it is known what the store holds for the key.
    pub is_read: bool,
    /// What keeps a renewal from beginning now, if anything does.
    pub setback: Option<Failure>,
    /// Whether nothing but a new sign-in will bring another token.
    pub sign_in_needed: bool,
    /// Whether the store does not hold yet what is held in memory.
    pub unsaved: bool,
    /// Whether the record is being written, or is to be as soon as nothing else is under way; not while a failed
    /// attempt waits for its next.
    pub saving: bool,
    /// The moment on the boot clock at which this can change by time alone.
    pub next_change: Option<Duration>,
    /// Of the token in force, whether it can still be served or not.
    generation: Generation,
    failures: u32,
}

/// Something that happened to a key.
#[derive(Debug, Clone)]
pub struct Change {
    /// The key.
    pub key: Arc<Key>,
    /// What happened.
    pub event: Event,
}

/// What happened to a key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Another token is in force.
    Renewed(Generation),
    /// An exchange failed.
    Setback(Failure),
    /// Nothing but a new sign-in will bring another token.
    SignInNeeded(Failure),
    /// A token is in force that the store could not take yet; storing it is tried again.
    Unsaved(Generation),
}

impl Status {
    /// What happened between an earlier look and this one, in the order of the variants of [`Event`].
    #[must_use]
    pub fn events_since(&self, earlier: &Self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.token.is_some() && self.generation != earlier.generation {
            events.push(Event::Renewed(self.generation));
        }
        let setback = self.setback.as_ref();
        if let Some(failure) = setback.filter(|_| self.failures != earlier.failures && !self.sign_in_needed) {
            events.push(Event::Setback(failure.clone()));
        }
        if let Some(failure) = setback.filter(|_| self.sign_in_needed && !earlier.sign_in_needed) {
            events.push(Event::SignInNeeded(failure.clone()));
        }
        if self.unsaved && !self.in_flight && (!earlier.unsaved || earlier.in_flight) {
            events.push(Event::Unsaved(self.generation));
        }
        events
    }
}

impl KeyState {
    /// Returns how the key stands.
    pub(crate) fn status(&self, shared: &SharedState, now: Now) -> Status {
        let facts = self.facts(shared, None, now);
        let state = facts.state();
        let sign_in_needed = match state {
            State::SignedOut | State::RefreshTokenDead | State::NotSignedIn => true,
            _ => facts.is_signed_out || matches!(facts.gate, Gate::Dead(_)),
        };
        let is_blocked = sign_in_needed || state == State::Unreadable || !matches!(facts.gate, Gate::Open);
        let blocked = match state {
            State::Unreadable | State::NotSignedIn => state,
            _ => State::ExpiredBlocked,
        };
        let at_rest = Facts { in_flight: false, ..facts.clone() };
        let saving = self.in_flight.as_ref().is_some_and(|own| matches!(own.phase, Phase::Saving { .. }));
        Status {
            state,
            token: self.serving.token(now),
            freshness: facts.freshness,
            deviations: self.serving.current().map(|issued| issued.deviations.clone()).unwrap_or_default(),
            in_flight: facts.in_flight,
            is_read: self.knowledge == Knowledge::Read,
            setback: is_blocked.then(|| self.failure(blocked, &at_rest, now)),
            sign_in_needed,
            unsaved: self.is_unsaved(shared) && !saving,
            saving: facts.saving_is_due || saving,
            next_change: self.next_change(&facts, shared, now),
            generation: self.serving.current().map(|issued| issued.generation).unwrap_or_default(),
            failures: self.failure_count,
        }
    }

    /// Returns what a handle may serve without asking, if the table says to use a token and to begin nothing.
    pub(crate) fn publication(&mut self, shared: &SharedState, now: Now) -> Option<Arc<Published>> {
        if let Some(published) = self.serving.published(now) {
            return Some(published.clone());
        }
        self.serving.unpublish();
        // What an overdue flight would have brought is known when it was ended, which the next decision does.
        if self.in_flight.as_ref().is_some_and(|own| own.deadline <= now.boot) {
            return None;
        }
        let facts = self.facts(shared, None, now);
        // Only events of this key and time may change it; a success of another key may open a closed gate.
        let is_steady = match facts.state() {
            State::Fresh | State::StaleInFlight => true,
            State::StaleBlocked => !facts.is_renewable || matches!(facts.gate, Gate::Dead(_)),
            _ => false,
        };
        let until = self.next_change(&facts, shared, now).unwrap_or(Duration::MAX);
        is_steady.then(|| self.serving.publish(until, now)).flatten()
    }

    /// Returns the moment on the boot clock at which the key should be looked at ahead of any caller.
    pub(crate) fn due(&self, shared: &SharedState, now: Now) -> Option<Duration> {
        let facts = self.facts(shared, None, now);
        match facts.state() {
            _ if self.in_flight.is_none() && self.is_unsaved(shared) => Some(self.save_at),
            State::ShuttingDown => None,
            // Another process may have signed in.
            State::SignedOut | State::RefreshTokenDead | State::NotSignedIn => {
                let is_shared = shared.storage == Storage::MultiProcess;
                self.read_at.filter(|_| is_shared).map(|read| read.saturating_add(SIGN_IN_ELSEWHERE))
            }
            state if state.begins_a_job() => Some(now.boot),
            _ if matches!(facts.gate, Gate::Dead(_)) => None,
            _ => self.next_change(&facts, shared, now),
        }
    }

    /// Records that a caller asked for the token.
    pub(crate) fn note_asked(&mut self) {
        self.serving.note_asked();
    }

    /// Returns whether the token was used since its last renewal, or something is left to be saved.
    pub(crate) fn wants_refresh_ahead(&self, shared: &SharedState) -> bool {
        self.serving.was_used() || self.is_unsaved(shared)
    }

    /// Returns whether anything is in flight or unsaved.
    pub(crate) fn is_busy(&self, shared: &SharedState) -> bool {
        self.in_flight.is_some() || self.is_unsaved(shared)
    }

    /// Returns the job that saves what the store does not hold, if nothing is in flight.
    pub(crate) fn save_now(&mut self, shared: &mut SharedState, now: Now) -> Option<Job> {
        self.end_overdue_flight(shared, now);
        if !self.is_unsaved(shared) || self.in_flight.is_some() {
            return None;
        }
        let flight = self.new_flight(None, shared);
        Some(self.save(flight, shared, now))
    }

    /// Records that another process has changed the record.
    pub(crate) fn changed_elsewhere(&mut self) {
        self.is_notified = true;
        self.serving.unpublish();
    }

    /// Returns whether the key can be evicted without losing data, or what was learned from failures.
    pub(crate) fn can_be_evicted(&self, shared: &SharedState) -> bool {
        let view = self.replica.view();
        let is_kept = shared.storage != Storage::None || view.refresh_token.is_none() && !view.signed_out;
        let has_past = self.failures.any() || self.serving.is_refused();
        !self.is_busy(shared) && !has_past && is_kept
    }
}
