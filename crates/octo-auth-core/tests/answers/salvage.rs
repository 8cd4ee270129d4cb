//! A refresh token that arrived is never dropped, whatever is wrong with the rest of its answer. A refresh token of
//! any form can be sent again.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up must stop")]

use octo_auth_core::{Body, Client, Exchange, ExchangeError, Reply, Secret, TransportError};
use octo_auth_testkit::registration::{admin_token, octorate, officernd, standard, with};
use octo_auth_testkit::{moment, response};

fn refused<T: Reply>(exchange: Exchange<T>, response: &http::Response<Vec<u8>>) -> ExchangeError {
    let now = moment::start();
    exchange.read(response, now, now).map(drop).expect_err("an answer that cannot be used")
}

fn salvaged(error: &ExchangeError) -> Option<&str> {
    error.salvaged_refresh_token().map(Secret::expose)
}

fn refresh(body: &str) -> ExchangeError {
    refused(standard().refresh(&Secret::new("old")).unwrap(), &response::json(200, body))
}

#[test]
fn a_rotated_refresh_token_survives_every_fault_of_the_answer_around_it() {
    for body in [
        r#"{"refresh_token":"NEW","error":"server_error"}"#,
        r#"{"refresh_token":"NEW","error":""}"#,
        r#"{"refresh_token":"NEW","error":false}"#,
        r#"{"refresh_token":"NEW","access_token":"a","access_token":"b","token_type":"Bearer"}"#,
        r#"{"refresh_token":"NEW","access_token":"a","token_type":"Bearer","scope":"a","scope":"b"}"#,
        r#"{"refresh_token":"NEW","access_token":"a","token_type":"mac"}"#,
        r#"{"refresh_token":"NEW","access_token":"a b","token_type":"Bearer"}"#,
        r#"{"refresh_token":"NEW","access_token":7}"#,
        r#"{"refresh_token":"NEW"}"#,
    ] {
        assert_eq!(salvaged(&refresh(body)), Some("NEW"), "{body}");
    }
}

#[test]
fn a_refresh_token_in_json_labelled_as_html_is_kept() {
    let body = r#"{"refresh_token":"NEW","access_token":"a","token_type":"Bearer"}"#;
    let response = response::with(200, &[("content-type", "text/html")], body);
    let error = refused(standard().refresh(&Secret::new("old")).unwrap(), &response);
    assert_eq!((error.code().as_ref(), salvaged(&error)), ("media_type", Some("NEW")));
}

/// A standard server that answers with forms, or with two names of the refresh token.
fn odd() -> Client {
    let profile = standard().profile().clone().edit(|document| {
        document.token_answer.form = true;
        document.token_answer.refresh_token = vec!["refresh_token".into(), "refreshToken".into()].into();
    });
    with(profile.unwrap())
}

/// Returns the refresh token in an answer with this media type, whether the answer is usable or not.
fn brought(client: &Client, media_type: &str, body: &str) -> Option<String> {
    let exchange = client.refresh(&Secret::new("old")).unwrap();
    let (response, now) = (response::with(200, &[("content-type", media_type)], body), moment::start());
    match exchange.read(&response, now, now) {
        Ok(answer) => answer.value.refresh_token().map(|token| token.expose().to_owned()),
        Err(error) => salvaged(&error).map(str::to_owned),
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn an_unusable_or_unexpected_form_still_yields_its_refresh_token() {
    for (client, body, expected) in [
        (odd(), "access_token=a&token_type=Bearer&refresh_token=NEW", "NEW"),
        (odd(), "access_token=a&token_type=mac&refresh_token=NEW", "NEW"),
        (odd(), "refresh_token=NEW", "NEW"),
        (odd(), "access_token=a&token_type=Bearer&refresh_token=20261130&expires_in=60", "20261130"),
        (odd(), "access_token=4711&token_type=Bearer&refresh_token=007&expires_in=60", "007"),
        (standard(), "access_token=a&token_type=Bearer&refresh_token=N%2BW", "N+W"),
    ] {
        assert_eq!(brought(&client, FORM, body).as_deref(), Some(expected), "{body}");
    }
}

#[test]
fn a_possibly_truncated_form_yields_no_refresh_token() {
    let mut response = http::Response::new(Body::from("access_token=a&refresh_token=NE"));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(FORM));
    let fault = TransportError::broken_off("the connection was closed").with_partial_response(response);
    assert_eq!(salvaged(&odd().refresh(&Secret::new("old")).unwrap().failed(fault)), None);
}

#[test]
fn an_empty_member_does_not_hide_a_refresh_token_under_another_name() {
    for empty in ["null", "\"\""] {
        for access_token in ["\"a\"", "7"] {
            let body = format!(
                r#"{{"access_token":{access_token},"token_type":"Bearer","refresh_token":{empty},"refreshToken":"NEW"}}"#
            );
            assert_eq!(brought(&odd(), "application/json", &body).as_deref(), Some("NEW"), "{body}");
        }
    }
}

const ROTATED: &str = r#"{"refresh_token":"NEW","access_token":"a","token_type":"Bearer"}"#;

#[test]
fn a_plain_body_labelled_as_compressed_keeps_its_refresh_token() {
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let exchange = standard().refresh(&Secret::new("old")).unwrap();
    let error = refused(exchange, &response::with(200, &headers, ROTATED));
    assert_eq!((error.code().as_ref(), salvaged(&error)), ("content_encoding", Some("NEW")));
}

#[test]
fn text_after_a_complete_object_does_not_lose_the_refresh_token() {
    for rest in ["}", "x", "\r\n0\r\n\r\n", "{\"more\":1}", "<!-- served by cache -->", "\0"] {
        let error = refresh(&[ROTATED, rest].concat());
        assert_eq!((error.code().as_ref(), salvaged(&error)), ("not_json", Some("NEW")), "{rest}");
    }
}

/// Returns the `TransportError` for a response that broke off.
fn broken(status: u16, body: &str) -> TransportError {
    let response = response::with(status, &[("set-cookie", "secret-1")], body);
    TransportError::broken_off("the answer broke off").with_partial_response(response.map(Body::new))
}

#[test]
fn a_complete_object_in_a_broken_response_yields_its_refresh_token() {
    let lost = |fault| standard().refresh(&Secret::new("old")).unwrap().failed(fault);
    let error = lost(broken(200, ROTATED));
    assert_eq!((error.code().as_ref(), salvaged(&error)), ("body_incomplete", Some("NEW")));
    for (status, body) in [(200, &ROTATED[..ROTATED.len() - 1]), (400, ROTATED), (200, "")] {
        assert_eq!(salvaged(&lost(broken(status, body))), None, "{status} {body}");
    }
    let scopes = octo_auth_core::Scopes::none();
    let error = standard().client_credentials(&scopes).unwrap().failed(broken(200, ROTATED));
    assert_eq!(salvaged(&error), None, "a client grant has none");
}

#[test]
fn a_transport_error_shows_nothing_of_the_response() {
    let fault = broken(200, ROTATED);
    let shown = format!("{fault} {fault:?}");
    assert!(!shown.contains("NEW") && !shown.contains("secret-1"), "{shown}");
}

#[test]
fn a_refresh_token_in_doubt_is_not_taken_for_a_new_one() {
    for body in [
        r#"{"refresh_token":"A","refresh_token":"B"}"#,
        r#"{"refresh_token":""}"#,
        r#"{"refresh_token":null}"#,
        r#"{"refresh_token":["NEW"]}"#,
        r#"{"refresh_token":"NEW","#,
    ] {
        assert_eq!(salvaged(&refresh(body)), None, "{body}");
    }
    let refusal = response::json(400, r#"{"error":"invalid_grant","refresh_token":"NEW"}"#);
    let error = refused(standard().refresh(&Secret::new("old")).unwrap(), &refusal);
    assert_eq!(salvaged(&error), None, "a refusal grants nothing");
}

#[test]
fn a_client_grant_keeps_no_refresh_token() {
    let scopes = octo_auth_core::Scopes::parse("flex.community.members.read").unwrap();
    let exchange = officernd().client_credentials(&scopes).unwrap();
    let error = refused(exchange, &response::json(200, r#"{"refresh_token":"NEW"}"#));
    assert_eq!(salvaged(&error), None);
}

#[test]
fn the_refresh_token_of_a_created_property_survives_an_unknown_status() {
    let client = octorate();
    let admin = admin_token(client.profile(), "admin");
    for body in [
        r#"{"status":"novel","id":"1","refresh_token":"NEW"}"#,
        r#"{"status":"created","refresh_token":"NEW"}"#,
        r#"{"status":"novel","type":"HOTEL","message":"m","id":"1","refresh_token":"NEW"}"#,
    ] {
        let error = refused(client.create_property(&admin, "{}").unwrap(), &response::json(200, body));
        assert_eq!(salvaged(&error), Some("NEW"), "{body}");
    }
}

#[test]
fn a_refresh_token_with_unusual_characters_is_sent_as_it_came() {
    let exchange = standard().refresh(&Secret::new("new\ttöken")).unwrap();
    let body = String::from_utf8_lossy(exchange.request().body().as_ref()).into_owned();
    assert!(body.contains("refresh_token=new%09t%C3%B6ken"), "{body}");
}
