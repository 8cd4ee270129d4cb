//! Error bodies and refusals as described by a profile: paths, codes, statuses, and rules that can never match.

use octo_auth_core::profile::{
    AccountLimit, Document, ErrorShape, Parameter, Profile, ProfileError, ProfileProblem, Refusal,
    RefusalMeaning, Template,
};
use octo_auth_core::{ApiAnswer, Body, Client, ExchangeError, Remedy, Scopes, TokenStatus};
use octo_auth_testkit::registration::property_token;
use octo_auth_testkit::response::{json, read};

const API: &str = "https://api.example.com";

fn standard() -> Profile {
    Profile::rfc6749("https://login.example.com/token")
        .and_then(|profile| profile.with_api_host(API))
        .unwrap()
}

fn shape(code: Option<&str>, message: &str) -> ErrorShape {
    let code = code.map(|code| code.to_owned().into());
    ErrorShape { code, message: message.to_owned().into(), source: "".into() }
}

fn refusal(status: u16, code: Option<&str>, meaning: RefusalMeaning) -> Refusal {
    Refusal { status, code: code.map(|code| code.to_owned().into()), meaning, source: "".into() }
}

fn with(shapes: &[ErrorShape], refusals: &[Refusal]) -> Result<Profile, ProfileError> {
    standard().edit(|document: &mut Document| {
        document.error_shapes = shapes.to_vec().into();
        document.refusals = refusals.to_vec().into();
    })
}

fn client(profile: Profile) -> Client {
    Client::new(profile, "my-app", "secret").unwrap()
}

fn called(client: &Client, status: u16, body: &str) -> ApiAnswer {
    let request = http::Request::get(format!("{API}/orders")).body(Body::empty()).unwrap();
    let exchange = client.api_call(&property_token(client.profile(), "AT"), request).unwrap();
    read(exchange, &json(status, body)).unwrap().value
}

fn asked(client: &Client, status: u16, body: &str) -> ExchangeError {
    let exchange = client.client_credentials(&Scopes::none()).unwrap();
    read(exchange, &json(status, body)).unwrap_err()
}

#[test]
fn a_path_leads_into_arrays() {
    let bodies = [
        ("errors.0.code", "errors.0.text", r#"{"errors":[{"code":"EXPIRED","text":"too old"}]}"#),
        ("errors[0].code", "errors[0].text", r#"{"errors":[{"code":"EXPIRED","text":"too old"}]}"#),
        ("errors[1].code", "errors[1].text", r#"{"errors":[{},{"code":"EXPIRED","text":"too old"}]}"#),
        ("errors[*].code", "errors[*].text", r#"{"errors":[1,{"a":2},{"code":"EXPIRED","text":"too old"}]}"#),
        ("[*].errorCode", "[*].message", r#" [{"message":"too old","errorCode":"EXPIRED"}]"#),
        ("0.errorCode", "0.message", r#"[{"message":"too old","errorCode":"EXPIRED"}]"#),
        ("a.b[*].c.0", "a.t", r#"{"a":{"b":[{"c":[]},{"c":["EXPIRED"]}],"t":"too old"}}"#),
        ("errors.0", "text", r#"{"errors":{"0":"EXPIRED"},"text":"too old"}"#),
    ];
    for (code, message, body) in bodies {
        let listed = refusal(400, Some("EXPIRED"), RefusalMeaning::TokenRefused);
        let client = client(with(&[shape(Some(code), message)], &[listed]).unwrap());
        let answer = called(&client, 400, body);
        assert_eq!(
            (answer.meaning(), answer.code()),
            (TokenStatus::TokenRefused, Some("provider:EXPIRED")),
            "{code}"
        );
        assert_eq!(answer.provider_text().unwrap().as_str(), "too old", "{message}");
    }
    let client = client(with(&[shape(Some("errors[*].code"), "message")], &[]).unwrap());
    for body in [r#"{"errors":[]}"#, r#"{"errors":{"code":"E"}}"#, r#"{"errors":7}"#, "[]", "", "[[[["] {
        assert_eq!(called(&client, 400, body).code(), None, "{body}");
    }
}

#[test]
fn an_invalid_path_is_refused_at_its_field() {
    for wrong in [
        "errors..code",
        "errors[",
        "errors[x].code",
        "errors[].code",
        "errors]",
        ".code",
        "code.",
        "a[-1]",
        "a[4294967296]",
    ] {
        for (shape, field) in [
            (shape(Some(wrong), "message"), "error_shapes[0].code"),
            (shape(None, wrong), "error_shapes[0].message"),
        ] {
            let error = with(&[shape], &[]).unwrap_err();
            let expected = ProfileProblem::MemberPath(wrong.to_owned());
            assert_eq!((error.field(), error.problem()), (field, &expected), "{wrong}");
        }
    }
}

#[test]
fn a_success_whose_code_is_listed_is_a_refusal() {
    let refusals = [
        refusal(200, Some("token_expired"), RefusalMeaning::TokenRefused),
        refusal(200, Some("ratelimited"), RefusalMeaning::Quota),
        refusal(200, Some("17"), RefusalMeaning::Forbidden),
    ];
    let client = client(with(&[shape(Some("errno"), "text")], &refusals).unwrap());
    let refused = called(&client, 200, r#"{"ok":false,"error":"token_expired"}"#);
    assert_eq!((refused.meaning(), refused.code()), (TokenStatus::TokenRefused, Some("oauth:token_expired")));
    let error = refused.error_for_status().unwrap_err();
    assert_eq!((error.code().as_ref(), error.remedy()), ("oauth:token_expired", Remedy::RenewToken));
    let limited = called(&client, 200, r#"{"error":"ratelimited"}"#);
    assert_eq!(limited.meaning(), TokenStatus::Quota { retry_after: None });
    let error = limited.error_for_status().unwrap_err();
    assert!(matches!(error.remedy(), Remedy::TryLater { .. }), "{error}");
    assert_eq!(called(&client, 200, r#"{"errno":17}"#).meaning(), TokenStatus::Forbidden);
    // Unlisted codes are the application's own concern.
    for body in [r#"{"error":"not_found"}"#, r#"{"errno":18}"#, r#"{"ok":true}"#, "", "[]"] {
        let answer = called(&client, 200, body);
        assert_eq!((answer.meaning(), answer.code()), (TokenStatus::Accepted, None), "{body}");
        assert!(answer.error_for_status().is_ok());
    }
    assert_eq!(called(&client, 201, r#"{"error":"token_expired"}"#).meaning(), TokenStatus::Accepted);
    // A token answer with a listed code is an error, although it has no message.
    assert_eq!(asked(&client, 200, r#"{"errno":17,"access_token":"AT"}"#).code(), "provider:17");
    let authorizer = octo_auth_core::Authorizer::from(&client);
    assert!(authorizer.looks_at_body(http::StatusCode::OK));
    assert!(!authorizer.looks_at_body(http::StatusCode::CREATED));
}

#[test]
fn a_code_may_hold_spaces_if_the_profile_lists_it() {
    let listed = "Session expired or invalid";
    let client = client(
        with(&[shape(Some("fault"), "text")], &[refusal(400, Some(listed), RefusalMeaning::TokenRefused)])
            .unwrap(),
    );
    for (body, code) in [
        (r#"{"fault":"Session expired or invalid"}"#, "provider:Session expired or invalid"),
        (r#"{"error":"Session expired or invalid"}"#, "oauth:Session expired or invalid"),
    ] {
        let answer = called(&client, 400, body);
        assert_eq!((answer.meaning(), answer.code()), (TokenStatus::TokenRefused, Some(code)));
    }
    let other = called(&client, 400, r#"{"fault":"Session expired"}"#);
    assert_eq!((other.meaning(), other.code()), (TokenStatus::Unrelated, Some("provider_error")));
}

#[test]
fn a_rule_that_can_never_match_is_refused_with_the_reason() {
    use RefusalMeaning::{Forbidden, Quota};
    let long = "x".repeat(65);
    let cases: &[(&[Refusal], &str, &str)] = &[
        (
            &[refusal(403, None, Forbidden), refusal(403, Some("Q"), Quota)],
            "refusals[1]",
            "`refusals[0]` takes",
        ),
        (
            &[refusal(403, Some("Q"), Quota), refusal(404, None, Quota), refusal(403, Some("Q"), Forbidden)],
            "refusals[2]",
            "`refusals[0]` takes",
        ),
        (&[refusal(102, Some("Q"), Quota)], "refusals[0]", "1xx"),
        (&[refusal(204, Some("Q"), Quota)], "refusals[0]", "no body"),
        (&[refusal(200, None, Quota)], "refusals[0]", "every success"),
        (&[refusal(403, Some(&long), Quota)], "refusals[0].code", "at most 64 bytes"),
        (&[refusal(403, Some(" Q"), Quota)], "refusals[0].code", "no space at its ends"),
    ];
    for (refusals, field, reason) in cases {
        let error = with(&[], refusals).unwrap_err();
        assert_eq!((error.field(), error.code()), (*field, "profile_inert"), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = with(&[shape(Some("a"), "b"), shape(Some("a"), "b")], &[]).unwrap_err();
    assert_eq!((error.field(), error.code()), ("error_shapes[1]", "profile_inert"));
    let error = standard().edit(|document| document.token_answer.assume_utc = true).unwrap_err();
    assert_eq!((error.field(), error.code()), ("token_answer.assume_utc", "profile_inert"));
    let header = |document: &mut Document| {
        document.api.iter_mut().for_each(|api| api.required_headers.to_mut().push("authorization".into()));
    };
    let error = standard().edit(header).unwrap_err();
    assert_eq!((error.field(), error.code()), ("api.required_headers[0]", "profile_inert"));
    let limit = |requests, per_seconds| AccountLimit { requests, per_seconds, source: "".into() };
    let limits = |account: AccountLimit| {
        Profile::officernd()
            .edit(|document| document.account_limit = Some(account))
            .map_err(|error| error.field().to_owned())
    };
    assert_eq!(limits(limit(5, 60)).unwrap_err(), "account_limit");
    limits(limit(4, 60)).unwrap();
    limits(limit(10, 3600)).unwrap();
    for name in ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization"] {
        let header = Parameter { name: name.into(), value: Template::new("Bearer {access_token}").unwrap() };
        let error = standard().edit(|document| document.token_header = Some(header)).unwrap_err();
        assert_eq!((error.field(), error.code()), ("token_header.name", "profile_inert"), "{error}");
    }
    let error = standard().edit(|document| document.calls.refresh = None).unwrap_err();
    assert_eq!((error.field(), error.code()), ("refresh", "profile_inert"));
    // A rule without a code after rules with codes applies to all other codes.
    with(&[], &[refusal(403, Some("Q"), Quota), refusal(403, None, Forbidden)]).unwrap();
}
