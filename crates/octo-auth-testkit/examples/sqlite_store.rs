//! A store over SQLite, and the suite that checks it: a model for a store over any other database.
//!
//! ```sh
//! cargo run --package octo-auth-testkit --features async,blocking --example sqlite_store
//! ```
//!
//! Processes of one machine share the database file, so the store is [`Storage::MultiProcess`]. Each change is a single
//! statement, which SQLite makes atomic; no transaction is open longer. SQLite cannot notify other processes, so
//! [`Store::changes`] is left to its default.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{env, fs, io, process};

use octo_auth_async::BlockingStore;
use octo_auth_core::{Claimed, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version};
use octo_auth_testkit::blocking::SuiteReport;
use octo_auth_testkit::{async_, blocking};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::runtime::Runtime;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS record (name TEXT PRIMARY KEY, version INTEGER NOT NULL, content BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS claim (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL);";

/// Takes the claim if it is free, expired or the owner's own. Returns the resulting owner and the remaining
/// milliseconds.
const CLAIM: &str = "
    INSERT INTO claim (name, owner, until) VALUES (?1, ?2, ?3 + ?4) ON CONFLICT (name) DO UPDATE SET
        owner = iif(owner = ?2 OR until <= ?3, ?2, owner),
        until = iif(owner = ?2 OR until <= ?3, ?3 + ?4, until)
    RETURNING owner, until - ?3";

/// A store in a database file. Each handle has its own connection.
struct SqliteStore(Mutex<Connection>);

impl SqliteStore {
    fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        // A store call may take 5 s in total.
        connection.busy_timeout(Duration::from_secs(4))?;
        connection.execute_batch(TABLES)?;
        Ok(Self(Mutex::new(connection)))
    }

    fn run<R>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<R>) -> Result<R, StoreError> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(&connection).map_err(|error| StoreError::new("SQLite failed").with_source(error))
    }
}

impl Store for SqliteStore {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        let select = "SELECT version, content FROM record WHERE name = ?1";
        let find = |db: &Connection| db.query_row(select, [name.as_str()], |row| row.try_into()).optional();
        let found: Option<(u64, Vec<u8>)> = self.run(find)?;
        Ok(found.map(|(version, content)| Stored { version: Version(version), content: content.into() }))
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let insert = "INSERT INTO record VALUES (?1, ?2 + 1, ?3) ON CONFLICT (name) DO NOTHING";
        let update = "UPDATE record SET version = ?2 + 1, content = ?3 WHERE name = ?1 AND version = ?2";
        let (statement, Version(version)) = expected.map_or((insert, Version(0)), |known| (update, known));
        let values = params![name.as_str(), version, content.as_ref()];
        match self.run(|db| db.execute(statement, values))? {
            0 => Ok(Saved::Conflict(self.load(name)?)),
            _ => Ok(Saved::Done(Version(version + 1))),
        }
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        // The processes that share the file are on one machine, so they read the same clock.
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let values = params![name.as_str(), owner, now.as_millis() as u64, ttl.as_millis() as u64];
        let (holder, left): (String, u64) =
            self.run(|db| db.query_row(CLAIM, values, |row| row.try_into()))?;
        Ok(if holder == owner { Claimed::Granted } else { Claimed::Held(Duration::from_millis(left)) })
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let delete = "DELETE FROM claim WHERE name = ?1 AND owner = ?2";
        self.run(|db| db.execute(delete, [name.as_str(), owner])).map(drop)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        // Not `LIKE`: it ignores case, and `_` is a wildcard in its patterns.
        let select = "SELECT name FROM record WHERE substr(name, 1, length(?1)) = ?1";
        let names: Vec<String> =
            self.run(|db| db.prepare(select)?.query_map([prefix], |row| row.get(0))?.collect())?;
        Ok(names.iter().filter_map(|name| RecordName::parse(name).ok()).collect())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    for (title, check) in CHECKS {
        println!("{title}: {}", checked(title, check)?);
    }
    Ok(())
}

/// A check of one handle of a database, or of two.
type Check = fn(SqliteStore, SqliteStore) -> io::Result<SuiteReport>;

const CHECKS: [(&str, Check); 4] = [
    ("one-handle-blocking", |store, _| Ok(blocking::store::check(&store))),
    ("two-handles-blocking", |one, other| Ok(blocking::store::check_handles(&one, &other))),
    ("one-handle-async", |store, _| {
        Ok(Runtime::new()?.block_on(async_::store::check(&BlockingStore::new(store))))
    }),
    ("two-handles-async", |one, other| {
        let [one, other] = [one, other].map(BlockingStore::new);
        Ok(Runtime::new()?.block_on(async_::store::check_handles(&one, &other)))
    }),
];

/// Runs a check with an empty database, which is then deleted.
fn checked(title: &str, check: Check) -> Result<SuiteReport, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("octo-auth-{title}-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let path = folder.join("tokens.sqlite");
    let report = check(SqliteStore::open(&path)?, SqliteStore::open(&path)?)?;
    fs::remove_dir_all(&folder)?;
    Ok(report)
}

#[test]
fn the_store_passes_all_checks_of_both_suites() {
    for (title, check) in CHECKS {
        let report = checked(title, check).unwrap();
        assert_eq!(report.failures(), [], "{title}");
        assert!(!report.checks().is_empty());
    }
}
