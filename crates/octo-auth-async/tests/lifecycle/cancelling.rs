//! Callers that are dropped, at every await, with a server that rotates strictly.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use octo_auth_async::{Imported, MemoryStore, Policy, Scopes, TokenSource};
use octo_auth_emulator::Emulator;
use tokio::task::yield_now;

use crate::provider::{self, stored};
use crate::server::{Server, account, own_tokens};
use crate::time::{Paused, Still};

/// Polls a future this often, each time it is woken, and then drops it. Returns its output, if it has finished.
async fn dropped_after<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = 0;
    let polling = std::future::poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    polling.await
}

/// Waits until nothing is in flight.
async fn landed(tokens: &TokenSource) {
    while tokens.status().is_some_and(|status| status.in_flight) {
        yield_now().await;
    }
}

/// Returns a `TokenManager` with an account that has a consent, and its tokens, both kept in this store.
async fn consented(emulator: &Emulator, store: &MemoryStore) -> (octo_auth_async::TokenManager, TokenSource) {
    let manager = provider::manager(emulator, store);
    let tokens = account(&manager, "guest");
    tokens.import(provider::consent(emulator)).await.expect("a consent");
    (manager, tokens)
}

#[tokio::test]
async fn a_caller_dropped_while_it_waits_cancels_no_request() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    assert!(dropped_after(1, tokens.get()).await.is_none());
    server.arrived(1).await;
    let others =
        [tokens.clone(), tokens.clone()].map(|tokens| tokio::spawn(async move { tokens.get().await }));
    assert!(dropped_after(1, tokens.get()).await.is_none());
    gate.add_permits(1);
    for other in others {
        other.await.expect("no panic").expect("a token");
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_caller_dropped_at_any_await_loses_no_refresh_token() {
    let emulator = provider::emulator();
    let mut polls = 0;
    loop {
        let store = MemoryStore::new();
        let (manager, tokens) = consented(&emulator, &store).await;
        emulator.clear_log();
        let got = dropped_after(polls, tokens.get()).await;
        landed(&tokens).await;
        manager.shutdown().await;
        let record = stored(&emulator, &store, &tokens).await;
        assert!(provider::is_kept(&emulator, &record), "dropped after {polls} polls");
        assert_eq!(record.attempt(), None, "dropped after {polls} polls");
        assert_eq!(emulator.log().len(), usize::from(polls > 0), "dropped after {polls} polls");
        if let Some(told) = got {
            told.expect("a token");
            break;
        }
        polls += 1;
    }
    assert!(polls >= 2, "a caller that gets a token at its first poll has not waited");
    assert_eq!(emulator.generic().families_revoked(), 0);
}

#[tokio::test]
async fn a_caller_dropped_at_any_stage_of_its_renewal_loses_no_refresh_token() {
    let emulator = provider::emulator();
    for steps in 0..60 {
        let store = MemoryStore::new();
        let (manager, tokens) = consented(&emulator, &store).await;
        assert!(dropped_after(1, tokens.get()).await.is_none(), "{steps} steps");
        for _ in 0..steps {
            yield_now().await;
        }
        // The renewal may have ended by now. In both cases no caller is left.
        let _ = dropped_after(1, tokens.get()).await;
        landed(&tokens).await;
        manager.shutdown().await;
        let record = stored(&emulator, &store, &tokens).await;
        assert!(provider::is_kept(&emulator, &record) && record.attempt().is_none(), "{steps} steps");
    }
    assert_eq!(emulator.generic().families_revoked(), 0);
}

#[tokio::test]
async fn a_sign_in_whose_caller_is_dropped_at_any_await_is_kept_once_polled() {
    let emulator = provider::emulator();
    let mut polls = 1;
    loop {
        let store = MemoryStore::new();
        let manager = provider::manager(&emulator, &store);
        let tokens = account(&manager, "guest");
        let imported = dropped_after(polls, tokens.import(provider::consent(&emulator))).await;
        manager.shutdown().await;
        assert!(
            provider::is_kept(&emulator, &stored(&emulator, &store, &tokens).await),
            "dropped after {polls} polls"
        );
        if imported.is_some() {
            break;
        }
        polls += 1;
    }
    assert!(polls >= 2, "an import that ends at its first poll was not saved in a task");
}

#[tokio::test]
async fn a_sign_in_while_a_renewal_is_under_way_is_in_the_store_when_it_returns() {
    let emulator = provider::emulator();
    let store = MemoryStore::new();
    let (_accounts, tokens) = consented(&emulator, &store).await;
    let held = provider::hold_next(&emulator);
    assert!(dropped_after(1, tokens.get()).await.is_none());
    let held = provider::arrived(held).await;
    let Imported::RefreshToken(newer) = provider::consent(&emulator) else { unreachable!("a refresh token") };
    let mut importing = pin!(tokens.import(Imported::RefreshToken(newer.clone())));
    assert!(dropped_after(1, importing.as_mut()).await.is_none());
    held.release();
    importing.await.expect("a consent");
    assert_eq!(stored(&emulator, &store, &tokens).await.refresh_token(), Some(newer.expose()));
}

#[tokio::test]
async fn an_exchange_whose_caller_is_dropped_runs_to_its_end() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let gate = server.hold_next();
    let exchange = crate::server::client().client_credentials(&octo_auth_async::Scopes::none());
    let running = manager.run(exchange.expect("a request"));
    assert!(dropped_after(1, running).await.is_none());
    server.arrived(1).await;
    assert!(dropped_after(1, manager.shutdown()).await.is_none());
    gate.add_permits(1);
    manager.shutdown().await;
    assert_eq!(gate.available_permits(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_whose_caller_is_dropped_while_the_budget_has_no_room_is_never_sent() {
    let (server, time) = (Server::new(), Paused::start());
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let manager = server.registration(time).policy(policy).build().expect("a registration");
    let exchange = || crate::server::client().client_credentials(&Scopes::none()).expect("a request");
    manager.run(exchange()).await.expect("a token");
    assert!(dropped_after(1, manager.run(exchange())).await.is_none());
    let much_later = Duration::from_secs(600);
    tokio::time::timeout(much_later, server.arrived(2)).await.expect_err("no caller waits for it");
}

#[tokio::test]
async fn a_caller_dropped_after_its_wake_up_does_not_delay_the_others() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    let mut first = Box::pin(tokens.get());
    let mut second = Box::pin(tokens.get_by(Duration::from_secs(20)));
    assert!(dropped_after(1, first.as_mut()).await.is_none());
    assert!(dropped_after(1, second.as_mut()).await.is_none());
    gate.add_permits(1);
    landed(&tokens).await;
    drop(first);
    second.await.expect("a token");
}
