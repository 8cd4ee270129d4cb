//! How many renewals are in flight concurrently.

use std::time::Duration;

use octo_auth_core::{Caller, Effects, Job, Policy, SendJob, Storage, TokenSpec, Verdict, Waits};
use octo_auth_testkit::machine::{InMemoryStore, Machine, service};
use octo_auth_testkit::registration::standard;

use crate::scene::tenant;

fn narrow(concurrency: u32) -> Machine {
    Machine::with_policy(standard(), Policy::default().with_concurrency(concurrency).expect("room"))
}

/// Asks as a caller that waits. Returns its request, or the time until which it waits.
fn ask(world: &mut Machine, key: &TokenSpec) -> Result<SendJob, Duration> {
    let mut caller = Caller::new(Waits::Until(world.now.boot + Duration::from_secs(30)));
    let now = world.now;
    let (decision, _) = world.manager.step(now, |manager| manager.ask(key, &mut caller, now));
    match decision.verdict {
        Verdict::Run(Job::Send(send)) => Ok(send),
        Verdict::Wait { until } => Err(until),
        other => panic!("{other:?}"),
    }
}

/// Ends a request. Returns the effects.
fn end(world: &mut Machine, send: SendJob) -> Effects {
    let (report, now) = (world.send(send), world.now);
    world.manager.step(now, |manager| drop(manager.report(report, now))).1
}

#[test]
fn renewals_in_flight_are_limited_and_one_begins_when_another_ends() {
    let mut world = narrow(2);
    let one = ask(&mut world, &tenant(0)).expect("a renewal");
    let _two = ask(&mut world, &tenant(1)).expect("a renewal");
    for waiting in 2..5 {
        let until = ask(&mut world, &tenant(waiting)).expect_err("it waits");
        assert_eq!(until, world.now.boot + Duration::from_secs(1), "it looks again");
    }
    assert_eq!(world.requests(), 0);
    let effects = end(&mut world, one);
    let woken: Vec<_> =
        effects.specs.iter().filter(|own| own.wakes_callers).map(|own| own.spec.clone()).collect();
    assert!(woken.iter().any(|key| **key == tenant(2)), "the one that waits longest: {woken:?}");
    assert!(!woken.iter().any(|key| **key == tenant(3)), "one for one: {woken:?}");
    let _three = ask(&mut world, &tenant(2)).expect("a renewal");
    ask(&mut world, &tenant(3)).expect_err("it waits");
}

#[test]
fn a_caller_without_time_to_wait_for_a_slot_gets_an_error() {
    let mut world = narrow(1);
    let _in_flight = ask(&mut world, &tenant(0)).expect("a renewal");
    assert_eq!(world.got(&tenant(1)), "too_many_in_flight");
}

#[test]
fn a_caller_with_a_refused_token_waits_for_a_slot_rather_than_reuse_it() {
    let mut world = narrow(1);
    let token = world.get(&tenant(0)).expect("a token");
    world.manager.refused(&tenant(0), token.generation(), world.now);
    let in_flight = ask(&mut world, &tenant(1)).expect("a renewal");
    ask(&mut world, &tenant(0)).expect_err("it waits");
    assert_eq!(world.got(&tenant(0)), "AT1 (suspect)", "its time is over");
    let _ = end(&mut world, in_flight);
    assert_eq!(world.got(&tenant(0)), "AT3");
}

#[test]
fn accounts_leave_a_quarter_of_the_slots_to_client_grants() {
    let policy = Policy::default().with_concurrency(4).expect("room");
    let store = InMemoryStore::default();
    let mut world = Machine::with_store_and_policy(standard(), policy, Storage::SingleProcess, &store, 1);
    let manager: Vec<TokenSpec> = (0..4).map(|number| TokenSpec::account(&format!("inn{number}"))).collect();
    for key in &manager {
        world.sign_in(key, "RT");
    }
    let begun = manager.iter().filter(|key| world.decide(key).job.is_some()).count();
    assert_eq!(begun, 3, "their stores hang");
    assert_eq!(world.got(&service()), "AT1");
    assert_eq!(world.got(&tenant(1)), "AT2");
    world.pass_seconds(5);
    assert!(world.decide(&manager[0]).job.is_none(), "its store has just failed");
    assert!(world.decide(&manager[3]).job.is_some(), "the first one gave its place back");
}

#[test]
fn a_limit_of_zero_renewals_is_rejected() {
    assert!(Policy::default().with_concurrency(0).is_err());
}

#[test]
fn the_end_of_a_renewal_wakes_an_account_that_was_not_evicted() {
    let policy = Policy::default().with_concurrency(1).and_then(|own| own.with_capacity(2));
    let mut world = Machine::with_policy(standard(), policy.expect("room"));
    let in_flight = ask(&mut world, &tenant(0)).expect("a renewal");
    ask(&mut world, &tenant(1)).expect_err("it waits");
    ask(&mut world, &tenant(2)).expect_err("it waits, and takes the place of the one before");
    let effects = end(&mut world, in_flight);
    assert!(effects.specs.iter().any(|own| *own.spec == tenant(2) && own.wakes_callers));
}
