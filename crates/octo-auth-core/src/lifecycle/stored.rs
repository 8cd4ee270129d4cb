//! The store's part in a flight: reading, claiming, writing ahead, writing, and who wins when two have written.
//!
//! A shared store goes through all of these, a private one through writing ahead and writing:
//!
//! - claim: it spares work; it is not what keeps data safe;
//! - read again under the claim: a sibling may have renewed;
//! - write ahead that this refresh token is about to be used, by compare-and-swap;
//! - send;
//! - write the outcome by compare-and-swap; a conflict is settled by [`Record::winner`];
//! - put the token in force, release.
//!
//! A store that fails holds up no client grant. A refresh is not begun then: a rotated refresh token could not be
//! kept.

use std::sync::Arc;
use std::time::Duration;

use super::failure::Cause;
use super::flight::{Flight, Leg, Publication, UnderWay, Why};
use super::issued::Issued;
use super::job::{ClaimJob, Job, LoadJob, ReleaseJob, SaveJob, Ticket};
use super::record::{Attempt, Record, Stored, Winner};
use super::setback::{Pause, part};
use super::store::{Claimed, Saved, Storage, StoreFault};
use super::view::Knowledge;
use super::{Lifecycle, Row};
use crate::accounts::Registration;
use crate::time::Now;

/// How often a store is looked at while somebody else holds the claim; half of it to once and a half.
const WHILE_HELD: Duration = Duration::from_millis(500);

impl Lifecycle {
    /// Takes what was read.
    pub(super) fn loaded(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        why: Why,
        result: Result<Option<Box<Stored>>, StoreFault>,
        now: Now,
    ) -> Option<Job> {
        let is_known = self.knowledge == Knowledge::Read;
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
        self.doubt_is_ours |= matches!(why, Why::UnderClaim);
        match why {
            Why::First => {
                self.read_at = now.boot;
                if let (false, true, Some(trouble)) = (is_read, !is_known, self.trouble.last()) {
                    self.knowledge = Knowledge::Unreadable { until: trouble.until };
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
                self.rest(registration, Pause::Store, Cause::Exchange(error), now);
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
            Err(fault) => {
                flight.claim = None;
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
        (before, is_late): (Option<Attempt>, bool),
        result: Result<Saved, StoreFault>,
        now: Now,
    ) -> Option<Job> {
        // A sign-out or adoption meanwhile has put another record in the place of the one that was written.
        let is_ours = !self.record.signed_out && self.record.attempt().is_some();
        match result {
            Ok(Saved::Done(version)) => {
                self.version = Some(version);
                if is_ours && is_late {
                    // The claim may be over before the exchange is: it is not begun.
                    self.record.pending = before;
                    self.unsaved = Some(now.boot);
                }
                if !is_ours || is_late {
                    return self.land(registration, flight, now);
                }
                self.unsaved = None;
                self.note_saved();
                self.send(flight, registration, now)
            }
            Ok(Saved::Conflict(stored)) => {
                if is_ours {
                    self.record.pending = before;
                }
                self.merge(stored, registration, now);
                if self.is_due(&flight, registration, now) {
                    return self.write_ahead(flight, registration, now);
                }
                self.land(registration, flight, now)
            }
            Err(fault) => {
                if is_ours {
                    self.record.pending = before;
                }
                self.store_failed(fault, registration, now);
                self.land(registration, flight, now)
            }
        }
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
                if self.record.winner(&stored.record, self.is_decided_here) == Winner::Ours {
                    self.win_over(&stored);
                    return Some(self.save(flight, publication, now));
                }
                self.to_revoke = self.record.refresh_token.take().filter(|_| publication.is_some());
                self.adopt_stored(stored, registration, now);
                return self.land(registration, flight, now);
            }
            Err(fault) => {
                self.store_failed(fault, registration, now);
                self.unsaved = self.trouble.last().map(|trouble| trouble.until);
            }
        }
        // A sign-out or adoption meanwhile has made the token somebody else's.
        let in_force = |own: &Self, publication: &Publication| {
            publication.issued.generation == own.record.generation && !own.record.signed_out
        };
        if let Some(publication) = publication.filter(|publication| in_force(self, publication)) {
            self.publish(publication, registration, now);
        }
        self.land(registration, flight, now)
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
        self.save(Flight::new(registration.number(), false), None, now)
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
    pub(super) fn land(&mut self, registration: &mut Registration, flight: Flight, now: Now) -> Option<Job> {
        registration.landed(flight.id);
        self.published = None;
        if self.unsaved.is_some_and(|due| due <= now.boot) && registration.storage != Storage::None {
            return Some(self.save(flight, None, now));
        }
        if let Some(owner) = flight.claim {
            let ticket = Ticket { key: self.key.clone(), flight: flight.id, leg: flight.legs + 1 };
            return Some(Job::Release(ReleaseJob { ticket, owner }));
        }
        self.revoke_next(registration, now)
    }

    pub(super) fn read_first(&mut self, registration: &mut Registration, now: Now) -> Job {
        self.read(Flight::new(registration.number(), false), Why::First, Duration::ZERO, now)
    }

    pub(super) fn read(&mut self, flight: Flight, why: Why, after: Duration, now: Now) -> Job {
        let ticket = self.depart(flight, Leg::Reading(why), after + Registration::SAVING, now);
        Job::Load(LoadJob { ticket, after })
    }

    pub(super) fn claim(&mut self, mut flight: Flight, registration: &mut Registration, now: Now) -> Job {
        let owner: String = registration.dice.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        flight.claim = Some(owner.clone());
        let ticket = self.depart(flight, Leg::Claiming, Registration::SAVING, now);
        Job::Claim(ClaimJob { ticket, owner, lasting: registration.longest_flight() })
    }

    /// Writes the record; whatever changes it until then has it written again.
    fn save(&mut self, flight: Flight, publication: Option<Publication>, now: Now) -> Job {
        self.unsaved = None;
        let ticket = self.depart(flight, Leg::Saving(publication), Registration::SAVING, now);
        Job::Save(SaveJob { ticket, expected: self.version, record: self.record.clone() })
    }

    /// Begins the next leg of a flight, which may take so long.
    pub(super) fn depart(&mut self, mut flight: Flight, leg: Leg, may_take: Duration, now: Now) -> Ticket {
        flight.legs += 1;
        let ticket = Ticket { key: self.key.clone(), flight: flight.id, leg: flight.legs };
        self.flight = Some(UnderWay { flight, leg, deadline: now.boot.saturating_add(may_take) });
        ticket
    }

    /// Whether the renewal of a flight is still due.
    fn is_due(&self, flight: &Flight, registration: &Registration, now: Now) -> bool {
        let row = self.view(registration, Some(flight.id), now).row();
        matches!(row, Row::Renewing | Row::Expired | Row::RefusedRenewing)
    }

    fn note_saved(&mut self) {
        self.is_decided_here &= self.unsaved.is_some();
        self.trouble.clear();
    }

    pub(super) fn store_failed(&mut self, fault: StoreFault, registration: &mut Registration, now: Now) {
        let remedy = crate::error::Remedy::TryLater { after: Duration::ZERO };
        let Registration { dice, .. } = registration;
        self.trouble.note(Pause::Store, Cause::Store(fault), remedy, dice, now.boot);
    }

    /// Takes over what the store holds, if it is to win over what is held here.
    fn merge(&mut self, stored: Option<Box<Stored>>, registration: &mut Registration, now: Now) {
        self.knowledge = Knowledge::Read;
        self.read_at = now.boot;
        let Some(stored) = stored else {
            self.version = None;
            return;
        };
        let is_known = self.version == Some(stored.version);
        if is_known {
            return;
        }
        if self.record.winner(&stored.record, self.is_decided_here) == Winner::Ours {
            if self.record.attempt().is_none() && stored.record.fingerprint() == self.record.fingerprint() {
                self.note_attempt(stored.record.pending, now);
            }
            self.win_over(&stored);
            return;
        }
        self.adopt_stored(stored, registration, now);
    }

    /// Keeps ours, to be written over what the store holds; a sign-out takes what is there along.
    fn win_over(&mut self, stored: &Stored) {
        self.version = Some(stored.version);
        if self.record.signed_out && self.to_revoke.is_none() {
            self.to_revoke.clone_from(&stored.record.refresh_token);
        }
    }

    fn adopt_stored(&mut self, stored: Box<Stored>, registration: &mut Registration, now: Now) {
        let Stored { record, version } = *stored;
        if record.fingerprint() != self.record.fingerprint() {
            self.setbacks.clear();
            self.refusal = None;
        }
        self.put(record, registration, now);
        self.version = Some(version);
        (self.unsaved, self.is_decided_here) = (None, false);
    }

    /// Puts a record in the place of the present one. Its token is trusted for its own lifetime from now at most,
    /// and somebody's renewal holds us no longer than its own deadline from now.
    pub(super) fn put(&mut self, record: Record, registration: &mut Registration, now: Now) {
        let token = record.token.clone();
        self.jitter = registration.dice.fraction();
        self.current = token.map(|tokens| {
            let validity = self.validity_of(&tokens, now, registration);
            Arc::new(Issued::new(tokens, record.generation, validity, Vec::new()))
        });
        let pending = record.pending;
        self.record = record;
        self.note_attempt(pending, now);
        self.knowledge = Knowledge::Read;
        self.read_at = now.boot;
        self.is_refused = false;
        self.published = None;
    }

    /// Takes over an attempt that the store tells of: whose it is, and whether it is under way still, is not known.
    fn note_attempt(&mut self, attempt: Option<Attempt>, now: Now) {
        self.record.pending = attempt;
        self.doubt_is_ours = false;
        self.doubt_until = match attempt {
            Some(attempt) => {
                let whole = attempt.deadline.saturating_since(attempt.begun);
                now.boot.saturating_add(attempt.deadline.saturating_since(now.wall).min(whole))
            }
            None => Duration::ZERO,
        };
    }
}
