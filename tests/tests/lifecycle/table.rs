//! What a caller is told: the decision table, row by row, in the order of a token's life.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use octo_auth_core::{Adopted, Freshness, Job, Secret, Storage, Warm};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::registration::standard;

/// How long a request may be under way: its deadline, and a second for its carrier to tell of it.
const FLIGHT: Duration = Duration::from_secs(61);

/// A machine that holds `AT1` of the client itself, for an hour from now.
fn fresh() -> Machine {
    let mut world = Machine::new(standard());
    assert_eq!(world.got(&service()), "AT1");
    world
}

/// A machine that holds `AT1` and `RT1` of an account.
fn signed_in() -> Machine {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    world
}

/// The generation in force is refused by a resource server.
fn refuse(world: &mut Machine) {
    let token = world.get(&service()).expect("a token");
    world.accounts.refused(&service(), token.generation(), world.now);
}

#[test]
fn row_0a_a_key_that_was_signed_out_asks_for_nothing_until_a_new_sign_in() {
    let mut world = signed_in();
    let job = world.accounts.sign_out(&hotel(), world.now);
    world.carry(job);
    let requests = world.requests();
    for _ in 0..3 {
        let told = world.decide(&hotel());
        assert_eq!(told.line, "0a: give up, signed_out, sign in");
        assert_eq!(told.next_change, None, "time alone changes nothing");
        world.pass_seconds(86_400);
    }
    assert_eq!(world.requests(), requests);
    world.sign_in(&hotel(), "RT9");
    assert_eq!(world.decide(&hotel()).line, "7: send");
}

#[test]
fn row_0a_holds_for_the_client_itself_too() {
    let mut world = fresh();
    let job = world.accounts.sign_out(&service(), world.now);
    world.carry(job);
    assert_eq!(world.decide(&service()).line, "0a: give up, signed_out, sign in");
    assert_eq!(world.requests(), 1);
}

#[test]
fn row_0b_a_record_that_was_not_read_is_read_first_and_others_wait() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    let first = world.decide(&hotel());
    assert_eq!(first.line, "0b: load");
    assert_eq!(world.decide(&hotel()).line, "0b: wait");
    world.carry(first.job);
    assert_eq!(world.decide(&hotel()).line, "10: give up, not_signed_in, sign in");
}

#[test]
fn row_0b_an_unreadable_store_holds_up_an_account_and_is_asked_again_after_1_to_30_seconds() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.shelf.set_down(true);
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        let told = world.decide(&hotel());
        assert_eq!(told.line, "0b: load");
        world.carry(told.job);
        let told = world.decide(&hotel());
        assert_eq!(told.line, "0b: give up, store_unavailable, later");
        last = told.wait();
        assert!((1..=30).contains(&last.as_secs()), "{last:?}");
        assert_eq!(told.next_change, Some(world.now.boot + last));
        world.pass(last - Duration::from_millis(1));
        assert_eq!(world.decide(&hotel()).line, "0b: give up, store_unavailable, later");
        world.pass(Duration::from_millis(1));
    }
    assert!(last > Duration::from_secs(1), "the pauses have grown");
    assert_eq!(world.requests(), 0);
}

#[test]
fn row_0b_an_unreadable_store_holds_up_no_client_grant() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.shelf.set_down(true);
    let load = world.decide(&service());
    world.carry(load.job);
    assert_eq!(world.decide(&service()).line, "7: send");
}

#[test]
fn row_0c_a_machine_that_shuts_down_serves_what_it_has_and_renews_nothing() {
    let mut world = fresh();
    world.accounts.shut_down();
    assert_eq!(world.decide(&service()).line, "1: use AT1");
    world.age(&service(), Freshness::Stale);
    assert_eq!(world.decide(&service()).line, "4: use AT1");
    world.age(&service(), Freshness::Expired);
    assert_eq!(world.decide(&service()).line, "0c: give up, shutting_down, later");
    assert_eq!(world.requests(), 1);
}

#[test]
fn row_0c_a_machine_that_shuts_down_hands_out_save_jobs_alone() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::Private, &shelf, 1);
    shelf.refuse_writing(true);
    assert_eq!(world.got(&service()), "AT1");
    world.accounts.shut_down();
    assert!(world.accounts.is_busy());
    shelf.refuse_writing(false);
    let jobs = world.accounts.save_all(world.now);
    assert!(matches!(jobs.as_slice(), [Job::Save(_)]), "{jobs:?}");
    jobs.into_iter().for_each(|job| world.carry(Some(job)));
    assert!(!world.accounts.is_busy());
    assert!(world.stored(&service()).token.is_some());
}

#[test]
fn row_0d_a_flight_past_its_deadline_ends_and_a_client_grant_is_asked_for_again() {
    let mut world = Machine::new(standard());
    let abandoned = world.decide(&service());
    assert_eq!(abandoned.line, "7: send");
    world.pass(FLIGHT - Duration::from_millis(1));
    assert_eq!(world.decide(&service()).line, "6: wait");
    world.pass(Duration::from_millis(1));
    let told = world.decide(&service());
    assert_eq!(told.line, "8: give up, lost, later");
    world.pass(told.wait());
    assert_eq!(world.decide(&service()).line, "7: send");
}

#[test]
fn row_0d_a_refresh_past_its_deadline_is_in_doubt_and_repeated_when_nothing_is_left_to_lose() {
    let mut world = signed_in();
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.decide(&hotel()).line, "2: use AT1, send");
    world.pass(FLIGHT);
    for _ in 0..3 {
        assert_eq!(world.decide(&hotel()).line, "4: use AT1", "the old token works on");
        world.pass_seconds(60);
    }
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "7: send");
}

#[test]
fn row_1_a_fresh_token_is_served_without_asking_anybody() {
    let mut world = fresh();
    let told = world.decide(&service());
    assert_eq!(told.line, "1: use AT1");
    let soft = told.token.and_then(|token| token.validity().renewal_due_age());
    assert_eq!(told.next_change, soft.map(|soft| world.now.boot + soft), "until its renewal is due");
    assert_eq!(world.requests(), 1);
}

#[test]
fn row_1s_a_token_that_the_store_did_not_take_is_served_and_saved_later() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(standard(), Storage::Private, &shelf, 1);
    shelf.refuse_writing(true);
    assert_eq!(world.got(&service()), "AT1");
    let told = world.decide(&service());
    assert_eq!(told.line, "1: use AT1", "too early to save again");
    let due = told.next_change.expect("saving is due some time");
    assert!((1..=30).contains(&(due - world.now.boot).as_secs()));
    world.pass_until(due);
    shelf.refuse_writing(false);
    let told = world.decide(&service());
    assert_eq!(told.line, "1s: use AT1, save");
    world.carry(told.job);
    assert_eq!(world.decide(&service()).line, "1: use AT1");
    assert!(world.stored(&service()).token.is_some());
    assert_eq!(world.requests(), 1);
}

#[test]
fn rows_2_and_3_a_stale_token_is_served_while_one_renewal_runs_beside_it() {
    let mut world = fresh();
    world.age(&service(), Freshness::Stale);
    let told = world.decide(&service());
    assert_eq!(told.line, "2: use AT1, send");
    for _ in 0..50 {
        assert_eq!(world.decide(&service()).line, "3: use AT1");
    }
    world.carry(told.job);
    assert_eq!(world.decide(&service()).line, "1: use AT2");
    assert_eq!(world.requests(), 2);
}

#[test]
fn row_4_a_failed_renewal_never_costs_a_token_that_still_works() {
    let mut world = fresh();
    world.endpoint.always(|_| Said::error(500, "server_error"));
    world.age(&service(), Freshness::Stale);
    assert_eq!(world.got(&service()), "AT1");
    let told = world.decide(&service());
    assert_eq!(told.line, "4: use AT1");
    world.pass_until(told.next_change.expect("the gate opens"));
    assert_eq!(world.decide(&service()).line, "2: use AT1, send", "and then it is tried again");
}

#[test]
fn row_4_a_stale_token_that_nothing_can_renew_is_served_to_its_end() {
    let mut world = Machine::new(standard());
    let tokens = Machine::new(standard()).get(&service()).expect("a token").tokens().clone();
    let job = world.accounts.adopt(&hotel(), Adopted::Tokens(tokens), world.now).expect("adopted");
    world.carry(job);
    assert_eq!(world.decide(&hotel()).line, "1: use AT1");
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.decide(&hotel()).line, "4: use AT1");
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "10: give up, not_signed_in, sign in");
}

#[test]
fn row_6_callers_without_a_token_wait_for_the_flight_and_give_up_at_their_own_deadline() {
    let mut world = Machine::new(standard());
    let first = world.decide(&service());
    assert_eq!(first.line, "7: send");
    let waiting = world.decide(&service());
    assert_eq!(waiting.line, "6: wait");
    assert_eq!(waiting.next_change, Some(world.now.boot + FLIGHT));
    world.pass_seconds(30);
    assert_eq!(world.decide_at_deadline(&service()).line, "6: give up, still_waiting, later");
    world.carry(first.job);
    assert_eq!(world.decide(&service()).line, "1: use AT1", "the flight went on");
    assert_eq!(world.requests(), 1);
}

#[test]
fn row_7_nothing_to_serve_begins_a_renewal() {
    let mut world = fresh();
    world.age(&service(), Freshness::Expired);
    assert_eq!(world.decide(&service()).line, "7: send");
}

#[test]
fn row_8_too_early_for_the_next_attempt_is_said_at_once_with_the_time_it_opens() {
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::unavailable_for(120));
    assert_eq!(world.got(&service()), "http:503");
    for _ in 0..119 {
        let told = world.decide(&service());
        assert_eq!(told.line, "8: give up, http:503, later");
        assert_eq!(told.next_change, Some(world.now.boot + told.wait()), "strictly later");
        world.pass_seconds(1);
    }
    assert_eq!(world.requests(), 1);
    world.pass_seconds(1);
    assert_eq!(world.decide(&service()).line, "7: send");
}

#[test]
fn row_9_a_dead_refresh_token_is_never_sent_again() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(Said::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "consent_lost");
    for _ in 0..3 {
        let told = world.decide(&hotel());
        assert_eq!(told.line, "9: give up, consent_lost, sign in");
        assert_eq!(told.next_change, None);
        world.pass_seconds(86_400);
    }
    assert_eq!(world.requests(), 1);
    world.sign_in(&hotel(), "RT9");
    assert_eq!(world.decide(&hotel()).line, "7: send");
}

#[test]
fn row_10_an_account_nobody_signed_in_to_sends_nothing() {
    let mut world = Machine::new(standard());
    assert_eq!(world.decide(&hotel()).line, "10: give up, not_signed_in, sign in");
    assert_eq!(world.requests(), 0);
}

#[test]
fn row_11_a_refused_token_is_renewed_before_it_is_due() {
    let mut world = fresh();
    refuse(&mut world);
    assert_eq!(world.decide(&service()).line, "11: send");
}

#[test]
fn rows_11_and_12_a_renewal_that_fails_leaves_the_refused_token_flagged_suspect() {
    let mut world = fresh();
    refuse(&mut world);
    world.endpoint.then(Said::error(500, "server_error"));
    assert_eq!(world.got(&service()), "AT1 (suspect)");
    let told = world.decide(&service());
    assert_eq!(told.line, "12: use AT1 (suspect)");
    world.pass_until(told.next_change.expect("the gate opens"));
    assert_eq!(world.got(&service()), "AT3", "a passing failure does not pin a revoked token");
}

#[test]
fn row_12_an_account_whose_token_was_refused_and_cannot_be_renewed_keeps_it_as_suspect() {
    let mut world = signed_in();
    let token = world.get(&hotel()).expect("a token");
    world.accounts.refused(&hotel(), token.generation(), world.now);
    world.endpoint.then(Said::error(400, "invalid_grant"));
    assert_eq!(world.got(&hotel()), "AT1 (suspect)");
    assert_eq!(world.decide(&hotel()).line, "12: use AT1 (suspect)");
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.decide(&hotel()).line, "9: give up, consent_lost, sign in");
}

#[test]
fn row_13_callers_of_a_refused_token_wait_and_get_it_flagged_at_their_deadline() {
    let mut world = fresh();
    refuse(&mut world);
    let first = world.decide(&service());
    assert_eq!(first.line, "11: send");
    assert_eq!(world.decide(&service()).line, "13: wait");
    world.pass_seconds(30);
    assert_eq!(world.decide_at_deadline(&service()).line, "13: use AT1 (suspect)", "never an error");
    world.carry(first.job);
    assert_eq!(world.decide(&service()).line, "1: use AT2");
}

#[test]
fn a_refusal_of_an_older_generation_changes_nothing() {
    let mut world = fresh();
    let old = world.get(&service()).expect("a token").generation();
    world.age(&service(), Freshness::Expired);
    assert_eq!(world.got(&service()), "AT2");
    world.accounts.refused(&service(), old, world.now);
    assert_eq!(world.decide(&service()).line, "1: use AT2");
    assert_eq!(world.requests(), 2);
}

#[test]
fn adopting_an_empty_refresh_token_or_one_for_a_client_grant_is_refused() {
    let mut world = Machine::new(standard());
    let empty = Adopted::RefreshToken(Secret::from(""));
    world.accounts.adopt(&hotel(), empty, world.now).expect_err("an empty refresh token");
    let misplaced = Adopted::RefreshToken(Secret::from("RT0"));
    world.accounts.adopt(&service(), misplaced, world.now).expect_err("the client is the grant");
}

#[test]
fn what_a_handle_may_serve_by_itself_ends_where_the_table_changes() {
    let mut world = fresh();
    let published = world.accounts.published(&service(), world.now).expect("a fresh token");
    let told = world.decide(&service());
    let end = told.next_change.expect("its renewal comes");
    assert!(published.serves_by_boot(end - Duration::from_millis(1)));
    assert!(!published.serves_by_boot(end));
    refuse(&mut world);
    assert!(world.accounts.published(&service(), world.now).is_none(), "a refusal withdraws it");
}

#[test]
fn keeping_warm_begins_the_renewal_of_a_used_key_before_anybody_waits() {
    let mut world = fresh();
    world.got(&service());
    let idle = world.accounts.tend(Warm::Used, world.now);
    assert!(idle.job.is_none());
    assert!(idle.again > world.now.boot && idle.again <= world.now.boot + Duration::from_secs(30));
    world.age(&service(), Freshness::Stale);
    let due = world.accounts.tend(Warm::Used, world.now);
    assert!(matches!(due.job, Some(Job::Send(_))), "{due:?}");
    world.carry(due.job);
    assert_eq!(world.requests(), 2);
    world.age(&service(), Freshness::Stale);
    assert!(world.accounts.tend(Warm::Used, world.now).job.is_none(), "nobody used it since");
    world.pass_seconds(30);
    let all = world.accounts.tend(Warm::All, world.now);
    assert!(all.job.is_some(), "unless all keys are kept warm");
}
