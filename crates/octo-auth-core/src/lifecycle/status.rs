//! How a key stands, and what changed between two looks at it.

use super::failure::Failure;
use super::flight::Leg;
use super::issued::Token;
use super::record::Generation;
use super::validity::Freshness;
use super::view::{Gate, Knowledge};
use super::{Lifecycle, Row};
use crate::accounts::{Key, Registration};
use crate::time::Now;
use std::sync::Arc;
use std::time::Duration;

/// How a key stands at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// The row of the decision table that applies.
    pub row: Row,
    /// The token, while it can be served.
    pub token: Option<Token>,
    /// Whether the token can be served and whether its renewal is due; expired if there is none.
    pub freshness: Freshness,
    /// Whether something is under way.
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

impl Lifecycle {
    /// How the key stands.
    pub(crate) fn status(&self, registration: &Registration, now: Now) -> Status {
        let view = self.view(registration, None, now);
        let row = view.row();
        let sign_in_needed = match row {
            Row::SignedOut | Row::Final | Row::NotRenewable => true,
            _ => matches!(view.gate, Gate::Final(_)) && view.is_renewable,
        };
        let is_barred = sign_in_needed || row == Row::Unreadable || !matches!(view.gate, Gate::Open);
        let barred = match row {
            Row::Unreadable | Row::NotRenewable => row,
            _ => Row::Closed,
        };
        let at_rest = super::View { in_flight: false, ..view.clone() };
        let served = self.current.as_ref().filter(|_| view.freshness != Freshness::Expired);
        Status {
            row,
            token: served.map(|issued| Token::new(issued.clone(), self.is_refused)),
            freshness: view.freshness,
            in_flight: view.in_flight,
            is_read: matches!(self.knowledge, Knowledge::Read),
            setback: is_barred.then(|| self.failure(barred, &at_rest, now)),
            sign_in_needed,
            unsaved: self.unsaved.is_some(),
            saving: view.saving_is_due
                || self.flight.as_ref().is_some_and(|own| matches!(own.leg, Leg::Saving(_))),
            next_change: self.next_change(&view, registration, now),
            generation: self.current.as_ref().map(|issued| issued.generation).unwrap_or_default(),
            failures: self.failures,
        }
    }
}
