//! The decision table, state by state, in the order of a token's life.

use std::time::Duration;

use octo_auth_core::{Freshness, Imported, Job, Now, Storage};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::standard;

use crate::scene::{fresh, refuse};

/// How long a request can be in flight: its deadline, and one second for the report of its carrier.
const FLIGHT: Duration = Duration::from_secs(61);

/// Returns a machine that holds `AT1` and `RT1` of an account.
fn signed_in() -> Machine {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    world
}

#[test]
fn signed_out_sends_no_request_until_the_next_sign_in() {
    let mut world = signed_in();
    let job = world.manager.sign_out(&hotel(), world.now);
    world.carry(job);
    let requests = world.requests();
    for _ in 0..3 {
        let told = world.decide(&hotel());
        assert_eq!(told.line, "signed_out: give up, signed_out, sign in");
        assert_eq!(told.next_change, None, "time alone changes nothing");
        world.pass_seconds(86_400);
    }
    assert_eq!(world.requests(), requests);
    world.sign_in(&hotel(), "RT9");
    assert_eq!(world.decide(&hotel()).line, "expired_renewing: send");
}

#[test]
fn signed_out_holds_for_a_client_grant_too() {
    let mut world = fresh();
    let job = world.manager.sign_out(&service(), world.now);
    world.carry(job);
    assert_eq!(world.decide(&service()).line, "signed_out: give up, signed_out, sign in");
    assert_eq!(world.requests(), 1);
}

#[test]
fn unread_begins_a_load_and_other_callers_wait() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    let first = world.decide(&hotel());
    assert_eq!(first.line, "unread: load");
    assert_eq!(world.decide(&hotel()).line, "reading: wait");
    world.carry(first.job);
    assert_eq!(world.decide(&hotel()).line, "not_signed_in: give up, not_signed_in, sign in");
}

#[test]
fn unreadable_fails_for_an_account_and_the_store_is_read_again_after_1_to_30_seconds() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.store.set_down(true);
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        let told = world.decide(&hotel());
        assert_eq!(told.line, "unread: load");
        world.carry(told.job);
        let told = world.decide(&hotel());
        assert_eq!(told.line, "unreadable: give up, store_unavailable, later");
        last = told.wait();
        assert!((1..=30).contains(&last.as_secs()), "{last:?}");
        assert_eq!(told.next_change, Some(world.now.boot + last));
        world.pass(last - Duration::from_millis(1));
        assert_eq!(world.decide(&hotel()).line, "unreadable: give up, store_unavailable, later");
        world.pass(Duration::from_millis(1));
    }
    assert!(last > Duration::from_secs(1), "the pauses have grown");
    assert_eq!(world.requests(), 0);
}

#[test]
fn unreadable_does_not_stop_a_client_grant() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.store.set_down(true);
    let load = world.decide(&service());
    world.carry(load.job);
    assert_eq!(world.decide(&service()).line, "expired_renewing: send");
}

#[test]
fn shutting_down_serves_the_token_and_begins_no_renewal() {
    let mut world = fresh();
    world.manager.shut_down();
    assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    world.age(&service(), Freshness::Stale);
    assert_eq!(world.decide(&service()).line, "stale_blocked: use AT1");
    world.age(&service(), Freshness::Expired);
    assert_eq!(world.decide(&service()).line, "shutting_down: give up, shutting_down, later");
    assert_eq!(world.requests(), 1);
}

#[test]
fn shutting_down_still_saves_what_the_store_does_not_hold() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    store.refuse_writing(true);
    assert_eq!(world.got(&service()), "AT1");
    world.manager.shut_down();
    assert!(world.manager.is_busy());
    store.refuse_writing(false);
    let jobs = world.manager.save_all(world.now);
    assert!(matches!(jobs.as_slice(), [Job::Save(_)]), "{jobs:?}");
    jobs.into_iter().for_each(|job| world.carry(Some(job)));
    assert!(!world.manager.is_busy());
    assert!(world.stored(&service()).access_token().is_some());
}

#[test]
fn a_flight_past_its_deadline_ends_and_a_client_grant_is_requested_again() {
    let mut world = Machine::new(standard());
    let abandoned = world.decide(&service());
    assert_eq!(abandoned.line, "expired_renewing: send");
    world.pass(FLIGHT - Duration::from_millis(1));
    assert_eq!(world.decide(&service()).line, "expired_in_flight: wait");
    world.pass(Duration::from_millis(1));
    let told = world.decide(&service());
    assert_eq!(told.line, "expired_blocked: give up, lost, later");
    world.pass(told.wait());
    assert_eq!(world.decide(&service()).line, "expired_renewing: send");
}

#[test]
fn a_refresh_past_its_deadline_is_in_doubt_and_repeated_when_the_token_has_expired() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.decide(&hotel()).line, "stale_renewing: use AT1, send");
    world.pass(FLIGHT);
    for _ in 0..3 {
        assert_eq!(world.decide(&hotel()).line, "stale_blocked: use AT1", "the old token works on");
        world.pass_seconds(60);
    }
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "expired_renewing: send");
}

#[test]
fn fresh_serves_the_token_without_a_request() {
    let mut world = fresh();
    let told = world.decide(&service());
    assert_eq!(told.line, "fresh: use AT1");
    let soft = told.token.and_then(|token| token.validity().renewal_due_age());
    assert_eq!(told.next_change, soft.map(|soft| world.now.boot + soft), "until its renewal is due");
    assert_eq!(world.requests(), 1);
}

#[test]
fn unsaved_serves_the_token_and_saves_it_later() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &store, 1);
    store.refuse_writing(true);
    assert_eq!(world.got(&service()), "AT1");
    let told = world.decide(&service());
    assert_eq!(told.line, "fresh: use AT1", "too early to save again");
    let due = told.next_change.expect("saving is due some time");
    assert!((1..=30).contains(&(due - world.now.boot).as_secs()));
    world.pass_until(due);
    store.refuse_writing(false);
    let told = world.decide(&service());
    assert_eq!(told.line, "unsaved: use AT1, save");
    world.carry(told.job);
    assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    assert!(world.stored(&service()).access_token().is_some());
    assert_eq!(world.requests(), 1);
}

#[test]
fn stale_serves_the_token_while_one_renewal_is_in_flight() {
    let mut world = fresh();
    world.age(&service(), Freshness::Stale);
    let told = world.decide(&service());
    assert_eq!(told.line, "stale_renewing: use AT1, send");
    for _ in 0..50 {
        assert_eq!(world.decide(&service()).line, "stale_in_flight: use AT1");
    }
    world.carry(told.job);
    assert_eq!(world.decide(&service()).line, "fresh: use AT2");
    assert_eq!(world.requests(), 2);
}

#[test]
fn stale_blocked_serves_the_token_after_a_failed_renewal() {
    let mut world = fresh();
    world.endpoint.always(|_| ServerReply::error(500, "server_error"));
    world.age(&service(), Freshness::Stale);
    assert_eq!(world.got(&service()), "AT1");
    let told = world.decide(&service());
    assert_eq!(told.line, "stale_blocked: use AT1");
    world.pass_until(told.next_change.expect("the gate opens"));
    assert_eq!(world.decide(&service()).line, "stale_renewing: use AT1, send", "and then it is tried again");
}

#[test]
fn stale_blocked_serves_a_token_without_refresh_token_until_it_expires() {
    let mut world = Machine::new(standard());
    let tokens = Machine::new(standard()).get(&service()).expect("a token").tokens().clone();
    let job = world.manager.import(&hotel(), Imported::Tokens(tokens), world.now).expect("imported");
    world.carry(job);
    assert_eq!(world.decide(&hotel()).line, "fresh: use AT1");
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.decide(&hotel()).line, "stale_blocked: use AT1");
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "not_signed_in: give up, not_signed_in, sign in");
}

#[test]
fn expired_in_flight_waits_and_fails_at_the_deadline_of_the_caller() {
    let mut world = Machine::new(standard());
    let first = world.decide(&service());
    assert_eq!(first.line, "expired_renewing: send");
    let waiting = world.decide(&service());
    assert_eq!(waiting.line, "expired_in_flight: wait");
    assert_eq!(waiting.next_change, Some(world.now.boot + FLIGHT));
    world.pass_seconds(30);
    assert_eq!(world.decide_at_deadline(&service()).line, "expired_in_flight: give up, still_waiting, later");
    world.carry(first.job);
    assert_eq!(world.decide(&service()).line, "fresh: use AT1", "the flight went on");
    assert_eq!(world.requests(), 1);
}

#[test]
fn expired_begins_a_renewal() {
    let mut world = fresh();
    world.age(&service(), Freshness::Expired);
    assert_eq!(world.decide(&service()).line, "expired_renewing: send");
}

#[test]
fn expired_blocked_fails_immediately_and_says_when_a_renewal_is_possible() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::unavailable_for(120));
    assert_eq!(world.got(&service()), "http:503");
    for _ in 0..119 {
        let told = world.decide(&service());
        assert_eq!(told.line, "expired_blocked: give up, http:503, later");
        assert_eq!(told.next_change, Some(world.now.boot + told.wait()), "strictly later");
        world.pass_seconds(1);
    }
    assert_eq!(world.requests(), 1);
    world.pass_seconds(1);
    assert_eq!(world.decide(&service()).line, "expired_renewing: send");
}

#[test]
fn a_dead_refresh_token_is_never_sent_again() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    for _ in 0..3 {
        let told = world.decide(&hotel());
        assert_eq!(told.line, "refresh_token_dead: give up, refresh_token_rejected, sign in");
        assert_eq!(told.next_change, None);
        world.pass_seconds(86_400);
    }
    assert_eq!(world.requests(), 1);
    world.sign_in(&hotel(), "RT9");
    assert_eq!(world.decide(&hotel()).line, "expired_renewing: send");
}

#[test]
fn not_signed_in_sends_no_request() {
    let mut world = Machine::new(standard());
    assert_eq!(world.decide(&hotel()).line, "not_signed_in: give up, not_signed_in, sign in");
    assert_eq!(world.requests(), 0);
}

#[test]
fn a_refused_token_is_renewed_before_its_renewal_is_due() {
    let mut world = fresh();
    refuse(&mut world);
    assert_eq!(world.decide(&service()).line, "refused_renewing: send");
}

#[test]
fn refused_blocked_serves_the_token_flagged_as_suspect() {
    let mut world = fresh();
    refuse(&mut world);
    world.endpoint.then(ServerReply::error(500, "server_error"));
    assert_eq!(world.got(&service()), "AT1 (suspect)");
    let told = world.decide(&service());
    assert_eq!(told.line, "refused_blocked: use AT1 (suspect)");
    world.pass_until(told.next_change.expect("the gate opens"));
    assert_eq!(world.got(&service()), "AT3", "a passing failure does not pin a revoked token");
}

#[test]
fn a_refused_token_whose_refresh_token_is_dead_ends_in_a_sign_in() {
    let mut world = signed_in();
    let token = world.get(&hotel()).expect("a token");
    world.manager.refused(&hotel(), token.generation(), world.now);
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    assert_eq!(world.decide(&hotel()).line, "refresh_token_dead: give up, refresh_token_rejected, sign in");
}

#[test]
fn refused_in_flight_waits_and_serves_the_token_as_suspect_at_the_deadline() {
    let mut world = fresh();
    refuse(&mut world);
    let first = world.decide(&service());
    assert_eq!(first.line, "refused_renewing: send");
    assert_eq!(world.decide(&service()).line, "refused_in_flight: wait");
    world.pass_seconds(30);
    assert_eq!(
        world.decide_at_deadline(&service()).line,
        "refused_in_flight: use AT1 (suspect)",
        "never an error"
    );
    world.carry(first.job);
    assert_eq!(world.decide(&service()).line, "fresh: use AT2");
}

#[test]
fn a_refused_token_that_cannot_be_renewed_ends_in_a_sign_in() {
    let mut world = Machine::new(standard());
    let tokens = Machine::new(standard()).get(&service()).expect("a token").tokens().clone();
    let job = world.manager.import(&hotel(), Imported::Tokens(tokens), world.now).expect("a token");
    world.carry(job);
    let token = world.get(&hotel()).expect("a token");
    world.manager.refused(&hotel(), token.generation(), world.now);
    for _ in 0..3 {
        assert_eq!(world.decide(&hotel()).line, "not_signed_in: give up, not_signed_in, sign in");
        world.pass_seconds(60);
    }
    assert_eq!(world.requests(), 0);
}

#[test]
fn signed_out_is_read_by_one_caller_while_the_others_wait() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.sign_out(&hotel());
    world.pass_seconds(1);
    let first = world.decide(&hotel());
    assert_eq!(first.line, "unread: load");
    assert_eq!(world.decide(&hotel()).line, "reading: wait");
    world.carry(first.job);
    assert_eq!(world.decide(&hotel()).line, "signed_out: give up, signed_out, sign in");
}

#[test]
fn a_refused_token_that_is_not_saved_yet_is_saved_while_its_renewal_is_blocked() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    assert_eq!(world.got(&service()), "AT1");
    refuse(&mut world);
    world.store.refuse_writing(true);
    assert_eq!(world.got(&service()), "AT2");
    refuse(&mut world);
    world.store.refuse_writing(false);
    world.pass_seconds(30);
    assert_eq!(world.decide(&service()).line, "unsaved: save");
}

#[test]
fn a_client_grant_whose_record_could_not_be_read_is_served_while_it_is_saved() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.store.set_down(true);
    assert_eq!(world.got(&service()), "AT1");
    world.store.set_down(false);
    world.pass_seconds(30);
    let saving = world.decide(&service());
    assert_eq!(saving.line, "unsaved: use AT1, save");
    assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    world.carry(saving.job);
    assert_eq!(world.stored(&service()).access_token(), Some("AT1"));
}

#[test]
fn a_refused_refresh_token_at_the_end_of_the_boot_clock_does_not_panic() {
    let (mut one, _, _) = Machine::two_processes(standard);
    one.endpoint.always(|_| ServerReply::error(400, "invalid_grant"));
    one.age(&hotel(), Freshness::Expired);
    let send = one.up_to_sending(&hotel());
    let report = one.send(send);
    one.now = Now { boot: Duration::MAX, ..one.now };
    assert!(one.report(report).is_some(), "the verdict is written to the store");
    assert!(one.decide(&hotel()).token.is_none(), "it has expired");
}
