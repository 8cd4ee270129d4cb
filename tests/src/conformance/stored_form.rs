//! The record of a row in our stored form.
//!
//! A row is about the client `c` of `https://as.example` and the scope `a`. Our records of refresh tokens are
//! distinguished by account and not by scope, so the account has the name of the row's scopes. The parts of a record
//! about a refresh in flight, or about a dead refresh token, are not planted: an earlier machine writes them.

use octo_auth_core::{
    AccessToken, Client, Imported, Now, Profile, RecordBytes, Scopes, Secret, Storage, Timestamp, TokenSet,
    TokenSpec,
};
use octo_auth_testkit::StoredRecord;
use serde_json::{Map, Value};

use super::row::Row;
use crate::machine::{InMemoryStore, Machine, ServerReply};
use crate::registration::CLIENT_SECRET;

/// The members of a row's record that exist in ours.
const KNOWN: [&str; 12] = [
    "v",
    "gen",
    "issuer",
    "client_id",
    "scope",
    "access_token",
    "token_type",
    "issued_at",
    "expires_at",
    "refresh_token",
    "pending",
    "terminal",
];

/// Returns the client of the rows.
pub(super) fn client() -> Result<Client, String> {
    let profile = Profile::rfc6749("https://as.example/token").map_err(|error| error.to_string())?;
    Client::new(profile, "c", CLIENT_SECRET).map_err(|error| error.to_string())
}

/// Returns the account of the rows.
pub(super) fn account() -> TokenSpec {
    TokenSpec::account("a")
}

/// Returns a member of a row's record.
pub(super) fn member<'r>(row: &'r Row, name: &str) -> Option<&'r Value> {
    row.input.get("record").and_then(|record| record.get(name)).filter(|value| !value.is_null())
}

/// Returns the names of the members of a row's record that no release of ours knows.
pub(super) fn unknown_members(row: &Row) -> impl Iterator<Item = &str> {
    let members = row.input.get("record").and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, _)| name.as_str()).filter(|name| !KNOWN.contains(name))
}

/// Returns the stored form of a row's record: as an earlier machine left it, if the row says what happened before.
pub(super) fn content(row: &Row, storage: Storage, now: Now) -> Result<RecordBytes, String> {
    let members = match (row.input.get("record").and_then(Value::as_object), row.text("raw")) {
        (Some(members), None) => members,
        (None, Some(raw)) => return Ok(RecordBytes::from(raw.as_bytes())),
        _ => return Err("the row has no record".to_owned()),
    };
    let record = mapped(members)?;
    match (member(row, "pending"), member(row, "terminal")) {
        (Some(pending), _) => under_way(&record, pending, storage, now),
        (None, Some(terminal)) => refused(&record, terminal, storage, now),
        (None, None) => Ok(record),
    }
    .map(|record| record.content())
}

/// Returns the record whose refresh was started and not finished, with its own refresh token or with another one.
fn under_way(
    record: &StoredRecord,
    pending: &Value,
    storage: Storage,
    now: Now,
) -> Result<StoredRecord, String> {
    let begun = pending.get("sent_at").and_then(Value::as_i64).ok_or("a renewal has no beginning")?;
    let begun = Now { wall: Timestamp::from_unix_seconds(begun), ..now };
    let mut earlier = earlier(&with_refresh_token_of(pending, record), storage, begun)?;
    let _lost = earlier.up_to_sending(&account());
    let marked = earlier.stored(&account());
    Ok(match record.member("refresh_token") {
        Some(own) => marked.with("refresh_token", own.clone()),
        None => marked,
    })
}

/// Returns the record whose refresh token the server has refused, or that of a later sign-in.
fn refused(
    record: &StoredRecord,
    terminal: &Value,
    storage: Storage,
    now: Now,
) -> Result<StoredRecord, String> {
    let mut earlier = earlier(&with_refresh_token_of(terminal, record), storage, now)?;
    earlier.endpoint.always(|_| ServerReply::error(400, "invalid_grant"));
    earlier.got(&account());
    if !is_of_this(terminal) {
        sign_in(&mut earlier, record)?;
    }
    Ok(earlier.stored(&account()))
}

/// Returns the record with the refresh token that the row refers to: its own, or another.
fn with_refresh_token_of(said: &Value, record: &StoredRecord) -> StoredRecord {
    if is_of_this(said) { record.clone() } else { record.clone().with("refresh_token", "RT0") }
}

/// Whether the row refers to the refresh token in the record.
pub(super) fn is_of_this(said: &Value) -> bool {
    said.get("rt").and_then(Value::as_str) == Some("sha256:match")
}

/// Returns a machine that ran earlier on the same record and must start a refresh.
fn earlier(record: &StoredRecord, storage: Storage, now: Now) -> Result<Machine, String> {
    let mut earlier = Machine::with_store(client()?, storage, &InMemoryStore::default(), 2);
    earlier.now = now;
    earlier.put(&account(), record);
    let load = earlier.decide(&account()).job;
    earlier.carry(load);
    earlier.manager.refused(&account(), record.generation(), earlier.now);
    Ok(earlier)
}

/// Starts the account again with the tokens of a record.
fn sign_in(earlier: &mut Machine, record: &StoredRecord) -> Result<(), String> {
    let profile = earlier.manager.client().profile().clone();
    let token = record.access_token().and_then(AccessToken::new).ok_or("a record has no token")?;
    let issued_at = record.issued_at().ok_or("a token has no beginning")?;
    let refresh_token = record.refresh_token().map(Secret::from);
    let tokens = TokenSet::restore(&profile, token, issued_at, record.lifetime(), refresh_token);
    let job = earlier.manager.import(&account(), Imported::from(tokens), earlier.now);
    earlier.carry(job.map_err(|error| error.to_string())?);
    Ok(())
}

/// Maps the members of a row's record to our names, and its times to milliseconds.
fn mapped(members: &Map<String, Value>) -> Result<StoredRecord, String> {
    let identity = [("v", "v"), ("issuer", "issuer"), ("client_id", "client_id"), ("scope", "name")];
    let missing = identity.into_iter().filter(|(theirs, _)| !members.contains_key(*theirs));
    let empty = StoredRecord::empty(&client()?, &account());
    let mut record = missing.fold(empty, |record, (_, ours)| record.without(ours));
    for (name, value) in members {
        record = match (name.as_str(), value) {
            ("pending" | "terminal", _) => record,
            ("gen", number) => record.with("number", number.clone()),
            ("issuer", Value::String(issuer)) => record.with("issuer", format!("{issuer}/token")),
            ("issued_at" | "expires_at", value) => record.with(name, in_milliseconds(value)),
            ("scope", scope) => scoped(record, scope)?,
            (name, value) => record.with(name, value.clone()),
        };
    }
    Ok(record)
}

/// Converts seconds to milliseconds. A value that is not a whole number stays unchanged.
fn in_milliseconds(value: &Value) -> Value {
    value.as_i64().map_or_else(|| value.clone(), |seconds| seconds.saturating_mul(1000).into())
}

fn scoped(record: StoredRecord, scope: &Value) -> Result<StoredRecord, String> {
    let words: Vec<&str> = match scope {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let scopes = Scopes::from_list(words).map_err(|error| error.to_string())?.to_string();
    let of = StoredRecord::empty(&client()?, &TokenSpec::account(&scopes));
    let name = of.member("name").cloned().unwrap_or_default();
    Ok(record.with("name", name).with("scope", scopes))
}
