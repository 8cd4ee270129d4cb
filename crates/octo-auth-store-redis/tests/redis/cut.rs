//! Connections that end in the middle of a command, and servers that stop and start.

use std::time::Duration;

use octo_auth_core::{Claimed, Diagnostic, Remedy, Store, Stored};
use octo_auth_engines::{Cut, Proxy, Redis};
use octo_auth_store_redis::{RedisStore, RedisStoreError, blocking};
use redis::Client;

use crate::world::{alone, client, code, content, name, runtime, server, store, written};

fn through(proxy: &Proxy) -> Client {
    Client::open(format!("redis://127.0.0.1:{}/", proxy.port())).unwrap()
}

#[test]
fn a_write_whose_connection_is_cut_is_an_unknown_outcome_and_the_next_look_shows_it() {
    let Some(server) = server() else { return };
    for (cut, text) in [(Cut::BeforeStatement, "first"), (Cut::BeforeAnswer, "rt-secret")] {
        let proxy = Proxy::start(server.port()).unwrap();
        let store = blocking::RedisStore::connect(through(&proxy), alone()).unwrap();
        let first = written(store.compare_and_swap(&name("inn"), None, &content("first")));
        proxy.cut_at("EVALSHA", cut);
        let error = store.compare_and_swap(&name("inn"), Some(first), &content("rt-secret")).unwrap_err();
        assert!(proxy.has_cut());
        assert_eq!(code(&error), "connection_lost");
        let own = RedisStoreError::of(&error).unwrap();
        assert!(own.is_outcome_unknown());
        assert!(matches!(own.remedy(), Remedy::TryLater { .. }));
        assert_eq!(store.load(&name("inn")).unwrap().unwrap().content, content(text), "{cut:?}");
    }
}

#[test]
fn a_look_a_claim_and_a_release_whose_connection_is_cut_are_made_again() {
    let Some(server) = server() else { return };
    let (options, ttl) = (alone(), Duration::from_secs(60));
    let proxy = Proxy::start(server.port()).unwrap();
    let store = blocking::RedisStore::connect(through(&proxy), options.clone()).unwrap();
    let version = written(store.compare_and_swap(&name("inn"), None, &content("first")));
    let stored = Some(Stored { version, content: content("first") });
    for cut in [Cut::BeforeStatement, Cut::BeforeAnswer] {
        for (text, call) in [("HMGET", 0), ("EVALSHA", 1), ("EVALSHA", 2), ("HKEYS", 3)] {
            proxy.cut_at(text, cut);
            match call {
                0 => assert_eq!(store.load(&name("inn")).unwrap(), stored),
                1 => assert_eq!(store.claim(&name("inn"), "one", ttl).unwrap(), Claimed::Granted),
                2 => store.release(&name("inn"), "one").unwrap(),
                _ => assert_eq!(store.list("").unwrap(), [name("inn")]),
            }
            assert!(proxy.has_cut(), "{text}");
        }
    }
    runtime().block_on(async {
        use octo_auth_async::Store as _;
        let store = RedisStore::connect(through(&proxy), options).unwrap();
        proxy.cut_at("HMGET", Cut::BeforeAnswer);
        assert_eq!(store.load(&name("inn")).await.unwrap(), stored);
        assert!(proxy.has_cut());
        proxy.cut_all();
        assert_eq!(store.load(&name("inn")).await.unwrap(), stored);
    });
}

#[test]
fn a_server_that_was_restarted_is_found_again_and_one_that_is_gone_is_named() {
    if !Redis::is_installed() {
        return;
    }
    let mut server = Redis::start().unwrap();
    let store = store(&server, alone());
    let version = written(store.compare_and_swap(&name("inn"), None, &content("a")));
    server.restart().unwrap();
    let stored = Stored { version, content: content("a") };
    assert_eq!(store.load(&name("inn")).unwrap(), Some(stored));
    drop(server);
    assert_eq!(code(&store.load(&name("inn")).unwrap_err()), "unreachable");
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    if !Redis::is_installed() {
        return;
    }
    let server = Redis::start().unwrap();
    let store = store(&server, alone());
    let first = written(store.compare_and_swap(&name("inn"), None, &content("a")));
    server.stop();
    let write = store.compare_and_swap(&name("inn"), Some(first), &content("b")).unwrap_err();
    assert_eq!(code(&write), "timeout");
    let look =
        blocking::RedisStore::connect(client(&server), alone()).unwrap().load(&name("inn")).unwrap_err();
    assert!(["unreachable", "timeout"].contains(&code(&look)), "{look:?}");
    server.go_on();
    // The server executes what was sent before it stopped.
    assert!(store.load(&name("inn")).unwrap().is_some());
}
