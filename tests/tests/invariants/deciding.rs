//! How it is decided: as a total, pure function of state and clocks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use octo_auth_core::{Now, Policy, Row, Validity, ValidityTerms};
use octo_auth_testkit::strategies::{lives, moments, spans, terms};
use octo_auth_testkit::world::{Event, Plan, Who, World};
use octo_auth_tests::moment;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::worlds::{Focus, holds, plans, replies, setups};

/// So long after the start by the wall clock and by the boot clock.
fn later(wall: Duration, boot: Duration) -> Now {
    let start = moment::start();
    Now { wall: start.wall.saturating_add(wall), boot: start.boot.saturating_add(boot) }
}

fn validity(terms: &ValidityTerms) -> Validity {
    Validity::new(moment::start(), terms)
}

/// Arithmetic costs next to nothing, so it is looked at more often than worlds.
fn many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.saturating_mul(16), ..usual }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn i09_as_time_goes_on_a_token_only_becomes_more_urgent(
        terms in terms(), first in (spans(), spans()), more in (spans(), spans())
    ) {
        let validity = validity(&terms);
        let before = validity.freshness(later(first.0, first.1));
        let after = later(first.0.saturating_add(more.0), first.1.saturating_add(more.1));
        prop_assert!(before <= validity.freshness(after));
    }

    #[test]
    fn i10_a_token_that_ends_later_is_never_more_urgent(
        terms in terms(), life in lives(), more in 0..3000_u32, age in (0..1200_u32, 0..1200_u32)
    ) {
        let lasting = |lifetime| validity(&ValidityTerms { lifetime: Some(lifetime), ..terms });
        // Ages at which the shorter one is anywhere between new and long expired.
        let thousandths = |number: u32| (life / 1000).saturating_mul(number);
        let now = later(thousandths(age.0), thousandths(age.1));
        let longer = life.saturating_add(thousandths(more));
        prop_assert!(lasting(longer).freshness(now) <= lasting(life).freshness(now));
    }

    #[test]
    fn i11_a_renewal_is_due_between_two_fifths_of_the_lifetime_and_the_guard(terms in terms()) {
        let validity = validity(&terms);
        let (Some(life), Some(soft)) = (validity.lifetime(), validity.renewal_due_age()) else {
            prop_assert!(terms.lifetime.is_none());
            return Ok(());
        };
        let (life, soft) = (life.as_millis(), soft.as_millis());
        let guard = life.min(100_000);
        prop_assert!(10 * soft >= 4 * life);
        prop_assert!(10 * soft < 10 * life - guard + 10, "due at {soft} ms of {life} ms");
    }

    #[test]
    fn i12_more_jitter_never_renews_later(terms in terms(), other in any::<u32>()) {
        let (less, more) = (terms.jitter.min(other), terms.jitter.max(other));
        let due = |jitter| validity(&ValidityTerms { jitter, ..terms }).renewal_due_age();
        prop_assert!(due(more) <= due(less));
    }

    #[test]
    fn i13_a_hint_never_delays_a_renewal(terms in terms(), hint in spans()) {
        let due = |hint| validity(&ValidityTerms { hint, ..terms }).renewal_due_age();
        prop_assert!(due(Some(hint)) <= due(None));
    }

    #[test]
    fn i16_no_moment_and_no_duration_makes_the_arithmetic_fail(
        terms in terms(), issued in moments(), now in moments(), span in spans(), requests in any::<u32>()
    ) {
        let validity = Validity::new(issued, &terms);
        let _ = (validity.freshness(now), validity.age(now), validity.served_until_age());
        let policy = Policy::default();
        let _ = (policy.clone().with_lead(span), policy.clone().with_wait(span));
        let _ = (policy.clone().with_exchange_deadline(span), policy.with_request_limit(requests));
    }
}

proptest! {
    #[test]
    fn i14_whatever_has_happened_there_is_one_answer_and_it_is_that_of_its_row(plan in plans(Focus::All, 80)) {
        holds("I14", &plan)?;
    }

    #[test]
    fn i15_the_same_events_give_the_same_answers(plan in plans(Focus::All, 60)) {
        let (once, again) = (World::after(&plan), World::after(&plan));
        let mut both = once.trace().iter().zip(again.trace());
        prop_assert_eq!(both.find(|(once, again)| once != again), None);
        prop_assert_eq!(once.trace().len(), again.trace().len());
        holds("I15", &plan)?;
    }

    #[test]
    fn i16_no_moment_makes_the_machine_fail(
        setup in setups(Focus::All), start in moments(), replies in prop::collection::vec(replies(Focus::All), 12)
    ) {
        let mut world = World::at(setup, start);
        for (reply, key) in replies.into_iter().zip(0..) {
            let who = Who { machine: key, key };
            world.happen(&Event::Drive(who, reply, 700));
            world.happen(&Event::AskAtDeadline(who));
            world.happen(&Event::Ask(who));
            world.happen(&Event::Glance(who));
            world.happen(&Event::Tend(key));
            world.happen(&Event::Pass(u32::MAX));
        }
    }

    #[test]
    fn i17_from_whatever_has_happened_a_token_is_reached(plan in plans(Focus::All, 60), key in 0..4_u8) {
        let mut world = World::after(&plan);
        let reached = world.recover(0, key);
        prop_assert!(reached.is_ok(), "{reached:?}\n{}", world.trace().join("\n"));
    }

    #[test]
    fn i17b_the_next_change_is_later_than_now_and_nothing_changes_before_it(plan in plans(Focus::All, 60)) {
        holds("I17b", &plan)?;
    }
}

/// The properties would hold in worlds where nothing happens, too.
#[test]
fn the_worlds_reach_every_row_and_look_at_every_invariant() {
    let mut runner = TestRunner::deterministic();
    let (mut rows, mut examined) = (BTreeSet::new(), BTreeMap::<&str, u64>::new());
    for focus in [Focus::All, Focus::Stored, Focus::Shared, Focus::Outage, Focus::Refused].repeat(60) {
        let tree = plans(focus, 60).new_tree(&mut runner);
        let mut plan: Plan = tree.expect("no world is ruled out").current();
        plan.events.push(Event::ShutDown(0));
        let ask = |key| Event::Ask(Who { machine: 0, key });
        plan.events.extend((0..4).map(ask));
        let world = World::after(&plan);
        rows.extend(world.rows().iter().copied());
        world.examined().iter().for_each(|(name, times)| *examined.entry(name).or_default() += times);
    }
    let all = [
        Row::SignedOut,
        Row::Unread,
        Row::Reading,
        Row::Unreadable,
        Row::ShuttingDown,
        Row::Fresh,
        Row::Unsaved,
        Row::Renewing,
        Row::StaleInFlight,
        Row::StaleClosed,
        Row::ExpiredInFlight,
        Row::Expired,
        Row::Closed,
        Row::Final,
        Row::NotRenewable,
        Row::RefusedRenewing,
        Row::RefusedClosed,
        Row::RefusedInFlight,
    ];
    let missing: Vec<_> = all.iter().filter(|row| !rows.contains(row)).collect();
    assert!(missing.is_empty(), "no world reaches {missing:?}");
    let watched = [
        "I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I14", "I15", "I17b", "I18", "I19", "I20",
        "I21", "I22", "I23", "I24", "I26", "I28", "I29", "I30", "I31", "I32", "I33", "I36",
    ];
    for invariant in watched {
        let times = examined.get(invariant).copied().unwrap_or_default();
        assert!(times >= 10, "{invariant} was looked at {times} times");
    }
}
