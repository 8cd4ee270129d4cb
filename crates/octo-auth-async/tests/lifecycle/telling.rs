//! What an application is told of its keys, and exchanges that run beside them.

use std::time::Duration;

use octo_auth_async::{AccessToken, Adopted, Event, Policy, Scopes, Secret, Timestamp, TokenSet};

use crate::server::{Answer, Server, account, client, own_tokens};
use crate::time::{Paused, Still};

#[tokio::test]
async fn renewals_failures_and_the_need_to_sign_in_are_told_in_their_order() {
    let (server, clock) = (Server::new(), Still::default());
    let accounts = server.registration(clock.clone()).build().expect("a registration");
    let tokens = account(&accounts, "guest");
    tokens.adopt(Adopted::RefreshToken(Secret::new("rt-0"))).await.expect("a consent");
    let mut changes = accounts.changes();
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
        assert_eq!(*change.key, *tokens.key());
        told.push(change.event);
    }
    assert!(matches!(told[0], Event::Renewed(generation) if generation == first), "{told:?}");
    assert!(matches!(&told[1], Event::Setback(failure) if failure.code() == "http:503"), "{told:?}");
    assert!(matches!(&told[2], Event::SignInNeeded(failure) if failure.code() == "consent_lost"), "{told:?}");
}

#[tokio::test]
async fn a_subscriber_too_far_behind_loses_the_oldest_and_learns_how_many() {
    let server = Server::new();
    let accounts = server.registration(Still::default()).build().expect("a registration");
    let tokens = account(&accounts, "guest");
    let mut changes = accounts.changes();
    let issued = Timestamp::from_unix_seconds(1_700_000_000);
    for number in 0..1_030 {
        let token = AccessToken::new(format!("at-{number}")).expect("a token");
        let hour = Some(Duration::from_secs(3_600));
        let set = TokenSet::restore(client().profile(), token, issued, hour, None);
        tokens.adopt(set).await.expect("a token");
    }
    let mut read = 0;
    drop((tokens, accounts));
    while changes.next().await.is_some() {
        read += 1;
    }
    assert_eq!((read, changes.missed(), changes.missed()), (1_024, 6, 0));
}

#[tokio::test]
async fn the_subscription_ends_with_the_last_handle() {
    let server = Server::new();
    let accounts = server.registration(Still::default()).build().expect("a registration");
    let mut changes = accounts.changes();
    let tokens = own_tokens(&accounts);
    drop(accounts);
    tokens.get().await.expect("a token");
    drop(tokens);
    assert!(matches!(changes.next().await.map(|change| change.event), Some(Event::Renewed(_))));
    assert!(changes.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_exchange_beside_the_keys_waits_for_the_budget() {
    let (server, time) = (Server::new(), Paused::start());
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let accounts = server.registration(time).policy(policy).build().expect("a registration");
    for _ in 0..2 {
        let exchange = client().client_credentials(&Scopes::none()).expect("a request");
        accounts.run(exchange).await.expect("a token");
    }
    assert_eq!((server.requests(), time.seconds()), (2, 61));
}

#[tokio::test]
async fn what_is_shown_holds_no_secret() {
    let server = Server::new();
    let accounts = server.registration(Still::default()).build().expect("a registration");
    let tokens = account(&accounts, "guest");
    tokens.adopt(Adopted::RefreshToken(Secret::new("rt-0"))).await.expect("a consent");
    let token = tokens.get().await.expect("a token");
    let shown = format!(
        "{accounts:?} {tokens:?} {token:?} {:?} {} {:?}",
        tokens.status(),
        tokens.explain(),
        server.registration(Still::default())
    );
    for secret in ["rt-0", "rt-1", "at-1", "client-secret-1"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
