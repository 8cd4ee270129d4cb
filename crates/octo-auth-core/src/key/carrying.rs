//! The carriers of jobs: when a carrier begins a job, and how long to wait for an overdue one.

use std::time::Duration;

use super::KeyState;
use super::flight::{Flight, InFlight, JobState, Phase};
use super::job::Ticket;
use super::operation::Origin;
use super::state::Knowledge;
use crate::error::{BACKOFF, Pause, Remedy};
use crate::failure::Cause;
use crate::profile::Replay;
use crate::registration::SharedState;
use crate::time::Now;
use crate::validity::Freshness;

/// How long to wait for an overdue carrier, counted from the first look at it.
const LAST_CHANCE: Duration = Duration::from_secs(2);

/// If a look comes this long after a deadline, the process was not able to look in time.
const SECOND: Duration = Duration::from_secs(1);

impl KeyState {
    /// Ends a flight whose report did not come in time.
    pub(super) fn end_overdue_flight(&mut self, shared: &mut SharedState, now: Now) {
        if self.is_waited_for(shared, now) {
            return;
        }
        let overdue = self.in_flight.take_if(|own| own.deadline <= now.boot);
        let Some(InFlight { flight, phase, carrier, .. }) = overdue.map(|own| *own) else { return };
        match carrier {
            JobState::Waiting => self.not_begun(flight, &phase, shared, now),
            _ => self.give_up(flight, &phase, BACKOFF, shared, now),
        }
    }

    /// Returns whether to wait longer for an overdue flight. The process may have been stopped, or the
    /// carrier's runtime idle, and then the answer may have arrived without being read. A client grant is not
    /// waited for: it has no token family to lose.
    fn is_waited_for(&mut self, shared: &SharedState, now: Now) -> bool {
        let has_token = self.serving.freshness(now) != Freshness::Expired && !self.serving.is_refused();
        let Some(own) = self.in_flight.as_mut().filter(|own| own.deadline <= now.boot) else { return false };
        // While no caller needs another token, the refresh token is not sent again anyway.
        let is_of_no_use = has_token && own.is_refresh() && shared.replay() != Some(Replay::Always);
        let is_late = own.deadline.saturating_add(SECOND) <= now.boot;
        match own.carrier {
            JobState::Unknown | JobState::Waiting => false,
            _ if self.spec.is_client_grant() => false,
            JobState::AtWork | JobState::Overdue if is_of_no_use => true,
            JobState::Overdue if !is_late => false,
            JobState::AtWork | JobState::Overdue => {
                own.carrier = JobState::Overdue;
                own.deadline = now.boot.saturating_add(LAST_CHANCE);
                true
            }
        }
    }

    /// Records that a job waits for a carrier, which reports when it begins and what happened.
    pub(crate) fn hand_over(&mut self, ticket: &Ticket) {
        if let Some(own) = self.in_flight.as_mut().filter(|own| own.fits(ticket)) {
            own.carrier = JobState::Waiting;
        }
    }

    /// Begins a job: its time counts from now. Returns whether it must still be run.
    pub(crate) fn begin_job(&mut self, ticket: &Ticket, shared: &mut SharedState, now: Now) -> bool {
        let present = self.in_flight.take_if(|own| own.fits(ticket));
        let Some(mut own) = present else { return ticket.is_beside_the_flights() };
        if own.is_refresh() && own.flight.send_before <= now.boot {
            self.put_back(own.flight, &own.phase, shared, now);
            return false;
        }
        own.carrier = JobState::AtWork;
        own.deadline = now.boot.saturating_add(own.may_take);
        if let Phase::Sending { .. } = own.phase {
            let drawn = own.flight.drawn.take();
            own.flight.drawn = drawn.map(|drawn| shared.budget.redraw(&mut self.sent, drawn, now.boot));
            self.sighting.is_over_at(now.boot.saturating_add(shared.policy.exchange_deadline()));
        }
        self.in_flight = Some(own);
        true
    }

    /// Ends a flight whose present job found no carrier in time.
    pub(super) fn not_begun(&mut self, flight: Flight, phase: &Phase, shared: &mut SharedState, now: Now) {
        let later = Remedy::TryLater { after: Duration::ZERO };
        let served_until = self.served_until(now);
        let (history, pause) = match phase {
            Phase::Sending { .. } if !self.failures.any() => (&mut self.failures, Pause::Once),
            Phase::Sending { .. } => (&mut self.failures, BACKOFF),
            _ => (&mut self.store_failures, Pause::Store),
        };
        history.note(pause, (Cause::NotBegun, later), served_until, &mut shared.rng, now.boot);
        if let (Phase::Loading(_), true) = (phase, self.knowledge != Knowledge::Read) {
            self.knowledge = self.unreadable(now);
        }
        self.put_back(flight, phase, shared, now);
    }

    /// Ends a flight whose present job was not begun, as if the flight had not reached that job.
    fn put_back(&mut self, mut flight: Flight, phase: &Phase, shared: &mut SharedState, now: Now) {
        shared.flight_ended(flight.id);
        self.give_back(&mut flight, shared);
        self.serving.unpublish();
        match phase {
            Phase::Sending { origin: Origin::Refresh { attempt, .. } }
            | Phase::WritingAhead { attempt, .. } => self.end_attempt(Some(*attempt), shared, now),
            Phase::Counting { attempt, .. } => self.end_attempt(*attempt, shared, now),
            Phase::Saving { .. } => self.release_pending(shared, now),
            // The changes of the other process were not read.
            Phase::Loading(_) | Phase::Reloading => self.is_notified = true,
            Phase::Claiming | Phase::Sending { .. } => {}
        }
    }
}
