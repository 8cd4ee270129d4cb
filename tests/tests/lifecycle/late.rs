//! What comes too late: a step that took so long that the claim may be over, and what arrives after its flight.

use std::time::Duration;

use octo_auth_core::{Claimed, Fault, Freshness, Job, Saved, Storage, Version};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::registration::standard;

/// The time a step with the store may take.
const SAVING: Duration = Duration::from_secs(5);

/// A process on a store that others share, with an account that was signed in to.
fn shared() -> Machine {
    let mut world = Machine::with_store(standard(), Storage::Shared, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world
}

fn begins_nothing(world: &mut Machine, rest: Option<Job>) {
    assert!(!matches!(rest, Some(Job::Send(_))), "{rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
}

#[test]
fn a_refresh_token_that_was_written_down_late_is_not_sent() {
    let mut world = shared();
    let mark = world.up_to(&hotel(), |job| matches!(job, Job::Save(_)));
    world.pass(SAVING);
    let rest = world.step(mark);
    begins_nothing(&mut world, rest);
    assert!(world.stored(&hotel()).pending.is_none(), "and nothing is in doubt");
    world.pass_seconds(31);
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn what_was_read_late_under_a_claim_is_known_and_nothing_is_begun() {
    let mut world = shared();
    let read = world.up_to(&hotel(), |job| matches!(job, Job::Load(_)));
    world.pass(SAVING);
    let rest = world.step(read);
    assert!(!matches!(rest, Some(Job::Save(_))), "{rest:?}");
    begins_nothing(&mut world, rest);
}

#[test]
fn a_claim_that_is_granted_after_its_flight_is_given_back() {
    let mut world = shared();
    let Job::Claim(claim) = world.up_to(&hotel(), |job| matches!(job, Job::Claim(_))) else { unreachable!() };
    world.pass(SAVING + SAVING);
    assert!(world.decide(&hotel()).failure.is_some(), "the flight is over");
    let rest = world.report(claim.claimed(Ok(Claimed::Granted)));
    assert!(matches!(rest, Some(Job::Release(_))), "{rest:?}");
}

#[test]
fn a_claim_that_is_granted_late_is_given_back_by_the_flight_itself() {
    let mut world = shared();
    let Job::Claim(claim) = world.up_to(&hotel(), |job| matches!(job, Job::Claim(_))) else { unreachable!() };
    world.pass(SAVING);
    let rest = world.report(claim.claimed(Ok(Claimed::Granted)));
    assert!(matches!(rest, Some(Job::Release(_))), "{rest:?}");
    begins_nothing(&mut world, rest);
}

#[test]
fn the_late_answer_of_a_client_grant_takes_no_place_that_is_taken() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(first)) = world.decide(&service()).job else { panic!("no request") };
    world.pass_seconds(62);
    world.got(&service());
    world.pass_seconds(5);
    world.endpoint.then(Said::token("AT9", 3600));
    let held = world.get(&service()).expect("a token");
    let answer = octo_auth_tests::reply::json(
        200,
        r#"{"access_token":"OLD","token_type":"Bearer","expires_in":3600}"#,
    );
    let rest = world.report(first.answered(&answer, world.now, world.now));
    world.carry(rest);
    let served = world.get(&service()).expect("a token");
    assert_eq!(served.access_token().expose(), held.access_token().expose());
}

#[test]
fn the_late_answer_of_a_client_grant_is_taken_where_there_is_nothing() {
    let mut world = Machine::new(standard());
    let Some(Job::Send(first)) = world.decide(&service()).job else { panic!("no request") };
    world.pass_seconds(62);
    world.endpoint.then(Said::error(503, ""));
    world.got(&service());
    let answer = octo_auth_tests::reply::json(
        200,
        r#"{"access_token":"OLD","token_type":"Bearer","expires_in":3600}"#,
    );
    let rest = world.report(first.answered(&answer, world.now, world.now));
    world.carry(rest);
    assert_eq!(world.got(&service()), "OLD");
}

#[test]
fn what_the_store_says_of_a_flight_that_is_over_changes_nothing() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    world.age(&hotel(), Freshness::Expired);
    let Job::Save(mark) = world.up_to(&hotel(), |job| matches!(job, Job::Save(_))) else { unreachable!() };
    world.pass_seconds(60);
    let told = world.decide(&hotel());
    assert!(told.token.is_none(), "{}", told.line);
    world.carry(told.job);
    let rest = world.report(mark.saved(Ok(Saved::Done(Version(99)))));
    assert!(rest.is_none(), "{rest:?}");
    world.pass_seconds(31);
    assert_eq!(world.got(&hotel()), "AT2");
}

#[test]
fn a_carrier_that_is_lost_after_its_report_takes_nothing_back() {
    let mut world = shared();
    let claim = world.up_to(&hotel(), |job| matches!(job, Job::Claim(_)));
    let ticket = claim.ticket().clone();
    let read = world.step(claim);
    let rest = world.report(ticket.lost());
    assert!(rest.is_none());
    assert!(world.accounts.status(&hotel(), world.now).expect("known").in_flight, "the flight goes on");
    world.carry(read);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_late_failure_is_no_failure_of_the_key() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let Some(Job::Send(first)) = world.decide(&hotel()).job else { panic!("no request") };
    world.pass_seconds(62);
    world.got(&hotel());
    world.pass_seconds(5);
    assert_eq!(world.got(&hotel()), "AT1", "the second use brought a token");
    let before = world.accounts.status(&hotel(), world.now).expect("known");
    let rest = world.report(first.failed(Fault::unknown("reset"), world.now));
    assert!(rest.is_none());
    let after = world.accounts.status(&hotel(), world.now).expect("known");
    assert!(after.setback.is_none() && after.events_since(&before).is_empty(), "{after:?}");
}

#[test]
fn a_siblings_marker_that_is_read_late_under_a_claim_may_be_ended_by_the_sibling_at_any_moment() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    one.age(&hotel(), Freshness::Expired);
    let load = one.up_to(&hotel(), |job| matches!(job, Job::Load(_)));
    // It stands still for so long that a sibling has the claim.
    one.pass_seconds(100);
    two.now = one.now;
    let _under_way = two.up_to_sending(&hotel());
    let rest = one.step(load);
    one.carry(rest);
    one.pass_seconds(2);
    assert_eq!(one.decide(&hotel()).line, "7: claim", "which waits for the sibling");
}

#[test]
fn the_late_answer_of_an_earlier_request_does_not_take_the_place_of_a_newer_token() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let first = world.up_to_sending(&hotel());
    let asked = world.now;
    world.pass_seconds(62);
    assert_eq!(world.got(&hotel()), "lost");
    world.pass_seconds(5);
    world.endpoint.then(Said::token("AT-new", 90));
    assert_eq!(world.got(&hotel()), "AT-new");
    let now = std::mem::replace(&mut world.now, asked);
    world.endpoint.then(Said::token("AT-old", 90));
    let report = world.send(first);
    world.now = now;
    let rest = world.report(report);
    world.carry(rest);
    assert_eq!(world.got(&hotel()), "AT-new");
}
