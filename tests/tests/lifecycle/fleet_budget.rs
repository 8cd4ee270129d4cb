//! The budget of requests of processes that share a store: what one has sent, the others count.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use octo_auth_core::{
    Freshness, Grant, Job, Key, Now, Policy, Purpose, SaveJob, SendJob, Storage, StoreFault,
};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, scoped};
use octo_auth_tests::registration::{officernd, standard};

/// The longest a request that the store has counted may take until it is sent.
const SAVING: Duration = Duration::from_secs(5);

/// So many processes of OfficeRND's client on one store.
fn fleet(processes: u8, shelf: &Shelf) -> Vec<Machine> {
    (1..=processes).map(|seed| Machine::with_store(officernd(), Storage::Shared, shelf, seed)).collect()
}

/// A standard client's process on a store, with at most so many requests a minute.
fn limited(requests: u32, shelf: &Shelf, seed: u8) -> Machine {
    let policy = Policy::default().with_request_limit(requests).expect("a limit");
    Machine::with_store_and_policy(standard(), policy, Storage::Shared, shelf, seed)
}

/// Keys that share nothing but the client.
fn key(number: usize) -> Key {
    scoped(&format!("flex.{number}.read"))
}

/// Carries what the machine wants to do up to the counting of its next request.
fn up_to_counting(world: &mut Machine, key: &Key) -> SaveJob {
    world.up_to_writing(key, &Key::requests())
}

/// Has the store count the request; what follows.
fn counted(world: &mut Machine, count: SaveJob) -> Option<Job> {
    world.step(Job::Save(count))
}

/// A request with a refresh token whose count meets another is not sent after this, and is the next time.
fn is_not_sent_after(passing: impl FnOnce(&mut Machine)) {
    let shelf = Shelf::default();
    let mut world = limited(10, &shelf, 1);
    world.sign_in(&hotel(), "RT0");
    let count = up_to_counting(&mut world, &hotel());
    let mut other = limited(10, &shelf, 2);
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

#[test]
fn what_one_process_has_sent_the_others_count() {
    let shelf = Shelf::default();
    let mut all = fleet(5, &shelf);
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
fn two_that_count_at_once_do_not_take_the_same_place() {
    let shelf = Shelf::default();
    let mut all = fleet(3, &shelf);
    for number in 0..3 {
        assert_eq!(all[0].got(&key(number)), "AT1".replace('1', &(number + 1).to_string()));
    }
    let (one, two) = (up_to_counting(&mut all[1], &key(3)), up_to_counting(&mut all[2], &key(4)));
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
fn a_request_that_the_store_has_counted_late_is_not_sent() {
    let shelf = Shelf::default();
    let mut all = fleet(1, &shelf);
    let count = up_to_counting(&mut all[0], &key(0));
    all[0].pass(SAVING);
    let rest = counted(&mut all[0], count);
    assert!(!matches!(rest, Some(Job::Send(_))), "it might be sent after the place it has is free: {rest:?}");
    all[0].carry(rest);
    assert_eq!(all[0].got(&key(0)), "AT1", "with the next place");
}

#[test]
fn a_refresh_token_whose_count_meets_another_long_after_it_was_written_ahead_is_not_sent() {
    // The claim is over, and somebody else may have begun.
    is_not_sent_after(|world| world.pass_seconds(100));
}

#[test]
fn in_any_minute_a_fleet_sends_no_more_than_the_provider_allows_whatever_fails() {
    let shelf = Shelf::default();
    let mut all = fleet(4, &shelf);
    let mut sent: Vec<Duration> = Vec::new();
    for second in 0..900_usize {
        let (turn, wanted) = (second % 4, key(second % 7));
        let world = &mut all[turn];
        match second % 5 {
            0 => world.endpoint.then(Said::error(503, "")),
            1 => world.endpoint.then(Said::Fault(octo_auth_core::Fault::not_sent("no route"))),
            _ => world.endpoint.then(Said::token(&format!("AT{second}"), 30)),
        }
        let before = world.requests();
        let _ = world.get(&wanted);
        sent.extend(world.asked[before..].iter().map(|asked| asked.at.boot));
        let_all_pass(&mut all, 1);
    }
    for at in &sent {
        let minute = *at..*at + Duration::from_secs(60);
        let within = sent.iter().filter(|other| minute.contains(other)).count();
        assert!(within <= 4, "{within} within a minute after {at:?}");
    }
    assert!(sent.len() >= 40, "nobody was kept from asking: {} in 15 minutes", sent.len());
}

#[test]
fn a_clock_set_forth_between_two_looks_hides_no_request() {
    let shelf = Shelf::default();
    let mut all = fleet(2, &shelf);
    assert_eq!(all[1].got(&key(9)), "AT1", "it has seen the record");
    for number in 0..3 {
        assert!(all[0].get(&key(number)).is_ok());
    }
    all[1].now.wall = all[1].now.wall.saturating_add(Duration::from_secs(3600));
    assert_eq!(all[1].got(&key(8)), "budget_spent");
}

#[test]
fn what_is_known_of_keeps_its_moment_whatever_the_clock_is_set_to() {
    let shelf = Shelf::default();
    let mut world = limited(2, &shelf, 1);
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
fn a_clock_set_back_holds_nobody_up_for_longer_than_the_window() {
    let shelf = Shelf::default();
    let mut all = fleet(2, &shelf);
    for number in 0..4 {
        assert!(all[0].get(&key(number)).is_ok());
    }
    all[1].now.wall = all[1].now.wall.saturating_sub(Duration::from_secs(7200));
    assert_eq!(all[1].got(&key(8)), "budget_spent");
    all[1].pass(Duration::from_secs(61) + SAVING);
    assert_eq!(all[1].got(&key(8)), "AT1");
}

#[test]
fn a_process_that_starts_anew_knows_what_was_sent_before() {
    let shelf = Shelf::default();
    let mut all = fleet(1, &shelf);
    for number in 0..4 {
        assert!(all[0].get(&key(number)).is_ok());
    }
    let mut anew = Machine::with_store(officernd(), Storage::Shared, &shelf, 9);
    let Now { wall, .. } = all[0].now;
    anew.now = Now { wall: wall.saturating_add(Duration::from_secs(20)), boot: Duration::from_secs(3) };
    assert_eq!(anew.got(&key(8)), "budget_spent");
    let told = anew.decide(&key(8));
    anew.pass(told.wait());
    assert_eq!(anew.got(&key(8)), "AT1");
}

#[test]
fn while_the_store_fails_a_client_grant_counts_alone_and_says_so_afterwards() {
    let shelf = Shelf::default();
    let mut all = fleet(2, &shelf);
    shelf.set_down(true);
    assert_eq!(all[0].got(&key(0)), "AT1");
    assert_eq!(all[0].got(&key(1)), "AT2");
    shelf.set_down(false);
    let_all_pass(&mut all, 31);
    assert_eq!(all[0].got(&key(2)), "AT3", "which tells of all three");
    assert_eq!(shelf.record(&Key::requests()).expect("it is kept").sent.len(), 3, "each of them once");
    assert_eq!(all[1].got(&key(3)), "AT1");
    assert_eq!(all[1].got(&key(4)), "budget_spent");
}

#[test]
fn what_was_told_afterwards_is_not_told_again() {
    let shelf = Shelf::default();
    let mut world = limited(10, &shelf, 1);
    shelf.set_down(true);
    assert_eq!(world.got(&key(0)), "AT1");
    shelf.set_down(false);
    for number in 1..4 {
        world.pass_seconds(31);
        assert!(world.get(&key(number)).is_ok());
    }
    let sent = shelf.record(&Key::requests()).expect("it is kept").sent;
    assert_eq!(sent.len(), 3, "the first is over: {sent:?}");
}

#[test]
fn a_renewal_ahead_of_time_leaves_the_last_slot_of_the_fleet_to_whoever_has_nothing() {
    let shelf = Shelf::default();
    let mut all = fleet(2, &shelf);
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
fn a_place_is_free_as_soon_as_its_window_is_over() {
    let shelf = Shelf::default();
    let mut world = limited(2, &shelf, 1);
    assert!(world.get(&key(0)).is_ok());
    world.pass_seconds(1);
    assert!(world.get(&key(1)).is_ok());
    assert_eq!(world.got(&key(2)), "budget_spent");
    let opens = world.decide(&key(2)).next_change.expect("it opens");
    world.pass_until(opens - Duration::from_millis(1));
    assert_eq!(world.accounts.budget_left(world.now), 0);
    world.pass_until(opens);
    assert_eq!(world.accounts.budget_left(world.now), 1);
}

#[test]
fn another_client_counts_with_those_with_whom_the_one_before_did() {
    for (storage, is_counted) in [(Storage::Shared, true), (Storage::Private, false)] {
        let shelf = Shelf::default();
        let policy = Policy::default().with_request_limit(2).expect("a limit");
        let mut world = Machine::with_store_and_policy(standard(), policy, storage, &shelf, 1);
        world.accounts.replace_client(standard()).expect("its requests can be built");
        assert!(world.get(&key(0)).is_ok());
        assert_eq!(shelf.record(&Key::requests()).is_some(), is_counted, "{storage:?}");
    }
}

#[test]
fn a_store_that_fails_while_it_counts_holds_up_no_client_grant() {
    let shelf = Shelf::default();
    let mut all = fleet(1, &shelf);
    let count = up_to_counting(&mut all[0], &key(0));
    let next = all[0].report(count.saved(Err(StoreFault::new("the store is down"))));
    assert!(matches!(next, Some(Job::Send(_))), "{next:?}");
}

#[test]
fn a_store_that_fails_while_it_counts_keeps_a_refresh_token_from_being_used() {
    let shelf = Shelf::default();
    let mut world = limited(3, &shelf, 1);
    world.sign_in(&hotel(), "RT0");
    let count = up_to_counting(&mut world, &hotel());
    assert!(world.stored(&hotel()).pending.is_some(), "it was written ahead");
    let rest = world.report(count.saved(Err(StoreFault::new("the store is down"))));
    assert!(!matches!(rest, Some(Job::Send(_))), "{rest:?}");
    world.carry(rest);
    assert_eq!(world.requests(), 0);
    assert!(world.stored(&hotel()).pending.is_none(), "nothing was sent");
    world.pass_seconds(31);
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_carrier_lost_while_the_store_counts_leaves_no_doubt_about_the_refresh_token() {
    let shelf = Shelf::default();
    let mut world = limited(3, &shelf, 1);
    world.sign_in(&hotel(), "RT0");
    let count = up_to_counting(&mut world, &hotel());
    let rest = world.report(Job::Save(count).abandon());
    assert!(rest.is_none(), "there is nobody to carry it");
    let is_unsaved =
        |world: &Machine, key: &Key| world.accounts.status(key, world.now).expect("known").unsaved;
    assert!(is_unsaved(&world, &hotel()), "the store is to hear that nothing was sent");
    let count = up_to_counting(&mut world, &key(0));
    let _ = world.report(Job::Save(count).abandon());
    assert!(!is_unsaved(&world, &key(0)), "a client grant leaves nothing behind");
    world.pass_seconds(61);
    assert_eq!(world.got(&hotel()), "AT1");
    assert_eq!(world.requests(), 1);
}

#[test]
fn a_sign_out_while_the_store_counts_lets_nothing_be_sent() {
    let shelf = Shelf::default();
    let mut world = limited(3, &shelf, 1);
    world.sign_in(&hotel(), "RT0");
    let count = up_to_counting(&mut world, &hotel());
    world.sign_out(&hotel());
    let rest = counted(&mut world, count);
    world.carry(rest);
    let renewals = world.asked.iter().filter(|asked| asked.purpose == Purpose::Refresh).count();
    assert_eq!(renewals, 0);
    assert!(world.stored(&hotel()).signed_out);
}

#[test]
fn a_sign_out_of_the_client_itself_while_the_store_counts_lets_nothing_be_sent() {
    let shelf = Shelf::default();
    let mut all = fleet(1, &shelf);
    let count = up_to_counting(&mut all[0], &key(0));
    let now = all[0].now;
    let out = all[0].accounts.sign_out(&key(0), now);
    all[0].carry(out);
    let rest = counted(&mut all[0], count);
    assert!(!matches!(rest, Some(Job::Send(_))), "{rest:?}");
    all[0].carry(rest);
    assert_eq!(all[0].requests(), 0);
}

#[test]
fn a_limit_that_was_set_is_kept_together_and_one_that_is_assumed_is_not() {
    let shelf = Shelf::default();
    let (mut one, mut two) = (limited(1, &shelf, 1), limited(1, &shelf, 2));
    assert!(one.get(&key(0)).is_ok());
    assert_eq!(two.got(&key(1)), "budget_spent");
    let mut assumed = Machine::with_store(standard(), Storage::Shared, &Shelf::default(), 3);
    let mut next = assumed.decide(&key(0)).job;
    let steps = std::iter::from_fn(|| {
        let job = next.take()?;
        let is_draw = matches!(&job, Job::Save(save) if save.key() == &Key::requests());
        next = assumed.step(job);
        Some(is_draw)
    });
    assert!(steps.collect::<Vec<_>>().iter().all(|is_draw| !is_draw), "600 a minute are nobody's rule");
}

#[test]
fn a_machine_with_a_store_of_its_own_counts_alone() {
    let shelf = Shelf::default();
    let mut world = Machine::with_store(officernd(), Storage::Private, &shelf, 1);
    assert_eq!(world.got(&key(0)), "AT1");
    assert!(shelf.history().iter().all(|record| record.sent.is_empty()));
}

#[test]
fn the_record_of_the_requests_holds_those_that_count_and_no_older_ones() {
    let shelf = Shelf::default();
    let mut world = fleet(1, &shelf).remove(0);
    for _ in 0..10 {
        assert!(world.get(&key(0)).is_ok());
        world.age(&key(0), Freshness::Expired);
    }
    let most = |shelf: &Shelf| shelf.history().iter().map(|record| record.sent.len()).max();
    assert_eq!(most(&shelf), Some(1), "an hour lies between them");
    assert!(world.get(&key(1)).is_ok());
    world.pass(Duration::from_secs(61) + SAVING);
    assert!(world.get(&key(2)).is_ok());
    assert_eq!(most(&shelf), Some(1), "the place of the last but one is free from this moment on");
}

#[test]
fn the_key_of_the_requests_brings_no_tokens() {
    let shelf = Shelf::default();
    let mut all = fleet(1, &shelf);
    let requests = up_to_counting(&mut all[0], &key(0)).key().clone();
    assert_eq!(requests.grant(), Grant::None);
    let failure = all[0].get(&requests).expect_err("no token");
    let texts = [failure.to_string(), requests.to_string()];
    assert_eq!(failure.code(), "value_malformed", "{texts:?}");
}

#[test]
fn a_code_exchange_counts_for_the_fleet_with_the_next_request() {
    let shelf = Shelf::default();
    let (mut one, mut two) = (limited(2, &shelf, 1), limited(2, &shelf, 2));
    one.accounts.admit(Purpose::CodeExchange, one.now).expect("room");
    assert!(one.get(&key(0)).is_ok());
    assert_eq!(two.got(&key(1)), "budget_spent");
    assert_eq!(two.accounts.budget_left(two.now), 0);
}

/// The request that the machine sends next, if it does.
fn sent(job: Option<Job>) -> SendJob {
    match job {
        Some(Job::Send(send)) => send,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_closes_the_endpoint_while_the_store_counts_keeps_the_request_back() {
    let shelf = Shelf::default();
    let mut all = fleet(1, &shelf);
    let world = &mut all[0];
    let (count, other) = (up_to_counting(world, &key(0)), up_to_counting(world, &key(1)));
    let send = sent(counted(world, count));
    world.endpoint.then(Said::error(503, ""));
    let report = world.send(send);
    let rest = world.report(report);
    world.carry(rest);
    let rest = counted(world, other);
    world.carry(rest);
    assert_eq!(world.requests(), 1, "the endpoint has just failed");
}

#[test]
fn a_refresh_token_whose_count_meets_another_is_counted_again_as_long_as_its_marker_leaves_the_time() {
    let shelf = Shelf::default();
    let mut world = limited(10, &shelf, 1);
    world.sign_in(&hotel(), "RT0");
    let mut other = limited(10, &shelf, 2);
    let mut met_another = |world: &mut Machine, number, count| {
        assert!(other.got(&key(number)).starts_with("AT"), "it counts meanwhile");
        world.pass_seconds(3);
        counted(world, count)
    };
    let count = up_to_counting(&mut world, &hotel());
    let again = met_another(&mut world, 1, count);
    let Some(Job::Save(count)) = again else { panic!("3 s after it was written ahead: {again:?}") };
    assert_eq!(*count.key(), Key::requests());
    let rest = met_another(&mut world, 2, count);
    world.carry(rest);
    assert_eq!(world.requests(), 0, "6 s after, a request could outlast the marker");
    assert_eq!(world.got(&hotel()), "AT1", "the next time");
}

#[test]
fn a_refresh_token_whose_count_stood_still_is_not_sent_though_the_wall_clock_was_set_back_meanwhile() {
    // The claim may be over soon, and somebody else begin.
    is_not_sent_after(|world| {
        let begun = world.now.wall;
        world.pass_seconds(60);
        world.now.wall = begun;
    });
}
