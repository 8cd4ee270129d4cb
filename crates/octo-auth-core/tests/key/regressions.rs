//! Defects that were measured in widely used OAuth libraries. This library does not have them.

use std::time::Duration;

use octo_auth_core::{Event, Freshness, Job, Storage, TokenSpec, TransportError};
use octo_auth_testkit::machine::{Asked, InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{never_replayed, officernd, standard};
use octo_auth_testkit::response::json;

/// Returns a machine that holds `AT1` for an hour from now. The account's refresh token is in a store.
fn holding(key: &TokenSpec) -> Machine {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    if !key.is_client_grant() {
        world.sign_in(key, "RT0");
    }
    assert_eq!(world.got(key), "AT1");
    world
}

/// Calls every tenth of a second for five minutes. Returns the number of requests, and the number of calls that got a
/// token.
fn calls_for_five_minutes(expires_in: Option<u64>) -> (usize, usize) {
    let mut world = Machine::new(standard());
    world.endpoint.always(move |asked| {
        let token = format!("AT{}", asked.number);
        match expires_in {
            Some(lifetime) => ServerReply::token(&token, lifetime),
            None => ServerReply::json(200, &format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#)),
        }
    });
    let mut served = 0;
    for _ in 0..3000 {
        served += usize::from(world.got(&service()).starts_with("AT"));
        world.pass(Duration::from_millis(100));
    }
    (world.requests(), served)
}

/// A name and a reply of an endpoint.
type Outage = (&'static str, fn(&Asked) -> ServerReply);

/// The ways in which an endpoint can be unavailable.
const OUTAGES: [Outage; 4] = [
    ("plain 503s", |_| ServerReply::error(503, "temporarily_unavailable")),
    ("gateway 502s", |_| ServerReply::page(502, &[])),
    ("time-outs", |_| ServerReply::Fault(TransportError::timed_out("no answer"))),
    ("no connection", |_| ServerReply::Fault(TransportError::not_sent("connection refused"))),
];

/// Returns a server with strict rotation: a refresh token is valid for one use, and is lost if the answer is lost.
fn strictly_rotating(mut good: String, mut lost: usize) -> impl FnMut(&Asked) -> ServerReply {
    move |asked| {
        if asked.refresh_token() != Some(good.as_str()) {
            return ServerReply::error(400, "invalid_grant");
        }
        good = format!("RT{}", asked.number);
        if lost > 0 {
            lost -= 1;
            return ServerReply::Fault(TransportError::timed_out("no answer"));
        }
        ServerReply::tokens(&format!("AT{}", asked.number), 3600, &good)
    }
}

/// Returns a machine at a server that accepts no refresh token twice, with an account that has just signed in.
fn at_a_strict_server() -> Machine {
    let mut world =
        Machine::with_store(never_replayed(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world
}

#[test]
fn fifty_callers_in_a_503_outage_with_retry_after_cause_one_request_and_none_before_its_time() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|_| ServerReply::unavailable_for(120));
    for second in 0..120 {
        for caller in 0..50 {
            assert_eq!(world.got(&service()), "http:503", "caller {caller} in second {second}");
        }
        assert_eq!(world.requests(), 1);
        world.pass_seconds(1);
    }
    world.endpoint.always(ServerReply::next_tokens);
    assert_eq!(world.got(&service()), "AT2");
}

#[test]
fn fifty_callers_on_an_expired_token_cause_one_request() {
    let mut world = holding(&service());
    world.age(&service(), Freshness::Expired);
    let first = world.decide(&service());
    assert!((1..50).all(|_| world.decide(&service()).line == "expired_in_flight: wait"));
    world.carry(first.job);
    assert!((0..50).all(|_| world.got(&service()) == "AT2"));
    assert_eq!(world.requests(), 2);
}

#[test]
fn fifty_calls_in_the_stale_window_of_a_failing_server_are_all_served_and_cause_few_requests() {
    let mut world = holding(&service());
    world.age(&service(), Freshness::Stale);
    world.endpoint.always(|_| ServerReply::error(500, "server_error"));
    assert!((0..50).all(|_| world.got(&service()) == "AT1"));
    assert_eq!(world.requests(), 2, "the failed renewal closed the key for all of them");
    // 700 seconds of calls. With back-offs of up to a minute, about one request in half a minute.
    for _ in 0..700 {
        assert_eq!(world.got(&service()), "AT1");
        world.pass_seconds(1);
    }
    assert!((10..=70).contains(&world.requests()), "{}", world.requests());
}

#[test]
fn twenty_late_refusals_of_one_token_cause_one_renewal() {
    let mut world = holding(&service());
    let generation = world.get(&service()).expect("a token").generation();
    let mut in_flight = None;
    for _ in 0..20 {
        world.manager.refused(&service(), generation, world.now);
        in_flight = world.decide(&service()).job.or(in_flight);
    }
    world.carry(in_flight);
    for _ in 0..20 {
        world.manager.refused(&service(), generation, world.now);
        assert_eq!(world.got(&service()), "AT2");
    }
    assert_eq!(world.requests(), 2);
}

#[test]
fn odd_lifetimes_cause_neither_a_request_for_each_call_nor_an_endless_token() {
    assert_eq!(calls_for_five_minutes(None), (1, 3000), "missing: due after 15 minutes");
    let (requests, served) = calls_for_five_minutes(Some(0));
    assert!(requests <= 40 && served == 0, "zero is not for ever: {requests}, {served}");
    let (requests, served) = calls_for_five_minutes(Some(1));
    assert!(requests <= 50 && served > 0, "one second, within the budget of a key: {requests}, {served}");
    let (requests, served) = calls_for_five_minutes(Some(60));
    assert!((5..=13).contains(&requests) && served == 3000, "60 s: {requests}, {served}");
    let (requests, served) = calls_for_five_minutes(Some(299));
    assert!((2..=3).contains(&requests) && served == 3000, "299 s: {requests}, {served}");
    assert_eq!(calls_for_five_minutes(Some(315_360_000)), (1, 3000), "ten years");
}

#[test]
fn a_refusal_of_every_fresh_token_causes_few_requests_and_no_error() {
    let mut world = holding(&service());
    for _ in 0..600 {
        let token = world.get(&service()).expect("never an error");
        world.manager.refused(&service(), token.generation(), world.now);
        world.pass_seconds(1);
    }
    assert!(world.requests() <= 6, "{} requests in ten minutes", world.requests());
}

#[test]
fn a_revoked_token_is_replaced_as_soon_as_the_endpoint_is_back() {
    for key in [service(), hotel()] {
        let mut world = holding(&key);
        let generation = world.get(&key).expect("a token").generation();
        world.manager.refused(&key, generation, world.now);
        world.endpoint.always(|_| ServerReply::error(503, "temporarily_unavailable"));
        for _ in 0..30 {
            assert_eq!(world.got(&key), "AT1 (suspect)");
            world.pass_seconds(1);
        }
        let failed = world.requests();
        assert!(failed <= 7, "{failed} requests, one of them before these 30 seconds");
        world.endpoint.always(ServerReply::next_tokens);
        world.pass_seconds(60);
        assert_eq!(world.got(&key), format!("AT{}", failed + 1));
    }
}

#[test]
fn a_shorter_lived_token_from_a_renewal_is_taken_and_renewed_in_its_own_time() {
    let mut world = holding(&service());
    world.endpoint.always(|asked| ServerReply::token(&format!("AT{}", asked.number), 60));
    world.age(&service(), Freshness::Stale);
    assert_eq!(world.got(&service()), "AT1");
    assert_eq!(world.got(&service()), "AT2", "the newer one, though the older would live longer");
    for _ in 0..300 {
        world.pass_seconds(1);
        assert!(world.got(&service()).starts_with("AT"));
    }
    assert!((7..=15).contains(&world.requests()), "{}", world.requests());
}

#[test]
fn calls_succeed_within_a_minute_after_a_ten_minute_outage_at_expiry() {
    for (outage, said) in OUTAGES {
        for key in [service(), hotel()] {
            let mut world = holding(&key);
            world.age(&key, Freshness::Expired);
            world.endpoint.always(said);
            for _ in 0..600 {
                assert!(world.get(&key).is_err());
                world.pass_seconds(1);
            }
            let during = world.requests() - 1;
            assert!((3..=40).contains(&during), "{outage}, {key}: {during} requests");
            world.endpoint.always(ServerReply::next_tokens);
            let mut waited = 0;
            while world.get(&key).is_err() {
                waited += 1;
                assert!(waited <= 61, "{outage}, {key}: {}", world.manager.explain(&key, world.now));
                world.pass_seconds(1);
            }
        }
    }
}

#[test]
fn a_ten_minute_outage_when_the_renewal_is_due_affects_no_caller() {
    for (outage, said) in OUTAGES {
        for key in [service(), hotel()] {
            let mut world = holding(&key);
            world.age(&key, Freshness::Stale);
            world.endpoint.always(said);
            for second in 0..600 {
                assert_eq!(world.got(&key), "AT1", "{outage}, {key}, second {second}");
                world.pass_seconds(1);
            }
            world.endpoint.always(ServerReply::next_tokens);
            for second in 600..1800 {
                let got = world.got(&key);
                assert!(got.starts_with("AT"), "{outage}, {key}, second {second}: {got}");
                world.pass_seconds(1);
            }
            assert_ne!(world.got(&key), "AT1", "{outage}, {key}");
        }
    }
}

#[test]
fn only_a_refresh_token_that_the_server_really_used_up_ends_in_a_sign_in() {
    let mut world = holding(&hotel());
    world.endpoint.always(strictly_rotating("RT1".to_owned(), 1));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "timeout");
    world.pass_seconds(120);
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    assert_eq!(world.requests(), 3, "one replay, and no more");
    world.sign_in(&hotel(), "RT2");
    assert!(world.got(&hotel()).starts_with("AT"));
}

#[test]
fn a_clock_set_back_two_hours_costs_one_renewal_and_no_call() {
    for key in [service(), hotel()] {
        let mut world = holding(&key);
        world.pass_seconds(600);
        world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(7200));
        for _ in 0..1200 {
            assert!(world.got(&key).starts_with("AT"));
            world.pass_seconds(1);
        }
        assert_eq!(world.requests(), 2, "{key}");
        world.now.wall = world.now.wall.saturating_add(Duration::from_secs(7200));
        for _ in 0..1200 {
            assert!(world.got(&key).starts_with("AT"));
            world.pass_seconds(1);
        }
        assert_eq!(world.requests(), 3, "{key}: and one when it is set right");
    }
}

#[test]
fn after_a_suspend_of_eight_hours_no_expired_token_is_served() {
    let eight = Duration::from_secs(8 * 3600);
    for (boot, wall) in [(true, true), (true, false), (false, true)] {
        for key in [service(), hotel()] {
            let mut world = holding(&key);
            if boot {
                world.now.boot += eight;
            }
            if wall {
                world.now.wall = world.now.wall.saturating_add(eight);
            }
            assert_eq!(world.got(&key), "AT2", "{key}, boot {boot}, wall {wall}");
            assert_eq!(world.requests(), 2);
        }
    }
}

#[test]
fn a_token_that_expired_on_arrival_is_not_served_after_a_restart_at_any_clock() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let Some(Job::Send(send)) = world.step(attempt) else { panic!("the request") };
    let sent = world.now;
    world.pass_seconds(2);
    let body = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":1,"refresh_token":"RT1"}"#;
    let rest = world.report(send.answered(&json(200, body), sent, world.now));
    world.carry(rest);
    assert_eq!(world.got(&hotel()), "expired_on_arrival");
    let mut next = Machine::with_store(standard(), Storage::SingleProcess, &world.store, 2);
    next.now = world.now;
    next.now.wall = next.now.wall.saturating_sub(Duration::from_secs(4));
    next.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    assert_eq!(next.got(&hotel()), "AT2");
    assert_eq!(next.asked[0].refresh_token(), Some("RT1"));
}

#[test]
fn a_suspend_of_eight_hours_in_the_middle_of_a_renewal_loses_no_answer() {
    let mut world = holding(&hotel());
    world.age(&hotel(), Freshness::Expired);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let Some(Job::Send(send)) = world.step(attempt) else { panic!("the request") };
    world.pass_seconds(8 * 3600);
    assert_eq!(world.got(&hotel()), "lost");
    let report = world.send(send);
    let rest = world.report(report);
    world.carry(rest);
    assert_eq!(world.got(&hotel()), "AT2");
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT2"));
}

#[test]
fn two_specs_of_one_registration_share_the_retries_of_an_outage() {
    let requests_with = |keys: &[TokenSpec]| {
        let mut world = Machine::new(standard());
        world.endpoint.always(|_| ServerReply::Fault(TransportError::not_sent("no route")));
        for _ in 0..600 {
            keys.iter().for_each(|key| assert_eq!(world.got(key), "not_sent"));
            world.pass_seconds(1);
        }
        world.requests()
    };
    let two = requests_with(&[scoped("a"), scoped("b")]);
    assert!(two <= 30, "{two} requests in 600 s");
    assert!(two.abs_diff(requests_with(&[scoped("a")])) <= 5);
}

#[test]
fn one_gateway_502_during_a_refresh_costs_no_sign_in_and_no_call() {
    let mut world = holding(&hotel());
    world.endpoint.then(ServerReply::page(502, &[]));
    world.age(&hotel(), Freshness::Stale);
    let mut last = String::new();
    for second in 0..1500 {
        last = world.got(&hotel());
        assert!(last.starts_with("AT"), "second {second}: {last}");
        world.pass_seconds(1);
    }
    assert_eq!(last, "AT3");
    assert_eq!(world.requests(), 3, "the lost one and its replay");
}

#[test]
fn a_renewal_in_flight_does_not_ask_for_a_sign_in() {
    let mut world = at_a_strict_server();
    let mut next = world.decide(&hotel()).job;
    while let Some(job) = next {
        let status = world.manager.status(&hotel(), world.now);
        assert!(status.is_some_and(|status| !status.sign_in_needed), "{job:?}");
        assert_eq!(
            world.decide_at_deadline(&hotel()).line,
            "expired_in_flight: give up, still_waiting, later",
            "{job:?}"
        );
        next = world.step(job);
    }
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_renewal_that_the_server_refuses_is_not_reported_as_lost() {
    let mut world = holding(&hotel());
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.events(&hotel());
    let mut told = Vec::new();
    let mut next = world.decide(&hotel()).job;
    while let Some(job) = next {
        next = world.step(job);
        told.extend(world.events(&hotel()));
    }
    let codes: Vec<_> = told
        .iter()
        .map(|event| match event {
            Event::SignInNeeded(failure) => failure.code().into_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, ["refresh_token_rejected"]);
}

#[test]
fn a_store_that_fails_when_an_attempt_is_written_gets_no_call_for_a_while() {
    let mut world = holding(&hotel());
    world.age(&hotel(), Freshness::Stale);
    world.store.set_down(true);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    assert!(matches!(attempt, Job::Save(_)));
    assert!(world.step(attempt).is_none(), "it is not asked again at once");
    let told = world.decide(&hotel());
    assert_eq!(told.line, "stale_blocked: use AT1");
    world.store.set_down(false);
    world.pass_until(told.next_change.expect("saving is due some time"));
    assert_eq!(world.decide(&hotel()).line, "unsaved: use AT1, save");
}

#[test]
fn the_spacing_after_a_failure_does_not_hide_the_failure() {
    let mut world = Machine::new(officernd());
    let key = scoped("flex.community.members.read");
    world.endpoint.then(ServerReply::error(500, "server_error"));
    assert_eq!(world.got(&key), "http:500");
    assert_eq!(world.decide(&key).wait(), Duration::from_secs(12));
}
