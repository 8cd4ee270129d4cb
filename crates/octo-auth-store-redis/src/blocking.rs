//! The store of a synchronous program.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version,
};
use redis::{Client, Cmd, Value};

use octo_auth_store_kit::Finding;
use octo_auth_store_kit::waiting::{BackgroundRuntime, wait_for};

use crate::engine::{Connections, Engine, PoolError, Rekeyed};
use crate::error::RedisStoreError;
use crate::listen::Listening;
use crate::options::Options;
use crate::own::Own;

/// A pool of connections, which sends each command over any of them.
pub trait Pool: Send + Sync {
    /// Sends a command and returns the answer. It must take at most 5 s.
    ///
    /// # Errors
    ///
    /// Returns a [`PoolError`] if the command could not be sent or failed.
    fn send(&self, command: &Cmd) -> Result<Value, PoolError>;
}

/// A token store in Redis for `octo-auth-blocking`. It is cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

/// The program's pool, or the store's own connections.
struct Pooled(Box<dyn Pool>);

struct Inner {
    engine: Engine<Pooled>,
    listening: Listening,
}

/// The call blocks, so its future is ready at once.
impl Connections for Pooled {
    async fn send(&self, command: &Cmd) -> Result<Value, PoolError> {
        self.0.send(command)
    }
}

impl RedisStore {
    /// Creates a store with its own connection, which all calls share, and a thread that drives it. The first call
    /// makes the connection, and a later call makes it again after it has ended.
    ///
    /// # Errors
    ///
    /// Returns [`RedisStoreError::Prefix`], and [`RedisStoreError::Unreachable`] if the operating system cannot start a
    /// thread.
    pub fn connect(client: Client, options: Options) -> Result<Self, RedisStoreError> {
        let runtime = BackgroundRuntime::start("octo-auth-redis");
        let runtime = runtime.map_err(|error| RedisStoreError::Unreachable { reason: error.to_string() })?;
        let driven = Driven { own: Own::new(client.clone()), runtime };
        Self::open(Pooled(Box::new(driven)), options, Some(client))
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
    pub fn forget(&self, name: &RecordName) -> Result<bool, RedisStoreError> {
        wait_for(self.0.engine.forget(name))
    }

    /// Seals all records with the key that writes, including those that are not sealed yet. Versions and contents stay
    /// the same, so other processes can continue meanwhile if they have all keys. An interrupted run is simply
    /// repeated.
    ///
    /// # Errors
    ///
    /// Returns a [`RedisStoreError`] if the records cannot be read.
    pub fn rekey(&self) -> Result<Rekeyed, RedisStoreError> {
        wait_for(self.0.engine.rekey())
    }

    /// Checks the server and its settings. Returns the findings, the worst first.
    ///
    /// # Errors
    ///
    /// Returns a [`RedisStoreError`] if the server cannot be asked.
    pub fn doctor(&self) -> Result<Vec<Finding>, RedisStoreError> {
        wait_for(self.0.engine.doctor())
    }
}

/// A connection, and the runtime that drives it on a separate thread.
struct Driven {
    own: Own,
    runtime: BackgroundRuntime,
}

impl Pool for Driven {
    fn send(&self, command: &Cmd) -> Result<Value, PoolError> {
        let _entered = self.runtime.enter();
        wait_for(self.own.send(command))
    }
}

impl Store for RedisStore {
    fn storage(&self) -> Storage {
        Storage::MultiProcess
    }

    fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(wait_for(self.0.engine.load(name))?)
    }

    fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Ok(wait_for(self.0.engine.compare_and_swap(name, expected, content))?)
    }

    fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        Ok(wait_for(self.0.engine.claim(name, owner, ttl))?)
    }

    fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        Ok(wait_for(self.0.engine.release(name, owner))?)
    }

    fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        Ok(wait_for(self.0.engine.list(prefix))?)
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
