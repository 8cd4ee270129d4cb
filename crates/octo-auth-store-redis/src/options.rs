//! How a store is opened.

use std::fmt;
use std::time::Duration;

use octo_auth_store_kit::{Keys, Sealing};
use redis::Client;

use crate::engine::{Connections, Engine, Wait};
use crate::error::RedisStoreError;
use crate::listen::Listening;
use crate::prefix::Prefix;

/// How a store is opened.
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
    /// Begins the names of all keys with this text instead of `octo-auth`. Stores with different prefixes share nothing.
    pub fn prefix(mut self, text: &str) -> Self {
        self.prefix = Some(text.to_owned());
        self
    }

    /// Seals each record that is written, and reads sealed records only.
    pub fn sealed(mut self, keys: Keys) -> Self {
        self.sealing = keys.into();
        self
    }

    /// Waits after each write until this count of replicas has confirmed it (`WAIT`), for a duration of 2 s at most. A write
    /// that fewer have confirmed fails with [`RedisStoreError::NotReplicated`], although the primary has it. All calls of the
    /// store wait meanwhile. Even so a failover can lose a write: Redis promises no more.
    pub fn wait(mut self, replicas: u32, at_most: Duration) -> Self {
        self.wait = Some(Wait { replicas, at_most: at_most.min(Duration::from_secs(2)) });
        self
    }

    /// Listens for notices of changes over a connection of this client, for a store over connections of the program.
    pub fn listen(mut self, client: Client) -> Self {
        self.listen = Some(client);
        self
    }

    /// Takes an account without a record for one that is not signed in, although the server evicts any key
    /// (`maxmemory-policy allkeys-lru` and its like), so that its record may have been there. For client grants, which lose
    /// nothing by it.
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
