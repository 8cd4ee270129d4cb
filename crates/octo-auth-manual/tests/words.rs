//! The words of errors that no other test asserts, for the index of errors.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::time::Duration;

use http::StatusCode;
use octo_auth_blocking::TokenManager;
use octo_auth_core::allowlist::{ListError, RuleOptions, Rules};
use octo_auth_core::profile::{BaseUrl, Template};
use octo_auth_core::{Client, Diagnostic, ErrorKind, Policy, Profile, RecordName, Scopes, TokenSpec};
use octo_auth_emulator::{Emulator, generic};
use octo_auth_login::CallbackListener;

/// A sound profile.
const PROFILE: &str = r#"
name = "acme"
title = "Acme"
client_authentication = "basic"
scopes = "optional"
hosts = [{ name = "login", url = "https://login.acme.example" }]

[calls.client_credentials]
method = "POST"
host = "login"
path = "/token"
encoding = "form"
parameters = [{ name = "grant_type", value = "client_credentials" }]

[token_answer]
access_token = ["access_token"]
token_type = ["token_type"]
token_type_absent = "error"
expires_in = ["expires_in"]
expires_in_unit = "seconds"

[token_limit]
requests = 30
per_seconds = 60
after_failure_seconds = 0

[[refusals]]
status = 200
code = "expired"
meaning = "token_refused"

[[error_shapes]]
code = "error.code"
message = "error.text"

[api]
hosts = ["login"]
"#;

/// A call that needs the part `refresh`.
const REFRESH: &str = r#"
[calls.refresh]
method = "POST"
host = "login"
path = "/token"
encoding = "form"
parameters = [
  { name = "grant_type", value = "refresh_token" },
  { name = "refresh_token", value = "{refresh_token}" },
]

"#;

/// The word of what is wrong with the profile if a part of it is replaced.
fn word_of_profile(part: &str, by: &str) -> &'static str {
    assert!(PROFILE.contains(part), "{part}");
    Profile::from_toml(&PROFILE.replace(part, by)).unwrap_err().code()
}

#[test]
fn each_word_is_that_of_its_error() {
    let word = |error: &dyn Diagnostic| error.code().into_owned();
    let rules = |text| Rules::from_json(text, RuleOptions::default()).unwrap_err();
    for (found, expected) in [
        (word(&"ftp://example.com".parse::<BaseUrl>().unwrap_err()), "base_url"),
        (word(&"{nothing}".parse::<Template>().unwrap_err()), "template"),
        (word(&Policy::default().with_wait(Duration::from_secs(7200)).unwrap_err()), "policy_duration"),
        (word(&Policy::default().with_request_limit(0).unwrap_err()), "policy_zero"),
        (word(&RecordName::parse("?").unwrap_err()), "record_name"),
        (word(&rules("{}")), "list_not_an_array"),
        (word(&ListError::Rules(Vec::new())), "rules"),
    ] {
        assert_eq!(found, expected);
    }
    for (status, expected) in
        [(100, "http:1xx"), (206, "http:2xx"), (304, "http:3xx"), (404, "http:4xx"), (600, "http:other")]
    {
        assert_eq!(ErrorKind::Status(StatusCode::from_u16(status).unwrap()).word(), expected);
    }
}

#[test]
fn each_word_of_a_profile_is_that_of_its_error() {
    Profile::from_toml(PROFILE).unwrap();
    for (part, by, expected) in [
        ("requests = 30", "requests = 0", "profile_zero"),
        ("status = 200", "status = 600", "profile_status"),
        (r#"code = "error.code""#, r#"code = "error..code""#, "profile_member_path"),
        ("[token_answer]", &format!("{REFRESH}[token_answer]"), "profile_missing_part"),
    ] {
        assert_eq!(word_of_profile(part, by), expected, "{by}");
    }
    let standard = Profile::rfc6749("https://login.example.com/token").unwrap();
    let page = standard.with_authorization_url("https://login.example.com/authorize?a={nothing}");
    assert_eq!(page.unwrap_err().code(), "profile_template");
}

/// A manager whose server is the emulator.
fn manager(emulator: &Emulator) -> TokenManager {
    let profile = Profile::rfc6749(&format!("{}/token", emulator.base("auth.example"))).unwrap();
    let client = Client::new(profile, generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET).unwrap();
    TokenManager::new(client).unwrap()
}

#[test]
fn an_account_without_a_sign_in_is_not_signed_in() {
    let emulator = Emulator::start().unwrap();
    let tokens = manager(&emulator).tokens(TokenSpec::account("ann")).unwrap();
    assert_eq!(tokens.get().unwrap_err().code(), "not_signed_in");
}

#[test]
fn a_token_that_comes_again_after_it_was_refused_is_a_setback() {
    let emulator = Emulator::start().unwrap();
    emulator.generic().repeat_access_tokens(true);
    let spec = TokenSpec::client_credentials(&Scopes::parse("read").unwrap());
    let tokens = manager(&emulator).tokens(spec).unwrap();
    tokens.refused(tokens.get().unwrap().generation());
    assert!(tokens.get().unwrap().is_suspect());
    let setback = tokens.status().unwrap().setback.unwrap();
    assert_eq!(setback.code(), "same_token_again");
}

#[test]
fn a_redirect_uri_that_leads_elsewhere_is_not_listened_at() {
    let error = CallbackListener::bind("https://app.example.com/callback").unwrap_err();
    assert_eq!(error.code(), "redirect_uri_not_loopback");
}

#[cfg(unix)]
mod file_store {
    use std::fs;

    use octo_auth_core::{RecordBytes, RecordName, Saved, Store, Version};
    use octo_auth_store_file::FileStore;

    #[test]
    fn an_empty_path_is_a_matter_of_configuration() {
        assert_eq!(FileStore::open("").unwrap_err().code(), "config");
    }

    #[test]
    fn a_previous_state_that_is_no_record_is_not_recovered() {
        let folder = std::env::temp_dir().join(format!("octo-auth-words-{}", std::process::id()));
        let store = FileStore::open(&folder).unwrap();
        let name = format!("host.client.0123456789abcdef.account.inn.{}", "0".repeat(32));
        let name = RecordName::parse(&name).unwrap();
        for expected in [None, Some(Version(1))] {
            let saved = store.compare_and_swap(&name, expected, &RecordBytes::from(b"no record".as_slice()));
            assert!(matches!(saved.unwrap(), Saved::Done(_)));
        }
        fs::write(folder.join(format!("{name}.record")), "").unwrap();
        let error = store.recover(&name).unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(error.code(), "unrecoverable");
    }
}
