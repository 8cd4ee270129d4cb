//! Refreshes with an unknown outcome: when they are repeated.

use std::time::Duration;

use octo_auth_core::{Caller, Freshness, Job, Policy, TokenErrorKind, TransportError, Verdict, Waits};
use octo_auth_testkit::machine::{Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{always_replayed, never_replayed, standard};

use crate::scene::{expired_end, not_sent, signed_in, signed_in_at, stale_end, status};

#[test]
fn a_refresh_with_an_unknown_outcome_is_repeated_only_when_the_token_has_expired() {
    let ends: [fn() -> ServerReply; 4] = [
        || ServerReply::Fault(TransportError::timed_out("no answer")),
        || ServerReply::Fault(TransportError::broken_off("cut")),
        || ServerReply::page(502, &[]),
        || ServerReply::page(504, &[]),
    ];
    for said in ends {
        let mut world = signed_in();
        let pause = stale_end(&mut world, &hotel(), said());
        assert!(pause >= Duration::from_secs(1));
        assert!(world.stored(&hotel()).is_in_doubt());
        while world.manager.status(&hotel(), world.now).is_some_and(|status| status.token.is_some()) {
            assert_eq!(world.got(&hotel()), "AT1");
            assert_eq!(world.requests(), 2, "nothing is replayed while there is something to lose");
            world.pass_seconds(5);
        }
        assert_eq!(world.got(&hotel()), "AT3");
        assert_eq!(world.asked[2].refresh_token(), Some("RT1"), "the replay");
    }
}

#[test]
fn a_repeated_refresh_that_is_refused_ends_in_a_sign_in_because_of_the_doubt() {
    let mut world = signed_in();
    stale_end(&mut world, &hotel(), ServerReply::Fault(TransportError::timed_out("no answer")));
    let (line, _) = expired_end(&mut world, &hotel(), ServerReply::error(400, "invalid_grant"));
    assert_eq!(line, "refresh_token_dead: give up, refresh_token_rejected, sign in");
    let failure = world.get(&hotel()).expect_err("it is over");
    assert_eq!(failure.kind(), TokenErrorKind::RefreshOutcomeUnknown);
    assert!(failure.to_string().contains("a renewal was lost on its way"), "{failure}");
}

#[test]
fn a_lost_refresh_of_a_single_use_refresh_token_ends_in_a_sign_in() {
    let mut world = signed_in_at(never_replayed());
    world.endpoint.then(ServerReply::Fault(TransportError::timed_out("no answer")));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.got(&hotel()), "AT1", "the old token works to its end");
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "refresh_token_dead: give up, refresh_token_rejected, sign in");
    assert_eq!(world.requests(), 2);
}

#[test]
fn a_lost_refresh_of_a_reusable_refresh_token_is_repeated_before_the_token_expires() {
    let mut world = signed_in_at(always_replayed());
    world.age(&hotel(), Freshness::Stale);
    for lost in 0..3 {
        world.endpoint.then(ServerReply::page(502, &[]));
        let told = world.decide(&hotel());
        assert_eq!(told.line, "stale_renewing: use AT1, save", "{lost}");
        world.carry(told.job);
        let told = world.decide(&hotel());
        assert_eq!(told.line, "stale_blocked: use AT1", "{lost}");
        let pause = told.next_change.expect("the back-off ends") - world.now.boot;
        assert!((Duration::from_secs(1)..=Duration::from_secs(4)).contains(&pause), "{lost}: {pause:?}");
        world.pass(pause);
    }
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.got(&hotel()), "AT5");
    assert!(world.asked[1..].iter().all(|asked| asked.refresh_token() == Some("RT1")));
}

#[test]
fn an_error_is_reported_until_the_longer_block_of_the_budget_ends() {
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.endpoint.then(ServerReply::error(500, "server_error"));
    assert_eq!(world.got(&service()), "http:500");
    let told = world.decide(&service());
    assert_eq!(told.line, "expired_blocked: give up, http:500, later");
    assert!(told.wait() >= Duration::from_secs(60), "{:?}", told.wait());
}

#[test]
fn a_connection_that_is_refused_is_reported_to_every_caller_and_never_as_a_spent_budget() {
    let policy = Policy::default().with_request_limit(2).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.endpoint.always(|_| not_sent());
    for tenth in 0..6000 {
        for key in [service(), scoped("other")] {
            assert_eq!(world.got(&key), "not_sent", "{key} after {tenth} tenths of a second");
        }
        world.pass(Duration::from_millis(100));
    }
    assert!(world.requests() > 2, "{}", world.requests());
}

#[test]
fn an_error_after_its_back_off_names_the_blocking_limit_for_which_callers_wait() {
    let policy = Policy::default().with_request_limit(1).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.endpoint.then(ServerReply::error(500, "server_error"));
    let failure = world.get(&service()).expect_err("it failed").to_string();
    assert!(!failure.contains("limit"), "the pause blocks too: {failure}");
    world.pass_seconds(5);
    let failure = world.get(&service()).expect_err("the budget is spent").to_string();
    let limit = "(HTTP 500)), and no more requests may be sent now (the policy's limit is 1 in 60 s);";
    assert!(failure.contains("the last attempt failed (") && failure.contains(limit), "{failure}");
    let mut caller = Caller::new(Waits::Until(world.now.boot + Duration::from_secs(90)));
    let told = world.manager.ask(&service(), &mut caller, world.now);
    assert!(matches!(told.verdict, Verdict::Wait { .. }), "{told:?}");
}

#[test]
fn a_refresh_in_doubt_is_reported_with_the_answer_or_error_that_caused_it() {
    let ends: [fn() -> ServerReply; 3] = [
        || ServerReply::page(502, &[]),
        || ServerReply::Fault(TransportError::timed_out("no answer")),
        || ServerReply::Fault(TransportError::broken_off("cut")),
    ];
    let told = [
        ("http:502", "HTTP 502"),
        ("timeout", "not answered in time"),
        ("body_incomplete", "answered incompletely"),
    ];
    for (said, (code, words)) in ends.into_iter().zip(told) {
        let mut world = signed_in();
        stale_end(&mut world, &hotel(), said());
        let setback = status(&world, &hotel()).setback.expect("the doubt");
        assert_eq!(setback.code(), code);
        assert!(setback.to_string().contains(words), "{setback}");
        assert!(world.manager.explain(&hotel(), world.now).contains(words));
        expired_end(&mut world, &hotel(), ServerReply::error(400, "invalid_grant"));
        let dead = world.get(&hotel()).expect_err("it is over");
        assert_eq!(
            (dead.kind(), dead.code().as_ref()),
            (TokenErrorKind::RefreshOutcomeUnknown, "refresh_token_rejected")
        );
        assert!(dead.to_string().contains(words), "{dead}");
        world.sign_in(&hotel(), "RT9");
        assert!(world.got(&hotel()).starts_with("AT"));
        let (line, _) = expired_end(&mut world, &hotel(), ServerReply::error(400, "invalid_grant"));
        assert_eq!(line, "refresh_token_dead: give up, refresh_token_rejected, sign in");
        let dead = world.get(&hotel()).expect_err("it was refused").to_string();
        assert!(dead.contains("invalid_grant") && !dead.contains(words), "{dead}");
    }
}

#[test]
fn a_success_with_an_expired_token_ends_the_report_of_an_earlier_doubt() {
    let mut world = signed_in();
    expired_end(&mut world, &hotel(), ServerReply::page(502, &[]));
    world.pass_seconds(3600);
    world.endpoint.then(ServerReply::tokens("AT2", 0, "RT2"));
    world.got(&hotel());
    world.pass_seconds(3600);
    let lost = world.up_to_sending(&hotel());
    world.report(Job::Send(lost).abandon());
    let told = world.get(&hotel()).expect_err("it is in doubt").to_string();
    assert!(!told.contains("502"), "{told}");
}

#[test]
fn an_error_for_a_lost_refresh_that_is_never_repeated_names_its_cause() {
    let mut world = signed_in_at(never_replayed());
    stale_end(&mut world, &hotel(), ServerReply::page(502, &[]));
    world.age(&hotel(), Freshness::Expired);
    let failure = world.get(&hotel()).expect_err("only a sign-in helps").to_string();
    assert!(failure.contains("(HTTP 502)") && failure.ends_with("sign in again"), "{failure}");
}

#[test]
fn the_wait_after_a_repeated_token_is_not_called_a_failure() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|_| ServerReply::token("AT1", 3600));
    world.got(&service());
    world.age(&service(), Freshness::Stale);
    world.got(&service());
    let rest = status(&world, &service()).setback.expect("it rests");
    assert!(!rest.to_string().contains("failed"), "{rest}");
    assert!(!world.manager.explain(&service(), world.now).contains("failed"));
}
