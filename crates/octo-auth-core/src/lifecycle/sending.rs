//! The last that is looked at before a request is sent: whether it can be built, whether the endpoint is still open,
//! and whether the budget has room, which processes that share a store may have to write down first.

use std::sync::Arc;

use super::failure::Cause;
use super::flight::{Flight, Leg};
use super::job::{Job, SaveJob, SendJob};
use super::record::{Attempt, Failed};
use super::setback::Pause;
use super::store::{Saved, StoreFault};
use super::validity::Freshness;
use super::{Lifecycle, SECOND};
use crate::accounts::{Asking, Registration};
use crate::error::Remedy;
use crate::time::{Now, Timestamp};

impl Lifecycle {
    /// Sends the request of a flight, or writes it down among those of the fleet to send it then.
    pub(super) fn send(
        &mut self,
        mut flight: Flight,
        registration: &mut Registration,
        now: Now,
    ) -> Option<Job> {
        self.give_back(&mut flight, registration);
        let has_room = registration.budget.opens(&self.sent, self.asking(now)) <= now.boot;
        if let Some((fleet, window)) = registration.budget.fleet().filter(|_| has_room) {
            if self.trouble.closed(now.boot).is_none() {
                let (key, expected, record) = fleet.with_one_more(window, now);
                let leg = Leg::Counting { sent: record.sent.clone() };
                flight.drawn = Some(now.boot);
                registration.budget.draw(Some(&mut self.sent), now.boot);
                let ticket = self.depart(flight, leg, Registration::SAVING, now);
                return Some(Job::Save(SaveJob { ticket, key, expected, record: Box::new(record) }));
            }
            // Only a client grant comes here without the store, and waits for it no more.
            fleet.note_untold(now);
        }
        self.send_if(has_room, flight, registration, now)
    }

    /// Takes what became of writing a request down among those of the fleet.
    pub(super) fn counted(
        &mut self,
        registration: &mut Registration,
        mut flight: Flight,
        (sent, is_late): (Vec<Timestamp>, bool),
        result: Result<Saved, StoreFault>,
        now: Now,
    ) -> Option<Job> {
        self.give_back(&mut flight, registration);
        // A sign-out or adoption meanwhile has put another record in the place of the one that is to be renewed.
        let is_ours =
            !self.record.signed_out && (self.key.is_client_grant() || self.record.attempt().is_some());
        let mut is_counted = true;
        if let Some((fleet, _)) = registration.budget.fleet() {
            match &result {
                Ok(Saved::Done(version)) => fleet.wrote(&sent, *version, now),
                Ok(Saved::Conflict(stored)) => {
                    fleet.saw(stored.as_deref(), now);
                    is_counted = false;
                }
                Err(_) if self.key.is_client_grant() => fleet.note_untold(now),
                // A refresh token is not used while nothing can be written down.
                Err(_) => is_counted = false,
            }
        }
        let was_faster = matches!(result, Ok(Saved::Conflict(_)));
        let is_in_time = !is_late || result.is_err();
        if let Err(fault) = result {
            self.store_failed(fault, registration, now);
        }
        match is_ours {
            false => self.land(registration, flight, now),
            true if was_faster && self.has_time_to_count(is_late, registration, now) => {
                self.send(flight, registration, now)
            }
            true => {
                // Written down was the latest moment at which it may be sent.
                let is_open = registration.budget.opens_here(&self.sent, self.asking(now)) <= now.boot;
                self.send_if(is_counted && is_in_time && is_open, flight, registration, now)
            }
        }
    }

    /// Whether a request that is counted once more can end before the time that its marker names. Where counting stood
    /// still the wall clock alone cannot tell: it may have been set back meanwhile.
    fn has_time_to_count(&self, is_late: bool, registration: &Registration, now: Now) -> bool {
        let needed = registration.policy.exchange_deadline() + SECOND + Registration::SAVING;
        let left = |attempt: &Attempt| attempt.deadline.saturating_since(now.wall);
        let has_time = !is_late && self.record.attempt().is_some_and(|attempt| left(attempt) >= needed);
        has_time || self.key.is_client_grant()
    }

    /// Sends the request of a flight, if the budget has room, the request can be built and the endpoint was not closed
    /// while the store was asked.
    fn send_if(
        &mut self,
        has_room: bool,
        flight: Flight,
        registration: &mut Registration,
        now: Now,
    ) -> Option<Job> {
        let is_open = has_room
            && !registration.shutting_down
            && registration.closed(Some(flight.id), now.boot).is_none();
        let renewal = match self.key.renewal(&registration.client, self.record.refresh_token.as_ref()) {
            Ok(renewal) if is_open => Box::new(renewal),
            unsent => {
                if let Err(error) = unsent {
                    let cause = Cause::Request(Arc::new(error));
                    let Registration { dice, .. } = registration;
                    self.setbacks.note(Pause::Cooldown, cause, Remedy::FixConfiguration, dice, now.boot);
                }
                if self.record.attempt().is_none() {
                    return self.land(registration, flight, now);
                }
                self.record.attempt_failed(Failed::Clearly);
                return self.save_then_publish(registration, flight, None, now);
            }
        };
        registration.budget.draw(Some(&mut self.sent), now.boot);
        let deadline = registration.policy.exchange_deadline();
        let attempt = self.record.attempt().copied();
        let refresh_token = attempt.map(|attempt| attempt.refresh_token);
        // A little more than the carrier has, so that its own account of a time-out comes first.
        let patience = deadline + SECOND;
        let ticket = self.depart(flight, Leg::Sending { refresh_token }, patience, now);
        (self.doubt_until, self.doubt_is_ours) = (now.boot.saturating_add(deadline), true);
        self.unsent = None;
        Some(Job::Send(SendJob { ticket, renewal, attempt, deadline }))
    }

    /// Gives back what a flight has drawn without sending.
    pub(super) fn give_back(&mut self, flight: &mut Flight, registration: &mut Registration) {
        if let Some(drawn) = flight.drawn.take() {
            registration.budget.give_back(&mut self.sent, drawn);
        }
    }

    /// As whom this key asks for a slot of the budget.
    fn asking(&self, now: Now) -> Asking {
        let has_token = self.freshness(now) != Freshness::Expired;
        Asking { has_token, has_setback: self.setbacks.any() }
    }
}
