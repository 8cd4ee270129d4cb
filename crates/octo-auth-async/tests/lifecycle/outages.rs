//! A provider that is down: one request, the same error for all callers, and no request before the back-off ends.

use octo_auth_async::{TokenError, TokenSource};
use tokio::task::JoinSet;

use crate::server::{Answer, Server, client_key, own_tokens};
use crate::time::Still;

/// Returns the errors of fifty concurrent callers.
async fn fifty(tokens: &TokenSource) -> Vec<TokenError> {
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let tokens = tokens.clone();
        tasks.spawn(async move { tokens.get().await });
    }
    tasks.join_all().await.into_iter().map(|told| told.expect_err("the provider is down")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_callers_cause_one_request_get_the_same_error_and_cause_none_before_the_retry_time() {
    let (server, clock) = (Server::new(), Still::default());
    server.next(Answer::Status(503, 120));
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let told = fifty(&tokens).await;
    assert!(told.iter().all(|failure| failure.code() == "http:503"), "{told:?}");
    assert!(told.iter().all(|failure| failure.remedy() == told[0].remedy()), "{told:?}");
    assert_eq!(server.requests(), 1);
    clock.advance(119);
    assert!(fifty(&tokens).await.iter().all(|failure| failure.code() == "http:503"));
    assert_eq!(server.requests(), 1);
    clock.advance(1);
    tokens.get().await.expect("a token");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn two_specs_of_one_manager_share_the_back_off_of_an_unreachable_provider() {
    let (server, clock) = (Server::new(), Still::default());
    server.always(Answer::Unreachable);
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let (read, write) = (own_tokens(&manager), manager.tokens(client_key("write")).expect("room"));
    let failure = read.get().await.expect_err("the provider cannot be reached");
    let same = write.get().await.expect_err("the provider is known to be out of reach");
    assert_eq!((same.code(), server.requests()), (failure.code(), 1));
    server.always(Answer::Token);
    clock.advance(30);
    write.get().await.expect("a token");
    read.get().await.expect("a token");
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_refusal_for_one_spec_does_not_affect_another() {
    let (server, clock) = (Server::new(), Still::default());
    server.next(Answer::Status(503, 30));
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let (read, write) = (own_tokens(&manager), manager.tokens(client_key("write")).expect("room"));
    assert_eq!(read.get().await.expect_err("the first answer").code(), "http:503");
    write.get().await.expect("a token");
    assert_eq!(read.get().await.expect_err("its own pause lasts").code(), "http:503");
    assert_eq!(server.requests(), 2);
    clock.advance(30);
    read.get().await.expect("a token");
}

#[tokio::test]
async fn a_valid_token_is_returned_through_an_outage() {
    let (server, clock) = (Server::new(), Still::default());
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let first = tokens.get().await.expect("a token").generation();
    server.always(Answer::Status(502, 0));
    clock.advance(3_000);
    for _ in 0..5 {
        clock.advance(60);
        assert_eq!(tokens.get().await.expect("the stale token").generation(), first);
        while tokens.status().is_some_and(|status| status.in_flight) {
            tokio::task::yield_now().await;
        }
    }
    clock.advance(600);
    assert_eq!(tokens.get().await.expect_err("it has expired").code(), "http:502");
    server.always(Answer::Token);
    clock.advance(60);
    assert_eq!(tokens.get().await.expect("another token").generation().number, first.number + 1);
}
