//! The records in a store.

use octo_auth_async::{Client, MemoryStore, RecordName, Store, TokenSpec};
use octo_auth_testkit::StoredRecord;

/// Returns the record of a spec, or `None` if there is none.
pub(crate) async fn find(store: &MemoryStore, client: &Client, key: &TokenSpec) -> Option<StoredRecord> {
    let stored = Store::load(store, &RecordName::new(client, key)).await.expect("memory never fails")?;
    Some(StoredRecord::read(&stored.content).expect("a record of the core"))
}

/// Returns the record of a spec.
pub(crate) async fn stored(store: &MemoryStore, client: &Client, key: &TokenSpec) -> StoredRecord {
    find(store, client, key).await.expect("a record")
}
