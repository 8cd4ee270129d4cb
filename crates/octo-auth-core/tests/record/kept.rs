//! What a machine stores, and what the next machine knows from it.

use std::time::Duration;

use octo_auth_core::{Freshness, RecordBytes, RecordName, Storage, Token, TokenErrorKind, TransportError};
use octo_auth_testkit::StoredRecord;
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{officernd, standard};
use proptest::collection::btree_map;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{signed_in, started, written};

/// Returns the machine that starts next on the same store, at the same time.
fn next(world: &Machine) -> Machine {
    let mut next = started(&world.store);
    next.now = world.now;
    next
}

#[test]
fn a_stored_token_is_read_with_everything_the_server_stated() {
    let (mut world, _) = signed_in();
    let known = |token: &Token| {
        let tokens = token.tokens();
        let times = (tokens.issued_at(), tokens.lifetime(), tokens.renew_after());
        (token.access_token().clone(), token.generation(), times, tokens.scopes().cloned())
    };
    let written = world.get(&hotel()).expect("a token");
    let read = next(&world).get(&hotel()).expect("the stored token");
    assert_eq!(known(&read), known(&written));
    assert_eq!(read.tokens().renew_after(), Some(Duration::from_secs(1800)));
    assert_eq!(read.tokens().scopes().map(ToString::to_string).as_deref(), Some("b a"));
}

#[test]
fn the_refresh_token_is_used_by_the_machine_that_starts_next() {
    let (world, _) = signed_in();
    let mut next = next(&world);
    next.got(&hotel());
    next.age(&hotel(), Freshness::Expired);
    next.got(&hotel());
    assert_eq!(next.asked[0].refresh_token(), Some("RT1"));
}

#[test]
fn a_token_of_unknown_lifetime_is_still_of_unknown_lifetime() {
    let mut world = started(&InMemoryStore::default());
    world.endpoint.then(ServerReply::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(world.got(&service()), "AT1");
    let read = next(&world).get(&service()).expect("the stored token");
    assert_eq!((read.tokens().lifetime(), read.tokens().scopes()), (None, None));
}

#[test]
fn a_renewal_with_an_unknown_outcome_is_in_doubt_for_the_next_machine_too() {
    let (mut world, _) = signed_in();
    world.age(&hotel(), Freshness::Expired);
    let _lost = world.up_to_sending(&hotel());
    let mut next = next(&world);
    assert_eq!(next.got(&hotel()), "lost", "it can still be in flight");
    next.pass_seconds(71);
    next.endpoint.then(ServerReply::error(400, "invalid_grant"));
    let failure = next.get(&hotel()).expect_err("the refresh token may have been replaced");
    assert_eq!(failure.kind(), TokenErrorKind::RefreshOutcomeUnknown);
}

#[test]
fn a_dead_refresh_token_is_dead_for_the_next_machine_too() {
    let (mut world, _) = signed_in();
    world.age(&hotel(), Freshness::Expired);
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    let mut next = next(&world);
    assert_eq!((next.got(&hotel()).as_str(), next.requests()), ("refresh_token_rejected", 0));
}

#[test]
fn a_signed_out_account_is_signed_out_for_the_next_machine_too() {
    let (mut world, _) = signed_in();
    world.sign_out(&hotel());
    let mut next = next(&world);
    assert_eq!((next.got(&hotel()).as_str(), next.requests()), ("signed_out", 0));
}

#[test]
fn contents_are_the_same_in_every_release() {
    assert_eq!(written::contents(), include_str!("contents.txt"));
}

/// Members of a later release, in a form that a parser would not preserve.
const LATER: &str = r#""later":{"a":[1, 2.50,1e3],"\u0062":null},"later_still":"2026-01-01""#;

/// Returns the content of a spec's record with the members of a later release.
fn with_later_members(world: &Machine) -> RecordBytes {
    let content = world.store.content(&world.name(&hotel())).expect("a record");
    let text = std::str::from_utf8(content.as_ref()).expect("text");
    let open = text.strip_suffix('}').expect("an object");
    RecordBytes::from(format!("{open},{LATER}}}").into_bytes())
}

/// Returns whether the members of a later release are stored byte for byte.
fn has_later_members(world: &Machine) -> bool {
    let content = world.store.content(&world.name(&hotel())).expect("a record");
    String::from_utf8_lossy(content.as_ref()).contains(LATER)
}

#[test]
fn unknown_members_survive_every_write() {
    let (world, store) = signed_in();
    store.put(&world.name(&hotel()), with_later_members(&world));
    let mut next = next(&world);
    let mut endings: Vec<(&str, ServerReply, &str)> = vec![
        ("not sent", ServerReply::Fault(TransportError::not_sent("no route")), "not_sent"),
        ("lost", ServerReply::page(502, &[]), "http:502"),
        ("renewed", ServerReply::tokens("AT2", 3600, "RT2"), "AT2"),
        ("dead", ServerReply::error(400, "invalid_grant"), "refresh_token_rejected"),
    ];
    next.got(&hotel());
    for (what, said, got) in endings.drain(..) {
        next.age(&hotel(), Freshness::Expired);
        next.pass_seconds(300);
        next.endpoint.then(said);
        assert_eq!(next.got(&hotel()), got, "{what}");
        assert!(has_later_members(&next), "{what}: {:?}", next.stored(&hotel()));
    }
}

#[test]
fn unknown_members_of_a_request_log_survive_too() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(officernd(), Storage::SingleProcess, &store, 1);
    let key = scoped("flex.read");
    assert_eq!(world.got(&key), "AT1");
    let log = world.request_log().expect("a log").with("later", json!({"a": [1]}));
    store.put(&RecordName::requests(&officernd()), log.content());
    world.age(&key, Freshness::Expired);
    world.got(&key);
    let log = world.request_log().expect("a log");
    assert_eq!(log.member("later"), Some(&json!({"a": [1]})));
}

/// Generates a record of an account as any release may have written it.
fn stored_records() -> impl Strategy<Value = StoredRecord> {
    let token = ("[!-~]{1,40}", 0..2_000_000_000_000_i64, 0..1_000_000_000_i64, any::<[bool; 4]>());
    let values = prop_oneof![
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!([{"a": [true, null]}])),
    ];
    let unknown = btree_map("later_[a-z]{1,4}", values, 0..3);
    (token, "[!-~]{1,60}", any::<u32>(), "[a-m]{1,5}( [n-z]{1,5})?", unknown).prop_map(
        |((token, issued_at, lifetime, has), refresh_token, number, scope, unknown)| {
            let mut record = StoredRecord::empty(&standard(), &hotel())
                .with("number", number)
                .with("access_token", token)
                .with("token_type", "bearer")
                .with("issued_at", issued_at)
                .with("refresh_token", refresh_token);
            let members = [
                ("expires_at", json!(issued_at + lifetime)),
                ("renew_after", json!(lifetime / 2)),
                ("scope", json!(scope)),
                ("parent", json!(StoredRecord::digest("RT0"))),
            ];
            for (place, (name, value)) in members.into_iter().enumerate() {
                record = if has[place] { record.with(name, value) } else { record };
            }
            unknown.into_iter().fold(record, |record, (name, value)| record.with(&name, value))
        },
    )
}

proptest! {
    #[test]
    fn i42_a_record_that_is_written_again_is_the_one_that_was_read(record in stored_records()) {
        let mut world = started(&InMemoryStore::default());
        world.put(&hotel(), &record);
        world.endpoint.always(|_| ServerReply::Fault(TransportError::not_sent("no route")));
        world.got(&hotel());
        world.manager.refused(&hotel(), record.generation(), world.now);
        world.got(&hotel());
        prop_assert_eq!(world.requests(), 1, "a renewal was written ahead, and taken back");
        let stored = world.stored(&hotel());
        let attempts = stored.member("attempts").and_then(Value::as_u64);
        prop_assert!(attempts > record.member("attempts").and_then(Value::as_u64), "the attempt is counted");
        prop_assert_eq!(stored.without("attempts"), record.without("attempts"));
    }
}

#[test]
fn a_record_with_the_largest_count_that_a_machine_writes_is_read() {
    let (world, store) = signed_in();
    let counted = world.stored(&hotel()).with("attempts", 1_u64 << 53);
    store.put(&world.name(&hotel()), counted.content());
    assert_eq!(next(&world).got(&hotel()), "AT1");
}

#[test]
fn members_of_a_newer_release_survive_a_sign_out_and_a_sign_in() {
    let (world, store) = signed_in();
    store.put(&world.name(&hotel()), world.stored(&hotel()).with("later", "x").content());
    let mut next = next(&world);
    assert_eq!(next.got(&hotel()), "AT1");
    next.sign_out(&hotel());
    assert_eq!(next.stored(&hotel()).member("later"), Some(&json!("x")));
    next.sign_in(&hotel(), "RT9");
    assert_eq!(next.stored(&hotel()).member("later"), Some(&json!("x")));
}
