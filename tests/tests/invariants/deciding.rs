//! Decisions are a total, pure function of state and clocks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use octo_auth_core::{Now, Policy, Validity, ValidityTerms};
use octo_auth_testkit::invariants::{self, WATCHED};
use octo_auth_testkit::strategies::{cases, lives, moments, spans, terms};
use octo_auth_testkit::world::{Plan, PlanEvent, Who, World};
use octo_auth_tests::moment;
use octo_auth_tests::states::STATES;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::worlds::{Focus, holds, plans, replies, setups};

/// Returns the time after these durations by the wall clock and by the boot clock.
fn later(wall: Duration, boot: Duration) -> Now {
    let start = moment::start();
    Now { wall: start.wall.saturating_add(wall), boot: start.boot.saturating_add(boot) }
}

fn validity(terms: &ValidityTerms) -> Validity {
    Validity::new(moment::start(), terms)
}

/// Arithmetic is cheap, so it is tested with more cases than worlds.
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
        let earlier = later(first.0, first.1);
        let later = later(first.0.saturating_add(more.0), first.1.saturating_add(more.1));
        prop_assert_eq!(invariants::urgency_never_falls(&validity(&terms), earlier, later), Ok(()));
    }

    #[test]
    fn i10_a_token_that_ends_later_is_never_more_urgent(
        terms in terms(), life in lives(), more in 0..3000_u32, age in (0..1200_u32, 0..1200_u32)
    ) {
        let terms = ValidityTerms { lifetime: Some(life), ..terms };
        // Ages from new to long expired, relative to the shorter lifetime.
        let thousandths = |number: u32| (life / 1000).saturating_mul(number);
        let now = later(thousandths(age.0), thousandths(age.1));
        let more = thousandths(more);
        let held = invariants::longer_life_is_no_more_urgent(moment::start(), &terms, more, now);
        prop_assert_eq!(held, Ok(()));
    }

    #[test]
    fn i11_a_renewal_is_due_between_two_fifths_of_the_lifetime_and_the_guard(terms in terms()) {
        prop_assert_eq!(invariants::renewal_is_due_in_time(&validity(&terms)), Ok(()));
    }

    #[test]
    fn i12_more_jitter_never_renews_later(terms in terms(), other in any::<u32>()) {
        prop_assert_eq!(invariants::jitter_never_delays(moment::start(), &terms, other), Ok(()));
    }

    #[test]
    fn i13_a_hint_never_delays_a_renewal(terms in terms(), hint in spans()) {
        prop_assert_eq!(invariants::hint_never_delays(moment::start(), &terms, hint), Ok(()));
    }

    #[test]
    fn the_rule_of_the_library_owes_nothing_in_any_case(case in cases()) {
        prop_assert_eq!(invariants::renewal_rule(invariants::by_validity, &case), Ok(()));
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
        prop_assert_eq!(invariants::same_events_same_answers(&plan), Ok(()));
        holds("I15", &plan)?;
    }

    #[test]
    fn i16_no_moment_makes_the_machine_fail(
        setup in setups(Focus::All), start in moments(), replies in prop::collection::vec(replies(Focus::All), 12)
    ) {
        let mut world = World::at(setup, start);
        for (reply, key) in replies.into_iter().zip(0..) {
            let who = Who { machine: key, key };
            world.happen(&PlanEvent::Drive(who, reply, 700));
            world.happen(&PlanEvent::AskAtDeadline(who));
            world.happen(&PlanEvent::Ask(who));
            world.happen(&PlanEvent::Glance(who));
            world.happen(&PlanEvent::Tend(key));
            world.happen(&PlanEvent::Pass(u32::MAX));
        }
    }

    #[test]
    fn i17_from_whatever_has_happened_a_token_is_reached(plan in plans(Focus::All, 60), key in 0..4_u8) {
        prop_assert_eq!(invariants::a_token_is_reached(&plan, 0, key), Ok(()));
    }

    #[test]
    fn i17b_the_next_change_is_later_than_now_and_nothing_changes_before_it(plan in plans(Focus::All, 60)) {
        holds("I17b", &plan)?;
    }
}

/// Otherwise the properties would also hold in worlds without events.
#[test]
fn the_worlds_reach_every_row_and_look_at_every_invariant() {
    let mut runner = TestRunner::deterministic();
    let (mut rows, mut examined) = (BTreeSet::new(), BTreeMap::<&str, u64>::new());
    for focus in [Focus::All, Focus::Stored, Focus::Shared, Focus::Outage, Focus::Refused].repeat(60) {
        let tree = plans(focus, 60).new_tree(&mut runner);
        let mut plan: Plan = tree.expect("no world is ruled out").current();
        plan.events.push(PlanEvent::ShutDown(0));
        let ask = |key| PlanEvent::Ask(Who { machine: 0, key });
        plan.events.extend((0..4).map(ask));
        let world = World::after(&plan);
        rows.extend(world.rows().iter().copied());
        world.examined().iter().for_each(|(name, times)| *examined.entry(name).or_default() += times);
    }
    let missing: Vec<_> = STATES.iter().filter(|row| !rows.contains(row)).collect();
    assert!(missing.is_empty(), "no world reaches {missing:?}");
    for invariant in WATCHED.iter().map(|invariant| invariant.number) {
        let times = examined.get(invariant).copied().unwrap_or_default();
        assert!(times >= 10, "{invariant} was looked at {times} times");
    }
}

#[test]
fn what_a_world_watches_bears_the_numbers_and_the_words_of_the_list() {
    let list = include_str!("../../../xtask/src/invariants/list.rs");
    for invariant in WATCHED {
        let number = list.split_once(&format!("\"{}\"", invariant.number));
        let (_, rest) = number.unwrap_or_else(|| panic!("{} is not in the list", invariant.number));
        let sentence = rest.split_once('"').map(|(_, rest)| rest);
        assert!(sentence.is_some_and(|rest| rest.starts_with(invariant.sentence)), "{}", invariant.number);
    }
}
