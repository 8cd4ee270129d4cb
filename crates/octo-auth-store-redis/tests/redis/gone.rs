//! A record that is gone does not mean that the account is not signed in.

use octo_auth_core::{Saved, Store};
use octo_auth_engines::Redis;
use octo_auth_store_redis::Options;

use crate::world::{alone, code, content, execute, key, name, server, store, written};

#[test]
fn a_record_that_was_evicted_is_gone_and_its_versions_go_on() {
    let Some(server) = server() else { return };
    let store = store(server, Options::default().prefix("gone"));
    let mut last = None;
    for _ in 0..3 {
        last = Some(written(store.compare_and_swap(&name("inn"), last, &content("a"))));
    }
    execute(server, &["DEL", &key("gone", "inn")]);
    assert_eq!(code(&store.load(&name("inn")).unwrap_err()), "record_gone");
    // A process that has the tokens in memory writes them again; a process that knows an older version does not.
    let late = store.compare_and_swap(&name("inn"), last, &content("late")).unwrap();
    assert_eq!(late, Saved::Conflict(None));
    let again = written(store.compare_and_swap(&name("inn"), None, &content("b")));
    assert!(Some(again) > last, "{again:?} came after {last:?}");
    let late = store.compare_and_swap(&name("inn"), last, &content("late")).unwrap();
    assert!(matches!(late, Saved::Conflict(Some(_))));
    let stored = store.load(&name("inn")).unwrap().unwrap();
    assert_eq!((stored.version, stored.content), (again, content("b")));
}

#[test]
fn a_record_that_is_gone_for_good_is_forgotten_and_one_that_is_there_is_not() {
    let Some(server) = server() else { return };
    let store = store(server, Options::default().prefix("forgotten"));
    store.compare_and_swap(&name("inn"), None, &content("a")).unwrap();
    assert!(!store.forget(&name("inn")).unwrap());
    execute(server, &["DEL", &key("forgotten", "inn")]);
    assert!(store.forget(&name("inn")).unwrap());
    assert_eq!(store.load(&name("inn")).unwrap(), None);
}

#[test]
fn where_any_key_is_evicted_an_absent_record_is_unknown_unless_that_is_accepted() {
    if !Redis::is_installed() {
        return;
    }
    let server = Redis::with_settings(&["--maxmemory-policy", "allkeys-lru"]).unwrap();
    let careful = store(&server, alone());
    assert_eq!(careful.load(&name("inn")).unwrap(), None);
    execute(&server, &["SET", "other", "x"]);
    execute(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    // The server evicts when the next command arrives.
    execute(&server, &["EXISTS", "other"]);
    execute(&server, &["CONFIG", "SET", "maxmemory", "100mb"]);
    assert_eq!(code(&careful.load(&name("inn")).unwrap_err()), "evicting");
    let accepting = store(&server, alone().accept_eviction());
    assert_eq!(accepting.load(&name("inn")).unwrap(), None);
}
