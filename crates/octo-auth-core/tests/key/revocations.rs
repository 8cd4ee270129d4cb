//! Which refresh tokens are revoked, and which are not because they are in use.

use std::time::Duration;

use octo_auth_core::{
    Client, Freshness, Imported, Job, Policy, Profile, Purpose, Secret, Storage, TransportError,
};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{CLIENT_ID, standard};

use crate::scene::revoked;

#[test]
fn a_sign_out_revokes_the_refresh_token_where_the_provider_offers_it() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let job = world.manager.sign_out(&hotel(), world.now);
    world.endpoint.then(ServerReply::json(200, ""));
    world.carry(job);
    let last = world.asked.last().expect("a request");
    assert_eq!((last.purpose, last.parameter("token")), (Purpose::Revocation, Some("RT1")));
    assert!(world.manager.published(&hotel(), world.now).is_none());
}

#[test]
fn a_revocation_that_fails_changes_nothing() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let job = world.manager.sign_out(&hotel(), world.now);
    world.endpoint.then(ServerReply::Fault(TransportError::not_sent("connection refused")));
    world.carry(job);
    assert_eq!(world.decide(&hotel()).line, "signed_out: give up, signed_out, sign in");
    assert_eq!(world.got(&service()), "AT3");
}

#[test]
fn a_sign_out_sends_nothing_to_a_provider_without_revocation() {
    let profile = Profile::rfc6749("https://server.example.com/token").expect("a profile");
    let client = Client::new(profile, CLIENT_ID, "secret").expect("a client");
    let mut world = Machine::new(client);
    world.sign_in(&hotel(), "RT0");
    world.got(&hotel());
    let job = world.manager.sign_out(&hotel(), world.now);
    assert!(job.is_none(), "{job:?}");
}

#[test]
fn a_sign_out_revokes_only_while_the_budget_has_room() {
    for left in [1, 0] {
        let policy = Policy::default().with_request_limit(1).expect("a limit");
        let mut world = Machine::with_policy(standard(), policy);
        world.sign_in(&hotel(), "RT0");
        assert_eq!(world.got(&hotel()), "AT1");
        let opens = world.decide(&scoped("other")).next_change.expect("the budget is spent");
        world.pass_until(opens - Duration::from_millis(left));
        let revocation = world.manager.sign_out(&hotel(), world.now);
        assert_eq!(revocation.is_some(), left == 0, "{left} ms before: {revocation:?}");
        world.carry(revocation);
        let revoked = world.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation).count();
        assert_eq!(revoked, usize::from(left == 0));
    }
}

#[test]
fn a_refresh_token_that_another_process_signed_in_with_too_is_not_revoked() {
    for renewals in [0, 1] {
        let store = InMemoryStore::default();
        let shared = |seed| Machine::with_store(standard(), Storage::MultiProcess, &store, seed);
        let (mut one, mut two) = (shared(1), shared(2));
        one.sign_in(&hotel(), "RT0");
        two.got(&hotel());
        store.refuse_writing(true);
        one.sign_in(&hotel(), "RT5");
        store.refuse_writing(false);
        two.sign_in(&hotel(), "RT5");
        for _ in 0..renewals {
            two.age(&hotel(), Freshness::Expired);
            two.endpoint.then(ServerReply::tokens("AT9", 3600, "RT9"));
            assert_eq!(two.got(&hotel()), "AT9");
        }
        one.pass_seconds(600);
        one.got(&hotel());
        assert!(one.asked.iter().all(|asked| asked.purpose != Purpose::Revocation), "{renewals}");
    }
}

#[test]
fn two_sign_outs_while_the_store_is_busy_revoke_the_refresh_token_once() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    let save = world.manager.sign_out(&hotel(), world.now);
    assert!(matches!(save, Some(Job::Save(_))), "{save:?}");
    assert!(world.manager.sign_out(&hotel(), world.now).is_none(), "the store is busy");
    world.carry(save);
    assert_eq!(revoked(&world), ["RT1"]);
}

#[test]
fn a_sign_out_revokes_an_unread_sign_in_of_another_process() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    two.sign_in(&hotel(), "RT5");
    one.sign_out(&hotel());
    let mut revoked = revoked(&one);
    revoked.sort_unstable();
    assert_eq!(revoked, ["RT5"], "the one before it was revoked by the sign-in");
}

#[test]
fn a_sign_out_revokes_another_processs_new_refresh_token_not_the_replaced_one() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    two.age(&hotel(), Freshness::Expired);
    two.endpoint.then(ServerReply::tokens("AT2", 3600, "RT2"));
    assert_eq!(two.got(&hotel()), "AT2");
    one.now = two.now;
    one.sign_out(&hotel());
    assert_eq!(revoked(&one), ["RT2"]);
}

#[test]
fn the_old_refresh_token_is_revoked_if_the_answer_after_a_sign_out_has_none() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let send = world.up_to_sending(&hotel());
    world.sign_out(&hotel());
    world.endpoint.then(ServerReply::token("AT1", 3600));
    world.carry(Some(Job::Send(send)));
    let mut revoked = revoked(&world);
    revoked.sort_unstable();
    assert_eq!(revoked, ["AT1", "RT0"]);
}

#[test]
fn a_refresh_token_that_is_signed_in_with_again_is_not_revoked() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let save = world.manager.sign_out(&hotel(), world.now);
    let imported = Imported::RefreshToken(Secret::from("RT0"));
    let job = world.manager.import(&hotel(), imported, world.now).expect("it is accepted");
    assert!(job.is_none(), "the store is busy");
    world.carry(save);
    assert_eq!(world.got(&hotel()), "AT1");
    assert!(revoked(&world).is_empty(), "{:?}", revoked(&world));
}

#[test]
fn a_revocation_does_not_take_the_last_request_of_the_budget() {
    let policy = Policy::default().with_request_limit(2).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    world.sign_out(&hotel());
    assert!(revoked(&world).is_empty(), "the last of the budget's requests is left to others");
    assert_eq!(world.got(&service()), "AT2");
}

#[test]
fn a_sign_in_of_another_process_is_revoked_only_after_the_sign_out_is_stored() {
    let (mut one, mut two, store) = Machine::two_processes(standard);
    two.sign_in(&hotel(), "RT5");
    let save = one.manager.sign_out(&hotel(), one.now).expect("it is saved");
    let again = one.step(save);
    assert!(matches!(again, Some(Job::Save(_))), "it has met the sign-in: {again:?}");
    store.refuse_writing(true);
    one.carry(again);
    assert!(revoked(&one).is_empty());
    store.refuse_writing(false);
    one.pass_seconds(600);
    one.got(&hotel());
    assert!(one.stored(&hotel()).is_signed_out());
    assert_eq!(revoked(&one), ["RT5"]);
}

#[test]
fn a_predecessor_of_the_stored_refresh_token_is_not_revoked() {
    let (mut one, mut two, _) = Machine::two_processes(standard);
    one.age(&hotel(), Freshness::Expired);
    let sent = one.up_to_sending(&hotel());
    let report = one.send(sent);
    let Some(Job::Save(save)) = one.report(report) else { panic!("the outcome is saved") };
    one.breaks_off(save, true);
    // Each machine's endpoint numbers its tokens itself. With four renewals the names differ.
    for _ in 0..4 {
        two.age(&hotel(), Freshness::Expired);
        two.pass_seconds(4000);
        two.got(&hotel());
    }
    one.now = two.now;
    for save in one.manager.save_all(one.now) {
        one.carry(Some(save));
    }
    assert!(one.asked.iter().all(|asked| asked.purpose != Purpose::Revocation));
    assert_eq!(one.stored(&hotel()).refresh_token(), two.stored(&hotel()).refresh_token());
}
