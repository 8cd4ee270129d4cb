//! The effects of a step outside of the machine: snapshots, events, and wake-ups.

use octo_auth_core::{Effects, Event, Job, Purpose, TokenSpec};
use octo_auth_testkit::machine::{Machine, hotel, service};
use octo_auth_testkit::registration::standard;

/// Returns the effects of all calls since the last look.
fn effects(world: &mut Machine) -> Effects {
    world.manager.step(world.now, |_| ()).1
}

/// Returns whether the callers of a spec must ask again.
fn wakes(effects: &Effects, key: &TokenSpec) -> bool {
    effects.specs.iter().any(|own| *own.spec == *key && own.wakes_callers)
}

#[test]
fn a_step_that_changes_nothing_has_no_effects() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    drop(effects(&mut world));
    world.got(&service());
    let effects = effects(&mut world);
    assert!(!effects.wakes_watchers && !effects.concerns_all && !wakes(&effects, &service()), "{effects:?}");
}

#[test]
fn callers_wait_through_every_job_of_a_flight_and_are_woken_by_its_end() {
    let mut world = Machine::new(standard());
    let request = world.up_to_sending(&service());
    assert!(wakes(&effects(&mut world), &service()), "the flight has begun");
    world.decide_at_deadline(&service());
    assert!(!wakes(&effects(&mut world), &service()), "a caller that gives up wakes no other");
    world.carry(Some(Job::Send(request)));
    let effects = effects(&mut world);
    assert!(wakes(&effects, &service()) && effects.wakes_watchers);
}

#[test]
fn each_event_is_an_effect_once_whatever_its_step() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    drop(effects(&mut world));
    world.get(&hotel()).expect("a token");
    let events: Vec<Event> = effects(&mut world).specs.into_iter().flat_map(|own| own.events).collect();
    assert!(matches!(events.as_slice(), [Event::Renewed(_)]), "{events:?}");
    assert!(effects(&mut world).specs.is_empty(), "told once");
}

#[test]
fn only_keys_with_a_handle_are_published() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    assert!(effects(&mut world).specs.iter().all(|own| own.published.is_none()));
    world.manager.acquire(&service(), world.now).expect("room for a key");
    world.got(&service());
    assert!(effects(&mut world).specs.iter().any(|own| own.published.is_some()));
}

#[test]
fn a_shutdown_and_a_replaced_client_concern_all_specs() {
    let mut world = Machine::new(standard());
    let (replaced, effects) = world.manager.step(world.now, |manager| manager.replace_client(standard()));
    assert!(replaced.is_ok() && effects.concerns_all && effects.wakes_watchers);
    let ((), effects) = world.manager.step(world.now, octo_auth_core::TokenManager::shut_down);
    assert!(effects.concerns_all && effects.wakes_watchers);
    let (_, effects) = world.manager.step(world.now, |manager| manager.admit(Purpose::ApiCall, world.now));
    assert!(!effects.concerns_all);
}
