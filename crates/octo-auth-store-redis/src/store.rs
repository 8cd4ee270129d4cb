//! The store of an asynchronous program.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_async::Store;
use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, StoreError, Stored, Version,
};
use redis::{Client, Cmd, Value};

use octo_auth_store_kit::Finding;

use crate::engine::{Connections, Engine, PoolError, Rekeyed};
use crate::error::RedisStoreError;
use crate::listen::Listening;
use crate::options::Options;
use crate::own::Own;

/// A pool of connections, which sends each command over any of them.
///
/// With the feature `cluster`, a connection to a Redis Cluster implements it.
#[async_trait]
pub trait Pool: Send + Sync {
    /// Sends a command and returns the answer. It must take at most 5 s.
    ///
    /// # Errors
    ///
    /// Returns a [`PoolError`] if the command could not be sent or failed.
    async fn send(&self, command: &Cmd) -> Result<Value, PoolError>;
}

/// A token store in Redis for `octo-auth-async`. It is cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

/// The program's pool, or the store's own connections.
struct Pooled(Box<dyn Pool>);

struct Inner {
    engine: Engine<Pooled>,
    listening: Listening,
}

impl Connections for Pooled {
    async fn send(&self, command: &Cmd) -> Result<Value, PoolError> {
        self.0.send(command).await
    }
}

impl RedisStore {
    /// Creates a store with its own connection, which all calls share. The first call makes the connection, and a later
    /// call makes it again after it has ended.
    ///
    /// # Errors
    ///
    /// Returns [`RedisStoreError::Prefix`] for an invalid prefix.
    pub fn connect(client: Client, options: Options) -> Result<Self, RedisStoreError> {
        let own = Own::new(client.clone());
        Self::open(Pooled(Box::new(own)), options, Some(client))
    }

    /// Creates a store over the program's own pool. It receives change notices only if [`Options::listen`] is set.
    ///
    /// # Errors
    ///
    /// Returns [`RedisStoreError::Prefix`] for an invalid prefix.
    pub fn over(pool: impl Pool + 'static, options: Options) -> Result<Self, RedisStoreError> {
        Self::open(Pooled(Box::new(pool)), options, None)
    }

    fn open(pool: Pooled, options: Options, usual: Option<Client>) -> Result<Self, RedisStoreError> {
        let (engine, listening) = options.open(pool, usual)?;
        Ok(Self(Arc::new(Inner { engine, listening })))
    }

    /// Removes the trace of a record that was written and is gone ([`RedisStoreError::Gone`]), so that its account can
    /// sign in again. Returns whether there was such a trace. A record that still exists stays.
    ///
    /// # Errors
    ///
    /// Returns a [`RedisStoreError`] if the server cannot be asked.
    pub async fn forget(&self, name: &RecordName) -> Result<bool, RedisStoreError> {
        self.0.engine.forget(name).await
    }

    /// Seals all records with the key that writes, including those that are not sealed yet. Versions and contents stay
    /// the same, so other processes can continue meanwhile if they have all keys. An interrupted run is simply
    /// repeated.
    ///
    /// # Errors
    ///
    /// Returns a [`RedisStoreError`] if the records cannot be read.
    pub async fn rekey(&self) -> Result<Rekeyed, RedisStoreError> {
        self.0.engine.rekey().await
    }

    /// Checks the server and its settings. Returns the findings, the worst first.
    ///
    /// # Errors
    ///
    /// Returns a [`RedisStoreError`] if the server cannot be asked.
    pub async fn doctor(&self) -> Result<Vec<Finding>, RedisStoreError> {
        self.0.engine.doctor().await
    }
}

#[async_trait]
impl Pool for Own {
    async fn send(&self, command: &Cmd) -> Result<Value, PoolError> {
        self.send(command).await
    }
}

/// A connection to a cluster. It follows a record that has moved to another node.
#[cfg(feature = "cluster")]
#[async_trait]
impl Pool for redis::cluster_async::ClusterConnection {
    async fn send(&self, command: &Cmd) -> Result<Value, PoolError> {
        use redis::aio::ConnectionLike;
        Ok(self.clone().req_packed_command(command).await?)
    }
}

#[async_trait]
impl Store for RedisStore {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(self.0.engine.load(name).await?)
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Ok(self.0.engine.compare_and_swap(name, expected, content).await?)
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        Ok(self.0.engine.claim(name, owner, ttl).await?)
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        Ok(self.0.engine.release(name, owner).await?)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        Ok(self.0.engine.list(prefix).await?)
    }

    fn changes(&self, listener: ChangeListener) -> bool {
        self.0.listening.add(listener)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.engine.show("RedisStore", f)
    }
}
