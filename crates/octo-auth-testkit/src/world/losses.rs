//! Sign-ins that are lost though nobody wanted it: whether any machine could have kept them.
//!
//! A server that rotates strictly ends everything got from a sign-in when a replaced refresh token is used again. That
//! has to happen where the answer with its successor was lost, and must not where a machine had it.

use http::{Request, Response};
use octo_auth_core::{Body, Job, SaveJob};

use super::World;
use super::books::Exchange;
use super::plan::Reply;
use super::server::{Outcome, Reused, key_of, parameter};

impl World {
    /// Has the server take a request, and keeps account of what it made of the refresh token.
    pub(super) fn ask_server(
        &mut self,
        exchange: Option<usize>,
        request: &Request<Body>,
        reply: &Reply,
    ) -> (Outcome, Option<Response<Vec<u8>>>) {
        let taken = self.server.take(request, reply, self.now.boot);
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.successor.clone_from(&taken.0.refresh_token);
        }
        if let Some(reused) = self.server.reused.take() {
            self.judge_loss(exchange, &reused);
        }
        taken
    }

    /// A machine was given the refresh token that an exchange brought.
    pub(super) fn delivered(&mut self, exchange: Option<usize>) {
        let begun = self.exchanges.count();
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.delivered = Some(begun);
        }
    }

    /// A save failed: the refresh token in it may be nowhere but in its process.
    pub(super) fn note_unsaved(&mut self, process: usize, job: &SaveJob) {
        let own = &mut self.processes[process];
        own.unsaved.extend(job.record().token.as_ref().map(|set| set.access_token().expose().to_owned()));
        let refresh_token = job.record().refresh_token.as_ref().map(|token| token.expose().to_owned());
        own.unsaved_refresh_tokens.extend(refresh_token);
    }

    /// A refresh token is revoked: it must not take along what the store holds, unless that is what a user signed out.
    ///
    /// A sign-out that could not be stored yet counts too, though somebody else has signed in since: it will be stored
    /// over what is there, and nobody is served by a delay.
    pub(super) fn revoke(&mut self, key: usize, request: &Request<Body>, after_sign_out: bool) {
        let revoked = parameter(request, "token");
        let sign_in = revoked.as_deref().and_then(|token| self.server.sign_in_of(token));
        let ended = self.server.revoke(request);
        let held = self.shelf.record(&self.keys[key]).and_then(|record| record.refresh_token.as_ref());
        let held = held.map(|token| token.expose().to_owned());
        let was_signed_out =
            sign_in.zip(self.sign_ins_ended.get(&key)).is_some_and(|(own, ended)| own < *ended);
        let is_wanted = after_sign_out || was_signed_out || ended.is_none() || ended != held;
        self.expect("I31", is_wanted, || {
            format!("{revoked:?} was revoked, and {held:?} with it, which is stored")
        });
    }

    /// A replaced refresh token was used again, which has ended its sign-in.
    fn judge_loss(&mut self, again: Option<usize>, reused: &Reused) {
        self.tally.revoked += 1;
        if !reused.was_in_use {
            return;
        }
        let first = self.exchanges.with(&reused.refresh_token).find(|own| own.successor.is_some());
        let again = self.exchanges.get(again);
        let reason = first.zip(again).and_then(|(first, again)| self.excuse(first, again));
        match reason {
            Some(reason) => *self.tally.lost_by_design.entry(reason).or_default() += 1,
            None => self.tally.lost_by_fault += 1,
        }
        self.expect("I28", reason.is_some(), || {
            format!("{} was used again, whose successor a machine was given", reused.refresh_token)
        });
    }

    /// Why nobody could have known the successor of a refresh token when it was sent again, if that is so.
    fn excuse(&self, first: &Exchange, again: &Exchange) -> Option<&'static str> {
        let successor = first.successor.as_ref()?;
        let own = &self.processes[first.process];
        let Some(delivered) = first.delivered else { return Some("the answer was lost") };
        let is_same = (first.process, first.incarnation) == (again.process, again.incarnation);
        let holds = |job: &Job| match job {
            Job::Save(job) => {
                job.record().refresh_token.as_ref().is_some_and(|own| own.expose() == successor)
            }
            _ => false,
        };
        // In the order of events: many happen at the same moment.
        if delivered > again.number {
            return Some("the answer came too late");
        }
        if is_same || self.shelf.stored_at(successor).is_some_and(|stored| stored <= again.number) {
            return None;
        }
        if own.incarnation != first.incarnation {
            return Some("its process died before it was stored");
        }
        if own.unsaved_refresh_tokens.contains(successor) {
            return Some("the store did not take it");
        }
        let is_being_saved = own.carried.iter().any(|carried| holds(&carried.job));
        let is_stored = self.shelf.stored_at(successor).is_some();
        // What is under way with the key ends first, by its carrier or by whoever asks next.
        let stands_still =
            key_of(successor).is_some_and(|key| own.is_overdue(key, self.local(first.process)));
        (is_being_saved || is_stored || stands_still)
            .then_some("its process stood still before it was stored")
    }
}
