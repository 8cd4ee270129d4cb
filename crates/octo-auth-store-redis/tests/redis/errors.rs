//! Each state of the server is a named error with its remedy.

use std::thread;
use std::time::Duration;

use octo_auth_core::{Diagnostic, Remedy, Store, StoreError, Version};
use octo_auth_engines::Redis;
use octo_auth_store_redis::blocking::{Pool, RedisStore};
use octo_auth_store_redis::{Options, PoolError, RedisStoreError};
use redis::{Client, Cmd, Value};

use crate::world::{alone, client, code, content, execute, key, name, server, store};

/// Returns the code of an error and whether a retry helps.
fn told(error: &StoreError) -> (&'static str, bool) {
    let own = RedisStoreError::of(error).unwrap();
    (code(error), matches!(own.remedy(), Remedy::TryLater { .. }))
}

fn write(store: &RedisStore) -> (&'static str, bool) {
    let version = store.load(&name("inn")).ok().flatten().map_or(Version(1), |stored| stored.version);
    told(&store.compare_and_swap(&name("inn"), Some(version), &content("rt-secret")).unwrap_err())
}

#[test]
fn a_key_of_another_program_is_named_and_left_alone() {
    let Some(server) = server() else { return };
    let store = store(server, Options::default().prefix("wrong-type"));
    execute(server, &["SET", &key("wrong-type", "inn"), "mine"]);
    assert_eq!(told(&store.load(&name("inn")).unwrap_err()), ("wrong_type", false));
    assert_eq!(write(&store), ("wrong_type", false));
    execute(server, &["HSET", &key("wrong-type", "hash"), "version", "01", "key", "", "content", "x"]);
    assert_eq!(told(&store.load(&name("hash")).unwrap_err()), ("malformed", false));
}

#[test]
fn a_server_without_memory_refuses_writes_and_goes_on_reading() {
    if !Redis::is_installed() {
        return;
    }
    let server = Redis::with_settings(&["--maxmemory-policy", "noeviction"]).unwrap();
    let store = store(&server, alone());
    store.compare_and_swap(&name("inn"), None, &content("a")).unwrap();
    execute(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(write(&store), ("out_of_memory", true));
    assert_eq!(store.load(&name("inn")).unwrap().unwrap().content, content("a"));
}

#[test]
fn a_replica_refuses_writes_and_a_primary_without_replicas_too() {
    if !Redis::is_installed() {
        return;
    }
    let primary = Redis::start().unwrap();
    let store_there = store(&primary, alone());
    store_there.compare_and_swap(&name("inn"), None, &content("a")).unwrap();
    let waits = store(&primary, alone().wait(1, Duration::from_millis(20)));
    let error = waits.compare_and_swap(&name("inn"), None, &content("rt-secret")).unwrap_err();
    assert_eq!(told(&error), ("not_replicated", true));
    assert!(RedisStoreError::of(&error).unwrap().is_outcome_unknown());
    execute(&primary, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert_eq!(write(&store_there), ("no_replicas", true));
    execute(&primary, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(write(&store_there), ("read_only", true));
    assert!(store_there.load(&name("inn")).unwrap().is_some());
}

#[test]
fn a_user_who_is_not_known_or_has_no_rights_is_refused() {
    if !Redis::is_installed() {
        return;
    }
    let server = Redis::with_settings(&["--requirepass", "rt-secret-of-redis"]).unwrap();
    let at = |user: &str| format!("redis://{user}127.0.0.1:{}/", server.port());
    let open = |user: &str| RedisStore::connect(Client::open(at(user)).unwrap(), Options::default()).unwrap();
    assert_eq!(told(&open("").load(&name("inn")).unwrap_err()), ("refused", false));
    assert_eq!(told(&open(":wrong@").load(&name("inn")).unwrap_err()), ("refused", false));
    let sound = open(":rt-secret-of-redis@");
    assert_eq!(sound.load(&name("inn")).unwrap(), None);
    assert!(!format!("{sound:?}").contains("rt-secret"));
    let mut connection = Client::open(at(":rt-secret-of-redis@")).unwrap().get_connection().unwrap();
    let mut command = redis::cmd("ACL");
    command.arg(&["SETUSER", "reader", "on", ">rt-secret-2", "~*", "&*", "+@read", "+@connection"]);
    command.query::<()>(&mut connection).unwrap();
    let reader = open("reader:rt-secret-2@");
    assert_eq!(reader.load(&name("inn")).unwrap(), None);
    assert_eq!(
        told(&reader.claim(&name("inn"), "one", Duration::from_secs(1)).unwrap_err()),
        ("forbidden", false)
    );
}

#[test]
fn a_server_that_is_busy_with_a_script_says_so() {
    if !Redis::is_installed() {
        return;
    }
    let server = Redis::with_settings(&["--lua-time-limit", "10"]).unwrap();
    let store = store(&server, alone());
    assert_eq!(store.load(&name("inn")).unwrap(), None);
    thread::scope(|scope| {
        let endless = scope.spawn(|| {
            let mut connection = client(&server).get_connection().unwrap();
            redis::cmd("EVAL").arg("while true do end").arg(0).query::<()>(&mut connection)
        });
        let busy = (0..10_000).find_map(|_| store.load(&name("inn")).err());
        assert_eq!(busy.map(|error| told(&error)), Some(("busy", true)));
        execute(&server, &["SCRIPT", "KILL"]);
        assert!(endless.join().unwrap().is_err());
    });
    assert_eq!(store.load(&name("inn")).unwrap(), None);
}

/// A connection whose server always sends the same answer.
struct Says(&'static str);

impl Pool for Says {
    fn send(&self, _: &Cmd) -> Result<Value, PoolError> {
        let answer = format!("-{}\r\n", self.0);
        Ok(redis::parse_redis_value(answer.as_bytes())?)
    }
}

#[test]
fn the_states_that_take_a_cluster_or_a_large_database_are_named_too() {
    for (says, code, is_passing) in [
        ("LOADING Redis is loading the dataset in memory", "loading", true),
        ("CLUSTERDOWN The cluster is down", "cluster_down", true),
        ("MASTERDOWN Link with MASTER is down", "cluster_down", true),
        ("TRYAGAIN Multiple keys request during rehashing of slot", "cluster_down", true),
        ("MOVED 3999 127.0.0.1:6381", "moved", false),
        ("ASK 3999 127.0.0.1:6381", "moved", false),
        ("CROSSSLOT Keys in request don't hash to the same slot", "moved", false),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable", "not_durable", true),
        ("NOAUTH Authentication required.", "refused", false),
        ("ERR unknown command 'X', with args beginning with: 'rt-secret'", "server", false),
        ("ODD of a later release", "server", false),
    ] {
        let store = RedisStore::over(Says(says), Options::default()).unwrap();
        assert_eq!(told(&store.load(&name("inn")).unwrap_err()), (code, is_passing), "{says}");
    }
}

#[test]
fn a_prefix_that_could_be_something_else_is_refused() {
    for text in ["", "a b", "{a}", "a*", &"a".repeat(65)] {
        let error = RedisStore::over(Says("ERR"), Options::default().prefix(text)).unwrap_err();
        assert_eq!(error.code(), "config", "{text}");
    }
}
