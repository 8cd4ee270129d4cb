//! Checks of the store from write to write: each operation is applied once, what was replaced never comes back, and
//! refresh tokens follow each other as the server issued them.

use octo_auth_core::{FamilyId, Generation, Timestamp};
use serde_json::Value;

use super::World;
use super::expectations::is_of;
use super::history::Gone;
use crate::StoredRecord;

/// The number of operations that a record remembers.
const MOST_APPLIED: usize = 128;

/// Returns the beginning and the end of the back-off in a record, in milliseconds of the wall clock.
pub(super) fn pause_of(record: &StoredRecord) -> Option<(i64, i64)> {
    let moment = |name: &str| record.member("pause")?.get(name)?.as_i64();
    moment("from").zip(moment("until"))
}

/// Returns the operations that a record names as applied.
pub(super) fn applied(record: &StoredRecord) -> Vec<(String, u64)> {
    let ids =
        record.member("applied").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let read = |id: &str| {
        id.split_once('-').and_then(|(writer, number)| Some((writer.to_owned(), number.parse().ok()?)))
    };
    ids.filter_map(read).collect()
}

impl World {
    /// Checks a record that was stored over another one.
    pub(super) fn watch_stored(&mut self, key: usize, before: Option<&StoredRecord>, record: &StoredRecord) {
        self.watch_operations(key, before, record);
        self.watch_families(key, before, record);
        self.watch_generations(key, record);
        self.watch_succession(key, before, record);
        self.watch_refresh_token(key, before, record);
        let name = self.names[key].as_str();
        let is_own = record.member("name").and_then(Value::as_str) == Some(name);
        self.expect("I02", is_own, || {
            format!("a record of {:?} was stored for key {key}", record.member("name"))
        });
    }

    /// Checks that each operation is applied once, and that applied operations are remembered.
    fn watch_operations(&mut self, key: usize, before: Option<&StoredRecord>, record: &StoredRecord) {
        let (old, new) = (before.map(applied).unwrap_or_default(), applied(record));
        let is_kept =
            |own: &(String, u64)| new.iter().any(|(writer, number)| *writer == own.0 && *number >= own.1);
        let forgotten = if new.len() < MOST_APPLIED { old.iter().find(|own| !is_kept(own)) } else { None };
        self.expect("I34", forgotten.is_none(), || format!("{forgotten:?} was applied, and is forgotten"));
        let fresh: Vec<_> = new.iter().filter(|own| !old.contains(own)).collect();
        self.history[key].decisions += fresh.len();
        for (writer, number) in &fresh {
            let last = self.history[key].applied.insert(writer.clone(), *number);
            let is_new = last.is_none_or(|last| last < *number);
            self.expect("I34", is_new, || format!("{writer}-{number} was applied again"));
        }
        let state = |record: &StoredRecord| (record.generation().family, record.is_signed_out());
        let is_decided = state(record) != before.map(state).unwrap_or_default();
        let may_be_renewal = self.keys[key].is_client_grant() && !record.is_signed_out();
        if is_decided && !may_be_renewal {
            self.expect("I34", !fresh.is_empty(), || {
                format!("the family changed from {:?} without a decision", before.map(StoredRecord::family))
            });
        }
    }

    /// Checks that a replaced or signed-out family never comes back, and that a family belongs to one sign-in of the
    /// server.
    fn watch_families(&mut self, key: usize, before: Option<&StoredRecord>, record: &StoredRecord) {
        let family = record.generation().family;
        let history = &self.history[key];
        let is_back = history.gone.contains_key(&family);
        let sign_in = record.refresh_token().and_then(|token| self.server.sign_in_of(token));
        let others = sign_in.map(|sign_in| {
            let (of_family, of_sign_in) = (history.sign_ins.get(&family), history.families.get(&sign_in));
            of_family.is_some_and(|own| *own != sign_in) || of_sign_in.is_some_and(|own| *own != family)
        });
        self.expect("I34", !is_back, || format!("family {family} was stored again"));
        if let (Some(sign_in), Some(is_mixed)) = (sign_in, others) {
            self.expect("I34", !is_mixed, || {
                format!("{:?} of sign-in {sign_in} was stored in family {family}", record.refresh_token())
            });
            self.history[key].sign_ins.insert(family, sign_in);
            self.history[key].families.insert(sign_in, family);
        }
        let left = before.filter(|before| !before.is_signed_out()).map(|before| before.generation().family);
        if let Some(left) = left.filter(|left| *left != family) {
            let by_decision = before.map(applied) != Some(applied(record));
            self.note_gone(key, left, by_decision);
        }
    }

    /// Records that a family was replaced or signed out. A record without a sign-in has no family.
    pub(super) fn note_gone(&mut self, key: usize, family: FamilyId, by_decision: bool) {
        let gone = Gone { writes: self.store.writes, at: self.now.boot, by_decision };
        if family != FamilyId::default() {
            self.history[key].gone.entry(family).or_insert(gone);
        }
    }

    /// Checks that a generation always stands for the same answer.
    fn watch_generations(&mut self, key: usize, record: &StoredRecord) {
        let (Some(text), Some(issued_at)) = (record.access_token(), record.issued_at()) else { return };
        self.history[key].stored.insert(record.generation());
        self.watch_one_answer(key, record.generation(), text, issued_at);
        let is_known = self.answers.of(text, issued_at).next().is_some() && is_of(text, key);
        self.expect("I08", is_known, || format!("{text} was stored, which no answer of that moment brought"));
    }

    pub(super) fn watch_one_answer(&mut self, key: usize, own: Generation, text: &str, issued_at: Timestamp) {
        let known = self.history[key].generations.entry(own);
        let (known, since) = known.or_insert_with(|| (text.to_owned(), issued_at));
        let other = (known != text || *since != issued_at).then(|| known.clone());
        self.expect("I06", other.is_none(), || format!("generation {own} was {other:?}, and is {text}"));
    }

    /// Checks that a refresh token is followed in its family by its successor at the server, and that numbers never
    /// decrease.
    fn watch_succession(&mut self, key: usize, before: Option<&StoredRecord>, record: &StoredRecord) {
        let Some(before) = before.filter(|before| before.family() == record.family()) else { return };
        let (own, earlier) = (record.number(), before.number());
        self.expect("I34", own >= earlier, || format!("number {own} was stored over {earlier}"));
        let (Some(replaced), Some(new)) = (before.refresh_token(), record.refresh_token()) else { return };
        if replaced == new || self.keys[key].is_client_grant() {
            return;
        }
        // Several successors at once are possible if the store was unavailable in between.
        let mut chain = vec![replaced.to_owned()];
        while let Some(next) = chain
            .last()
            .and_then(|last| self.server.successor(last))
            .filter(|_| chain.last().is_none_or(|last| last != new))
        {
            chain.push(next.to_owned());
        }
        let follows = chain.last().is_some_and(|last| last == new);
        let parent = record.parent();
        let is_parent = chain.iter().any(|token| parent == Some(&*StoredRecord::digest(token)));
        self.expect("I34", follows && is_parent, || format!("{new} was stored over {replaced}: {chain:?}"));
    }

    /// Checks that a stored refresh token was issued by the server, is deleted only by a sign-out, and is marked as
    /// dead only if the server refused it.
    fn watch_refresh_token(&mut self, key: usize, before: Option<&StoredRecord>, record: &StoredRecord) {
        if before.is_some_and(|before| before.refresh_token().is_some()) {
            let has = record.refresh_token().is_some() || record.is_signed_out();
            self.expect("I31", has, || "a stored refresh token was deleted".to_owned());
        }
        let Some(text) = record.refresh_token() else { return };
        let writes = self.store.writes;
        self.history[key].refresh_tokens.entry(text.to_owned()).or_insert(writes);
        let is_given = self.given.contains(text) && is_of(text, key);
        self.expect("I29", is_given, || format!("{text} was stored, which was not given for key {key}"));
        let is_refused = self.server.refused.contains(text);
        if record.dead().is_some() {
            self.expect("I32", is_refused, || format!("{text} was stored as dead, and was not refused"));
        }
        if before.is_some_and(|before| before.refresh_token() != Some(text)) && !is_refused {
            self.expect("I33", record.dead().is_none(), || format!("{text} is new, and stored as dead"));
        }
    }

    /// Checks that, whenever a process dies, the store has what is needed to go on, or says that the refresh token is
    /// in doubt.
    pub(super) fn look_at_store(&mut self) {
        self.server.pass(self.now.boot);
        let changes = (self.store.writes, self.server.changes);
        if std::mem::replace(&mut self.looked_at, changes) == changes {
            return;
        }
        for key in 0..self.keys.len() {
            let Some(record) = self.store.record(&self.names[key]) else { continue };
            let Some(text) = record.refresh_token().map(str::to_owned) else { continue };
            let Some(is_taken) = self.server.takes(&text, self.now.boot) else { continue };
            let is_sound = is_taken || record.dead().is_some() || record.is_in_doubt();
            self.expect("I28", is_sound, || {
                format!("{text} is stored, which the server has replaced, and no attempt says so")
            });
        }
    }

    /// Checks that the first reading after a process start takes over the stored record unchanged. Client credentials
    /// may differ: a token that the process got while the store was unavailable, and could not save, is newer.
    pub(super) fn watch_first_reading(&mut self, process: usize, key: usize, record: &StoredRecord) {
        let status = self.processes[process].manager.status(&self.keys[key], self.clock(process));
        let Some(status) = status else { return };
        let has_generation = status.token.is_none_or(|token| {
            let own = token.generation();
            own == record.generation()
                || self.keys[key].is_client_grant() && !self.history[key].has_stored(own)
        });
        let is_out = record.is_signed_out() == (status.state == octo_auth_core::State::SignedOut);
        let needs_sign_in = record.dead().is_none() || status.sign_in_needed;
        self.expect("I35", has_generation && is_out && needs_sign_in, || {
            format!("{record:?} was read, and the process goes on as {}", status.state)
        });
    }
}
