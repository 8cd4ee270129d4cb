//! Which errors block the registration, and which block only their own account.

use std::time::Duration;

use octo_auth_core::{Freshness, Job, TokenSpec, TransportError};
use octo_auth_testkit::machine::{Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{octorate, officernd, standard};

use crate::scene::{blocked_for, not_sent, signed_in_at};

#[test]
fn octorates_quota_error_blocks_the_registration_for_a_while() {
    let mut world = signed_in_at(octorate());
    let body = r#"{"type":"ApiQuotaException","message":"quota exceeded"}"#;
    world.endpoint.then(ServerReply::json(403, body));
    world.age(&hotel(), Freshness::Expired);
    let code = world.got(&hotel());
    let told = world.decide(&hotel());
    assert!(told.line.starts_with("expired_blocked: give up"), "{code}: {}", told.line);
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT1"));
    world.sign_in(&TokenSpec::account("inn"), "RT7");
    let other = world.decide(&TokenSpec::account("inn"));
    assert!(other.line.starts_with("expired_blocked: give up"), "{code}: {}", other.line);
}

#[test]
fn an_unsendable_request_blocks_every_spec_of_the_registration() {
    let mut world = Machine::new(standard());
    world.endpoint.then(not_sent());
    assert_eq!(world.got(&scoped("a")), "not_sent");
    let other = world.decide(&scoped("b"));
    assert!(other.line.starts_with("expired_blocked: give up, not_sent"), "{}", other.line);
    assert_eq!(world.requests(), 1);
}

#[test]
fn throttling_blocks_every_spec_if_the_profile_says_the_limit_is_per_client() {
    for (client, is_wide) in [(officernd(), true), (standard(), false)] {
        let mut world = Machine::new(client);
        world.endpoint.then(ServerReply::unavailable_for(100));
        world.got(&scoped("a"));
        let other = world.decide(&scoped("b"));
        assert_eq!(other.line.starts_with("expired_blocked: give up, http:503"), is_wide, "{}", other.line);
    }
}

#[test]
fn a_redirect_with_retry_after_blocks_no_other_spec_even_if_the_limit_is_per_client() {
    let mut world = Machine::new(officernd());
    let headers = [("location", "https://elsewhere.example/"), ("retry-after", "1800")];
    world.endpoint.then(ServerReply::page(302, &headers));
    let failure = world.get(&scoped("a")).expect_err("a redirect is not followed");
    assert!(failure.retry_after() >= Some(Duration::from_secs(1800)), "{failure}");
    // The limit permits requests again.
    world.pass_seconds(60);
    assert_eq!(world.decide(&scoped("b")).line, "expired_renewing: send");
}

#[test]
fn no_failure_of_one_account_blocks_another_account() {
    let ends: [fn() -> ServerReply; 10] = [
        || ServerReply::Fault(TransportError::timed_out("no answer")),
        || ServerReply::error(500, "server_error"),
        || ServerReply::page(502, &[]),
        || ServerReply::error(429, "slow_down"),
        || ServerReply::unavailable_for(30),
        || ServerReply::error(400, "temporarily_unavailable"),
        || ServerReply::error(401, "invalid_client"),
        || ServerReply::error(400, "unauthorized_client"),
        || ServerReply::json(404, "{}"),
        || ServerReply::page(302, &[("location", "https://elsewhere.example/")]),
    ];
    for (which, said) in ends.into_iter().enumerate() {
        let mut world = Machine::new(standard());
        for _ in 0..10 {
            world.endpoint.then(said());
            assert!(world.get(&scoped("a")).is_err());
            world.pass_seconds(3600);
        }
        assert_eq!(world.decide(&scoped("b")).line, "expired_renewing: send", "{which}");
    }
}

#[test]
fn eight_failing_accounts_in_a_row_block_the_registration_unless_one_succeeds() {
    for succeeds_between in [false, true] {
        let mut world = Machine::new(standard());
        for number in 0..8 {
            if succeeds_between && number == 4 {
                assert!(world.got(&scoped("good")).starts_with("AT"));
            }
            world.endpoint.then(ServerReply::page(502, &[]));
            assert!(world.get(&scoped(&format!("bad{number}"))).is_err());
        }
        let other = world.decide(&scoped("other")).line;
        let wanted = if succeeds_between { "expired_renewing: send" } else { "expired_blocked: give up" };
        assert!(other.starts_with(wanted), "{succeeds_between}: {other}");
    }
}

#[test]
fn an_error_blocks_the_registration_even_if_the_account_was_signed_out_meanwhile() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(send)) = world.decide(&service()).job else { panic!("a token is asked for") };
    let rest = world.manager.sign_out(&service(), world.now);
    assert!(rest.is_none(), "the request is in flight");
    world.endpoint.then(not_sent());
    let report = world.send(send);
    assert!(world.report(report).is_none());
    assert!(blocked_for(&mut world, &scoped("other")) >= Duration::from_secs(1));
}

#[test]
fn a_failure_of_one_key_blocks_that_key_alone() {
    let ends: [fn() -> ServerReply; 5] = [
        || ServerReply::error(400, "invalid_scope"),
        || ServerReply::page(200, &[]),
        || ServerReply::json(200, "{}"),
        || ServerReply::token("AT0", 0),
        || ServerReply::json(200, "[]"),
    ];
    for (which, said) in ends.into_iter().enumerate() {
        let mut world = Machine::new(standard());
        world.endpoint.then(said());
        world.got(&scoped("a"));
        assert!(world.decide(&scoped("a")).line.starts_with("expired_blocked: "), "{which}");
        assert_eq!(world.decide(&scoped("b")).line, "expired_renewing: send", "{which}");
    }
}

#[test]
fn a_dead_refresh_token_of_one_account_does_not_block_another_account() {
    let mut world = Machine::new(standard());
    let other = TokenSpec::account("other hotel");
    world.sign_in(&hotel(), "RT0");
    world.sign_in(&other, "RT9");
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    assert_eq!(world.got(&other), "AT2");
}

#[test]
fn one_spec_probes_a_blocked_endpoint_for_all() {
    let mut world = Machine::new(standard());
    world.endpoint.then(not_sent());
    world.got(&scoped("a"));
    let wait = blocked_for(&mut world, &scoped("a"));
    world.pass(wait);
    let probe = world.decide(&scoped("b"));
    assert_eq!(probe.line, "expired_renewing: send");
    for other in ["a", "c", "d"] {
        assert_eq!(world.decide(&scoped(other)).line, "expired_blocked: give up, not_sent, later");
    }
    assert_eq!(world.requests(), 1);
    world.carry(probe.job);
    for other in ["a", "c", "d"] {
        assert!(world.got(&scoped(other)).starts_with("AT"), "the success opened it for all");
    }
}

#[test]
fn a_probe_that_fails_blocks_the_endpoint_for_all_again() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|_| not_sent());
    world.got(&scoped("a"));
    let wait = blocked_for(&mut world, &scoped("b"));
    world.pass(wait);
    world.got(&scoped("b"));
    let waits = ["a", "b", "c"].map(|key| blocked_for(&mut world, &scoped(key)));
    assert!(waits[0] >= Duration::from_secs(1) && waits.iter().all(|wait| *wait == waits[0]), "{waits:?}");
    assert_eq!(world.requests(), 2);
}

#[test]
fn a_success_of_a_request_that_was_sent_before_the_failure_does_not_unblock_the_registration() {
    let mut world = Machine::new(standard());
    let early = world.decide(&scoped("a")).job;
    world.pass_seconds(1);
    let sent = early.map(|job| match job {
        Job::Send(job) => world.send(job),
        other => panic!("no request: {other:?}"),
    });
    world.pass_seconds(1);
    world.endpoint.then(not_sent());
    world.got(&scoped("b"));
    let wait = blocked_for(&mut world, &scoped("b"));
    world.pass(wait);
    let probe = world.decide(&scoped("b"));
    assert_eq!(probe.line, "expired_renewing: send");
    let rest = sent.and_then(|report| world.report(report));
    world.carry(rest);
    assert_eq!(world.decide(&scoped("c")).line, "expired_blocked: give up, not_sent, later");
    world.carry(probe.job);
    assert!(world.got(&scoped("c")).starts_with("AT"));
}

#[test]
fn an_account_that_fails_eight_times_in_a_row_counts_once() {
    let mut world = Machine::new(standard());
    for _ in 0..8 {
        world.pass_seconds(3600);
        world.endpoint.then(ServerReply::page(502, &[]));
        assert!(world.get(&scoped("bad")).is_err());
    }
    assert_eq!(world.decide(&scoped("other")).line, "expired_renewing: send");
}

#[test]
fn the_account_that_failed_last_leaves_the_next_probe_to_another_account() {
    let mut world = Machine::new(standard());
    for number in 0..8 {
        world.endpoint.then(ServerReply::page(502, &[]));
        assert!(world.get(&scoped(&format!("bad{number}"))).is_err());
    }
    let (mut last, other) = (scoped("bad7"), scoped("other"));
    for round in 0..3 {
        let wait = blocked_for(&mut world, &other);
        world.pass(wait);
        let asked_first = world.decide(&last).line;
        assert!(asked_first.starts_with("expired_blocked: give up, http:502"), "{round}: {asked_first}");
        last = scoped(&format!("next{round}"));
        world.endpoint.then(ServerReply::page(502, &[]));
        assert!(world.get(&last).is_err());
    }
    let wait = blocked_for(&mut world, &other);
    world.pass(wait);
    assert!(world.decide(&last).job.is_none());
    let wait = blocked_for(&mut world, &last);
    world.pass(wait);
    let alone = world.decide(&last);
    assert_eq!(alone.line, "expired_renewing: send", "no other account wanted to");
    world.carry(alone.job);
    assert!(world.got(&other).starts_with("AT"), "the success opened it for all");
}
