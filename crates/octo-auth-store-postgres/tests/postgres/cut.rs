//! Connections that end in the middle of a statement, and servers that stop and start.

use std::time::Duration;

use octo_auth_core::Diagnostic;
use octo_auth_core::{Claimed, Remedy, Store, Stored};
use octo_auth_engines::{Cut, Postgres, Proxy};
use octo_auth_store_postgres::{PostgresStore, PostgresStoreError, blocking};

use crate::world::{code, content, in_schema, migrated, name, runtime, schema, server, written};

#[test]
fn a_write_whose_connection_is_cut_is_an_unknown_outcome_and_the_next_look_shows_it() {
    let Some(server) = server() else { return };
    for (cut, text) in [(Cut::BeforeStatement, "first"), (Cut::BeforeAnswer, "rt-secret")] {
        let schema = schema();
        migrated(server, in_schema(&schema));
        let proxy = Proxy::start(server.port()).unwrap();
        let config = server.url_at(proxy.port()).parse().unwrap();
        let store = blocking::PostgresStore::connect(config, in_schema(&schema)).unwrap();
        let first = written(store.compare_and_swap(&name("inn"), None, &content("first")));
        proxy.cut_at("UPDATE", cut);
        let error = store.compare_and_swap(&name("inn"), Some(first), &content("rt-secret")).unwrap_err();
        assert!(proxy.has_cut());
        assert_eq!(code(&error), "connection_lost");
        let own = PostgresStoreError::of(&error).unwrap();
        assert!(own.is_outcome_unknown());
        assert!(matches!(own.remedy(), Remedy::TryLater { .. }));
        let stored = store.load(&name("inn")).unwrap().unwrap();
        assert_eq!(stored.content, content(text), "{cut:?}");
    }
}

#[test]
fn a_look_a_claim_and_a_release_whose_connection_is_cut_are_made_again() {
    let Some(server) = server() else { return };
    let (schema, ttl) = (schema(), Duration::from_secs(60));
    migrated(server, in_schema(&schema));
    let proxy = Proxy::start(server.port()).unwrap();
    let config: tokio_postgres::Config = server.url_at(proxy.port()).parse().unwrap();
    let blocking = blocking::PostgresStore::connect(config.clone(), in_schema(&schema)).unwrap();
    let version = written(blocking.compare_and_swap(&name("inn"), None, &content("first")));
    let stored = Some(Stored { version, content: content("first") });
    for cut in [Cut::BeforeStatement, Cut::BeforeAnswer] {
        for (text, call) in
            [("SELECT version", 0), ("INSERT INTO", 1), ("DELETE FROM", 2), ("starts_with", 3)]
        {
            proxy.cut_at(text, cut);
            match call {
                0 => assert_eq!(blocking.load(&name("inn")).unwrap(), stored),
                1 => assert_eq!(blocking.claim(&name("inn"), "one", ttl).unwrap(), Claimed::Granted),
                2 => blocking.release(&name("inn"), "one").unwrap(),
                _ => assert_eq!(blocking.list("").unwrap(), [name("inn")]),
            }
            assert!(proxy.has_cut(), "{text}");
        }
    }
    runtime().block_on(async {
        use octo_auth_async::Store as _;
        let store = PostgresStore::connect(config, in_schema(&schema)).unwrap();
        proxy.cut_at("SELECT version", Cut::BeforeAnswer);
        assert_eq!(store.load(&name("inn")).await.unwrap(), stored);
        assert!(proxy.has_cut());
        proxy.cut_all();
        assert_eq!(store.load(&name("inn")).await.unwrap(), stored);
    });
}

#[test]
fn a_server_that_was_restarted_is_found_again_and_one_that_is_gone_is_named() {
    if !Postgres::is_installed() {
        return;
    }
    let mut server = Postgres::start().unwrap();
    let store = migrated(&server, in_schema("inns"));
    let version = written(store.compare_and_swap(&name("inn"), None, &content("a")));
    server.restart().unwrap();
    let stored = Stored { version, content: content("a") };
    assert_eq!(store.load(&name("inn")).unwrap(), Some(stored.clone()));
    let runtime = runtime();
    let asynchronous = PostgresStore::connect(server.url().parse().unwrap(), in_schema("inns")).unwrap();
    let load = || {
        use octo_auth_async::Store as _;
        runtime.block_on(asynchronous.load(&name("inn")))
    };
    assert_eq!(load().unwrap(), Some(stored.clone()));
    server.restart().unwrap();
    assert_eq!(load().unwrap(), Some(stored));
    drop(server);
    assert_eq!(code(&store.load(&name("inn")).unwrap_err()), "unreachable");
    assert_eq!(code(&load().unwrap_err()), "unreachable");
}

#[test]
fn a_server_that_does_not_answer_is_named_and_asked_again_over_another_connection() {
    if !Postgres::is_installed() {
        return;
    }
    let server = Postgres::start().unwrap();
    runtime().block_on(async {
        use octo_auth_async::Store as _;
        let store = PostgresStore::connect(server.url().parse().unwrap(), in_schema("inns")).unwrap();
        store.migrate().await.unwrap();
        store.compare_and_swap(&name("inn"), None, &content("a")).await.unwrap();
        server.stop();
        // The stopped process is the one that accepts new connections; another process serves this connection.
        assert!(store.load(&name("inn")).await.unwrap().is_some());
        let other = PostgresStore::connect(server.url().parse().unwrap(), in_schema("inns")).unwrap();
        let error = other.load(&name("inn")).await.unwrap_err();
        assert!(["timeout", "unreachable", "connection_lost"].contains(&code(&error)), "{error:?}");
        server.go_on();
        assert!(other.load(&name("inn")).await.unwrap().is_some());
    });
}
