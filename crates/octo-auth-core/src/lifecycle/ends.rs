//! How the flights of one key end: each report, and what it leaves behind.
//!
//! | event | record | afterwards | callers |
//! |---|---|---|---|
//! | another access token, not expired | generation + 1, published once saved; marker cleared | open; if already soft, closed 30 s | new token |
//! | the same access token again | generation kept, hard = the later one | closed lead/4, not beyond its end, but 30 s at least | current if F/S, else error |
//! | expired on arrival | refresh token stored, not published | backoff | old if F/S, else error |
//! | unusable, but with a refresh token | the refresh token is stored | backoff or cooldown | old if F/S, else error |
//! | not sent | marker cleared | backoff, registration-wide | old if F/S, else error |
//! | ambiguous, past its deadline | marker kept | backoff | old if F/S, else error |
//! | carrier lost | marker kept | refresh: as ambiguous; client grant: open the first time, then backoff | old if F/S, else ask again |
//! | throttled, other 5xx, 408, 425 | marker cleared if the error is in the provider's own shape | backoff, at least what it told | old if F/S, else error |
//! | invalid_grant | the store is read again: another refresh token is adopted; else final for this one | final | old if F/S, else sign in |
//! | refresh refused without a known code | marker cleared | cooldown; from the third in a row: sign in again | old if F/S, else error |
//! | wrong client, scope or address | marker cleared | cooldown | old if F/S, else fix the configuration |
//! | saving failed | kept in memory, saving tried again | open | new token |
//! | signed out meanwhile | not published, revoked if the provider can | signed out | sign in |
//!
//! A refresh token that was read from an answer is never dropped: it is in the record before anything else happens.
//! An answer counts for the refresh token it was asked with, and for no other; a late failure counts for nothing.

use std::sync::Arc;
use std::time::Duration;

use super::Lifecycle;
use super::failure::Cause;
use super::flight::{Flight, Leg, Publication, UnderWay, Why};
use super::issued::Issued;
use super::job::{Answered, Job, Outcome, ReleaseJob, Renewal, SendJob, Ticket};
use super::record::{Attempt, Failed, Fingerprint, Generation, Terminal};
use super::setback::{BACKOFF, Blame, Pause, blame};
use super::step::Step;
use super::store::{Claimed, Storage, StoreFault};
use super::validity::{Freshness, Validity, ValidityTerms};
use super::view::Knowledge;
use crate::accounts::{Asking, Registration};
use crate::error::{ExchangeError, Remedy};
use crate::exchange::Answer;
use crate::grant::TokenTypeHint;
use crate::secret::Secret;
use crate::time::Now;
use crate::token::TokenSet;

/// How long the gate stays closed after a renewal that changed nothing or is due again at once, at least.
const REST: Duration = Duration::from_secs(30);

/// What a store has done that was not heard of in time.
pub(super) const SLOW: &str = "the store did not answer in time";

impl Lifecycle {
    /// Takes the outcome of a job; the answer is the next job.
    pub(crate) fn report(
        &mut self,
        registration: &mut Registration,
        ticket: &Ticket,
        outcome: Outcome,
        now: Now,
    ) -> Option<Job> {
        let fits = |own: &mut UnderWay| own.flight.id == ticket.flight && own.flight.legs == ticket.leg;
        let Some(UnderWay { flight, leg, deadline }) = self.flight.take_if(fits) else {
            return self.take_late(registration, outcome, now);
        };
        let is_late = deadline <= now.boot;
        match (leg, outcome) {
            // A claim that was granted too late may be over before the exchange is.
            (Leg::Claiming, Outcome::Claimed(Ok(Claimed::Granted))) if is_late => {
                self.store_failed(StoreFault::new(SLOW), registration, now);
                self.land(registration, flight, now)
            }
            (Leg::Reading(why), Outcome::Loaded(result)) => {
                self.loaded(registration, flight, (why, is_late), result, now)
            }
            (Leg::Claiming, Outcome::Claimed(result)) => self.claimed(registration, flight, result, now),
            (Leg::Marking { before, lineage }, Outcome::Saved(result)) => {
                self.marked(registration, flight, (before, lineage, is_late), result, now)
            }
            (Leg::Counting { sent }, Outcome::Saved(result)) => {
                self.counted(registration, flight, (sent, is_late), result, now)
            }
            (Leg::Saving(publication), Outcome::Saved(result)) => {
                self.saved(registration, flight, publication, result, now)
            }
            (Leg::Sending { .. }, Outcome::Answered(answered)) => {
                self.answered(registration, flight, *answered, now)
            }
            // Whoever carried it is gone, or brought something else.
            (leg, _) => {
                // What a client grant lost with its carrier can be asked for again at once; once, lest a carrier that
                // always fails does so all the time.
                let is_first = self.key.is_client_grant() && !self.setbacks.any();
                let pause = if is_first { Pause::Once } else { BACKOFF };
                self.give_up(registration, flight, leg, pause, now);
                None
            }
        }
    }

    /// Ends a flight of which nothing was heard within its time.
    pub(super) fn end_overdue_flight(&mut self, registration: &mut Registration, now: Now) {
        if let Some(UnderWay { flight, leg, .. }) = self.flight.take_if(|own| own.deadline <= now.boot) {
            self.give_up(registration, flight, leg, BACKOFF, now);
        }
    }

    /// Ends a flight whose carrier is gone. There is nobody to carry another job: what is left to be saved is left to
    /// whoever asks next, what is left to be revoked to the next report, and the claim to the next flight, which has the
    /// same owner.
    fn give_up(
        &mut self,
        registration: &mut Registration,
        mut flight: Flight,
        leg: Leg,
        pause: Pause,
        now: Now,
    ) {
        registration.landed(flight.id);
        self.give_back(&mut flight, registration);
        self.published = None;
        if let Leg::Sending { refresh_token } = leg {
            registration.budget.failed(false, now.boot);
            self.failures = self.failures.saturating_add(1);
            if refresh_token == self.record.fingerprint() || self.key.is_client_grant() {
                self.rest(registration, pause, Cause::Lost, now);
            }
            return;
        }
        self.store_failed(StoreFault::new(SLOW), registration, now);
        match leg {
            Leg::Reading(Why::First) => self.note_unreadable(now),
            Leg::Reading(Why::AfterRefusal { error, refresh_token }) => {
                self.refused_unread(registration, error, refresh_token, now);
            }
            Leg::Marking { before, .. } => self.unmark(before, now),
            // Nothing was sent, and the marker is in the store.
            Leg::Counting { .. } if self.record.attempt().is_some() => {
                self.record.attempt_failed(Failed::Clearly);
                self.note_unsaved();
            }
            Leg::Saving(publication) => {
                self.note_unsaved();
                self.put_in_force(publication, registration, now);
            }
            Leg::Reading(Why::UnderClaim | Why::WhileHeld)
            | Leg::Claiming
            | Leg::Counting { .. }
            | Leg::Sending { .. } => {}
        }
    }

    /// Takes the answer of an exchange.
    fn answered(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        answered: Answered,
        now: Now,
    ) -> Option<Job> {
        let Answered { result, sent, attempt } = answered;
        let refresh_token = attempt.map(|attempt| attempt.refresh_token);
        if self.record.signed_out {
            self.revoke_brought(&result, refresh_token);
            match result {
                Ok(_) => registration.succeeded(sent),
                Err(error) => Self::blame_endpoint(registration, &flight, error, now),
            }
            return self.land(registration, flight, now);
        }
        let is_ours = refresh_token == self.record.fingerprint() || self.key.is_client_grant();
        // A late answer was faster; of two successors of one refresh token the one asked for last is the newer.
        let is_sibling = refresh_token.is_some() && refresh_token == self.record.parent;
        match result {
            Ok(answer) if is_ours || is_sibling => {
                self.succeeded(registration, flight, answer, (sent, attempt), now)
            }
            Err(error) if is_ours => self.failed(registration, flight, (error, attempt), now),
            Err(error) if is_sibling && error.salvaged_refresh_token().is_some() => {
                self.take_refresh_token(error.salvaged_refresh_token().cloned(), attempt);
                self.save_then_publish(registration, flight, None, now)
            }
            Err(error) => {
                Self::blame_endpoint(registration, &flight, error, now);
                self.land(registration, flight, now)
            }
            Ok(_) => {
                registration.succeeded(sent);
                self.land(registration, flight, now)
            }
        }
    }

    /// Takes from a failure that is no longer about this key what it says of the endpoint.
    fn blame_endpoint(registration: &mut Registration, flight: &Flight, error: ExchangeError, now: Now) {
        let Blame { registration_wide, pause, .. } = blame_of(flight, &error);
        registration.budget.failed(registration_wide, now.boot);
        if let (true, Some(pause)) = (registration_wide, pause) {
            let (remedy, cause) = (error.remedy(), Cause::from(error));
            let Registration { dice, setbacks, .. } = registration;
            setbacks.note(pause, cause, remedy, dice, now.boot);
        }
    }

    fn succeeded(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        answer: Answer<TokenSet>,
        (sent, attempt): (Now, Option<Attempt>),
        now: Now,
    ) -> Option<Job> {
        registration.succeeded(sent);
        self.knowledge = Knowledge::Read;
        let Answer { value: mut tokens, deviations, .. } = answer;
        self.take_refresh_token(tokens.refresh_token.take(), attempt);
        self.record.attempt_succeeded(attempt);
        if flight.is_forced() {
            self.forcing.close(now);
        }
        let again = self.current.as_ref().filter(|current| current.is_same(tokens.access_token()));
        let is_new = again.is_none();
        // By both clocks: neither may make what is known of its end later. Where the answer does not either, all stays as
        // it is: with a lifetime that is what is left, the guard would shrink.
        let left =
            |own: &Issued| own.validity.lifetime().map(|life| life.saturating_sub(own.validity.age(sent)));
        let prolongs = |left: Duration| tokens.lifetime.is_some_and(|given| given > left);
        let kept = again.filter(|own| left(own).is_some_and(|left| !prolongs(left))).cloned();
        if let Some(kept) = &kept {
            tokens = kept.tokens.clone();
        }
        let number = self.record.generation.number.saturating_add(u64::from(is_new));
        let generation = Generation { number, ..self.record.generation };
        if is_new {
            self.jitter = registration.dice.fraction();
        }
        let mut validity =
            kept.map_or_else(|| self.validity_of(&tokens, sent, registration), |kept| kept.validity);
        if validity.freshness(now) == Freshness::Expired {
            // It stays so, wherever the clocks are set to.
            tokens.lifetime = Some(Duration::ZERO);
            validity = self.validity_of(&tokens, sent, registration);
        }
        let issued = Arc::new(Issued::new(tokens, generation, validity, deviations, self.key.grant()));
        if !is_new {
            // What was told of the end of a token that is known already holds at once.
            self.current = Some(issued.clone());
            self.published = None;
            self.record.token = None;
        }
        if issued.validity.freshness(now) == Freshness::Expired {
            // Not even kept: the next start, whose boot clock knows nothing of the way it took here, might take it for
            // good by a wall clock that was set back.
            self.rest(registration, BACKOFF, Cause::ExpiredOnArrival, now);
            return self.save_then_publish(registration, flight, None, now);
        }
        self.record.token = Some(issued.tokens.clone());
        self.record.generation = generation;
        self.save_then_publish(registration, flight, Some(Publication { issued, is_new }), now)
    }

    /// Puts a token in force.
    pub(super) fn publish(&mut self, publication: Publication, registration: &mut Registration, now: Now) {
        let Publication { issued, is_new } = publication;
        self.setbacks.clear();
        self.refusal = None;
        let lifetime = issued.validity.lifetime();
        if !is_new {
            // The lead is at most half of the lifetime, so a quarter of it at most an eighth.
            let lead =
                lifetime.zip(issued.validity.renewal_due_age()).map(|(hard, soft)| hard.saturating_sub(soft));
            // Not beyond the token's end: then there is nothing to serve, and another token to be had.
            let left =
                issued.validity.served_until_age().map(|end| end.saturating_sub(issued.validity.age(now)));
            let quarter = lead.unwrap_or_default() / 4;
            let rest = left.map_or(quarter, |left| quarter.min(left)).max(REST);
            self.rest(registration, Pause::Rest(rest), Cause::SameTokenAgain, now);
        } else if issued.validity.freshness(now) != Freshness::Fresh {
            self.rest(registration, Pause::Rest(REST), Cause::RenewedJustNow, now);
        }
        self.is_refused &= !is_new;
        self.current = Some(issued);
        self.was_asked_for &= !is_new;
        self.published = None;
    }

    fn failed(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        (error, attempt): (ExchangeError, Option<Attempt>),
        now: Now,
    ) -> Option<Job> {
        let Blame { registration_wide, pause, ambiguous, untouched, unexplained } = blame_of(&flight, &error);
        let salvaged = error.salvaged_refresh_token().cloned();
        let was_salvaged = salvaged.is_some();
        let remedy = self.setbacks.unexplained(unexplained).unwrap_or_else(|| error.remedy());
        registration.budget.failed(registration_wide, now.boot);
        self.failures = self.failures.saturating_add(1);
        (self.doubt_until, self.doubt_is_ours) = (now.boot, true);
        let error = Arc::new(error);
        if flight.is_forced() && !matches!(pause, Some(Pause::Backoff { .. })) {
            self.forcing.close(now);
        }
        let Some(pause) = pause else {
            if registration.storage == Storage::None {
                return self.end_for_good(registration, flight, error, now);
            }
            let why = Why::AfterRefusal { error, refresh_token: self.record.fingerprint() };
            return Some(self.read(flight, why, Duration::ZERO, now));
        };
        self.take_refresh_token(salvaged, attempt);
        if !was_salvaged {
            self.record.attempt_failed(match (untouched, ambiguous) {
                (true, _) => Failed::Clearly,
                (false, false) => Failed::Probably,
                (false, true) => Failed::InDoubt,
            });
        }
        let Registration { dice, setbacks, .. } = registration;
        let setbacks = if registration_wide { setbacks } else { &mut self.setbacks };
        setbacks.note(pause, Cause::Exchange(error), remedy, dice, now.boot);
        if ambiguous && !was_salvaged || self.key.is_client_grant() {
            return self.land(registration, flight, now);
        }
        self.save_then_publish(registration, flight, None, now)
    }

    /// Takes the refresh token for dead.
    pub(super) fn end_for_good(
        &mut self,
        registration: &mut Registration,
        flight: Flight,
        error: Arc<ExchangeError>,
        now: Now,
    ) -> Option<Job> {
        self.declare_dead(error);
        self.save_then_publish(registration, flight, None, now)
    }

    /// Notes that the server takes the refresh token no more.
    pub(super) fn declare_dead(&mut self, error: Arc<ExchangeError>) {
        let after_doubt = self.record.attempt().is_some_and(|attempt| attempt.after_doubt);
        self.record.terminal =
            Some(if after_doubt { Terminal::RefusedAfterDoubt } else { Terminal::Refused });
        // What was in doubt before stays so: another client may open the key again.
        self.record.attempt_failed(Failed::Clearly);
        self.refusal = Some(Cause::Exchange(error));
    }

    /// Takes what arrives when nothing is waited for: the ends of releases and revocations, and answers of flights
    /// that were given up, which may hold the only rotated refresh token.
    fn take_late(&mut self, registration: &mut Registration, outcome: Outcome, now: Now) -> Option<Job> {
        let answered = match outcome {
            Outcome::Released | Outcome::Revoked => return self.revoke_next(registration, now),
            Outcome::Answered(answered) => *answered,
            // It would stand in the way of the others until its end.
            Outcome::Claimed(Ok(Claimed::Granted)) if self.flight.is_none() => {
                let (key, flight) = (self.key.clone(), registration.number());
                let ticket = Ticket { key, flight, leg: 0, step: Step::Release };
                return Some(Job::Release(ReleaseJob { ticket, owner: registration.owner.clone() }));
            }
            Outcome::Loaded(_) | Outcome::Claimed(_) | Outcome::Saved(_) | Outcome::Lost => return None,
        };
        let Answered { result, sent, attempt } = answered;
        let refresh_token = attempt.map(|attempt| attempt.refresh_token);
        if self.record.signed_out {
            self.revoke_brought(&result, refresh_token);
            return self.flight.is_none().then(|| self.revoke_next(registration, now)).flatten();
        }
        let is_needed = match self.key.is_client_grant() {
            true => self.freshness(now) == Freshness::Expired,
            false => refresh_token == self.record.fingerprint(),
        };
        // That of an earlier request is no news.
        let is_older = self.current.as_ref().is_some_and(|own| own.validity.issued().boot > sent.boot);
        match result {
            Ok(answer) if is_needed && !is_older && self.flight.is_none() => {
                let flight = Flight::new(registration.number(), None);
                self.succeeded(registration, flight, answer, (sent, attempt), now)
            }
            result if is_needed && !self.key.is_client_grant() => {
                let came = match result {
                    Ok(mut answer) => answer.value.refresh_token.take(),
                    Err(error) => error.salvaged_refresh_token().cloned(),
                };
                came.as_ref()?;
                self.take_refresh_token(came, attempt);
                self.save_soon(registration, now)
            }
            Ok(_) | Err(_) => None,
        }
    }

    /// Takes note of what an answer brought after a sign-out, as got with this refresh token.
    fn revoke_brought(
        &mut self,
        result: &Result<Answer<TokenSet>, ExchangeError>,
        used: Option<Fingerprint>,
    ) {
        let (refresh_token, access_token) = match result {
            Ok(Answer { value, .. }) => (value.refresh_token(), Some(value.access_token().as_secret())),
            Err(error) => (error.salvaged_refresh_token(), None),
        };
        let replaced = used.filter(|_| refresh_token.is_some());
        self.revoke_later(refresh_token.or(access_token).cloned(), replaced);
    }

    /// Takes note of what is to be revoked once nothing else is to be done: a refresh token takes along its access tokens
    /// and the refresh token whose place it has taken.
    pub(super) fn revoke_later(&mut self, token: Option<Secret>, parent: Option<Fingerprint>) {
        let Some(token) = token else { return };
        self.to_revoke.retain(|other| *other != token && Some(Fingerprint::of(other)) != parent);
        self.to_revoke.push(token);
    }

    /// The job that revokes what is to be revoked, where the provider can and the budget has room: best effort.
    pub(super) fn revoke_next(&mut self, registration: &mut Registration, now: Now) -> Option<Job> {
        let token = self.to_revoke.pop()?;
        let hint = match self.key.is_client_grant() {
            true => TokenTypeHint::AccessToken,
            false => TokenTypeHint::RefreshToken,
        };
        let asking = Asking { has_token: true, has_setback: false };
        let has_room = registration.budget.opens(&self.sent, asking) <= now.boot;
        let Some(exchange) = registration.client.revoke(&token, hint).ok().filter(|_| has_room) else {
            self.to_revoke.clear();
            return None;
        };
        registration.budget.draw_beside(now);
        let (key, flight) = (self.key.clone(), registration.number());
        let ticket = Ticket { key, flight, leg: 0, step: Step::revocation() };
        let deadline = registration.policy.exchange_deadline();
        let renewal = Box::new(Renewal::Revocation(exchange));
        Some(Job::Send(SendJob { ticket, renewal, attempt: None, deadline }))
    }

    /// Puts a refresh token that came over the one it came for, by this use of it.
    pub(super) fn take_refresh_token(&mut self, came: Option<Secret>, attempt: Option<Attempt>) {
        let Some(came) = came.filter(|_| !self.key.is_client_grant()) else { return };
        let own = self.record.fingerprint();
        if own != Some(Fingerprint::of(&came)) {
            self.record.parent = own;
            self.record.refresh_token = Some(came);
            self.record.pending = None;
        }
        self.record.terminal = None;
        self.record.attempt_succeeded(attempt);
    }

    /// Closes the key for a while, for another reason than a failed exchange.
    pub(super) fn rest(&mut self, registration: &mut Registration, pause: Pause, cause: Cause, now: Now) {
        let remedy = Remedy::TryLater { after: Duration::ZERO };
        self.setbacks.note(pause, cause, remedy, &mut registration.dice, now.boot);
    }

    pub(super) fn validity_of(
        &self,
        tokens: &TokenSet,
        issued: Now,
        registration: &Registration,
    ) -> Validity {
        let terms = ValidityTerms {
            lifetime: tokens.lifetime(),
            hint: tokens.renew_after(),
            lead: registration.policy.lead(),
            jitter: self.jitter,
        };
        Validity::new(Now { wall: tokens.issued_at(), ..issued }, &terms)
    }
}

/// What the failure of a flight's request means for the machine.
fn blame_of(flight: &Flight, error: &ExchangeError) -> Blame {
    if flight.is_for_earlier_client { blame(error).of_earlier_client() } else { blame(error) }
}
