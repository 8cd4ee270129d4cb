//! Seeds: refresh tokens from a configuration, which are imported at each start.

use std::time::Duration;

use octo_auth_core::{AccessToken, Freshness, Imported, Secret, Storage, TokenSet};
use octo_auth_testkit::machine::{Asked, InMemoryStore, Machine, ServerReply, hotel};
use octo_auth_testkit::registration::standard;

use crate::scene::refresh_tokens;

/// Returns a process that starts at the present time and imports a seed. Its endpoint never repeats a refresh token.
fn started(before: &Machine, storage: Storage, start: u8, seed: &str) -> Machine {
    let mut world = Machine::with_store(standard(), storage, &before.store, start);
    world.now = before.now;
    let next = move |asked: &Asked| ServerReply::tokens("AT", 3600, &format!("RT{start}-{}", asked.number));
    world.endpoint.always(next);
    import(&mut world, seed);
    world
}

fn import(world: &mut Machine, seed: &str) {
    let imported = Imported::Seed(Secret::from(seed));
    let job = world.manager.import(&hotel(), imported, world.now).expect("a seed");
    world.carry(job);
}

/// Returns the first process of a store, with the seed `RT0`.
fn first(storage: Storage) -> Machine {
    started(&Machine::with_store(standard(), storage, &InMemoryStore::default(), 0), storage, 1, "RT0")
}

/// Refreshes once. Returns the refresh token that was sent.
fn refreshed(world: &mut Machine) -> String {
    world.age(&hotel(), Freshness::Expired);
    assert_eq!(world.got(&hotel()), "AT");
    world.last_refresh().expect("a refresh").to_owned()
}

const STORAGES: [Storage; 2] = [Storage::SingleProcess, Storage::MultiProcess];

#[test]
fn a_seed_signs_in_an_account_that_is_not_in_the_store() {
    for storage in STORAGES {
        let mut world = first(storage);
        assert_eq!(world.got(&hotel()), "AT");
        assert_eq!(refresh_tokens(&world), ["RT0"]);
    }
}

#[test]
fn a_seed_imported_at_each_of_40_starts_never_replaces_its_successors() {
    for storage in STORAGES {
        let mut world = first(storage);
        let mut last = "RT0".to_owned();
        for start in 2..42 {
            assert_eq!(refreshed(&mut world), last, "start {start}");
            last = world.stored(&hotel()).refresh_token().expect("a refresh token").to_owned();
            world = started(&world, storage, start, "RT0");
        }
    }
}

#[test]
fn a_seed_imported_after_40_refreshes_does_not_replace_the_last_refresh_token() {
    for storage in STORAGES {
        let mut world = first(storage);
        for _ in 0..40 {
            refreshed(&mut world);
        }
        let last = world.stored(&hotel()).refresh_token().expect("a refresh token").to_owned();
        let mut next = started(&world, storage, 2, "RT0");
        assert_eq!(refreshed(&mut next), last);
    }
}

#[test]
fn a_seed_does_not_replace_a_later_sign_in() {
    for storage in STORAGES {
        let mut world = first(storage);
        refreshed(&mut world);
        world.sign_in(&hotel(), "RT-user");
        let mut next = started(&world, storage, 2, "RT0");
        assert_eq!(refreshed(&mut next), "RT-user");
    }
}

#[test]
fn a_seed_does_not_undo_a_sign_out() {
    for storage in STORAGES {
        let mut world = first(storage);
        refreshed(&mut world);
        world.sign_out(&hotel());
        for start in 2..5 {
            world = started(&world, storage, start, "RT0");
            assert_eq!(world.got(&hotel()), "signed_out");
            assert_eq!(world.requests(), 0);
        }
    }
}

#[test]
fn a_seed_does_not_replace_a_sign_in_that_is_not_saved_yet() {
    let mut world = first(Storage::SingleProcess);
    refreshed(&mut world);
    world.store.refuse_writing(true);
    world.sign_in(&hotel(), "RT-user");
    import(&mut world, "RT0");
    world.store.refuse_writing(false);
    world.pass_seconds(60);
    assert_eq!(refreshed(&mut world), "RT-user");
}

#[test]
fn a_new_seed_replaces_the_tokens_of_the_earlier_one() {
    for storage in STORAGES {
        let mut world = first(storage);
        refreshed(&mut world);
        let mut next = started(&world, storage, 2, "RT-new-seed");
        assert_eq!(refreshed(&mut next), "RT-new-seed");
        let last = next.stored(&hotel()).refresh_token().expect("a refresh token").to_owned();
        let mut back = started(&next, storage, 3, "RT0");
        assert_eq!(refreshed(&mut back), last, "the earlier seed is known");
    }
}

#[test]
fn two_processes_that_import_the_same_seed_concurrently_begin_one_family() {
    let store = InMemoryStore::default();
    let mut one = Machine::with_store(standard(), Storage::MultiProcess, &store, 1);
    let mut two = Machine::with_store(standard(), Storage::MultiProcess, &store, 2);
    let imported = || Imported::Seed(Secret::from("RT0"));
    let first = one.manager.import(&hotel(), imported(), one.now).expect("a seed");
    let second = two.manager.import(&hotel(), imported(), two.now).expect("a seed");
    one.carry(first);
    let family = one.stored(&hotel()).family().to_owned();
    two.carry(second);
    assert_eq!(two.stored(&hotel()).family().to_owned(), family);
    assert_eq!(one.got(&hotel()), "AT1");
    assert_eq!(two.got(&hotel()), "AT1");
    assert_eq!((one.requests(), two.requests()), (1, 0));
}

#[test]
fn an_already_imported_seed_does_not_replace_the_last_of_40_sign_ins() {
    for storage in STORAGES {
        let mut world = first(storage);
        for number in 0..40 {
            world.sign_in(&hotel(), &format!("RT-user-{number}"));
        }
        let mut next = started(&world, storage, 2, "RT0");
        assert_eq!(refreshed(&mut next), "RT-user-39");
    }
}

#[test]
fn a_seed_from_an_earlier_sign_in_does_not_replace_its_40th_successor() {
    for storage in STORAGES {
        let mut world = Machine::with_store(standard(), storage, &InMemoryStore::default(), 1);
        world.sign_in(&hotel(), "RT0");
        world = started(&world, storage, 2, "RT0");
        for _ in 0..40 {
            refreshed(&mut world);
        }
        let last = world.stored(&hotel()).refresh_token().expect("a refresh token").to_owned();
        let mut next = started(&world, storage, 3, "RT0");
        assert_eq!(refreshed(&mut next), last);
    }
}

#[test]
fn a_seed_is_not_sent_before_the_store_was_read() {
    for storage in STORAGES {
        let mut world = first(storage);
        refreshed(&mut world);
        let last = world.stored(&hotel()).refresh_token().expect("a refresh token").to_owned();
        world.store.set_down(true);
        let mut next = started(&world, storage, 2, "RT0");
        for _ in 0..10 {
            assert_eq!(next.got(&hotel()), "store_unavailable");
            next.pass_seconds(60);
        }
        assert_eq!(next.requests(), 0);
        next.store.set_down(false);
        assert_eq!(next.got(&hotel()), "AT");
        assert_eq!(refreshed(&mut next), last);
    }
}

#[test]
fn a_seed_in_the_record_does_not_replace_a_sign_in_that_precedes_the_first_read() {
    for storage in STORAGES {
        let before = first(storage);
        let mut world = Machine::with_store(standard(), storage, &before.store, 2);
        world.now = before.now;
        let token = AccessToken::new("AT-new").expect("a token");
        let lifetime = Some(Duration::from_secs(60));
        let (profile, refresh_token) = (standard().profile().clone(), Some(Secret::from("RT-new")));
        let tokens = TokenSet::restore(&profile, token, world.now.wall, lifetime, refresh_token);
        let sign_in = world.manager.import(&hotel(), Imported::Tokens(tokens), world.now).expect("a sign-in");
        let seed = Imported::Seed(Secret::from("RT0"));
        assert!(world.manager.import(&hotel(), seed, world.now).expect("a seed").is_none());
        assert_eq!(world.decide_at_deadline(&hotel()).line, "fresh: use AT-new");
        // The wall clock stops while the machine is suspended.
        world.now.boot += Duration::from_secs(3);
        world.carry(sign_in);
        assert_eq!(world.got(&hotel()), "AT-new");
        world.now.boot += Duration::from_secs(51);
        world.endpoint.always(|_| ServerReply::page(502, &[]));
        assert_eq!(world.got(&hotel()), "http:502");
        assert_eq!(world.last_refresh(), Some("RT-new"));
    }
}

#[test]
fn a_seed_that_changes_nothing_ends_no_back_off() {
    let mut world = first(Storage::SingleProcess);
    world.endpoint.then(ServerReply::error(500, "server_error"));
    assert_eq!(world.got(&hotel()), "http:500");
    import(&mut world, "RT0");
    assert_eq!(world.decide(&hotel()).line, "expired_blocked: give up, http:500, later");
}
