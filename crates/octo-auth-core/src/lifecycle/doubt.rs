//! What is not known of a refresh token: whether somebody, or a request of ours that was given up, has used it.

use std::time::Duration;

use super::Lifecycle;
use super::record::{Attempt, Decided, Record};
use crate::time::Now;

impl Lifecycle {
    /// Takes a marker back whose request is not sent. The store may hold it all the same: it is known again by that.
    pub(super) fn unmark(&mut self, before: Option<Attempt>, now: Now) {
        if self.record.signed_out || self.record.attempt().is_none() {
            return;
        }
        self.unsent = std::mem::replace(&mut self.record.pending, before);
        self.decided.iter_mut().for_each(Decided::note_failed);
        self.unsaved = Some(now.boot);
    }

    /// Takes over a sibling's attempt with the same refresh token, and what ours had left in doubt.
    pub(super) fn merge_attempt(&mut self, stored: &Record, now: Now) {
        let theirs = stored.attempt().filter(|_| stored.fingerprint() == self.record.fingerprint());
        // Our own marker, thought unwritten: nothing was sent with it.
        let Some(theirs) = theirs.filter(|theirs| Some(**theirs) != self.unsent) else { return };
        // What is stored was written after ours was known, whatever its number: with each clear end they begin anew.
        let own = self.record.attempt();
        let doubt = own.is_some_and(|own| own.ambiguous || own.after_doubt);
        let merged = Attempt { after_doubt: theirs.after_doubt || doubt, ..*theirs };
        self.note_attempt(Some(merged), now);
    }

    /// A sign-in made here wins over what is dead, though it may have been stored, used and replaced by that before.
    pub(super) fn doubt_sign_in(&mut self, stored: &Record, now: Now) {
        let is_other = self.record.generation.lineage != stored.generation.lineage;
        let was_replaced = self.decided.as_ref().is_some_and(|own| own.may_have_been_replaced_by(stored));
        if is_other && was_replaced && self.record.attempt().is_none() {
            let begun_by_others = |refresh_token| Attempt {
                refresh_token,
                number: 1,
                begun: now.wall,
                deadline: now.wall,
                ambiguous: true,
                after_doubt: false,
            };
            self.note_attempt(self.record.fingerprint().map(begun_by_others), now);
        }
    }

    /// Takes over an attempt that the store tells of: whose it is, and whether it is under way still, is not known.
    pub(super) fn note_attempt(&mut self, attempt: Option<Attempt>, now: Now) {
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
