//! The layer for tower services.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use octo_auth_async::{AuthorizeLayer, CallError, Remedy, RequestError, TokenError, TokenSource};
use octo_auth_emulator::{Emulator, octotable};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt};

use crate::server::{Answer, Server, answer};
use crate::{
    at_once, expired, logins, long, octorate_tokens, octotable_tokens, picky, reservations, services, tokens,
};

type Body = Full<Bytes>;

/// A client with this layer. It sends one request at a time: a call without readiness would panic.
#[derive(Clone)]
struct Caller(BoxCloneSyncService<Request<Body>, Response<String>, BoxError>);

impl Caller {
    fn new(layer: AuthorizeLayer<Body>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
        let stack = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(client);
        let whole = stack.and_then(|answer: Response<_>| async {
            let (parts, body) = answer.into_parts();
            let bytes = http_body_util::Limited::new(body, 1 << 20).collect().await?.to_bytes();
            Ok::<_, BoxError>(Response::from_parts(parts, String::from_utf8_lossy(&bytes).into_owned()))
        });
        Self(BoxCloneSyncService::new(whole))
    }

    async fn post(&self, url: &str, body: &'static str) -> Result<Response<String>, BoxError> {
        let request = Request::post(url).body(Full::from(body)).expect("a request");
        self.0.clone().oneshot(request).await
    }

    async fn get(&self, url: &str) -> Result<Response<String>, BoxError> {
        let request = Request::get(url).body(Full::default()).expect("a request");
        self.0.clone().oneshot(request).await
    }
}

fn layer(tokens: &TokenSource) -> AuthorizeLayer<Body> {
    AuthorizeLayer::new(tokens.clone())
}

fn repeating(tokens: &TokenSource) -> Caller {
    Caller::new(layer(tokens).repeating(|body| Some(body.clone())))
}

fn cause(error: BoxError) -> CallError {
    *error.downcast().expect("an error of the call")
}

#[tokio::test]
async fn a_call_carries_the_token_and_its_body() {
    let server = Server::start(|call| answer(200, &format!("got {}", call.body)));
    let caller = Caller::new(layer(&tokens(&server)));
    let response = caller.post(&server.url("/rooms"), "a room").await.expect("an answer");
    assert_eq!(response.body(), "got a room");
    assert_eq!(server.calls()[0].authorization.as_deref(), Some("Bearer at-1"));
    assert_eq!(server.tokens(), 1);
}

#[tokio::test]
async fn a_request_uses_the_token_source_in_its_extensions() {
    let server = picky();
    let (own, others) = (tokens(&server), tokens(&server));
    others.get().await.expect("at-1");
    let caller = repeating(&own);
    let request =
        Request::get(server.url("/rooms")).extension(others).body(Full::default()).expect("a request");
    assert_eq!(caller.0.clone().oneshot(request).await.expect("an answer").status(), 200);
    let sent: Vec<_> = server.calls().into_iter().filter_map(|call| call.authorization).collect();
    assert_eq!(sent, ["Bearer at-1", "Bearer at-2"], "the refusal renews the tokens of the request");
    assert_eq!(caller.get(&server.url("/rooms")).await.expect("an answer").status(), 200);
    assert_eq!(server.calls()[2].authorization.as_deref(), Some("Bearer at-3"), "the layer's own");
}

#[tokio::test]
async fn a_refusal_without_another_token_says_why_in_its_extensions() {
    let server = Server::start(|_| answer(401, ""));
    let tokens = tokens(&server);
    tokens.get().await.expect("at-1");
    server.refuse_tokens();
    let refused = repeating(&tokens).get(&server.url("/rooms")).await.expect("an answer");
    assert_eq!(refused.status(), 401);
    let failure: &TokenError = refused.extensions().get().expect("why");
    assert_eq!(
        (failure.code().as_ref(), failure.remedy()),
        ("oauth:invalid_client", Remedy::FixConfiguration)
    );
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_whole_request_repeated() {
    let server = picky();
    let caller = repeating(&tokens(&server));
    let response = caller.post(&server.url("/rooms"), "a room").await.expect("an answer");
    assert_eq!(response.status(), 200);
    let calls: Vec<_> = server.calls().into_iter().map(|call| (call.authorization, call.body)).collect();
    let sent = |token: &str| (Some(format!("Bearer {token}")), "a room".to_owned());
    assert_eq!(calls, [sent("at-1"), sent("at-2")]);
    assert_eq!(server.tokens(), 2);
}

#[tokio::test]
async fn by_default_a_request_is_not_repeated_and_the_next_call_has_another_token() {
    let server = picky();
    let caller = Caller::new(layer(&tokens(&server)));
    let refused = caller.post(&server.url("/rooms"), "a room").await.expect("an answer");
    assert_eq!((refused.status().as_u16(), &**refused.body()), (401, r#"{"error":"too old"}"#));
    assert_eq!(caller.get(&server.url("/rooms")).await.expect("an answer").status(), 200);
    assert_eq!((server.calls().len(), server.tokens()), (2, 2));
}

#[tokio::test]
async fn a_body_that_cannot_be_copied_is_sent_once_and_the_error_says_so() {
    let server = picky();
    let caller = Caller::new(layer(&tokens(&server)).repeating(|_| None));
    let error = cause(caller.post(&server.url("/rooms"), "a room").await.expect_err("a refusal"));
    assert!(matches!(error, CallError::Unrepeatable { status: 401 }));
    assert_eq!(caller.get(&server.url("/rooms")).await.expect("an answer").status(), 200);
    assert_eq!((server.calls().len(), server.tokens()), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_many_callers_report_as_refused_is_renewed_once() {
    let server = picky();
    let (caller, url) = (repeating(&tokens(&server)), server.url("/rooms"));
    let statuses = at_once(50, || {
        let (caller, url) = (caller.clone(), url.clone());
        async move { caller.get(&url).await.expect("an answer").status().as_u16() }
    });
    assert_eq!(statuses.await, vec![200; 50]);
    assert_eq!(server.tokens(), 2);
}

#[tokio::test]
async fn a_server_that_always_refuses_costs_one_renewal_and_its_answer_is_complete() {
    let server = Server::start(move |_| answer(401, &long()));
    let caller = repeating(&tokens(&server));
    let refused = caller.get(&server.url("/rooms")).await.expect("an answer");
    assert_eq!((refused.status().as_u16(), refused.body()), (401, &long()));
    assert_eq!((server.calls().len(), server.tokens()), (2, 2));
    assert_eq!(caller.get(&server.url("/rooms")).await.expect("an answer").body(), &long());
    assert_eq!((server.calls().len(), server.tokens()), (3, 2), "no other token is to be had so soon");
}

#[tokio::test]
async fn no_token_is_requested_for_a_foreign_host() {
    let (server, foreign) = (picky(), picky());
    let caller = Caller::new(layer(&tokens(&server)));
    let error = cause(caller.get(&foreign.url("/rooms")).await.expect_err("a foreign host"));
    assert_eq!(error.code(), "foreign_host");
    assert!(error.to_string().contains("with_api_host"), "{error}");
    let error = cause(caller.get("/rooms").await.expect_err("not absolute"));
    assert!(matches!(error, CallError::Request(RequestError::Url)));
    assert_eq!((server.tokens(), foreign.calls().len()), (0, 0));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let server = picky();
    let tokens = tokens(&server);
    tokens.sign_out().await;
    let error = repeating(&tokens).get(&server.url("/rooms")).await.expect_err("no token");
    assert!(matches!(cause(error), CallError::Token(_)));
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn a_redirect_is_returned_and_following_it_through_the_stack_is_refused() {
    let elsewhere = Server::start(|_| answer(401, "who are you"));
    let location = elsewhere.url("/rooms");
    let server = Server::start(move |_| Answer { location: Some(location.clone()), ..answer(302, "") });
    let caller = repeating(&tokens(&server));
    let redirect = caller.get(&server.url("/rooms")).await.expect("an answer");
    assert_eq!(redirect.status(), 302);
    let location = redirect.headers()["location"].to_str().expect("an address");
    let error = cause(caller.get(location).await.expect_err("a foreign host"));
    assert_eq!(error.code(), "foreign_host");
    assert_eq!((elsewhere.calls().len(), server.tokens()), (0, 1));
}

#[tokio::test]
async fn an_error_of_the_inner_service_is_returned_unchanged() {
    let server = picky();
    let tokens = tokens(&server);
    tokens.get().await.expect("a token");
    // The server announces an answer and ends the connection.
    let closed = Server::start(|_| Answer { location: Some("\r\nno header".to_owned()), ..answer(200, "") });
    let authorizer = tokens.authorizer().with_api_host(&closed.url("")).expect("a sound address");
    let caller = Caller::new(layer(&tokens).with_authorizer(authorizer));
    let error = caller.get(&closed.url("/rooms")).await.expect_err("no HTTP");
    assert!(error.is::<Error>(), "{error}");
}

#[tokio::test]
async fn the_property_header_is_demanded_and_can_be_put_on_every_call() {
    let emulator = Emulator::start().expect("an emulator");
    let tokens = octotable_tokens(&emulator);
    let error = repeating(&tokens).get(&services(&tokens)).await.expect_err("no property");
    assert!(matches!(cause(error), CallError::Request(RequestError::HeaderMissing { .. })));
    assert!(emulator.log().is_empty());

    let property = octotable::DEMO_PROPERTY.to_string();
    let authorizer = tokens.authorizer().with_header("Property", &property).expect("a sound header");
    let caller = Caller::new(layer(&tokens).with_authorizer(authorizer));
    assert_eq!(caller.get(&services(&tokens)).await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_refusal_at_the_beginning_of_a_large_body_is_repeated_or_returned_complete() {
    let emulator = Emulator::start().expect("an emulator");
    let tokens = octorate_tokens(&emulator);
    let caller = repeating(&tokens);
    let body = expired(&emulator, 1);
    assert_ne!(caller.get(&reservations(&tokens)).await.expect("an answer").body(), &body);
    assert_eq!(logins(&emulator), 2);
    expired(&emulator, 2);
    let refused = caller.get(&reservations(&tokens)).await.expect("an answer");
    assert_eq!((refused.status().as_u16(), refused.body()), (403, &body));
    assert_eq!(refused.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn a_body_that_breaks_off_early_returns_its_error_to_the_reader() {
    let emulator = Emulator::start().expect("an emulator");
    let api = Server::start(|_| Answer { missing: 10, ..answer(403, r#"{"type":"Api"#) });
    let tokens = octorate_tokens(&emulator);
    let authorizer = tokens.authorizer().with_api_host(&api.url("")).expect("a sound address");
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let stack = ServiceBuilder::new().layer(layer(&tokens).with_authorizer(authorizer)).service(client);
    let request = Request::get(api.url("/rooms")).body(Full::default()).expect("a request");
    let mut body = stack.oneshot(request).await.expect("an answer").into_body();
    let seen = body.frame().await.expect("what came").expect("data").into_data().expect("data");
    assert_eq!(&seen[..], br#"{"type":"Api"#);
    assert!(body.frame().await.expect("the rest is missing").is_err());
    assert!(body.frame().await.is_none());
}
