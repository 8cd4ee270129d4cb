//! The contract of every store, tested with the store in memory and with faulty stores: each fault must be reported.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octo_auth_async::BlockingStore;
use octo_auth_core::{
    ChangeListener, Claimed, Now, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version,
};
use octo_auth_system::{Clock, MemoryStore};
use octo_auth_testkit::blocking::SuiteReport;
use octo_auth_testkit::{StoredRecord, async_, blocking};
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
    let blocking = BlockingStore::new(MemoryStore::new());
    assert_eq!(runtime().block_on(async_::store::check(&blocking)).failures(), []);
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
fn handles_of_one_store_in_memory_owe_each_other_nothing_in_either_colour() {
    let store = MemoryStore::new();
    assert_eq!(blocking::store::check_handles(&store, &store.clone()).failures(), []);
    let store = MemoryStore::new();
    let other = BlockingStore::new(store.clone());
    assert_eq!(runtime().block_on(async_::store::check_handles(&store, &other)).failures(), []);
}

#[test]
fn a_store_that_one_process_uses_may_grant_every_claim() {
    let store = Wrong::new("in no way", Storage::SingleProcess);
    assert_eq!(blocking::store::check(&store).failures(), []);
}

/// The fault of a store, and the check that must report it.
const WRONGS: [(&str, &str); 24] = [
    ("makes records up", "an_unknown_name_has_no_record"),
    ("ends at a NUL", "content_comes_back_byte_for_byte"),
    ("keeps text only", "content_comes_back_byte_for_byte"),
    ("takes empty for absent", "content_comes_back_byte_for_byte"),
    ("keeps what was there", "content_comes_back_byte_for_byte"),
    ("cuts at 64 KiB", "content_comes_back_byte_for_byte"),
    ("writes once", "a_change_of_the_stored_version_is_done"),
    ("looks at no version", "a_change_of_another_version_is_a_conflict"),
    ("hides the conflict", "a_change_of_another_version_is_a_conflict"),
    ("creates for any version", "a_change_of_no_version_creates_only"),
    ("counts nothing", "versions_grow"),
    ("lets the last one win", "of_changes_at_once_one_is_done"),
    ("folds names", "names_are_compared_byte_for_byte"),
    ("looks at digests only", "names_are_compared_byte_for_byte"),
    ("lists by a pattern", "names_are_listed_by_their_beginning"),
    ("looks at accounts only", "registrations_do_not_see_each_others_records"),
    ("lets the last one win", "a_record_of_a_newer_format_is_neither_used_nor_overwritten"),
    ("reads every format", "a_record_of_a_newer_format_is_neither_used_nor_overwritten"),
    ("reads every name", "a_record_of_another_name_is_neither_used_nor_overwritten"),
    ("grants every claim", "a_claim_keeps_others_out"),
    ("extends no claim", "a_claim_is_extended_by_its_owner"),
    ("releases for anybody", "a_claim_is_released_by_its_owner_only"),
    ("ends no claim", "a_claim_ends_by_itself"),
    ("has one lock", "claims_of_other_names_are_free"),
];

/// The fault of a store between two handles, and the check that must report it.
const WRONGS_OF_HANDLES: [(&str, &str); 4] = [
    ("has records in each handle", "what_one_handle_wrote_another_reads"),
    ("has claims in each handle", "a_claim_keeps_other_handles_out"),
    ("notifies of nothing", "changes_name_what_another_handle_wrote"),
    ("names other records", "changes_name_what_another_handle_wrote"),
];

#[test]
fn each_check_of_a_store_fails_where_it_is_owed_and_in_both_colours() {
    let right = blocking::store::check(&MemoryStore::new());
    assert_eq!(
        named(&WRONGS),
        right.checks().iter().copied().collect(),
        "every check has a store that fails it"
    );
    for (wrong, check) in WRONGS {
        let store = || Wrong::new(wrong, Storage::MultiProcess);
        assert_fails(wrong, &blocking::store::check(&store()), check);
        let report = runtime().block_on(async_::store::check(&BlockingStore::new(store())));
        assert_fails(wrong, &report, check);
    }
}

#[test]
fn each_check_of_two_handles_fails_where_it_is_owed() {
    let store = MemoryStore::new();
    let right = blocking::store::check_handles(&store, &store);
    let checks = right.checks().iter().copied().collect();
    assert_eq!(named(&WRONGS_OF_HANDLES), checks, "every check has a store that fails it");
    for (wrong, check) in WRONGS_OF_HANDLES {
        let one = Wrong::new(wrong, Storage::MultiProcess);
        assert_fails(wrong, &blocking::store::check_handles(&one, &one.other_handle()), check);
    }
}

/// Returns the checks that must fail.
fn named(wrongs: &[(&'static str, &'static str)]) -> BTreeSet<&'static str> {
    wrongs.iter().map(|(_, check)| *check).collect()
}

#[track_caller]
fn assert_fails(wrong: &str, report: &SuiteReport, check: &str) {
    let failed: Vec<_> = report.failures().iter().map(|failure| failure.check).collect();
    assert!(failed.contains(&check), "a store that {wrong} fails {failed:?}");
}

/// A store in memory with one fault.
struct Wrong {
    records: MemoryStore,
    claims: MemoryStore,
    wrong: &'static str,
    storage: Storage,
}

impl Wrong {
    fn new(wrong: &'static str, storage: Storage) -> Self {
        Self { records: MemoryStore::new(), claims: MemoryStore::new(), wrong, storage }
    }

    fn other_handle(&self) -> Self {
        let mut other = Self::new(self.wrong, self.storage);
        if !self.does("has records in each handle") {
            other.records = self.records.clone();
        }
        if !self.does("has claims in each handle") {
            other.claims = self.claims.clone();
        }
        other
    }

    fn does(&self, wrong: &str) -> bool {
        self.wrong == wrong
    }

    /// Returns the name of a record in this store.
    fn name(&self, name: &RecordName) -> RecordName {
        let parts: Vec<&str> = name.as_str().rsplit('.').collect();
        match self.wrong {
            "folds names" => sound(RecordName::parse(&name.as_str().to_lowercase())),
            "looks at digests only" => sound(RecordName::parse(parts[0])),
            "looks at accounts only" => sound(RecordName::parse(&format!("{}.{}", parts[1], "0".repeat(32)))),
            _ => name.clone(),
        }
    }

    /// Returns the name of a claim in this store.
    fn claimed(&self, name: &RecordName) -> RecordName {
        let one = || sound(RecordName::parse(&"0".repeat(32)));
        if self.does("has one lock") { one() } else { name.clone() }
    }

    /// Returns the content that is stored for this content.
    fn stored(&self, content: &RecordBytes, before: Option<&Stored>) -> RecordBytes {
        let bytes = content.as_ref();
        let before = before.map(|stored| stored.content.as_ref()).unwrap_or_default();
        RecordBytes::from(match self.wrong {
            "ends at a NUL" => bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
            "keeps text only" => String::from_utf8_lossy(bytes).into_owned().into_bytes(),
            "keeps what was there" if before.len() > bytes.len() => [bytes, &before[bytes.len()..]].concat(),
            "cuts at 64 KiB" => bytes[..bytes.len().min(65_536)].to_vec(),
            _ => bytes.to_vec(),
        })
    }

    /// Returns the content that is read for this content.
    fn read(&self, name: &RecordName, content: RecordBytes) -> RecordBytes {
        let changed = StoredRecord::read(&content).and_then(|record| match self.wrong {
            "reads every format" => Some(record.with("v", 1)),
            "reads every name" => Some(record.with("name", name.as_str())),
            _ => None,
        });
        changed.map_or(content, |record| record.content())
    }
}

impl Store for Wrong {
    fn storage(&self) -> Storage {
        self.storage
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        let stored = self.records.load(&self.name(name))?;
        Ok(match (self.wrong, stored) {
            ("makes records up", None) => {
                Some(Stored { version: Version(1), content: RecordBytes::from(Vec::new()) })
            }
            ("takes empty for absent", Some(stored)) if stored.content.as_ref().is_empty() => None,
            (_, stored) => stored.map(|stored| Stored { content: self.read(name, stored.content), ..stored }),
        })
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let name = self.name(name);
        let stored = self.records.load(&name)?;
        let content = self.stored(content, stored.as_ref());
        if self.does("writes once") && expected.is_some() && stored.is_some() {
            return Ok(Saved::Conflict(stored));
        }
        let held = stored.map(|stored| stored.version);
        let is_blind = match self.wrong {
            "looks at no version" => expected.is_some() && held.is_some(),
            "creates for any version" => held.is_none(),
            "lets the last one win" => true,
            _ => false,
        };
        let expected = if is_blind { held } else { expected };
        Ok(match self.records.compare_and_swap(&name, expected, &content)? {
            Saved::Done(_) if self.does("counts nothing") => Saved::Done(Version(1)),
            Saved::Conflict(_) if self.does("hides the conflict") => Saved::Conflict(None),
            saved => saved,
        })
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let name = self.claimed(name);
        if self.storage != Storage::MultiProcess || self.does("grants every claim") {
            return Ok(Claimed::Granted);
        }
        if self.does("ends no claim") {
            let claimed = self.claims.claim(&name, owner, Duration::from_secs(3600))?;
            return Ok(match claimed {
                Claimed::Held(_) => Claimed::Held(Duration::from_millis(1)),
                granted => granted,
            });
        }
        if self.does("extends no claim") {
            return self.claims.claim(&name, &format!("{owner} for {ttl:?}"), ttl);
        }
        self.claims.claim(&name, owner, ttl)
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let name = self.claimed(name);
        if self.does("releases for anybody") {
            // The owner of the claim has one of the suite's names.
            for anybody in ["one", "two", "three"] {
                self.claims.release(&name, anybody)?;
            }
        }
        self.claims.release(&name, owner)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        if !self.does("lists by a pattern") {
            return self.records.list(prefix);
        }
        let fits = |name: &RecordName| {
            let (name, prefix) = (name.as_str().bytes(), prefix.bytes());
            name.zip(prefix).all(|(own, asked)| asked == own || asked == b'_')
        };
        Ok(self.records.list("")?.into_iter().filter(fits).collect())
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        match self.wrong {
            "notifies of nothing" => true,
            "names other records" => {
                let other = sound(RecordName::parse(&"0".repeat(32)));
                self.records.changes(Arc::new(move |_| listener(&other)))
            }
            _ => self.records.changes(listener),
        }
    }
}
