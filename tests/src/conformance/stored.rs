//! Rows about the content of stores: the record is planted, and a machine that starts with the store shows how it
//! interprets it. Rows that describe an event in words are in `stored_events`.

use std::time::Duration;

use octo_auth_core::{Freshness, RecordBytes, Remedy, Storage, Timestamp, Token, TokenError, TokenErrorKind};
use octo_auth_testkit::StoredRecord;
use serde_json::Value;

use super::facts::{self, Facts};
use super::row::Row;
use super::stored_form::{self, account, client, is_of_this, unknown_members};
use super::{input, stored_events};
use crate::machine::{InMemoryStore, Machine, ServerReply};
use crate::outcome::record_error;

/// The generation of the token in the memory of a running machine; a record with a smaller one is older.
const IN_MEMORY: u64 = 7;

/// Returns the facts of a row for a store of one process and for one of several processes.
pub(super) fn observe(row: &Row) -> Vec<(&'static str, Result<Facts, String>)> {
    if let Some(observed) = stored_events::observe(&row.id) {
        return vec![("machine", observed)];
    }
    let stores = [("one process", Storage::SingleProcess), ("several processes", Storage::MultiProcess)];
    stores.map(|(layer, storage)| (layer, Planted::new(row, storage).and_then(Planted::facts))).into()
}

/// A row's record in a store, and the machine that starts there.
struct Planted<'r> {
    row: &'r Row,
    world: Machine,
    content: RecordBytes,
}

impl<'r> Planted<'r> {
    fn new(row: &'r Row, storage: Storage) -> Result<Self, String> {
        let mut world = Machine::with_store(client()?, storage, &InMemoryStore::default(), 1);
        world.now = input::now(row)?;
        let content = stored_form::content(row, storage, world.now)?;
        world.store.put(&world.name(&account()), content.clone());
        Ok(Self { row, world, content })
    }

    fn facts(mut self) -> Result<Facts, String> {
        if self.member("pending").is_some_and(is_of_this) {
            return self.under_way();
        }
        if self.member("gen").and_then(Value::as_u64).is_some_and(|number| number < IN_MEMORY) {
            return self.behind_the_memory();
        }
        let read = self.world.decide(&account()).job;
        self.world.carry(read);
        let status = self.world.manager.status(&account(), self.world.now);
        let tolerated: Vec<&str> =
            status.iter().flat_map(|status| &status.deviations).map(|deviation| deviation.code()).collect();
        match self.world.get(&account()) {
            Ok(_) if self.member("terminal").is_some() && self.world.requests() == 0 => {
                self.after_the_verdict()
            }
            Ok(token) => self.got(&token, &tolerated),
            Err(failure) => self.not_got(&failure),
        }
    }

    /// Handles a token: the stored one, or another one after a refresh.
    fn got(mut self, token: &Token, tolerated: &[&str]) -> Result<Facts, String> {
        let mut facts = Facts::new();
        let outcome = match (self.world.requests(), token.tokens().lifetime()) {
            (0, Some(_)) => "use",
            (0, None) => "use_unknown_lifetime",
            _ => "refresh",
        };
        facts.insert("outcome".into(), outcome.into());
        facts.insert("warn".into(), tolerated.iter().copied().collect());
        let lifetime = token.tokens().lifetime().map(|own| own.as_secs());
        facts.insert("lifetime_s".into(), lifetime.into());
        let before = StoredRecord::read(&self.content);
        self.world.manager.refused(&account(), token.generation(), self.world.now);
        self.world.pass_seconds(60);
        self.world.got(&account());
        let after = self.world.stored(&account());
        let is_kept =
            |name: &str| before.as_ref().and_then(|before| before.member(name)) == after.member(name);
        facts.insert("extra_preserved".into(), unknown_members(self.row).all(is_kept).into());
        Ok(facts)
    }

    /// Handles an error: the record is refused, or it contains nothing for a refresh.
    fn not_got(mut self, failure: &TokenError) -> Result<Facts, String> {
        let mut facts = Facts::new();
        let Some(error) = record_error(failure) else {
            facts.insert("outcome".into(), outcome_of(failure).into());
            facts.insert("requests".into(), self.world.requests().into());
            return Ok(facts);
        };
        let is_foreign = matches!(error.code(), "issuer_mismatch" | "client_mismatch" | "scope_mismatch");
        facts.insert("outcome".into(), if is_foreign { "absent" } else { "reject_record" }.into());
        facts.insert("warn".into(), [error.code()].into_iter().collect());
        facts::shown(&mut facts, self.row, &format!("{failure:?} {error:?}"), &format!("{failure}\n{error}"));
        self.ask_for_everything();
        let after = self.world.store.content(&self.world.name(&account()));
        facts.insert("record_changed".into(), (after != Some(self.content)).into());
        Ok(facts)
    }

    /// Does everything with the account that could write its record.
    fn ask_for_everything(&mut self) {
        self.world.pass_seconds(60);
        self.world.got(&account());
        self.world.sign_in(&account(), "RT-other");
        self.world.pass_seconds(60);
        self.world.got(&account());
        self.world.sign_out(&account());
        for save in self.world.manager.save_all(self.world.now) {
            self.world.carry(Some(save));
        }
    }

    /// Tests a dead refresh token, which shows when the access token has expired.
    fn after_the_verdict(mut self) -> Result<Facts, String> {
        self.world.age(&account(), Freshness::Expired);
        match self.world.get(&account()) {
            Ok(_) => Ok([("outcome".to_owned(), "use".into())].into_iter().collect()),
            Err(failure) => self.not_got(&failure),
        }
    }

    /// Tests a refresh that is due while another is, or was, in flight: the server no longer accepts the refresh token.
    fn under_way(mut self) -> Result<Facts, String> {
        let refresh_token = self.member("refresh_token").and_then(Value::as_str).map(str::to_owned);
        let (begins, other_ends) =
            (self.world.now.wall, self.other_ends().ok_or("the other one has no end")?);
        self.world.endpoint.always(|_| ServerReply::error(400, "invalid_grant"));
        let stored = StoredRecord::read(&self.content).ok_or("the record is no object")?;
        self.world.got(&account());
        self.world.manager.refused(&account(), stored.generation(), self.world.now);
        self.world.got(&account());
        // Long after the other request has ended, and the token has expired.
        self.world.pass_seconds(86_400);
        let failure = self.world.get(&account()).err().ok_or("a refused refresh token brings a token")?;
        self.world.got(&account());
        let replays: Vec<Timestamp> = (self.world.asked.iter())
            .filter(|asked| asked.refresh_token() == refresh_token.as_deref())
            .map(|asked| asked.at.wall)
            .collect();
        let replays_during = replays.iter().any(|at| *at < other_ends);
        let waits = begins < other_ends && !replays_during;
        let mut facts = Facts::new();
        facts.insert("outcome".into(), if waits { "wait_or_join" } else { outcome_of(&failure) }.into());
        facts.insert("replays_refresh_token".into(), replays_during.into());
        facts.insert("replays".into(), replays.len().into());
        Ok(facts)
    }

    /// Returns the latest time at which the other request gets its answer.
    fn other_ends(&self) -> Option<Timestamp> {
        let pending = self.member("pending")?;
        let sent_at = Timestamp::from_unix_seconds(pending.get("sent_at")?.as_i64()?);
        Some(sent_at.saturating_add(Duration::from_secs(pending.get("deadline_s")?.as_u64()?)))
    }

    /// Tests a store that is older than the memory of a running machine: its refresh reads the record again.
    fn behind_the_memory(mut self) -> Result<Facts, String> {
        let name = self.world.name(&account());
        let behind = StoredRecord::read(&self.content).ok_or("the record is no object")?;
        let newer = behind.with("number", IN_MEMORY).with("access_token", "AT-newer");
        self.world.store.put(&name, newer.with("refresh_token", "RT-newer").content());
        let served = self.world.got(&account());
        self.world.store.fall_back(&name, self.content);
        self.world.age(&account(), Freshness::Stale);
        let meanwhile = self.world.got(&account());
        // The machine first writes again what the store has lost, then it refreshes.
        self.world.got(&account());
        let used = self.world.asked.last().and_then(|asked| asked.refresh_token());
        let is_ignored = [served, meanwhile].iter().all(|got| got == "AT-newer") && used == Some("RT-newer");
        let outcome = if is_ignored { "ignored_if_memory_newer" } else { "use" };
        Ok([("outcome".to_owned(), outcome.into())].into_iter().collect())
    }

    fn member(&self, name: &str) -> Option<&Value> {
        stored_form::member(self.row, name)
    }
}

fn outcome_of(failure: &TokenError) -> &'static str {
    match (failure.kind(), failure.remedy()) {
        (TokenErrorKind::RefreshOutcomeUnknown, _) => "ambiguous",
        (_, Remedy::SignInAgain) => "login_required",
        _ => "error",
    }
}
