//! The middleware of `reqwest-middleware`.

use std::error::Error as _;

use octo_auth_async::{Authorize, CallError, Remedy, RequestError, TokenError, TokenSource};
use octo_auth_emulator::{Emulator, octotable};
use reqwest::Body;
use reqwest::redirect::Policy;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};

use crate::server::{Answer, Server, answer};
use crate::{
    at_once, expired, logins, long, octorate_tokens, octotable_tokens, picky, reservations, services, tokens,
};

fn client(middleware: Authorize) -> ClientWithMiddleware {
    redirecting(Policy::default(), middleware)
}

/// Returns a client that follows redirects by this policy.
fn redirecting(policy: Policy, middleware: Authorize) -> ClientWithMiddleware {
    // If another test was first, its provider works too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().redirect(policy);
    ClientBuilder::new(client.build().expect("a client")).with(middleware).build()
}

fn authorised(tokens: &TokenSource) -> ClientWithMiddleware {
    client(Authorize::new(tokens.clone()))
}

fn cause(error: Error) -> CallError {
    let Error::Middleware(cause) = error else { panic!("another error: {error}") };
    cause.downcast().expect("an error of the call")
}

#[tokio::test]
async fn a_call_carries_the_token_and_its_body() {
    let server = Server::start(|call| answer(200, &format!("got {}", call.body)));
    let client = authorised(&tokens(&server));
    let response = client.post(server.url("/rooms")).body("a room").send().await.expect("an answer");
    assert_eq!(response.text().await.expect("a body"), "got a room");
    assert_eq!(server.calls()[0].authorization.as_deref(), Some("Bearer at-1"));
    assert_eq!(server.tokens(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_whole_request_repeated() {
    let server = picky();
    let client = authorised(&tokens(&server));
    let response = client.post(server.url("/rooms")).body("a room").send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let calls: Vec<_> = server.calls().into_iter().map(|call| (call.authorization, call.body)).collect();
    let sent = |token: &str| (Some(format!("Bearer {token}")), "a room".to_owned());
    assert_eq!(calls, [sent("at-1"), sent("at-2")]);
    assert_eq!(server.tokens(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_many_callers_report_as_refused_is_renewed_once() {
    let server = picky();
    let (client, url) = (authorised(&tokens(&server)), server.url("/rooms"));
    let statuses = at_once(50, || {
        let call = client.get(&url);
        async move { call.send().await.expect("an answer").status().as_u16() }
    });
    assert_eq!(statuses.await, vec![200; 50]);
    assert_eq!(server.tokens(), 2);
}

#[tokio::test]
async fn a_server_that_always_refuses_costs_one_renewal_and_its_answer_is_complete() {
    let server = Server::start(move |_| answer(401, &long()));
    let client = authorised(&tokens(&server));
    let refused = client.get(server.url("/rooms")).send().await.expect("an answer");
    assert_eq!((refused.status().as_u16(), refused.content_length()), (401, Some(100_000)));
    assert_eq!(refused.text().await.expect("a body"), long());
    assert_eq!((server.calls().len(), server.tokens()), (2, 2));
    let refused = client.get(server.url("/rooms")).send().await.expect("an answer");
    assert_eq!(refused.text().await.expect("a body"), long());
    assert_eq!((server.calls().len(), server.tokens()), (3, 2), "no other token is to be had so soon");
}

#[tokio::test]
async fn no_token_is_requested_for_a_foreign_host() {
    let (server, foreign) = (picky(), picky());
    let error = authorised(&tokens(&server)).get(foreign.url("/rooms")).send().await.expect_err("foreign");
    let error = cause(error);
    assert_eq!(error.code(), "foreign_host");
    assert!(error.to_string().contains("with_api_host"), "{error}");
    assert_eq!((server.tokens(), foreign.calls().len()), (0, 0));
}

#[tokio::test]
async fn a_request_uses_the_token_source_in_its_extensions() {
    let server = picky();
    let (own, others) = (tokens(&server), tokens(&server));
    others.get().await.expect("at-1");
    let client = authorised(&own);
    let call = client.get(server.url("/rooms")).with_extension(others.clone());
    assert_eq!(call.send().await.expect("an answer").status(), 200);
    let sent: Vec<_> = server.calls().into_iter().filter_map(|call| call.authorization).collect();
    assert_eq!(sent, ["Bearer at-1", "Bearer at-2"], "the refusal renews the tokens of the request");
    assert_eq!(client.get(server.url("/rooms")).send().await.expect("an answer").status(), 200);
    assert_eq!(server.calls()[2].authorization.as_deref(), Some("Bearer at-3"), "the client's own");
}

#[tokio::test]
async fn a_refusal_without_another_token_says_why_in_its_extensions() {
    let server = Server::start(|_| answer(401, ""));
    let tokens = tokens(&server);
    tokens.get().await.expect("at-1");
    server.refuse_tokens();
    let refused = authorised(&tokens).get(server.url("/rooms")).send().await.expect("an answer");
    assert_eq!(refused.status(), 401);
    let failure: &TokenError = refused.extensions().get().expect("why");
    assert_eq!(
        (failure.code().as_ref(), failure.remedy()),
        ("oauth:invalid_client", Remedy::FixConfiguration)
    );
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let server = picky();
    let tokens = tokens(&server);
    tokens.sign_out().await;
    let error = authorised(&tokens).get(server.url("/rooms")).send().await.expect_err("no token");
    assert!(matches!(cause(error), CallError::Token(_)));
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect_and_the_answer_there_says_nothing_about_it() {
    let elsewhere = Server::start(|_| answer(401, "who are you"));
    let location = elsewhere.url("/rooms");
    let server = Server::start(move |_| Answer { location: Some(location.clone()), ..answer(302, "") });
    let tokens = tokens(&server);
    // A host that the token may go to: reqwest removes the token nevertheless.
    let both = tokens.authorizer().with_api_host(&elsewhere.url("")).expect("a sound address");
    for client in [authorised(&tokens), client(Authorize::new(tokens.clone()).with_authorizer(both))] {
        let answer = client.get(server.url("/rooms")).send().await.expect("an answer");
        assert_eq!(answer.text().await.expect("a body"), "who are you");
    }
    assert!(elsewhere.calls().iter().all(|call| call.authorization.is_none()));
    assert_eq!((elsewhere.calls().len(), server.tokens()), (2, 1));
}

#[tokio::test]
async fn a_header_of_the_authorizer_follows_no_redirect_of_a_client_that_has_redirects_off() {
    let elsewhere = Server::start(|_| answer(200, "taken"));
    let location = elsewhere.url("/rooms");
    let server = Server::start(move |_| Answer { location: Some(location.clone()), ..answer(302, "") });
    let tokens = tokens(&server);
    let with_header = tokens.authorizer().with_header("Property", "p-17").expect("a sound header");
    let authorize = Authorize::new(tokens).with_authorizer(with_header);
    let call = redirecting(Policy::none(), authorize.clone()).get(server.url("/rooms"));
    assert_eq!(call.send().await.expect("an answer").status(), 302);
    assert_eq!(server.calls()[0].property.as_deref(), Some("p-17"));
    assert!(elsewhere.calls().is_empty());
    // This is why redirects must be off: reqwest removes `Authorization`, and no other header.
    drop(client(authorize).get(server.url("/rooms")).send().await.expect("an answer"));
    let taken = &elsewhere.calls()[0];
    assert_eq!((taken.authorization.as_deref(), taken.property.as_deref()), (None, Some("p-17")));
}

#[tokio::test]
async fn a_refusal_after_a_redirect_within_the_origin_is_a_refusal() {
    let server = Server::start(|call| match (&*call.path, call.authorization.as_deref()) {
        ("/old", _) => Answer { location: Some("/new".to_owned()), ..answer(302, "") },
        (_, Some("Bearer at-1")) => answer(401, ""),
        _ => answer(200, "moved"),
    });
    let client = authorised(&tokens(&server));
    let answer = client.get(server.url("/old")).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "moved");
    assert_eq!(server.tokens(), 2);
}

#[tokio::test]
async fn a_body_that_is_a_stream_is_sent_once_and_the_error_says_so() {
    let server = picky();
    let client = authorised(&tokens(&server));
    let stream = || Body::wrap("a room".to_owned());
    let error = client.post(server.url("/rooms")).body(stream()).send().await.expect_err("a refusal");
    let error = cause(error);
    assert!(matches!(error, CallError::Unrepeatable { status: 401 }));
    assert!(error.to_string().contains("stream"), "{error}");
    assert_eq!(server.calls().len(), 1);
    // The refusal was reported: the next attempt has another token.
    let answer = client.post(server.url("/rooms")).body(stream()).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!((server.calls().len(), server.tokens()), (2, 2));
}

#[tokio::test]
async fn the_property_header_is_demanded_and_can_be_put_on_every_call() {
    let emulator = Emulator::start().expect("an emulator");
    let tokens = octotable_tokens(&emulator);
    let error = authorised(&tokens).get(services(&tokens)).send().await.expect_err("no property");
    assert!(matches!(cause(error), CallError::Request(RequestError::HeaderMissing { .. })));
    assert!(emulator.log().is_empty());

    let property = octotable::DEMO_PROPERTY.to_string();
    let authorizer = tokens.authorizer().with_header("Property", &property).expect("a sound header");
    let client = client(Authorize::new(tokens.clone()).with_authorizer(authorizer));
    assert_eq!(client.get(services(&tokens)).send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_refusal_at_the_beginning_of_a_large_body_is_repeated_with_another_token() {
    let emulator = Emulator::start().expect("an emulator");
    let tokens = octorate_tokens(&emulator);
    let body = expired(&emulator, 1);
    let answer = authorised(&tokens).get(reservations(&tokens)).send().await.expect("an answer");
    assert_ne!(answer.text().await.expect("a body"), body);
    assert_eq!(logins(&emulator), 2);
}

#[tokio::test]
async fn an_answer_whose_beginning_was_read_is_complete() {
    let emulator = Emulator::start().expect("an emulator");
    let tokens = octorate_tokens(&emulator);
    let body = expired(&emulator, 2);
    let url = reservations(&tokens);
    let refused = authorised(&tokens).get(&url).send().await.expect("an answer");
    assert_eq!((refused.status().as_u16(), refused.url().as_str()), (403, &*url));
    assert_eq!(refused.headers()["content-type"], "application/json");
    assert!(refused.remote_addr().is_some(), "the extensions are there still");
    assert_eq!(refused.content_length(), Some(body.len() as u64));
    assert_eq!(refused.text().await.expect("a body"), body);
    assert_eq!(logins(&emulator), 2);
}

#[tokio::test]
async fn a_body_that_breaks_off_early_returns_its_error_to_the_reader() {
    let emulator = Emulator::start().expect("an emulator");
    let api = Server::start(|_| Answer { missing: 10, ..answer(403, r#"{"type":"Api"#) });
    let tokens = octorate_tokens(&emulator);
    let authorizer = tokens.authorizer().with_api_host(&api.url("")).expect("a sound address");
    let client = client(Authorize::new(tokens).with_authorizer(authorizer));
    let mut answer = client.get(api.url("/rooms")).send().await.expect("an answer");
    assert_eq!(answer.chunk().await.expect("what came").as_deref(), Some(&br#"{"type":"Api"#[..]));
    let error = answer.chunk().await.expect_err("the rest is missing");
    assert!(error.source().is_some(), "{error}");
    assert_eq!(logins(&emulator), 1);
}
