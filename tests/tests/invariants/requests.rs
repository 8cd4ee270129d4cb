//! What is sent, and when.

use std::time::Duration;

use http::StatusCode;
use octo_auth_core::{Retry, Scopes, Storage};
use octo_auth_testkit::world::{
    Event, FaultKind, RefreshMember, Reply, Rotation, Setup, TokenReply, Who, World,
};
use octo_auth_tests::{moment, registration, reply};
use proptest::prelude::*;

use crate::worlds::{Focus, holds, plans, setups};

proptest! {
    #[test]
    fn i18_a_key_has_one_flight_at_most(plan in plans(Focus::All, 60)) {
        holds("I18", &plan)?;
    }

    #[test]
    fn i19_a_refresh_token_is_never_used_twice_at_once_nor_again_while_there_is_something_to_lose(
        plan in prop_oneof![plans(Focus::Shared, 60), plans(Focus::Stored, 60)]
    ) {
        holds("I19", &plan)?;
    }

    #[test]
    fn i20_nothing_is_sent_before_the_moment_until_which_a_key_is_closed(plan in plans(Focus::Outage, 60)) {
        holds("I20", &plan)?;
    }

    #[test]
    fn i21_in_any_minute_no_more_is_sent_than_the_provider_allows(plan in plans(Focus::Requests, 80)) {
        holds("I21", &plan)?;
    }

    #[test]
    fn i22_any_number_of_refusals_of_one_generation_causes_one_answered_renewal_and_old_ones_none(
        plan in plans(Focus::Refused, 120)
    ) {
        holds("I22", &plan)?;
    }

    #[test]
    fn i23_the_machine_sends_no_code(plan in plans(Focus::All, 30)) {
        holds("I23", &plan)?;
    }

    #[test]
    fn i23_a_code_is_exchanged_once_and_no_outcome_asks_for_a_repetition(
        status in 100..=599_u16, body in "[ -~]{0,40}", retry_after in prop::option::of(0..100_u32)
    ) {
        let client = registration::octorate();
        let started = client.authorize("https://app.example/back", &Scopes::none(), registration::entropy());
        let (page, pending) = registration::sound(started);
        let state = page.split_once("state=").map(|(_, state)| state.to_owned()).unwrap_or_default();
        let callback = format!("https://app.example/back?code=one-time&state={state}");
        let granted = pending.receive(&callback, moment::start());
        let granted = granted.map_err(|rejected| TestCaseError::fail(rejected.to_string()))?;
        // `redeem` takes the code, so that there is nothing left to build a second exchange from.
        let exchange = registration::sound(granted.redeem(&client, moment::after(1)));
        let after = retry_after.map(|seconds| seconds.to_string());
        let header: Vec<_> = after.as_deref().map(|seconds| ("retry-after", seconds)).into_iter().collect();
        prop_assume!(StatusCode::from_u16(status).is_ok());
        let answer = reply::with(status, &header, body.as_bytes());
        if let Err(error) = exchange.finish(&answer, moment::after(1), moment::after(2)) {
            prop_assert!(matches!(error.retry(), Retry::Never | Retry::Cooldown), "{:?}", error.retry());
        }
    }

    #[test]
    fn i24_requests_go_to_the_addresses_of_the_profile_and_nowhere_else(plan in plans(Focus::All, 60)) {
        holds("I24", &plan)?;
    }

    #[test]
    fn i25_with_a_healthy_server_renewals_are_no_more_frequent_than_the_lifetime_asks_for(
        setup in setups(Focus::All), key in 0..4_u8, lifetime in 1..20_000_u64, step in 1..100_u64,
        hint in prop::option::of(0..20_000_u32),
    ) {
        let (mut world, who) = (World::new(setup), Who { machine: 0, key });
        let (told, refresh) = (Some(lifetime), RefreshMember::Given);
        let reply = Reply::Token(TokenReply { lifetime: told, hint, again: false, refresh });
        let begun = world.now().boot;
        let mut renewals = 0_u32;
        for _ in 0..50 {
            let sent = world.requests();
            world.happen(&Event::Drive(who, reply.clone(), 0));
            renewals += u32::from(world.requests() > sent);
            world.pass(Duration::from_millis(lifetime * step * 5));
        }
        let span = world.now().boot - begun;
        let most = span.as_secs_f64() / (0.4 * Duration::from_secs(lifetime).as_secs_f64()) + 1.0;
        prop_assert!(renewals >= 1);
        prop_assert!(f64::from(renewals) <= most, "{renewals} renewals in {span:?} of {lifetime} s");
    }

    #[test]
    fn i26_a_caller_past_its_deadline_is_told_at_once_and_changes_nothing(plan in plans(Focus::All, 60)) {
        holds("I26", &plan)?;
    }

    #[test]
    fn i26_callers_that_go_away_change_nothing_for_the_others(plan in plans(Focus::All, 40)) {
        let told = |with_more: bool| {
            let mut world = World::new(plan.setup);
            for event in &plan.events {
                world.happen(event);
                if let (Event::Ask(who), true) = (event, with_more) {
                    world.happen(&Event::AskAtDeadline(*who));
                }
            }
            let asked_at_deadline = |line: &&String| !line.contains(" AskAtDeadline(");
            world.trace().iter().filter(asked_at_deadline).cloned().collect::<Vec<_>>()
        };
        let (alone, crowded) = (told(false), told(true));
        prop_assert_eq!(alone.iter().zip(&crowded).find(|(alone, crowded)| alone != crowded), None);
        prop_assert_eq!(alone.len(), crowded.len());
    }

    #[test]
    fn i27_pauses_keep_to_bounds_that_double_with_each_failure_until_a_success(
        seed in any::<u64>(), key in 0..4_u8, failures in 1..12_usize, passing in any::<bool>(),
        which in any::<prop::sample::Index>(),
    ) {
        let (mut world, who) = alone(seed, key);
        let replies = if passing { passing_failures() } else { lasting_failures() };
        for failed in 0..failures {
            world.happen(&Event::Drive(who, replies[which.index(replies.len())].clone(), 0));
            let (pause, least, most) = (world.closed_for(who), least(passing, failed), most(passing, failed));
            prop_assert!(least <= pause && pause <= most, "{pause:?} after {failed} failures before");
            // Longer than any window, so that the budget closes nothing.
            world.pass(pause + Duration::from_secs(70));
        }
        world.happen(&Event::Drive(who, Reply::token(1), 0));
        world.pass(Duration::from_secs(70));
        world.happen(&Event::Drive(who, replies[which.index(replies.len())].clone(), 0));
        prop_assert_eq!(world.closed_for(who), least(passing, 0));
    }
}

#[test]
fn i27_pauses_really_grow_with_each_failure() {
    let mut longest = [Duration::ZERO; 9];
    for seed in 0..48 {
        let (mut world, who) = alone(seed, 0);
        for longest in &mut longest {
            world.happen(&Event::Drive(who, passing_failures()[0].clone(), 0));
            let pause = world.closed_for(who);
            *longest = pause.max(*longest);
            world.pass(pause + Duration::from_secs(70));
        }
    }
    for (failed, longest) in longest.into_iter().enumerate() {
        assert!(
            longest >= most(true, failed) / 2,
            "{longest:?} is the longest after {failed} failures before"
        );
    }
}

/// A registration that has nothing to do with a store, and one of its keys.
fn alone(seed: u64, key: u8) -> (World, Who) {
    let setup = Setup { storage: Storage::None, rotation: Rotation::None, seed, ..Setup::default() };
    (World::new(setup), Who { machine: 0, key })
}

/// Failures that waiting may improve, and that leave nothing in doubt.
fn passing_failures() -> Vec<Reply> {
    let (not_sent, own_error) = (FaultKind::NotSent, Some("server_error"));
    vec![Reply::Fault(not_sent, false), Reply::refusal(500, own_error), Reply::refusal(408, None)]
}

/// Failures that waiting does not improve.
fn lasting_failures() -> Vec<Reply> {
    let known =
        [(401, Some("invalid_client")), (400, Some("invalid_scope")), (404, None), (403, None), (302, None)];
    known.map(|(status, code)| Reply::refusal(status, code)).to_vec()
}

/// The shortest pause after so many failures in a row and one more.
fn least(passing: bool, failed: usize) -> Duration {
    if passing { Duration::from_secs(1) } else { most(false, failed) }
}

/// The longest pause after so many failures in a row and one more.
fn most(passing: bool, failed: usize) -> Duration {
    let (first, cap) = if passing { (1, 60) } else { (60, 900) };
    Duration::from_secs((first << failed.min(20)).min(cap))
}
