//! A caller that asks until it has a token: how long it waits, and which error it gets when it cannot wait.

use std::time::Duration;

use octo_auth_core::{Caller, Freshness, Job, Remedy, TokenErrorKind, TokenSpec, Verdict, Waits};
use octo_auth_testkit::machine::{Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{officernd, standard};

const SECOND: Duration = Duration::from_secs(1);

/// Returns a caller that waits this long from now.
fn caller(world: &Machine, wait: Duration) -> Caller {
    Caller::new(Waits::Until(world.now.boot + wait))
}

fn ask(world: &mut Machine, key: &TokenSpec, caller: &mut Caller) -> Verdict {
    world.manager.ask(key, caller, world.now).verdict
}

fn kind(verdict: Verdict) -> TokenErrorKind {
    match verdict {
        Verdict::GiveUp(failure) => failure.kind(),
        other => panic!("no failure: {other:?}"),
    }
}

/// Returns a machine whose budget is spent: OfficeRND takes four requests a minute from specs without a token.
fn spent() -> Machine {
    let mut world = Machine::new(officernd());
    for number in 0..4 {
        world.get(&scoped(&format!("flex.{number}.read"))).expect("room for four");
    }
    world
}

#[test]
fn a_caller_with_90_seconds_waits_for_a_slot_that_opens_in_61() {
    let (mut world, key) = (spent(), scoped("flex.last.read"));
    let mut caller = caller(&world, 90 * SECOND);
    let opens = world.now.boot + 61 * SECOND;
    assert!(matches!(ask(&mut world, &key, &mut caller), Verdict::Wait { until } if until == opens));
    world.pass(61 * SECOND);
    assert!(matches!(ask(&mut world, &key, &mut caller), Verdict::Run(Job::Send(_))));
}

#[test]
fn a_caller_whose_deadline_precedes_the_free_slot_fails_immediately() {
    for wait in [Duration::ZERO, 30 * SECOND, 61 * SECOND] {
        let (mut world, key) = (spent(), scoped("flex.last.read"));
        let mut caller = caller(&world, wait);
        assert_eq!(kind(ask(&mut world, &key, &mut caller)), TokenErrorKind::BudgetSpent, "{wait:?}");
    }
}

#[test]
fn a_caller_does_not_wait_for_a_back_off() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::error(503, ""));
    world.got(&service());
    let mut caller = caller(&world, 90 * SECOND);
    assert_eq!(kind(ask(&mut world, &service(), &mut caller)), TokenErrorKind::BackingOff);
}

#[test]
fn a_caller_without_time_begins_the_renewal_and_may_retry_in_a_second() {
    let mut world = Machine::new(standard());
    let mut caller = caller(&world, Duration::ZERO);
    assert!(matches!(ask(&mut world, &service(), &mut caller), Verdict::Run(Job::Send(_))));
    let Verdict::GiveUp(failure) = ask(&mut world, &service(), &mut caller) else { panic!("it waits") };
    assert_eq!(
        (failure.kind(), failure.remedy()),
        (TokenErrorKind::StillWaiting, Remedy::TryLater { after: SECOND })
    );
}

#[test]
fn a_caller_waits_for_a_flight_at_most_until_its_own_deadline() {
    let mut world = Machine::new(standard());
    let _request = world.up_to_sending(&service());
    let mut caller = caller(&world, 5 * SECOND);
    let end = world.now.boot + 5 * SECOND;
    assert!(matches!(ask(&mut world, &service(), &mut caller), Verdict::Wait { until } if until == end));
    world.pass(5 * SECOND);
    assert_eq!(kind(ask(&mut world, &service(), &mut caller)), TokenErrorKind::StillWaiting);
}

#[test]
fn a_caller_that_may_not_block_begins_a_renewal_and_gets_the_reason() {
    let mut world = Machine::new(standard());
    let mut caller = Caller::new(Waits::NotHere);
    assert!(matches!(ask(&mut world, &service(), &mut caller), Verdict::Run(Job::Send(_))));
    assert_eq!(kind(ask(&mut world, &service(), &mut caller)), TokenErrorKind::WouldBlockRuntime);
}

#[test]
fn a_caller_without_a_runtime_begins_no_renewal() {
    let mut world = Machine::new(standard());
    let mut caller = Caller::new(Waits::NoRuntime);
    for _ in 0..2 {
        assert_eq!(kind(ask(&mut world, &service(), &mut caller)), TokenErrorKind::NoRuntime);
    }
    assert_eq!(world.requests(), 0);
}

#[test]
fn a_caller_that_cannot_wait_gets_a_refused_token_rather_than_a_failure() {
    for waits in [Waits::NotHere, Waits::NoRuntime] {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        let token = world.get(&hotel()).expect("a token");
        world.manager.refused(&hotel(), token.generation(), world.now);
        let _request = world.up_to_sending(&hotel());
        let verdict = ask(&mut world, &hotel(), &mut Caller::new(waits));
        assert!(matches!(verdict, Verdict::Use(token) if token.is_suspect()), "{waits:?}");
    }
}

#[test]
fn a_caller_with_a_valid_token_never_waits() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    world.age(&service(), Freshness::Fresh);
    for waits in [Waits::Until(Duration::ZERO), Waits::NotHere, Waits::NoRuntime] {
        assert!(matches!(ask(&mut world, &service(), &mut Caller::new(waits)), Verdict::Use(_)), "{waits:?}");
    }
}
