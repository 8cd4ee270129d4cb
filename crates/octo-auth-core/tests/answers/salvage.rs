//! A refresh token that arrived is never dropped, whatever is wrong with the rest of its answer; and a refresh token
//! of any form can be sent again.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up must stop")]

use octo_auth_core::{Exchange, ExchangeError, Reply, Secret};
use octo_auth_testkit::registration::{admin_token, octorate, officernd, standard};
use octo_auth_testkit::{moment, response};

fn refused<T: Reply>(exchange: Exchange<T>, response: &http::Response<Vec<u8>>) -> ExchangeError {
    let now = moment::start();
    exchange.finish(response, now, now).map(drop).expect_err("an answer that cannot be used")
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
fn a_refresh_token_in_json_that_calls_itself_html_is_kept() {
    let body = r#"{"refresh_token":"NEW","access_token":"a","token_type":"Bearer"}"#;
    let response = response::with(200, &[("content-type", "text/html")], body);
    let error = refused(standard().refresh(&Secret::new("old")).unwrap(), &response);
    assert_eq!((error.code().as_ref(), salvaged(&error)), ("media_type", Some("NEW")));
}

#[test]
fn a_refresh_token_that_is_in_doubt_is_not_taken_for_a_new_one() {
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
fn a_client_grant_has_no_refresh_token_to_keep() {
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
