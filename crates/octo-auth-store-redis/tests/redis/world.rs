//! One server for all tests, and stores with separate prefixes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use octo_auth_core::{RecordBytes, RecordName, Saved, StoreError, Version};
use octo_auth_engines::Redis;
use octo_auth_store_redis::{Options, RedisStore, RedisStoreError, blocking};
use redis::Client;
use tokio::runtime::Runtime;

/// Returns the server. If Redis is not installed, prints so and returns `None`.
pub(crate) fn server() -> Option<&'static Redis> {
    static SERVER: OnceLock<Redis> = OnceLock::new();
    if !Redis::is_installed() {
        println!("skipped: it needs Redis");
        return None;
    }
    Some(SERVER.get_or_init(|| Redis::start().unwrap()))
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn client(server: &Redis) -> Client {
    Client::open(server.url()).unwrap()
}

/// Returns options with a prefix that no other test uses.
pub(crate) fn alone() -> Options {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    Options::default().prefix(&format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn store(server: &Redis, options: Options) -> blocking::RedisStore {
    blocking::RedisStore::connect(client(server), options).unwrap()
}

pub(crate) fn store_async(server: &Redis, options: Options) -> RedisStore {
    RedisStore::connect(client(server), options).unwrap()
}

/// Executes a command over a connection of the test itself.
pub(crate) fn execute(server: &Redis, words: &[&str]) -> redis::Value {
    let mut connection = client(server).get_connection().unwrap();
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query(&mut connection).unwrap()
}

/// The registration of the records below.
pub(crate) const REGISTRATION: &str = "auth.example.client.0123456789abcdef";

pub(crate) fn name(account: &str) -> RecordName {
    RecordName::parse(&format!("{REGISTRATION}.account.{account}.{}", "0".repeat(32))).unwrap()
}

/// Returns the key of a record.
pub(crate) fn key(prefix: &str, account: &str) -> String {
    format!("{{{prefix}:{REGISTRATION}}}:record:{}", name(account))
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
    let own = RedisStoreError::of(error).unwrap();
    for shown in [format!("{own}"), format!("{own:?}"), format!("{error:?}")] {
        assert!(!shown.contains("rt-secret"), "{shown}");
    }
    own.code()
}
