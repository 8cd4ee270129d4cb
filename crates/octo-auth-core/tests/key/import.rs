//! Sign-ins and imports: which are accepted, and what they replace.

use std::time::Duration;

use octo_auth_core::{
    AccessToken, Exchange, Freshness, Imported, OnboardingError, Remedy, Secret, Storage, TokenSet,
};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::registration::{officernd, standard};
use octo_auth_testkit::response::{json, read};

use crate::scene::refresh_tokens;

#[test]
fn a_sign_in_begins_a_family_and_ends_the_failures_of_the_old_one() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    let first = world.get(&hotel()).expect("a token").generation();
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    world.sign_in(&hotel(), "RT5");
    let second = world.get(&hotel()).expect("a token").generation();
    assert_ne!(first.family, second.family);
    assert_eq!(refresh_tokens(&world), ["RT0", "RT1", "RT5"]);
}

#[test]
fn a_seed_that_begins_a_family_ends_the_failures_of_the_old_one() {
    let mut world = Machine::new(standard());
    world.sign_in(&hotel(), "RT0");
    world.endpoint.then(ServerReply::page(500, &[]));
    assert_eq!(world.got(&hotel()), "http:500");
    let seed = Imported::Seed(Secret::from("RT5"));
    let job = world.manager.import(&hotel(), seed, world.now).expect("imported");
    world.carry(job);
    assert!(world.got(&hotel()).starts_with("AT"));
    assert_eq!(refresh_tokens(&world), ["RT0", "RT5"]);
}

#[test]
fn imported_tokens_are_served_at_once() {
    let mut source = Machine::new(standard());
    let tokens = source.get(&service()).expect("a token").tokens().clone();
    let mut world = Machine::new(standard());
    let job = world.manager.import(&service(), Imported::from(tokens), world.now).expect("imported");
    world.carry(job);
    assert_eq!(world.decide(&service()).line, "fresh: use AT1");
    assert_eq!(world.requests(), 0);
}

#[test]
fn tokens_of_another_provider_are_rejected() {
    let mut source = Machine::new(officernd());
    let tokens = source.get(&scoped("flex.community.members.read")).expect("a token").tokens().clone();
    let mut world = Machine::new(standard());
    let error = world.manager.import(&hotel(), Imported::from(tokens), world.now).expect_err("another");
    assert_eq!(error.code(), "other_provider");
}

#[test]
fn an_import_replaces_a_working_refresh_token_only_if_allowed() {
    let mut world = Machine::new(standard());
    let bring = |world: &mut Machine, text: &str, replaces: bool| {
        let begun = world.manager.import_if_vacant(
            &hotel(),
            Imported::RefreshToken(Secret::from(text)),
            replaces,
            world.now,
        );
        begun.map(|job| world.carry(job))
    };
    bring(&mut world, "RT0", false).expect("nothing was there");
    bring(&mut world, "RT0", false).expect("the very one");
    let occupied = bring(&mut world, "RT5", false).expect_err("another");
    let OnboardingError::Occupied { brought, .. } = occupied else { panic!("{occupied}") };
    let Imported::RefreshToken(kept) = *brought else { panic!("another kind was brought") };
    assert_eq!(kept.expose(), "RT5");
    assert_eq!(world.got(&hotel()), "AT1");
    world.endpoint.then(ServerReply::error(400, "invalid_grant"));
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "refresh_token_rejected");
    bring(&mut world, "RT6", false).expect("what was there is dead");
    bring(&mut world, "RT7", true).expect("a sign-in replaces");
    world.got(&hotel());
    assert_eq!(refresh_tokens(&world), ["RT0", "RT1", "RT7"]);
    let unfit = bring(&mut world, "", true).expect_err("an empty one");
    assert_eq!((unfit.code().as_ref(), unfit.remedy()), ("secret_malformed", Remedy::FixConfiguration));
}

#[test]
fn the_refresh_token_of_a_failed_exchange_can_be_imported() {
    let refresh = || -> Exchange<TokenSet> { standard().refresh(&Secret::from("old")).expect("a request") };
    let token = |imported: Option<Imported>| match imported {
        Some(Imported::RefreshToken(secret)) => Some(secret.expose().to_owned()),
        Some(Imported::Tokens(tokens)) => tokens.refresh_token().map(|own| own.expose().to_owned()),
        _ => None,
    };
    let whole = r#"{"access_token":"AT","token_type":"Bearer","refresh_token":"RT"}"#;
    assert_eq!(token(Imported::brought_by(&read(refresh(), &json(200, whole)))).as_deref(), Some("RT"));
    let broken = r#"{"access_token":"AT","token_type":"mac","refresh_token":"RT"}"#;
    assert_eq!(token(Imported::brought_by(&read(refresh(), &json(200, broken)))).as_deref(), Some("RT"));
    assert_eq!(token(Imported::brought_by(&read(refresh(), &json(400, "{}")))), None);
}

#[test]
fn an_empty_refresh_token_and_one_for_a_client_grant_are_rejected() {
    let mut world = Machine::new(standard());
    let empty = Imported::RefreshToken(Secret::from(""));
    world.manager.import(&hotel(), empty, world.now).expect_err("an empty refresh token");
    let misplaced = Imported::RefreshToken(Secret::from("RT0"));
    world.manager.import(&service(), misplaced, world.now).expect_err("the client is the grant");
}

#[test]
fn a_refresh_token_that_the_store_holds_already_is_not_written_again() {
    for imported in [Imported::RefreshToken(Secret::from("RT0")), Imported::Seed(Secret::from("RT0"))] {
        let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
        for is_first in [true, false] {
            let job = world.manager.import(&hotel(), imported.clone(), world.now).expect("it fits");
            assert_eq!(job.is_some(), is_first, "{job:?}");
            world.carry(job);
        }
    }
}

#[test]
fn imported_tokens_are_served_though_the_store_cannot_be_read() {
    let tokens = Machine::new(standard()).get(&service()).expect("a token").tokens().clone();
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    world.store.set_down(true);
    assert_eq!(world.got(&hotel()), "store_unavailable");
    let job = world.manager.import(&hotel(), Imported::from(tokens), world.now).expect("imported");
    world.carry(job);
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn imported_tokens_with_an_empty_refresh_token_have_none() {
    let mut world = Machine::new(standard());
    let (client, access_token) = (standard(), AccessToken::new("AT0").expect("a token"));
    let (lifetime, empty) = (Some(Duration::from_secs(3600)), Some(Secret::from("")));
    let tokens = TokenSet::restore(client.profile(), access_token, world.now.wall, lifetime, empty);
    assert!(
        world.manager.import(&hotel(), Imported::Tokens(tokens), world.now).expect("sound tokens").is_none()
    );
    assert_eq!(world.got(&hotel()), "AT0");
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "not_signed_in");
}
