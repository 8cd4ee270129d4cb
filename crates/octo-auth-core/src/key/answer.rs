//! Effects of the answer to a request: operations on the record, and the account or client that a failure
//! counts against.

use std::sync::Arc;
use std::time::Duration;

use super::KeyState;
use super::flight::Flight;
use super::job::{Answered, Job, Outcome};
use super::operation::{Operation, Origin, Renewed};
use super::record::{Attempt, Fingerprint, Generation, OperationId, Pause};
use super::serving::validity;
use super::token::Issued;
use crate::error::{self, BACKOFF, Classification, ErrorKind, ExchangeError, Remedy, Scope};
use crate::exchange::Answer;
use crate::failure::Cause;
use crate::registration::{Evidence, SharedState};
use crate::store::{Claimed, Storage};
use crate::time::Now;
use crate::token::TokenSet;
use crate::validity::Freshness;

/// The shortest pause after a renewal that changed nothing, or after which the next one is due at once.
const REST: Duration = Duration::from_secs(30);

impl KeyState {
    pub(super) fn answered(
        &mut self,
        mut flight: Flight,
        answered: Answered,
        shared: &mut SharedState,
        now: Now,
    ) -> Option<Job> {
        let Answered { result, sent, origin } = answered;
        self.sighting.is_over_at(now.boot);
        let Some(origin) = origin else { return self.land(flight, shared, now) };
        // A request that never reached the server is returned to the budget at the end of the flight.
        let is_sent = !matches!(&result, Err(error) if *error.kind() == ErrorKind::NotSent);
        flight.drawn.take_if(|_| is_sent);
        match result {
            Ok(answer) => {
                if flight.is_forced() {
                    self.serving.block_forced(now);
                }
                self.succeeded(origin, answer, sent, shared, now);
            }
            Err(error) => self.failed(&flight, origin, error, shared, now),
        }
        self.land(flight, shared, now)
    }

    /// Processes a successful answer.
    fn succeeded(
        &mut self,
        origin: Origin,
        answer: Answer<TokenSet>,
        sent: Now,
        shared: &mut SharedState,
        now: Now,
    ) {
        shared.health.succeeded(sent);
        let Answer { value: mut tokens, deviations, .. } = answer;
        let refresh_token = tokens.refresh_token.take().filter(|_| !self.spec.is_client_grant());
        if let Some(before) = &self.replica.view().token {
            tokens.kept = tokens.kept.over(&before.kept);
        }
        let is_same = self.serving.current().is_some_and(|own| own.is_same(tokens.access_token()));
        let valid = validity(&tokens, sent, shared);
        // Do not store an expired token. After a restart only the wall clock is left, and if that was set
        // back, the token would look valid.
        let is_over = valid.freshness(now) == Freshness::Expired;
        let later = Remedy::TryLater { after: Duration::ZERO };
        if is_over {
            if self.is_present(origin) {
                self.note(BACKOFF, Cause::ExpiredOnArrival, later, shared, now);
            }
            let over = self.pause_over(now);
            if self.take(
                Operation::Renewed(Renewed { origin, refresh_token, token: None, over }),
                shared,
                now,
            ) {
                self.why_unusable = None;
            }
            return;
        }
        tokens.issuer = shared.requests.issuer.clone();
        let tokens = Arc::new(tokens);
        let (generation, token) = (self.generation_of(origin), Some(tokens.clone()));
        let issued =
            Issued::new(tokens, generation, valid, deviations, self.spec.grant(), shared.client.profile());
        let over = self.pause_over(now);
        let operation = Operation::Renewed(Renewed { origin, refresh_token, token, over });
        let id = OperationId::next(shared);
        // Another token may be waiting to be saved, and this one does not apply after it.
        if self.replica.generation_after(id, &operation) == generation {
            self.serving.expect(Arc::new(issued));
        }
        if !self.take(operation, shared, now) {
            return;
        }
        self.failures.clear_before(sent.boot);
        self.why_unusable = None;
        if is_same || valid.freshness(now) != Freshness::Fresh {
            let cause = if is_same { Cause::SameTokenAgain } else { Cause::RenewedJustNow };
            let lead =
                valid.lifetime().zip(valid.renewal_due_age()).map(|(life, due)| life.saturating_sub(due));
            let rest = if is_same { lead.unwrap_or_default() / 4 } else { Duration::ZERO };
            let (rest, end) = (error::Pause::Rest(rest.max(REST)), valid.end_on_boot(now));
            self.failures.note(rest, (cause, later), end, &mut shared.rng, now.boot);
        }
    }

    /// Returns the pause of the record if it has ended by the boot clock.
    fn pause_over(&self, now: Now) -> Option<Pause> {
        self.replica.view().pause.as_deref().copied().filter(|_| self.sighting.pause_until() <= now.boot)
    }

    /// Returns the generation of the token in the answer.
    fn generation_of(&self, origin: Origin) -> Generation {
        match origin {
            Origin::Refresh { attempt, .. } => {
                Generation { family: self.replica.view().family, number: attempt.number }
            }
            Origin::Client { family, number, .. } => Generation { family, number },
        }
    }

    /// Processes a failure: its effect on the record, and what it counts against.
    fn failed(
        &mut self,
        flight: &Flight,
        origin: Origin,
        error: ExchangeError,
        shared: &mut SharedState,
        now: Now,
    ) {
        let meaning = Classification::of(&error);
        let is_of_earlier_client = flight.client_epoch != shared.client_epoch;
        let meaning = if is_of_earlier_client { meaning.of_earlier_client() } else { meaning };
        // The forced renewal got an answer that does not just ask to try later.
        if flight.is_forced() && !matches!(meaning.pause, Some(error::Pause::Backoff { .. })) {
            self.serving.block_forced(now);
        }
        if *error.kind() != ErrorKind::NotSent {
            shared.budget.failed(now.boot);
        }
        let is_present = self.is_present(origin);
        match origin {
            _ if self.take_told(origin, &meaning, &error, shared, now) => {}
            Origin::Refresh { from, attempt, .. } if meaning.pause.is_none() => {
                self.take(Operation::Dead { from, attempt }, shared, now);
            }
            Origin::Refresh { attempt, .. } if !meaning.is_ambiguous => {
                self.take(Operation::End { attempt: attempt.id }, shared, now);
            }
            Origin::Refresh { .. } | Origin::Client { .. } => {}
        }
        self.charge(meaning, error, is_present, shared, now);
    }

    /// Processes what is valid whenever the failure arrives: `Retry-After`, and a readable refresh token,
    /// which may be the one that was sent. Returns whether there was a refresh token.
    fn take_told(
        &mut self,
        origin: Origin,
        meaning: &Classification,
        error: &ExchangeError,
        shared: &mut SharedState,
        now: Now,
    ) -> bool {
        if let Some(after) = meaning.asked {
            let documented = shared.client.profile().document().token_limit.is_some();
            let of_client = (documented || meaning.is_quota) && meaning.scope == Scope::Throttle;
            let pause = Pause { from: now.wall, until: now.wall.saturating_add(after), of_client };
            let over = self.pause_over(now);
            self.take(Operation::Pause { origin, pause, over }, shared, now);
        }
        let refresh_token = error.salvaged_refresh_token().cloned().filter(|_| !self.spec.is_client_grant());
        let is_salvaged = refresh_token.is_some() || error.repeats_refresh_token();
        if is_salvaged {
            let over = self.pause_over(now);
            self.take(Operation::Renewed(Renewed { origin, refresh_token, token: None, over }), shared, now);
        }
        is_salvaged
    }

    /// Counts a failure against the account, and against all accounts of the client if there is evidence for
    /// that.
    fn charge(
        &mut self,
        meaning: Classification,
        error: ExchangeError,
        is_present: bool,
        shared: &mut SharedState,
        now: Now,
    ) {
        let cause = Cause::Exchange(Arc::new(error));
        let Some(pause) = meaning.pause else {
            if is_present {
                self.forgiven = None;
                self.note_unusable(cause);
            }
            return;
        };
        if is_present {
            self.failure_count = self.failure_count.saturating_add(1);
            if meaning.is_ambiguous {
                self.note_unusable(cause.clone());
            }
        }
        let documented = shared.client.profile().document().token_limit.is_some();
        let evidence = match meaning.scope {
            Scope::Endpoint => Evidence::Certain,
            Scope::Throttle if documented || meaning.is_quota => Evidence::Certain,
            Scope::Account | Scope::Throttle if self.failures.any() || pause == error::Pause::Once => {
                Evidence::None
            }
            Scope::Account | Scope::Throttle => Evidence::FirstOfAccount,
        };
        let (failure, served_until) = ((pause, cause.clone(), meaning.remedy), self.served_until(now));
        shared.health.failed((evidence, self.tried), failure, served_until, &mut shared.rng, now.boot);
        if !is_present || meaning.scope == Scope::Endpoint {
            return;
        }
        let is_unexplained = self.failures.is_unexplained_again(meaning.is_unexplained);
        // Do not ask for a sign-in while there is a token to serve that no resource server has refused.
        let has_token = self.serving.freshness(now) != Freshness::Expired && !self.serving.is_refused();
        let remedy = match meaning.remedy {
            _ if is_unexplained && !has_token => Remedy::SignInAgain,
            Remedy::SignInAgain if has_token => Remedy::AskProvider,
            remedy => remedy,
        };
        self.note(pause, cause, remedy, shared, now);
    }

    /// Records why the refresh token is dead or in doubt. If it was in doubt, the first cause is kept: a
    /// refusal is a consequence of it.
    fn note_unusable(&mut self, cause: Cause) {
        self.why_unusable.take_if(|_| !self.replica.view().in_doubt);
        self.why_unusable.get_or_insert_with(|| Box::new(cause));
    }

    /// Records a failure of the account.
    pub(super) fn note(
        &mut self,
        pause: error::Pause,
        cause: Cause,
        remedy: Remedy,
        shared: &mut SharedState,
        now: Now,
    ) {
        self.failures.note(pause, (cause, remedy), self.served_until(now), &mut shared.rng, now.boot);
    }

    /// Returns the moment on the boot clock until which a token can be served; `None` if there is no token,
    /// or if its lifetime is unknown.
    pub(super) fn served_until(&self, now: Now) -> Option<Duration> {
        let end = self.serving.current()?.validity.end_on_boot(now)?;
        (end > now.boot).then_some(end)
    }

    /// Returns whether a request was based on the present content of the record.
    pub(super) fn is_present(&self, origin: Origin) -> bool {
        let view = self.replica.view();
        match origin {
            Origin::Refresh { from, .. } => view.fingerprint() == Some(from),
            Origin::Client { over, .. } => !view.signed_out && view.family == over,
        }
    }

    /// Adds an operation if it changes anything, or leaves a token to be revoked. Returns whether it changes
    /// the record.
    fn take(&mut self, operation: Operation, shared: &mut SharedState, now: Now) -> bool {
        let id = OperationId::next(shared);
        let (changes, removed) = self.replica.effect(id, &operation);
        match removed {
            // The token is useless for the stored record: revoke it at once.
            Some(token) if !self.is_unsaved(shared) => {
                // Revoking a refresh token also revokes its predecessor.
                self.revocations.retain(|own| Some(Fingerprint::of(own)) != operation.replaces());
                self.revocations.push(token);
            }
            None if !changes => {}
            _ => {
                let brings_token = matches!(&operation, Operation::Renewed(Renewed { token: Some(_), .. }));
                self.replica.push(id, operation, brings_token && changes);
                self.save_at = now.boot;
                self.settle(shared, now);
            }
        }
        changes
    }

    /// Closes an attempt whose request was not sent.
    pub(super) fn end_attempt(&mut self, attempt: Option<Attempt>, shared: &mut SharedState, now: Now) {
        let Some(attempt) = attempt else { return };
        // The attempt was stored, or may have been. Its end records that the request was not sent.
        self.replica.withdraw(attempt.id);
        let id = OperationId::next(shared);
        self.replica.push(id, Operation::End { attempt: attempt.id }, false);
        self.save_at = self.store_failures.blocked(now.boot).map_or(now.boot, |blocked| blocked.until);
        self.settle(shared, now);
        self.followed(shared, now);
    }

    /// Processes outcomes that no flight waits for: the ends of releases and revocations, and answers of
    /// abandoned flights, which may contain the only refresh token that the server still accepts.
    pub(super) fn take_late(&mut self, outcome: Outcome, shared: &mut SharedState, now: Now) -> Option<Job> {
        let Answered { result, sent, origin } = match outcome {
            Outcome::Released | Outcome::Revoked => return self.revoke_next(shared, now),
            Outcome::Answered(answered) => *answered,
            // The claim would block other processes until it expires.
            Outcome::Claimed(Ok(Claimed::Granted | Claimed::TakenOver { .. }))
                if self.in_flight.is_none() =>
            {
                let flight = shared.next_flight();
                return Some(self.release(flight, SharedState::owner(shared.writer), shared));
            }
            Outcome::Loaded(_)
            | Outcome::Claimed(_)
            | Outcome::Saved(_)
            | Outcome::Lost
            | Outcome::NotBegun => return None,
        };
        let origin = origin?;
        match result {
            Ok(answer) => self.succeeded(origin, answer, sent, shared, now),
            Err(error) => {
                self.take_told(origin, &Classification::of(&error), &error, shared, now);
            }
        }
        if self.in_flight.is_some() {
            return None;
        }
        let flight = self.new_flight(None, shared);
        self.land(flight, shared, now)
    }

    /// Treats the pending operations as saved if there is no store.
    pub(super) fn settle(&mut self, shared: &mut SharedState, now: Now) {
        if shared.storage == Storage::None {
            let written = self.replica.to_write();
            let removed = self.replica.saved(written, None);
            self.revocations.extend(removed);
        }
        self.followed(shared, now);
    }
}
