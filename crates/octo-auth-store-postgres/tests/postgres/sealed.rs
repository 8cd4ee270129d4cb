//! Sealed records, and keys that are added and retired.

use octo_auth_core::Store;
use octo_auth_store_postgres::{Key, Keys, PostgresStoreError, blocking};
use octo_auth_testkit::blocking as suite;

use crate::world::{
    code, connection, content, execute, in_schema, migrated, name, runtime, schema, server, written,
};

/// More records than one statement reads.
const RECORDS: usize = 1200;

fn key(id: u8) -> Key {
    Key::new(&format!("key-{id}"), [id; 32]).unwrap()
}

#[test]
fn a_sealed_store_keeps_all_promises_and_no_row_holds_a_secret_in_clear() {
    let Some(server) = server() else { return };
    let own = schema();
    let store = migrated(server, in_schema(&own).sealed(Keys::new(key(1))));
    let report = suite::store::check(&store);
    assert_eq!(report.failures(), [], "{report}");
    store.compare_and_swap(&name("inn"), None, &content("rt-secret")).unwrap();
    let rows = runtime().block_on(async {
        let client = connection(server).await;
        client.query(&format!("SELECT content FROM {own}.record"), &[]).await.unwrap()
    });
    assert!(rows.len() > 10);
    let is_plain = |bytes: &[u8]| {
        [&b"rt-secret"[..], b"refresh"].iter().any(|text| bytes.windows(text.len()).any(|part| part == *text))
    };
    assert!(!rows.iter().any(|row| is_plain(row.get(0))));
}

#[test]
fn a_store_without_the_key_neither_reads_nor_overwrites_and_a_plain_record_is_refused() {
    let Some(server) = server() else { return };
    let own = schema();
    let open = |keys: Option<Keys>| {
        let options = in_schema(&own);
        migrated(server, keys.map_or(options.clone(), |keys| options.sealed(keys)))
    };
    let sealed = open(Some(Keys::new(key(1))));
    sealed.compare_and_swap(&name("sealed"), None, &content("rt-secret")).unwrap();
    open(None).compare_and_swap(&name("plain"), None, &content("rt-secret")).unwrap();
    let same_id = Key::new("key-1", [9; 32]).unwrap();
    for (store, of, expected) in [
        (open(None), "sealed", "key_missing"),
        (open(Some(Keys::new(key(2)))), "sealed", "key_missing"),
        (open(Some(Keys::new(same_id))), "sealed", "seal_broken"),
        (open(Some(Keys::new(key(1)))), "plain", "not_sealed"),
    ] {
        assert_eq!(code(&store.load(&name(of)).unwrap_err()), expected);
    }
    let other = name("other");
    let copy = format!("INSERT INTO {own}.record SELECT '{other}', version, key, content FROM {own}.record");
    execute(server, &format!("{copy} WHERE name = '{}'", name("sealed")));
    assert_eq!(code(&sealed.load(&other).unwrap_err()), "seal_broken");
    execute(server, &format!("UPDATE {own}.record SET version = 7 WHERE name = '{}'", name("sealed")));
    assert_eq!(code(&sealed.load(&name("sealed")).unwrap_err()), "seal_broken");
}

#[test]
fn a_key_is_retired_after_all_records_are_sealed_with_the_next_and_a_run_goes_on_where_it_ended() {
    let Some(server) = server() else { return };
    let own = schema();
    let open = |keys| -> blocking::PostgresStore { migrated(server, in_schema(&own).sealed(keys)) };
    let old = open(Keys::new(key(1)));
    for number in 0..RECORDS {
        written(old.compare_and_swap(&name(&format!("inn-{number}")), None, &content("rt-secret")));
    }
    let plain = migrated(server, in_schema(&own));
    let unsealed = written(plain.compare_and_swap(&name("plain"), None, &content("rt-secret")));
    // A run ended after some of the records, and one record is damaged.
    execute(server, &format!("UPDATE {own}.record SET content = 'x' WHERE name = '{}'", name("inn-7")));
    let new = open(Keys::new(key(2)).and_read(key(1)));
    let [third, ninth] = ["inn-3", "inn-9"].map(|account| new.load(&name(account)).unwrap().unwrap());
    assert_eq!(third.content, content("rt-secret"));
    let changed = written(new.compare_and_swap(&name("inn-3"), Some(third.version), &content("rt-secret-2")));
    let rekeyed = new.rekey().unwrap();
    assert_eq!(rekeyed.sealed, RECORDS - 1);
    let codes: Vec<&str> = rekeyed.failed.iter().map(PostgresStoreError::code).collect();
    assert_eq!(codes, ["seal_broken"]);
    assert_eq!(new.rekey().unwrap().sealed, 0);
    let alone = open(Keys::new(key(2)));
    for (account, version, text) in [
        ("inn-3", changed, "rt-secret-2"),
        ("inn-9", ninth.version, "rt-secret"),
        ("plain", unsealed, "rt-secret"),
    ] {
        let stored = alone.load(&name(account)).unwrap().unwrap();
        assert_eq!((stored.version, stored.content), (version, content(text)));
    }
}
