//! PgBouncer in transaction mode may use another connection for each statement.

use octo_auth_async::Store as _;
use octo_auth_core::Claimed;
use octo_auth_engines::PgBouncer;
use octo_auth_store_postgres::PostgresStore;
use octo_auth_testkit::async_;
use std::time::Duration;

use crate::world::{config, connection, content, in_schema, name, runtime, schema, server, written};

/// The count of accounts.
const ACCOUNTS: usize = 1000;

#[test]
fn a_pooler_with_one_connection_serves_a_thousand_accounts_and_no_advisory_lock_is_taken() {
    let Some(server) = server() else { return };
    if !PgBouncer::is_installed() {
        println!("skipped: it needs PgBouncer");
        return;
    }
    let pooler = PgBouncer::start(server, 1).unwrap();
    let schema = schema();
    let open = |port| {
        let options = in_schema(&schema).listen(config(server));
        PostgresStore::connect(server.url_at(port).parse().unwrap(), options).unwrap()
    };
    runtime().block_on(async {
        let (store, other) = (open(pooler.port()), open(pooler.port()));
        store.migrate().await.unwrap();
        let report = async_::store::check(&store).await;
        assert_eq!(report.failures(), [], "{report}");
        let report = async_::store::check_handles(&store, &other).await;
        assert_eq!(report.failures(), [], "{report}");
        let looks = connection(server).await;
        for number in 0..ACCOUNTS {
            let name = name(&format!("inn-{number}"));
            let ttl = Duration::from_secs(60);
            assert_eq!(store.claim(&name, "one", ttl).await.unwrap(), Claimed::Granted);
            let first = written(store.compare_and_swap(&name, None, &content("a")).await);
            written(other.compare_and_swap(&name, Some(first), &content("b")).await);
            store.release(&name, "one").await.unwrap();
            if number % 100 == 0 {
                let row =
                    looks.query_one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", &[]).await;
                assert_eq!(row.unwrap().get::<_, i64>(0), 0);
            }
        }
        let count =
            store.list("").await.unwrap().iter().filter(|name| name.as_str().contains("inn-")).count();
        assert_eq!(count, ACCOUNTS);
    });
}
