//! What keeps records for an asynchronous program.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_core::{Claimed, Key, Record, Saved, Storage, StoreFault, Stored, Version};
use octo_auth_system::MemoryStore;
use tokio::task::spawn_blocking;

/// A store of records. A key has one record; its version is one more with each change.
///
/// Implementations must be able to tell a change of somebody else's by the version, and must never hand out half a
/// record. A call that takes longer than 5 s is dropped and counts as failed, though it may take effect all the same.
/// Beside the keys of tokens there is [`Key::requests`], whose record is like any other to a store. A synchronous store
/// of the core becomes one by [`Threaded`].
///
/// An implementation has `#[async_trait]` of the crate [async-trait](https://docs.rs/async-trait) before its `impl`, and
/// its methods are plain `async fn`.
#[async_trait]
pub trait Store: Send + Sync {
    /// Whether others use it too.
    fn storage(&self) -> Storage;

    /// Reads the record of a key.
    ///
    /// # Errors
    ///
    /// A [`StoreFault`] if it cannot be read; nothing stored is no fault.
    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault>;

    /// Replaces the record of a key if its version is the expected one (nothing: if there is none).
    ///
    /// # Errors
    ///
    /// A [`StoreFault`] if it is not known to be stored.
    async fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault>;

    /// Claims the renewal of a key for an owner, for so long. A store that needs no claims grants them.
    ///
    /// # Errors
    ///
    /// A [`StoreFault`] if nothing is known of the claim.
    async fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        let _ = (key, owner, lasting);
        Ok(Claimed::Granted)
    }

    /// Releases a claim of this owner; one that is another's or over is left alone.
    ///
    /// # Errors
    ///
    /// A [`StoreFault`]; the claim then ends by itself.
    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        let _ = (key, owner);
        Ok(())
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    fn storage(&self) -> Storage {
        (**self).storage()
    }

    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        (**self).load(key).await
    }

    async fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault> {
        (**self).compare_and_swap(key, expected, record).await
    }

    async fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        (**self).claim(key, owner, lasting).await
    }

    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        (**self).release(key, owner).await
    }
}

/// Memory never makes anybody wait, so it needs no thread.
#[async_trait]
impl Store for MemoryStore {
    fn storage(&self) -> Storage {
        octo_auth_core::Store::storage(self)
    }

    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        octo_auth_core::Store::load(self, key)
    }

    async fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault> {
        octo_auth_core::Store::compare_and_swap(self, key, expected, record)
    }

    async fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        octo_auth_core::Store::claim(self, key, owner, lasting)
    }

    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        octo_auth_core::Store::release(self, key, owner)
    }
}

/// A synchronous store, each of whose calls is made on one of tokio's threads for blocking work.
#[derive(Clone)]
pub struct Threaded {
    store: Arc<dyn octo_auth_core::Store>,
}

impl Threaded {
    /// Wraps a synchronous store.
    #[must_use]
    pub fn new(store: impl octo_auth_core::Store + 'static) -> Self {
        Self { store: Arc::new(store) }
    }

    async fn call<R: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn octo_auth_core::Store) -> Result<R, StoreFault> + Send + 'static,
    ) -> Result<R, StoreFault> {
        let store = self.store.clone();
        // What a panic said is left out: nobody knows what it names.
        let ended = |_| Err(StoreFault::new("the thread of the store's call ended early"));
        spawn_blocking(move || call(&*store)).await.unwrap_or_else(ended)
    }
}

#[async_trait]
impl Store for Threaded {
    fn storage(&self) -> Storage {
        self.store.storage()
    }

    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
        let key = key.clone();
        self.call(move |store| store.load(&key)).await
    }

    async fn compare_and_swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        record: &Record,
    ) -> Result<Saved, StoreFault> {
        let (key, record) = (key.clone(), record.clone());
        self.call(move |store| store.compare_and_swap(&key, expected, &record)).await
    }

    async fn claim(&self, key: &Key, owner: &str, lasting: Duration) -> Result<Claimed, StoreFault> {
        let (key, owner) = (key.clone(), owner.to_owned());
        self.call(move |store| store.claim(&key, &owner, lasting)).await
    }

    async fn release(&self, key: &Key, owner: &str) -> Result<(), StoreFault> {
        let (key, owner) = (key.clone(), owner.to_owned());
        self.call(move |store| store.release(&key, &owner)).await
    }
}

impl fmt::Debug for Threaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threaded").field("storage", &self.store.storage()).finish_non_exhaustive()
    }
}
