//! What every store owes, of the store in memory, and that a store which owes it is told so.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octo_auth_core::{Claimed, Key, Now, Record, Saved, Storage, Store, StoreFault, Stored, Version};
use octo_auth_system::{Clock, MemoryStore};
use octo_auth_testkit::{async_, blocking};
use octo_auth_tests::moment;
use octo_auth_tests::registration::sound;

/// A runtime for the asynchronous suite.
fn runtime() -> tokio::runtime::Runtime {
    sound(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build())
}

/// A clock that moves when it is told to.
#[derive(Clone)]
struct Moved(Arc<Mutex<Now>>);

impl Moved {
    fn advance(&self, time: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.boot += time;
    }
}

impl Clock for Moved {
    fn now(&self) -> Now {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[test]
fn the_store_in_memory_owes_nothing_in_either_colour() {
    assert_eq!(blocking::store::check(&MemoryStore::new()).failures(), []);
    assert_eq!(runtime().block_on(async_::store::check(&MemoryStore::new())).failures(), []);
}

#[test]
fn a_synchronous_store_on_threads_owes_nothing_either() {
    let threaded = octo_auth_async::Threaded::new(MemoryStore::new());
    assert_eq!(runtime().block_on(async_::store::check(&threaded)).failures(), []);
}

#[test]
fn a_store_whose_clock_the_test_moves_is_checked_without_waiting() {
    for asynchronous in [false, true] {
        let clock = Moved(Arc::new(Mutex::new(moment::start())));
        let store = MemoryStore::with_clock(clock.clone());
        let advance = |time| clock.advance(time);
        let report = match asynchronous {
            true => runtime().block_on(async_::store::check_with_clock(&store, &advance)),
            false => blocking::store::check_with_clock(&store, &advance),
        };
        assert_eq!(report.failures(), []);
    }
}

#[test]
fn a_store_that_nobody_shares_grants_every_claim() {
    let store = Wrong::new("nothing", Storage::Private);
    assert_eq!(blocking::store::check(&store).failures(), []);
}

/// What a store does wrong, and the check that must say so.
const WRONGS: [(&str, &str); 15] = [
    ("makes records up", "an_unknown_key_is_empty"),
    ("forgets the marker", "a_record_comes_back_whole"),
    ("keeps what was there", "a_record_comes_back_whole"),
    ("writes once", "a_change_of_the_stored_version_is_done"),
    ("looks at no version", "a_change_of_another_version_is_a_conflict"),
    ("hides the conflict", "a_change_of_another_version_is_a_conflict"),
    ("writes over nothing", "a_change_of_nothing_needs_nothing_stored"),
    ("counts nothing", "versions_grow_with_each_change"),
    ("folds names", "keys_are_compared_in_full"),
    ("lets the last one win", "of_changes_at_once_one_is_done"),
    ("grants every claim", "a_claim_keeps_others_out"),
    ("extends no claim", "a_claim_is_extended_by_its_owner"),
    ("releases for anybody", "a_claim_is_released_by_its_owner_only"),
    ("ends no claim", "a_claim_ends_by_itself"),
    ("has one lock", "claims_of_other_keys_are_free"),
];

#[test]
fn each_check_of_a_store_fails_where_it_is_owed_and_in_both_colours() {
    let right = blocking::store::check(&MemoryStore::new());
    let named: BTreeSet<_> = WRONGS.iter().map(|(_, check)| *check).collect();
    assert_eq!(named, right.checks().iter().copied().collect(), "every check has a store that fails it");
    for (wrong, check) in WRONGS {
        let threaded = octo_auth_async::Threaded::new(Wrong::new(wrong, Storage::Shared));
        for report in [
            blocking::store::check(&Wrong::new(wrong, Storage::Shared)),
            runtime().block_on(async_::store::check(&threaded)),
        ] {
            let failed: Vec<_> = report.failures().iter().map(|failure| failure.check).collect();
            assert!(failed.contains(&check), "a store that {wrong} fails {failed:?}");
        }
    }
}

/// A store in memory that does one thing wrong.
struct Wrong {
    inner: MemoryStore,
    wrong: &'static str,
    storage: Storage,
}

impl Wrong {
    fn new(wrong: &'static str, storage: Storage) -> Self {
        Self { inner: MemoryStore::new(), wrong, storage }
    }

    fn does(&self, wrong: &str) -> bool {
        self.wrong == wrong
    }

    fn key(&self, key: &Key) -> Key {
        match self.wrong {
            "folds names" => Key::account(&key.account_name().to_lowercase()),
            _ => key.clone(),
        }
    }
}

impl Store for Wrong {
    fn storage(&self) -> Storage {
        self.storage
    }

    fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        let stored = self.inner.load(&self.key(key))?;
        if self.does("makes records up") && stored.is_none() {
            return Ok(Some(Stored { record: Record::default(), version: Version(0) }));
        }
        Ok(stored)
    }

    fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault> {
        let (key, mut record) = (self.key(key), record.clone());
        let stored = self.inner.load(&key)?;
        match self.wrong {
            "forgets the marker" => record.pending = None,
            "keeps what was there" => {
                record.parent = record.parent.or(stored.as_ref().and_then(|stored| stored.record.parent));
            }
            "writes once" if expected.is_some() && stored.is_some() => {
                return Ok(Saved::Conflict(stored.map(Box::new)));
            }
            _ => {}
        }
        let held = stored.as_ref().map(|stored| stored.version);
        let is_blind = match self.wrong {
            "looks at no version" => expected.is_some() && held.is_some(),
            "writes over nothing" => held.is_none(),
            "lets the last one win" => true,
            _ => false,
        };
        let saved = self.inner.compare_and_swap(&key, if is_blind { held } else { expected }, &record)?;
        Ok(match saved {
            Saved::Done(_) if self.does("counts nothing") => Saved::Done(Version(1)),
            Saved::Conflict(_) if self.does("hides the conflict") => Saved::Conflict(None),
            saved => saved,
        })
    }

    fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        let key = if self.does("has one lock") { Key::api_login() } else { key.clone() };
        if self.storage != Storage::Shared || self.does("grants every claim") {
            return Ok(Claimed::Granted);
        }
        if self.does("ends no claim") {
            let claimed = self.inner.claim(&key, owner, Duration::from_secs(3600))?;
            return Ok(match claimed {
                Claimed::Held(_) => Claimed::Held(Duration::from_millis(1)),
                granted => granted,
            });
        }
        if self.does("extends no claim") {
            return self.inner.claim(&key, &format!("{owner} for {lasting:?}"), lasting);
        }
        self.inner.claim(&key, owner, lasting)
    }

    fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        let key = if self.does("has one lock") { Key::api_login() } else { key.clone() };
        if self.does("releases for anybody") {
            // Whoever holds it has one of the names of the suite.
            for anybody in ["one", "two", "three"] {
                self.inner.release(&key, anybody)?;
            }
        }
        self.inner.release(&key, owner)
    }
}
