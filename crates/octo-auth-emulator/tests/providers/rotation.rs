//! The generic server's refresh tokens: rotation, reuse, families, and the announced lifetime.

use std::time::Duration;

use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, PUBLIC_CLIENT_ID};
use octo_auth_emulator::{AnnouncedLifetime, Emulator, GrantError, Rotation};
use serde_json::json;

use crate::wire::{Answer, bearer, frozen, get, post_form};

const CREDENTIALS: [(&str, &str); 2] = [("client_id", DEMO_CLIENT_ID), ("client_secret", DEMO_CLIENT_SECRET)];

fn ask(emulator: &Emulator, path: &str, fields: &[(&str, &str)]) -> Answer {
    post_form(&format!("{}{path}", emulator.base("auth.example")), &[&CREDENTIALS, fields].concat())
}

fn refresh(emulator: &Emulator, token: &str) -> Answer {
    ask(emulator, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// Refreshes and returns the access token and the new refresh token.
fn rotate(emulator: &Emulator, token: &str) -> (String, String) {
    let answer = refresh(emulator, token);
    (answer.text("access_token"), answer.text("refresh_token"))
}

fn consent(emulator: &Emulator) -> String {
    emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read", "write"]).expect("a known client")
}

fn client_credentials(emulator: &Emulator) -> Answer {
    ask(emulator, "/token", &[("grant_type", "client_credentials")])
}

#[test]
fn a_refresh_token_is_granted_without_the_page_to_known_clients_for_known_scopes() {
    let emulator = frozen();
    let generic = emulator.generic();
    assert_eq!(refresh(&emulator, &consent(&emulator)).text("scope"), "read write");
    let public = generic.grant_refresh_token(PUBLIC_CLIENT_ID, &[]).expect("a known client");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &public), ("client_id", PUBLIC_CLIENT_ID)];
    let url = format!("{}/token", emulator.base("auth.example"));
    assert_eq!(post_form(&url, &form).text("scope"), "read");
    let unknown = generic.grant_refresh_token("unknown", &["read"]);
    assert_eq!(unknown, Err(GrantError::UnknownClient("unknown".to_owned())));
    let everything = generic.grant_refresh_token(DEMO_CLIENT_ID, &["read", "everything"]);
    assert_eq!(everything, Err(GrantError::UnknownScope("everything".to_owned())));
}

#[test]
fn strict_rotation_ends_the_old_refresh_token_at_each_refresh() {
    let emulator = frozen();
    let first = consent(&emulator);
    let (access, second) = rotate(&emulator, &first);
    let live = |token: &str| emulator.generic().is_live(token);
    assert_eq!([live(&first), live(&second), live(&access)], [false, true, true]);
    assert_eq!(ask(&emulator, "/introspect", &[("token", &first)]).json(), json!({ "active": false }));
    assert_eq!(emulator.generic().families_revoked(), 0);
}

#[test]
fn a_replaced_refresh_token_used_again_ends_its_whole_family_and_no_other() {
    let emulator = frozen();
    let (first, other) = (consent(&emulator), consent(&emulator));
    let (old_access, second) = rotate(&emulator, &first);
    let (access, third) = rotate(&emulator, &second);
    let reused = refresh(&emulator, &first);
    assert_eq!((reused.status, reused.text("error").as_str()), (400, "invalid_grant"));
    for token in [&first, &second, &third, &old_access, &access] {
        assert!(!emulator.generic().is_live(token));
    }
    let resource = format!("{}/resource", emulator.base("auth.example"));
    assert_eq!(get(&resource, &[("authorization", &bearer(&access))]).status, 401);
    assert_eq!(refresh(&emulator, &third).text("error"), "invalid_grant");
    assert_eq!(emulator.generic().families_revoked(), 1);
    assert_eq!(refresh(&emulator, &other).status, 200);
}

#[test]
fn an_unknown_refresh_token_and_the_token_of_another_client_end_nothing() {
    let emulator = frozen();
    let first = consent(&emulator);
    let (_, second) = rotate(&emulator, &first);
    assert_eq!(refresh(&emulator, "unknown").text("error"), "invalid_grant");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &first), ("client_id", PUBLIC_CLIENT_ID)];
    let url = format!("{}/token", emulator.base("auth.example"));
    assert_eq!(post_form(&url, &form).text("error"), "invalid_grant");
    assert_eq!(emulator.generic().families_revoked(), 0);
    assert!(emulator.generic().is_live(&second));
}

#[test]
fn revoking_a_replaced_refresh_token_ends_nothing() {
    let emulator = frozen();
    let first = consent(&emulator);
    let (access, second) = rotate(&emulator, &first);
    assert_eq!(ask(&emulator, "/revoke", &[("token", &first)]).status, 200);
    assert!(emulator.generic().is_live(&access) && emulator.generic().is_live(&second));
    assert_eq!(ask(&emulator, "/revoke", &[("token", &second)]).status, 200);
    assert!(!emulator.generic().is_live(&access) && !emulator.generic().is_live(&second));
}

#[test]
fn without_rotation_the_refresh_token_stays_and_is_not_answered() {
    let emulator = frozen();
    emulator.generic().set_rotation(Rotation::None);
    let token = consent(&emulator);
    for _ in 0..2 {
        let answer = refresh(&emulator, &token);
        assert_eq!((answer.status, answer.json().get("refresh_token")), (200, None));
    }
    assert!(emulator.generic().is_live(&token));
}

#[test]
fn within_the_grace_window_a_replaced_refresh_token_is_answered_as_the_first_time() {
    let emulator = frozen();
    emulator.generic().set_rotation(Rotation::Grace(Duration::from_secs(30)));
    let first = consent(&emulator);
    let (access, second) = rotate(&emulator, &first);
    emulator.advance(Duration::from_millis(29_999));
    let (again, further) = rotate(&emulator, &first);
    assert!(again != access && further != second);
    for token in [&first, &access, &second, &again, &further] {
        assert!(emulator.generic().is_live(token));
    }
    assert_eq!(emulator.generic().families_revoked(), 0);
}

#[test]
fn after_the_grace_window_it_is_reuse_and_a_use_within_did_not_prolong_it() {
    let emulator = frozen();
    emulator.generic().set_rotation(Rotation::Grace(Duration::from_secs(30)));
    let first = consent(&emulator);
    let (access, second) = rotate(&emulator, &first);
    emulator.advance(Duration::from_secs(20));
    let (_, further) = rotate(&emulator, &first);
    emulator.advance(Duration::from_secs(10));
    assert!(!emulator.generic().is_live(&first));
    assert_eq!(refresh(&emulator, &first).text("error"), "invalid_grant");
    for token in [&access, &second, &further] {
        assert!(!emulator.generic().is_live(token));
    }
    assert_eq!(emulator.generic().families_revoked(), 1);
}

#[test]
fn a_refused_scope_replaces_nothing() {
    let emulator = frozen();
    let token = consent(&emulator);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", "profile")];
    assert_eq!(ask(&emulator, "/token", &fields).text("error"), "invalid_scope");
    assert!(emulator.generic().is_live(&token));
}

#[test]
fn the_announced_lifetime_can_be_missing_or_untrue_and_the_token_lives_on() {
    let emulator = frozen();
    emulator.generic().announce_lifetime(AnnouncedLifetime::Omitted);
    let silent = client_credentials(&emulator);
    assert_eq!((silent.status, silent.json().get("expires_in")), (200, None));
    for seconds in [0, -1, 315_360_000] {
        emulator.generic().announce_lifetime(AnnouncedLifetime::Seconds(seconds));
        assert_eq!(client_credentials(&emulator).json()["expires_in"], json!(seconds));
    }
    emulator.generic().announce_lifetime(AnnouncedLifetime::Actual);
    assert_eq!(client_credentials(&emulator).json()["expires_in"], json!(3_600));
    emulator.advance(Duration::from_secs(3_599));
    assert!(emulator.generic().is_live(&silent.text("access_token")));
    emulator.advance(Duration::from_secs(1));
    assert!(!emulator.generic().is_live(&silent.text("access_token")));
}

#[test]
fn a_repeated_access_token_comes_with_what_is_left_of_its_lifetime_until_it_expires() {
    let emulator = frozen();
    emulator.generic().repeat_access_tokens(true);
    let first = client_credentials(&emulator).text("access_token");
    emulator.advance(Duration::from_secs(1_000));
    let again = client_credentials(&emulator);
    assert_eq!((again.text("access_token"), &again.json()["expires_in"]), (first.clone(), &json!(2_600)));
    let written = ask(&emulator, "/token", &[("grant_type", "client_credentials"), ("scope", "write")]);
    assert_ne!(written.text("access_token"), first);
    emulator.advance(Duration::from_secs(2_600));
    assert_ne!(client_credentials(&emulator).text("access_token"), first);
}

#[test]
fn a_refresh_repeats_the_access_token_of_its_own_consent_alone() {
    let emulator = frozen();
    emulator.generic().repeat_access_tokens(true);
    let (one, other) = (consent(&emulator), consent(&emulator));
    let (access, next) = rotate(&emulator, &one);
    assert_eq!(rotate(&emulator, &next).0, access);
    assert_ne!(rotate(&emulator, &other).0, access);
    emulator.generic().repeat_access_tokens(false);
    assert_ne!(client_credentials(&emulator).body, client_credentials(&emulator).body);
}
