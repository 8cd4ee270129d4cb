//! Claims end with their process, and a claim never waits for a process that hangs.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use octo_auth_core::{Claimed, Store};
use octo_auth_store_file::FileStore;
use rustix::fs::{FlockOperation, flock};

use crate::world::{World, told};

const LONG: Duration = Duration::from_secs(600);

impl World {
    fn claim(&self, store: &FileStore, owner: &str) -> Claimed {
        store.claim(&self.name, owner, LONG).unwrap()
    }
}

#[test]
fn a_claim_of_a_handle_that_is_gone_is_over_at_once() {
    let world = World::new();
    let other = world.again(FileStore::options());
    assert_eq!(world.claim(&other, "other"), Claimed::Granted);
    assert!(matches!(world.claim(&world.store, "own"), Claimed::Held(left) if left <= LONG));
    drop(other);
    if cfg!(target_os = "linux") {
        assert_eq!(world.claim(&world.store, "own"), Claimed::TakenOver { from: "other".to_owned() });
    }
}

#[test]
fn a_claim_that_was_released_still_tells_whose_it_was() {
    let world = World::new();
    let other = world.again(FileStore::options());
    assert_eq!(world.claim(&other, "other"), Claimed::Granted);
    other.release(&world.name, "other").unwrap();
    assert_eq!(world.claim(&world.store, "own"), Claimed::Granted, "its process goes on");
    world.store.release(&world.name, "own").unwrap();
    assert_eq!(world.claim(&other, "other"), Claimed::Granted);
    other.release(&world.name, "other").unwrap();
    drop(other);
    if cfg!(target_os = "linux") {
        assert_eq!(world.claim(&world.store, "own"), Claimed::TakenOver { from: "other".to_owned() });
    }
}

#[test]
fn a_claim_from_another_computer_is_held_for_its_time_and_no_longer() {
    let world = World::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let lease = |until: u128, ttl: u64| {
        // `6f` is `o`.
        let text = format!("lease {until} {ttl} 0123456789abcdef elsewhere 6f\n");
        fs::write(world.file("lock"), text).unwrap();
    };
    lease(now + 60_000, 75_000);
    assert!(matches!(world.claim(&world.store, "own"), Claimed::Held(_)));
    assert_eq!(world.claim(&world.store, "o"), Claimed::Granted, "the owner claims again");
    lease(now - 1, 75_000);
    assert_eq!(world.claim(&world.store, "own"), Claimed::Granted);
    // The clock was set back by a day, or the lease is nonsense.
    lease(now + 86_400_000, 75_000);
    assert_eq!(world.claim(&world.store, "own"), Claimed::Granted);
    for unreadable in ["lease 1", "\0\0\0\0", "other\n"] {
        fs::write(world.file("lock"), unreadable).unwrap();
        assert_eq!(world.claim(&world.store, "own"), Claimed::Granted, "{unreadable:?}");
    }
}

#[test]
fn a_lock_that_is_held_is_waited_for_in_vain_and_readers_go_on() {
    let world = World::new();
    let held = File::options().read(true).write(true).open(world.file("lock")).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let store = world.again(FileStore::options().lock_patience(Duration::from_millis(5)));
    let before = world.files();
    let saved =
        store.compare_and_swap(&world.name, Some(octo_auth_core::Version(2)), &crate::world::content("x"));
    let (code, text) = told(&saved.unwrap_err());
    assert_eq!(code, "lock_timeout");
    assert!(text.contains("if it is stopped or hangs, end it"), "{text}");
    assert_eq!(told(&store.claim(&world.name, "own", LONG).unwrap_err()).0, "lock_timeout");
    assert!(store.load(&world.name).unwrap().is_some());
    assert_eq!(world.files(), before);
    drop(held);
    assert_eq!(world.claim(&store, "own"), Claimed::Granted);
}

#[test]
fn a_lock_file_removed_while_a_process_waits_for_it_blocks_no_process() {
    let world = World::new();
    let held = File::open(world.file("lock")).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    fs::remove_file(world.file("lock")).unwrap();
    assert_eq!(world.claim(&world.store, "own"), Claimed::Granted);
}
