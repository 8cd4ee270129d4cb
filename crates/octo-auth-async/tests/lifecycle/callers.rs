//! Many callers cause one request, and no caller waits longer than its limit.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_async::{MemoryStore, Token, TokenErrorKind, TokenManager, TokenSource};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::provider;
use crate::server::{Server, client, own_tokens};
use crate::time::{Moved, Paused, Still};

/// Returns the tokens of concurrent callers. All of them have asked before `then` runs.
async fn get_all(tokens: &TokenSource, callers: u32, then: impl FnOnce()) -> Vec<Token> {
    let begun = Arc::new(Semaphore::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (tokens, begun) = (tokens.clone(), begun.clone());
        tasks.spawn(async move {
            begun.add_permits(1);
            tokens.get().await
        });
    }
    let all = begun.acquire_many(callers).await.expect("the semaphore stays open");
    then();
    drop(all);
    tasks.join_all().await.into_iter().map(|told| told.expect("a token")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_tasks_on_an_empty_key_cause_one_request() {
    let emulator = provider::emulator();
    let manager = provider::manager(&emulator, &MemoryStore::new());
    let held = provider::hold_next(&emulator);
    let got = get_all(&own_tokens(&manager), 10_000, || held.release()).await;
    assert_eq!(emulator.log().len(), 1);
    assert!(got.iter().all(|token| token.generation() == got[0].generation()));
}

#[tokio::test]
async fn on_one_thread_many_tasks_cause_one_request_too() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let gate = server.hold_next();
    let got = get_all(&own_tokens(&manager), 1_000, || gate.add_permits(1)).await;
    assert_eq!((got.len(), server.requests()), (1_000, 1));
}

#[tokio::test]
async fn the_header_is_that_of_the_token_and_marked_sensitive() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let header = tokens.header().await.expect("a token");
    assert_eq!((header.as_bytes(), header.is_sensitive()), (&b"Bearer at-1"[..], true));
    let length = tokens.with_header(http::HeaderValue::len).await.expect("a token");
    assert_eq!((length, server.requests()), (header.len(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_no_longer_than_its_limit_and_the_request_continues() {
    let (server, time) = (Server::new(), Paused::start());
    let manager = server.registration(time).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    let failure = tokens.get_by(Duration::from_secs(2)).await.expect_err("the answer is held");
    assert_eq!((failure.kind(), time.seconds()), (TokenErrorKind::StillWaiting, 2));
    let failure = tokens.get().await.expect_err("the answer is held");
    assert_eq!((failure.kind(), time.seconds()), (TokenErrorKind::StillWaiting, 32));
    gate.add_permits(1);
    tokens.get().await.expect("a token");
    assert_eq!((server.requests(), time.seconds()), (1, 32));
}

#[tokio::test]
async fn a_caller_that_does_not_wait_starts_the_renewal_that_is_due() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    let failure = tokens.get_by(Duration::ZERO).await.expect_err("nothing is there yet");
    assert_eq!(failure.kind(), TokenErrorKind::StillWaiting);
    server.arrived(1).await;
    gate.add_permits(1);
    tokens.get().await.expect("a token");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_stale_token_is_returned_at_once_and_renewed_in_the_background() {
    let (server, clock) = (Server::new(), Still::default());
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let first = tokens.get().await.expect("a token").generation();
    clock.advance(3_000);
    let gate = server.hold_next();
    assert_eq!(tokens.get().await.expect("the stale token").generation(), first);
    server.arrived(2).await;
    assert_eq!(tokens.get().await.expect("the stale token").generation(), first);
    gate.add_permits(1);
    while tokens.get().await.expect("a token").generation() == first {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn twenty_refusals_of_one_generation_cause_one_renewal_and_those_of_an_older_one_none() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let first = tokens.get().await.expect("a token").generation();
    let mut late = JoinSet::new();
    for _ in 0..20 {
        let tokens = tokens.clone();
        late.spawn(async move {
            tokens.refused(first);
            tokens.get().await
        });
    }
    for told in late.join_all().await {
        let token = told.expect("another token");
        assert_eq!((token.generation().number, token.is_suspect()), (first.number + 1, false));
    }
    assert_eq!(server.requests(), 2);
    tokens.refused(first);
    tokens.get().await.expect("the same token");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn specs_have_separate_requests_and_handles_to_one_spec_share_its_token() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let write = manager.tokens(crate::server::client_key("write")).expect("room");
    own_tokens(&manager).get().await.expect("a token");
    own_tokens(&manager.clone()).get().await.expect("the same token");
    write.get().await.expect("another token");
    let scopes: Vec<bool> = server.forms().iter().map(|form| form.contains("scope=write")).collect();
    assert_eq!(scopes, [false, true]);
}

#[tokio::test]
async fn another_client_is_asked_for_the_next_token() {
    let server = Server::new();
    server.next(crate::server::Answer::Refusal("invalid_client"));
    let manager = server.registration(Still::default()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let failure = tokens.get().await.expect_err("the client is refused");
    assert_eq!(failure.code(), "oauth:invalid_client");
    assert_eq!(tokens.get().await.expect_err("it is left alone").code(), "oauth:invalid_client");
    manager.replace_client(client()).expect("a client for these keys");
    tokens.get().await.expect("a token");
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_manager_with_the_default_transport_can_be_built_outside_a_runtime() {
    let manager = TokenManager::new(client()).expect("a registration");
    let explained = own_tokens(&manager).explain();
    assert!(explained.contains("client credentials"), "{explained}");
}

#[tokio::test]
async fn a_caller_times_out_at_once_when_the_clock_is_moved() {
    let (server, clock) = (Server::new(), Moved::default());
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    let caller = tokens.clone();
    let caller = tokio::spawn(async move { caller.get().await });
    server.arrived(1).await;
    clock.advance(30);
    let told = caller.await.expect("no panic");
    assert_eq!(told.expect_err("the answer is held").kind(), TokenErrorKind::StillWaiting);
    gate.add_permits(1);
    tokens.get().await.expect("the request went on");
    assert_eq!(server.requests(), 1);
}
