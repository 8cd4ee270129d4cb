//! Sign-ins that are lost although no user ended them: could any machine have kept them?
//!
//! A server with strict rotation ends a sign-in when a replaced refresh token is used again. This is unavoidable if
//! the answer with the successor was lost. It must not happen if a machine had the successor.

use http::Request;
use octo_auth_core::Body;

use super::World;
use super::expectations::Exchange;
use super::server::{Reused, key_of, parameter};
use crate::StoredRecord;

impl World {
    /// Revokes a refresh token. This must not end the family of the stored refresh token.
    pub(super) fn revoke(&mut self, key: usize, request: &Request<Body>) {
        let revoked = parameter(request, "token");
        let ended = self.server.revoke(request);
        let held =
            self.store.record(&self.names[key]).and_then(|record| record.refresh_token()).map(str::to_owned);
        let is_wanted = ended.is_none() || ended != held;
        self.expect("I31", is_wanted, || {
            format!("{revoked:?} was revoked, and {held:?} with it, which is stored")
        });
    }

    /// Judges the reuse of a replaced refresh token, which has ended its sign-in.
    pub(super) fn judge_loss(&mut self, again: Option<usize>, reused: &Reused) {
        self.stats.revoked += 1;
        if !reused.was_in_use {
            return;
        }
        let first = self.exchanges.with(&reused.refresh_token).find(|own| own.successor.is_some());
        let again = self.exchanges.get(again);
        let reason = first.zip(again).and_then(|(first, again)| self.excuse(first, again));
        match reason {
            Some(reason) => *self.stats.lost_by_design.entry(reason).or_default() += 1,
            None => self.stats.lost_by_fault += 1,
        }
        self.expect("I28", reason.is_some(), || {
            format!("{} was used again, whose successor a machine was given", reused.refresh_token)
        });
    }

    /// Returns why no machine could have known the successor of a refresh token when that was sent again, or `None`
    /// if one could.
    fn excuse(&self, first: &Exchange, again: &Exchange) -> Option<&'static str> {
        let successor = first.successor.as_ref()?;
        let own = &self.processes[first.process];
        let Some(delivered) = first.delivered else { return Some("the answer was lost") };
        // Compares numbers of events, because many events happen at the same time.
        if delivered > again.number {
            return Some("the answer came too late");
        }
        let key = key_of(successor)?;
        let stored_at = self.history[key].stored_at(successor);
        let is_same = (first.process, first.incarnation) == (again.process, again.incarnation);
        if is_same || stored_at.is_some_and(|stored| stored <= again.written_ahead) {
            return None;
        }
        if own.incarnation != first.incarnation {
            return Some("its process died before it was stored");
        }
        if own.expected[key].signed_out == Some(false) {
            return Some("its process had signed out, which the store did not know yet");
        }
        // The answer came late, while the spec's next flight was in progress. It is saved when that flight ends.
        let came = own.expected[key].answers;
        if own.carried.iter().any(|carried| carried.key == key && carried.answers < came) {
            return Some("the next flight was under way in its process");
        }
        if own.expected[key].is_interrupted {
            return Some("its next job was lost, and no caller asked since");
        }
        if own.expected[key].unsaved.contains(successor) {
            return Some("the store did not take it");
        }
        let holds = |record: &StoredRecord| record.refresh_token() == Some(&**successor);
        let is_being_saved = own.carried.iter().filter_map(|carried| carried.record.as_deref()).any(holds);
        // A flight in progress ends first, by its carrier or by the next caller.
        let stands_still = own.is_overdue(key, self.local(first.process));
        (is_being_saved || stored_at.is_some() || stands_still)
            .then_some("its process stood still before it was stored")
    }
}
