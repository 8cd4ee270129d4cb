//! The store's part in a flight: reading, claiming, writing ahead, writing.
//!
//! A shared store goes through all of these, a private one through writing ahead and writing:
//!
//! - claim: it spares work; it is not what keeps data safe;
//! - read again under the claim: a sibling may have renewed;
//! - write ahead that this refresh token is about to be used, by compare-and-swap;
//! - where a limit of requests is known, count this one with those of other processes, by compare-and-swap, see
//!   `sending`;
//! - send;
//! - write the outcome by compare-and-swap; a conflict is settled as `merge` says;
//! - put the token in force, release.
//!
//! A store that fails holds up no client grant. A refresh is not begun then: a rotated refresh token could not be
//! kept.

use std::sync::Arc;
use std::time::Duration;

use super::ends::SLOW;
use super::failure::Cause;
use super::flight::{Flight, Leg, Publication, UnderWay, Why};
use super::job::{ClaimJob, Job, LoadJob, ReleaseJob, SaveJob, Ticket};
use super::record::{Attempt, Decided, Failed, Fingerprint, Lineage, Stored};
use super::setback::{BACKOFF, Pause, part};
use super::step::Step;
use super::store::{Claimed, Saved, Storage, StoreFault};
use super::validity::Freshness;
use super::view::Knowledge;
use super::{Lifecycle, Row};
use crate::accounts::Registration;
use crate::error::ExchangeError;
use crate::time::Now;

/// How often a store is looked at while somebody else holds the claim; half of it to once and a half.
const WHILE_HELD: Duration = Duration::from_millis(500);

impl Lifecycle {
    /// Takes what was read.
    pub(super) fn loaded(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        (why, is_late): (Why, bool),
        result: Result<Option<Box<Stored>>, StoreFault>,
        now: Now,
    ) -> Option<Job> {
        let is_read = match result {
            Ok(stored) => {
                self.trouble.clear();
                self.merge(stored, registration, now);
                true
            }
            Err(fault) => {
                self.store_failed(fault, registration, now);
                false
            }
        };
        // Nobody else renews while the claim is ours: a renewal that was begun and not ended is one that was lost.
        self.doubt_is_ours |= matches!(why, Why::UnderClaim) && !is_late;
        match why {
            // The claim may be over before the exchange is: it is not begun, though what was read is known.
            Why::UnderClaim if is_late => {
                self.store_failed(StoreFault::new(SLOW), registration, now);
                self.land(registration, flight, now)
            }
            Why::First => {
                if !is_read {
                    self.note_unreadable(now);
                }
                self.land(registration, flight, now)
            }
            Why::UnderClaim if is_read && !self.is_due(&flight, registration, now) => {
                self.land(registration, flight, now)
            }
            Why::WhileHeld if is_read && self.is_due(&flight, registration, now) => {
                Some(self.claim(flight, registration, now))
            }
            Why::UnderClaim if is_read || self.key.is_client_grant() => {
                self.write_ahead(flight, registration, now)
            }
            Why::AfterRefusal { error, refresh_token } if refresh_token == self.record.fingerprint() => {
                if is_read {
                    return self.end_for_good(registration, flight, error, now);
                }
                self.refused_unread(registration, error, refresh_token, now);
                self.land(registration, flight, now)
            }
            Why::WhileHeld | Why::UnderClaim | Why::AfterRefusal { .. } => {
                self.land(registration, flight, now)
            }
        }
    }

    /// Takes what became of a claim.
    pub(super) fn claimed(
        &mut self,
        registration: &mut Registration,
        mut flight: Flight,
        result: Result<Claimed, StoreFault>,
        now: Now,
    ) -> Option<Job> {
        match result {
            Ok(Claimed::Granted) => Some(self.read(flight, Why::UnderClaim, Duration::ZERO, now)),
            Ok(Claimed::Held(_)) => {
                flight.claim = None;
                let after = WHILE_HELD / 2 + part(WHILE_HELD, registration.dice.fraction());
                Some(self.read(flight, Why::WhileHeld, after, now))
            }
            // It may be ours all the same, and is released then.
            Err(fault) => {
                self.store_failed(fault, registration, now);
                if self.key.is_client_grant() {
                    return self.write_ahead(flight, registration, now);
                }
                self.land(registration, flight, now)
            }
        }
    }

    /// Takes what became of writing ahead.
    pub(super) fn marked(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        (before, lineage, is_late): (Option<Attempt>, Lineage, bool),
        result: Result<Saved, StoreFault>,
        now: Now,
    ) -> Option<Job> {
        // A sign-out or adoption meanwhile has put another record in the place of the one that was written.
        let is_marked = self.record.attempt().is_some();
        let is_ours = is_marked && self.record.generation.lineage == lineage;
        match result {
            Ok(Saved::Done(version)) => {
                self.version = Some(version);
                if is_late || !is_ours {
                    // Late, the claim may be over before the exchange is: it is not begun.
                    self.unmark(before, now);
                    return self.land(registration, flight, now);
                }
                self.unsaved = None;
                self.note_saved();
                self.send(flight, registration, now)
            }
            Ok(Saved::Conflict(stored)) => {
                // An adoption of the same refresh token has taken the marker along.
                if is_marked {
                    self.record.pending = before;
                }
                self.merge(stored, registration, now);
                // What was written meanwhile is known as if it had been read under the claim, if that still holds.
                self.doubt_is_ours |= !is_late;
                if !is_late && self.is_due(&flight, registration, now) {
                    return self.write_ahead(flight, registration, now);
                }
                self.land(registration, flight, now)
            }
            Err(fault) => {
                self.unmark(before, now);
                self.store_failed(fault, registration, now);
                if self.unsaved.is_some() {
                    self.note_unsaved();
                }
                self.land(registration, flight, now)
            }
        }
    }

    /// The record could not be read; what is known already stays known.
    pub(super) fn note_unreadable(&mut self, now: Now) {
        self.read_at = now.boot;
        if self.knowledge != Knowledge::Read {
            let until = self.trouble.last().map_or(now.boot, |trouble| trouble.until);
            self.knowledge = Knowledge::Unreadable { until };
        }
    }

    /// The server refused this refresh token, and whether somebody has replaced it could not be read. Where nobody
    /// else writes, nobody has.
    pub(super) fn refused_unread(
        &mut self,
        registration: &mut Registration,
        error: Arc<ExchangeError>,
        refresh_token: Option<Fingerprint>,
        now: Now,
    ) {
        if refresh_token != self.record.fingerprint() {
            return;
        }
        if registration.storage == Storage::Private {
            self.declare_dead(error);
            self.note_unsaved();
            return;
        }
        self.record.attempt_failed(Failed::Clearly);
        self.rest(registration, Pause::Store, Cause::Exchange(error), now);
    }

    /// Takes what became of writing the record, and puts the token in force.
    pub(super) fn saved(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        publication: Option<Publication>,
        result: Result<Saved, StoreFault>,
        now: Now,
    ) -> Option<Job> {
        match result {
            Ok(Saved::Done(version)) => {
                self.version = Some(version);
                self.note_saved();
            }
            Ok(Saved::Conflict(None)) => {
                self.version = None;
                return Some(self.save(flight, publication, now));
            }
            Ok(Saved::Conflict(Some(stored))) => {
                if self.wins_over(&stored.record) {
                    // What was being written is not stored.
                    self.unsaved = Some(now.boot);
                    self.keep_ours(&stored, registration, now);
                    return Some(self.save(flight, publication, now));
                }
                // Revoking one refresh token of a sign-in ends them all, and theirs may come from ours by any number of
                // renewals: only what another sign-in gave is nobody's.
                let is_theirs = self.record.generation.lineage == stored.record.generation.lineage
                    || self.record.fingerprint() == stored.record.parent;
                let unrelated = self.record.refresh_token.clone().filter(|_| !is_theirs);
                self.revoke_later(unrelated, self.record.parent);
                self.adopt_stored(stored, registration, now);
                return self.land(registration, flight, now);
            }
            Err(fault) => {
                self.store_failed(fault, registration, now);
                self.note_unsaved();
            }
        }
        self.put_in_force(publication, registration, now);
        self.land(registration, flight, now)
    }

    /// The record was not written: it is tried again when the store is.
    pub(super) fn note_unsaved(&mut self) {
        self.decided.iter_mut().for_each(Decided::note_failed);
        self.unsaved = self.trouble.last().map(|trouble| trouble.until);
    }

    /// Publishes a token unless a sign-out or adoption meanwhile has made it somebody else's.
    pub(super) fn put_in_force(
        &mut self,
        publication: Option<Publication>,
        registration: &mut Registration,
        now: Now,
    ) {
        let generation = self.record.generation;
        let is_ours = |own: &Publication| own.issued.generation == generation;
        let Some(publication) = publication.filter(is_ours).filter(|_| !self.record.signed_out) else {
            return;
        };
        // Saving may have taken as long as the new token lived, and the old one still works. What was told of the end
        // of the same one holds for it.
        let is_over = publication.issued.validity.freshness(now) == Freshness::Expired;
        if is_over && publication.is_new && self.freshness(now) != Freshness::Expired {
            self.rest(registration, BACKOFF, Cause::ExpiredOnArrival, now);
        } else {
            self.publish(publication, registration, now);
        }
    }

    /// Writes the record, to put a token in force then; where there is no store, that is done at once.
    pub(super) fn save_then_publish(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        publication: Option<Publication>,
        now: Now,
    ) -> Option<Job> {
        if registration.storage != Storage::None {
            self.unsaved = Some(now.boot);
            return Some(self.save(flight, publication, now));
        }
        if let Some(publication) = publication {
            self.publish(publication, registration, now);
        }
        self.land(registration, flight, now)
    }

    /// Writes the record as it stands.
    pub(super) fn save_standing(&mut self, registration: &mut Registration, now: Now) -> Job {
        self.save(Flight::new(registration.number(), None), None, now)
    }

    /// Notes that the record is to be written, as soon as nothing is under way.
    pub(super) fn save_soon(&mut self, registration: &mut Registration, now: Now) -> Option<Job> {
        if registration.storage != Storage::None {
            self.unsaved = Some(now.boot);
            if self.flight.is_none() {
                return Some(self.save_standing(registration, now));
            }
        } else if self.flight.is_none() {
            return self.revoke_next(registration, now);
        }
        None
    }

    /// Ends a flight: what is left to be written is written, the claim released, what is left to revoke revoked.
    pub(super) fn land(
        &mut self,
        registration: &mut Registration,
        mut flight: Flight,
        now: Now,
    ) -> Option<Job> {
        registration.landed(flight.id);
        self.give_back(&mut flight, registration);
        self.published = None;
        if self.unsaved.is_some_and(|due| due <= now.boot) && registration.storage != Storage::None {
            return Some(self.save(flight, None, now));
        }
        if let Some(owner) = flight.claim {
            let (key, leg) = (self.key.clone(), flight.legs + 1);
            let ticket = Ticket { key, flight: flight.id, leg, step: Step::Release };
            return Some(Job::Release(ReleaseJob { ticket, owner }));
        }
        self.revoke_next(registration, now)
    }

    pub(super) fn read_first(&mut self, registration: &mut Registration, now: Now) -> Job {
        self.read(Flight::new(registration.number(), None), Why::First, Duration::ZERO, now)
    }

    pub(super) fn read(&mut self, flight: Flight, why: Why, after: Duration, now: Now) -> Job {
        let ticket = self.depart(flight, Leg::Reading(why), after + Registration::SAVING, now);
        Job::Load(LoadJob { ticket, after })
    }

    pub(super) fn claim(&mut self, mut flight: Flight, registration: &mut Registration, now: Now) -> Job {
        let owner = registration.owner.clone();
        flight.claim = Some(owner.clone());
        let ticket = self.depart(flight, Leg::Claiming, Registration::SAVING, now);
        Job::Claim(ClaimJob { ticket, owner, lasting: registration.longest_flight() })
    }

    /// Writes the record; whatever changes it until then has it written again.
    fn save(&mut self, flight: Flight, publication: Option<Publication>, now: Now) -> Job {
        self.unsaved = None;
        let ticket = self.depart(flight, Leg::Saving(publication), Registration::SAVING, now);
        self.write(ticket)
    }

    /// The job that writes the record as it stands.
    pub(super) fn write(&mut self, ticket: Ticket) -> Job {
        self.decided.iter_mut().for_each(Decided::note_writing);
        let record = Box::new(self.record.clone());
        Job::Save(SaveJob { ticket, key: self.key.clone(), expected: self.version, record })
    }

    /// Begins the next leg of a flight, which may take so long.
    pub(super) fn depart(&mut self, mut flight: Flight, leg: Leg, may_take: Duration, now: Now) -> Ticket {
        flight.legs += 1;
        let step = Step::of(&leg, &flight, &self.key);
        let ticket = Ticket { key: self.key.clone(), flight: flight.id, leg: flight.legs, step };
        self.flight = Some(UnderWay { flight, leg, deadline: now.boot.saturating_add(may_take) });
        ticket
    }

    /// Whether the renewal of a flight is still due.
    fn is_due(&self, flight: &Flight, registration: &Registration, now: Now) -> bool {
        let row = self.view(registration, Some(flight.id), now).row();
        matches!(row, Row::Renewing | Row::Expired | Row::RefusedRenewing)
    }

    fn note_saved(&mut self) {
        let stored = self.decided.take_if(|_| self.unsaved.is_none());
        // Not before: until then somebody may use it.
        if let Some((ended, parent)) = stored.filter(|_| self.record.signed_out).map(Decided::into_met) {
            self.revoke_later(ended, parent);
        }
        self.trouble.clear();
    }

    pub(super) fn store_failed(&mut self, fault: StoreFault, registration: &mut Registration, now: Now) {
        let remedy = crate::error::Remedy::TryLater { after: Duration::ZERO };
        let Registration { dice, .. } = registration;
        self.trouble.note(Pause::Store, Cause::Store(fault), remedy, dice, now.boot);
    }
}
