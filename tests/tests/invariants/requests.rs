//! The requests, and their times.

use std::time::Duration;

use http::StatusCode;
use octo_auth_core::{Retry, Scopes, Storage};
use octo_auth_testkit::invariants;
use octo_auth_testkit::world::{FaultKind, PlanEvent, Reply, Rotation, Setup, Who, World};
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
        let started = client.authorize("https://app.example/back", &Scopes::none(), registration::entropy(), moment::start());
        let (page, pending) = registration::sound(started);
        let state = page.split_once("state=").map(|(_, state)| state.to_owned()).unwrap_or_default();
        let callback = format!("https://app.example/back?code=one-time&state={state}");
        let granted = pending.receive(&callback, moment::start());
        let granted = granted.map_err(|rejected| TestCaseError::fail(rejected.to_string()))?;
        // `redeem` consumes the code, so a second exchange cannot be built.
        let exchange = registration::sound(granted.exchange(&client, moment::after(1)));
        let after = retry_after.map(|seconds| seconds.to_string());
        let header: Vec<_> = after.as_deref().map(|seconds| ("retry-after", seconds)).into_iter().collect();
        prop_assume!(StatusCode::from_u16(status).is_ok());
        let answer = reply::with(status, &header, body.as_bytes());
        if let Err(error) = exchange.read(&answer, moment::after(1), moment::after(2)) {
            prop_assert!(matches!(error.retry(), Retry::Never | Retry::Cooldown), "{:?}", error.retry());
        }
    }

    #[test]
    fn i24_requests_go_to_the_addresses_of_the_profile_and_nowhere_else(plan in plans(Focus::All, 60)) {
        holds("I24", &plan)?;
    }

    #[test]
    fn i25_with_a_healthy_server_renewals_are_no_more_frequent_than_the_lifetime_asks_for(
        setup in setups(Focus::All), key in 0..4_u8, lifetime in 1..20_000_u32, step in 1..100_u32,
        hint in prop::option::of(0..20_000_u32),
    ) {
        prop_assert_eq!(invariants::renewals_are_rare(setup, key, lifetime, hint, step), Ok(()));
    }

    #[test]
    fn i26_a_caller_past_its_deadline_is_told_at_once_and_changes_nothing(plan in plans(Focus::All, 60)) {
        holds("I26", &plan)?;
    }

    #[test]
    fn i26_callers_that_go_away_change_nothing_for_the_others(plan in plans(Focus::All, 40)) {
        prop_assert_eq!(invariants::leaving_callers_change_nothing(&plan), Ok(()));
    }

    #[test]
    fn i27_pauses_keep_to_bounds_that_double_with_each_failure_until_a_success(
        seed in any::<u64>(), key in 0..4_u8, failures in 1..12_usize, passing in any::<bool>(),
    ) {
        prop_assert_eq!(invariants::pauses_keep_their_bounds(alone(seed), key, failures, passing), Ok(()));
    }
}

#[test]
fn i27_pauses_really_grow_with_each_failure() {
    let mut longest = [Duration::ZERO; 9];
    for seed in 0..48 {
        let (mut world, who) = (World::new(alone(seed)), Who { machine: 0, key: 0 });
        for longest in &mut longest {
            world.happen(&PlanEvent::Drive(who, Reply::Fault(FaultKind::NotSent, false), 0));
            let pause = world.closed_for(who);
            *longest = pause.max(*longest);
            world.pass(pause + Duration::from_secs(70));
        }
    }
    for (failed, longest) in longest.into_iter().enumerate() {
        let most = Duration::from_secs((1 << failed).min(60));
        assert!(longest >= most / 2, "{longest:?} is the longest after {failed} failures before");
    }
}

/// Returns a setup without a store.
fn alone(seed: u64) -> Setup {
    Setup { storage: Storage::None, rotation: Rotation::None, seed, ..Setup::default() }
}
