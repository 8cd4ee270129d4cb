//! One server for all tests, and stores in separate schemas.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use octo_auth_core::{RecordBytes, RecordName, Saved, StoreError, Version};
use octo_auth_engines::Postgres;
use octo_auth_store_postgres::{Options, PostgresStore, PostgresStoreError, blocking};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config};

/// Returns the server. If PostgreSQL is not installed, prints so and returns `None`.
pub(crate) fn server() -> Option<&'static Postgres> {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    if !Postgres::is_installed() {
        println!("skipped: it needs PostgreSQL");
        return None;
    }
    Some(SERVER.get_or_init(|| Postgres::start().unwrap()))
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn config(server: &Postgres) -> Config {
    server.url().parse().unwrap()
}

/// Returns the name of a schema that no other test uses.
pub(crate) fn schema() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn in_schema(schema: &str) -> Options {
    Options::default().schema(schema)
}

/// Returns a blocking store with its tables created.
pub(crate) fn migrated(server: &Postgres, options: Options) -> blocking::PostgresStore {
    let store = blocking::PostgresStore::connect(config(server), options).unwrap();
    store.migrate().unwrap();
    store
}

/// Returns a store with its tables created.
pub(crate) async fn migrated_async(server: &Postgres, options: Options) -> PostgresStore {
    let store = PostgresStore::connect(config(server), options).unwrap();
    store.migrate().await.unwrap();
    store
}

/// Returns a connection for the test itself.
pub(crate) async fn connection(server: &Postgres) -> Client {
    let (client, connection) = config(server).connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Executes statements on the server.
pub(crate) fn execute(server: &Postgres, statements: &str) {
    runtime().block_on(async { connection(server).await.batch_execute(statements).await.unwrap() });
}

pub(crate) fn name(account: &str) -> RecordName {
    RecordName::parse(&format!("auth.example.client.0123456789abcdef.account.{account}.{}", "0".repeat(32)))
        .unwrap()
}

pub(crate) fn content(text: &str) -> RecordBytes {
    RecordBytes::from(text.as_bytes())
}

/// Returns the version of a write that was done.
pub(crate) fn written(saved: Result<Saved, StoreError>) -> Version {
    match saved.unwrap() {
        Saved::Done(version) => version,
        Saved::Conflict(stored) => panic!("a conflict with {stored:?}"),
    }
}

/// Returns the code of an error, after checking the text it shows.
pub(crate) fn code(error: &StoreError) -> &'static str {
    let own = PostgresStoreError::of(error).unwrap();
    for shown in [format!("{own}"), format!("{own:?}"), format!("{error:?}")] {
        assert!(!shown.contains("rt-secret"), "{shown}");
    }
    own.code()
}
