//! What happens to a key from outside: sign-ins, sign-outs, other settings, too many keys; and what is told of it.

use std::error::Error;
use std::time::Duration;

use octo_auth_core::{
    Adopted, Client, Event, Failure, FailureKind, Fault, Freshness, Key, OnboardingError, Policy, Profile,
    Purpose, Remedy, Secret, Storage,
};
use octo_auth_tests::canary::{hits, marked, shown_by_error};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, scoped, service};
use octo_auth_tests::registration::{CLIENT_ID, officernd, standard};

/// What an endpoint says.
type Says = fn() -> Said;

fn tenant(number: usize) -> Key {
    service().with_parameter("tenant", &number.to_string())
}

fn refresh_tokens(world: &Machine) -> Vec<&str> {
    world.asked.iter().filter_map(|asked| asked.refresh_token()).collect()
}

#[test]
fn an_adopted_refresh_token_begins_a_lineage_and_ends_what_was_held_against_the_old_one() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let first = world.get(&hotel()).expect("a token").generation();
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "consent_lost");
    world.sign_in(&hotel(), "RT5");
    let second = world.get(&hotel()).expect("a token").generation();
    assert_ne!(first.lineage, second.lineage);
    assert_eq!(refresh_tokens(&world), ["RT0", "RT1", "RT5"]);
}

#[test]
fn adopted_tokens_are_served_at_once() {
    let mut source = Machine::new(standard());
    let tokens = source.get(&service()).expect("a token").tokens().clone();
    let mut world = Machine::new(standard());
    let job = world.accounts.adopt(&service(), Adopted::from(tokens), world.now).expect("adopted");
    world.carry(job);
    assert_eq!(world.decide(&service()).line, "1: use AT1");
    assert_eq!(world.requests(), 0);
}

#[test]
fn tokens_of_another_provider_are_not_adopted() {
    let mut source = Machine::new(officernd());
    let tokens = source.get(&scoped("flex.community.members.read")).expect("a token").tokens().clone();
    let mut world = Machine::new(standard());
    let error = world.accounts.adopt(&hotel(), Adopted::from(tokens), world.now).expect_err("another");
    assert_eq!(error.code(), "other_provider");
}

#[test]
fn what_is_brought_takes_the_place_of_a_good_refresh_token_only_where_it_is_to() {
    let mut world = Machine::new(standard());
    let bring = |world: &mut Machine, text: &str, replaces: bool| {
        let begun =
            world.accounts.onboard(&hotel(), Adopted::RefreshToken(Secret::from(text)), replaces, world.now);
        begun.map(|job| world.carry(job))
    };
    bring(&mut world, "RT0", false).expect("nothing was there");
    bring(&mut world, "RT0", false).expect("the very one");
    let occupied = bring(&mut world, "RT5", false).expect_err("another");
    let OnboardingError::Occupied { brought, .. } = occupied else { panic!("{occupied}") };
    let Adopted::RefreshToken(kept) = *brought else { panic!("another kind was brought") };
    assert_eq!(kept.expose(), "RT5");
    assert_eq!(world.got(&hotel()), "AT1");
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "consent_lost");
    bring(&mut world, "RT6", false).expect("what was there is dead");
    bring(&mut world, "RT7", true).expect("a sign-in replaces");
    world.got(&hotel());
    assert_eq!(refresh_tokens(&world), ["RT0", "RT1", "RT7"]);
    let unfit = bring(&mut world, "", true).expect_err("an empty one");
    assert_eq!((unfit.code().as_ref(), unfit.remedy()), ("secret_malformed", Remedy::FixConfiguration));
}

#[test]
fn an_adoption_while_a_renewal_is_under_way_wins_over_its_answer() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let job = world.decide(&hotel()).job;
    world.sign_in(&hotel(), "RT5");
    world.carry(job);
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(refresh_tokens(&world).last(), Some(&"RT5"), "{:?}", refresh_tokens(&world));
}

#[test]
fn a_sign_out_revokes_the_refresh_token_where_the_provider_offers_it() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let job = world.accounts.sign_out(&hotel(), world.now);
    world.endpoint.then(Said::json(200, ""));
    world.carry(job);
    let last = world.asked.last().expect("a request");
    assert_eq!((last.purpose, last.parameter("token")), (Purpose::Revocation, Some("RT1")));
    assert!(world.accounts.published(&hotel(), world.now).is_none());
}

#[test]
fn a_revocation_that_fails_changes_nothing() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let job = world.accounts.sign_out(&hotel(), world.now);
    world.endpoint.then(Said::Fault(Fault::not_sent("connection refused")));
    world.carry(job);
    assert_eq!(world.decide(&hotel()).line, "0a: give up, signed_out, sign in");
    assert_eq!(world.got(&service()), "AT3");
}

#[test]
fn a_sign_out_asks_nothing_of_a_provider_without_revocation() {
    let profile = Profile::rfc6749("https://server.example.com/token").expect("a profile");
    let client = Client::new(profile, CLIENT_ID, "secret").expect("a client");
    let mut world = Machine::new(client);
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let job = world.accounts.sign_out(&hotel(), world.now);
    assert!(job.is_none(), "{job:?}");
}

#[test]
fn the_key_asked_about_longest_ago_makes_room_for_another() {
    let policy = Policy::default().with_capacity(3).expect("a sound capacity");
    let mut world = Machine::with_policy(standard(), policy);
    (0..3).for_each(|number| drop(world.got(&tenant(number))));
    world.got(&tenant(0));
    assert_eq!(world.got(&tenant(3)), "AT4");
    assert_eq!(world.accounts.keys().count(), 3);
    assert!(world.accounts.status(&tenant(1), world.now).is_none(), "1 was asked about longest ago");
    assert!(world.accounts.status(&tenant(0), world.now).is_some());
}

#[test]
fn a_key_that_is_held_or_under_way_or_in_no_store_never_makes_room() {
    let policy = Policy::default().with_capacity(3).expect("a sound capacity");
    let mut world = Machine::with_policy(standard(), policy);
    world.accounts.hold(&tenant(0)).expect("there is room");
    let under_way = world.decide(&tenant(1)).job;
    world.sign_in(&hotel(), "RT0");
    let told = world.decide(&tenant(9));
    assert_eq!(told.line, "-: give up, too_many_keys, configuration");
    world.carry(under_way);
    assert!(world.got(&tenant(9)).starts_with("AT"), "now tenant 1 can go");
    assert!(world.accounts.status(&tenant(1), world.now).is_none());
    world.accounts.let_go(&tenant(0));
    assert!(world.got(&tenant(8)).starts_with("AT"), "and a key without a handle");
    assert!(world.accounts.status(&hotel(), world.now).is_some(), "its refresh token is nowhere else");
}

#[test]
fn an_account_that_a_store_holds_can_make_room_and_comes_back_from_it() {
    let client = standard();
    let policy = Policy::default().with_capacity(1).expect("a sound capacity");
    let shelf = Shelf::default();
    let mut world = Machine::with_store_and_policy(client, policy, Storage::Private, &shelf, 1);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.got(&service()), "AT2");
    assert_eq!(world.got(&hotel()), "AT1", "read from the store");
}

#[test]
fn a_key_whose_token_the_store_did_not_take_never_makes_room() {
    let policy = Policy::default().with_capacity(1).expect("a sound capacity");
    let shelf = Shelf::default();
    let mut world = Machine::with_store_and_policy(standard(), policy, Storage::Private, &shelf, 1);
    shelf.refuse_writing(true);
    assert_eq!(world.got(&tenant(0)), "AT1");
    assert_eq!(world.got(&tenant(1)), "too_many_keys");
    shelf.refuse_writing(false);
    world.pass_seconds(30);
    assert_eq!(world.got(&tenant(0)), "AT1");
    assert_eq!(world.got(&tenant(1)), "AT2");
}

#[test]
fn a_key_whose_request_cannot_be_built_is_refused_when_it_is_taken() {
    let mut world = Machine::new(officernd());
    let without_scope = service();
    let failure = world.accounts.hold(&without_scope).expect_err("no scope");
    assert_eq!((failure.kind(), failure.remedy()), (FailureKind::Misconfigured, Remedy::FixConfiguration));
    assert_eq!(
        world.decide(&without_scope).failure.map(|failure| failure.kind()),
        Some(FailureKind::Misconfigured)
    );
}

#[test]
fn each_failure_names_its_code_its_remedy_and_the_key() {
    let ends: [(Says, &str, Remedy); 9] = [
        (|| Said::error(401, "invalid_client"), "oauth:invalid_client", Remedy::FixConfiguration),
        (|| Said::error(400, "invalid_scope"), "oauth:invalid_scope", Remedy::FixConfiguration),
        (|| Said::json(404, "{}"), "http:404", Remedy::FixConfiguration),
        (|| Said::json(500, "{}"), "http:500", later(1)),
        (|| Said::unavailable_for(30), "http:503", later(30)),
        (|| Said::Fault(Fault::not_sent("refused")), "not_sent", later(1)),
        (|| Said::Fault(Fault::untrusted("no TLS")), "not_sent", Remedy::FixConfiguration),
        (|| Said::Fault(Fault::timed_out("silence")), "timeout", later(1)),
        (|| Said::token("AT0", 0), "expired_on_arrival", later(1)),
    ];
    for (said, code, remedy) in ends {
        let mut world = Machine::new(standard());
        world.endpoint.then(said());
        let failure = world.get(&service()).expect_err(code);
        assert_eq!((failure.code().as_ref(), failure.remedy()), (code, remedy));
        assert_eq!(failure.key(), &service());
        assert!(failure.to_string().starts_with("no token for client credentials: "), "{failure}");
        let exchange = failure.exchange_error().map(|error| error.code().into_owned());
        assert_eq!(exchange.is_some(), code != "expired_on_arrival", "{code}");
        assert_eq!(failure.source().is_some(), exchange.is_some(), "the cause is kept");
    }
}

fn later(seconds: u64) -> Remedy {
    Remedy::TryLater { after: Duration::from_secs(seconds) }
}

#[test]
fn no_failure_shows_a_secret() {
    let client = Client::new(standard().profile().clone(), CLIENT_ID, marked("client-secret"));
    let mut world = Machine::new(client.expect("a client"));
    world.sign_in(&hotel(), &marked("refresh-token"));
    let echo = |asked: &octo_auth_tests::machine::Asked| {
        let body = serde_json::json!({"error": "server_error", "error_description": asked.body});
        Said::json(500, &body.to_string())
    };
    world.endpoint.always(echo);
    let failure: Failure = world.get(&hotel()).expect_err("an error that repeats the request");
    let shown = shown_by_error(&failure);
    assert_eq!(hits(&shown), Vec::<&str>::new());
    assert_eq!(hits(&world.accounts.explain(&hotel(), world.now)), Vec::<&str>::new());
    assert_eq!(hits(&format!("{:?}", world.accounts)), Vec::<&str>::new());
}

#[test]
fn explain_says_how_a_key_stands_in_plain_words() {
    let mut world = Machine::new(standard());
    assert_eq!(world.accounts.explain(&hotel(), world.now), r#"account "hotel": never asked about."#);
    world.sign_in(&hotel(), &marked("refresh-token"));
    world.endpoint.then(Said::tokens(&marked("token"), 3600, &marked("refresh-token-2")));
    world.got(&hotel());
    let said = world.accounts.explain(&hotel(), world.now);
    for fact in [
        "fresh (row 1 of the table)",
        "Token: generation 1",
        "0 s old",
        "served until 3590 s",
        "Refresh token: there is one",
    ] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(Said::unavailable_for(120));
    world.got(&hotel());
    let said = world.accounts.explain(&hotel(), world.now);
    for fact in ["row 4 of the table", "due for renewal", "not before in 120.000 s", "HTTP 503"] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.pass_seconds(120);
    let flight = world.decide(&hotel());
    let said = world.accounts.explain(&hotel(), world.now);
    for fact in ["row 3 of the table", "Under way: the request, given up in 61.000 s"] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.carry(flight.job);
    let said = world.accounts.explain(&hotel(), world.now);
    assert!(said.contains("the provider no longer takes its refresh token"), "{said}");
    world.sign_out(&hotel());
    let said = world.accounts.explain(&hotel(), world.now);
    assert!(
        said.contains("signed out (row 0a of the table)") && said.contains("Refresh token: none"),
        "{said}"
    );
    assert_eq!(hits(&said), Vec::<&str>::new());
}

#[test]
fn explain_says_what_the_store_does_not_hold_yet() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::Private, &shelf, 1);
    world.got(&service());
    assert!(world.accounts.explain(&service(), world.now).contains("Store: holds this."));
    shelf.refuse_writing(true);
    world.age(&service(), Freshness::Expired);
    world.got(&service());
    let said = world.accounts.explain(&service(), world.now);
    assert!(said.contains("Store: does not hold this yet (the store is down); tried again in 1"), "{said}");
}

#[test]
fn a_status_tells_what_happened_since_the_last_look() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let mut last = world.accounts.status(&hotel(), world.now).expect("a status");
    let mut events = |world: &Machine| {
        let status = world.accounts.status(&hotel(), world.now).expect("a status");
        let events = status.events_since(&last);
        last = status;
        events
    };
    world.got(&hotel());
    assert!(matches!(events(&world).as_slice(), [Event::Renewed(generation)] if generation.number == 1));
    assert!(events(&world).is_empty(), "told once");
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(Said::error(500, "server_error"));
    world.got(&hotel());
    assert!(matches!(events(&world).as_slice(), [Event::Setback(failure)] if failure.code() == "http:500"));
    world.pass_seconds(60);
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.got(&hotel());
    assert!(
        matches!(events(&world).as_slice(), [Event::SignInNeeded(failure)] if failure.code() == "consent_lost")
    );
}

#[test]
fn two_keys_are_the_same_only_if_everything_in_them_is() {
    assert_eq!(scoped("a b"), scoped("b a"), "the order of scopes does not count");
    let one = service().with_parameter("audience", "x").with_parameter("resource", "y");
    assert_eq!(one, service().with_parameter("resource", "y").with_parameter("audience", "x"));
    assert_ne!(one, service().with_parameter("audience", "x"));
    assert_ne!(scoped("a"), scoped("b"));
    assert_ne!(hotel(), Key::account("Hotel"));
    let mut world = Machine::new(standard());
    world.got(&one);
    assert_eq!(
        (world.asked[0].parameter("audience"), world.asked[0].parameter("resource")),
        (Some("x"), Some("y"))
    );
    assert_eq!(world.got(&service()), "AT2", "a token of another key is not served");
}
