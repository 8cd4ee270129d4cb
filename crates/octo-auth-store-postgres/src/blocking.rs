//! The store of a synchronous program.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octo_auth_core::{
    ChangeListener, Claimed, RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version,
};
use postgres::Row;

use octo_auth_store_kit::Finding;
use octo_auth_store_kit::waiting::{BackgroundRuntime, wait_for};

use crate::engine::{Connections, Engine, Parameter, Rekeyed};
use crate::error::PostgresStoreError;
use crate::listen::Listening;
use crate::options::Options;
use crate::own::Own;
use crate::pool::PoolError;
use crate::target::Target;

/// A pool of connections, which sends each statement over any of them.
pub trait Pool: Send + Sync {
    /// Sends a statement and returns the rows. The statement is unnamed, as with
    /// [`query_typed`](postgres::Client::query_typed). It must take at most 5 s.
    ///
    /// # Errors
    ///
    /// Returns a [`PoolError`] if the statement could not be sent or failed.
    fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError>;
}

/// A token store in PostgreSQL for `octo-auth-blocking`. It is cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

/// The program's pool, or the store's own connections.
struct Pooled(Box<dyn Pool>);

struct Inner {
    engine: Engine<Pooled>,
    listening: Listening,
}

/// The call blocks, so its future is ready at once.
impl Connections for Pooled {
    async fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError> {
        self.0.send(statement, parameters)
    }
}

impl PostgresStore {
    /// Creates a store with its own connection, which all calls share, and a thread that drives it. The first call
    /// makes the connection, and a later call makes it again after it has ended.
    ///
    /// # Errors
    ///
    /// Returns [`PostgresStoreError::SchemaName`], [`PostgresStoreError::Tls`] if the operating system trusts no
    /// certificate authority, and [`PostgresStoreError::Unreachable`] if it cannot start a thread.
    pub fn connect(config: tokio_postgres::Config, options: Options) -> Result<Self, PostgresStoreError> {
        let target = options.target(config)?;
        let runtime = BackgroundRuntime::start("octo-auth-postgres");
        let runtime =
            runtime.map_err(|error| PostgresStoreError::Unreachable { reason: error.to_string() })?;
        let driven = Driven { own: Own::new(target.clone()), runtime };
        Self::open(Pooled(Box::new(driven)), options, Some(target))
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
    pub fn migrate(&self) -> Result<(), PostgresStoreError> {
        wait_for(self.0.engine.migrate())
    }

    /// Seals all records with the key that writes, including those that are not sealed yet. Versions and contents stay
    /// the same, so other processes can continue meanwhile if they have all keys. An interrupted run is simply
    /// repeated.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresStoreError`] if the records cannot be read.
    pub fn rekey(&self) -> Result<Rekeyed, PostgresStoreError> {
        wait_for(self.0.engine.rekey())
    }

    /// Checks the server and its settings. Returns the findings, the worst first.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresStoreError`] if the server cannot be asked.
    pub fn doctor(&self) -> Result<Vec<Finding>, PostgresStoreError> {
        wait_for(self.0.engine.doctor())
    }
}

/// A connection, and the runtime that drives it on a separate thread.
struct Driven {
    own: Own,
    runtime: BackgroundRuntime,
}

impl Pool for Driven {
    fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError> {
        let _entered = self.runtime.enter();
        wait_for(self.own.send(statement, parameters))
    }
}

/// A single client of the program. A call waits until earlier calls are done.
impl Pool for Mutex<postgres::Client> {
    fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError> {
        let mut client = self.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(client.query_typed(statement, parameters)?)
    }
}

impl Store for PostgresStore {
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

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.engine.show("PostgresStore", f)
    }
}
