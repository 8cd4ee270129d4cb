//! What a failure leaves behind: whom it concerns, how long nothing is tried, and what a refusal may force.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use octo_auth_core::{Client, Fault, Freshness, Job, Key, Remedy, Storage};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, scoped, service};
use octo_auth_tests::registration::{CLIENT_ID, octorate, standard};
use octo_auth_tests::reply;

/// How long the key stays closed from now on.
fn closed_for(world: &mut Machine, key: &Key) -> Duration {
    let told = world.decide(key);
    assert!(told.job.is_none(), "{}", told.line);
    told.next_change.expect("it opens") - world.now.boot
}

#[test]
fn a_failure_of_the_endpoint_or_the_client_closes_every_key_of_the_registration() {
    let ends: [fn() -> Said; 12] = [
        || Said::Fault(Fault::not_sent("connection refused")),
        || Said::Fault(Fault::timed_out("no answer")),
        || Said::error(500, "server_error"),
        || Said::page(502, &[]),
        || Said::error(429, "slow_down"),
        || Said::unavailable_for(30),
        || Said::error(400, "temporarily_unavailable"),
        || Said::error(401, "invalid_client"),
        || Said::json(404, "{}"),
        || Said::json(405, "{}"),
        || Said::json(415, "{}"),
        || Said::page(302, &[("location", "https://elsewhere.example/")]),
    ];
    for (which, said) in ends.into_iter().enumerate() {
        let mut world = Machine::new(standard());
        world.endpoint.then(said());
        let code = world.got(&scoped("a"));
        let other = world.decide(&scoped("b"));
        assert!(other.line.starts_with(&format!("8: give up, {code}")), "{which}: {}", other.line);
        assert_eq!(world.requests(), 1);
    }
}

#[test]
fn what_closes_the_endpoint_closes_it_though_the_key_that_asked_was_signed_out_meanwhile() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(send)) = world.decide(&service()).job else { panic!("a token is asked for") };
    let rest = world.accounts.sign_out(&service(), world.now);
    assert!(rest.is_none(), "the request is under way");
    world.endpoint.then(Said::unavailable_for(2000));
    let report = world.send(send);
    assert!(world.report(report).is_none());
    assert_eq!(closed_for(&mut world, &scoped("other")), Duration::from_secs(2000));
}

#[test]
fn a_failure_of_one_key_closes_that_key_alone() {
    let ends: [fn() -> Said; 5] = [
        || Said::error(400, "invalid_scope"),
        || Said::page(200, &[]),
        || Said::json(200, "{}"),
        || Said::token("AT0", 0),
        || Said::json(200, "[]"),
    ];
    for (which, said) in ends.into_iter().enumerate() {
        let mut world = Machine::new(standard());
        world.endpoint.then(said());
        world.got(&scoped("a"));
        assert!(world.decide(&scoped("a")).line.starts_with("8: "), "{which}");
        assert_eq!(world.decide(&scoped("b")).line, "7: send", "{which}");
    }
}

#[test]
fn the_dead_refresh_token_of_one_account_says_nothing_of_another() {
    let mut world = Machine::new(standard());
    let other = Key::account("other hotel");
    world.sign_in(&hotel(), "RT0");
    world.sign_in(&other, "RT9");
    world.endpoint.then(Said::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "consent_lost");
    assert_eq!(world.got(&other), "AT2");
}

#[test]
fn one_key_probes_a_closed_endpoint_for_all() {
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::unavailable_for(30));
    world.got(&scoped("a"));
    world.pass_seconds(30);
    let probe = world.decide(&scoped("b"));
    assert_eq!(probe.line, "7: send");
    for other in ["a", "c", "d"] {
        assert_eq!(world.decide(&scoped(other)).line, "8: give up, http:503, later");
    }
    assert_eq!(world.requests(), 1);
    world.carry(probe.job);
    for other in ["a", "c", "d"] {
        assert!(world.got(&scoped(other)).starts_with("AT"), "the success opened it for all");
    }
}

#[test]
fn a_probe_that_fails_closes_the_endpoint_for_all_again() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|_| Said::unavailable_for(30));
    world.got(&scoped("a"));
    world.pass_seconds(30);
    world.got(&scoped("b"));
    for key in ["a", "b", "c"] {
        assert_eq!(closed_for(&mut world, &scoped(key)), Duration::from_secs(30));
    }
    assert_eq!(world.requests(), 2);
}

#[test]
fn backoff_begins_with_a_second_grows_to_a_minute_at_most_and_begins_anew_after_a_success() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|_| Said::error(500, "server_error"));
    let mut longest = Duration::ZERO;
    for failures in 0..40_u32 {
        world.got(&service());
        let pause = closed_for(&mut world, &service());
        let bound = Duration::from_secs(1 << failures.min(6)).min(Duration::from_secs(60));
        assert!(pause >= Duration::from_secs(1) && pause <= bound, "after {failures}: {pause:?}");
        longest = longest.max(pause);
        world.pass(pause);
    }
    assert!(longest > Duration::from_secs(20), "with full jitter some pause is long: {longest:?}");
    world.endpoint.always(Said::next_tokens);
    world.got(&service());
    world.endpoint.always(|_| Said::error(500, "server_error"));
    world.age(&service(), Freshness::Expired);
    world.got(&service());
    assert_eq!(closed_for(&mut world, &service()), Duration::from_secs(1));
}

#[test]
fn after_throttling_at_least_five_seconds_pass() {
    for said in [|| Said::error(429, "slow_down"), || Said::page(503, &[]), || Said::unavailable_for(1)] {
        let mut world = Machine::new(standard());
        world.endpoint.then(said());
        world.got(&service());
        assert_eq!(closed_for(&mut world, &service()), Duration::from_secs(5));
    }
}

#[test]
fn a_retry_after_is_kept_to_the_millisecond_and_capped_at_an_hour() {
    for (told, kept) in [(7, 7), (120, 120), (3600, 3600), (86_400, 3600)] {
        let mut world = Machine::new(standard());
        world.endpoint.then(Said::unavailable_for(told));
        world.got(&service());
        assert_eq!(closed_for(&mut world, &service()), Duration::from_secs(kept));
        world.pass(Duration::from_secs(kept) - Duration::from_millis(1));
        assert!(world.decide(&service()).line.starts_with("8: "));
        world.pass(Duration::from_millis(1));
        assert_eq!(world.decide(&service()).line, "7: send");
    }
}

#[test]
fn a_date_to_retry_after_counts_from_the_answers_own_date() {
    let headers = [
        ("content-type", "application/json"),
        // Years before our own clock: what counts is the difference.
        ("date", "Wed, 01 Jan 2020 00:00:00 GMT"),
        ("retry-after", "Wed, 01 Jan 2020 00:02:00 GMT"),
    ];
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::Response(reply::with(503, &headers, "{}")));
    world.got(&service());
    assert_eq!(closed_for(&mut world, &service()), Duration::from_secs(120));
}

#[test]
fn a_client_with_a_corrected_secret_is_tried_at_once() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "consent_lost");
    world.endpoint.then(Said::error(401, "invalid_client"));
    assert_eq!(world.got(&service()), "oauth:invalid_client");
    let corrected = Client::new(standard().profile().clone(), CLIENT_ID, "corrected").expect("a client");
    world.accounts.replace_client(corrected).expect("it fits");
    assert_eq!(world.got(&service()), "AT3");
    assert_eq!(world.asked[2].parameter("client_secret"), Some("corrected"));
    assert_eq!(world.got(&hotel()), "AT4", "what was final for the old client is not for the new");
}

#[test]
fn a_resource_server_that_refuses_everything_costs_a_renewal_a_minute_at_first() {
    let mut world = Machine::new(standard());
    let mut forced = Vec::new();
    let mut last = 0;
    // Shorter than half of a lifetime each, so that no generation proves itself.
    for second in 0..3600_u64 {
        let token = world.get(&service()).expect("always a token");
        if world.requests() > last {
            last = world.requests();
            forced.push(second);
        }
        world.accounts.refused(&service(), token.generation(), world.now);
        world.pass_seconds(1);
    }
    let pauses: Vec<u64> = forced.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [1, 60, 120, 240, 480, 900, 900], "at {forced:?}");
}

#[test]
fn forcing_begins_anew_once_a_generation_has_lived_unrefused() {
    let mut world = Machine::new(standard());
    for _ in 0..3 {
        let token = world.get(&service()).expect("a token");
        world.accounts.refused(&service(), token.generation(), world.now);
        world.got(&service());
        world.pass_seconds(900);
    }
    let token = world.get(&service()).expect("a token");
    world.accounts.refused(&service(), token.generation(), world.now);
    let told = world.decide(&service());
    assert_eq!(told.line, "11: send");
    world.carry(told.job);
    let token = world.get(&service()).expect("a token");
    world.accounts.refused(&service(), token.generation(), world.now);
    assert_eq!(closed_for(&mut world, &service()), Duration::from_secs(60), "not doubled");
}

#[test]
fn a_forced_renewal_that_was_not_answered_does_not_close_forcing() {
    let ends: [fn() -> Said; 4] = [
        || Said::Fault(Fault::not_sent("connection refused")),
        || Said::error(500, "server_error"),
        || Said::error(429, "slow_down"),
        || Said::Fault(Fault::timed_out("no answer")),
    ];
    for said in ends {
        let mut world = Machine::new(standard());
        let token = world.get(&service()).expect("a token");
        world.endpoint.then(said());
        world.accounts.refused(&service(), token.generation(), world.now);
        assert_eq!(world.got(&service()), "AT1 (suspect)");
        let pause = closed_for(&mut world, &service());
        assert!(pause <= Duration::from_secs(5), "only the setback closes it: {pause:?}");
        world.pass(pause);
        assert_eq!(world.got(&service()), "AT3");
    }
}

#[test]
fn a_forced_renewal_that_gave_the_same_token_or_a_rejection_closes_forcing() {
    for said in [|| Said::token("AT1", 3600), || Said::error(400, "invalid_scope")] {
        let mut world = Machine::new(standard());
        let token = world.get(&service()).expect("a token");
        world.endpoint.then(said());
        world.accounts.refused(&service(), token.generation(), world.now);
        assert_eq!(world.got(&service()), "AT1 (suspect)");
        let requests = world.requests();
        for _ in 0..59 {
            world.pass_seconds(1);
            world.got(&service());
        }
        assert_eq!(world.requests(), requests);
    }
}

#[test]
fn twenty_refusals_of_one_generation_cause_one_renewal() {
    let mut world = Machine::new(standard());
    let generation = world.get(&service()).expect("a token").generation();
    for _ in 0..20 {
        world.accounts.refused(&service(), generation, world.now);
        world.got(&service());
    }
    assert_eq!(world.requests(), 2);
    assert_eq!(world.got(&service()), "AT2");
}

#[test]
fn half_of_a_short_lifetime_is_enough_for_a_generation_to_show_that_refusals_are_not_the_rule() {
    let mut world = Machine::new(standard());
    let mut closed = Vec::new();
    for lived in [0, 299, 300] {
        world.endpoint.always(|asked| Said::token(&format!("AT{}", asked.number), 600));
        let token = world.get(&service()).expect("a token");
        world.pass_seconds(lived);
        world.accounts.refused(&service(), token.generation(), world.now);
        let token = world.get(&service()).expect("another");
        world.accounts.refused(&service(), token.generation(), world.now);
        closed.push(closed_for(&mut world, &service()).as_secs());
        world.pass_seconds(900);
        world.got(&service());
    }
    assert_eq!(closed, [60, 120, 60]);
}

#[test]
fn a_quarter_of_an_hour_is_enough_for_a_long_lived_generation_and_less_is_not() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|asked| Said::token(&format!("AT{}", asked.number), 86_400));
    let mut closed = Vec::new();
    for lived in [0, 899, 900] {
        let token = world.get(&service()).expect("a token");
        world.pass_seconds(lived);
        world.accounts.refused(&service(), token.generation(), world.now);
        let token = world.get(&service()).expect("another");
        world.accounts.refused(&service(), token.generation(), world.now);
        let wait = closed_for(&mut world, &service());
        closed.push(wait.as_secs());
        world.pass(wait);
        world.got(&service());
    }
    assert_eq!(closed, [60, 240, 60], "the one in between was forced too");
}

#[test]
fn a_401_without_a_code_is_about_the_refresh_token_of_a_refresh_and_about_the_client_else() {
    for (key, is_wide) in [(hotel(), false), (service(), true)] {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        world.endpoint.then(Said::json(401, "{}"));
        world.got(&key);
        let other = world.got(&scoped("other"));
        assert_eq!(other != "AT2", is_wide, "{key}: {other}");
    }
}

#[test]
fn only_a_refresh_that_is_refused_advises_a_sign_in_after_the_third_time() {
    let third = |key: &Key, said: fn() -> Said| {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        for _ in 0..2 {
            world.endpoint.then(said());
            world.got(key);
            world.pass_seconds(3600);
        }
        world.endpoint.then(said());
        world.get(key).expect_err("it failed").remedy()
    };
    assert_eq!(third(&hotel(), || Said::json(400, "{}")), Remedy::SignInAgain);
    assert_ne!(third(&service(), || Said::json(400, "{}")), Remedy::SignInAgain, "nobody signs in for it");
    assert_ne!(third(&hotel(), || Said::json(404, "{}")), Remedy::SignInAgain, "the address is wrong");
    assert_ne!(third(&hotel(), || Said::error(400, "invalid_scope")), Remedy::SignInAgain, "it says why");
}

#[test]
fn a_refusal_of_what_was_asked_too_often_leaves_doubt_unless_it_is_the_servers_own() {
    let pending = |client: Client, said: Said| {
        let mut world = Machine::with_store(client, Storage::Private, &Shelf::default(), 1);
        world.sign_in(&hotel(), "RT0");
        world.endpoint.then(said);
        world.got(&hotel());
        world.stored(&hotel()).pending.is_some()
    };
    assert!(!pending(standard(), Said::error(429, "slow_down")));
    assert!(pending(standard(), Said::page(429, &[])), "somebody on the way may have said that");
    assert!(!pending(standard(), Said::page(404, &[])));
    assert!(pending(standard(), Said::page(500, &[])));
    let refused = r#"{"type":"ApiException","message":"not now"}"#;
    assert!(!pending(octorate(), Said::json(200, refused)), "an error whatever its status says");
}

/// A machine whose client is replaced while a request with `RT0` is under way.
fn with_another_client() -> (Machine, Job) {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let send = world.up_to_sending(&hotel());
    world.accounts.replace_client(standard()).expect("its requests can be built");
    (world, Job::Send(send))
}

#[test]
fn what_an_earlier_client_is_refused_closes_nothing_for_the_present_one() {
    for (status, code) in [(400, "invalid_grant"), (401, "invalid_client"), (400, "invalid_scope")] {
        let (mut world, send) = with_another_client();
        world.endpoint.then(Said::error(status, code));
        world.carry(Some(send));
        assert_eq!(world.decide(&service()).line, "7: send", "{code}");
        assert_eq!(world.got(&hotel()), "AT2", "{code}");
        assert_eq!(world.asked[1].refresh_token(), Some("RT0"), "{code}");
    }
}

#[test]
fn refusals_of_an_earlier_client_do_not_close_the_registration_though_nobody_waits_for_them() {
    let (mut world, send) = with_another_client();
    world.sign_in(&hotel(), "RT-new");
    world.endpoint.then(Said::error(401, "invalid_client"));
    world.carry(Some(send));
    assert_eq!(world.got(&service()), "AT2");
}

#[test]
fn an_endpoint_that_fails_an_earlier_client_fails_the_present_one_too() {
    let (mut world, send) = with_another_client();
    world.endpoint.then(Said::unavailable_for(30));
    world.carry(Some(send));
    assert_eq!(closed_for(&mut world, &service()), Duration::from_secs(30));
}

#[test]
fn a_refusal_about_which_the_store_is_asked_while_the_client_is_replaced_is_held_against_nobody() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let send = world.up_to_sending(&hotel());
    world.endpoint.then(Said::error(400, "invalid_grant"));
    let load = world.step(Job::Send(send));
    assert!(matches!(load, Some(Job::Load(_))), "{load:?}");
    world.accounts.replace_client(standard()).expect("its requests can be built");
    world.carry(load);
    assert_eq!(world.got(&hotel()), "AT2");
    let pending = world.shelf.history().into_iter().filter_map(|record| record.pending);
    assert!(pending.into_iter().all(|attempt| !attempt.after_doubt), "and nothing is in doubt");
}

#[test]
fn the_success_of_a_request_that_was_sent_before_the_endpoint_failed_does_not_open_it_for_all() {
    let mut world = Machine::new(standard());
    let early = world.decide(&scoped("a")).job;
    world.pass_seconds(1);
    let sent = early.map(|job| match job {
        Job::Send(job) => world.send(job),
        other => panic!("no request: {other:?}"),
    });
    world.pass_seconds(1);
    world.endpoint.then(Said::unavailable_for(30));
    world.got(&scoped("b"));
    world.pass_seconds(30);
    let probe = world.decide(&scoped("b"));
    assert_eq!(probe.line, "7: send");
    let rest = sent.and_then(|report| world.report(report));
    world.carry(rest);
    assert_eq!(world.decide(&scoped("c")).line, "8: give up, http:503, later");
    world.carry(probe.job);
    assert!(world.got(&scoped("c")).starts_with("AT"));
}

#[test]
fn a_refusal_of_an_earlier_client_ends_what_a_resource_server_forced_for_the_present_one_too() {
    for code in ["invalid_client", "invalid_grant"] {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        let token = world.get(&hotel()).expect("a token");
        world.accounts.refused(&hotel(), token.generation(), world.now);
        let Some(Job::Send(forced)) = world.decide(&hotel()).job else { panic!("it is renewed") };
        world.accounts.replace_client(standard()).expect("its requests can be built");
        world.endpoint.then(Said::error(400, code));
        world.carry(Some(Job::Send(forced)));
        assert_eq!(world.decide(&hotel()).line, "12: use AT1 (suspect)", "{code}");
        world.pass_seconds(60);
        assert_eq!(world.got(&hotel()), "AT3", "{code}");
    }
}

#[test]
fn an_unexplained_refusal_of_an_earlier_client_is_none_of_the_three_that_advise_a_sign_in() {
    let (mut world, send) = with_another_client();
    world.endpoint.then(Said::json(400, "{}"));
    world.carry(Some(send));
    for _ in 0..2 {
        world.pass_seconds(1000);
        world.endpoint.then(Said::json(400, "{}"));
        let failure = world.get(&hotel()).expect_err("it is refused");
        assert_ne!(failure.remedy(), Remedy::SignInAgain);
    }
    assert_eq!(world.requests(), 3);
}
