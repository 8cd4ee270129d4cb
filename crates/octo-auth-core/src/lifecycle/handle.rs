//! What the registration asks of a key: what may be served without asking, whether it was used, whether it is due.

use std::sync::Arc;
use std::time::Duration;

use super::issued::{Published, Token};
use super::job::Job;
use super::view::Gate;
use super::{Lifecycle, Row, Storage};
use crate::accounts::Registration;
use crate::time::Now;

impl Lifecycle {
    /// What a handle may serve without asking, if the table says to use a token and to run nothing.
    pub(crate) fn publication(&mut self, registration: &Registration, now: Now) -> Option<Arc<Published>> {
        if self.published.as_ref().is_some_and(|published| published.serves(now)) {
            return self.published.clone();
        }
        // What it would have put in force by now is known once the flight is ended, which whoever decides does.
        if self.flight.as_ref().is_some_and(|own| own.deadline <= now.boot) {
            return None;
        }
        let was_used = self.was_used();
        self.was_asked_for = was_used;
        self.published = None;
        let view = self.view(registration, None, now);
        // What only this key's own events and time can change; a success of another key may open a closed gate.
        let is_steady = match view.row() {
            Row::Fresh | Row::StaleInFlight => true,
            Row::StaleClosed => !view.is_renewable || matches!(view.gate, Gate::Final(_)),
            _ => false,
        };
        if !is_steady {
            return None;
        }
        let token = Token::new(self.current.clone()?, false);
        let until = self.next_change(&view, registration, now).unwrap_or(Duration::MAX);
        self.published = Some(Arc::new(Published::new(token, now, until)));
        self.published.clone()
    }

    /// Notes that a caller asked for the token.
    pub(crate) fn note_asking(&mut self) {
        self.was_asked_for = true;
    }

    /// Whether the token was used since its last renewal.
    fn was_used(&self) -> bool {
        self.was_asked_for || self.published.as_ref().is_some_and(|published| published.was_used())
    }

    /// Whether the token was used since its last renewal, or something is left to be saved.
    pub(crate) fn wants_tending(&self) -> bool {
        self.was_used() || self.unsaved.is_some()
    }

    /// The moment on the boot clock at which the key should be looked at to be kept warm.
    pub(crate) fn due(&self, registration: &Registration, now: Now) -> Option<Duration> {
        let view = self.view(registration, None, now);
        match view.row() {
            _ if self.flight.is_none() && self.unsaved.is_some() => self.unsaved,
            Row::ShuttingDown => None,
            Row::SignedOut | Row::Final | Row::NotRenewable => self.rereads(registration, now),
            Row::Unread | Row::Unsaved | Row::Renewing | Row::Expired | Row::RefusedRenewing => {
                Some(now.boot)
            }
            _ if matches!(view.gate, Gate::Final(_)) => None,
            _ => self.next_change(&view, registration, now),
        }
    }

    /// Whether anything is under way or unsaved.
    pub(crate) fn is_busy(&self) -> bool {
        self.flight.is_some() || self.unsaved.is_some()
    }

    /// The job that saves what the store does not hold, if nothing is under way.
    pub(crate) fn save_now(&mut self, registration: &mut Registration, now: Now) -> Option<Job> {
        self.end_overdue_flight(registration, now);
        let is_due = self.unsaved.is_some() && self.flight.is_none();
        is_due.then(|| self.save_standing(registration, now))
    }

    /// Whether nothing is lost by forgetting the key.
    pub(crate) fn can_be_given_up(&self, storage: Storage) -> bool {
        let is_kept =
            storage != Storage::None || self.record.refresh_token.is_none() && !self.record.signed_out;
        // Forgetting a setback, a refusal or a doubt would let through what they keep back; of what is dead, nothing would
        // be let through.
        let is_in_doubt = self.record.is_in_doubt() && self.record.terminal.is_none();
        let has_past = self.setbacks.any() || self.is_refused || is_in_doubt;
        !self.is_busy() && !has_past && is_kept
    }
}
