//! The options of a store.

use std::fmt;
use std::time::Duration;

use octo_auth_store_kit::{Keys, Sealing};
use redis::Client;

use crate::engine::{Connections, Engine, Wait};
use crate::error::RedisStoreError;
use crate::listen::Listening;
use crate::prefix::Prefix;

/// The options for opening a store.
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    prefix: Option<String>,
    sealing: Sealing,
    wait: Option<Wait>,
    listen: Option<Client>,
    accepts_eviction: bool,
}

impl Options {
    /// Sets the prefix of all keys. The default is `octo-auth`. Stores with different prefixes share nothing.
    pub fn prefix(mut self, text: &str) -> Self {
        self.prefix = Some(text.to_owned());
        self
    }

    /// Seals each record that is written, and reads only sealed records.
    pub fn sealed(mut self, keys: Keys) -> Self {
        self.sealing = keys.into();
        self
    }

    /// Waits after each write until this count of replicas has confirmed it (`WAIT`), for `at_most`, limited to 2 s. If
    /// fewer confirm it, the write fails with [`RedisStoreError::NotReplicated`], although the primary has it. All calls
    /// of the store wait meanwhile. A failover can lose a write even so: Redis does not guarantee more.
    pub fn wait(mut self, replicas: u32, at_most: Duration) -> Self {
        self.wait = Some(Wait { replicas, at_most: at_most.min(Duration::from_secs(2)) });
        self
    }

    /// Listens for change notices over a connection of this client. Needed only for a store over the program's own
    /// connections.
    pub fn listen(mut self, client: Client) -> Self {
        self.listen = Some(client);
        self
    }

    /// Treats an account without a record as not signed in, even if the server evicts any key (`maxmemory-policy
    /// allkeys-lru` and similar) and may have evicted the record. This suits client grants, which lose nothing by an
    /// eviction.
    pub fn accept_eviction(mut self) -> Self {
        self.accepts_eviction = true;
        self
    }

    pub(crate) fn open<C: Connections>(
        self,
        connections: C,
        usual: Option<Client>,
    ) -> Result<(Engine<C>, Listening), RedisStoreError> {
        let prefix = self.prefix.as_deref().map_or_else(|| Ok(Prefix::default()), Prefix::new)?;
        let channel = prefix.channel();
        let listening = Listening::new(self.listen.or(usual), channel.clone());
        let engine =
            Engine::new(connections, prefix, self.sealing, channel, self.wait, self.accepts_eviction);
        Ok((engine, listening))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_sealed = self.sealing.writing().is_some();
        f.debug_struct("Options")
            .field("prefix", &self.prefix)
            .field("is_sealed", &is_sealed)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
