//! What is revoked after a sign-out: all that could be used still, and nothing that somebody uses.

use octo_auth_core::{Adopted, Freshness, Job, Policy, Purpose, Secret, Storage};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::registration::{sound, standard};

/// What was revoked, in order.
fn revoked(world: &Machine) -> Vec<&str> {
    let revocations = world.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
    revocations.filter_map(|asked| asked.parameter("token")).collect()
}

#[test]
fn signing_out_twice_while_the_store_is_busy_revokes_what_was_held() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    let save = world.accounts.sign_out(&hotel(), world.now);
    assert!(matches!(save, Some(Job::Save(_))), "{save:?}");
    assert!(world.accounts.sign_out(&hotel(), world.now).is_none(), "the store is busy");
    world.carry(save);
    assert_eq!(revoked(&world), ["RT1"]);
}

#[test]
fn a_sign_out_revokes_also_the_sign_in_of_a_sibling_that_it_had_not_heard_of() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    two.sign_in(&hotel(), "RT5");
    one.sign_out(&hotel());
    let mut revoked = revoked(&one);
    revoked.sort_unstable();
    assert_eq!(revoked, ["RT1", "RT5"]);
}

#[test]
fn a_sign_out_revokes_what_a_sibling_has_renewed_and_not_what_that_has_replaced() {
    let (mut one, mut two, _) = Machine::siblings(standard);
    two.age(&hotel(), Freshness::Expired);
    two.endpoint.then(Said::tokens("AT2", 3600, "RT2"));
    assert_eq!(two.got(&hotel()), "AT2");
    one.now = two.now;
    one.sign_out(&hotel());
    assert_eq!(revoked(&one), ["RT2"]);
}

#[test]
fn an_answer_that_comes_after_a_sign_out_without_a_refresh_token_leaves_the_old_one_to_be_revoked() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let send = world.up_to_sending(&hotel());
    world.sign_out(&hotel());
    world.endpoint.then(Said::token("AT1", 3600));
    world.carry(Some(Job::Send(send)));
    let mut revoked = revoked(&world);
    revoked.sort_unstable();
    assert_eq!(revoked, ["AT1", "RT0"]);
}

#[test]
fn what_a_user_signs_in_with_again_before_it_was_revoked_is_in_use() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let save = world.accounts.sign_out(&hotel(), world.now);
    let adopted = Adopted::RefreshToken(Secret::from("RT0"));
    let job = sound(world.accounts.adopt(&hotel(), adopted, world.now));
    assert!(job.is_none(), "the store is busy");
    world.carry(save);
    assert_eq!(world.got(&hotel()), "AT1");
    assert!(revoked(&world).is_empty(), "{:?}", revoked(&world));
}

#[test]
fn nothing_is_revoked_in_the_place_of_a_request_that_somebody_waits_for() {
    let policy = Policy::default().with_request_limit(2).expect("a limit");
    let mut world = Machine::with_policy(standard(), policy);
    world.sign_in(&hotel(), "RT0");
    assert_eq!(world.got(&hotel()), "AT1");
    world.sign_out(&hotel());
    assert!(revoked(&world).is_empty(), "the last of the budget's requests is left to others");
    assert_eq!(world.got(&service()), "AT2");
}

#[test]
fn what_a_sibling_has_stored_is_not_revoked_before_the_sign_out_is_stored_over_it() {
    let (mut one, mut two, shelf) = Machine::siblings(standard);
    two.sign_in(&hotel(), "RT5");
    let save = one.accounts.sign_out(&hotel(), one.now).expect("it is saved");
    let again = one.step(save);
    assert!(matches!(again, Some(Job::Save(_))), "it has met the sign-in: {again:?}");
    shelf.refuse_writing(true);
    one.carry(again);
    assert_eq!(revoked(&one), ["RT1"], "what it held itself");
    shelf.refuse_writing(false);
    one.pass_seconds(600);
    one.got(&hotel());
    assert!(one.stored(&hotel()).signed_out);
    assert_eq!(revoked(&one), ["RT1", "RT5"]);
}
