//! Which token is served, refusals of resource servers, and what a handle serves without the manager.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    AccessToken, Freshness, Imported, Job, Now, Policy, Secret, Storage, TokenSet, TransportError,
};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::registration::standard;

use crate::scene::{MILLI, blocked_for, fresh, process, refuse, send};

/// Returns a machine whose token of unknown lifetime was due. The renewal ended with this reply and is being saved.
fn saving_after(said: ServerReply) -> Machine {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.endpoint.then(ServerReply::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(world.got(&service()), "AT1");
    world.pass_seconds(3600);
    world.endpoint.then(said);
    let renewal = world.decide(&service()).job.expect("a token of unknown lifetime is renewed");
    let save = world.step(renewal).expect("the outcome is saved first");
    assert!(matches!(save, Job::Save(_)));
    world
}

/// Returns a machine that holds a token of an account, which is due for renewal.
fn stale(refresh_token: Option<&str>) -> Machine {
    let mut world = Machine::new(standard());
    let token = AccessToken::new("AT0").expect("a token");
    let refresh_token = refresh_token.map(Secret::from);
    let lifetime = Some(Duration::from_secs(3600));
    let profile = standard().profile().clone();
    let tokens = TokenSet::restore(&profile, token, world.now.wall, lifetime, refresh_token);
    let saved = world.manager.import(&hotel(), Imported::Tokens(tokens), world.now);
    assert!(saved.expect("it is imported").is_none());
    world.age(&hotel(), Freshness::Stale);
    world
}

#[test]
fn a_handles_cached_token_expires_by_either_clock() {
    let mut world = Machine::new(standard());
    let token = world.get(&service()).expect("a token");
    let published = world.manager.published(&service(), world.now).expect("a fresh token");
    let due = token.validity().renewal_due_age().expect("it is renewed");
    let Now { wall, boot } = world.now;
    let at = |wall, boot| published.serves(Now { wall, boot });
    assert!(at(wall, boot) && at(wall, boot + due - MILLI) && at(wall.saturating_add(due - MILLI), boot));
    assert!(!at(wall, boot + due), "its renewal is due by the boot clock");
    assert!(!at(wall.saturating_add(due), boot), "by the wall clock");
    assert!(published.serves_by_wall(wall.saturating_sub(Duration::from_secs(60))));
    let before = wall.saturating_sub(Duration::from_secs(60) + MILLI);
    assert!(!published.serves_by_wall(before) && !at(before, boot), "one of the clocks is wrong");
}

#[test]
fn a_token_whose_renewal_is_in_flight_is_served_until_it_expires() {
    let mut world = Machine::new(standard());
    let token = world.get(&service()).expect("a token");
    world.age(&service(), Freshness::Stale);
    let _in_flight = send(world.decide(&service()).job);
    let published = world.manager.published(&service(), world.now).expect("it works still");
    assert!(published.serves(world.now));
    let validity = token.validity();
    let left = validity.served_until_age().expect("it ends") - validity.age(world.now);
    assert!(published.serves_by_wall(world.now.wall.saturating_add(left - MILLI)));
    assert!(!published.serves_by_wall(world.now.wall.saturating_add(left)));
}

#[test]
fn a_token_that_is_stale_by_a_clock_set_back_is_published_until_the_clock_is_correct() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(90));
    // The token is stale by the wall clock, and its renewal is in flight.
    let told = world.decide(&service());
    assert_eq!(
        told.next_change,
        Some(world.now.boot + Duration::from_secs(30)),
        "then the clock is right again"
    );
    let _in_flight = send(told.job);
    let Now { wall, .. } = world.now;
    let published = world.manager.published(&service(), world.now).expect("it is served all the same");
    assert!(published.serves_by_wall(wall.saturating_sub(Duration::from_secs(9000))));
    assert!(published.serves_by_wall(wall.saturating_add(Duration::from_secs(30) - MILLI)));
    assert!(
        !published.serves_by_wall(wall.saturating_add(Duration::from_secs(30))),
        "the clock is right again"
    );
}

#[test]
fn a_handle_serves_no_cached_token_while_a_flight_is_overdue() {
    let mut world = saving_after(ServerReply::token("AT2", 3600));
    assert!(world.manager.published(&service(), world.now).is_some(), "the new one is not in force yet");
    world.pass_seconds(5);
    assert!(world.manager.published(&service(), world.now).is_none(), "the next decision ends the flight");
    assert!(world.decide(&service()).line.contains("use AT2"));
}

#[test]
fn a_handle_serves_a_stale_cached_token_if_it_cannot_be_renewed() {
    let mut without = stale(None);
    assert!(without.manager.published(&hotel(), without.now).is_some(), "there is no refresh token");
    let mut dead = stale(Some("RT0"));
    dead.endpoint.then(ServerReply::error(400, "invalid_grant"));
    let renewal = dead.decide(&hotel()).job;
    dead.carry(renewal);
    assert!(dead.manager.published(&hotel(), dead.now).is_some(), "its refresh token is dead");
    let mut closed = stale(Some("RT0"));
    closed.endpoint.then(ServerReply::error(503, ""));
    let renewal = closed.decide(&hotel()).job;
    closed.carry(renewal);
    assert!(closed.manager.published(&hotel(), closed.now).is_none(), "another key may open it again");
}

#[test]
fn a_token_that_expired_before_it_was_saved_does_not_replace_one_that_works() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Stale);
    world.endpoint.then(ServerReply::token("AT2", 60));
    let renewal = world.decide(&service()).job.expect("it is due");
    let save = world.step(renewal).expect("the outcome is saved first");
    world.pass_seconds(120);
    let rest = world.step(save);
    world.carry(rest);
    assert!(world.decide(&service()).line.contains("use AT1"));
}

#[test]
fn a_resource_server_that_refuses_every_token_costs_one_renewal_a_minute_at_first() {
    let mut world = Machine::new(standard());
    let mut forced = Vec::new();
    let mut last = 0;
    // Each generation lives for less than half of its lifetime, so none counts as proven.
    for second in 0..3600_u64 {
        let token = world.get(&service()).expect("always a token");
        if world.requests() > last {
            last = world.requests();
            forced.push(second);
        }
        world.manager.refused(&service(), token.generation(), world.now);
        world.pass_seconds(1);
    }
    let pauses: Vec<u64> = forced.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [1, 60, 120, 240, 480, 900, 900], "at {forced:?}");
}

#[test]
fn forced_renewals_are_possible_again_after_a_token_lived_without_a_refusal() {
    let mut world = Machine::new(standard());
    for _ in 0..3 {
        let token = world.get(&service()).expect("a token");
        world.manager.refused(&service(), token.generation(), world.now);
        world.got(&service());
        world.pass_seconds(900);
    }
    let token = world.get(&service()).expect("a token");
    world.manager.refused(&service(), token.generation(), world.now);
    let told = world.decide(&service());
    assert_eq!(told.line, "refused_renewing: send");
    world.carry(told.job);
    let token = world.get(&service()).expect("a token");
    world.manager.refused(&service(), token.generation(), world.now);
    assert_eq!(blocked_for(&mut world, &service()), Duration::from_secs(60), "not doubled");
}

#[test]
fn a_forced_renewal_without_an_answer_does_not_block_the_next_one() {
    let ends: [fn() -> ServerReply; 4] = [
        || ServerReply::Fault(TransportError::not_sent("connection refused")),
        || ServerReply::error(500, "server_error"),
        || ServerReply::error(429, "slow_down"),
        || ServerReply::Fault(TransportError::timed_out("no answer")),
    ];
    for said in ends {
        let mut world = Machine::new(standard());
        let token = world.get(&service()).expect("a token");
        world.endpoint.then(said());
        world.manager.refused(&service(), token.generation(), world.now);
        assert_eq!(world.got(&service()), "AT1 (suspect)");
        let pause = blocked_for(&mut world, &service());
        assert!(pause <= Duration::from_secs(5), "only the setback closes it: {pause:?}");
        world.pass(pause);
        assert_eq!(world.got(&service()), "AT3");
    }
}

#[test]
fn a_forced_renewal_that_brings_the_same_token_or_an_error_blocks_the_next_one() {
    for said in [|| ServerReply::token("AT1", 3600), || ServerReply::error(400, "invalid_scope")] {
        let mut world = Machine::new(standard());
        let token = world.get(&service()).expect("a token");
        world.endpoint.then(said());
        world.manager.refused(&service(), token.generation(), world.now);
        assert_eq!(world.got(&service()), "AT1 (suspect)");
        let requests = world.requests();
        for _ in 0..59 {
            world.pass_seconds(1);
            world.got(&service());
        }
        assert_eq!(world.requests(), requests);
    }
}

#[test]
fn twenty_refusals_of_one_generation_cause_one_renewal() {
    let mut world = Machine::new(standard());
    let generation = world.get(&service()).expect("a token").generation();
    for _ in 0..20 {
        world.manager.refused(&service(), generation, world.now);
        world.got(&service());
    }
    assert_eq!(world.requests(), 2);
    assert_eq!(world.got(&service()), "AT2");
}

#[test]
fn half_of_a_short_lifetime_without_a_refusal_resets_the_block_of_forced_renewals() {
    let mut world = Machine::new(standard());
    let mut closed = Vec::new();
    for lived in [0, 299, 300] {
        world.endpoint.always(|asked| ServerReply::token(&format!("AT{}", asked.number), 600));
        let token = world.get(&service()).expect("a token");
        world.pass_seconds(lived);
        world.manager.refused(&service(), token.generation(), world.now);
        let token = world.get(&service()).expect("another");
        world.manager.refused(&service(), token.generation(), world.now);
        closed.push(blocked_for(&mut world, &service()).as_secs());
        world.pass_seconds(900);
        world.got(&service());
    }
    assert_eq!(closed, [60, 120, 60]);
}

#[test]
fn the_block_of_forced_renewals_ends_after_15_minutes_without_a_refusal() {
    let mut world = Machine::new(standard());
    world.endpoint.always(|asked| ServerReply::token(&format!("AT{}", asked.number), 86_400));
    let mut closed = Vec::new();
    for lived in [0, 899, 900] {
        let token = world.get(&service()).expect("a token");
        world.pass_seconds(lived);
        world.manager.refused(&service(), token.generation(), world.now);
        let token = world.get(&service()).expect("another");
        world.manager.refused(&service(), token.generation(), world.now);
        let wait = blocked_for(&mut world, &service());
        closed.push(wait.as_secs());
        world.pass(wait);
        world.got(&service());
    }
    assert_eq!(closed, [60, 240, 60], "the one in between was forced too");
}

#[test]
fn the_same_token_again_with_lifetime_zero_is_not_served() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::token("AT1", 60));
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Expired);
    world.endpoint.then(ServerReply::token("AT1", 0));
    assert_eq!(world.got(&service()), "expired_on_arrival");
}

#[test]
fn a_token_that_is_read_again_keeps_its_age_by_both_clocks() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    one.endpoint.then(ServerReply::tokens("AT1", 10, "RT5"));
    let renewal = one.decide(&hotel()).job;
    one.carry(renewal);
    two.pass_seconds(3500);
    two.now.wall = two.now.wall.saturating_sub(Duration::from_secs(1800));
    two.endpoint.then(ServerReply::error(503, ""));
    let renewal = two.decide(&hotel()).job;
    two.carry(renewal);
    assert_eq!(two.asked[0].refresh_token(), Some("RT5"), "the record was read again");
    two.pass_seconds(90);
    let freshness = two.manager.status(&hotel(), two.now).expect("known").freshness;
    assert_eq!(freshness, Freshness::Expired);
}

#[test]
fn a_repeated_token_that_has_expired_is_not_served_whatever_the_clock_says() {
    let mut world = Machine::new(standard());
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Expired);
    let send = world.up_to_sending(&service());
    world.endpoint.then(ServerReply::token("AT1", 3600));
    let report = world.send(send);
    let set_by = Duration::from_secs(5000);
    world.now.wall = world.now.wall.saturating_add(set_by);
    let rest = world.report(report);
    world.carry(rest);
    assert_eq!(
        world.decide_at_deadline(&service()).line,
        "expired_blocked: give up, expired_on_arrival, later"
    );
    world.now.wall = world.now.wall.saturating_sub(set_by);
    let told = world.decide_at_deadline(&service());
    assert!(told.token.is_none(), "{}", told.line);
}

#[test]
fn a_stored_token_is_served_at_most_for_its_lifetime_from_the_first_read() {
    let (_, _, store) = Machine::two_processes(standard);
    let mut third = process(&store, 3);
    // The wall clock is a day behind that of the process that wrote the record.
    third.now.wall = third.now.wall.saturating_sub(Duration::from_secs(86_400));
    third.endpoint.always(|_| ServerReply::Fault(TransportError::not_sent("connection refused")));
    assert_eq!(third.got(&hotel()), "AT1");
    third.pass_seconds(3589);
    assert_eq!(third.got(&hotel()), "AT1");
    third.pass_seconds(1);
    assert_eq!(third.got(&hotel()), "not_sent");
}

#[test]
fn a_refusal_of_an_older_generation_changes_nothing() {
    let mut world = fresh();
    let old = world.get(&service()).expect("a token").generation();
    world.age(&service(), Freshness::Expired);
    assert_eq!(world.got(&service()), "AT2");
    world.manager.refused(&service(), old, world.now);
    assert_eq!(world.decide(&service()).line, "fresh: use AT2");
    assert_eq!(world.requests(), 2);
}

#[test]
fn a_handles_cached_token_ends_at_the_next_change_of_the_state() {
    let mut world = fresh();
    let published = world.manager.published(&service(), world.now).expect("a fresh token");
    let told = world.decide(&service());
    let end = told.next_change.expect("its renewal comes");
    assert!(published.serves_by_boot(end - Duration::from_millis(1)));
    assert!(!published.serves_by_boot(end));
    refuse(&mut world);
    assert!(world.manager.published(&service(), world.now).is_none(), "a refusal withdraws it");
}

#[test]
fn the_token_that_outlives_its_successor_is_served_while_renewals_fail() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    world.endpoint.then(ServerReply::token("AT1", 3600));
    assert_eq!(world.got(&service()), "AT1");
    world.age(&service(), Freshness::Stale);
    world.endpoint.then(ServerReply::token("AT2", 1));
    let save = Job::Save(world.up_to_writing(&service()));
    world.pass_seconds(2);
    world.carry(Some(save));
    for _ in 0..3 {
        world.endpoint.then(ServerReply::page(502, &[]));
        assert_eq!(world.got(&service()), "AT1");
        world.pass_seconds(61);
    }
}

#[test]
fn a_refused_token_that_cannot_be_renewed_is_served_only_after_the_store_was_read_again() {
    let store = InMemoryStore::default();
    let process = |seed| {
        let policy = Policy::default().with_reread_interval(Duration::from_secs(10)).expect("an interval");
        Machine::with_store_and_policy(standard(), policy, Storage::MultiProcess, &store, seed)
    };
    let (mut one, mut two) = (process(1), process(2));
    one.sign_in(&hotel(), "RT0");
    let token = one.get(&hotel()).expect("a token");
    one.manager.refused(&hotel(), token.generation(), one.now);
    one.endpoint.then(ServerReply::error(400, "invalid_request"));
    assert_eq!(one.got(&hotel()), "AT1 (suspect)");
    two.sign_out(&hotel());
    one.pass_seconds(9);
    assert_eq!(one.got(&hotel()), "AT1 (suspect)");
    one.pass_seconds(1);
    assert_eq!(one.got(&hotel()), "signed_out");
}

#[test]
fn a_token_does_not_grow_younger_when_the_clock_is_set_back_after_it_was_read() {
    let (one, _, store) = Machine::two_processes(standard);
    let mut third = process(&store, 3);
    third.now.wall = one.now.wall.saturating_add(Duration::from_secs(3500));
    third.endpoint.always(|_| ServerReply::Fault(TransportError::not_sent("connection refused")));
    // The machine was started five seconds ago, so the token is older than its boot clock.
    third.now.boot = Duration::from_secs(5);
    assert_eq!(third.got(&hotel()), "AT1");
    third.now.wall = third.now.wall.saturating_sub(Duration::from_secs(3500));
    third.pass_seconds(89);
    assert_eq!(third.got(&hotel()), "AT1");
    third.pass_seconds(1);
    assert_eq!(third.got(&hotel()), "not_sent");
}

#[test]
fn a_token_that_had_expired_when_read_is_not_served_after_the_clock_is_set_back() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    two.now = one.now;
    one.endpoint.then(ServerReply::tokens("AT2", 10, "RT2"));
    let renewal = one.decide(&hotel()).job;
    one.carry(renewal);
    two.endpoint.always(|_| ServerReply::page(502, &[]));
    two.pass_seconds(20);
    for set_back in [0, 3600] {
        two.now.wall = two.now.wall.saturating_sub(Duration::from_secs(set_back));
        two.pass_seconds(61);
        two.got(&hotel());
        assert_eq!(two.got(&hotel()), "AT1", "the record was read again");
    }
}

#[test]
fn a_refused_token_that_the_server_issues_again_to_another_process_is_flagged() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let token = one.get(&hotel()).expect("a token");
    one.manager.refused(&hotel(), token.generation(), one.now);
    one.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    assert_eq!(one.got(&hotel()), "AT2");
    two.pass_seconds(61);
    two.got(&hotel());
    two.age(&hotel(), Freshness::Stale);
    two.endpoint.then(ServerReply::tokens("AT1", 3600, "RT3"));
    two.got(&hotel());
    assert_eq!(two.stored(&hotel()).access_token(), Some("AT1"));
    one.now = two.now;
    one.endpoint.always(|_| ServerReply::page(502, &[]));
    one.got(&hotel());
    assert_eq!(one.got(&hotel()), "AT1 (suspect)");
}

#[test]
fn a_token_keeps_its_generation_if_the_next_one_expired_on_arrival() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    let before = world.get(&service()).expect("a token").generation();
    world.age(&service(), Freshness::Stale);
    world.endpoint.then(ServerReply::token("AT2", 0));
    assert_eq!(world.got(&service()), "AT1");
    assert_eq!(world.get(&service()).expect("a token").generation(), before);
    assert_eq!(world.stored(&service()).generation(), before);
}

#[test]
fn the_refusal_of_an_expired_token_does_not_replace_that_of_an_earlier_one() {
    let mut world = fresh();
    refuse(&mut world);
    let second = world.get(&service()).expect("another").generation();
    world.age(&service(), Freshness::Expired);
    world.manager.refused(&service(), second, world.now);
    world.endpoint.always(|asked| match asked.number {
        3 => ServerReply::token("AT1", 3600),
        _ => ServerReply::page(502, &[]),
    });
    world.got(&service());
    assert_eq!(world.got(&service()), "AT1 (suspect)");
}

#[test]
fn a_sign_in_ends_the_limit_of_forced_renewals() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let refuse = |world: &mut Machine| {
        let token = world.get(&hotel()).expect("a token");
        world.manager.refused(&hotel(), token.generation(), world.now);
    };
    refuse(&mut world);
    assert_eq!(world.got(&hotel()), "AT2");
    world.sign_in(&hotel(), "RT9");
    refuse(&mut world);
    assert_eq!(world.decide(&hotel()).line, "refused_renewing: send");
}

#[test]
fn a_handles_snapshot_is_the_same_until_the_spec_changes() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let published = |world: &mut Machine| world.manager.published(&hotel(), world.now);
    let first = published(&mut two).expect("a fresh token");
    assert!(published(&mut two).is_some_and(|again| Arc::ptr_eq(&first, &again)));
    one.sign_in(&hotel(), "RT9");
    let name = two.name(&hotel());
    assert_eq!(two.manager.changed_elsewhere(&name).as_deref(), Some(&hotel()));
    assert!(published(&mut two).is_none(), "the store is read first");
}
