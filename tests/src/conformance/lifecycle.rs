//! Rows run by the machine of a registration: facts from its behaviour, not from the parsed answer.
//!
//! The row's answer comes from the token endpoint. The time of the machine's next request shows the class of the error.
//! The stored record shows the state of the refresh token, and the callers show whether a token is ever served. A row
//! of a resource server is the API's answer about the token in force.

use std::time::Duration;

use http::Response;
use octo_auth_core::{
    Client, Freshness, Generation, Imported, Purpose, Scopes, State as DecisionLine, Storage, TokenSpec,
};
use octo_auth_testkit::StoredRecord;
use serde_json::Value;

use super::answers;
use super::facts::{self, Facts};
use super::input::{self, Asked, InFlight};
use super::resource;
use super::row::Row;
use crate::machine::{InMemoryStore, Machine, ServerReply};

/// The first pause of a cooldown, in seconds. The second is twice as long.
const COOLDOWN: u64 = 60;

/// Apart from a cooldown, and without a time from the server, no error has a longer first pause, in seconds.
const LONGEST_FIRST_BACKOFF: u64 = 15;

/// Returns the facts of a row; `None` if it is not about the machine.
pub(super) fn observe(row: &Row) -> Option<Result<Facts, String>> {
    if row.text("from").is_some() {
        return Some(api_answer(row));
    }
    let response = match answers::response(row)? {
        Ok(response) => response,
        Err(problem) => return Some(Err(problem)),
    };
    match row.text("grant") {
        // Creating a client needs no machine.
        Some("create_client") => None,
        // A code is sent once, whatever happens; its tokens are imported.
        Some("authorization_code") => code_answer(row, &response).transpose(),
        _ => Some(token_answer(row, &response)),
    }
}

/// Runs the answer to a code with which an account starts; `None` if there are no tokens to start with.
fn code_answer(row: &Row, response: &Response<Vec<u8>>) -> Result<Option<Facts>, String> {
    let Asked::Token(exchange) = input::asked(row, None)? else { return Ok(None) };
    let (mut world, key) = (machine(row)?, TokenSpec::account("account"));
    let Ok(answer) = exchange.read(response, world.now, world.now) else { return Ok(None) };
    let imported = Imported::from(answer.value);
    let job = world.manager.import(&key, imported, world.now).map_err(|error| error.to_string())?;
    world.carry(job);
    let mut facts = Facts::new();
    facts.insert("serve".into(), world.get(&key).is_ok().into());
    facts.insert("refresh".into(), kept(&world, &key, None, false).into());
    Ok(Some(facts))
}

/// Runs the answer to a refresh.
fn token_answer(row: &Row, response: &Response<Vec<u8>>) -> Result<Facts, String> {
    let (mut world, key) = (machine(row)?, key(row)?);
    let before = InFlight::of(row).refresh_token;
    if !key.is_client_grant() {
        world.sign_in(&key, &before);
    }
    let said = response.clone();
    world.endpoint.always(move |_| ServerReply::Response(said.clone()));
    let got = world.get(&key);
    let mut facts = Facts::new();
    facts.insert("serve".into(), got.is_ok().into());
    let before = (!key.is_client_grant()).then_some(before);
    // An answer whose token has already expired was accepted nevertheless.
    let refused = got.as_ref().err().filter(|failure| failure.code() != "expired_on_arrival");
    facts.insert("refresh".into(), kept(&world, &key, before, refused.is_some()).into());
    if let Err(failure) = &got {
        facts::shown(&mut facts, row, &format!("{failure:?}"), &failure.to_string());
    }
    if refused.is_some() {
        closed(&mut facts, &mut world, &key)?;
    } else if got.is_ok() {
        facts.insert("soft_s".into(), due_after(&mut world, &key).as_secs().into());
    }
    Ok(facts)
}

/// Returns when the refresh of the token in force begins. The machine is asked only at the times it names.
fn due_after(world: &mut Machine, key: &TokenSpec) -> Duration {
    let start = world.now.boot;
    // Each answer names a later time, and a token has few of them.
    for _ in 0..8 {
        let told = world.decide(key);
        match told.next_change {
            Some(next) if told.job.is_none() => world.pass_until(next),
            _ => break,
        }
    }
    world.now.boot - start
}

/// Returns the state of the stored refresh token.
fn kept(world: &Machine, key: &TokenSpec, before: Option<String>, failed: bool) -> &'static str {
    let record = world.find_stored(key);
    let after = record.as_ref().and_then(StoredRecord::refresh_token);
    match before {
        before if before.as_deref() != after => "replace",
        None if !failed => "none",
        _ => "keep",
    }
}

/// Determines the back-off after an error: the class from the first two pauses and from the stored record.
fn closed(facts: &mut Facts, world: &mut Machine, key: &TokenSpec) -> Result<(), String> {
    let is_in_doubt = world.find_stored(key).is_some_and(|record| record.is_in_doubt());
    let Some(first) = pause(world, key)? else {
        facts.insert("retry".into(), "never".into());
        return Ok(());
    };
    facts.insert("delay_s".into(), first.into());
    let asked = world.requests();
    world.pass_seconds(first);
    if world.get(key).is_ok() || world.requests() != asked + 1 {
        return Err(format!("the machine did not ask again after {first} s"));
    }
    let second = pause(world, key)?.unwrap_or_default();
    let class = match (first, second) {
        _ if is_in_doubt => "ambiguous".to_owned(),
        (COOLDOWN, second) if second == 2 * COOLDOWN => "cooldown".to_owned(),
        (first, _) if first <= LONGEST_FIRST_BACKOFF => "backoff".to_owned(),
        (first, _) => format!("at:{first}"),
    };
    facts.insert("retry".into(), class.into());
    Ok(())
}

/// Returns the seconds for which the token spec backs off, rounded up; `None` if the machine never asks again.
fn pause(world: &mut Machine, key: &TokenSpec) -> Result<Option<u64>, String> {
    let told = world.decide(key);
    match (told.failure, told.next_change) {
        (Some(_), Some(opens)) => {
            let left = opens - world.now.boot;
            Ok(Some(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
        }
        (Some(_), None) => Ok(None),
        (None, _) => Err(format!("a failure was to follow: {}", told.line)),
    }
}

/// Runs the API's answer about the token in force.
fn api_answer(row: &Row) -> Result<Facts, String> {
    let meaning = resource::meaning(row, &input::body(row)?)?;
    let number = |name: &str| row.input.get(name).and_then(Value::as_u64);
    let mut world = Machine::with_store(client(row)?, Storage::SingleProcess, &InMemoryStore::default(), 1);
    let key = match world.manager.client().profile().name() {
        "octorate" => TokenSpec::api_login(),
        _ => client_grant(row)?,
    };
    let current = number("current_generation").unwrap_or(1);
    let mut token = world.get(&key).map_err(|failure| failure.to_string())?;
    while token.generation().number < current {
        world.age(&key, Freshness::Expired);
        token = world.get(&key).map_err(|failure| failure.to_string())?;
    }
    let before = world.requests();
    let sent = number("sent_generation").unwrap_or(current);
    let mut generation = Generation { number: sent, ..token.generation() };
    let mut last = false;
    let calls = number("repeat").or(number("repeat_after_refresh")).unwrap_or(1);
    let mut under_way = None;
    for _ in 0..calls {
        if meaning.calls_for_renewal() {
            world.manager.refused(&key, generation, world.now);
        }
        let told = world.decide(&key);
        last = told.line.starts_with(DecisionLine::RefusedRenewing.word()) || under_way.is_some();
        under_way = told.job.or(under_way);
        // Concurrent calls all report the token with which they started.
        if !row.input.contains_key("concurrent") {
            world.carry(under_way.take());
            generation = world.get(&key).map_err(|failure| failure.to_string())?.generation();
        }
    }
    world.carry(under_way);
    let mut facts = Facts::new();
    facts.insert("refresh".into(), (world.requests() > before).into());
    facts.insert("token_requests".into(), (world.requests() - before).into());
    if row.concerns_the_lifecycle() {
        facts.insert("outcome".into(), if last { "invalidate_generation" } else { "no_change" }.into());
    }
    Ok(facts)
}

fn client(row: &Row) -> Result<Client, String> {
    let profile = input::profile(row, None)?;
    Client::new(profile, "the-client", InFlight::of(row).client_secret).map_err(|error| error.to_string())
}

/// Creates the machine of the row's registration, at the row's time.
fn machine(row: &Row) -> Result<Machine, String> {
    let mut world = Machine::with_store(client(row)?, Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.now = input::now(row)?;
    Ok(world)
}

/// Returns the token spec whose refresh the row answers.
fn key(row: &Row) -> Result<TokenSpec, String> {
    match input::asked(row, None)? {
        Asked::Admin(_) => Ok(TokenSpec::api_login()),
        Asked::Token(exchange) if exchange.purpose() == Purpose::Refresh => Ok(TokenSpec::account("account")),
        _ => client_grant(row),
    }
}

/// Returns the client grant of the row's scopes. OfficeRND refuses a request without a scope.
fn client_grant(row: &Row) -> Result<TokenSpec, String> {
    let unnamed = if row.text("profile") == Some("officernd") { "flex.community.members.read" } else { "" };
    let scopes = Scopes::parse(row.text("scope").unwrap_or(unnamed));
    Ok(TokenSpec::client_credentials(&scopes.map_err(|error| error.to_string())?))
}
