//! Replacing a client: what it ends, and how an answer for the earlier client is treated.

use std::time::Duration;

use octo_auth_core::profile::ScopeRule;
use octo_auth_core::{Client, Job, Policy, Profile, Remedy, Storage, TransportError};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, officernd, standard, with};

use crate::scene::{blocked_for, not_sent, tenant};

/// Returns a machine whose client was replaced while a request with `RT0` is in flight.
fn with_another_client() -> (Machine, Job) {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let send = world.up_to_sending(&hotel());
    world.manager.replace_client(standard()).expect("its requests can be built");
    (world, Job::Send(send))
}

#[test]
fn a_client_with_a_corrected_secret_is_tried_at_once() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    world.endpoint.then(ServerReply::error(401, "invalid_client"));
    assert_eq!(world.got(&service()), "oauth:invalid_client");
    let corrected = Client::new(standard().profile().clone(), CLIENT_ID, "corrected").expect("a client");
    world.manager.replace_client(corrected).expect("it fits");
    assert_eq!(world.got(&service()), "AT3");
    assert_eq!(world.asked[2].parameter("client_secret"), Some("corrected"));
    assert_eq!(world.got(&hotel()), "AT4", "what was final for the old client is not for the new");
}

#[test]
fn an_error_for_an_earlier_client_blocks_no_request_of_the_present_one() {
    for (status, code) in [(400, "invalid_grant"), (401, "invalid_client"), (400, "invalid_scope")] {
        let (mut world, send) = with_another_client();
        world.endpoint.then(ServerReply::error(status, code));
        world.carry(Some(send));
        assert_eq!(world.decide(&service()).line, "expired_renewing: send", "{code}");
        assert_eq!(world.got(&hotel()), "AT2", "{code}");
        assert_eq!(world.asked[1].refresh_token(), Some("RT0"), "{code}");
    }
}

#[test]
fn an_error_for_an_earlier_client_does_not_block_the_registration() {
    let (mut world, send) = with_another_client();
    world.sign_in(&hotel(), "RT-new");
    world.endpoint.then(ServerReply::error(401, "invalid_client"));
    world.carry(Some(send));
    assert!(world.got(&service()).starts_with("AT"));
}

#[test]
fn an_unreachable_endpoint_blocks_the_present_client_too() {
    let (mut world, send) = with_another_client();
    world.endpoint.then(not_sent());
    world.carry(Some(send));
    assert!(blocked_for(&mut world, &service()) >= Duration::from_secs(1));
}

#[test]
fn an_invalid_grant_saved_while_the_client_is_replaced_does_not_count_for_the_new_client() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let send = world.up_to_sending(&hotel());
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    let verdict = world.step(Job::Send(send));
    assert!(matches!(verdict, Some(Job::Save(_))), "{verdict:?}");
    world.manager.replace_client(standard()).expect("its requests can be built");
    world.carry(verdict);
    assert_eq!(world.got(&hotel()), "AT2");
    assert!(!world.stored(&hotel()).is_in_doubt() && world.stored(&hotel()).dead().is_none());
}

#[test]
fn an_error_for_an_earlier_client_ends_a_forced_renewal() {
    for code in ["invalid_client", "invalid_grant"] {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        let token = world.get(&hotel()).expect("a token");
        world.manager.refused(&hotel(), token.generation(), world.now);
        let Some(Job::Send(forced)) = world.decide(&hotel()).job else { panic!("it is renewed") };
        world.manager.replace_client(standard()).expect("its requests can be built");
        world.endpoint.then(ServerReply::error(400, code));
        world.carry(Some(Job::Send(forced)));
        assert_eq!(world.decide(&hotel()).line, "refused_blocked: use AT1 (suspect)", "{code}");
        world.pass_seconds(60);
        assert_eq!(world.got(&hotel()), "AT3", "{code}");
    }
}

#[test]
fn an_unexplained_error_for_an_earlier_client_does_not_count_towards_a_sign_in() {
    let (mut world, send) = with_another_client();
    world.endpoint.then(ServerReply::json(400, "{}"));
    world.carry(Some(send));
    for _ in 0..2 {
        world.pass_seconds(1000);
        world.endpoint.then(ServerReply::json(400, "{}"));
        let failure = world.get(&hotel()).expect_err("it is refused");
        assert_ne!(failure.remedy(), Remedy::SignInAgain);
    }
    assert_eq!(world.requests(), 3);
}

#[test]
fn a_replaced_client_does_not_end_the_doubt_of_a_lost_refresh() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::Fault(TransportError::timed_out("no answer")));
    world.got(&hotel());
    let refused = |world: &mut Machine| {
        world.pass_seconds(130);
        world.endpoint.then(ServerReply::error(400, "invalid_grant"));
        world.got(&hotel());
        world.stored(&hotel()).dead().map(str::to_owned)
    };
    assert_eq!(refused(&mut world).as_deref(), Some("refused_after_doubt"));
    world.manager.replace_client(standard()).expect("its requests can be built");
    let again = refused(&mut world);
    assert_eq!(again.as_deref(), Some("refused_after_doubt"), "the lost one may have used it up still");
}

#[test]
fn a_client_of_another_registration_is_rejected_and_changes_nothing() {
    let client = |issuer: &str, client_id: &str| {
        let profile = Profile::rfc6749(issuer).expect("a profile");
        Client::new(profile, client_id, CLIENT_SECRET).expect("a client")
    };
    let present = || client("https://server.example.com/token", CLIENT_ID);
    let audience = || present().with_parameter("audience", "a").expect("a parameter");
    for (before, other) in [
        (present(), client("https://server.example.com/token", "client-2")),
        (present(), client("https://other.example.com/token", CLIENT_ID)),
        (present(), audience()),
        (audience(), present()),
        (audience(), present().with_parameter("audience", "b").expect("a parameter")),
    ] {
        let mut world = Machine::new(before);
        assert_eq!(world.got(&service()), "AT1");
        let error = world.manager.replace_client(other).expect_err("another registration");
        assert_eq!(error.code(), "other_registration");
        assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    }
}

#[test]
fn an_error_for_an_earlier_client_does_not_delay_the_renewal_of_a_refused_token() {
    let (mut world, send) = with_another_client();
    world.endpoint.then(ServerReply::error(401, "invalid_client"));
    world.carry(Some(send));
    let token = world.get(&hotel()).expect("a token");
    world.manager.refused(&hotel(), token.generation(), world.now);
    assert_eq!(world.decide(&hotel()).line, "refused_renewing: send");
}

#[test]
fn eight_errors_for_an_earlier_client_do_not_block_the_registration() {
    let mut world = Machine::new(standard());
    let sends: Vec<_> = (0..8).map(|number| world.up_to_sending(&tenant(number))).collect();
    world.manager.replace_client(standard()).expect("its requests can be built");
    for send in sends {
        world.endpoint.then(ServerReply::error(401, "invalid_client"));
        world.carry(Some(Job::Send(send)));
    }
    world.endpoint.then(ServerReply::error(500, "server_error"));
    assert!(world.get(&tenant(8)).is_err());
    assert_eq!(world.decide(&service()).line, "expired_renewing: send");
}

#[test]
fn a_replaced_client_is_tried_immediately_despite_the_endpoints_back_off() {
    let mut world = Machine::new(standard());
    world.endpoint.then(not_sent());
    world.got(&service());
    assert!(blocked_for(&mut world, &tenant(1)) >= Duration::from_secs(1));
    world.manager.replace_client(standard()).expect("its requests can be built");
    assert_eq!(world.decide(&tenant(1)).line, "expired_renewing: send");
}

#[test]
fn a_client_does_not_have_to_fit_a_spec_that_was_evicted() {
    let one = Policy::default().with_capacity(1).expect("room for one");
    let mut world = Machine::with_policy(standard(), one);
    let without_scopes = || {
        let edited = standard().profile().clone().edit(|document| document.scopes = ScopeRule::None);
        with(edited.expect("a profile"))
    };
    assert_eq!(world.got(&scoped("read")), "AT1");
    world.manager.replace_client(without_scopes()).expect_err("the spec in memory has a scope");
    assert_eq!(world.got(&service()), "AT2", "it makes room for another");
    world.manager.replace_client(without_scopes()).expect("no spec in memory has a scope");
}

#[test]
fn a_counted_request_is_sent_even_if_the_limit_was_removed_meanwhile() {
    let mut world = Machine::with_store(officernd(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    let count = world.up_to_counting(&scoped("flex.read"));
    let unlimited = officernd().profile().clone().edit(|document| document.token_limit = None);
    world.manager.replace_client(with(unlimited.expect("a profile"))).expect("it fits");
    let next = world.step(Job::Save(count));
    assert!(matches!(next, Some(Job::Send(_))), "{next:?}");
}
