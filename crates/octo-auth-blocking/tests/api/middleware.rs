//! The ureq middleware.

use octo_auth_blocking::{Authorize, CallError, RequestError, StatusesAreErrors, TokenSource};
use octo_auth_emulator::{Emulator, octotable};
use ureq::Agent;

use crate::server::{Answer, Server, answer};
use crate::{asked, at_once, expired, octorate_tokens, octotable_tokens, reservations, services, tokens};

fn agent(middleware: Authorize, statuses_are_errors: bool) -> Agent {
    let config = Agent::config_builder().http_status_as_error(statuses_are_errors).middleware(middleware);
    config.build().into()
}

fn authorised(tokens: &TokenSource) -> Agent {
    agent(Authorize::new(tokens.clone()), false)
}

fn cause<E: std::error::Error + 'static>(error: ureq::Error) -> E {
    let ureq::Error::Other(cause) = error else { panic!("another error: {error}") };
    *cause.downcast().expect("the cause that was due")
}

/// Returns a server that refuses the first token.
fn picky() -> Server {
    Server::start(|call| match call.authorization.as_deref() {
        Some("Bearer at-1") => answer(401, r#"{"error":"too old"}"#),
        _ => answer(200, "whole"),
    })
}

#[test]
fn a_call_carries_the_token_and_its_body() {
    let server = Server::start(|call| answer(200, &format!("got {}", call.body)));
    let agent = authorised(&tokens(&server));
    let mut response = agent.post(server.url("/rooms")).send("a room").expect("an answer");
    assert_eq!(response.body_mut().read_to_string().expect("a body"), "got a room");
    assert_eq!(server.calls()[0].authorization.as_deref(), Some("Bearer at-1"));
    assert_eq!(server.tokens(), 1);
}

#[test]
fn a_request_uses_the_token_source_in_its_extensions() {
    let server = picky();
    let (own, others) = (tokens(&server), tokens(&server));
    others.get().expect("at-1");
    let agent = authorised(&own);
    let call =
        || agent.get(server.url("/rooms")).extension(others.clone()).call().expect("an answer").status();
    assert_eq!((call().as_u16(), call().as_u16()), (401, 200));
    let sent: Vec<_> = server.calls().into_iter().filter_map(|call| call.authorization).collect();
    assert_eq!(sent, ["Bearer at-1", "Bearer at-2"], "the refusal renews the tokens of the request");
    assert_eq!(agent.get(server.url("/rooms")).call().expect("an answer").status(), 200);
    assert_eq!(server.calls()[2].authorization.as_deref(), Some("Bearer at-3"), "the agent's own");
}

#[test]
fn an_answer_of_another_middleware_is_read_like_any_other() {
    let server = picky();
    let tokens = tokens(&server);
    let cache = |_: ureq::http::Request<ureq::SendBody>, _: ureq::middleware::MiddlewareNext| {
        let mut refused = ureq::http::Response::new(ureq::Body::builder().data("kept"));
        *refused.status_mut() = ureq::http::StatusCode::UNAUTHORIZED;
        refused.extensions_mut().insert("of the cache");
        Ok(refused)
    };
    let config = Agent::config_builder().http_status_as_error(false);
    let agent: Agent = config.middleware(Authorize::new(tokens.clone())).middleware(cache).build().into();
    assert_eq!(agent.get(server.url("/rooms")).call().expect("an answer").status(), 401);
    tokens.get().expect("another token");
    assert_eq!((server.calls().len(), server.tokens()), (0, 2));
}

#[test]
fn a_refusal_is_delivered_and_the_next_call_has_another_token() {
    let server = picky();
    let agent = authorised(&tokens(&server));
    let mut refused = agent.get(server.url("/rooms")).call().expect("an answer");
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.body_mut().read_to_string().expect("a body"), r#"{"error":"too old"}"#);
    assert_eq!(agent.get(server.url("/rooms")).call().expect("an answer").status(), 200);
    assert_eq!((server.calls().len(), server.tokens()), (2, 2));
}

#[test]
fn a_token_that_many_callers_report_as_refused_is_renewed_once() {
    let server = picky();
    let agent = authorised(&tokens(&server));
    let call = || agent.get(server.url("/rooms")).call().expect("an answer").status().as_u16();
    at_once(50, call);
    assert!(at_once(50, call).iter().all(|status| *status == 200));
    assert_eq!(server.tokens(), 2);
}

#[test]
fn the_answer_of_a_server_that_always_refuses_is_complete() {
    let long = "x".repeat(100_000);
    let body = long.clone();
    let server = Server::start(move |_| answer(401, &body));
    let agent = authorised(&tokens(&server));
    for _ in 0..3 {
        let mut refused = agent.get(server.url("/rooms")).call().expect("an answer");
        assert_eq!(refused.body_mut().read_to_string().expect("a body"), long);
    }
    assert_eq!(server.calls().len(), 3);
}

#[test]
fn no_token_is_requested_for_a_foreign_host() {
    let (server, foreign) = (picky(), picky());
    let agent = authorised(&tokens(&server));
    let error = agent.get(foreign.url("/rooms")).call().expect_err("a foreign host");
    let error: CallError = cause(error);
    assert_eq!(error.code(), "foreign_host");
    assert!(error.to_string().contains("with_api_host"), "{error}");
    assert_eq!((server.tokens(), foreign.calls().len()), (0, 0));
}

#[test]
fn without_a_token_nothing_is_sent() {
    let server = picky();
    let tokens = tokens(&server);
    tokens.sign_out();
    let error = authorised(&tokens).get(server.url("/rooms")).call().expect_err("no token");
    assert!(matches!(cause(error), CallError::Token(_)));
    assert!(server.calls().is_empty());
}

#[test]
fn a_token_does_not_follow_a_redirect_and_the_answer_there_says_nothing_about_it() {
    let elsewhere = Server::start(|_| answer(401, "who are you"));
    let location = elsewhere.url("/rooms");
    let server = Server::start(move |_| Answer { location: Some(location.clone()), ..answer(302, "") });
    let agent = authorised(&tokens(&server));
    for _ in 0..2 {
        assert_eq!(agent.get(server.url("/rooms")).call().expect("an answer").status(), 401);
    }
    assert!(elsewhere.calls().iter().all(|call| call.authorization.is_none()));
    assert_eq!((elsewhere.calls().len(), server.tokens()), (2, 1));
}

#[test]
fn a_header_of_the_authorizer_follows_no_redirect_of_an_agent_that_has_redirects_off() {
    let elsewhere = Server::start(|_| answer(200, "taken"));
    let location = elsewhere.url("/rooms");
    let server = Server::start(move |_| Answer { location: Some(location.clone()), ..answer(302, "") });
    let tokens = tokens(&server);
    let with_header = tokens.authorizer().with_header("Property", "p-17").expect("a sound header");
    let authorize = Authorize::new(tokens).with_authorizer(with_header);
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let careful: Agent = config.middleware(authorize.clone()).build().into();
    assert_eq!(careful.get(server.url("/rooms")).call().expect("an answer").status(), 302);
    assert_eq!(server.calls()[0].property.as_deref(), Some("p-17"));
    assert!(elsewhere.calls().is_empty());
    // This is why redirects must be off: ureq removes `Authorization`, and no other header.
    drop(agent(authorize, false).get(server.url("/rooms")).call().expect("an answer"));
    let taken = &elsewhere.calls()[0];
    assert_eq!((taken.authorization.as_deref(), taken.property.as_deref()), (None, Some("p-17")));
}

#[test]
fn an_agent_that_makes_errors_of_statuses_is_told_what_to_set() {
    let server = picky();
    let agent = agent(Authorize::new(tokens(&server)), true);
    let error = agent.get(server.url("/rooms")).call().expect_err("a status");
    let error: StatusesAreErrors = cause(error);
    assert_eq!(error.status(), 401);
    assert!(error.to_string().contains("http_status_as_error(false)"));
}

#[test]
fn the_property_header_is_demanded_and_can_be_put_on_every_call() {
    let emulator = Emulator::start().expect("an emulator");
    let tokens = octotable_tokens(&emulator);
    let error = authorised(&tokens).get(services(&tokens)).call().expect_err("no property");
    let missing: CallError = cause(error);
    assert!(matches!(missing, CallError::Request(RequestError::HeaderMissing { .. })));
    assert!(emulator.log().is_empty());

    let property = octotable::DEMO_PROPERTY.to_string();
    let authorizer = tokens.authorizer().with_header("Property", &property).expect("a sound header");
    let agent = agent(Authorize::new(tokens.clone()).with_authorizer(authorizer), false);
    assert_eq!(agent.get(services(&tokens)).call().expect("an answer").status(), 200);
}

#[test]
fn a_refusal_at_the_beginning_of_a_large_body_is_seen_and_the_body_stays_complete() {
    let emulator = Emulator::start().expect("an emulator");
    let tokens = octorate_tokens(&emulator);
    let body = expired(&emulator);
    let agent = authorised(&tokens);
    let mut refused = agent.get(reservations(&tokens)).call().expect("an answer");
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.body().mime_type(), Some("application/json"));
    assert_eq!(refused.body_mut().read_to_string().expect("a body"), body);
    agent.get(reservations(&tokens)).call().expect("an answer");
    assert_eq!(asked(&emulator, "/connect/rest/v1/identity/apilogin"), 2);
}
