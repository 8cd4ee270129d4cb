//! The changes that subscribers receive.

use std::time::Duration;

use octo_auth_blocking::{AccessToken, Clock, Event, Imported, Secret, TokenSet, TokenSpec};

use crate::clock::Simulated;
use crate::endpoint::{Answer, Endpoint};
use crate::{manager, own_key, profile};

#[test]
fn a_subscriber_receives_tokens_setbacks_and_the_need_to_sign_in_until_the_end() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    endpoint.script([Answer::Token, Answer::Status(503, None), Answer::Refusal("invalid_grant")]);
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let mut changes = manager.changes();
    let tokens = manager.tokens(TokenSpec::account("inn")).expect("a handle");
    tokens.import(Imported::RefreshToken(Secret::new("rt-0"))).expect("a sound refresh token");
    let generation = tokens.get().expect("a token").generation();
    let renewed = changes.next().expect("a change");
    assert_eq!(*renewed.spec, TokenSpec::account("inn"));
    assert!(matches!(renewed.event, Event::Renewed(told) if told == generation));
    clock.advance(3600);
    tokens.get().expect_err("the endpoint is down");
    let setback = changes.next().expect("a change").event;
    assert!(matches!(setback, Event::Setback(failure) if failure.code() == "http:503"));
    clock.advance(120);
    tokens.get().expect_err("the refresh token is refused");
    let ended = changes.next().expect("a change").event;
    assert!(matches!(ended, Event::SignInNeeded(failure) if failure.code() == "refresh_token_rejected"));
    assert_eq!(changes.missed(), 0);
    drop((tokens, manager));
    assert!(changes.next().is_none());
}

#[test]
fn a_slow_subscriber_loses_the_oldest_changes_and_learns_the_count() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let mut changes = manager.changes();
    let tokens = manager.tokens(TokenSpec::account("inn")).expect("a handle");
    let import = || {
        let access_token = AccessToken::new("at").expect("a sound token");
        let lifetime = Some(Duration::from_secs(3600));
        let imported = TokenSet::restore(&profile(), access_token, clock.now().wall, lifetime, None);
        tokens.import(imported).expect("tokens of this server");
        tokens.get().expect("a token").generation()
    };
    let generations: Vec<_> = (0..1034).map(|_| import()).collect();
    drop((tokens, manager));
    assert_eq!((changes.missed(), changes.missed()), (10, 0));
    let told = changes.map(|change| match change.event {
        Event::Renewed(generation) => generation,
        other => panic!("nothing else happened: {other:?}"),
    });
    assert!(told.eq(generations.into_iter().skip(10)));
}

#[test]
fn a_subscriber_can_take_changes_without_waiting() {
    let (endpoint, clock) = (Endpoint::new(), Simulated::new());
    let manager = manager(&endpoint, &clock).build().expect("a registration");
    let mut changes = manager.changes();
    assert!(changes.try_next().is_none());
    let tokens = manager.tokens(own_key()).expect("a handle");
    let generation = tokens.get().expect("a token").generation();
    let change = changes.try_next().expect("told before the caller was");
    assert!(matches!(change.event, Event::Renewed(told) if told == generation));
    assert!(changes.try_next().is_none());
}
