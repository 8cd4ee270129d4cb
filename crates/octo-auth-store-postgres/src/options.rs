//! How a store is opened.

use std::fmt;

use octo_auth_store_kit::{Keys, Sealing};
use rustls::ClientConfig;
use tokio_postgres::Config;

use crate::engine::{Connections, Engine};
use crate::error::PostgresStoreError;
use crate::listen::Listening;
use crate::schema::Schema;
use crate::target::Target;

/// How a store is opened.
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
    /// Keeps the tables in this schema instead of `octo_auth`. Stores in different schemas share nothing.
    pub fn schema(mut self, name: &str) -> Self {
        self.schema = Some(name.to_owned());
        self
    }

    /// Seals each record that is written, and reads sealed records only.
    pub fn sealed(mut self, keys: Keys) -> Self {
        self.sealing = keys.into();
        self
    }

    /// Uses this TLS for connections that the store makes, instead of one that trusts the authorities of the operating
    /// system. Whether TLS is required says `sslmode` of the connection: `require` does, and the certificate is then
    /// always verified; `prefer`, which is the default of PostgreSQL, goes on without TLS if the server has none.
    pub fn tls(mut self, config: ClientConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Listens for notices of changes over a connection of its own, made with this config. It must lead to the server itself:
    /// a pooler in transaction mode cannot listen.
    pub fn listen(mut self, config: Config) -> Self {
        self.listen = Some(config);
        self
    }

    /// Sends no notices of changes and listens to none. Processes then find changes when they look again, which they do
    /// every minute. A notice takes a lock that all writers of the database share for the moment of their commit, which
    /// a server with thousands of commits a second notices.
    pub fn without_notices(mut self) -> Self {
        self.is_silent = true;
        self
    }

    pub(crate) fn target(&self, config: Config) -> Result<Target, PostgresStoreError> {
        Target::new(config, self.tls.clone())
    }

    /// Makes a store over connections. It listens where `usual` leads, unless the options say otherwise.
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
