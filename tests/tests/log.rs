//! The search of the log finds every kind of secret, and nothing else.

use octo_auth_emulator::{SECRET_MARK, generic, octorate, octotable, officernd};
use octo_auth_tests::canary::marked;
use octo_auth_tests::log::secret_in;
use octo_auth_tests::registration::CLIENT_SECRET;

#[test]
fn every_secret_of_the_emulator_and_of_the_fixtures_is_found_wherever_it_stands() {
    for secret in [
        SECRET_MARK,
        octorate::DEMO_CLIENT_SECRET,
        octorate::DEMO_API_KEY,
        octotable::DEMO_CLIENT_SECRET,
        officernd::DEMO_CLIENT_SECRET,
        generic::DEMO_CLIENT_SECRET,
        CLIENT_SECRET,
        &marked("token"),
        "AT0-in-flight",
    ] {
        let line = format!("sent x={secret:?} to the server");
        assert!(secret_in(&line).is_some(), "{line}");
    }
}

#[test]
fn a_credential_too_short_to_be_marked_is_found_by_what_stands_before_it() {
    for line in [
        "headers={\"authorization\": \"Bearer AT1\"}",
        "authorization: bearer at-1",
        "authorization: Basic Y2xpZW50OnNlY3JldA==",
        "body={\"access_token\":\"AT1\"}",
        "body=\"{\\\"refresh_token\\\":\\\"RT1\\\"}\"",
        "grant_type=refresh_token&refresh_token=RT1",
        "client_id=a&client_secret=b",
        "GET /callback?code_verifier=abc",
    ] {
        assert!(secret_in(line).is_some(), "{line}");
    }
}

#[test]
fn what_holds_no_credential_is_not_taken_for_one() {
    for line in [
        "www-authenticate: Bearer realm=\"x\", error=\"invalid_token\"",
        "authorization: Bearer ***",
        "the server sent no Bearer token",
        "grant_type=refresh_token&scope=read",
        "octo_auth.requested purpose=refresh outcome=answered status=200",
    ] {
        assert_eq!(secret_in(line), None, "{line}");
    }
}
