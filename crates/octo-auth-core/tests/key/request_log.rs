//! The request log: the budget of processes that share a store.

use std::time::Duration;

use octo_auth_core::{
    Freshness, Job, Now, Policy, Purpose, RecordName, SaveJob, SendJob, Storage, StoreError, TokenSpec,
    TransportError,
};
use octo_auth_testkit::StoredRecord;
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped};
use octo_auth_testkit::registration::{officernd, standard};
use serde_json::Value;

/// The longest time until a request is sent that the store has counted.
const SAVING: Duration = Duration::from_secs(5);

/// Returns this number of processes of OfficeRND's client on one store.
fn fleet(processes: u8, store: &InMemoryStore) -> Vec<Machine> {
    (1..=processes).map(|seed| Machine::with_store(officernd(), Storage::MultiProcess, store, seed)).collect()
}

/// Returns a process of a standard client on a store, with this limit of requests a minute.
fn limited(requests: u32, store: &InMemoryStore, seed: u8) -> Machine {
    let policy = Policy::default().with_request_limit(requests).expect("a limit");
    Machine::with_store_and_policy(standard(), policy, Storage::MultiProcess, store, seed)
}

/// Returns a spec that shares only the client with the others.
fn key(number: usize) -> TokenSpec {
    scoped(&format!("flex.{number}.read"))
}

/// Returns the number of requests in a request log.
fn requests(log: &StoredRecord) -> usize {
    log.member("sent").and_then(Value::as_array).map_or(0, Vec::len)
}

/// Lets the store count the request. Returns the next job.
fn counted(world: &mut Machine, count: SaveJob) -> Option<Job> {
    world.step(Job::Save(count))
}

/// Asserts that a refresh request whose count conflicts with another is not sent if `passing` happens before, and is
/// sent the next time.
fn is_not_sent_after(passing: impl FnOnce(&mut Machine)) {
    let store = InMemoryStore::default();
    let mut world = limited(10, &store, 1);
    world.sign_in(&hotel(), "RT0");
    let count = world.up_to_counting(&hotel());
    let mut other = limited(10, &store, 2);
    assert_eq!(other.got(&key(1)), "AT1", "it counts meanwhile");
    passing(&mut world);
    let rest = counted(&mut world, count);
    world.carry(rest);
    assert_eq!(world.requests(), 0);
    assert_eq!(world.got(&hotel()), "AT1", "the next time");
}

fn let_all_pass(all: &mut [Machine], seconds: u64) {
    all.iter_mut().for_each(|world| world.pass_seconds(seconds));
}

/// Returns the request that the machine sends next.
fn sent(job: Option<Job>) -> SendJob {
    match job {
        Some(Job::Send(send)) => send,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_requests_of_one_process_count_in_the_others() {
    let store = InMemoryStore::default();
    let mut all = fleet(5, &store);
    for (number, world) in all.iter_mut().take(4).enumerate() {
        assert_eq!(world.got(&key(number)), "AT1");
    }
    assert_eq!(all[4].got(&key(4)), "budget_spent", "OfficeRND's five less one are spent");
    assert_eq!(all[4].requests(), 0);
    let told = all[4].decide(&key(4));
    assert!(told.wait() <= Duration::from_secs(61) + SAVING, "{:?}", told.wait());
    all[4].pass(told.wait());
    assert_eq!(all[4].got(&key(4)), "AT1");
}

#[test]
fn two_processes_that_count_concurrently_do_not_take_the_same_slot() {
    let store = InMemoryStore::default();
    let mut all = fleet(3, &store);
    for number in 0..3 {
        assert_eq!(all[0].got(&key(number)), "AT1".replace('1', &(number + 1).to_string()));
    }
    let (one, two) = (all[1].up_to_counting(&key(3)), all[2].up_to_counting(&key(4)));
    let (one, two) = (counted(&mut all[1], one), counted(&mut all[2], two));
    let (Some(Job::Save(one)), Some(Job::Save(two))) = (one, two) else { panic!("neither knew the record") };
    let send = sent(counted(&mut all[1], one));
    let rest = counted(&mut all[2], two);
    assert!(!matches!(rest, Some(Job::Send(_) | Job::Save(_))), "the fourth has gone: {rest:?}");
    let report = all[1].send(send);
    let saves = all[1].report(report);
    all[1].carry(saves);
    all[2].carry(rest);
    assert_eq!(all[2].got(&key(4)), "budget_spent");
    assert_eq!(all[2].requests(), 0);
}

#[test]
fn a_request_that_is_counted_late_is_not_sent() {
    let store = InMemoryStore::default();
    let mut all = fleet(1, &store);
    let count = all[0].up_to_counting(&key(0));
    all[0].pass(SAVING);
    let rest = counted(&mut all[0], count);
    assert!(!matches!(rest, Some(Job::Send(_))), "it might be sent after the place it has is free: {rest:?}");
    all[0].carry(rest);
    assert_eq!(all[0].got(&key(0)), "AT1", "with the next place");
}

#[test]
fn a_refresh_is_not_sent_if_its_count_conflicts_long_after_the_attempt_was_written() {
    // The claim has ended, and another process may have begun a renewal.
    is_not_sent_after(|world| world.pass_seconds(100));
}

#[test]
fn four_processes_keep_to_the_providers_limit_in_any_minute_whatever_fails() {
    let store = InMemoryStore::default();
    let mut all = fleet(4, &store);
    let mut sent: Vec<Duration> = Vec::new();
    for second in 0..900_usize {
        let (turn, wanted) = (second % 4, key(second % 7));
        let world = &mut all[turn];
        match second % 5 {
            0 => world.endpoint.then(ServerReply::error(503, "")),
            1 => world.endpoint.then(ServerReply::Fault(TransportError::not_sent("no route"))),
            _ => world.endpoint.then(ServerReply::token(&format!("AT{second}"), 30)),
        }
        let (before, is_sent) = (world.requests(), second % 5 != 1);
        let _ = world.get(&wanted);
        sent.extend(world.asked[before..].iter().map(|asked| asked.at.boot).filter(|_| is_sent));
        let_all_pass(&mut all, 1);
    }
    for at in &sent {
        let minute = *at..*at + Duration::from_secs(60);
        let within = sent.iter().filter(|other| minute.contains(other)).count();
        assert!(within <= 4, "{within} within a minute after {at:?}");
    }
    assert!(sent.len() >= 40, "requests go on: {} in 15 minutes", sent.len());
}

#[test]
fn a_clock_set_forward_between_two_reads_hides_no_request() {
    let store = InMemoryStore::default();
    let mut all = fleet(2, &store);
    assert_eq!(all[1].got(&key(9)), "AT1", "it has seen the record");
    for number in 0..3 {
        assert!(all[0].get(&key(number)).is_ok());
    }
    all[1].now.wall = all[1].now.wall.saturating_add(Duration::from_secs(3600));
    assert_eq!(all[1].got(&key(8)), "budget_spent");
}

#[test]
fn a_known_request_keeps_its_time_when_the_clock_is_set() {
    let store = InMemoryStore::default();
    let mut world = limited(2, &store, 1);
    assert!(world.get(&key(0)).is_ok());
    world.pass_seconds(30);
    assert!(world.get(&key(1)).is_ok());
    world.now.wall = world.now.wall.saturating_add(Duration::from_secs(3600));
    assert_eq!(world.got(&key(2)), "budget_spent");
    world.pass(Duration::from_secs(31) + SAVING);
    assert!(world.get(&key(2)).is_ok(), "the first is over");
    assert_eq!(world.got(&key(3)), "budget_spent", "the second is not");
    world.pass_seconds(30);
    assert!(world.get(&key(3)).is_ok());
}

#[test]
fn a_clock_set_back_blocks_at_most_for_the_window() {
    let store = InMemoryStore::default();
    let mut all = fleet(2, &store);
    for number in 0..4 {
        assert!(all[0].get(&key(number)).is_ok());
    }
    all[1].now.wall = all[1].now.wall.saturating_sub(Duration::from_secs(7200));
    assert_eq!(all[1].got(&key(8)), "budget_spent");
    all[1].pass(Duration::from_secs(61) + SAVING);
    assert_eq!(all[1].got(&key(8)), "AT1");
}

#[test]
fn a_process_that_starts_later_knows_the_earlier_requests() {
    let store = InMemoryStore::default();
    let mut all = fleet(1, &store);
    for number in 0..4 {
        assert!(all[0].get(&key(number)).is_ok());
    }
    let mut restarted = Machine::with_store(officernd(), Storage::MultiProcess, &store, 9);
    let Now { wall, .. } = all[0].now;
    restarted.now = Now { wall: wall.saturating_add(Duration::from_secs(20)), boot: Duration::from_secs(3) };
    assert_eq!(restarted.got(&key(8)), "budget_spent");
    let told = restarted.decide(&key(8));
    restarted.pass(told.wait());
    assert_eq!(restarted.got(&key(8)), "AT1");
}

#[test]
fn while_the_store_fails_a_client_grant_counts_in_memory_and_writes_it_later() {
    let store = InMemoryStore::default();
    let mut all = fleet(2, &store);
    store.set_down(true);
    assert_eq!(all[0].got(&key(0)), "AT1");
    assert_eq!(all[0].got(&key(1)), "AT2");
    store.set_down(false);
    let_all_pass(&mut all, 31);
    assert_eq!(all[0].got(&key(2)), "AT3", "which tells of all three");
    assert_eq!(all[0].request_log().as_ref().map(requests), Some(3), "each of them once");
    assert_eq!(all[1].got(&key(3)), "AT1");
    assert_eq!(all[1].got(&key(4)), "budget_spent");
}

#[test]
fn a_request_that_was_written_later_is_written_once() {
    let store = InMemoryStore::default();
    let mut world = limited(10, &store, 1);
    store.set_down(true);
    assert_eq!(world.got(&key(0)), "AT1");
    store.set_down(false);
    for number in 1..4 {
        world.pass_seconds(31);
        assert!(world.get(&key(number)).is_ok());
    }
    assert_eq!(world.request_log().as_ref().map(requests), Some(3), "the first is over");
}

#[test]
fn a_renewal_of_a_stale_token_leaves_the_last_slot_to_a_key_without_a_token() {
    let store = InMemoryStore::default();
    let mut all = fleet(2, &store);
    assert_eq!(all[0].got(&key(0)), "AT1");
    all[0].age(&key(0), Freshness::Stale);
    all[1].now = all[0].now;
    for number in 1..4 {
        assert!(all[1].get(&key(number)).is_ok());
    }
    assert_eq!(all[0].got(&key(0)), "AT1", "it works still");
    assert_eq!(all[0].requests(), 1);
    assert_eq!(all[0].got(&key(9)), "AT2", "a key that has nothing may");
}

#[test]
fn a_slot_is_free_as_soon_as_its_window_is_over() {
    let store = InMemoryStore::default();
    let mut world = limited(2, &store, 1);
    assert!(world.get(&key(0)).is_ok());
    world.pass_seconds(1);
    assert!(world.get(&key(1)).is_ok());
    assert_eq!(world.got(&key(2)), "budget_spent");
    let opens = world.now.boot + world.decide(&key(2)).wait();
    world.pass_until(opens - Duration::from_millis(1));
    assert_eq!(world.manager.budget_left(world.now), 0);
    world.pass_until(opens);
    assert_eq!(world.manager.budget_left(world.now), 1);
}

#[test]
fn a_replaced_client_counts_in_the_same_request_log() {
    for (storage, is_counted) in
        [(Storage::MultiProcess, true), (Storage::SingleProcess, true), (Storage::None, false)]
    {
        let store = InMemoryStore::default();
        let policy = Policy::default().with_request_limit(2).expect("a limit");
        let mut world = Machine::with_store_and_policy(standard(), policy, storage, &store, 1);
        world.manager.replace_client(standard()).expect("its requests can be built");
        assert!(world.get(&key(0)).is_ok());
        assert_eq!(world.request_log().is_some(), is_counted, "{storage:?}");
    }
}

#[test]
fn a_store_that_fails_while_it_counts_does_not_stop_a_client_grant() {
    let store = InMemoryStore::default();
    let mut all = fleet(1, &store);
    let count = all[0].up_to_counting(&key(0));
    let next = all[0].report(count.saved(Err(StoreError::new("the store is down"))));
    assert!(matches!(next, Some(Job::Send(_))), "{next:?}");
}

#[test]
fn a_store_that_fails_while_it_counts_stops_a_refresh() {
    let store = InMemoryStore::default();
    let mut world = limited(3, &store, 1);
    world.sign_in(&hotel(), "RT0");
    let count = world.up_to_counting(&hotel());
    assert!(world.stored(&hotel()).attempt().is_some(), "it was written ahead");
    let rest = world.report(count.saved(Err(StoreError::new("the store is down"))));
    assert!(!matches!(rest, Some(Job::Send(_))), "{rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
    world.pass_seconds(31);
    assert_eq!(world.got(&hotel()), "AT1");
    assert!(!world.stored(&hotel()).is_in_doubt(), "nothing was sent the first time");
}

#[test]
fn a_carrier_that_is_lost_while_it_counts_leaves_no_doubt() {
    let store = InMemoryStore::default();
    let mut world = limited(3, &store, 1);
    world.sign_in(&hotel(), "RT0");
    let count = world.up_to_counting(&hotel());
    let rest = world.report(Job::Save(count).abandon());
    assert!(rest.is_none(), "no carrier is left");
    let is_unsaved =
        |world: &Machine, key: &TokenSpec| world.manager.status(key, world.now).expect("known").unsaved;
    assert!(is_unsaved(&world, &hotel()), "the store is to hear that nothing was sent");
    let count = world.up_to_counting(&key(0));
    let _ = world.report(Job::Save(count).abandon());
    assert!(!is_unsaved(&world, &key(0)), "a client grant leaves nothing behind");
    world.pass_seconds(61);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_sign_out_while_the_store_counts_stops_the_request() {
    let store = InMemoryStore::default();
    let mut world = limited(3, &store, 1);
    world.sign_in(&hotel(), "RT0");
    let count = world.up_to_counting(&hotel());
    world.sign_out(&hotel());
    let rest = counted(&mut world, count);
    world.carry(rest);
    let renewals = world.asked.iter().filter(|asked| asked.purpose == Purpose::Refresh).count();
    assert_eq!(renewals, 0);
    assert!(world.stored(&hotel()).is_signed_out());
}

#[test]
fn a_sign_out_of_a_client_grant_while_the_store_counts_stops_the_request() {
    let store = InMemoryStore::default();
    let mut all = fleet(1, &store);
    let count = all[0].up_to_counting(&key(0));
    let now = all[0].now;
    let out = all[0].manager.sign_out(&key(0), now);
    all[0].carry(out);
    let rest = counted(&mut all[0], count);
    assert!(!matches!(rest, Some(Job::Send(_))), "{rest:?}");
    all[0].carry(rest);
    assert_eq!(all[0].requests(), 0);
}

#[test]
fn processes_share_a_configured_limit_but_not_an_assumed_one() {
    let store = InMemoryStore::default();
    let (mut one, mut two) = (limited(1, &store, 1), limited(1, &store, 2));
    assert!(one.get(&key(0)).is_ok());
    assert_eq!(two.got(&key(1)), "budget_spent");
    let mut assumed = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 3);
    let mut next = assumed.decide(&key(0)).job;
    let steps = std::iter::from_fn(|| {
        let job = next.take()?;
        let is_draw = matches!(&job, Job::Save(save) if save.is_request_log());
        next = assumed.step(job);
        Some(is_draw)
    });
    assert!(steps.collect::<Vec<_>>().iter().all(|is_draw| !is_draw), "no document says 600 a minute");
}

#[test]
fn a_restart_with_a_store_of_one_process_knows_the_earlier_requests() {
    let store = InMemoryStore::default();
    let started = || Machine::with_store(officernd(), Storage::SingleProcess, &store, 1);
    let mut world = started();
    for number in 0..4 {
        assert!(world.get(&key(number)).is_ok());
    }
    let mut restarted = started();
    assert_eq!(restarted.got(&key(4)), "budget_spent");
    assert_eq!(restarted.requests(), 0);
}

#[test]
fn the_request_log_holds_only_requests_that_still_count() {
    let store = InMemoryStore::default();
    let mut world = fleet(1, &store).remove(0);
    for _ in 0..10 {
        assert!(world.get(&key(0)).is_ok());
        world.age(&key(0), Freshness::Expired);
    }
    let most = |store: &InMemoryStore| store.history().iter().map(requests).max();
    assert_eq!(most(&store), Some(1), "an hour lies between them");
    assert!(world.get(&key(1)).is_ok());
    world.pass(Duration::from_secs(61) + SAVING);
    assert!(world.get(&key(2)).is_ok());
    assert_eq!(most(&store), Some(1), "the place of the last but one is free from this moment on");
}

#[test]
fn an_admitted_request_is_written_with_the_next_one() {
    let store = InMemoryStore::default();
    let (mut one, mut two) = (limited(2, &store, 1), limited(2, &store, 2));
    one.manager.admit(Purpose::CodeExchange, one.now).expect("room");
    assert!(one.get(&key(0)).is_ok());
    assert_eq!(two.got(&key(1)), "budget_spent");
    assert_eq!(two.manager.budget_left(two.now), 0);
}

#[test]
fn a_failure_that_blocks_the_registration_while_the_store_counts_stops_the_request() {
    let store = InMemoryStore::default();
    let mut all = fleet(1, &store);
    let world = &mut all[0];
    let (count, other) = (world.up_to_counting(&key(0)), world.up_to_counting(&key(1)));
    let send = sent(counted(world, count));
    world.endpoint.then(ServerReply::error(503, ""));
    let report = world.send(send);
    let rest = world.report(report);
    world.carry(rest);
    let rest = counted(world, other);
    world.carry(rest);
    assert_eq!(world.requests(), 1, "the endpoint has just failed");
}

#[test]
fn a_refresh_whose_count_conflicts_is_counted_again_while_its_attempt_leaves_time() {
    let store = InMemoryStore::default();
    let mut world = limited(10, &store, 1);
    world.sign_in(&hotel(), "RT0");
    let mut other = limited(10, &store, 2);
    let mut met_another = |world: &mut Machine, number, count| {
        assert!(other.got(&key(number)).starts_with("AT"), "it counts meanwhile");
        world.pass_seconds(4);
        counted(world, count)
    };
    let count = world.up_to_counting(&hotel());
    let again = met_another(&mut world, 1, count);
    let Some(Job::Save(count)) = again else { panic!("4 s after it was written ahead: {again:?}") };
    assert!(count.is_request_log());
    let again = met_another(&mut world, 2, count);
    let Some(Job::Save(count)) = again else { panic!("8 s after it was written ahead: {again:?}") };
    let rest = met_another(&mut world, 3, count);
    world.carry(rest);
    assert_eq!(world.requests(), 0, "12 s after, a request could outlast the attempt");
    assert_eq!(world.got(&hotel()), "AT1", "the next time");
}

#[test]
fn a_refresh_with_a_slow_count_is_not_sent_even_if_the_wall_clock_is_set_back() {
    // The claim may end soon, and another process may begin a renewal.
    is_not_sent_after(|world| {
        let begun = world.now.wall;
        world.pass_seconds(60);
        world.now.wall = begun;
    });
}

#[test]
fn a_limit_of_5_a_minute_holds_over_restarts_of_a_single_process() {
    let store = InMemoryStore::default();
    let policy = || Policy::default().with_request_limit(5).expect("a limit");
    let (mut now, mut sent) = (Machine::new(standard()).now, Vec::new());
    for start in 0..40 {
        let storage = Storage::SingleProcess;
        let mut world = Machine::with_store_and_policy(standard(), policy(), storage, &store, start);
        world.now = now;
        world.endpoint.always(|_| ServerReply::token("AT", 1));
        for second in 0..10 {
            world.got(&key(second));
            world.pass_seconds(1);
        }
        sent.extend(world.asked.iter().map(|asked| asked.at.wall));
        now = world.now;
    }
    for at in &sent {
        let end = at.saturating_add(Duration::from_secs(60));
        let within = sent.iter().filter(|other| *other >= at && **other < end).count();
        assert!(within <= 5, "{within} within a minute after {at:?}");
    }
    assert!(sent.len() >= 25, "requests go on: {} in 400 s", sent.len());
}

#[test]
fn a_request_of_another_process_at_the_time_of_the_last_read_keeps_its_time() {
    let store = InMemoryStore::default();
    let mut world = limited(3, &store, 1);
    assert_eq!(world.got(&key(1)), "AT1");
    let (seen, log) = (world.now, world.request_log().expect("the log"));
    let mut moments = log.member("sent").and_then(Value::as_array).expect("moments").clone();
    moments.push(seen.wall.as_unix_millis().into());
    store.put(&RecordName::requests(&standard()), log.with("sent", moments).content());
    world.pass_seconds(20);
    assert_eq!(world.got(&key(2)), "AT2");
    world.pass_until(seen.boot + Duration::from_secs(61));
    assert_eq!(world.manager.budget_left(world.now), 1);
}
