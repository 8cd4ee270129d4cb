//! Sign-ins and sign-outs that several processes make at once, with a store that does not always take them.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use octo_auth_core::{
    AccessToken, Adopted, Freshness, Generation, Job, Purpose, Record, SaveJob, Secret, Storage, StoreFault,
    TokenSet,
};
use octo_auth_tests::machine::{Machine, Said, Shelf, hotel, service};
use octo_auth_tests::moment;
use octo_auth_tests::registration::standard;

/// Two processes on a store that holds nothing, which both have read.
fn processes() -> (Machine, Machine, Shelf) {
    let shelf = Shelf::default();
    let shared = |seed| Machine::with_store(standard(), Storage::Shared, &shelf, seed);
    let (mut one, mut two) = (shared(1), shared(2));
    one.got(&hotel());
    two.got(&hotel());
    (one, two, shelf)
}

/// A sign-in, whose record is to be saved.
fn signing_in(world: &mut Machine, refresh_token: &str) -> SaveJob {
    let adopted = Adopted::RefreshToken(Secret::from(refresh_token));
    match world.accounts.adopt(&hotel(), adopted, world.now).expect("it can be adopted") {
        Some(Job::Save(save)) => save,
        other => panic!("the sign-in is saved: {other:?}"),
    }
}

fn failed(world: &mut Machine, save: SaveJob) {
    let rest = world.report(save.saved(Err(StoreFault::new("the store broke off"))));
    world.carry(rest);
}

/// The refresh token that is stored once all have told the store what they have to tell.
fn settled(one: &mut Machine) -> Option<String> {
    one.pass_seconds(600);
    one.got(&hotel());
    one.stored(&hotel()).refresh_token.map(|token| token.expose().to_owned())
}

#[test]
fn a_first_sign_in_that_may_have_been_stored_does_not_replace_a_later_one() {
    let (mut one, mut two, shelf) = processes();
    let save = signing_in(&mut one, "RT-early");
    shelf.put(&hotel(), save.record().clone());
    failed(&mut one, save);
    two.sign_in(&hotel(), "RT-late");
    one.endpoint.always(|_| Said::token("AT-late", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-late"));
}

#[test]
fn a_first_sign_in_that_may_have_been_stored_does_not_undo_a_sign_out() {
    let (mut one, mut two, shelf) = processes();
    let save = signing_in(&mut one, "RT-early");
    shelf.put(&hotel(), save.record().clone());
    failed(&mut one, save);
    two.sign_in(&hotel(), "RT-late");
    let signing_out = two.accounts.sign_out(&hotel(), two.now);
    two.carry(signing_out);
    assert_eq!(settled(&mut one), None);
    assert!(one.stored(&hotel()).signed_out);
}

#[test]
fn a_sign_in_that_has_met_another_in_the_store_replaces_it_though_that_fails_at_first() {
    let (mut one, mut two, _) = processes();
    let save = signing_in(&mut one, "RT-last");
    two.sign_in(&hotel(), "RT-met");
    let Some(Job::Save(again)) = one.step(Job::Save(save)) else { panic!("it wins and is saved again") };
    failed(&mut one, again);
    one.endpoint.always(|_| Said::token("AT-last", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-last"));
}

#[test]
fn a_sign_in_that_was_never_handed_to_the_store_is_in_no_doubt_when_an_earlier_one_fails() {
    let (mut one, mut two, _) = processes();
    let early = signing_in(&mut one, "RT-early");
    two.sign_in(&hotel(), "RT-elsewhere");
    let adopted = Adopted::RefreshToken(Secret::from("RT-last"));
    let job = one.accounts.adopt(&hotel(), adopted, one.now).expect("it can be adopted");
    assert!(job.is_none(), "the store is busy with the first");
    failed(&mut one, early);
    one.endpoint.always(|_| Said::token("AT-last", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-last"));
    let revoked = one.asked.iter().filter(|asked| asked.purpose == Purpose::Revocation);
    assert!(revoked.into_iter().all(|asked| asked.parameter("token") != Some("RT-last")));
}

#[test]
fn a_sign_in_that_is_renewed_elsewhere_many_times_while_it_cannot_be_stored_replaces_what_it_did() {
    let (mut one, mut two, shelf) = processes();
    one.sign_in(&hotel(), "RT0");
    shelf.refuse_writing(true);
    one.sign_in(&hotel(), "RT-new");
    shelf.refuse_writing(false);
    two.endpoint.always(Said::next_tokens);
    for _ in 0..20 {
        two.pass_seconds(4000);
        two.got(&hotel());
    }
    one.now = two.now;
    one.endpoint.always(|_| Said::token("AT-new", 3600));
    assert_eq!(settled(&mut one).as_deref(), Some("RT-new"));
}

#[test]
fn the_same_refresh_token_adopted_while_it_is_written_ahead_is_saved_as_a_sign_in_of_its_own() {
    let mut world = Machine::with_store(standard(), Storage::Private, &Shelf::default(), 1);
    world.sign_in(&hotel(), "RT0");
    let before = world.stored(&hotel()).generation.lineage;
    let mark = world.decide(&hotel()).job.expect("it is written down first");
    let adopted = Adopted::RefreshToken(Secret::from("RT0"));
    let job = world.accounts.adopt(&hotel(), adopted, world.now).expect("it can be adopted");
    assert!(job.is_none(), "the store is busy");
    let rest = world.step(mark);
    assert!(matches!(rest, Some(Job::Save(_))), "{rest:?}");
    world.carry(rest);
    assert_ne!(world.stored(&hotel()).generation.lineage, before);
    assert!(world.stored(&hotel()).pending.is_none(), "nothing was sent");
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_later_end_that_a_sibling_was_told_of_the_same_token_is_taken_over_with_its_record() {
    let (mut one, mut two, _) = processes();
    one.sign_in(&hotel(), "RT0");
    assert_eq!(one.got(&hotel()), "AT1");
    two.now = one.now;
    two.pass_seconds(30);
    assert_eq!(two.got(&hotel()), "AT1");
    one.now = two.now;
    one.age(&hotel(), Freshness::Stale);
    one.endpoint.then(Said::tokens("AT1", 86_400, "RT5"));
    let renewal = one.decide(&hotel()).job;
    one.carry(renewal);
    two.now = one.now;
    let renewal = two.decide(&hotel()).job;
    two.carry(renewal);
    assert_eq!(two.requests(), 0, "what is stored is due no more");
    two.pass_seconds(3600);
    assert_eq!(two.decide(&hotel()).line, "1: use AT1");
}

#[test]
fn a_later_end_that_a_sibling_was_told_of_the_token_of_a_client_grant_is_taken_over_too() {
    let (mut one, mut two, _) = processes();
    one.endpoint.then(Said::json(200, r#"{"access_token":"AT1","token_type":"Bearer"}"#));
    assert_eq!(one.got(&service()), "AT1");
    assert_eq!(two.got(&service()), "AT1");
    one.pass_seconds(3600);
    one.endpoint.then(Said::token("AT1", 60));
    let renewal = one.decide(&service()).job;
    one.carry(renewal);
    two.now = one.now;
    let renewal = two.decide(&service()).job;
    two.carry(renewal);
    assert_eq!(two.requests(), 0, "what is stored is due no more");
    two.pass_seconds(60);
    let freshness = two.accounts.status(&service(), two.now).expect("known").freshness;
    assert_eq!(freshness, Freshness::Expired);
}

#[test]
fn a_token_that_is_read_again_with_the_end_it_had_is_as_old_as_both_clocks_have_seen_it_grow() {
    let (mut one, mut two, _) = processes();
    one.sign_in(&hotel(), "RT0");
    assert_eq!(one.got(&hotel()), "AT1");
    two.pass_seconds(30);
    assert_eq!(two.got(&hotel()), "AT1");
    one.age(&hotel(), Freshness::Stale);
    one.endpoint.then(Said::tokens("AT1", 10, "RT5"));
    let renewal = one.decide(&hotel()).job;
    one.carry(renewal);
    two.pass_seconds(3500);
    two.now.wall = two.now.wall.saturating_sub(Duration::from_secs(1800));
    two.endpoint.then(Said::error(503, ""));
    let renewal = two.decide(&hotel()).job;
    two.carry(renewal);
    assert_eq!(two.asked[0].refresh_token(), Some("RT5"), "the record was read again");
    two.pass_seconds(90);
    let freshness = two.accounts.status(&hotel(), two.now).expect("known").freshness;
    assert_eq!(freshness, Freshness::Expired);
}

#[test]
fn a_new_token_is_not_given_up_for_an_old_one_that_a_sibling_has_stored_by_the_same_number() {
    let (mut one, _, shelf) = processes();
    let put = |number, later| {
        let token = AccessToken::new("AT-old").expect("a token");
        let issued = moment::after(later).wall;
        let lifetime = Some(Duration::from_secs(3600));
        let token = TokenSet::restore(standard().profile(), token, issued, lifetime, None);
        let generation = Generation { number, ..Generation::default() };
        shelf.put(&service(), Record { generation, token: Some(token), ..Record::default() });
    };
    put(1, 0);
    assert_eq!(one.got(&service()), "AT-old");
    one.age(&service(), Freshness::Stale);
    // Without the claim nothing is read again: the store fails, and a client grant goes on.
    let Some(Job::Claim(claim)) = one.decide(&service()).job else { panic!("the renewal is claimed") };
    let send = one.report(claim.claimed(Err(StoreFault::new("the store broke off")))).expect("the request");
    one.endpoint.then(Said::token("AT-new", 3600));
    let save = one.step(send).expect("the outcome is saved");
    put(2, 10);
    let rest = one.step(save);
    one.carry(rest);
    assert_eq!(one.got(&service()), "AT-new");
    let stored = one.stored(&service()).token.expect("a token");
    assert_eq!(stored.access_token().expose(), "AT-new");
}
