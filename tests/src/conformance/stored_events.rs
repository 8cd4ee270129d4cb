//! Rows that describe an event of a store in words: each has a test with its id.
//!
//! A failed assumption of a test is an error of the row; its observations are facts.

use octo_auth_core::{Event, Freshness, Job, Purpose, Remedy, TokenError};
use octo_auth_testkit::scenario::Scenario;
use serde_json::{Value, json};

use super::facts::Facts;
use crate::backend;
use crate::machine::{Machine, ServerReply, hotel, service};
use crate::registration::standard;

type Test = fn() -> Result<Facts, String>;

const TESTS: [(&str, Test); 9] = [
    ("sto-032", sto_032_our_child_of_the_stored_refresh_token_wins),
    ("sto-033", sto_033_an_unrelated_refresh_token_wins),
    ("sto-034", sto_034_a_refused_loser_of_a_race_takes_the_token_of_the_winner),
    ("sto-035", sto_035_a_refused_refresh_token_is_marked_and_kept),
    ("sto-036", sto_036_a_fresh_token_is_served_without_the_store),
    ("sto-037", sto_037_no_refresh_token_is_used_without_the_store),
    ("sto-038", sto_038_a_client_grant_goes_on_without_the_store),
    ("sto-039", sto_039_a_token_that_the_store_did_not_take_is_served_and_saved_later),
    ("sto-040", sto_040_a_shutdown_saves_before_it_ends),
];

/// Whether a row has a test.
pub(super) fn knows(id: &str) -> bool {
    TESTS.iter().any(|(of, _)| *of == id)
}

/// Returns the facts of a row, if it has a test.
pub(super) fn observe(id: &str) -> Option<Result<Facts, String>> {
    TESTS.iter().find(|(of, _)| *of == id).map(|(_, test)| test())
}

fn sto_032_our_child_of_the_stored_refresh_token_wins() -> Result<Facts, String> {
    let (mut one, _, _) = Machine::two_processes(standard);
    let parent = one.stored(&hotel());
    renewing(&mut one, |one| one.put(&hotel(), &parent));
    let is_ours = one.stored(&hotel()).refresh_token() == Some("RT2");
    facts(json!({
        "outcome": if is_ours { "merge" } else { "adopt_stored" },
        "winner": if is_ours { "ours" } else { "theirs" },
    }))
}

fn sto_033_an_unrelated_refresh_token_wins() -> Result<Facts, String> {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    renewing(&mut one, |_| two.sign_in(&hotel(), "RT9"));
    let is_kept = one.stored(&hotel()).refresh_token() == Some("RT9");
    let revoked = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
    let is_revoked = revoked.filter_map(|asked| asked.parameter("token")).eq(["RT2"]);
    one.age(&hotel(), Freshness::Expired);
    one.got(&hotel());
    let is_used = one.asked.last().and_then(|asked| asked.refresh_token()) == Some("RT9");
    facts(json!({
        "outcome": if is_kept && is_used { "adopt_stored" } else { "merge" },
        "ours": if is_revoked { "revoked best-effort" } else { "left alone" },
    }))
}

fn sto_034_a_refused_loser_of_a_race_takes_the_token_of_the_winner() -> Result<Facts, String> {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.endpoint.then(ServerReply::error(400, "invalid_grant"));
    let mut winner = String::new();
    renewing(&mut one, |one| {
        two.now = one.now;
        two.pass_seconds(100);
        two.endpoint.then(ServerReply::tokens("AT-winner", 3600, "RT-winner"));
        winner = two.got(&hotel());
        one.now = two.now;
    });
    let got = one.got(&hotel());
    let is_kept = one.stored(&hotel()).refresh_token() == Some("RT-winner");
    facts(json!({
        "outcome": if got == winner && got == "AT-winner" { "adopt_stored" } else { "terminal" },
        "stored_deleted": !is_kept,
    }))
}

fn sto_035_a_refused_refresh_token_is_marked_and_kept() -> Result<Facts, String> {
    let (mut one, _, _) = Machine::two_processes(standard);
    one.endpoint.then(ServerReply::error(400, "invalid_grant"));
    renewing(&mut one, |_| ());
    let requests = one.requests();
    one.pass_seconds(86_400);
    let is_final = signs_in_again(one.get(&hotel()).err().as_ref()) && one.requests() == requests;
    let stored = one.stored(&hotel());
    facts(json!({
        "outcome": if is_final { "terminal" } else { "error" },
        "stored_deleted": stored.refresh_token() != Some("RT1") || stored.access_token() != Some("AT1"),
        "marked": stored.dead().is_some(),
    }))
}

fn sto_036_a_fresh_token_is_served_without_the_store() -> Result<Facts, String> {
    let (mut one, _, store) = Machine::two_processes(standard);
    store.set_down(true);
    let got = one.got(&hotel());
    facts(json!({"outcome": if got == "AT1" { "serve" } else { "error" }}))
}

fn sto_037_no_refresh_token_is_used_without_the_store() -> Result<Facts, String> {
    let (mut one, _, store) = Machine::two_processes(standard);
    store.set_down(true);
    one.age(&hotel(), Freshness::Expired);
    let before = one.requests();
    let got = one.get(&hotel());
    let kind = got.as_ref().err().map(TokenError::code).unwrap_or_default();
    facts(json!({
        "outcome": if got.is_err() { "error" } else { "serve" },
        "kind": kind,
        "requests": one.requests() - before,
    }))
}

fn sto_038_a_client_grant_goes_on_without_the_store() -> Result<Facts, String> {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.got(&service());
    store.set_down(true);
    one.age(&service(), Freshness::Expired);
    let got = one.got(&service());
    let is_saved = |one: &Machine| one.stored(&service()).access_token() == Some(&*got);
    let before = is_saved(&one);
    store.set_down(false);
    one.pass_seconds(60);
    one.got(&service());
    facts(json!({
        "outcome": if got.starts_with("AT") { "fetch" } else { "error" },
        "persist": if !before && is_saved(&one) { "later" } else { "never" },
    }))
}

fn sto_039_a_token_that_the_store_did_not_take_is_served_and_saved_later() -> Result<Facts, String> {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.events(&hotel());
    renewing(&mut one, |_| store.refuse_writing(true));
    let status = one.manager.status(&hotel(), one.now).ok_or("the account is not known")?;
    let events = one.events(&hotel());
    let (got, unsaved) = (one.got(&hotel()), one.stored(&hotel()));
    store.refuse_writing(false);
    one.pass_seconds(60);
    one.got(&hotel());
    facts(json!({
        "outcome": if got == "AT2" { "serve" } else { "error" },
        "unpersisted": status.unsaved && unsaved.refresh_token() == Some("RT1"),
        "retries_persist": one.stored(&hotel()).refresh_token() == Some("RT2"),
        "alarm": events.iter().any(|event| matches!(event, Event::Unsaved(_))),
    }))
}

/// The store is read-only when the shutdown begins. Steps of one second follow for the duration of the shutdown.
const SHUTDOWN: &str = "\
A shutdown

store: private

> store is read-only
> ask service
> shut down
";

fn sto_040_a_shutdown_saves_before_it_ends() -> Result<Facts, String> {
    let seconds = "> pass 1s\n".repeat(10);
    let vain = format!("{SHUTDOWN}{seconds}");
    let in_time = format!("{SHUTDOWN}> pass 1s\n> store is up\n{seconds}");
    let mut of_adapters = Vec::new();
    for play in [backend::on_async, backend::on_blocking] {
        let play =
            |text: &str| Scenario::read(text).map(|read| play(&read)).map_err(|error| error.to_string());
        let (vain, in_time) = (play(&vain)?, play(&in_time)?);
        let end = "told everybody: shut down";
        let grace = vain.split(end).next().unwrap_or_default().matches("> pass 1s").count();
        let is_saved = in_time.split(end).next().unwrap_or_default().contains("write service: A1");
        of_adapters.push((grace, is_saved));
    }
    match of_adapters.as_slice() {
        [one, other] if one == other => facts(json!({
            "outcome": if one.1 { "persist_before_exit" } else { "error" },
            "grace_s": one.0,
        })),
        _ => Err(format!("the adapters differ: {of_adapters:?}")),
    }
}

/// Refreshes the account's token, and runs `meanwhile` while the request is in flight.
fn renewing(world: &mut Machine, mut meanwhile: impl FnMut(&mut Machine)) {
    world.age(&hotel(), Freshness::Expired);
    let send = world.up_to_sending(&hotel());
    meanwhile(world);
    world.carry(Some(Job::Send(send)));
}

fn signs_in_again(failure: Option<&TokenError>) -> bool {
    failure.is_some_and(|failure| failure.remedy() == Remedy::SignInAgain)
}

fn facts(observed: Value) -> Result<Facts, String> {
    match observed {
        Value::Object(facts) => Ok(facts),
        other => Err(format!("facts are an object: {other}")),
    }
}
