//! Sealed records, and keys that are added and retired.

use octo_auth_core::Store;
use octo_auth_store_redis::{Key, Keys, Options, RedisStoreError};
use octo_auth_testkit::blocking as suite;

use crate::world::{alone, code, content, execute, key, name, server, store, written};

fn sealing(id: u8) -> Key {
    Key::new(&format!("key-{id}"), [id; 32]).unwrap()
}

#[test]
fn a_sealed_store_keeps_all_promises_and_no_record_holds_a_secret_in_clear() {
    let Some(server) = server() else { return };
    let report = suite::store::check(&store(server, alone().sealed(Keys::new(sealing(1)))));
    assert_eq!(report.failures(), [], "{report}");
    let store = store(server, Options::default().prefix("sealed").sealed(Keys::new(sealing(1))));
    store.compare_and_swap(&name("inn"), None, &content("rt-secret")).unwrap();
    let redis::Value::BulkString(bytes) = execute(server, &["HGET", &key("sealed", "inn"), "content"]) else {
        panic!("there is no content")
    };
    assert!(!bytes.windows(9).any(|part| part == b"rt-secret"));
}

#[test]
fn a_key_is_retired_after_all_records_are_sealed_with_the_next() {
    let Some(server) = server() else { return };
    let options = alone();
    let open = |keys| store(server, options.clone().sealed(keys));
    let old = open(Keys::new(sealing(1)));
    for number in 0..20 {
        old.compare_and_swap(&name(&format!("inn-{number}")), None, &content("rt-secret")).unwrap();
    }
    let plain = store(server, options.clone());
    let unsealed = written(plain.compare_and_swap(&name("plain"), None, &content("rt-secret")));
    assert_eq!(code(&plain.load(&name("inn-3")).unwrap_err()), "key_missing");
    assert_eq!(code(&old.load(&name("plain")).unwrap_err()), "not_sealed");
    let new = open(Keys::new(sealing(2)).and_read(sealing(1)));
    let version = |account: &str| new.load(&name(account)).unwrap().unwrap().version;
    let before = ["inn-3", "inn-9"].map(version);
    let changed = written(new.compare_and_swap(&name("inn-3"), Some(before[0]), &content("rt-secret-2")));
    let rekeyed = new.rekey().unwrap();
    let failed: Vec<&str> = rekeyed.failed.iter().map(RedisStoreError::code).collect();
    assert_eq!((rekeyed.sealed, rekeyed.unchanged, failed), (20, 1, vec![]));
    let alone = open(Keys::new(sealing(2)));
    for (account, version, text) in [
        ("inn-3", changed, "rt-secret-2"),
        ("inn-9", before[1], "rt-secret"),
        ("plain", unsealed, "rt-secret"),
    ] {
        let stored = alone.load(&name(account)).unwrap().unwrap();
        assert_eq!((stored.version, stored.content), (version, content(text)));
    }
}
