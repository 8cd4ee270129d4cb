//! What a handle holds and reads by itself, and what keeping warm looks at.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use octo_auth_core::{
    AccessToken, Adopted, Fault, Fingerprint, Freshness, Job, Key, Lineage, Now, Policy, RenewalCause, Row,
    Secret, Storage, TokenSet, Warm,
};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, scoped, service};
use octo_auth_tests::registration::standard;

const MILLI: Duration = Duration::from_millis(1);

/// A machine that keeps one key at most.
fn narrow() -> Machine {
    Machine::with_policy(standard(), Policy::default().with_capacity(1).expect("room for one"))
}

fn send(job: Option<Job>) -> octo_auth_core::SendJob {
    match job {
        Some(Job::Send(job)) => job,
        other => panic!("no request: {other:?}"),
    }
}

#[test]
fn a_key_is_kept_until_its_last_handle_goes() {
    let mut world = narrow();
    for _ in 0..2 {
        world.accounts.hold(&service()).expect("the first key");
    }
    world.accounts.let_go(&service());
    world.accounts.hold(&scoped("other")).expect_err("one handle is left");
    world.accounts.let_go(&service());
    world.accounts.hold(&scoped("other")).expect("nobody holds the first any more");
    assert!(world.accounts.keys().all(|key| **key == scoped("other")));
}

#[test]
fn what_a_handle_serves_ends_by_either_clock() {
    let mut world = Machine::new(standard());
    let token = world.get(&service()).expect("a token");
    let published = world.accounts.published(&service(), world.now).expect("a fresh token");
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
fn a_token_whose_renewal_is_under_way_is_served_to_its_end_from_the_moment_it_is_due() {
    let mut world = Machine::new(standard());
    let token = world.get(&service()).expect("a token");
    world.age(&service(), Freshness::Stale);
    let _under_way = send(world.decide(&service()).job);
    let published = world.accounts.published(&service(), world.now).expect("it works still");
    assert!(published.serves(world.now));
    let validity = token.validity();
    let left = validity.served_until_age().expect("it ends") - validity.age(world.now);
    assert!(published.serves_by_wall(world.now.wall.saturating_add(left - MILLI)));
    assert!(!published.serves_by_wall(world.now.wall.saturating_add(left)));
}

#[test]
fn a_token_that_waits_for_its_wall_clock_is_published_up_to_that_moment() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(90));
    // It is stale by the wall clock, and its renewal is under way.
    let told = world.decide(&service());
    assert_eq!(
        told.next_change,
        Some(world.now.boot + Duration::from_secs(30)),
        "then the clock is right again"
    );
    let _under_way = send(told.job);
    let Now { wall, .. } = world.now;
    let published = world.accounts.published(&service(), world.now).expect("it is served all the same");
    assert!(published.serves_by_wall(wall.saturating_sub(Duration::from_secs(9000))));
    assert!(published.serves_by_wall(wall.saturating_add(Duration::from_secs(30) - MILLI)));
    assert!(
        !published.serves_by_wall(wall.saturating_add(Duration::from_secs(30))),
        "the clock is right again"
    );
}

/// A machine whose token of unknown lifetime is due, and whose renewal, which ended so, is being saved.
fn saving_after(said: Said) -> Machine {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.endpoint.then(Said::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(world.got(&service()), "AT1");
    world.pass_seconds(3600);
    world.endpoint.then(said);
    let renewal = world.decide(&service()).job.expect("a token of unknown lifetime is renewed");
    let save = world.step(renewal).expect("the outcome is saved first");
    assert!(matches!(save, Job::Save(_)));
    world
}

#[test]
fn a_handle_serves_nothing_by_itself_while_a_flight_is_overdue() {
    let mut world = saving_after(Said::token("AT2", 3600));
    assert!(world.accounts.published(&service(), world.now).is_some(), "the new one is not in force yet");
    world.pass_seconds(5);
    assert!(world.accounts.published(&service(), world.now).is_none(), "whoever decides ends the flight");
    assert!(world.decide(&service()).line.contains("use AT2"));
}

#[test]
fn what_is_told_of_the_end_of_a_token_that_is_given_again_holds_before_it_is_saved() {
    let mut world = saving_after(Said::token("AT1", 3));
    assert!(world.accounts.published(&service(), world.now).is_some());
    world.pass_seconds(3);
    assert!(world.accounts.published(&service(), world.now).is_none());
    assert_eq!(world.decide(&service()).line, "6: wait");
}

#[test]
fn a_token_served_by_a_handle_is_kept_warm_and_one_that_nobody_uses_is_not() {
    for is_used in [true, false] {
        let mut world = Machine::new(standard());
        world.get(&service()).expect("a token");
        world.accounts.published(&service(), world.now).expect("a fresh token");
        world.age(&service(), Freshness::Stale);
        world.carry_warm();
        let published = world.accounts.published(&service(), world.now).expect("a fresh token");
        if is_used {
            published.note_use();
            published.note_use();
        }
        world.age(&service(), Freshness::Stale);
        let job = world.accounts.tend(Warm::Used, world.now).job;
        assert_eq!(job.is_some(), is_used);
        assert!(job.is_none_or(|job| send(Some(job)).cause() == Some(RenewalCause::Warm)));
    }
}

#[test]
fn keeping_warm_asks_again_when_the_next_key_is_due_and_not_before() {
    let mut world = Machine::new(standard());
    world.endpoint.then(Said::token("AT1", 40));
    let token = world.get(&service()).expect("a token");
    let due = world.now.boot + token.validity().renewal_due_age().expect("it is renewed");
    let early = world.accounts.tend(Warm::All, world.now);
    assert!(early.job.is_none());
    assert_eq!(early.again, due.min(world.now.boot + Duration::from_secs(30)));
    world.pass_until(due - MILLI);
    let early = world.accounts.tend(Warm::All, world.now);
    assert!(early.job.is_none() && early.again == due, "{early:?}");
    world.pass_until(due);
    assert!(world.accounts.tend(Warm::All, world.now).job.is_some());
}

#[test]
fn keys_that_nobody_uses_do_not_hide_one_that_is_used() {
    let mut world = Machine::new(standard());
    let keys: Vec<Key> = ["a", "b", "c"].map(scoped).into();
    for key in &keys {
        world.get(key).expect("a token");
    }
    world.pass_seconds(3500);
    for key in &keys {
        let tended = world.accounts.tend(Warm::All, world.now).job;
        assert!(tended.is_some(), "{key}");
        world.carry(tended);
    }
    world.accounts.published(&keys[2], world.now).expect("a fresh token").note_use();
    world.pass_seconds(3500);
    let job = world.accounts.tend(Warm::Used, world.now).job;
    assert_eq!(send(job).key(), &keys[2]);
}

#[test]
fn the_first_success_after_an_outage_has_all_keys_looked_at() {
    let mut world = Machine::new(standard());
    let keys = ["a", "b"].map(scoped);
    for key in &keys {
        world.get(key).expect("a token");
    }
    world.pass_seconds(3500);
    world.endpoint.then(Said::error(503, ""));
    let first = world.accounts.tend(Warm::All, world.now).job;
    world.carry(first);
    world.pass_seconds(70);
    let probe = world.accounts.tend(Warm::All, world.now).job;
    assert!(probe.is_some(), "one key tries for all");
    assert!(world.accounts.tend(Warm::All, world.now).job.is_none(), "the other waits for it");
    world.carry(probe);
    assert!(world.accounts.tend(Warm::All, world.now).job.is_some(), "and is renewed as soon as it is open");
}

#[test]
fn another_client_has_all_keys_looked_at() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    world.pass_seconds(3500);
    world.endpoint.then(Said::error(401, "invalid_client"));
    let refused = world.accounts.tend(Warm::All, world.now).job;
    world.carry(refused);
    assert!(world.accounts.tend(Warm::All, world.now).job.is_none(), "the client is wrong");
    world.accounts.replace_client(standard()).expect("its requests can be built");
    assert!(world.accounts.tend(Warm::All, world.now).job.is_some());
}

#[test]
fn keeping_warm_looks_at_no_key_that_only_a_person_can_help_or_that_shuts_down() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.endpoint.then(Said::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "consent_lost");
    let calm = |world: &mut Machine| {
        let tended = world.accounts.tend(Warm::All, world.now);
        (tended.job.is_none(), tended.again - world.now.boot)
    };
    assert_eq!(calm(&mut world), (true, Duration::from_secs(30)));
    world.sign_in(&hotel(), "RT5");
    world.get(&hotel()).expect("a token");
    world.accounts.shut_down();
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(calm(&mut world), (true, Duration::from_secs(30)));
    assert_eq!(world.accounts.status(&hotel(), world.now).expect("known").row, Row::ShuttingDown);
}

#[test]
fn what_the_store_holds_already_is_not_saved_again_at_the_end() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    assert!(world.accounts.save_all(world.now).is_empty());
    let _under_way = world.accounts.sign_out(&hotel(), world.now).expect("that is saved");
    assert!(world.accounts.save_all(world.now).is_empty(), "it is under way");
}

#[test]
fn a_sign_out_that_the_store_did_not_take_is_saved_by_keeping_warm() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.shelf.refuse_writing(true);
    world.sign_out(&hotel());
    world.shelf.refuse_writing(false);
    world.pass_seconds(31);
    let tended = world.accounts.tend(Warm::Used, world.now).job;
    assert!(matches!(tended, Some(Job::Save(_))), "{tended:?}");
    world.carry(tended);
    assert!(world.stored(&hotel()).signed_out);
}

/// A machine that holds a token of an account, which is due for renewal.
fn stale(refresh_token: Option<&str>) -> Machine {
    let mut world = Machine::new(standard());
    let token = AccessToken::new("AT0").expect("a token");
    let refresh_token = refresh_token.map(Secret::from);
    let lifetime = Some(Duration::from_secs(3600));
    let profile = standard().profile().clone();
    let tokens = TokenSet::restore(&profile, token, world.now.wall, lifetime, refresh_token);
    let saved = world.accounts.adopt(&hotel(), Adopted::Tokens(tokens), world.now);
    assert!(saved.expect("it is adopted").is_none());
    world.age(&hotel(), Freshness::Stale);
    world
}

#[test]
fn a_stale_token_is_served_by_its_handle_alone_if_nothing_can_renew_it() {
    let mut without = stale(None);
    assert!(without.accounts.published(&hotel(), without.now).is_some(), "there is no refresh token");
    let mut dead = stale(Some("RT0"));
    dead.endpoint.then(Said::error(400, "invalid_grant"));
    let renewal = dead.decide(&hotel()).job;
    dead.carry(renewal);
    assert!(dead.accounts.published(&hotel(), dead.now).is_some(), "its refresh token is dead");
    let mut closed = stale(Some("RT0"));
    closed.endpoint.then(Said::error(503, ""));
    let renewal = closed.decide(&hotel()).job;
    closed.carry(renewal);
    assert!(closed.accounts.published(&hotel(), closed.now).is_none(), "another key may open it again");
}

#[test]
fn a_key_with_a_past_is_not_forgotten_for_another() {
    let pasts: [fn(&mut Machine); 3] = [
        |world| {
            let token = world.get(&service()).expect("a token");
            world.accounts.refused(&service(), token.generation(), world.now);
        },
        |world| {
            world.endpoint.then(Said::error(400, "invalid_scope"));
            world.got(&service());
        },
        |world| {
            world.endpoint.then(Said::error(503, ""));
            world.got(&service());
        },
    ];
    let is_kept = |past: Option<fn(&mut Machine)>| {
        let mut world = narrow();
        match past {
            Some(past) => past(&mut world),
            None => drop(world.get(&service())),
        }
        world.accounts.hold(&scoped("other")).is_err()
    };
    assert!(!is_kept(None));
    assert_eq!(pasts.map(|past| is_kept(Some(past))), [true, true, false], "the last is the registration's");
}

#[test]
fn the_failure_of_a_flight_that_was_given_up_is_not_taken_for_that_of_the_next() {
    let mut world = Machine::new(standard());
    let first = send(world.decide(&service()).job);
    world.pass_seconds(62);
    // The first is over, and another begins after the pause that it has left.
    let told = world.decide(&service());
    let second = match told.job {
        Some(job) => send(Some(job)),
        None => {
            world.pass(told.wait());
            send(world.decide(&service()).job)
        }
    };
    let rest = world.report(first.failed(Fault::not_sent("no route"), world.now));
    assert!(rest.is_none());
    assert!(world.accounts.status(&service(), world.now).expect("known").in_flight, "the second goes on");
    let report = world.send(second);
    let rest = world.report(report);
    world.carry(rest);
    assert_eq!(world.got(&service()), "AT1");
}

#[test]
fn a_policy_keeps_what_it_was_given_when_it_is_given_more() {
    let wait = Duration::from_secs(7);
    let policy = Policy::default().with_capacity(3).and_then(|own| own.with_wait(wait)).expect("sound");
    assert_eq!((policy.capacity(), policy.wait()), (3, wait));
    assert_eq!(policy.exchange_deadline(), Policy::default().exchange_deadline());
}

#[test]
fn lineages_and_fingerprints_show_what_tells_them_apart_and_nothing_to_use() {
    assert_eq!(format!("{:?}", Lineage::from_bytes([0xab; 16])), "Lineage(abababab)");
    let fingerprint = Fingerprint::of(&Secret::from("RT0"));
    assert_eq!(format!("{fingerprint:?}"), "Fingerprint(***)");
    assert_eq!(Fingerprint::from_bytes(*fingerprint.as_bytes()), fingerprint);
}

/// What the tests of keeping warm do over and over.
trait Carries {
    /// Carries what keeping warm begins now, if anything.
    fn carry_warm(&mut self);
}

impl Carries for Machine {
    fn carry_warm(&mut self) {
        let job = self.accounts.tend(Warm::All, self.now).job;
        assert!(job.is_some(), "something is due");
        self.carry(job);
    }
}
