//! Runtimes that end in mid-flight, transports that panic, and callers outside a runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use octo_auth_async::{ErrorKind, Imported, MemoryStore, Remedy, Scopes, Secret, TokenErrorKind};
use tokio::runtime::{Builder, Runtime};

use crate::provider;
use crate::server::{Answer, Server, account, client, own_tokens};
use crate::stored::stored;
use crate::time::{Failing, Still};

/// Returns a runtime of each kind.
fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()]
        .map(|mut builder| builder.enable_all().build().expect("a runtime"))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Polls a future once, outside any runtime.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn a_token_is_obtained_and_kept_on_runtimes_of_each_kind() {
    for runtime in runtimes() {
        let emulator = provider::emulator();
        let store = MemoryStore::new();
        let manager = provider::manager(&emulator, &store);
        let tokens = account(&manager, "guest");
        runtime.block_on(async {
            tokens.import(provider::consent(&emulator)).await.expect("a consent");
            let token = tokens.get().await.expect("a token");
            assert!(emulator.generic().is_live(token.access_token().expose()));
            manager.shutdown().await;
            let record = provider::stored(&emulator, &store, &tokens).await;
            assert!(record.attempt().is_none() && provider::is_kept(&emulator, &record));
        });
    }
}

#[test]
fn a_runtime_that_ends_in_mid_flight_leaves_the_marker_in_the_store_and_no_second_use() {
    for first in runtimes() {
        let emulator = provider::emulator();
        let store = MemoryStore::new();
        let manager = provider::manager(&emulator, &store);
        let tokens = account(&manager, "guest");
        let held = provider::hold_next(&emulator);
        let held = first.block_on(async {
            tokens.import(provider::consent(&emulator)).await.expect("a consent");
            let caller = tokens.clone();
            tokio::spawn(async move { caller.get().await });
            provider::arrived(held).await
        });
        drop(first);
        runtime().block_on(async {
            assert!(provider::stored(&emulator, &store, &tokens).await.is_in_doubt());
            let failure = tokens.get().await.expect_err("the token is lost with the answer");
            // The connection may end first. Then the answer broke off, and the outcome is just as unknown.
            assert!(["lost", "body_incomplete"].contains(&&*failure.code()), "{failure}");
            assert_eq!(failure.kind(), TokenErrorKind::BackingOff);
            assert!(matches!(failure.remedy(), Remedy::TryLater { .. }));
        });
        assert_eq!((emulator.log().len(), emulator.generic().families_revoked()), (1, 0));
        held.close();
    }
}

#[test]
fn after_the_end_of_a_runtime_the_next_one_goes_on() {
    for first in runtimes() {
        let (server, clock) = (Server::new(), Still::default());
        let manager = server.registration(clock.clone()).build().expect("a registration");
        let tokens = own_tokens(&manager);
        server.next(Answer::Never);
        first.block_on(async {
            let caller = tokens.clone();
            tokio::spawn(async move { caller.get().await });
            server.arrived(1).await;
        });
        drop(first);
        assert!(tokens.status().is_some_and(|status| !status.in_flight));
        clock.advance(61);
        runtime().block_on(tokens.get()).expect("a token");
        assert_eq!(server.requests(), 2);
    }
}

#[test]
fn a_request_whose_runtime_ended_before_it_was_sent_is_sent_on_the_next_one() {
    let first = runtime();
    let (server, clock) = (Server::new(), Still::default());
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    first.block_on(async {
        tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).await.expect("a consent");
        tokens.get_by(Duration::ZERO).await.expect_err("nothing is there yet");
    });
    drop(first);
    assert_eq!(server.requests(), 0);
    runtime().block_on(tokens.get()).expect("a token");
    assert!(server.forms().iter().all(|form| form.contains("rt-0")) && server.requests() == 1);
}

#[test]
fn a_single_exchange_whose_runtime_ended_before_it_was_sent_is_reported_as_not_sent() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let mut running = pin!(manager.run(client().client_credentials(&Scopes::none()).expect("a request")));
    let first = runtime();
    {
        let _inside = first.enter();
        assert!(at_once(running.as_mut()).is_none());
    }
    drop(first);
    let error = at_once(running).expect("an answer at once").expect_err("the runtime has ended");
    assert_eq!((error.kind(), server.requests()), (&ErrorKind::NotSent, 0));
}

#[tokio::test]
async fn a_clock_that_panics_during_a_report_loses_the_flight_and_hangs_no_caller() {
    let (server, clock) = (Server::new(), Failing::default());
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    tokens.get_by(Duration::ZERO).await.expect_err("the answer is held");
    server.arrived(1).await;
    // The task reads the clock when the answer came. The driver reads it next, with the report.
    clock.fail_at(2);
    gate.add_permits(1);
    while clock.is_to_fail() {
        tokio::task::yield_now().await;
    }
    tokens.get().await.expect("the token of a second request");
    assert_eq!(server.requests(), 2);
}

#[test]
fn waiting_callers_send_again_when_the_runtime_of_the_flight_ends() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    server.next(Answer::Never);
    let first = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let caller = tokens.clone();
    first.spawn(async move { caller.get().await });
    first.block_on(server.arrived(1));
    let token = runtime().block_on(async move {
        let mut waiting = pin!(tokens.get());
        let is_waiting =
            std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending()));
        assert!(is_waiting.await);
        first.shutdown_background();
        waiting.await
    });
    token.expect("a token of the flight that took the place of the lost one");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_panic_in_a_transport_is_a_lost_flight_and_not_a_hang() {
    let (server, clock) = (Server::new(), Still::default());
    server.next(Answer::Panic);
    server.next(Answer::Panic);
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    // It is retried at once, and then backs off.
    assert_eq!(tokens.get().await.expect_err("nothing came").code(), "lost");
    assert_eq!(server.requests(), 2);
    clock.advance(61);
    tokens.get().await.expect("a token");
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_panic_during_a_single_exchange_is_an_error_with_unknown_outcome() {
    let server = Server::new();
    server.next(Answer::Panic);
    let manager = server.registration(Still::default()).build().expect("a registration");
    let exchange = client().client_credentials(&Scopes::none()).expect("a request");
    let error = manager.run(exchange).await.expect_err("nothing came");
    assert_eq!(*error.kind(), ErrorKind::MaybeProcessed);
    manager.shutdown().await;
}

#[test]
fn outside_a_runtime_only_a_cached_token_is_returned_and_no_request_starts() {
    let (server, clock) = (Server::new(), Still::default());
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let failure = at_once(tokens.get()).expect("an answer at once").expect_err("no runtime");
    assert_eq!((failure.kind(), server.requests()), (TokenErrorKind::NoRuntime, 0));
    runtime().block_on(tokens.get()).expect("a token");
    at_once(tokens.header()).expect("an answer at once").expect("the fresh token");
    clock.advance(3_000);
    at_once(tokens.get()).expect("an answer at once").expect("the stale token");
    assert_eq!(server.requests(), 1);
    clock.advance(1_000);
    assert!(at_once(tokens.get()).expect("an answer at once").is_err());
    runtime().block_on(tokens.get()).expect("another token");
}

#[test]
fn outside_a_runtime_a_failure_of_the_spec_is_returned_unchanged() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let (tokens, unknown) = (own_tokens(&manager), account(&manager, "unknown"));
    server.next(Answer::Status(503, 120));
    runtime().block_on(tokens.get()).expect_err("the provider is down");
    let failure = at_once(tokens.get()).expect("an answer at once").expect_err("it is down still");
    assert_eq!((failure.kind(), &*failure.code()), (TokenErrorKind::BackingOff, "http:503"));
    let failure = at_once(unknown.get()).expect("an answer at once").expect_err("no sign-in happened");
    assert_eq!(failure.kind(), TokenErrorKind::NotSignedIn);
}

#[test]
fn outside_a_runtime_a_refused_token_is_returned_as_suspect() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let tokens = own_tokens(&manager);
    let generation = runtime().block_on(tokens.get()).expect("a token").generation();
    tokens.refused(generation);
    let token = at_once(tokens.get()).expect("an answer at once").expect("the refused token");
    assert_eq!((token.generation(), token.is_suspect(), server.requests()), (generation, true, 1));
}

#[test]
fn outside_a_runtime_an_exchange_is_certainly_not_sent() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let exchange = client().client_credentials(&Scopes::none()).expect("a request");
    let error = at_once(manager.run(exchange)).expect("an answer at once").expect_err("no runtime");
    assert_eq!((error.kind(), server.requests()), (&ErrorKind::NotSent, 0));
}

#[test]
fn a_token_imported_outside_a_runtime_is_used_and_saved_by_the_next_caller() {
    let (server, clock) = (Server::new(), Still::default());
    let store = MemoryStore::with_clock(clock.clone());
    let manager = server.registration(clock.clone()).store(store.clone()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    let imported = at_once(tokens.import(Imported::RefreshToken(Secret::new("rt-0"))));
    imported.expect("an answer at once").expect("a consent");
    assert!(!manager.refresh_ahead(octo_auth_async::RefreshAhead::All).is_running());
    clock.advance(31);
    runtime().block_on(async {
        tokens.get().await.expect("a token");
        manager.shutdown().await;
        assert_eq!(stored(&store, &client(), tokens.spec()).await.refresh_token(), Some("rt-1"));
    });
}
