//! What keeps records for an asynchronous program.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, StoreError, Stored, Version,
};
use octo_auth_system::MemoryStore;

/// An asynchronous store of records.
///
/// It owes what the synchronous [`Store`](octo_auth_core::Store) of the core owes, whose documentation says what a table
/// needs. A call that takes longer than 5 s is dropped and counts as failed, though it may still take effect.
/// [`BlockingStore`](crate::BlockingStore) makes one of a synchronous store of the core.
///
/// An implementation has `#[async_trait]` of the crate [async-trait](https://docs.rs/async-trait) before its `impl`, and
/// its methods are plain `async fn`.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns whether other processes use the store too.
    fn storage(&self) -> Storage;

    /// Returns the record of a name, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it cannot be read.
    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError>;

    /// Replaces the content of a record if its version is `expected`; `None` means that there must be no record.
    ///
    /// The new version is `expected` plus one, or 1. Comparing and writing are one step for all processes, such as one
    /// statement. When it has returned, the content outlives a crash of the process and of the machine, if the store is
    /// on disk. A conflict may show what is read in a second step, even if the record has changed again.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it is not known whether the content was stored.
    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError>;

    /// Claims a name for an owner until it is released or `ttl` is over; if the owner claims again, `ttl` starts again.
    ///
    /// Claims end by one clock for all processes that share the store: that of the database, or the wall clock if all
    /// are on one machine. The default grants every claim, which is right only for a store that one process uses.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the outcome is unknown.
    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        let _ = (name, owner, ttl);
        Ok(Claimed::Granted)
    }

    /// Releases a claim of this owner; a claim of another owner stays. It is no error if there is none.
    ///
    /// # Errors
    ///
    /// A [`StoreError`]; the claim then ends when its time to live is over.
    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        let _ = (name, owner);
        Ok(())
    }

    /// Returns the names of all records that begin with a prefix, in any order; an empty prefix lists all.
    ///
    /// The prefix is compared byte for byte: `_`, which names contain, is a wildcard for `LIKE` of SQL. A stored text
    /// that [`RecordName::parse`] refuses was not written by this library and is left out.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the names cannot be read.
    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError>;

    /// Calls `listener` with the name of each record that another process writes from now on, and returns `true`.
    ///
    /// It is called once for each accounts object, if [`Store::storage`] is [`Storage::MultiProcess`], maybe outside a
    /// tokio runtime, and returns at once; the store keeps the listener. A store that cannot tell who wrote may report
    /// this process's own writes too. The default returns `false`: the store cannot notify, and processes find changes
    /// when they look again.
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

/// Memory answers at once, so it needs no thread.
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
