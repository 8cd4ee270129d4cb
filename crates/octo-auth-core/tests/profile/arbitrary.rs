//! Whatever a server sends, reading it returns a value or an error. It never panics, and never returns a token that
//! cannot be in a header.

use http::Response;
use octo_auth_core::{Exchange, Reply, Scopes, Secret, TokenSet, TokenTypeHint};
use octo_auth_testkit::registration::{
    admin_token, entropy, octorate, octotable, officernd, property_token, standard,
};
use octo_auth_testkit::strategies::{answers, error_answers, odd_values, token_answers};
use octo_auth_testkit::{canary, moment, response};
use proptest::prelude::*;

/// Returns the token requests of the four profiles.
fn token_requests() -> Vec<Exchange<TokenSet>> {
    let refresh_token = Secret::from("old-refresh-token");
    vec![
        octotable().client_credentials(&Scopes::none()).unwrap(),
        officernd().client_credentials(&Scopes::parse("a b").unwrap()).unwrap(),
        octorate().refresh(&refresh_token).unwrap(),
        octorate().migrate(&refresh_token, "1").unwrap(),
        standard().refresh(&refresh_token).unwrap(),
    ]
}

/// Reads an answer to any exchange. Also formats the texts of an error.
fn total<T: Reply + std::fmt::Debug>(exchange: Exchange<T>, response: &Response<Vec<u8>>) {
    match exchange.read(response, moment::start(), moment::after(1)) {
        Ok(answer) => drop(canary::shown(&answer)),
        Err(error) => {
            drop((canary::shown_by_error(&error), error.retry(), error.remedy().to_string()));
        }
    }
}

proptest! {
    #[test]
    fn a_token_that_was_read_is_always_valid_in_a_header(response in prop_oneof![8 => answers(), 1 => token_answers()]) {
        for exchange in token_requests() {
            if let Ok(answer) = exchange.read(&response, moment::start(), moment::after(1)) {
                let token = answer.value.access_token().expose().to_owned();
                prop_assert!(response.status().is_success());
                prop_assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(answer.value.authorization(), format!("Bearer {token}"));
                prop_assert!(answer.value.lifetime().is_none_or(|life| life <= octo_auth_core::LONGEST_LIFETIME));
            }
        }
    }

    #[test]
    fn every_exchange_reads_every_answer(response in prop_oneof![8 => answers(), 1 => error_answers()]) {
        let (admin, token) = (admin_token(octorate().profile(), "admin"), Secret::from("token-in-question"));
        for exchange in token_requests() {
            total(exchange, &response);
        }
        total(octorate().api_login().unwrap(), &response);
        total(octorate().api_configuration(&admin).unwrap(), &response);
        total(octorate().replace_redirect_uris(&admin, None).unwrap(), &response);
        total(octorate().create_property(&admin, "{}").unwrap(), &response);
        total(standard().revoke(&token, TokenTypeHint::AccessToken).unwrap(), &response);
        total(standard().introspect(&token).unwrap(), &response);
        let request = http::Request::get("https://api.octorate.com/").body(octo_auth_core::Body::empty());
        total(octorate().api_call(&property_token(octorate().profile(), "t"), request.unwrap()).unwrap(), &response);
    }

    #[test]
    fn an_answer_of_the_rfc_is_a_token_and_an_error_is_not(granted in token_answers(), refused in error_answers()) {
        let asking = || standard().refresh(&Secret::from("old-refresh-token")).unwrap();
        let read = response::read(asking(), &granted);
        prop_assert!(read.is_ok(), "{:?}", read);
        prop_assert!(response::read(asking(), &refused).is_err());
    }

    #[test]
    fn an_odd_optional_member_never_costs_a_token(
        name in prop::sample::select(vec!["refresh_token", "expires_in", "expireDate", "scope", "other"]),
        value in odd_values(),
    ) {
        let body = format!(r#"{{"access_token":"AT","token_type":"Bearer","type":"Bearer","{name}":{value}}}"#);
        let plain = body.replace(r#""type":"Bearer","#, "");
        for exchange in token_requests() {
            // At Octorate, errors are recognized by the member `type`.
            let octorates = exchange.request().uri().host() == Some("api.octorate.com");
            let answer = response::read(exchange, &response::json(200, if octorates { &plain } else { &body }));
            let token = answer.unwrap().value.access_token().expose().to_owned();
            prop_assert_eq!(token, "AT");
        }
    }

    #[test]
    fn every_number_is_a_lifetime_or_none(number in prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u128>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,5})?",
    ]) {
        for member in ["expires_in", "expireDate"] {
            let body = format!(r#"{{"access_token":"AT","{member}":{number}}}"#);
            let exchange = octorate().refresh(&Secret::from("old-refresh-token")).unwrap();
            let life = response::read(exchange, &response::json(200, &body)).unwrap().value.lifetime();
            prop_assert!(life.is_none_or(|life| life <= octo_auth_core::LONGEST_LIFETIME));
        }
    }

    #[test]
    fn a_whole_number_of_seconds_is_that_many_seconds(seconds in 0_u64..=315_360_000) {
        let body = format!(r#"{{"access_token":"AT","expires_in":{seconds}}}"#);
        let exchange = octorate().refresh(&Secret::from("old-refresh-token")).unwrap();
        let life = response::read(exchange, &response::json(200, &body)).unwrap().value.lifetime();
        prop_assert_eq!(life, Some(std::time::Duration::from_secs(seconds)));
    }

    #[test]
    fn a_callback_is_a_code_or_a_refusal_and_without_the_state_never_a_code(text in any::<String>()) {
        let (_, pending) = octorate().authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).unwrap();
        let rejected = pending.receive(&text, moment::start()).map(drop).unwrap_err();
        drop(canary::shown_by_error(&rejected));
        prop_assert!(rejected.pending.is_some());
    }

    #[test]
    fn a_sign_in_cut_short_is_not_read_back(cut in any::<prop::sample::Index>()) {
        let (_, pending) = standard().authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).unwrap();
        let json = pending.to_json();
        let whole = json.expose();
        let end = cut.index(whole.len());
        prop_assert!(octo_auth_core::PendingAuthorization::from_json(whole).is_some());
        prop_assert!(octo_auth_core::PendingAuthorization::from_json(&whole[..end]).is_none());
    }
}
