//! One pass over an answer finds its members, its errors and its depth, whatever the profile calls them.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use octo_auth_core::profile::{Document, ErrorShape};
use octo_auth_core::{Client, Scopes};
use octo_auth_testkit::outcome;
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, standard};
use octo_auth_testkit::response::{json, read};

/// Returns the outcome of a body at a standard server with one change of its profile.
fn at(change: impl FnOnce(&mut Document), body: &str) -> String {
    let profile = standard().profile().clone().edit(change).unwrap();
    let client = Client::new(profile, CLIENT_ID, CLIENT_SECRET).unwrap();
    outcome::of_token(&read(client.client_credentials(&Scopes::none()).unwrap(), &json(200, body)))
}

#[test]
fn the_last_of_twenty_names_of_a_member_is_read() {
    let many = |document: &mut Document| {
        let names = (0..20).map(|number| format!("lifetime_{number}").into());
        document.token_answer.expires_in = names.collect::<Vec<_>>().into();
    };
    let body = r#"{"access_token":"AT","token_type":"Bearer","lifetime_19":60}"#;
    assert_eq!(at(many, body), "AT, 60s; alias_member");
    let twice = r#"{"access_token":"AT","token_type":"Bearer","lifetime_19":60,"lifetime_19":61}"#;
    assert_eq!(at(many, twice), "duplicate_member, backoff 1s, provider");
}

#[test]
fn a_member_for_both_token_type_and_error_code_depends_on_the_answer() {
    let both = |document: &mut Document| {
        document.token_answer.token_type = vec!["type".into()].into();
        let (code, message) = (Some("type".into()), "message".into());
        document.error_shapes = vec![ErrorShape { code, message, source: "".into() }].into();
    };
    let token = r#"{"access_token":"AT","type":"Bearer","expires_in":60}"#;
    assert_eq!(at(both, token), "AT, 60s");
    let error = r#"{"type":"ApiLoginExpired","message":"no such login"}"#;
    assert_eq!(at(both, error), "provider:ApiLoginExpired, cooldown, provider");
}

#[test]
fn an_error_too_deep_in_an_answer_does_not_count() {
    let body = format!(r#"{{"error":"invalid_client","more":{}{}}}"#, "[".repeat(128), "]".repeat(128));
    assert_eq!(at(|_| {}, &body), "not_json, backoff 1s, provider");
    let array = "[".repeat(129) + &"]".repeat(129);
    assert_eq!(at(|_| {}, &array), "not_json, backoff 1s, provider");
    assert_eq!(at(|_| {}, &array[1..257]), "not_object, backoff 1s, provider");
}

#[test]
fn each_scope_is_kept_once_and_in_order() {
    for count in [2, 32, 33, 20_000] {
        let words: Vec<String> = (0..count).map(|number| format!("scope-{number}")).collect();
        let twice = [words.join(" "), words.join(" \t")].join("\n");
        let scopes = Scopes::parse(&twice).unwrap();
        assert!(scopes.iter().eq(words.iter().map(String::as_str)), "{count}");
        assert_eq!(scopes.to_string(), words.join(" "));
    }
}
