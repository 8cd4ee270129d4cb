//! The asynchronous store of records.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, StoreError, Stored, Version,
};
use octo_auth_system::MemoryStore;

/// An asynchronous store of records.
///
/// It has the same duties as the synchronous [`Store`](octo_auth_core::Store) of the core, whose documentation
/// also describes the table of a database. A call that takes longer than 5 s is dropped and counts as failed,
/// though it may still take effect. [`BlockingStore`](crate::BlockingStore) turns a synchronous store of the core
/// into an asynchronous one.
///
/// An implementation puts `#[async_trait]` of the crate [async-trait](https://docs.rs/async-trait) before its
/// `impl`, and writes its methods as plain `async fn`.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns who uses the store: this process only, or other processes too.
    fn storage(&self) -> Storage;

    /// Returns the record with this name, or `None` if there is no record.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the record cannot be read.
    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError>;

    /// Replaces the content of a record if its version is `expected`. With `None`, the record must not exist.
    ///
    /// The new version is greater than `expected`, such as `expected` plus one. If the store can lose a write that
    /// it has confirmed, as a replicated server can, no other write may get its version: make a part of the
    /// version random. Comparing and writing must be one atomic step for all processes, such as one SQL statement. When the call has returned and the store is on disk, the
    /// content must survive a crash of the process and of the machine. On a conflict, the returned record may be
    /// read in a second step, even if it has changed again.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it is unknown whether the content was stored.
    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError>;

    /// Leases a name to an owner until the owner releases it or `ttl` has passed. If the owner claims it again,
    /// `ttl` starts again.
    ///
    /// All processes that share the store must use one clock for the leases: that of the database, or the wall
    /// clock if all are on one machine. The default grants every claim. That is correct only for a store that one
    /// process uses.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the outcome is unknown.
    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let _ = (name, owner, ttl);
        Ok(Claimed::Granted)
    }

    /// Releases the lease of this owner. A lease of another owner stays. It is not an error if there is no lease.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the release failed. The lease then ends when its `ttl` has passed.
    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let _ = (name, owner);
        Ok(())
    }

    /// Returns the names of all records that begin with a prefix, in any order. An empty prefix returns all names.
    ///
    /// Compare the prefix byte for byte: names contain `_`, which is a wildcard for SQL `LIKE`. Skip stored names
    /// that [`RecordName::parse`] rejects; this library did not write them.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the names cannot be read.
    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError>;

    /// Registers a listener and returns `true`. From now on the store calls it with the name of each record that
    /// another process writes.
    ///
    /// Each `TokenManager` calls this once, if [`Store::storage`] is [`Storage::MultiProcess`], possibly outside a
    /// tokio runtime. The call must return at once, and the store keeps the listener. A store that does not know
    /// which process wrote may also report the writes of this process. The default returns `false`: the store
    /// cannot notify, and processes see changes when they read the record again.
    fn changes(&self, listener: ChangeListener) -> bool {
        let _ = listener;
        false
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    fn storage(&self) -> Storage {
        (**self).storage()
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        (**self).load(name).await
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        (**self).compare_and_swap(name, expected, content).await
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        (**self).claim(name, owner, ttl).await
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        (**self).release(name, owner).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        (**self).list(prefix).await
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        (**self).changes(listener)
    }
}

/// The memory store answers at once, so it needs no thread.
#[async_trait]
impl Store for MemoryStore {
    fn storage(&self) -> Storage {
        octo_auth_core::Store::storage(self)
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        octo_auth_core::Store::load(self, name)
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        octo_auth_core::Store::compare_and_swap(self, name, expected, content)
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        octo_auth_core::Store::claim(self, name, owner, ttl)
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        octo_auth_core::Store::release(self, name, owner)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        octo_auth_core::Store::list(self, prefix)
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        octo_auth_core::Store::changes(self, listener)
    }
}
