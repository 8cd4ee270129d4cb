//! An answer that has arrived is never dropped: neither because a deadline passed meanwhile, nor because of broken
//! framing.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use octo_auth_async::{ReqwestTransport, TokenManager, Transport as _};
use octo_auth_core::{
    ANSWER_LIMIT, Exchange, Imported, Now, Profile, Secret, TokenSet, TokenSpec, TransportError,
};
use octo_auth_system::{Clock, MemoryStore};
use octo_auth_tests::adapter::{Adapter, each};
use octo_auth_tests::moment;
use octo_auth_tests::registration::{self, sound};
use octo_auth_tests::rotation::RotatingServer;
use octo_auth_tests::socket::Socket;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

const ROTATED: &str =
    r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600,"refresh_token":"rt-1"}"#;

/// Builds a refresh at a server.
fn refresh(server: &Socket) -> Exchange<TokenSet> {
    let client = registration::with(sound(Profile::rfc6749(&format!("http://{}/token", server.address()))));
    sound(client.refresh(&Secret::new("rt-0")))
}

/// Returns what an adapter makes of an answer: the code of the error, and the refresh token that it kept.
fn kept(adapter: &Adapter, server: &Socket) -> (String, Option<String>) {
    let error = sound(adapter.run(refresh(server)).err().ok_or("the answer was taken"));
    let salvaged = error.salvaged_refresh_token().map(|token| token.expose().to_owned());
    (error.code().into_owned(), salvaged)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

#[test]
fn a_complete_object_in_broken_framing_brings_its_refresh_token() {
    let (first, second) = ROTATED.split_at(20);
    let chunks = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n", first.len(), second.len());
    let answers = [
        ("body_incomplete", format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}")),
        ("body_incomplete", format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n")),
        ("http_malformed", format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}xyz\r\n")),
        ("body_incomplete", format!("{HEAD}Content-Length: 500\r\n\r\n{ROTATED}")),
        ("not_json", format!("{HEAD}Content-Length: {}\r\n\r\n{ROTATED}<!-- -->", ROTATED.len() + 8)),
        ("not_json", format!("{HEAD}\r\n{ROTATED}\r\n0\r\n\r\n")),
        (
            "content_encoding",
            format!("{HEAD}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{ROTATED}", ROTATED.len()),
        ),
    ];
    each(|adapter| {
        for (code, answer) in &answers {
            let found = kept(adapter, &Socket::answering(answer.as_str()));
            assert_eq!(found, ((*code).to_owned(), Some("rt-1".to_owned())), "{}: {answer}", adapter.name());
        }
    });
}

#[test]
fn a_complete_object_without_the_end_of_its_answer_brings_its_refresh_token_at_the_deadline() {
    for adapter in Adapter::all() {
        let adapter = adapter.with_deadline(Duration::from_millis(200));
        for framing in ["Content-Length: 500\r\n\r\n", "\r\n"] {
            let server = Socket::stalling_after(format!("{HEAD}{framing}{ROTATED}"));
            let found = kept(&adapter, &server);
            assert_eq!(found, ("timeout".to_owned(), Some("rt-1".to_owned())), "{}", adapter.name());
        }
    }
}

#[test]
fn half_an_object_brings_nothing() {
    each(|adapter| {
        let server = Socket::answering(format!("{HEAD}Content-Length: 500\r\n\r\n{}", &ROTATED[..80]));
        assert_eq!(kept(adapter, &server), ("body_incomplete".to_owned(), None), "{}", adapter.name());
    });
}

fn idle_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Advances the time of a runtime, as if its thread had been busy meanwhile.
async fn pass(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

#[test]
fn an_answer_that_came_while_the_runtime_was_idle_is_read_after_the_deadline() {
    // The answer as a whole, and as many chunks, between which the tasks of the connection and of the caller alternate.
    let long = format!("{}{}", ROTATED, " ".repeat(ANSWER_LIMIT - ROTATED.len()));
    for body in [ROTATED, &long] {
        let runtime = idle_runtime();
        let server = Socket::responding("200 OK", &["Content-Type: application/json"], body.as_bytes());
        let transport = ReqwestTransport::new().unwrap();
        let exchange = refresh(&server);
        let request = exchange.request().clone();
        let sending = runtime.spawn(async move { transport.send(&request, Duration::from_secs(60)).await });
        runtime.block_on(async {
            while server.requests().is_empty() {
                yield_now().await;
            }
        });
        if body.len() < 1000 {
            server.wait_for_end();
        }
        runtime.block_on(pass(Duration::from_secs(70)));
        let response = runtime.block_on(sending).unwrap().unwrap();
        assert_eq!(response.body().as_ref(), body.as_bytes());
    }
}

#[test]
fn a_request_does_not_go_out_after_its_deadline() {
    let runtime = idle_runtime();
    let server = Socket::responding("200 OK", &["Content-Type: application/json"], ROTATED.as_bytes());
    let transport = ReqwestTransport::new().unwrap();
    let request = refresh(&server).request().clone();
    let fault: TransportError = runtime.block_on(async {
        let mut sending = Box::pin(transport.send(&request, Duration::from_secs(60)));
        // This starts to connect.
        let waker = std::task::Waker::noop();
        assert!(sending.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
        pass(Duration::from_secs(70)).await;
        sending.await.unwrap_err()
    });
    assert_eq!(fault.delivery(), octo_auth_core::Delivery::NotSent, "{fault:?}");
    assert!(!server.requests().concat().contains("rt-0"));
}

/// A clock that a test moves.
#[derive(Clone, Default)]
struct Moved(Arc<AtomicU64>);

impl Clock for Moved {
    fn now(&self) -> Now {
        moment::after(u32::try_from(self.0.load(Ordering::SeqCst)).unwrap())
    }
}

/// How a program uses its runtime between two calls.
#[derive(Debug, Clone, Copy)]
enum Use {
    /// The program does not use it.
    Idle,
    /// Its tasks get this count of turns.
    Turns(u32),
    /// It waits for something else, until the server has read another request or this count of turns has passed.
    UntilRequest,
}

#[test]
fn a_runtime_that_runs_only_while_a_token_is_asked_for_loses_no_consent() {
    const HOURS: u64 = 10;
    for usage in [Use::Idle, Use::Turns(1), Use::Turns(3), Use::Turns(20), Use::UntilRequest] {
        for has_store in [false, true] {
            let server = RotatingServer::start();
            let clock = Moved::default();
            let url = format!("http://{}/token", server.address());
            let client = registration::with(sound(Profile::rfc6749(&url)));
            let builder = TokenManager::builder(client).clock(clock.clone());
            let builder = if has_store { builder.store(MemoryStore::new()) } else { builder };
            let manager = builder.build().unwrap();
            let tokens = manager.tokens(TokenSpec::account("inn")).unwrap();
            let runtime = idle_runtime();
            let consent = Imported::RefreshToken(Secret::new(server.sign_in("inn")));
            runtime.block_on(tokens.import(consent)).unwrap();
            let mut denied = 0;
            for call in 0..HOURS * 3600 / 70 {
                clock.0.fetch_add(70, Ordering::SeqCst);
                let before = server.requests();
                runtime.block_on(async {
                    pass(Duration::from_secs(70)).await;
                    if let Err(failure) = tokens.get().await {
                        // With few turns, the connection is repeatedly not made in time.
                        let is_late = matches!(usage, Use::Turns(_)) && failure.code() == "not_sent";
                        assert!(is_late, "{usage:?}, store: {has_store}, call {call}: {failure:?}");
                        denied += 1;
                    }
                    match usage {
                        Use::Idle => {}
                        Use::Turns(turns) => {
                            for _ in 0..turns {
                                yield_now().await;
                            }
                        }
                        Use::UntilRequest => {
                            for _ in 0..200 {
                                if server.requests() > before {
                                    break;
                                }
                                yield_now().await;
                            }
                        }
                    }
                });
            }
            assert!(denied <= 10, "{usage:?}, store: {has_store}: {denied} of 514 calls denied");
            let renewals = server.renewals("inn");
            assert!(
                renewals.is_some_and(|renewals| renewals >= 9),
                "{usage:?}, store: {has_store}: {renewals:?}"
            );
        }
    }
}
