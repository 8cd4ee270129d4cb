//! The store keeps the contract of a store, in both forms, over TCP, over a Unix socket and over pools.

use octo_auth_engines::Postgres;
use octo_auth_store_postgres::{Options, PostgresStore, blocking};
use octo_auth_testkit::{async_, blocking as suite};

use crate::world::{config, in_schema, migrated, migrated_async, runtime, schema, server};

#[test]
fn one_handle_keeps_all_promises_in_both_colours() {
    let Some(server) = server() else { return };
    let report = suite::store::check(&migrated(server, in_schema(&schema())));
    assert_eq!(report.failures(), [], "{report}");
    runtime().block_on(async {
        let report = async_::store::check(&migrated_async(server, in_schema(&schema())).await).await;
        assert_eq!(report.failures(), [], "{report}");
    });
}

#[test]
fn two_handles_keep_all_promises_in_both_colours() {
    let Some(server) = server() else { return };
    let name = schema();
    let open = || migrated(server, in_schema(&name));
    let report = suite::store::check_handles(&open(), &open());
    assert_eq!(report.failures(), [], "{report}");
    let name = schema();
    runtime().block_on(async {
        let open = || migrated_async(server, in_schema(&name));
        let report = async_::store::check_handles(&open().await, &open().await).await;
        assert_eq!(report.failures(), [], "{report}");
    });
}

#[test]
fn a_store_over_a_socket_of_this_computer_keeps_all_promises() {
    let Some(server) = server() else { return };
    let store =
        blocking::PostgresStore::connect(server.socket().parse().unwrap(), in_schema(&schema())).unwrap();
    store.migrate().unwrap();
    let report = suite::store::check(&store);
    assert_eq!(report.failures(), [], "{report}");
}

#[test]
fn a_store_over_the_programs_own_pool_keeps_all_promises() {
    let Some(server) = server() else { return };
    let name = schema();
    let pool = || {
        let manager = deadpool_postgres::Manager::new(config(server), tokio_postgres::NoTls);
        deadpool_postgres::Pool::builder(manager).max_size(4).build().unwrap()
    };
    let open = |options: Options| PostgresStore::over(pool(), options).unwrap();
    runtime().block_on(async {
        let store = open(in_schema(&name));
        store.migrate().await.unwrap();
        let report = async_::store::check(&store).await;
        assert_eq!(report.failures(), [], "{report}");
        let other = open(in_schema(&name).listen(config(server)));
        let report = async_::store::check_handles(&other, &store).await;
        assert_eq!(report.failures(), [], "{report}");
    });
}

#[test]
fn a_server_whose_transactions_are_serializable_keeps_all_promises() {
    if !Postgres::is_installed() {
        return;
    }
    let server =
        Postgres::with_settings(&["fsync=off", "default_transaction_isolation=serializable"]).unwrap();
    let store = migrated(&server, in_schema("strict"));
    let report = suite::store::check(&store);
    assert_eq!(report.failures(), [], "{report}");
    let found = store.doctor().unwrap();
    assert!(found.iter().any(|finding| finding.code == "isolation" && finding.text.contains("serializable")));
}
