//! The changes that an application receives, and exchanges that belong to no spec.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use octo_auth_async::{
    AccessToken, Event, Imported, Policy, Scopes, Secret, Timestamp, TokenSet, TokenSource,
};

use crate::server::{Answer, Server, account, client, own_tokens};
use crate::time::{Paused, Still};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn renewals_failures_and_the_need_to_sign_in_are_reported_in_order() {
    let (server, clock) = (Server::new(), Still::default());
    let manager = server.registration(clock.clone()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).await.expect("a consent");
    let mut changes = manager.changes();
    let first = tokens.get().await.expect("a token").generation();
    clock.advance(3_600);
    for answer in [Answer::Status(503, 5), Answer::Refusal("invalid_grant")] {
        server.next(answer);
        tokens.get().await.expect_err("the provider refuses");
        clock.advance(3_600);
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        let change = changes.next().await.expect("a change");
        assert_eq!(*change.spec, *tokens.spec());
        told.push(change.event);
    }
    assert!(matches!(told[0], Event::Renewed(generation) if generation == first), "{told:?}");
    assert!(matches!(&told[1], Event::Setback(failure) if failure.code() == "http:503"), "{told:?}");
    assert!(
        matches!(&told[2], Event::SignInNeeded(failure) if failure.code() == "refresh_token_rejected"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_slow_subscriber_loses_the_oldest_changes_and_learns_the_count() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    let mut changes = manager.changes();
    let issued = Timestamp::from_unix_seconds(1_700_000_000);
    for number in 0..1_030 {
        let token = AccessToken::new(format!("at-{number}")).expect("a token");
        let hour = Some(Duration::from_secs(3_600));
        let set = TokenSet::restore(client().profile(), token, issued, hour, None);
        tokens.import(set).await.expect("a token");
    }
    let mut read = 0;
    drop((tokens, manager));
    while changes.next().await.is_some() {
        read += 1;
    }
    assert_eq!((read, changes.missed(), changes.missed()), (1_024, 6, 0));
}

#[tokio::test]
async fn the_subscription_ends_with_the_last_handle() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let mut changes = manager.changes();
    let tokens = own_tokens(&manager);
    drop(manager);
    tokens.get().await.expect("a token");
    drop(tokens);
    assert!(matches!(changes.next().await.map(|change| change.event), Some(Event::Renewed(_))));
    assert!(changes.next().await.is_none());
}

/// Imports a token and reads the status of the spec, once, while it is being woken.
struct Meddler(TokenSource, AtomicBool);

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        assert!(self.0.status().is_some());
        if !self.1.swap(true, Ordering::SeqCst) {
            let token = AccessToken::new("at-9".to_owned()).expect("a token");
            let issued = Timestamp::from_unix_seconds(1_700_000_000);
            let set = TokenSet::restore(client().profile(), token, issued, Some(HOUR), None);
            let importing = pin!(self.0.import(set));
            let _ = importing.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

#[test]
fn a_subscriber_that_calls_back_in_its_waker_receives_all_changes_in_order() {
    let (done, is_done) = std::sync::mpsc::channel();
    // Under the lock the waker would wait for itself. Then this thread is left behind.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let told = runtime.expect("a runtime").block_on(async {
            let manager = Server::new().registration(Still::default()).build().expect("a registration");
            let tokens = own_tokens(&manager);
            let mut changes = manager.changes();
            let waker = Waker::from(Arc::new(Meddler(tokens.clone(), AtomicBool::new(false))));
            let mut next = Box::pin(changes.next());
            assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            tokens.get().await.expect("a token");
            let first = next.await.expect("a change").event;
            let second = changes.next().await.expect("another change").event;
            let Some(last) = tokens.status().and_then(|status| status.token) else {
                unreachable!("imported")
            };
            (first, second, last.generation())
        });
        done.send(told)
    });
    let (first, second, last) = is_done.recv_timeout(Duration::from_secs(20)).expect("no hang");
    assert!(matches!(first, Event::Renewed(generation) if generation != last), "{first:?}");
    assert!(matches!(second, Event::Renewed(generation) if generation == last), "{second:?}");
}

/// Panics when it is woken.
struct Panicking;

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        panic!("this waker panics, as the test wants it");
    }
}

#[tokio::test]
async fn wakers_that_panic_do_not_stop_other_wakers() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let (tokens, gate) = (own_tokens(&manager), server.hold_next());
    let (waker, mut changes) = (Waker::from(Arc::new(Panicking)), manager.changes());
    let mut next = pin!(changes.next());
    assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let mut panicking: Vec<_> = (0..8).map(|_| Box::pin(tokens.get())).collect();
    for waiting in &mut panicking {
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let others: Vec<_> = (0..8).map(|_| tokens.clone()).collect();
    let others: Vec<_> =
        others.into_iter().map(|tokens| tokio::spawn(async move { tokens.get().await })).collect();
    server.arrived(1).await;
    gate.add_permits(1);
    for other in others {
        other.await.expect("no panic").expect("a token");
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_single_exchange_waits_for_the_budget() {
    let (server, time) = (Server::new(), Paused::start());
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let manager = server.registration(time).policy(policy).build().expect("a registration");
    for _ in 0..2 {
        let exchange = client().client_credentials(&Scopes::none()).expect("a request");
        manager.run(exchange).await.expect("a token");
    }
    assert_eq!((server.requests(), time.seconds()), (2, 61));
}

#[tokio::test]
async fn debug_output_contains_no_secret() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let tokens = account(&manager, "guest");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).await.expect("a consent");
    let token = tokens.get().await.expect("a token");
    let shown = format!(
        "{manager:?} {tokens:?} {token:?} {:?} {} {:?}",
        tokens.status(),
        tokens.explain(),
        server.registration(Still::default())
    );
    for secret in ["rt-0", "rt-1", "at-1", "client-secret-1"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn a_subscriber_can_take_changes_without_waiting() {
    let server = Server::new();
    let manager = server.registration(Still::default()).build().expect("a registration");
    let mut changes = manager.changes();
    assert!(changes.try_next().is_none());
    let generation = own_tokens(&manager).get().await.expect("a token").generation();
    let change = changes.try_next().expect("told before the caller was");
    assert!(matches!(change.event, Event::Renewed(told) if told == generation));
    assert!(changes.try_next().is_none());
}
