//! The findings of the doctor.

use octo_auth_engines::Postgres;
use octo_auth_store_postgres::{PostgresStore, Severity, blocking};

use crate::world::{config, in_schema, migrated, runtime};

fn worst(found: &[octo_auth_store_postgres::Finding]) -> Vec<(&'static str, Severity)> {
    let bad = found.iter().filter(|finding| finding.severity != Severity::Fine);
    bad.map(|finding| (finding.code, finding.severity)).collect()
}

#[test]
fn a_sound_server_has_no_finding_and_each_setting_that_loses_tokens_is_one() {
    if !Postgres::is_installed() {
        println!("skipped: it needs PostgreSQL");
        return;
    }
    let sound = Postgres::with_settings(&[]).unwrap();
    let store = migrated(&sound, in_schema("inns"));
    assert_eq!(worst(&store.doctor().unwrap()), []);
    let bad = [
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "default_transaction_isolation=serializable",
    ];
    let bad = Postgres::with_settings(&bad).unwrap();
    let asynchronous = PostgresStore::connect(config(&bad), in_schema("inns")).unwrap();
    let found = worst(&runtime().block_on(asynchronous.doctor()).unwrap());
    let refused =
        ["fsync", "full_page_writes", "synchronous_commit", "tables"].map(|code| (code, Severity::Refused));
    assert_eq!(found, [&refused[..], &[("isolation", Severity::Warning)]].concat());
    let reads = blocking::PostgresStore::connect(config(&bad), in_schema("inns")).unwrap();
    assert_eq!(worst(&reads.doctor().unwrap()), found);
}
