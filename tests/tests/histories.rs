//! Histories of stores that several processes use concurrently, and of faulty stores.

#![cfg(all(unix, feature = "adapters"))]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use octo_auth_core::{Claimed, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version};
use octo_auth_engines::{Cut, Postgres, Proxy, Redis};
use octo_auth_store_postgres::blocking::PostgresStore;
use octo_auth_store_redis::blocking::RedisStore;
use octo_auth_system::MemoryStore;
use octo_auth_tests::history::{Did, Held, Operation, held, is_linearizable, written};
use octo_auth_tests::registration::sound;

/// The count of processes that use a record concurrently.
const PROCESSES: u64 = 4;

/// The count of operations of each process on a record.
const OPERATIONS: u64 = 6;

fn name(number: u64) -> RecordName {
    sound(RecordName::parse(&format!("history-{number}.{}", "0".repeat(32))))
}

/// Runs processes that use a record concurrently: each reads it, and writes against the last version it saw. Returns
/// the history.
fn history(stores: &[Arc<dyn Store>], name: &RecordName, disturb: &(dyn Fn(u64) + Sync)) -> Vec<Operation> {
    let (clock, content, seen) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
    let tick = || clock.fetch_add(1, Ordering::SeqCst);
    thread::scope(|scope| {
        for (process, store) in (0..PROCESSES).zip(stores.iter().cycle()) {
            let (seen, content, tick) = (&seen, &content, &tick);
            scope.spawn(move || {
                let note = |did, begun| {
                    let operation = Operation { did, begun, ended: tick() };
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
                };
                let mut known: Option<Version> = None;
                for step in 0..OPERATIONS {
                    disturb(step * PROCESSES + process);
                    let begun = tick();
                    if (step + process) % 3 == 0 {
                        if let Ok(stored) = store.load(name) {
                            note(Did::Loaded(stored.as_ref().map(held)), begun);
                            known = stored.map(|stored| stored.version);
                        }
                        continue;
                    }
                    let own = content.fetch_add(1, Ordering::SeqCst);
                    let saved = store.compare_and_swap(name, known, &own.to_string().into_bytes().into());
                    let (did, shown) = written(known, own, &saved);
                    note(did, begun);
                    if let Some(shown) = shown {
                        note(shown, begun);
                    }
                    known = match saved {
                        Ok(Saved::Done(version)) => Some(version),
                        Ok(Saved::Conflict(stored)) => stored.map(|stored| stored.version),
                        Err(_) => known,
                    };
                }
            });
        }
    });
    seen.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn accepted(stores: &[Arc<dyn Store>], histories: u64, disturb: &(dyn Fn(u64) + Sync)) -> Result<(), String> {
    for number in 0..histories {
        let history = history(stores, &name(number), disturb);
        if !is_linearizable(&history) {
            return Err(format!("history {number} is not linearizable: {history:#?}"));
        }
    }
    Ok(())
}

#[test]
fn an_order_is_found_where_there_is_one_and_none_where_there_is_none() {
    let at = |did, begun, ended| Operation { did, begun, ended };
    let [one, two] = [(1, 10), (2, 20)].map(|(version, content)| Held { version, content });
    let other = Held { version: 2, content: 30 };
    let births = [at(Did::Wrote(None, one), 0, 3), at(Did::Refused(None), 1, 2)];
    assert!(is_linearizable(&births));
    // Each of these starts after the previous one has ended.
    assert!(!is_linearizable(&[at(Did::Refused(None), 0, 1), at(Did::Wrote(None, one), 2, 3)]));
    assert!(!is_linearizable(&[at(Did::Wrote(None, one), 0, 1), at(Did::Loaded(None), 2, 3)]));
    assert!(is_linearizable(&[at(Did::Wrote(None, one), 0, 3), at(Did::Loaded(None), 1, 2)]));
    // Two processes wrote the same version.
    let both = [
        at(Did::Wrote(None, one), 0, 1),
        at(Did::Wrote(Some(1), two), 2, 5),
        at(Did::Wrote(Some(1), other), 3, 4),
    ];
    assert!(!is_linearizable(&both));
    // A write with an unknown result takes effect late, or never, but not after it was seen and replaced.
    let maybe = at(Did::Maybe(Some(1), 20), 2, 3);
    let seen = |record, begun| at(Did::Loaded(Some(record)), begun, begun + 1);
    let born = at(Did::Wrote(None, one), 0, 1);
    assert!(is_linearizable(&[born, maybe, seen(one, 4), seen(two, 6)]));
    assert!(is_linearizable(&[born, maybe, seen(one, 4)]));
    assert!(!is_linearizable(&[born, maybe, seen(two, 4), seen(one, 6)]));
}

#[test]
fn histories_of_a_store_in_memory_are_accepted() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    sound(accepted(&[store], 500, &|_| ()));
}

#[test]
fn histories_of_servers_whose_connections_are_cut_are_accepted() {
    if !Postgres::is_installed() || !Redis::is_installed() {
        println!("skipped: it needs PostgreSQL and Redis");
        return;
    }
    let (postgres, redis) = (sound(Postgres::start()), sound(Redis::start()));
    let proxies = [postgres.port(), redis.port()].map(|port| sound(Proxy::start(port)));
    let in_postgres = |port| -> Arc<dyn Store> {
        let config = sound(postgres.url_at(port).parse());
        let store = sound(PostgresStore::connect(config, octo_auth_store_postgres::Options::default()));
        sound(store.migrate());
        Arc::new(store)
    };
    let in_redis = |port| -> Arc<dyn Store> {
        let client = sound(redis::Client::open(format!("redis://127.0.0.1:{port}/")));
        Arc::new(sound(RedisStore::connect(client, octo_auth_store_redis::Options::default())))
    };
    // Two processes have a connection that is cut before or after a write takes effect.
    let stores = [
        [in_postgres(proxies[0].port()), in_postgres(postgres.port())],
        [in_redis(proxies[1].port()), in_redis(redis.port())],
    ];
    for ((stores, proxy), text) in stores.iter().zip(&proxies).zip(["UPDATE", "EVALSHA"]) {
        let disturb = |step| match step % 7 {
            0 => proxy.cut_at(text, Cut::BeforeAnswer),
            3 => proxy.cut_at(text, Cut::BeforeStatement),
            _ => {}
        };
        sound(accepted(stores, 60, &disturb));
    }
}

/// A store in memory with one fault.
struct Wrong {
    store: MemoryStore,
    wrong: &'static str,
    calls: AtomicU64,
    earlier: Mutex<Option<Stored>>,
}

impl Store for Wrong {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        let stored = self.store.load(name)?;
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = match self.wrong {
            "reads what was there before" => earlier.clone(),
            _ => stored.clone(),
        };
        *earlier = stored;
        Ok(shown)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let held = self.store.load(name)?.map(|stored| stored.version);
        let is_third = self.calls.fetch_add(1, Ordering::SeqCst) % 3 == 2;
        match self.wrong {
            "compares and writes in two steps" => {
                if held != expected {
                    return Ok(Saved::Conflict(self.store.load(name)?));
                }
                thread::yield_now();
                let now = self.store.load(name)?.map(|stored| stored.version);
                self.store.compare_and_swap(name, now, content)?;
                Ok(Saved::Done(Version(expected.map_or(0, |version| version.0) + 1)))
            }
            "says done and forgets" if is_third && held == expected => {
                Ok(Saved::Done(Version(expected.map_or(0, |version| version.0) + 1)))
            }
            "writes and says conflict" if is_third && held == expected => {
                self.store.compare_and_swap(name, expected, content)?;
                Ok(Saved::Conflict(self.store.load(name)?))
            }
            "lets the last one win" => self.store.compare_and_swap(name, held, content),
            _ => self.store.compare_and_swap(name, expected, content),
        }
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        self.store.claim(name, owner, ttl)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.store.list(prefix)
    }
}

#[test]
fn each_store_that_does_something_wrong_has_a_history_that_is_refused() {
    for wrong in [
        "reads what was there before",
        "compares and writes in two steps",
        "says done and forgets",
        "writes and says conflict",
        "lets the last one win",
    ] {
        let (store, calls) = (MemoryStore::new(), AtomicU64::new(0));
        let store: Arc<dyn Store> = Arc::new(Wrong { store, wrong, calls, earlier: Mutex::default() });
        assert!(accepted(&[store], 3000, &|_| ()).is_err(), "a store that {wrong}");
    }
}
