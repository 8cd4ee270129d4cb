//! Attempts and back-offs that another process, or an earlier start of this one, left in the record.

use std::time::Duration;

use octo_auth_core::{Client, Freshness, Job, Now, Storage, TokenSpec};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{always_replayed, never_replayed, officernd, standard};

use serde_json::json;

use crate::scene::{MILLI, written};

#[test]
fn another_processs_attempt_that_is_read_late_under_a_claim_can_still_be_open() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let load = one.up_to(&hotel(), |job| matches!(job, Job::Load(_)));
    // It takes so long that the other process gets the claim.
    one.pass_seconds(100);
    two.now = one.now;
    let _in_flight = two.up_to_sending(&hotel());
    let rest = one.step(load);
    one.carry(rest);
    one.pass_seconds(2);
    assert_eq!(one.decide(&hotel()).line, "expired_renewing: claim", "which waits for the other process");
}

#[test]
fn another_processs_attempt_found_under_the_claim_is_in_doubt() {
    let (mut one, mut two, _) = Machine::two_processes(never_replayed);
    one.age(&hotel(), Freshness::Expired);
    two.now = one.now;
    let early = two.up_to_writing(&hotel());
    // Its claim has ended, but the process does not know: its clock stopped.
    one.pass_seconds(100);
    let late = one.up_to_writing(&hotel());
    let sent = two.step(Job::Save(early));
    assert!(matches!(sent, Some(Job::Send(_))));
    let rest = one.step(Job::Save(late));
    assert!(!matches!(rest, Some(Job::Save(_) | Job::Send(_))), "{rest:?}");
}

#[test]
fn an_attempt_left_open_by_a_crash_blocks_until_its_deadline() {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let mut next = one.decide(&hotel()).job;
    while let Some(job) = next.take_if(|job| !matches!(job, Job::Send(_))) {
        next = one.step(job);
    }
    // The process dies here. The request may have been sent or not.
    let left_behind = one.stored(&hotel());
    assert!(left_behind.attempt().is_some());
    one.put(&hotel(), &left_behind.without("access_token"));
    for (clock_behind, longest) in [(0, 71), (400_000, 71), (30, 71)] {
        let mut third = Machine::with_store(standard(), Storage::SingleProcess, &store, 3);
        third.now = one.now;
        third.now.wall = third.now.wall.saturating_sub(Duration::from_secs(clock_behind));
        assert_eq!(third.got(&hotel()), "lost");
        let wait = third.decide(&hotel()).wait();
        assert!(wait <= Duration::from_secs(longest) && wait > Duration::ZERO, "{wait:?}");
        third.pass(wait);
        let attempt = third.decide(&hotel()).job.expect("the replay");
        let Job::Save(attempt) = attempt else { panic!("written ahead") };
        let marked = written(&attempt);
        assert_eq!(marked.attempt().expect("the attempt")["number"], 3);
        assert_eq!(marked.refresh_token(), Some("RT1"));
    }
}

/// Kills a process that has recorded that it uses `RT1` (write-ahead). Lets another process ask 30 s later, after its
/// wall clock was set forward by this many seconds. Returns the other process, its result, and the time it took.
fn succeeded(client: fn() -> Client, set_on: i64) -> (Machine, String, Duration) {
    let (mut killed, _, store) = Machine::two_processes(client);
    killed.age(&hotel(), Freshness::Expired);
    drop(killed.up_to_sending(&hotel()));
    killed.put(&hotel(), &killed.stored(&hotel()).without("access_token"));
    let mut next = Machine::with_store(client(), Storage::MultiProcess, &store, 3);
    next.now = killed.now;
    let by = Duration::from_secs(set_on.unsigned_abs());
    let wall = next.now.wall;
    next.now.wall = if set_on < 0 { wall.saturating_sub(by) } else { wall.saturating_add(by) };
    next.pass_seconds(30);
    let begun = next.now.boot;
    let got = next.got(&hotel());
    let took = next.now.boot - begun;
    (next, got, took)
}

#[test]
fn a_killed_processs_attempt_lasts_71_s_after_the_first_read_at_any_wall_clock() {
    for set_on in [0, 86_400, -86_400] {
        let (next, got, took) = succeeded(standard, set_on);
        assert!((71_000..=71_750).contains(&took.as_millis()), "{set_on}: {took:?}");
        assert_eq!((got.as_str(), next.requests(), next.last_refresh()), ("AT1", 1, Some("RT1")));
    }
}

#[test]
fn a_killed_processs_attempt_with_a_single_use_token_ends_in_a_sign_in() {
    let (mut next, _, took) = succeeded(never_replayed, 0);
    assert!((71_000..=71_750).contains(&took.as_millis()), "{took:?}");
    assert_eq!(next.requests(), 0);
    assert_eq!(next.decide(&hotel()).line, "refresh_token_dead: give up, refresh_token_rejected, sign in");
}

#[test]
fn a_killed_processs_attempt_with_a_reusable_token_is_not_waited_for() {
    let (next, got, took) = succeeded(always_replayed, 0);
    assert_eq!((got.as_str(), next.requests(), took), ("AT1", 1, Duration::ZERO));
}

/// Returns a process that starts at the present time on the same store, with another boot clock.
fn restarted(before: &Machine, storage: Storage, seed: u8) -> Machine {
    let mut world = Machine::with_store(before.manager.client().clone(), storage, &before.store, seed);
    world.now = Now { boot: Duration::from_secs(5), ..before.now };
    world
}

/// Returns a process whose account, or client grant, has just got a 503 with `Retry-After: 120`.
fn asked_to_wait(client: Client, storage: Storage, key: &TokenSpec) -> Machine {
    let mut world = Machine::with_store(client, storage, &InMemoryStore::default(), 1);
    if !key.is_client_grant() {
        world.sign_in(key, "RT0");
    }
    world.endpoint.then(ServerReply::unavailable_for(120));
    assert_eq!(world.got(key), "http:503");
    world
}

/// Asserts that a spec is blocked for exactly 120 s.
fn is_blocked_for_two_minutes(world: &mut Machine, key: &TokenSpec) {
    let requests = world.requests();
    world.got(key);
    let told = world.decide(key);
    assert_eq!(told.line, "expired_blocked: give up, backing_off, later");
    assert_eq!(told.wait(), Duration::from_secs(120));
    world.pass(told.wait() - MILLI);
    world.got(key);
    assert_eq!(world.requests(), requests, "one millisecond before");
    world.pass(MILLI);
    assert!(world.got(key).starts_with("AT"));
}

#[test]
fn retry_after_holds_after_a_restart_of_a_single_process() {
    for key in [hotel(), service()] {
        let before = asked_to_wait(standard(), Storage::SingleProcess, &key);
        let mut world = restarted(&before, Storage::SingleProcess, 2);
        is_blocked_for_two_minutes(&mut world, &key);
    }
}

#[test]
fn retry_after_holds_in_another_process() {
    for key in [hotel(), service()] {
        let one = asked_to_wait(standard(), Storage::MultiProcess, &key);
        let mut two = restarted(&one, Storage::MultiProcess, 2);
        is_blocked_for_two_minutes(&mut two, &key);
    }
}

#[test]
fn retry_after_is_not_extended_by_a_clock_set_back() {
    let before = asked_to_wait(standard(), Storage::SingleProcess, &hotel());
    let mut world = restarted(&before, Storage::SingleProcess, 2);
    world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(86_400));
    is_blocked_for_two_minutes(&mut world, &hotel());
}

#[test]
fn retry_after_of_a_day_ends_after_an_hour_even_after_a_restart() {
    let mut before = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    before.sign_in(&hotel(), "RT0");
    before.endpoint.then(ServerReply::unavailable_for(86_400));
    assert_eq!(before.got(&hotel()), "http:503");
    before.pass_seconds(3600);
    let mut world = restarted(&before, Storage::SingleProcess, 2);
    assert!(world.got(&hotel()).starts_with("AT"));
}

#[test]
fn an_ended_retry_after_does_not_begin_again_when_the_clock_is_set_back() {
    for key in [hotel(), service()] {
        let mut before = asked_to_wait(standard(), Storage::SingleProcess, &key);
        before.pass_seconds(120);
        before.endpoint.then(ServerReply::token("AT1", 60));
        assert_eq!(before.got(&key), "AT1");
        let mut world = restarted(&before, Storage::SingleProcess, 2);
        world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(1000));
        world.pass_seconds(60);
        assert!(world.got(&key).starts_with("AT"));
        assert_eq!(world.requests(), 1);
    }
}

#[test]
fn a_new_retry_after_replaces_one_that_ends_later_by_a_clock_set_back() {
    let mut before = asked_to_wait(standard(), Storage::SingleProcess, &hotel());
    before.pass_seconds(120);
    before.now.wall = before.now.wall.saturating_sub(Duration::from_secs(120));
    before.endpoint.then(ServerReply::unavailable_for(60));
    assert_eq!(before.got(&hotel()), "http:503");
    // The machine forgets its own history of errors with the client.
    before.manager.replace_client(standard()).expect("the same registration");
    let told = before.decide(&hotel());
    assert_eq!(told.line, "expired_blocked: give up, backing_off, later");
    assert_eq!(told.wait(), Duration::from_secs(60));
}

#[test]
fn retry_after_holds_even_if_another_process_considered_it_over_and_removed_it() {
    for key in [hotel(), service()] {
        let mut one = asked_to_wait(standard(), Storage::MultiProcess, &key);
        let mut two = restarted(&one, Storage::MultiProcess, 2);
        two.now.wall = two.now.wall.saturating_add(Duration::from_secs(7200));
        two.endpoint.then(ServerReply::token("AT1", 60));
        assert_eq!(two.got(&key), "AT1");
        assert!(one.stored(&key).member("pause").is_none());
        one.pass_seconds(70);
        one.manager.changed_elsewhere(&one.name(&key));
        // The machine forgets its own history of errors with the client.
        one.manager.replace_client(standard()).expect("the same registration");
        let requests = one.requests();
        assert_eq!(one.got(&key), "AT1", "due, and blocked for 50 s more");
        assert_eq!(one.requests(), requests);
    }
}

#[test]
fn a_blocked_process_with_nothing_to_serve_reads_what_another_process_renewed() {
    let mut one = asked_to_wait(standard(), Storage::MultiProcess, &hotel());
    let mut two = restarted(&one, Storage::MultiProcess, 2);
    two.now.wall = two.now.wall.saturating_add(Duration::from_secs(7200));
    two.endpoint.then(ServerReply::token("AT1", 3600));
    assert_eq!(two.got(&hotel()), "AT1");
    one.now.wall = two.now.wall;
    one.pass(one.manager.policy().reread_interval());
    assert_eq!(one.got(&hotel()), "AT1");
}

#[test]
fn retry_after_ends_with_the_next_sign_in() {
    let before = asked_to_wait(standard(), Storage::SingleProcess, &hotel());
    let mut world = restarted(&before, Storage::SingleProcess, 2);
    world.sign_in(&hotel(), "RT-new");
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(world.last_refresh(), Some("RT-new"));
}

#[test]
fn retry_after_of_a_documented_limit_holds_for_all_accounts_of_another_process_once_read() {
    let key = scoped("flex.read");
    let one = asked_to_wait(officernd(), Storage::MultiProcess, &key);
    let mut two = restarted(&one, Storage::MultiProcess, 2);
    two.got(&key);
    let other = scoped("flex.other.read");
    two.got(&other);
    let told = two.decide(&other);
    assert!(told.line.starts_with("expired_blocked: give up"), "{}", told.line);
    assert_eq!(told.wait(), Duration::from_secs(120));
}

#[test]
fn retry_after_for_another_process_is_read_under_the_claim_before_a_request_is_sent() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    two.age(&hotel(), Freshness::Stale);
    one.pass_until(two.now.boot);
    two.now = one.now;
    one.endpoint.then(ServerReply::unavailable_for(120));
    assert_eq!(one.got(&hotel()), "AT1");
    assert_eq!(two.got(&hotel()), "AT1");
    assert_eq!(two.decide(&hotel()).line, "stale_blocked: use AT1");
    two.pass(Duration::from_secs(120) - MILLI);
    two.got(&hotel());
    assert_eq!(two.requests(), 0);
    two.pass(MILLI);
    two.got(&hotel());
    assert_eq!(two.requests(), 1);
}

#[test]
fn a_wall_clock_set_forward_before_the_read_does_not_end_an_attempt_early() {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let mut third = Machine::with_store(standard(), Storage::SingleProcess, &store, 3);
    third.now = one.now;
    third.got(&service());
    let _request = one.up_to_sending(&hotel());
    third.now.wall = third.now.wall.saturating_add(Duration::from_secs(2 * 3600));
    assert_eq!((third.got(&hotel()).as_str(), third.last_refresh()), ("lost", None));
    third.pass_seconds(71);
    third.got(&hotel());
    assert_eq!(third.last_refresh(), Some("RT1"), "the attempt is over by the boot clock");
}

#[test]
fn a_wall_clock_set_forward_before_the_read_does_not_end_retry_after_early() {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let mut third = Machine::with_store(standard(), Storage::MultiProcess, &store, 3);
    third.now = one.now;
    third.got(&service());
    one.endpoint.then(ServerReply::unavailable_for(120));
    assert_eq!(one.got(&hotel()), "http:503");
    third.now.wall = third.now.wall.saturating_add(Duration::from_secs(2 * 3600));
    third.got(&hotel());
    let told = third.decide(&hotel());
    assert_eq!(
        (told.line.as_str(), told.wait()),
        ("expired_blocked: give up, backing_off, later", Duration::from_secs(120))
    );
}

#[test]
fn an_attempt_of_another_process_blocks_for_an_hour_at_most() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    let attempt = json!({ "id": "08d0dcf32a53bf5a-3", "number": 1, "begun": 0, "deadline": i64::MAX });
    let record = world.empty_record(&hotel()).with("refresh_token", "RT0").with("attempt", attempt);
    world.put(&hotel(), &record);
    let mut job = world.decide(&hotel()).job;
    for _ in 0..8 {
        job = job.or_else(|| world.decide(&hotel()).job).and_then(|job| world.step(job));
    }
    world.pass_seconds(3600);
    world.carry(job);
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_store_that_is_down_asks_no_user_to_sign_in_for_what_another_process_may_have_renewed() {
    let (mut one, mut two, store) = Machine::two_processes(never_replayed);
    one.age(&hotel(), Freshness::Expired);
    two.now = one.now;
    // One sees the attempt of the other, and not its answer.
    let sending = two.up_to_sending(&hotel());
    let look = one.decide(&hotel());
    one.carry(look.job);
    let rest = two.step(Job::Send(sending));
    two.carry(rest);
    one.pass_seconds(3600);
    store.set_down(true);
    let told = one.decide(&hotel());
    assert_eq!(told.line, "unread: load");
    one.carry(told.job);
    let told = one.decide(&hotel());
    assert_eq!(told.line, "unreadable: give up, store_unavailable, later");
    assert!(!one.manager.status(&hotel(), one.now).expect("a status").sign_in_needed);
    store.set_down(false);
    one.pass_seconds(60);
    assert_eq!(one.got(&hotel()), "AT2");
}

#[test]
fn a_store_that_is_down_leaves_a_sign_out_as_it_was_read() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    two.sign_out(&hotel());
    one.now = two.now;
    one.pass_seconds(3600);
    assert_eq!(one.got(&hotel()), "signed_out");
    store.set_down(true);
    one.pass_seconds(60);
    let told = one.decide(&hotel());
    one.carry(told.job);
    assert_eq!(one.decide(&hotel()).line, "signed_out: give up, signed_out, sign in");
}
