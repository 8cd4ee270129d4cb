//! What a record that the store holds means for the one held here: which of the two is kept, and what is taken over from
//! the other.

use std::sync::Arc;

use super::Lifecycle;
use super::issued::Issued;
use super::record::{Generation, Record, Stored, Winner};
use super::validity::Validity;
use super::view::Knowledge;
use crate::accounts::Registration;
use crate::time::Now;
use crate::token::TokenSet;

impl Lifecycle {
    /// Whether what is held here is kept, and written over what is stored.
    pub(super) fn wins_over(&self, stored: &Record) -> bool {
        let is_decided = self.decided.as_ref().is_some_and(|own| own.wins_over(&self.record, stored));
        self.record.winner(stored, is_decided) == Winner::Ours
    }

    /// Takes over what the store holds, if it is to win over what is held here.
    pub(super) fn merge(&mut self, stored: Option<Box<Stored>>, registration: &mut Registration, now: Now) {
        self.knowledge = Knowledge::Read;
        self.read_at = now.boot;
        let Some(stored) = stored else {
            self.version = None;
            return;
        };
        if self.version == Some(stored.version) {
            return;
        }
        if self.wins_over(&stored.record) {
            self.keep_ours(&stored, registration, now);
        } else {
            self.adopt_stored(stored, registration, now);
        }
    }

    /// Keeps ours, to be written over what the store holds; a sign-out takes what is there along.
    pub(super) fn keep_ours(&mut self, stored: &Stored, registration: &Registration, now: Now) {
        self.merge_end(&stored.record, registration, now);
        self.merge_attempt(&stored.record, now);
        self.version = Some(stored.version);
        self.doubt_sign_in(&stored.record, now);
        self.decided.iter_mut().for_each(|decided| decided.replaces_stored(&stored.record));
        let (own, theirs) = (&mut self.record.generation, stored.record.generation);
        if self.record.signed_out {
            // It may come from a process that had not heard of the last renewals or sign-in. It counts on from what it
            // ends, so that whoever made that knows it for ended, though it never heard that it was stored.
            let number = if own.lineage == theirs.lineage { own.number } else { 0 };
            *own = Generation { number: number.max(theirs.number.saturating_add(1)), ..theirs };
        }
    }

    /// Takes over what a sibling was told later of the end of the same token. One that was over when it came is not in
    /// our record.
    fn merge_end(&mut self, stored: &Record, registration: &Registration, now: Now) {
        let current = self.current.as_ref().filter(|own| own.generation == self.record.generation);
        let own = self.record.token.as_ref().or(current.map(|own| &own.tokens));
        let (Some(own), Some(theirs)) = (own, &stored.token) else { return };
        let is_same =
            stored.generation == self.record.generation && own.access_token() == theirs.access_token();
        // Written after all that is known here, it was told later, whatever the clocks say. Where ours is not stored yet
        // nobody can say.
        let is_later = self.unsaved.is_none() && theirs.issued_at() != own.issued_at();
        if !is_same || !is_later {
            return;
        }
        if self.current.as_ref().is_some_and(|current| current.is_same(theirs.access_token())) {
            let validity = self.validity_of(theirs, now, registration);
            self.current = Some(self.restored(theirs.clone(), stored.generation, validity));
            self.published = None;
        }
        self.record.token = Some(theirs.clone());
    }

    /// A token as a record tells of it.
    fn restored(&self, tokens: TokenSet, generation: Generation, validity: Validity) -> Arc<Issued> {
        Arc::new(Issued::new(tokens, generation, validity, Vec::new(), self.key.grant()))
    }

    pub(super) fn adopt_stored(&mut self, stored: Box<Stored>, registration: &mut Registration, now: Now) {
        let Stored { record, version } = *stored;
        if record.fingerprint() != self.record.fingerprint() {
            self.setbacks.clear();
            self.refusal = None;
        }
        let is_same =
            |own: &Arc<Issued>| record.token.as_ref().is_some_and(|token| own.is_same(token.access_token()));
        let is_refused = self.is_refused && self.current.as_ref().is_some_and(is_same);
        self.put(record, registration, now);
        self.is_refused = is_refused;
        self.version = Some(version);
        (self.unsaved, self.decided) = (None, None);
    }

    /// Puts a record in the place of the present one. Its token is trusted for its own lifetime from now at most,
    /// and somebody's renewal holds us no longer than its own deadline from now.
    pub(super) fn put(&mut self, record: Record, registration: &mut Registration, now: Now) {
        let token = record.token.clone();
        self.jitter = registration.dice.fraction();
        let known = self.current.take();
        self.current = token.map(|tokens| {
            // What both clocks have seen of a token here is more than a record can tell, unless somebody was told another
            // end of it since. Of another sign-in nobody can say whether that was since, so that what ends first holds.
            let told = self.validity_of(&tokens, now, registration);
            let ends_first = |known: &Validity| {
                let (known, told) = (known.end_on_boot(now), told.end_on_boot(now));
                known.is_some_and(|known| told.is_none_or(|told| known < told))
            };
            let holds = |known: &Arc<Issued>| {
                let is_other = known.generation.lineage != record.generation.lineage;
                known.is_same(tokens.access_token())
                    && (known.ends_as(&tokens) || is_other && ends_first(&known.validity))
            };
            let validity = known.filter(holds).map_or(told, |known| known.validity);
            self.restored(tokens, record.generation, validity)
        });
        // What came back by an adoption is in use.
        self.to_revoke.retain(|token| record.refresh_token.as_ref() != Some(token));
        let pending = record.pending;
        self.record = record;
        self.note_attempt(pending, now);
        self.knowledge = Knowledge::Read;
        self.read_at = now.boot;
        self.is_refused = false;
        self.published = None;
    }
}
