//! Tables of other releases.

use octo_auth_core::{Store, Version};
use octo_auth_store_postgres::{PostgresStoreError, SCHEMA_VERSION};
use octo_auth_testkit::blocking as suite;

use crate::world::{code, content, execute, in_schema, migrated, name, schema, server, written};

#[test]
fn programs_of_two_releases_work_on_tables_that_the_newer_one_has_expanded() {
    let Some(server) = server() else { return };
    let own = schema();
    let before = migrated(server, in_schema(&own));
    let first = written(before.compare_and_swap(&name("inn"), None, &content("a")));
    // A newer release adds its own columns, and also writes those of this release.
    execute(
        server,
        &format!(
            "ALTER TABLE {own}.record ADD COLUMN tenant text NOT NULL DEFAULT '';
            ALTER TABLE {own}.claim ADD COLUMN host text;
            UPDATE {own}.version SET version = {};
            UPDATE {own}.record SET version = version + 1, content = 'b', tenant = 'x' WHERE version = {}",
            SCHEMA_VERSION + 1,
            first.0
        ),
    );
    let after = migrated(server, in_schema(&own));
    let mut last = Version(first.0 + 1);
    for store in [&before, &after] {
        last = written(store.compare_and_swap(&name("inn"), Some(last), &content("c")));
    }
    let report = suite::store::check(&after);
    assert_eq!(report.failures(), [], "{report}");
    assert!(!before.doctor().unwrap().iter().any(|finding| {
        finding.code == "tables" && finding.severity != octo_auth_store_postgres::Severity::Fine
    }));
}

#[test]
fn tables_that_this_release_does_not_work_with_are_refused_and_left_alone() {
    let Some(server) = server() else { return };
    let own = schema();
    let store = migrated(server, in_schema(&own));
    let newer = SCHEMA_VERSION + 2;
    execute(server, &format!("UPDATE {own}.version SET version = {newer}, oldest = {newer}"));
    let error = store.migrate().unwrap_err();
    assert!(matches!(error, PostgresStoreError::NewerSchema { .. }), "{error}");
    let found = store.doctor().unwrap();
    assert_eq!(found.iter().filter(|finding| finding.code == "tables").count(), 1);
    assert!(found[0].text.contains("upgrade this program") || found[1].text.contains("upgrade this program"));
    // A newer release has moved the content to another column.
    execute(server, &format!("ALTER TABLE {own}.record DROP COLUMN content"));
    assert_eq!(code(&store.load(&name("inn")).unwrap_err()), "newer_schema");
}
