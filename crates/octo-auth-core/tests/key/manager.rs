//! The specs of a registration: parts, handles, capacity, errors.

use std::error::Error;
use std::time::Duration;

use octo_auth_core::{
    Freshness, Imported, OnboardingError, Policy, Remedy, Secret, Storage, TokenErrorKind, TokenSpec,
    TransportError,
};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{octotable, officernd, standard};

use crate::scene::tenant;

/// A reply of an endpoint.
type Says = fn() -> ServerReply;

fn later(seconds: u64) -> Remedy {
    Remedy::TryLater { after: Duration::from_secs(seconds) }
}

/// Returns a machine that keeps at most one spec.
fn narrow() -> Machine {
    Machine::with_policy(standard(), Policy::default().with_capacity(1).expect("room for one"))
}

#[test]
fn the_least_recently_used_key_makes_room_for_another() {
    let policy = Policy::default().with_capacity(3).expect("a sound capacity");
    let mut world = Machine::with_policy(standard(), policy);
    (0..3).for_each(|number| drop(world.got(&tenant(number))));
    world.got(&tenant(0));
    assert_eq!(world.got(&tenant(3)), "AT4");
    assert_eq!(world.manager.specs().count(), 3);
    assert!(world.manager.status(&tenant(1), world.now).is_none(), "1 was asked about longest ago");
    assert!(world.manager.status(&tenant(0), world.now).is_some());
}

#[test]
fn a_spec_that_is_held_or_in_flight_or_not_stored_is_never_evicted() {
    let policy = Policy::default().with_capacity(3).expect("a sound capacity");
    let mut world = Machine::with_policy(standard(), policy);
    world.manager.acquire(&tenant(0), world.now).expect("there is room");
    let in_flight = world.decide(&tenant(1)).job;
    world.sign_in(&hotel(), "RT0");
    let told = world.decide(&tenant(9));
    assert_eq!(told.line, "no_key: give up, too_many_tokens, configuration");
    world.carry(in_flight);
    assert!(world.got(&tenant(9)).starts_with("AT"), "now tenant 1 can go");
    assert!(world.manager.status(&tenant(1), world.now).is_none());
    world.manager.release(&tenant(0), world.now);
    assert!(world.got(&tenant(8)).starts_with("AT"), "and a key without a handle");
    assert!(world.manager.status(&hotel(), world.now).is_some(), "its refresh token is nowhere else");
}

#[test]
fn an_account_that_a_store_holds_is_evicted_and_read_again() {
    let client = standard();
    let policy = Policy::default().with_capacity(1).expect("a sound capacity");
    let store = InMemoryStore::default();
    let mut world = Machine::with_store_and_policy(client, policy, Storage::SingleProcess, &store, 1);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.got(&service()), "AT2");
    assert_eq!(world.got(&hotel()), "AT1", "read from the store");
}

#[test]
fn a_key_whose_token_is_not_saved_is_never_evicted() {
    let policy = Policy::default().with_capacity(1).expect("a sound capacity");
    let store = InMemoryStore::default();
    let mut world = Machine::with_store_and_policy(standard(), policy, Storage::SingleProcess, &store, 1);
    store.refuse_writing(true);
    assert_eq!(world.got(&tenant(0)), "AT1");
    assert_eq!(world.got(&tenant(1)), "too_many_tokens");
    store.refuse_writing(false);
    world.pass_seconds(30);
    assert_eq!(world.got(&tenant(0)), "AT1");
    assert_eq!(world.got(&tenant(1)), "AT2");
}

#[test]
fn a_failed_spec_is_evicted_once_its_back_off_is_over() {
    let mut world = narrow();
    world.endpoint.then(ServerReply::error(400, "unauthorized_client"));
    assert_eq!(world.got(&tenant(0)), "oauth:unauthorized_client");
    assert_eq!(world.got(&tenant(1)), "too_many_tokens", "it would be asked for again at once");
    world.pass_seconds(60);
    assert_eq!(world.got(&tenant(1)), "AT2");
    assert!(world.manager.status(&tenant(0), world.now).is_none());
}

#[test]
fn a_key_whose_token_was_refused_is_evicted_once_that_token_is_over() {
    let mut world = narrow();
    let token = world.get(&tenant(0)).expect("a token");
    world.manager.refused(&tenant(0), token.generation(), world.now);
    assert_eq!(world.got(&tenant(1)), "too_many_tokens", "it would be served again");
    world.age(&tenant(0), Freshness::Expired);
    world.pass_seconds(10);
    assert_eq!(world.got(&tenant(1)), "AT2");
}

#[test]
fn a_full_registration_takes_no_import_of_another_key() {
    let mut world = narrow();
    world.sign_in(&hotel(), "RT0");
    let other = TokenSpec::account("other");
    let imported = Imported::RefreshToken(Secret::from("RT9"));
    let refused = world.manager.import(&other, imported.clone(), world.now).expect_err("it is full");
    assert_eq!((refused.code(), refused.remedy()), ("too_many_tokens", Remedy::FixConfiguration));
    let refused = world.manager.import_if_vacant(&other, imported, true, world.now).expect_err("it is full");
    assert!(
        matches!(&refused, OnboardingError::Unfit { brought, .. } if matches!(**brought, Imported::RefreshToken(_))),
        "what was brought is given back: {refused:?}"
    );
    assert_eq!(world.manager.specs().count(), 1);
    world.sign_in(&hotel(), "RT1");
}

#[test]
fn a_key_whose_request_cannot_be_built_is_rejected() {
    let mut world = Machine::new(officernd());
    let without_scope = service();
    let failure = world.manager.acquire(&without_scope, world.now).expect_err("no scope");
    assert_eq!((failure.kind(), failure.remedy()), (TokenErrorKind::Misconfigured, Remedy::FixConfiguration));
    assert_eq!(
        world.decide(&without_scope).failure.map(|failure| failure.kind()),
        Some(TokenErrorKind::Misconfigured)
    );
}

#[test]
fn each_failure_names_its_code_its_remedy_and_the_key() {
    let ends: [(Says, &str, Remedy); 9] = [
        (|| ServerReply::error(401, "invalid_client"), "oauth:invalid_client", Remedy::FixConfiguration),
        (|| ServerReply::error(400, "invalid_scope"), "oauth:invalid_scope", Remedy::FixConfiguration),
        (|| ServerReply::json(404, "{}"), "http:404", Remedy::FixConfiguration),
        (|| ServerReply::json(500, "{}"), "http:500", later(1)),
        (|| ServerReply::unavailable_for(30), "http:503", later(30)),
        (|| ServerReply::Fault(TransportError::not_sent("refused")), "not_sent", later(1)),
        (
            || ServerReply::Fault(TransportError::misconfigured("no TLS")),
            "not_sent",
            Remedy::FixConfiguration,
        ),
        (|| ServerReply::Fault(TransportError::timed_out("silence")), "timeout", later(1)),
        (|| ServerReply::token("AT0", 0), "expired_on_arrival", later(1)),
    ];
    for (said, code, remedy) in ends {
        let mut world = Machine::new(standard());
        world.endpoint.then(said());
        let failure = world.get(&service()).expect_err(code);
        assert_eq!((failure.code().as_ref(), failure.remedy()), (code, remedy));
        assert_eq!(failure.spec(), &service());
        assert!(failure.to_string().starts_with("no token for client credentials: "), "{failure}");
        let exchange = failure.exchange_error().map(|error| error.code().into_owned());
        assert_eq!(exchange.is_some(), code != "expired_on_arrival", "{code}");
        let text = failure.exchange_error().map(ToString::to_string).unwrap_or_default();
        assert!(failure.to_string().contains(&text), "{failure}");
    }
}

#[test]
fn two_keys_are_equal_only_if_all_their_parts_are() {
    assert_eq!(scoped("a b"), scoped("b a"), "the order of scopes does not count");
    let one = service().with_parameter("audience", "x").with_parameter("resource", "y");
    assert_eq!(one, service().with_parameter("resource", "y").with_parameter("audience", "x"));
    assert_ne!(one, service().with_parameter("audience", "x"));
    assert_ne!(scoped("a"), scoped("b"));
    assert_ne!(hotel(), TokenSpec::account("Hotel"));
    let mut world = Machine::new(standard());
    world.got(&one);
    assert_eq!(
        (world.asked[0].parameter("audience"), world.asked[0].parameter("resource")),
        (Some("x"), Some("y"))
    );
    assert_eq!(world.got(&service()), "AT2", "a token of another key is not served");
}

#[test]
fn a_key_is_kept_until_its_last_handle_is_released() {
    let mut world = narrow();
    for _ in 0..2 {
        world.manager.acquire(&service(), world.now).expect("the first key");
    }
    world.manager.release(&service(), world.now);
    world.manager.acquire(&scoped("other"), world.now).expect_err("one handle is left");
    world.manager.release(&service(), world.now);
    world.manager.acquire(&scoped("other"), world.now).expect("the first has no handle");
    assert!(world.manager.specs().all(|key| **key == scoped("other")));
}

#[test]
fn save_all_saves_nothing_that_the_store_holds() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    assert!(world.manager.save_all(world.now).is_empty());
    let _in_flight = world.manager.sign_out(&hotel(), world.now).expect("that is saved");
    assert!(world.manager.save_all(world.now).is_empty(), "it is in flight");
}

#[test]
fn a_key_with_failures_is_not_evicted() {
    let pasts: [fn(&mut Machine); 3] = [
        |world| {
            let token = world.get(&service()).expect("a token");
            world.manager.refused(&service(), token.generation(), world.now);
        },
        |world| {
            world.endpoint.then(ServerReply::error(400, "invalid_scope"));
            world.got(&service());
        },
        |world| {
            world.endpoint.then(ServerReply::Fault(TransportError::not_sent("no connection")));
            world.got(&service());
        },
    ];
    let is_kept = |past: Option<fn(&mut Machine)>| {
        let mut world = narrow();
        match past {
            Some(past) => past(&mut world),
            None => drop(world.get(&service())),
        }
        world.manager.acquire(&scoped("other"), world.now).is_err()
    };
    assert!(!is_kept(None));
    assert_eq!(pasts.map(|past| is_kept(Some(past))), [true, true, false], "the last is the registration's");
}

#[test]
fn a_key_shows_its_parts() {
    let key = scoped("b a").with_parameter("resource", "r").with_parameter("audience", "x");
    assert_eq!(key.scopes(), ["a", "b"]);
    assert_eq!((key.account_name(), hotel().account_name()), ("", "hotel"));
    let parameters = key.parameters().map(|(name, value)| (name, value.expose()));
    assert!(parameters.eq([("audience", "x"), ("resource", "r")]));
    assert_eq!(key.to_string(), "client credentials for a b, audience, resource");
    assert!(
        TokenSpec::api_login().scopes().is_empty() && TokenSpec::account("inn").parameters().count() == 0
    );
}

#[test]
fn an_error_shows_its_spec_its_code_and_its_cause_and_has_the_cause_as_source() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    store.set_down(true);
    let failure = world.get(&hotel()).expect_err("the store is down");
    assert_eq!(failure.kind(), TokenErrorKind::StoreUnavailable);
    let shown = format!("{failure:?}");
    assert!(shown.contains("hotel") && shown.contains("store_unavailable"), "{shown}");
    assert!(failure.to_string().contains("(the store is down)"), "{failure}");
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::Fault(
        TransportError::not_sent("no connection").with_source("refused by 192.0.2.1"),
    ));
    let failure = world.get(&service()).expect_err("the endpoint failed");
    assert!(failure.to_string().contains("could not be sent: no connection)"), "{failure}");
    assert_eq!(failure.source().map(ToString::to_string).as_deref(), Some("refused by 192.0.2.1"));
    assert!(failure.retry_after().is_some_and(|wait| wait >= Duration::from_secs(1)), "{failure}");
    world.endpoint.then(ServerReply::Lost);
    world.pass_seconds(120);
    let failure = world.get(&hotel()).expect_err("not signed in");
    assert!(failure.source().is_none(), "{failure}");
}

#[test]
fn a_key_whose_request_cannot_be_built_says_why() {
    let failure = Machine::new(octotable()).get(&scoped("a")).expect_err("OctoTable knows no scopes");
    assert_eq!(failure.kind(), TokenErrorKind::Misconfigured);
    assert!(failure.to_string().contains("knows no scopes"), "{failure}");
}

#[test]
fn a_key_whose_server_returned_the_same_token_again_makes_room_for_another() {
    let policy = Policy::default().with_capacity(1).expect("room");
    let mut world = Machine::with_policy(standard(), policy);
    world.endpoint.always(|_| ServerReply::token("AT1", 3600));
    for _ in 0..2 {
        world.age(&service(), Freshness::Stale);
        assert_eq!(world.got(&service()), "AT1");
    }
    assert_eq!(world.requests(), 2);
    assert_eq!(world.got(&scoped("other")), "AT1", "a rest is no failure that must be remembered");
}

#[test]
fn a_sign_in_of_an_account_that_was_evicted_is_stored() {
    let mut world = crowded();
    world.sign_in(&hotel(), "RT0");
    world.sign_out(&hotel());
    assert!(world.got(&service()).starts_with("AT"), "which takes the only place");
    world.sign_in(&hotel(), "RT1");
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT1"));
}

#[test]
fn a_sign_out_of_an_account_that_was_evicted_is_stored() {
    let mut world = crowded();
    world.sign_in(&hotel(), "RT0");
    world.sign_in(&hotel(), "RT1");
    assert!(world.got(&service()).starts_with("AT"), "which takes the only place");
    world.sign_out(&hotel());
    assert!(world.stored(&hotel()).is_signed_out());
}

/// Returns a machine with a store and room for one spec.
fn crowded() -> Machine {
    let policy = Policy::default().with_capacity(1).expect("room for one");
    let store = InMemoryStore::default();
    Machine::with_store_and_policy(standard(), policy, Storage::MultiProcess, &store, 1)
}
