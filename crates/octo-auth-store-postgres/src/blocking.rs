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
    /// Sends a statement, unnamed as [`query_typed`](postgres::Client::query_typed) does, and returns the rows. It takes at most 5 s.
    ///
    /// # Errors
    ///
    /// A [`PoolError`].
    fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, PoolError>;
}

/// A store in PostgreSQL for `octo-auth-blocking`. It is cheap to clone; the clones are one store.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

/// The pool of the program, or the store's own connections.
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
    /// Makes a store with a connection of its own, which all calls share, and a thread that drives it. The connection is made
    /// by the first call, and again after it has ended.
    ///
    /// # Errors
    ///
    /// [`PostgresStoreError::SchemaName`], [`PostgresStoreError::Tls`] if the operating system trusts no authority, and
    /// [`PostgresStoreError::Unreachable`] if it starts no thread.
    pub fn connect(config: tokio_postgres::Config, options: Options) -> Result<Self, PostgresStoreError> {
        let target = options.target(config)?;
        let runtime = BackgroundRuntime::start("octo-auth-postgres");
        let runtime =
            runtime.map_err(|error| PostgresStoreError::Unreachable { reason: error.to_string() })?;
        let driven = Driven { own: Own::new(target.clone()), runtime };
        Self::open(Pooled(Box::new(driven)), options, Some(target))
    }

    /// Makes a store over the program's own pool. It listens for notices of changes only if [`Options::listen`] says where.
    ///
    /// # Errors
    ///
    /// [`PostgresStoreError::SchemaName`], and [`PostgresStoreError::Tls`] if the operating system trusts no authority.
    pub fn over(pool: impl Pool + 'static, options: Options) -> Result<Self, PostgresStoreError> {
        Self::open(Pooled(Box::new(pool)), options, None)
    }

    fn open(pool: Pooled, options: Options, usual: Option<Target>) -> Result<Self, PostgresStoreError> {
        let (engine, listening) = options.open(pool, usual)?;
        Ok(Self(Arc::new(Inner { engine, listening })))
    }

    /// Creates the tables, or brings those of an older release up to this one. It can be repeated, also by several processes
    /// at once; programs of the release before go on meanwhile.
    ///
    /// # Errors
    ///
    /// [`PostgresStoreError::Forbidden`] if the user may not create tables, [`PostgresStoreError::NewerSchema`] if the
    /// tables are of a release that this one does not work with, and all errors of a connection.
    pub fn migrate(&self) -> Result<(), PostgresStoreError> {
        wait_for(self.0.engine.migrate())
    }

    /// Seals all records with the key that writes, those included that are not sealed. Versions and contents stay, so other
    /// processes go on meanwhile if they have all keys. A run that was interrupted is simply made again.
    ///
    /// # Errors
    ///
    /// A [`PostgresStoreError`] if the records cannot be read.
    pub fn rekey(&self) -> Result<Rekeyed, PostgresStoreError> {
        wait_for(self.0.engine.rekey())
    }

    /// Looks at the server and at its settings, and returns what was found, the worst first.
    ///
    /// # Errors
    ///
    /// A [`PostgresStoreError`] if the server cannot be asked.
    pub fn doctor(&self) -> Result<Vec<Finding>, PostgresStoreError> {
        wait_for(self.0.engine.doctor())
    }
}

/// A connection, and the runtime that drives it on a thread of its own.
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

/// One client, which the program has made; a call waits until others are done.
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
