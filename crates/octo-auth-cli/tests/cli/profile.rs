//! `octo-auth profile`: checks of profiles, and the meaning of answers.

use octo_auth_emulator::{Emulator, generic};

use crate::program::{Ran, file, run, run_as, run_with_input};

const ACME: &str = r#"
name = "acme"
title = "Acme"
client_authentication = "basic"
scopes = "optional"
hosts = [{ name = "login", url = "https://login.acme.example" }, { name = "api", url = "https://api.acme.example" }]
error_shapes = [{ code = "errors[*].code", message = "errors[*].text" }]

[calls.client_credentials]
method = "POST"
host = "login"
path = "/token"
encoding = "form"
parameters = [{ name = "grant_type", value = "client_credentials" }, { name = "scope", value = "{scope}" }]

[calls.refresh]
method = "POST"
host = "login"
path = "/token"
encoding = "form"
parameters = [{ name = "refresh_token", value = "{refresh_token}" }]

[refresh]
replay = "once"

[token_answer]
access_token = ["access_token"]
refresh_token = ["refresh_token"]
token_type = ["token_type"]
token_type_absent = "error"
expires_in = ["expires_in"]
expires_in_unit = "seconds"

[[refusals]]
status = 200
code = "token expired"
meaning = "token_refused"

[api]
hosts = ["api"]
"#;

fn tried(name: &str, answer: &str, more: &[&str]) -> Ran {
    let profile = file(&format!("{name}.toml"), ACME);
    let answer = file(&format!("{name}.txt"), answer);
    run(&[&["profile", "try", &profile, "--answer", &answer], more].concat())
}

#[test]
fn a_sound_profile_is_listed_and_one_that_is_not_names_all_its_faults() {
    let ran = run(&["profile", "check", &file("profile-sound.toml", ACME)]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            Some(0),
            "Acme (acme) is sound\n\
             \x20 client_credentials: https://login.acme.example/token\n\
             \x20 refresh: https://login.acme.example/token\n\
             \x20 tokens may go to https://api.acme.example\n"
        )
    );
    let missing = ACME.replace("title = \"Acme\"\n", "").replace("method = \"POST\"\n", "");
    run(&["profile", "check", &file("profile-missing.toml", &missing)]).failed(
        3,
        &[
            "profile-missing.toml",
            "\n  line 1: missing field `title`",
            "\n  line 8, `calls.client_credentials`: missing field `method`",
            "\n  line 14, `calls.refresh`: missing field `method`",
        ],
    );
    let inert =
        ACME.replace("code = \"token expired\"\n", "").replace("path = \"/token\"", "path = \"token\"");
    run(&["profile", "check", &file("profile-inert.toml", &inert)]).failed(
        3,
        &["`refusals[0]`: the rule does not work", "`calls.refresh.path`", "`calls.client_credentials.path`"],
    );
    run(&["profile", "check", "no-such-profile.toml"]).failed(3, &["cannot be read", "because"]);
}

#[test]
fn an_answer_that_grants_a_token_is_accepted_and_its_tokens_are_not_shown() {
    let body =
        r#"{"access_token":"AT-secret","refresh_token":"RT-secret","token_type":"bearer","expires_in":3600}"#;
    let head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nDate: Tue, 01 Jan 2019 00:00:00 GMT\r\n\
                Content-Type: application/json\r\n\r\n";
    let ran = tried("profile-granted", body, &["--call", "refresh"]);
    let kept = ACME.replace(
        "expires_in = ",
        "keep = [{ name = \"instance_url\" }, { name = \"id_token\", secret = true }, { name = \"team\" }]\nexpires_in = ",
    );
    let with = body.replace('{', r#"{"instance_url":"https://eu7.example\n","id_token":"ID-secret","#);
    let (profile, answer) = (file("profile-kept.toml", &kept), file("profile-kept.txt", &with));
    let shown = run(&["profile", "try", &profile, "--answer", &answer]);
    assert!(
        shown.out.contains("  instance_url: https://eu7.example\\n\n  id_token: there\n  team: none\n"),
        "{shown:?}"
    );
    assert!(!shown.out.contains("-secret"), "{shown:?}");
    let granted = "accepted\n  access token: 9 characters\n  lifetime: 3600 s\n  refresh token: there\n";
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), granted));
    let ran = tried("profile-granted-whole", &(head.to_owned() + body), &["--call", "refresh"]);
    assert_eq!(ran.code, Some(0));
    let tolerated: Vec<_> = ran.out.strip_prefix(granted).expect(&ran.out).lines().collect();
    assert_eq!(tolerated.len(), 1, "its date is when it came: {ran:?}");
    assert!(tolerated[0].starts_with("  tolerated: ") && tolerated[0].contains("200"), "{ran:?}");
}

#[test]
fn a_refusal_says_what_it_means_and_its_exit_code_who_must_act() {
    let dead = r#"{"error":"invalid_grant","error_description":"revoked"}"#;
    let ran = tried("profile-dead", dead, &["--call", "refresh", "--status", "400"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(
        ran.out.starts_with("refused\n  code: oauth:invalid_grant\n  message: Acme: the refresh"),
        "{ran:?}"
    );
    assert!(ran.out.contains("what to do: the user has to sign in again"), "{ran:?}");
    let ran = tried(
        "profile-unknown-client",
        "HTTP/2 401\ncontent-type: application/json\n\n{\"error\":\"invalid_client\"}",
        &[],
    );
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.contains("sent by HTTP Basic"), "{ran:?}");
    let busy = tried("profile-busy", "HTTP/1.1 503 Unavailable\nRetry-After: 7\n\n", &[]);
    assert_eq!(busy.code, Some(5), "{busy:?}");
    assert!(busy.out.contains("try again in 7 s"), "{busy:?}");
}

#[test]
fn an_answer_of_the_api_is_read_by_the_profiles_refusals() {
    let expired = r#"{"errors":[{"code":"token expired","text":"too old"}]}"#;
    let ran = tried("profile-api", expired, &["--call", "api"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.out.starts_with("token refused: it is renewed"), "{ran:?}");
    assert!(ran.out.contains("code: provider:token expired") && ran.out.contains("too old"), "{ran:?}");
    let ran = tried("profile-api-accepted", r#"{"orders":[]}"#, &["--call", "api"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "accepted\n"));
}

#[test]
fn an_answer_is_read_from_standard_input_and_a_page_is_named_as_one() {
    let profile = file("profile-input.toml", ACME);
    let ran = run_with_input("<!doctype html><p>blocked</p>", &["profile", "try", &profile, "--answer", "-"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.contains("code: media_type") && ran.out.contains("firewall or proxy"), "{ran:?}");
}

#[test]
fn what_cannot_be_tried_is_explained() {
    tried("profile-no-head", "HTTP/1.1\n\n", &[]).failed(3, &["begins like an HTTP response", "curl -i"]);
    tried("profile-verbose", "* Trying 192.0.2.7\n< HTTP/1.1 200 OK\n\n{}", &[]).failed(3, &["curl -i"]);
    let demanding = file("profile-demanding.toml", &ACME.replace("\"optional\"", "\"required\""));
    let answer = file("profile-demanding.txt", "{}");
    run(&["profile", "try", &demanding, "--answer", &answer])
        .failed(3, &["without a scope", "--scope SCOPE"]);
    tried("profile-no-code", "{}", &["--call", "code"]).failed(3, &["Acme has no authorization call"]);
    tried("profile-status", "{}", &["--status", "99"]).failed(2, &["--status", "from 100 to 599"]);
    tried("profile-call", "{}", &["--call", "x"])
        .failed(2, &["client-credentials, code, refresh, api-login, api"]);
}

#[test]
fn a_standard_server_is_told_how_the_client_authenticates_itself() {
    let emulator = Emulator::start().expect("an emulator");
    let url = format!("{}/token", emulator.base("auth.example"));
    let arguments =
        ["token", "--provider", "rfc6749", "--token-url", &url, "--client-authentication", "basic"];
    let ran = run_as(generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET, &arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(emulator.log()[0].header("authorization"), Some("Basic ***"));
}
