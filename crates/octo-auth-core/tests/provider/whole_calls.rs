//! API calls that have their whole request at hand.

use http::Request;
use octo_auth_core::profile::{Refusal, RefusalMeaning};
use octo_auth_core::provider::ProviderCall;
use octo_auth_core::{
    ANSWER_LIMIT, ApiError, Authorizer, Body, CallError, Remedy, Scopes, Secret, SendOptions, TokenSpec,
    TokenStatus,
};
use octo_auth_testkit::machine::{Machine, ServerReply};
use octo_auth_testkit::registration::{self, officernd};
use octo_auth_testkit::response::json;

use crate::{Driven, drive};

fn members() -> TokenSpec {
    TokenSpec::client_credentials(&Scopes::parse("flex.community.members.read").unwrap())
}

fn request(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

fn call(
    world: &mut Machine,
    responses: impl IntoIterator<Item = http::Response<Vec<u8>>>,
) -> Driven<octo_auth_core::ApiAnswer, ApiError> {
    let request = request("https://app.officernd.com/api/v2/organizations/x/members");
    let call = Authorizer::from(world.manager.client()).whole_call(&request, ANSWER_LIMIT);
    drive(world, (&members(), &members()), call, responses)
}

#[test]
fn an_accepted_call_takes_one_token_and_one_request() {
    let mut world = Machine::new(officernd());
    let Driven { steps, result } = call(&mut world, [json(200, "{}")]);
    assert_eq!(steps, ["token", "send Bearer AT1"]);
    assert_eq!(result.unwrap().value.meaning(), TokenStatus::Accepted);
}

#[test]
fn a_refused_token_is_reported_and_the_request_is_retried_once_with_another() {
    let mut world = Machine::new(officernd());
    let Driven { steps, result } = call(&mut world, [json(401, "{}"), json(200, "{}")]);
    assert_eq!(steps, ["token", "send Bearer AT1", "report", "token", "send Bearer AT2"]);
    assert_eq!(result.unwrap().value.meaning(), TokenStatus::Accepted);
}

#[test]
fn a_refusal_with_status_200_counts_if_the_profile_says_so() {
    let expired = Refusal {
        status: 200,
        code: Some("token expired".into()),
        meaning: RefusalMeaning::TokenRefused,
        source: "".into(),
    };
    let profile = officernd().profile().clone();
    let profile = profile.edit(|document| document.refusals.to_mut().insert(0, expired)).unwrap();
    let mut world = Machine::new(registration::with(profile));
    let refused = json(200, r#"{"error":"token expired"}"#);
    let Driven { steps, result } = call(&mut world, [refused, json(200, "{}")]);
    assert_eq!(steps, ["token", "send Bearer AT1", "report", "token", "send Bearer AT2"]);
    assert_eq!(result.unwrap().value.meaning(), TokenStatus::Accepted);
}

#[test]
fn a_second_refusal_is_reported_and_returned() {
    let mut world = Machine::new(officernd());
    let Driven { steps, result } = call(&mut world, [json(401, "{}"), json(401, "{}")]);
    assert_eq!(steps, ["token", "send Bearer AT1", "report", "token", "send Bearer AT2", "report"]);
    let answer = result.unwrap().value;
    assert_eq!((answer.meaning(), answer.renewal_failure().is_none()), (TokenStatus::TokenRefused, true));
}

#[test]
fn a_refusal_is_returned_with_the_reason_if_no_other_token_is_available() {
    let mut world = Machine::new(officernd());
    world.got(&members());
    world.endpoint.always(|_| ServerReply::unavailable_for(120));
    let Driven { steps, result } = call(&mut world, [json(401, "{}")]);
    // The refused token may still work, so it is served once more. A second refusal ends the call.
    assert_eq!(steps, ["token", "send Bearer AT1", "report", "token"]);
    let answer = result.unwrap().value;
    assert_eq!(answer.meaning(), TokenStatus::TokenRefused);
    let failure = answer.renewal_failure().unwrap();
    assert_eq!((failure.code().as_ref(), failure.retry_after().unwrap().as_secs()), ("http:503", 120));
}

#[test]
fn an_answer_over_the_configured_limit_names_the_setting() {
    let request = request("https://app.officernd.com/api/v2/organizations/x/members");
    let answered = |length: usize, limit: usize| {
        let mut world = Machine::new(officernd());
        let call = Authorizer::from(world.manager.client()).whole_call(&request, limit);
        drive(&mut world, (&members(), &members()), call, [json(200, &"x".repeat(length))]).result
    };
    let more = 3 * ANSWER_LIMIT;
    assert_eq!(answered(more, more).unwrap().value.body().len(), more);
    for (length, limit) in [(11, 10), (more + 1, more)] {
        let error = answered(length, limit).unwrap_err();
        assert_eq!((error.code().as_ref(), error.remedy()), ("too_large", Remedy::FixConfiguration));
        let text = error.to_string();
        assert!(
            text.contains(&format!("more than {limit} bytes")) && text.contains("with_answer_limit"),
            "{text}"
        );
    }
}

#[test]
fn an_api_request_carries_the_answer_limit_and_may_reuse_a_connection() {
    let request = request("https://app.officernd.com/x");
    let mut world = Machine::new(officernd());
    let call = Authorizer::from(world.manager.client()).whole_call(&request, 77);
    let ProviderCall::GetToken(wanted) = call else { panic!("{call:?}") };
    let ProviderCall::Run(exchange, _) = wanted.got(world.get(&members()), || None) else {
        panic!("no request")
    };
    let options = SendOptions::of(exchange.request());
    assert_eq!((options.answer_limit(), options.may_reuse_connection()), (77, true));
}

#[test]
fn token_requests_and_foreign_requests_use_their_own_connection() {
    let exchange = registration::standard().refresh(&Secret::from("RT0")).unwrap();
    for options in [SendOptions::of(exchange.request()), SendOptions::of(&request("https://example.com"))] {
        assert_eq!((options.answer_limit(), options.may_reuse_connection()), (ANSWER_LIMIT, false));
    }
}

#[test]
fn without_a_token_nothing_is_sent() {
    let mut world = Machine::new(officernd());
    world.endpoint.then(ServerReply::error(401, "invalid_client"));
    let Driven { steps, result } = call(&mut world, []);
    assert_eq!(steps, ["no token"]);
    assert!(matches!(result, Err(ApiError::Call(CallError::Token(_)))));
}

#[test]
fn a_request_that_must_not_carry_a_token_asks_for_none() {
    let mut world = Machine::new(officernd());
    let request = request("https://example.com/x");
    let call = Authorizer::from(world.manager.client()).whole_call(&request, ANSWER_LIMIT);
    let Driven { steps, result } = drive(&mut world, (&members(), &members()), call, []);
    assert!(steps.is_empty());
    assert_eq!(result.unwrap_err().code(), "foreign_host");
}
