//! Texts for people, which show no secret.

use std::time::Duration;

use octo_auth_core::{Client, Failure, Freshness, Job, Policy, Storage};
use octo_auth_testkit::canary::{hits, marked, shown_by_error};
use octo_auth_testkit::machine::{Asked, Machine, Said, Shelf, hotel, service};
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, standard};

#[test]
fn no_failure_shows_a_secret() {
    let client = Client::new(standard().profile().clone(), CLIENT_ID, marked("client-secret"));
    let mut world = Machine::new(client.expect("a client"));
    world.sign_in(&hotel(), &marked("refresh-token"));
    let echo = |asked: &Asked| {
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
fn explain_describes_a_key_in_plain_words() {
    let mut world = Machine::new(standard());
    assert_eq!(world.accounts.explain(&hotel(), world.now), r#"account "hotel": never asked about."#);
    world.sign_in(&hotel(), &marked("refresh-token"));
    world.endpoint.then(Said::tokens(&marked("token"), 3600, &marked("refresh-token-2")));
    world.got(&hotel());
    let said = world.accounts.explain(&hotel(), world.now);
    for fact in [
        "fresh (`fresh`)",
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
    for fact in ["`stale_blocked`", "due for renewal", "not before in 120.000 s", "HTTP 503"] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.pass_seconds(120);
    let flight = world.decide(&hotel());
    let said = world.accounts.explain(&hotel(), world.now);
    for fact in ["`stale_in_flight`", "In flight: the request, given up in 61.000 s"] {
        assert!(said.contains(fact), "{fact:?} is missing in:\n{said}");
    }
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.carry(flight.job);
    let said = world.accounts.explain(&hotel(), world.now);
    assert!(said.contains("the provider no longer takes its refresh token"), "{said}");
    world.sign_out(&hotel());
    let said = world.accounts.explain(&hotel(), world.now);
    assert!(said.contains("signed out (`signed_out`)") && said.contains("Refresh token: none"), "{said}");
    assert_eq!(hits(&said), Vec::<&str>::new());
}

#[test]
fn explain_says_what_the_store_does_not_hold_yet() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &shelf, 1);
    world.got(&service());
    assert!(world.accounts.explain(&service(), world.now).contains("Store: holds this."));
    shelf.refuse_writing(true);
    world.age(&service(), Freshness::Expired);
    world.got(&service());
    let said = world.accounts.explain(&service(), world.now);
    assert!(said.contains("Store: does not hold this yet (the store is down); written again in 1"), "{said}");
}

#[test]
fn debug_texts_show_no_secret() {
    let policy = Policy::default().with_capacity(7).expect("room");
    let mut world = Machine::with_policy(standard(), policy);
    let token = world.get(&service()).expect("a token");
    let published = world.accounts.published(&service(), world.now).expect("a fresh token");
    assert_eq!(world.accounts.policy().capacity(), 7);
    let shown = [format!("{:?}", world.accounts), format!("{token:?}"), format!("{published:?}")];
    assert!(shown[0].contains(CLIENT_ID) && shown[0].contains("keys: 1"), "{shown:?}");
    assert!(shown[1].contains("generation") && shown[2].contains("until"), "{shown:?}");
    assert!(shown.iter().all(|text| !text.contains("AT1") && !text.contains(CLIENT_SECRET)), "{shown:?}");
}

#[test]
fn explain_says_until_when_a_lost_refresh_can_be_in_flight() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let first = world.decide(&hotel()).job;
    let Some(Job::Send(send)) = first else { panic!("no request: {first:?}") };
    world.pass_seconds(1);
    let report = Job::Send(send).abandon();
    let rest = world.report(report);
    world.carry(rest);
    let early = world.accounts.explain(&hotel(), world.now);
    assert!(early.contains("used again only when the token has expired, not before"), "{early}");
    let left = world.accounts.policy().exchange_deadline() - Duration::from_secs(1);
    world.pass(left);
    let later = world.accounts.explain(&hotel(), world.now);
    assert!(later.contains("used again only when the token has expired."), "{later}");
}

#[test]
fn explain_says_of_a_refresh_in_flight_only_that_it_began() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let _in_flight = world.decide(&hotel()).job.expect("a request");
    let told = world.accounts.explain(&hotel(), world.now);
    assert!(told.contains("its use number 1 began") && !told.contains("its outcome is unknown"), "{told}");
}

#[test]
fn explain_says_of_a_dead_refresh_token_nothing_about_its_outcome() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::Lost);
    world.got(&hotel());
    world.pass_seconds(70);
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.got(&hotel());
    let told = world.accounts.explain(&hotel(), world.now);
    assert!(told.contains("the provider no longer accepts."), "{told}");
}

#[test]
fn explain_says_nothing_of_a_refresh_token_whose_last_use_was_answered() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let told = world.accounts.explain(&hotel(), world.now);
    assert!(told.contains("Refresh token: there is one.\n"), "{told}");
}
