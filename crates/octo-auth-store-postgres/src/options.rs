//! The options of a store.

use std::fmt;

use octo_auth_store_kit::{Keys, Sealing};
use rustls::ClientConfig;
use tokio_postgres::Config;

use crate::engine::{Connections, Engine};
use crate::error::PostgresStoreError;
use crate::listen::Listening;
use crate::schema::Schema;
use crate::target::Target;

/// The options for opening a store.
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    schema: Option<String>,
    sealing: Sealing,
    tls: Option<ClientConfig>,
    listen: Option<Config>,
    is_silent: bool,
}

impl Options {
    /// Sets the schema of the tables. The default is `octo_auth`. Stores in different schemas share nothing.
    pub fn schema(mut self, name: &str) -> Self {
        self.schema = Some(name.to_owned());
        self
    }

    /// Seals each record that is written, and reads only sealed records.
    pub fn sealed(mut self, keys: Keys) -> Self {
        self.sealing = keys.into();
        self
    }

    /// Sets the TLS configuration for connections that the store makes. The default trusts the certificate authorities
    /// of the operating system.
    ///
    /// The `sslmode` of the connection decides whether TLS is required. With `require` it is, and the certificate is
    /// always verified. With `prefer`, the default of PostgreSQL, the connection continues without TLS if the server
    /// does not support it.
    pub fn tls(mut self, config: ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Listens for change notices over a separate connection, made with this config. The config must lead to the server
    /// itself: a pooler in transaction mode cannot listen.
    pub fn listen(mut self, config: Config) -> Self {
        self.listen = Some(config);
        self
    }

    /// Neither sends nor receives change notices. Other processes then find a change only when they poll, once a
    /// minute. A notice takes a lock that all writers of the database share during their commit; a server with
    /// thousands of commits a second is slowed down by it.
    pub fn without_notices(mut self) -> Self {
        self.is_silent = true;
        self
    }

    pub(crate) fn target(&self, config: Config) -> Result<Target, PostgresStoreError> {
        Target::new(config, self.tls.clone())
    }

    /// Opens a store over connections. It listens at `usual`, unless the options name another server.
    pub(crate) fn open<C: Connections>(
        self,
        connections: C,
        usual: Option<Target>,
    ) -> Result<(Engine<C>, Listening), PostgresStoreError> {
        let schema = self.schema.as_deref().map_or_else(|| Ok(Schema::default()), Schema::new)?;
        let target = match &self.listen {
            _ if self.is_silent => None,
            Some(config) => Some(self.target(config.clone())?),
            None => usual,
        };
        let listening = Listening::new(target, schema.clone());
        Ok((Engine::new(connections, schema, self.sealing, !self.is_silent), listening))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_sealed = self.sealing.writing().is_some();
        f.debug_struct("Options")
            .field("schema", &self.schema)
            .field("is_sealed", &is_sealed)
            .finish_non_exhaustive()
    }
}
