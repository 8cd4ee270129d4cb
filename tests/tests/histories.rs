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
use octo_auth_tests::history::{Did, Extent, Held, Operation, is_linearizable, name, record};
use octo_auth_tests::registration::sound;

/// The processes that use a record concurrently.
const SHORT: Extent = Extent { processes: 4, operations: 6 };

fn accepted(stores: &[Arc<dyn Store>], histories: u64, disturb: &(dyn Fn(u64) + Sync)) -> Result<(), String> {
    for number in 0..histories {
        let history = record(stores, &name(number), SHORT, disturb);
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

/// Starts both servers. Returns them, each with a proxy, the text of a statement that writes, and a function that opens a
/// store at a port.
fn servers() -> Option<[Server; 2]> {
    if !Postgres::is_installed() || !Redis::is_installed() {
        println!("skipped: it needs PostgreSQL and Redis");
        return None;
    }
    let (postgres, redis) = (Arc::new(sound(Postgres::start())), sound(Redis::start()));
    let (database, server) = (postgres.clone(), postgres);
    let in_postgres = move |port| -> Arc<dyn Store> {
        let config = sound(database.url_at(port).parse());
        let store = sound(PostgresStore::connect(config, octo_auth_store_postgres::Options::default()));
        sound(store.migrate());
        Arc::new(store)
    };
    let in_redis = |port| -> Arc<dyn Store> {
        let client = sound(redis::Client::open(format!("redis://127.0.0.1:{port}/")));
        Arc::new(sound(RedisStore::connect(client, octo_auth_store_redis::Options::default())))
    };
    let ports = [server.port(), redis.port()];
    let [first, second] = ports.map(|port| (port, sound(Proxy::start(port))));
    Some([
        Server { at: first, writes: "UPDATE", open: Box::new(in_postgres), _server: Box::new(server) },
        Server { at: second, writes: "EVALSHA", open: Box::new(in_redis), _server: Box::new(redis) },
    ])
}

struct Server {
    /// The port of the server, and a proxy in front of it.
    at: (u16, Proxy),
    writes: &'static str,
    open: Box<dyn Fn(u16) -> Arc<dyn Store>>,
    _server: Box<dyn std::any::Any>,
}

#[test]
fn histories_of_servers_whose_connections_are_cut_are_accepted() {
    for Server { at: (port, proxy), writes, open, _server } in servers().into_iter().flatten() {
        // Two processes have a connection that is cut before or after a write takes effect.
        let stores = [open(proxy.port()), open(port)];
        let disturb = |step| match step % 7 {
            0 => proxy.cut_at(writes, Cut::BeforeAnswer),
            3 => proxy.cut_at(writes, Cut::BeforeStatement),
            _ => {}
        };
        sound(accepted(&stores, 60, &disturb));
    }
}

/// A store with one fault.
struct Wrong {
    store: Arc<dyn Store>,
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

/// The faults of a store.
const WRONGS: [&str; 5] = [
    "reads what was there before",
    "compares and writes in two steps",
    "says done and forgets",
    "writes and says conflict",
    "lets the last one win",
];

fn is_caught(store: Arc<dyn Store>, wrong: &'static str, histories: u64) -> bool {
    let (calls, earlier) = (AtomicU64::new(0), Mutex::default());
    accepted(&[Arc::new(Wrong { store, wrong, calls, earlier })], histories, &|_| ()).is_err()
}

#[test]
fn each_store_that_does_something_wrong_has_a_history_that_is_refused() {
    for wrong in WRONGS {
        assert!(is_caught(Arc::new(MemoryStore::new()), wrong, 3000), "a store that {wrong}");
    }
}

#[test]
fn each_fault_is_also_found_on_the_servers() {
    for Server { at: (port, _proxy), open, _server, .. } in servers().into_iter().flatten() {
        for wrong in WRONGS {
            assert!(is_caught(open(port), wrong, 300), "a store that {wrong}");
        }
    }
}
