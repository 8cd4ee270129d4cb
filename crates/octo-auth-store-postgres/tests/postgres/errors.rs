//! Each state of the server is a named error with its remedy.

use octo_auth_core::{Diagnostic, Remedy, Store};
use octo_auth_engines::Postgres;
use octo_auth_store_postgres::{Options, PostgresStoreError, blocking};

use crate::world::{code, config, content, execute, in_schema, migrated, name, schema, server};

fn store(config: tokio_postgres::Config, schema: &str) -> blocking::PostgresStore {
    blocking::PostgresStore::connect(config, in_schema(schema)).unwrap()
}

/// Runs the doctor. Returns the code of its error and whether a retry helps.
fn looked(store: &blocking::PostgresStore) -> (&'static str, bool) {
    let error = store.load(&name("inn")).unwrap_err();
    let own = PostgresStoreError::of(&error).unwrap();
    (code(&error), matches!(own.remedy(), Remedy::TryLater { .. }))
}

#[test]
fn a_database_that_is_not_as_it_must_be_is_named() {
    let Some(server) = server() else { return };
    assert_eq!(looked(&store(config(server), "not_there")), ("not_migrated", false));
    let own = schema();
    let sound = migrated(server, in_schema(&own));
    let mut config = config(server);
    config.dbname("not_there");
    assert_eq!(looked(&store(config.clone(), &own)), ("refused", false));
    execute(server, &format!("CREATE ROLE guest_{own} LOGIN"));
    config.dbname("postgres").user(format!("guest_{own}"));
    let guest = store(config, &own);
    assert_eq!(looked(&guest), ("forbidden", false));
    execute(
        server,
        &format!(
            "GRANT USAGE ON SCHEMA {own} TO guest_{own}; GRANT SELECT ON ALL TABLES IN SCHEMA {own} TO guest_{own}"
        ),
    );
    assert_eq!(guest.load(&name("inn")).unwrap(), None);
    // The tables exist, so `migrate` succeeds for a user without the right to create them.
    guest.migrate().unwrap();
    let error = guest.compare_and_swap(&name("inn"), None, &content("rt-secret")).unwrap_err();
    assert_eq!(code(&error), "forbidden");
    execute(server, &format!("ALTER TABLE {own}.record RENAME content TO contents"));
    assert_eq!(looked(&sound), ("newer_schema", false));
}

#[test]
fn a_check_that_fails_shows_no_content_of_the_row() {
    let Some(server) = server() else { return };
    let own = schema();
    let store = migrated(server, in_schema(&own));
    execute(server, &format!("ALTER TABLE {own}.record ADD CHECK (octet_length(content) < 5)"));
    let error = store.compare_and_swap(&name("inn"), None, &content("rt-secret")).unwrap_err();
    assert_eq!(code(&error), "server");
    let hexadecimal = "72742d736563726574";
    assert!(!format!("{error:?}").contains(hexadecimal), "{error:?}");
}

/// A trigger raises the errors of a server that is full, that starts, and on which other transactions are in the way.
#[test]
fn a_server_that_cannot_write_now_is_named_and_asked_again_later() {
    let Some(server) = server() else { return };
    let own = schema();
    let store = migrated(server, in_schema(&own));
    let raise = |state: &str| {
        let body = format!("BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END");
        format!("CREATE OR REPLACE FUNCTION {own}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    };
    execute(server, &raise("53100"));
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON";
    execute(server, &format!("{trigger} {own}.record FOR EACH ROW EXECUTE FUNCTION {own}.refuse()"));
    for (state, expected) in [("53100", "exhausted"), ("57P03", "not_ready"), ("40001", "contention")] {
        execute(server, &raise(state));
        let error = store.compare_and_swap(&name("inn"), None, &content("rt-secret")).unwrap_err();
        let own = PostgresStoreError::of(&error).unwrap();
        assert_eq!((code(&error), matches!(own.remedy(), Remedy::TryLater { .. })), (expected, true));
        assert_eq!(store.load(&name("inn")).unwrap(), None);
    }
}

#[test]
fn a_statement_that_the_server_cancels_changed_nothing() {
    let Some(server) = server() else { return };
    let own = schema();
    let sound = migrated(server, in_schema(&own));
    let mut config = config(server);
    config.options("-c lock_timeout=20ms");
    let impatient = store(config, &own);
    let runtime = crate::world::runtime();
    let client = runtime.block_on(crate::world::connection(server));
    runtime.block_on(client.batch_execute(&format!("BEGIN; LOCK TABLE {own}.record"))).unwrap();
    assert_eq!(looked(&impatient), ("canceled", true));
    runtime.block_on(client.batch_execute("COMMIT")).unwrap();
    assert_eq!(sound.load(&name("inn")).unwrap(), None);
}

#[test]
fn a_row_of_another_program_is_neither_used_nor_changed() {
    let Some(server) = server() else { return };
    let own = schema();
    let store = migrated(server, in_schema(&own));
    let constraint = format!("ALTER TABLE {own}.record DROP CONSTRAINT record_version_check");
    execute(
        server,
        &format!("{constraint}; INSERT INTO {own}.record VALUES ('{}', 0, NULL, '')", name("inn")),
    );
    assert_eq!(looked(&store), ("malformed", false));
}

#[test]
fn a_server_that_only_reads_or_has_no_connection_left_is_named() {
    if !Postgres::is_installed() {
        return;
    }
    let server =
        Postgres::with_settings(&["fsync=off", "max_connections=4", "superuser_reserved_connections=0"])
            .unwrap();
    let sound = migrated(&server, in_schema("inns"));
    let mut config = config(&server);
    config.options("-c default_transaction_read_only=on");
    let reads = store(config.clone(), "inns");
    assert_eq!(reads.load(&name("inn")).unwrap(), None);
    let error = reads.compare_and_swap(&name("inn"), None, &content("rt-secret")).unwrap_err();
    assert_eq!(code(&error), "read_only");
    drop((sound, reads));
    let runtime = crate::world::runtime();
    let mut taken = Vec::new();
    while let Ok((client, connection)) =
        runtime.block_on(crate::world::config(&server).connect(tokio_postgres::NoTls))
    {
        runtime.spawn(connection);
        taken.push(client);
    }
    assert!(!taken.is_empty());
    assert_eq!(looked(&store(crate::world::config(&server), "inns")), ("too_many_connections", true));
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_required() {
    let Some(server) = server() else { return };
    let mut config = config(server);
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let store = blocking::PostgresStore::connect(config, Options::default()).unwrap();
    assert_eq!(looked(&store), ("tls", false));
}

#[test]
fn a_schema_whose_name_could_be_something_else_is_refused() {
    let long = "a".repeat(41);
    for text in ["", "Inns", "1inn", "inn\"; DROP TABLE record; --", "pg inn", &long] {
        let config: tokio_postgres::Config = "host=127.0.0.1 sslmode=disable".parse().unwrap();
        let error = blocking::PostgresStore::connect(config, in_schema(text)).unwrap_err();
        assert_eq!(error.code(), "config", "{text}");
    }
}
