//! The store of an asynchronous program.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_async::Store;
use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, StoreError, Stored, Version,
};
use tokio_postgres::{Config, Row};

use octo_auth_store_kit::Finding;

use crate::engine::{Connections, Engine, Parameter, Rekeyed};
use crate::error::PostgresStoreError;
use crate::listen::Listening;
use crate::options::Options;
use crate::own::Own;
use crate::pool::PoolError;
use crate::target::Target;

/// A pool of connections, which sends each statement over any of them.
///
/// With the feature `deadpool`, a pool of `deadpool-postgres` implements it.
#[async_trait]
pub trait Pool: Send + Sync {
    /// Sends a statement and returns the rows. The statement is unnamed, as with
    /// [`query_typed`](tokio_postgres::Client::query_typed). It must take at most 5 s.
    ///
    /// # Errors
    ///
    /// Returns a [`PoolError`] if the statement could not be sent or failed.
    async fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError>;
}

/// A token store in PostgreSQL for `octo-auth-async`. It is cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

/// The program's pool, or the store's own connections.
struct Pooled(Box<dyn Pool>);

struct Inner {
    engine: Engine<Pooled>,
    listening: Listening,
}

impl Connections for Pooled {
    async fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError> {
        self.0.send(statement, parameters).await
    }
}

impl PostgresStore {
    /// Creates a store with its own connection, which all calls share. The first call makes the connection, and a later
    /// call makes it again after it has ended.
    ///
    /// # Errors
    ///
    /// Returns [`PostgresStoreError::SchemaName`], and [`PostgresStoreError::Tls`] if the operating system trusts no
    /// certificate authority.
    pub fn connect(config: Config, options: Options) -> Result<Self, PostgresStoreError> {
        let target = options.target(config)?;
        let own = Own::new(target.clone());
        Self::open(Pooled(Box::new(own)), options, Some(target))
    }

    /// Creates a store over the program's own pool. It receives change notices only if [`Options::listen`] is set.
    ///
    /// # Errors
    ///
    /// Returns [`PostgresStoreError::SchemaName`], and [`PostgresStoreError::Tls`] if the operating system trusts no
    /// certificate authority.
    pub fn over(pool: impl Pool + 'static, options: Options) -> Result<Self, PostgresStoreError> {
        Self::open(Pooled(Box::new(pool)), options, None)
    }

    fn open(pool: Pooled, options: Options, usual: Option<Target>) -> Result<Self, PostgresStoreError> {
        let (engine, listening) = options.open(pool, usual)?;
        Ok(Self(Arc::new(Inner { engine, listening })))
    }

    /// Creates the tables, or upgrades the tables of an older release. It can be repeated, even by several processes
    /// concurrently. Programs of the previous release keep working meanwhile.
    ///
    /// # Errors
    ///
    /// Returns [`PostgresStoreError::Forbidden`] if the user must not create tables,
    /// [`PostgresStoreError::NewerSchema`] if the tables belong to a release that is incompatible with this one, and
    /// all errors of a connection.
    pub async fn migrate(&self) -> Result<(), PostgresStoreError> {
        self.0.engine.migrate().await
    }

    /// Seals all records with the key that writes, including those that are not sealed yet. Versions and contents stay
    /// the same, so other processes can continue meanwhile if they have all keys. An interrupted run is simply
    /// repeated.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresStoreError`] if the records cannot be read.
    pub async fn rekey(&self) -> Result<Rekeyed, PostgresStoreError> {
        self.0.engine.rekey().await
    }

    /// Checks the server and its settings. Returns the findings, the worst first.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresStoreError`] if the server cannot be asked.
    pub async fn doctor(&self) -> Result<Vec<Finding>, PostgresStoreError> {
        self.0.engine.doctor().await
    }
}

#[async_trait]
impl Pool for Own {
    async fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError> {
        self.send(statement, parameters).await
    }
}

#[cfg(feature = "deadpool")]
#[async_trait]
impl Pool for deadpool_postgres::Pool {
    async fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError> {
        let client = self.get().await.map_err(|error| PoolError::no_connection(&error))?;
        Ok(client.query_typed(statement, parameters).await?)
    }
}

#[async_trait]
impl Store for PostgresStore {
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

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.engine.show("PostgresStore", f)
    }
}
