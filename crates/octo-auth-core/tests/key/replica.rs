//! What a process takes over from the record that another process wrote.

use std::time::Duration;

use octo_auth_core::{
    Event, Freshness, Imported, Job, RecordBytes, Remedy, Storage, StoreError, TokenErrorKind, TokenSpec,
};
use octo_auth_testkit::StoredRecord;
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, service};
use octo_auth_testkit::moment;
use octo_auth_testkit::registration::{never_replayed, standard};

use crate::scene::{process, signed_in};

/// Lets one process renew a token that is due for both. The other learns of it from the store.
fn one_renews_and_two_reads(one: &mut Machine, two: &mut Machine, key: &TokenSpec) {
    let renewal = one.decide(key).job;
    one.carry(renewal);
    two.now = one.now;
    let renewal = two.decide(key).job;
    two.carry(renewal);
    assert_eq!(two.requests(), 0, "what is stored is due no more");
}

#[test]
fn another_processs_attempt_in_doubt_counts_even_with_a_smaller_number() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    for _ in 0..2 {
        one.endpoint.then(ServerReply::page(429, &[]));
        let job = one.decide(&hotel()).job;
        one.carry(job);
        one.pass_seconds(70);
    }
    two.now = one.now;
    two.endpoint.then(ServerReply::error(400, "invalid_scope"));
    let job = two.decide(&hotel()).job;
    two.carry(job);
    two.pass_seconds(70);
    two.endpoint.then(ServerReply::page(502, &[]));
    let job = two.decide(&hotel()).job;
    two.carry(job);
    assert!(two.stored(&hotel()).is_in_doubt());
    one.now = two.now;
    let before = one.requests();
    assert_eq!(one.got(&hotel()), "AT1", "the old token works still");
    assert_eq!(one.requests(), before, "and its refresh token may have been replaced");
}

#[test]
fn another_processs_write_after_the_claim_ended_is_read_before_a_request_is_sent() {
    let (mut one, mut two, _) = Machine::two_processes(never_replayed);
    one.age(&hotel(), Freshness::Expired);
    let attempt = one.up_to_writing(&hotel());
    // It took so long that the other process has tried meanwhile, without success.
    two.now = one.now;
    two.pass_seconds(100);
    two.endpoint.then(ServerReply::page(502, &[]));
    two.got(&hotel());
    one.now = two.now;
    let rest = one.step(Job::Save(attempt));
    one.carry(rest);
    one.pass_seconds(100);
    let failure = one.get(&hotel()).map_err(|failure| failure.kind());
    assert_eq!(failure.err(), Some(TokenErrorKind::RefreshOutcomeUnknown));
    assert_eq!(one.requests(), 1, "the first one alone");
}

#[test]
fn a_failure_of_one_refresh_token_does_not_block_the_one_that_another_process_stored() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    two.now = one.now;
    let send = one.up_to_sending(&hotel());
    two.sign_in(&hotel(), "RT-new");
    one.endpoint.then(ServerReply::error(400, "invalid_scope"));
    let report = one.send(send);
    let rest = one.report(report);
    one.carry(rest);
    assert!(one.got(&hotel()).starts_with("AT"));
    assert_eq!(one.asked.last().and_then(|asked| asked.refresh_token()), Some("RT-new"));
}

#[test]
fn a_later_expiry_of_the_same_token_from_another_process_is_taken() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    one.endpoint.then(ServerReply::tokens("AT1", 86_400, "RT5"));
    one_renews_and_two_reads(&mut one, &mut two, &hotel());
    two.pass_seconds(3600);
    assert_eq!(two.got(&hotel()), "AT1");
    assert_eq!(two.requests(), 0);
}

#[test]
fn another_expiry_of_the_same_token_of_a_client_grant_is_taken() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.endpoint.then(ServerReply::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(one.got(&service()), "AT1");
    assert_eq!(two.got(&service()), "AT1");
    one.pass_seconds(3600);
    one.endpoint.then(ServerReply::token("AT1", 60));
    one_renews_and_two_reads(&mut one, &mut two, &service());
    two.pass_seconds(60);
    let freshness = two.manager.status(&service(), two.now).expect("known").freshness;
    assert_eq!(freshness, Freshness::Expired);
}

#[test]
fn a_new_token_replaces_an_old_one_that_is_stored_with_the_same_number() {
    let (mut one, _, _) = Machine::two_processes(standard);
    let put = |world: &Machine, number: u64, later| {
        let (issued, hour) = (moment::after(later).wall, Duration::from_secs(3600));
        let record = world.empty_record(&service()).with("number", number);
        world.put(&service(), &record.with_access_token("AT-old", issued, hour));
    };
    put(&one, 1, 0);
    assert_eq!(one.got(&service()), "AT-old");
    one.age(&service(), Freshness::Stale);
    // The record cannot be read again, because the store fails. The client grant goes on.
    let Some(Job::Load(load)) = one.decide(&service()).job else { panic!("the record is read again") };
    let send = one.report(load.loaded(Err(StoreError::new("the store broke off")))).expect("the request");
    one.endpoint.then(ServerReply::token("AT-new", 3600));
    let save = one.step(send).expect("the outcome is saved");
    put(&one, 2, 10);
    let rest = one.step(save);
    one.carry(rest);
    assert_eq!(one.got(&service()), "AT-new");
    assert_eq!(one.stored(&service()).access_token(), Some("AT-new"));
}

#[test]
fn a_later_expiry_of_a_token_that_expired_on_arrival_here_is_taken() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    two.age(&hotel(), Freshness::Expired);
    two.endpoint.then(ServerReply::token("AT1", 0));
    assert_eq!(two.got(&hotel()), "expired_on_arrival");
    one.now = two.now;
    one.pass_seconds(10);
    one.endpoint.then(ServerReply::token("AT1", 3600));
    assert_eq!(one.got(&hotel()), "AT1");
    two.now = one.now;
    two.pass_seconds(70);
    assert_eq!(two.got(&hotel()), "AT1");
    assert_eq!(two.requests(), 1, "the rest was read");
}

#[test]
fn a_later_expiry_of_the_same_token_is_taken_even_after_the_clock_was_set_back() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    one.now.wall = one.now.wall.saturating_sub(Duration::from_secs(7200));
    one.endpoint.then(ServerReply::tokens("AT1", 86_400, "RT1"));
    one_renews_and_two_reads(&mut one, &mut two, &hotel());
    assert_eq!(one.requests(), 2);
    two.pass_seconds(3600);
    assert_eq!(two.got(&hotel()), "AT1");
    assert_eq!(two.requests(), 0);
}

#[test]
fn a_shorter_lifetime_of_the_same_token_is_saved_over_the_stored_one() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.endpoint.then(ServerReply::token("AT1", 9000));
    let send = world.up_to_sending(&service());
    let Some(Job::Save(save)) = world.step(Job::Send(send)) else { panic!("the token is saved") };
    world.breaks_off(save, true);
    world.pass_seconds(9000);
    world.now.wall = world.now.wall.saturating_sub(Duration::from_secs(14_000));
    world.endpoint.then(ServerReply::token("AT1", 1));
    let mut next = Some(Job::Send(world.up_to_sending(&service())));
    let again = loop {
        let job = next.expect("the answer is saved over the stored record");
        match job {
            Job::Save(save) if save.expected().is_some() => break save,
            job => next = world.step(job),
        }
    };
    let stored = StoredRecord::read(again.content()).expect("a record");
    assert_eq!(stored.lifetime(), Some(Duration::from_secs(1)));
    world.pass_seconds(2);
    let told = world.decide_at_deadline(&service());
    assert!(told.token.is_none(), "{}", told.line);
}

#[test]
fn a_process_that_starts_later_goes_on_with_the_stored_record() {
    let (_, _, store) = Machine::two_processes(standard);
    let mut third = process(&store, 3);
    third.pass_seconds(600);
    let token = third.get(&hotel()).expect("a token");
    assert_eq!(token.access_token().expose(), "AT1");
    assert_eq!(token.validity().age(third.now), Duration::from_secs(600), "it is not younger than it is");
    third.age(&hotel(), Freshness::Expired);
    third.got(&hotel());
    assert_eq!(third.asked[0].refresh_token(), Some("RT1"));
}

#[test]
fn an_expired_token_of_another_process_replaces_no_token_of_the_same_sign_in() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Stale);
    one.pass_seconds(60);
    one.endpoint.then(ServerReply::tokens("AT2", 30, "RT2"));
    one.got(&hotel());
    one.pass_seconds(40);
    two.now = one.now;
    let rest = two.decide(&hotel()).job;
    two.endpoint.then(ServerReply::error(500, "server_error"));
    two.carry(rest);
    assert_eq!(two.got(&hotel()), "AT1");
}

#[test]
fn an_expired_token_of_another_processs_sign_in_replaces_the_earlier_one() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    let mut source = Machine::new(standard());
    source.now = one.now;
    source.endpoint.then(ServerReply::token("AT-short", 30));
    let tokens = source.get(&service()).expect("a token").tokens().clone();
    let job = one.manager.import(&hotel(), Imported::from(tokens), one.now).expect("imported");
    one.carry(job);
    two.pass_seconds(60);
    two.got(&hotel());
    assert_eq!(two.got(&hotel()), "not_signed_in");
}

#[test]
fn a_token_kept_by_a_sign_in_does_not_grow_younger_when_the_clock_is_set_back() {
    let mut world = signed_in();
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Stale);
    assert_eq!(world.got(&hotel()), "AT1");
    let before = world.get(&hotel()).expect("a token");
    let age = before.validity().age(world.now);
    world.now.wall = world.now.wall.saturating_sub(age);
    world.sign_in(&hotel(), "RT1");
    let kept = world.decide(&hotel()).token.expect("the same token");
    assert_ne!(kept.generation(), before.generation());
    assert_eq!(kept.validity().age(world.now), age);
}

#[test]
fn a_record_that_was_restored_and_written_up_to_the_same_version_is_read() {
    let (one, mut two, store) = Machine::two_processes(standard);
    let other = one.stored(&hotel()).with("refresh_token", "RT9");
    one.put(&hotel(), &other);
    store.fall_back(&one.name(&hotel()), other.content());
    two.age(&hotel(), Freshness::Expired);
    two.got(&hotel());
    assert_eq!(two.last_refresh(), Some("RT9"));
}

/// Lets a process renew `RT1` to `RT2`. Returns the stored content before.
fn renewed_to_rt2(process: &mut Machine, store: &InMemoryStore) -> RecordBytes {
    let before = store.content(&process.name(&hotel())).expect("a record");
    process.age(&hotel(), Freshness::Expired);
    process.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    assert_eq!(process.got(&hotel()), "AT2");
    before
}

#[test]
fn a_renewal_lost_by_the_store_is_written_again_whatever_version_the_older_record_has() {
    for is_higher in [false, true] {
        let (_, mut two, store) = Machine::two_processes(standard);
        let before = renewed_to_rt2(&mut two, &store);
        let name = two.name(&hotel());
        match is_higher {
            true => store.put(&name, before),
            false => store.fall_back(&name, before),
        }
        let (requests, _) = (two.requests(), two.events(&hotel()));
        two.pass_seconds(61);
        let mut told = Vec::new();
        let mut next = two.decide(&hotel()).job;
        while let Some(job) = next {
            next = two.step(job);
            told.extend(two.events(&hotel()));
        }
        assert!(matches!(told[..], [Event::LostWrite(_)]), "{told:?}");
        assert_eq!(two.got(&hotel()), "AT2");
        assert_eq!(two.stored(&hotel()).refresh_token(), Some("RT2"), "a higher version: {is_higher}");
        assert_eq!(two.requests(), requests);
    }
}

#[test]
fn an_attempt_and_a_renewal_after_a_loss_of_the_store_count_although_their_versions_are_lower() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    renewed_to_rt2(&mut two, &store);
    one.now = two.now;
    one.pass_seconds(61);
    assert_eq!([one.got(&hotel()), one.got(&hotel())][1], "AT2");
    // The server has lost everything, and counts its versions from 1 again.
    let emptied = InMemoryStore::default();
    (one.store, two.store) = (emptied.clone(), emptied);
    one.age(&hotel(), Freshness::Expired);
    let sending = one.up_to_sending(&hotel());
    two.now = one.now;
    // Its claim is gone too.
    let unclaimed = InMemoryStore::default();
    let name = two.name(&hotel());
    unclaimed.put(&name, two.store.content(&name).expect("a record"));
    (one.store, two.store) = (unclaimed.clone(), unclaimed);
    let requests = two.requests();
    let mut next = two.decide(&hotel()).job;
    for _ in 0..8 {
        next = next.and_then(|job| two.step(job));
    }
    assert_eq!(two.requests(), requests, "the refresh token is not sent twice");
    assert!(matches!(next, Some(Job::Load(_))), "it waits for the other process: {next:?}");
    one.now = two.now;
    one.endpoint.then(ServerReply::tokens("AT3", 3600, "RT3"));
    let report = one.send(sending);
    let rest = one.report(report);
    one.carry(rest);
    two.carry(next);
    assert_eq!(two.got(&hotel()), "AT3");
    assert_eq!(two.requests(), requests);
    assert_eq!(two.stored(&hotel()).refresh_token(), Some("RT3"));
}

#[test]
fn a_sign_out_after_a_loss_of_the_store_holds_although_its_version_is_lower() {
    let (one, mut two, store) = Machine::two_processes(standard);
    let before = renewed_to_rt2(&mut two, &store);
    for _ in 0..2 {
        store.fall_back(&two.name(&hotel()), before.clone());
    }
    let mut other = Machine::with_store(standard(), Storage::MultiProcess, &store, 3);
    other.now = one.now;
    let read = other.decide(&hotel()).job;
    other.carry(read);
    other.sign_out(&hotel());
    two.pass_seconds(61);
    two.got(&hotel());
    assert_eq!(two.got(&hotel()), "signed_out");
    assert!(two.stored(&hotel()).is_signed_out());
}

#[test]
fn a_record_lost_by_the_store_is_written_again_once_the_loss_is_noticed() {
    let (_, mut two, _) = Machine::two_processes(standard);
    two.store = InMemoryStore::default();
    let name = two.name(&hotel());
    two.manager.changed_elsewhere(&name);
    let read = two.decide(&hotel());
    assert_eq!(read.line, "rereading: use AT1, load");
    two.carry(read.job);
    assert_eq!(two.stored(&hotel()).refresh_token(), Some("RT1"));
}

#[test]
fn a_process_without_the_claim_takes_another_processs_new_token() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.got(&hotel());
    one.age(&hotel(), Freshness::Expired);
    two.now = one.now;
    let (renewed, before) = (two.got(&hotel()), one.requests());
    let Job::Claim(claim) = one.up_to(&hotel(), |job| matches!(job, Job::Claim(_))) else {
        panic!("a renewal is claimed")
    };
    let refused = StoreError::new("this process may not write").with_remedy(Remedy::FixConfiguration);
    let rest = one.report(claim.claimed(Err(refused)));
    one.carry(rest);
    assert_eq!(one.decide(&hotel()).line, format!("fresh: use {renewed}"));
    assert_eq!(one.requests(), before);
}
