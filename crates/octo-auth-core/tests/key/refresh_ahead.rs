//! The timer that renews tokens before a caller waits.

use std::collections::BTreeSet;
use std::time::Duration;

use octo_auth_core::{Freshness, Job, RefreshAhead, RenewalCause, State, Storage, TokenSpec, TransportError};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::standard;

use crate::scene::{MILLI, fresh, send};

/// A helper of the tests of refresh ahead.
trait Carries {
    /// Runs the jobs of a refresh ahead that is due now, if any.
    fn carry_ahead(&mut self);
}

impl Carries for Machine {
    fn carry_ahead(&mut self) {
        let job = self.manager.poll_due(RefreshAhead::All, self.now).job;
        assert!(job.is_some(), "something is due");
        self.carry(job);
    }
}

#[test]
fn a_token_that_a_handle_served_is_refreshed_ahead_and_an_unused_one_is_not() {
    for is_used in [true, false] {
        let mut world = Machine::new(standard());
        world.get(&service()).expect("a token");
        world.manager.published(&service(), world.now).expect("a fresh token");
        world.age(&service(), Freshness::Stale);
        world.carry_ahead();
        let published = world.manager.published(&service(), world.now).expect("a fresh token");
        if is_used {
            published.note_use();
            published.note_use();
        }
        world.age(&service(), Freshness::Stale);
        let job = world.manager.poll_due(RefreshAhead::Used, world.now).job;
        assert_eq!(job.is_some(), is_used);
        assert!(job.is_none_or(|job| send(Some(job)).cause() == Some(RenewalCause::Ahead)));
    }
}

#[test]
fn the_timer_fires_again_exactly_when_the_next_spec_is_due() {
    let mut world = Machine::new(standard());
    world.endpoint.then(ServerReply::token("AT1", 40));
    let token = world.get(&service()).expect("a token");
    let due = world.now.boot + token.validity().renewal_due_age().expect("it is renewed");
    let early = world.manager.poll_due(RefreshAhead::All, world.now);
    assert!(early.job.is_none());
    assert_eq!(early.again, due.min(world.now.boot + Duration::from_secs(30)));
    world.pass_until(due - MILLI);
    let early = world.manager.poll_due(RefreshAhead::All, world.now);
    assert!(early.job.is_none() && early.again == due, "{early:?}");
    world.pass_until(due);
    assert!(world.manager.poll_due(RefreshAhead::All, world.now).job.is_some());
}

#[test]
fn unused_specs_do_not_hide_a_used_one() {
    let mut world = Machine::new(standard());
    let keys: Vec<TokenSpec> = ["a", "b", "c"].map(scoped).into();
    for key in &keys {
        world.get(key).expect("a token");
    }
    world.pass_seconds(3500);
    for key in &keys {
        let tended = world.manager.poll_due(RefreshAhead::All, world.now).job;
        assert!(tended.is_some(), "{key}");
        world.carry(tended);
    }
    world.manager.published(&keys[2], world.now).expect("a fresh token").note_use();
    world.pass_seconds(3500);
    let job = world.manager.poll_due(RefreshAhead::Used, world.now).job;
    assert_eq!(send(job).spec(), &keys[2]);
}

#[test]
fn the_first_success_after_an_outage_makes_all_keys_due() {
    let mut world = Machine::new(standard());
    let keys = ["a", "b"].map(scoped);
    for key in &keys {
        world.get(key).expect("a token");
    }
    world.pass_seconds(3500);
    world.endpoint.then(ServerReply::Fault(TransportError::not_sent("no connection")));
    let first = world.manager.poll_due(RefreshAhead::All, world.now).job;
    world.carry(first);
    world.pass_seconds(70);
    let probe = world.manager.poll_due(RefreshAhead::All, world.now).job;
    assert!(probe.is_some(), "one key tries for all");
    let waits = world.manager.poll_due(RefreshAhead::All, world.now);
    assert!(waits.job.is_none(), "the other waits for it");
    assert!(
        waits.again - world.now.boot > MILLI,
        "and is not looked at until the probe may have ended: {waits:?}"
    );
    world.carry(probe);
    assert!(
        world.manager.poll_due(RefreshAhead::All, world.now).job.is_some(),
        "and is renewed as soon as it is open"
    );
}

#[test]
fn a_token_whose_account_was_told_to_wait_is_refreshed_ahead_when_the_wait_ends() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    world.age(&hotel(), Freshness::Stale);
    world.endpoint.then(ServerReply::page(429, &[("retry-after", "20")]));
    world.carry_ahead();
    let ends = world.now.boot + Duration::from_secs(20);
    let waits = world.manager.poll_due(RefreshAhead::All, world.now);
    assert!(waits.job.is_none() && waits.again == ends, "{waits:?}");
    world.pass_until(ends);
    world.carry_ahead();
    assert_eq!(world.requests(), 3);
}

#[test]
fn a_replaced_client_makes_all_keys_due() {
    let mut world = Machine::new(standard());
    world.get(&service()).expect("a token");
    world.pass_seconds(3500);
    world.endpoint.then(ServerReply::error(401, "invalid_client"));
    let refused = world.manager.poll_due(RefreshAhead::All, world.now).job;
    world.carry(refused);
    assert!(world.manager.poll_due(RefreshAhead::All, world.now).job.is_none(), "the client is wrong");
    world.manager.replace_client(standard()).expect("its requests can be built");
    assert!(world.manager.poll_due(RefreshAhead::All, world.now).job.is_some());
}

#[test]
fn a_key_that_needs_a_sign_in_or_shuts_down_is_not_due() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    let calm = |world: &mut Machine| {
        let tended = world.manager.poll_due(RefreshAhead::All, world.now);
        (tended.job.is_none(), tended.again - world.now.boot)
    };
    assert_eq!(calm(&mut world), (true, Duration::from_secs(30)));
    world.sign_in(&hotel(), "RT5");
    world.get(&hotel()).expect("a token");
    world.manager.shut_down();
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(calm(&mut world), (true, Duration::from_secs(30)));
    assert_eq!(world.manager.status(&hotel(), world.now).expect("known").state, State::ShuttingDown);
}

#[test]
fn an_unsaved_sign_out_is_saved_by_the_timer() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.get(&hotel()).expect("a token");
    world.store.refuse_writing(true);
    world.sign_out(&hotel());
    world.store.refuse_writing(false);
    world.pass_seconds(31);
    let tended = world.manager.poll_due(RefreshAhead::Used, world.now).job;
    assert!(matches!(tended, Some(Job::Save(_))), "{tended:?}");
    world.carry(tended);
    assert!(world.stored(&hotel()).is_signed_out());
}

#[test]
fn a_used_key_is_renewed_before_a_caller_waits() {
    let mut world = fresh();
    world.got(&service());
    let idle = world.manager.poll_due(RefreshAhead::Used, world.now);
    assert!(idle.job.is_none());
    assert!(idle.again > world.now.boot && idle.again <= world.now.boot + Duration::from_secs(30));
    world.age(&service(), Freshness::Stale);
    let due = world.manager.poll_due(RefreshAhead::Used, world.now);
    assert!(matches!(due.job, Some(Job::Send(_))), "{due:?}");
    world.carry(due.job);
    assert_eq!(world.requests(), 2);
    world.age(&service(), Freshness::Stale);
    assert!(world.manager.poll_due(RefreshAhead::Used, world.now).job.is_none(), "it was not used since");
    world.pass_seconds(30);
    let all = world.manager.poll_due(RefreshAhead::All, world.now);
    assert!(all.job.is_some(), "unless all are refreshed ahead");
}

#[test]
fn a_spec_that_was_visited_too_early_is_renewed_when_it_is_due() {
    let mut world = fresh();
    let validity = *world.get(&service()).expect("a token").validity();
    let due = world.now.boot + validity.renewal_due_age().expect("it is renewed");
    world.pass_until(due - Duration::from_secs(10));
    world.manager.replace_client(standard()).expect("its requests can be built");
    let early = world.manager.poll_due(RefreshAhead::All, world.now);
    assert!(early.job.is_none() && early.again == due, "{early:?}, due at {due:?}");
}

#[test]
fn the_record_of_a_signed_out_account_is_read_every_30_seconds_where_another_process_may_sign_in() {
    let mut world = Machine::with_store(standard(), Storage::MultiProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    world.sign_out(&hotel());
    let read = world.now.boot;
    for seconds in [1, 29, 30] {
        world.pass_until(read + Duration::from_secs(seconds));
        let job = world.manager.poll_due(RefreshAhead::All, world.now).job;
        assert_eq!(matches!(job, Some(Job::Load(_))), seconds == 30, "{seconds} s: {job:?}");
    }
}

#[test]
fn the_spec_that_was_tried_longest_ago_tries_the_endpoint_again() {
    let mut world = Machine::new(standard());
    let keys = ["a", "b", "c", "d"].map(scoped);
    for key in &keys {
        assert!(world.got(key).starts_with("AT"));
    }
    keys.iter().for_each(|key| world.age(key, Freshness::Stale));
    world.endpoint.always(|_| ServerReply::Fault(TransportError::not_sent("connection refused")));
    let mut tried = Vec::new();
    while tried.len() < 12 {
        let due = world.manager.poll_due(RefreshAhead::All, world.now);
        match due.job {
            Some(job) => {
                tried.push(job.ticket().spec().clone());
                world.carry(Some(job));
            }
            None => world.pass_until(due.again),
        }
    }
    for turn in tried.windows(keys.len()) {
        let differ = turn.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(differ, keys.len(), "each is tried in its turn: {tried:?}");
    }
}
