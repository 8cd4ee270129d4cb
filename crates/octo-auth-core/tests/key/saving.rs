//! Reading and writing the record: store failures, and when a shared store is read again.

use std::error::Error;
use std::time::Duration;

use octo_auth_core::{Diagnostic, Freshness, Job, Policy, Remedy, Storage, StoreError};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::standard;

use crate::scene::{MILLI, course, process, signed_in};

/// A sequence that ends with a necessary sign-in.
type Way = fn(&mut Machine);

/// Returns a process whose account needs a sign-in, and another process on the same store.
fn stuck(how: Way) -> (Machine, Machine) {
    let store = InMemoryStore::default();
    let (mut one, two) = (process(&store, 1), process(&store, 2));
    how(&mut one);
    one.got(&hotel());
    (one, two)
}

#[test]
fn a_token_is_served_only_after_it_is_saved() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(attempt).expect("the request");
    let save = world.step(send).expect("the saving");
    assert_eq!(world.decide(&hotel()).line, "stale_in_flight: use AT1", "not saved yet");
    assert!(world.step(save).is_none());
    assert_eq!(world.decide(&hotel()).line, "fresh: use AT2");
}

#[test]
fn a_token_that_cannot_be_saved_is_served_and_saved_later() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(attempt);
    world.store.refuse_writing(true);
    world.carry(send);
    assert_eq!(world.decide(&hotel()).line, "fresh: use AT2");
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT1"));
    assert!(world.manager.status(&hotel(), world.now).is_some_and(|status| status.unsaved));
    world.store.refuse_writing(false);
    world.pass_seconds(30);
    assert_eq!(world.got(&hotel()), "AT2");
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT2"));
}

#[test]
fn an_unsaved_record_is_due_again_after_a_back_off_without_a_caller() {
    let mut world = signed_in();
    assert!(world.manager.save_next(world.now).is_none() && !world.manager.has_unsaved(), "all is saved");
    world.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    world.age(&hotel(), Freshness::Stale);
    let attempt = world.decide(&hotel()).job.expect("the write-ahead");
    let send = world.step(attempt);
    world.store.refuse_writing(true);
    world.carry(send);
    let mut tries = 0;
    for _ in 0..120 {
        let saving = world.manager.save_next(world.now).expect("something is unsaved");
        tries += u32::from(saving.job.is_some());
        assert!(saving.again > world.now.boot);
        if saving.job.is_some() {
            assert!(world.manager.save_next(world.now).is_none(), "it is in flight");
        }
        world.carry(saving.job);
        world.pass_seconds(1);
    }
    assert!((5..20).contains(&tries), "{tries} attempts in two minutes");
    world.manager.shut_down();
    world.store.refuse_writing(false);
    world.pass_seconds(30);
    let saving = world.manager.save_next(world.now).expect("it is due, also after a shutdown");
    assert!(matches!(saving.job, Some(Job::Save(_))), "{saving:?}");
    world.carry(saving.job);
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT2"));
    assert!(world.manager.save_next(world.now).is_none() && !world.manager.has_unsaved());
}

#[test]
fn a_failure_that_does_not_change_the_record_is_not_written() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.endpoint.then(ServerReply::error(400, "invalid_scope"));
    let job = world.decide(&service()).job;
    let read = course(&mut world, job);
    let job = world.decide(&service()).job;
    assert_eq!((read, course(&mut world, job)), (vec!["load"], vec!["send"]), "a client grant has no record");
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::page(502, &[]));
    let job = world.decide(&hotel()).job;
    assert_eq!(course(&mut world, job), ["save", "send"], "that it is in doubt stands there already");
}

#[test]
fn while_the_store_is_down_no_refresh_begins_and_client_grants_go_on() {
    let (mut one, _, store) = Machine::two_processes(standard);
    one.got(&service());
    let requests = one.requests();
    store.set_down(true);
    one.age(&hotel(), Freshness::Stale);
    assert_eq!(one.got(&hotel()), "AT1");
    assert!(one.decide(&hotel()).line.contains(": use AT1"));
    one.age(&hotel(), Freshness::Expired);
    one.pass_seconds(60);
    assert_eq!(one.got(&hotel()), "store_unavailable");
    assert_eq!(one.requests(), requests, "the rotated refresh token could not be kept");
    one.age(&service(), Freshness::Expired);
    assert_eq!(one.got(&service()), "AT3");
    store.set_down(false);
    one.pass_seconds(30);
    assert_eq!(one.got(&hotel()), "AT4", "it goes on by itself");
}

#[test]
fn an_account_that_needs_a_sign_in_finds_one_of_another_process_within_30_seconds() {
    let ways: [Way; 3] = [
        |_| {},
        |one| {
            one.sign_in(&hotel(), "RT0");
            one.endpoint.then(ServerReply::error(400, "invalid_grant"));
        },
        |one| {
            one.sign_in(&hotel(), "RT0");
            let signing_out = one.manager.sign_out(&hotel(), one.now);
            one.carry(signing_out);
        },
    ];
    for (which, way) in ways.into_iter().enumerate() {
        let (mut one, mut two) = stuck(way);
        assert!(one.decide(&hotel()).job.is_none(), "{which}");
        let next = one.decide(&hotel()).next_change.expect("it looks again");
        assert!(next <= one.now.boot + Duration::from_secs(30), "{which}");
        two.now = one.now;
        two.sign_in(&hotel(), "RT5");
        one.pass_until(next);
        assert!(one.got(&hotel()).starts_with("AT"), "{which}");
    }
}

#[test]
fn an_account_with_a_token_and_a_dead_refresh_token_is_read_again_after_60_seconds() {
    let (mut one, _) = stuck(|one| {
        one.sign_in(&hotel(), "RT0");
        one.got(&hotel());
        one.age(&hotel(), Freshness::Stale);
        one.endpoint.then(ServerReply::error(400, "invalid_grant"));
    });
    one.pass_seconds(60);
    let told = one.decide(&hotel());
    assert_eq!(told.line, "rereading: use AT1, load");
    one.carry(told.job);
    assert_eq!(one.decide(&hotel()).line, "stale_blocked: use AT1");
}

#[test]
fn a_store_of_one_process_is_not_read_again() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.got(&hotel());
    world.pass_seconds(60);
    assert!(world.decide(&hotel()).job.is_none());
}

/// Returns how often a process reads the record while a caller asks every 100 ms for 10 s.
fn reads_in_ten_seconds(world: &mut Machine, end: &str) -> usize {
    let mut reads = 0;
    for _ in 0..100 {
        let mut next = world.decide(&hotel()).job;
        while let Some(job) = next {
            reads += usize::from(matches!(job, Job::Load(_)));
            next = world.step(job);
        }
        assert_eq!(world.decide(&hotel()).line, end);
        world.pass(Duration::from_millis(100));
    }
    reads
}

#[test]
fn a_shared_store_is_read_at_most_once_a_second_before_an_error_asks_for_a_sign_in() {
    let ways: [(Way, &str); 3] = [
        (|_| {}, "not_signed_in: give up, not_signed_in, sign in"),
        (
            |one| {
                one.sign_in(&hotel(), "RT0");
                one.endpoint.then(ServerReply::error(400, "invalid_grant"));
                one.got(&hotel());
            },
            "refresh_token_dead: give up, refresh_token_rejected, sign in",
        ),
        (
            |one| {
                one.sign_in(&hotel(), "RT0");
                one.sign_out(&hotel());
            },
            "signed_out: give up, signed_out, sign in",
        ),
    ];
    for (way, end) in ways {
        let mut one = process(&InMemoryStore::default(), 1);
        way(&mut one);
        let reads = reads_in_ten_seconds(&mut one, end);
        assert!((9..=10).contains(&reads), "{end}: {reads}");
    }
}

#[test]
fn another_processs_sign_in_is_found_after_one_second_before_a_sign_in_error() {
    let ways: [Way; 3] = [
        |_| {},
        |one| {
            one.sign_in(&hotel(), "RT0");
            one.endpoint.then(ServerReply::error(400, "invalid_grant"));
        },
        |one| {
            one.sign_in(&hotel(), "RT0");
            one.sign_out(&hotel());
        },
    ];
    for way in ways {
        let (mut one, mut two) = stuck(way);
        two.now = one.now;
        two.sign_in(&hotel(), "RT-new");
        one.pass_seconds(1);
        assert!(one.got(&hotel()).starts_with("AT"));
        assert_eq!(one.last_refresh(), Some("RT-new"));
    }
}

/// Returns two processes that both hold `AT1` and read their shared store again after this number of seconds.
fn rereading_after(seconds: u64) -> (Machine, Machine) {
    let store = InMemoryStore::default();
    let reread = Duration::from_secs(seconds);
    let policy = || Policy::default().with_reread_interval(reread).expect("an interval in its range");
    let shared =
        |seed| Machine::with_store_and_policy(standard(), policy(), Storage::MultiProcess, &store, seed);
    let (mut one, mut two) = (shared(1), shared(2));
    one.sign_in(&hotel(), "RT0");
    assert_eq!((one.got(&hotel()), two.got(&hotel())), ("AT1".to_owned(), "AT1".to_owned()));
    (one, two)
}

#[test]
fn another_processs_sign_out_takes_effect_at_the_first_call_after_the_reread_interval() {
    for seconds in [60, 10, 600] {
        let (mut one, mut two) = rereading_after(seconds);
        one.sign_out(&hotel());
        two.pass(Duration::from_secs(seconds) - MILLI);
        assert_eq!(two.decide(&hotel()).line, "fresh: use AT1");
        two.pass(MILLI);
        let told = two.decide(&hotel());
        assert_eq!(told.line, "rereading: use AT1, load", "{seconds}");
        two.carry(told.job);
        assert_eq!(two.got(&hotel()), "signed_out", "{seconds}");
        assert_eq!(two.requests(), 0);
    }
}

#[test]
fn another_processs_sign_in_takes_effect_at_the_first_call_after_the_reread_interval() {
    for seconds in [60, 10, 600] {
        let (mut one, mut two) = rereading_after(seconds);
        one.sign_in(&hotel(), "RT-new");
        let token = one.got(&hotel());
        two.pass_seconds(seconds);
        let told = two.decide(&hotel());
        assert_eq!(told.line, "rereading: use AT1, load", "{seconds}");
        two.carry(told.job);
        assert_eq!(two.got(&hotel()), token, "{seconds}");
        assert_eq!(two.requests(), 0, "the token is in the store");
    }
}

#[test]
fn a_handle_serves_a_cached_token_until_the_reread_interval_ends() {
    let (_, mut two) = rereading_after(10);
    let read = two.now.boot;
    let published = two.manager.published(&hotel(), two.now).expect("a fresh token");
    assert!(published.serves_by_boot(read + Duration::from_secs(10) - MILLI));
    assert!(!published.serves_by_boot(read + Duration::from_secs(10)));
}

#[test]
fn a_store_that_always_conflicts_is_an_error_after_a_few_attempts() {
    for storage in [Storage::SingleProcess, Storage::MultiProcess] {
        let store = InMemoryStore::default();
        let mut world = Machine::with_store(standard(), storage, &store, 1);
        world.sign_in(&hotel(), "RT0");
        store.conflict(true);
        for ask in 0..200 {
            let mut job = world.decide(&hotel()).job;
            for _ in 0..50 {
                job = job.and_then(|job| world.step(job));
            }
            assert!(job.is_none(), "{storage:?}: the flight of call {ask} goes on");
            world.pass_seconds(1);
        }
        assert!(store.writes() <= 16 * 40, "{storage:?}: {} writes in 200 s", store.writes());
        assert_eq!(world.requests(), 0, "no refresh token is sent that is not written ahead");
        let code = world.get(&hotel()).expect_err("it cannot be written ahead").to_string();
        assert!(code.contains("conflict"), "{code}");
        assert_eq!(world.got(&service()), "AT1", "a client grant goes on");
        store.conflict(false);
        world.pass_seconds(60);
        assert_eq!(world.got(&hotel()), "AT2");
    }
}

#[test]
fn a_request_log_that_always_conflicts_does_not_block_a_client_grant() {
    let store = InMemoryStore::default();
    let policy = Policy::default().with_request_limit(100).expect("a limit");
    let mut world = Machine::with_store_and_policy(standard(), policy, Storage::SingleProcess, &store, 1);
    store.conflict(true);
    assert_eq!(world.got(&service()), "AT1");
    assert!(store.writes() <= 3 * 16, "{} writes", store.writes());
}

#[test]
fn a_failure_of_the_store_has_the_remedy_of_its_error() {
    let error = || StoreError::new("the file is damaged");
    for (error, remedy) in [
        (error(), Remedy::TryLater { after: Duration::from_secs(1) }),
        (error().with_remedy(Remedy::FixConfiguration), Remedy::FixConfiguration),
    ] {
        let mut world = process(&InMemoryStore::default(), 1);
        let Some(Job::Load(load)) = world.decide(&hotel()).job else { panic!("the record is read") };
        world.report(load.loaded(Err(error.clone())));
        let failure = world.get(&hotel()).expect_err("there is no token");
        assert_eq!((failure.remedy(), error.remedy()), (remedy, remedy));
        let says = "its record cannot be read or written (the file is damaged)";
        assert!(failure.to_string().contains(says), "{failure}");
    }
}

#[test]
fn a_token_that_is_too_long_for_a_record_is_served_and_the_stored_record_can_still_be_read() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::tokens("AT1", 3600, &"r".repeat(300_000)));
    assert_eq!(world.got(&hotel()), "AT1");
    assert!(world.manager.status(&hotel(), world.now).expect("known").unsaved);
    assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT0"));
    world.age(&hotel(), Freshness::Expired);
    let error = world.get(&hotel()).expect_err("its renewal cannot be recorded");
    let cause = error.source().map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("the record is larger than 256 KiB"), "{error}");
    assert_eq!(world.requests(), 1);
}
