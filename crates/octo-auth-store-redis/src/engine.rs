//! The operations of the store, written once for both forms. Each step is one script, which the server runs atomically.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use octo_auth_core::{Claimed, RecordBytes, RecordName, Saved, Stored, Version};
use octo_auth_store_kit::{Sealed, Sealing, next_version};
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value, cmd};

use crate::error::RedisStoreError;
use crate::prefix::Prefix;
use crate::scripts::{Prepared, Scripts};

/// Sends a command over any connection.
pub(crate) trait Connections: Sync {
    fn send(&self, command: &Cmd) -> impl Future<Output = Result<Value, PoolError>> + Send;
}

/// The replicas for which a write waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    pub(crate) replicas: u32,
    pub(crate) at_most: Duration,
}

/// The error of a pool that could not send a command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The connection failed, so the command was not sent.
    #[error(transparent)]
    Connecting(RedisError),
    /// The command failed.
    #[error(transparent)]
    Command(#[from] RedisError),
}

impl PoolError {
    /// Converts the error of a command about a record.
    fn of_command(self, name: &str) -> RedisStoreError {
        match self {
            Self::Connecting(error) => RedisStoreError::of_connecting(&error),
            Self::Command(error) => RedisStoreError::of_command(&error, name),
        }
    }
}

/// The store over a kind of connections.
pub(crate) struct Engine<C> {
    connections: C,
    prefix: Prefix,
    sealing: Sealing,
    scripts: Scripts,
    /// The channel of the notices; empty if none are sent.
    channel: String,
    wait: Option<Wait>,
    accepts_eviction: bool,
}

/// The result of `rekey`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rekeyed {
    /// The count of records that were sealed with the key that writes.
    pub sealed: usize,
    /// The count of records that were already sealed with it.
    pub unchanged: usize,
    /// One error for each record that was left unchanged.
    pub failed: Vec<RedisStoreError>,
}

/// A record as the server stores it.
struct Held {
    version: Version,
    /// The id of the key that seals the content; empty if it is not sealed.
    key: String,
    content: RecordBytes,
}

impl<C: Connections> Engine<C> {
    pub(crate) fn new(
        connections: C,
        prefix: Prefix,
        sealing: Sealing,
        channel: String,
        wait: Option<Wait>,
        accepts_eviction: bool,
    ) -> Self {
        Self { connections, prefix, sealing, scripts: Scripts::new(), channel, wait, accepts_eviction }
    }

    /// Formats the store under this name, without its connections.
    pub(crate) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_sealed = self.sealing.writing().is_some();
        f.debug_struct(name)
            .field("prefix", &self.prefix.as_str())
            .field("is_sealed", &is_sealed)
            .finish_non_exhaustive()
    }

    async fn send_once(&self, command: &Cmd, name: &str) -> Result<Value, RedisStoreError> {
        self.answer(command).await.map_err(|error| error.of_command(name))
    }

    /// Sends a command. An error in the server's answer, also a nested one, becomes an error.
    async fn answer(&self, command: &Cmd) -> Result<Value, PoolError> {
        Ok(self.connections.send(command).await?.extract_error()?)
    }

    /// Sends a command that can be repeated without effect, and again if its connection ended.
    pub(crate) async fn send(&self, command: &Cmd, name: &str) -> Result<Value, RedisStoreError> {
        match self.send_once(command, name).await {
            Err(RedisStoreError::Lost { .. }) => self.send_once(command, name).await,
            sent => sent,
        }
    }

    /// Runs a script by its digest. Sends it in full if the server does not know it.
    async fn run_once(
        &self,
        script: &Prepared,
        keys: &[&str],
        arguments: &[&[u8]],
        name: &str,
    ) -> Result<Value, RedisStoreError> {
        let [known, whole] = script.commands(keys, arguments);
        match self.answer(&known).await {
            Err(PoolError::Command(error))
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                self.send_once(&whole, name).await
            }
            answer => answer.map_err(|error| error.of_command(name)),
        }
    }

    /// Runs a script that can be repeated without effect, and again if its connection ended.
    async fn run(
        &self,
        script: &Prepared,
        keys: &[&str],
        arguments: &[&[u8]],
        name: &str,
    ) -> Result<Value, RedisStoreError> {
        match self.run_once(script, keys, arguments, name).await {
            Err(RedisStoreError::Lost { .. }) => self.run_once(script, keys, arguments, name).await,
            run => run,
        }
    }

    pub(crate) async fn load(&self, name: &RecordName) -> Result<Option<Stored>, RedisStoreError> {
        let held = match self.held(name).await? {
            None if self.was_there(name).await? => {
                // Another process may have written it between the two reads.
                let gone = || RedisStoreError::Gone { name: name.to_string() };
                Some(self.held(name).await?.ok_or_else(gone)?)
            }
            held => held,
        };
        held.map(|held| self.opened(name, held)).transpose()
    }

    async fn held(&self, name: &RecordName) -> Result<Option<Held>, RedisStoreError> {
        let mut command = cmd("HMGET");
        command.arg(self.prefix.record(name)).arg(&["version", "key", "content"]);
        held(name, self.send(&command, name.as_str()).await?)
    }

    fn opened(&self, name: &RecordName, held: Held) -> Result<Stored, RedisStoreError> {
        let Held { version, key, content } = held;
        let key = Some(key.as_str()).filter(|key| !key.is_empty());
        let content = self.sealing.open(name.as_str(), version, key, content);
        let content = content.map_err(|problem| seal(name, problem))?;
        Ok(Stored { version, content })
    }

    /// Returns whether a missing record was ever written. Returns an error if that is unknown.
    async fn was_there(&self, name: &RecordName) -> Result<bool, RedisStoreError> {
        let mut command = cmd("HEXISTS");
        command.arg(self.prefix.versions(name)).arg(name.as_str());
        if self.send(&command, name.as_str()).await? == Value::Int(1) {
            return Ok(true);
        }
        if self.accepts_eviction {
            return Ok(false);
        }
        // A user without the permission gets no finding.
        let facts = self.facts().await.unwrap_or_default();
        let says = |fact: &str| facts.get(fact).map(String::as_str).unwrap_or_default();
        if says("maxmemory_policy").starts_with("allkeys") && !["", "0"].contains(&says("evicted_keys")) {
            return Err(RedisStoreError::Evicting { name: name.to_string() });
        }
        Ok(false)
    }

    /// Returns what the server reports about itself (`INFO`).
    pub(crate) async fn facts(&self) -> Result<HashMap<String, String>, RedisStoreError> {
        let text = match self.send(&cmd("INFO"), "").await? {
            Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Value::VerbatimString { text, .. } => text,
            _ => return Err(RedisStoreError::unexpected()),
        };
        let fact = |line: &str| line.split_once(':').map(|(fact, value)| (fact.to_owned(), value.to_owned()));
        Ok(text.lines().filter_map(fact).collect())
    }

    pub(crate) async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, RedisStoreError> {
        if expected.is_none() {
            let mut command = cmd("SADD");
            command.arg(self.prefix.registrations()).arg(name.registration());
            self.send(&command, name.as_str()).await?;
        }
        let mut last = 0;
        loop {
            let version = next_version(expected.or(Some(Version(last))));
            let answer = self.save(name, expected, last, version, content).await?;
            match answer {
                Value::Int(1) => {
                    self.wait(name).await?;
                    return Ok(Saved::Done(version));
                }
                Value::Nil => return Ok(Saved::Conflict(None)),
                Value::BulkString(text) => last = number(&text).ok_or_else(|| malformed(name))?,
                answer => {
                    let held = held(name, answer)?.ok_or_else(|| malformed(name))?;
                    return Ok(Saved::Conflict(Some(self.opened(name, held)?)));
                }
            }
        }
    }

    async fn save(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        last: u64,
        version: Version,
        content: &RecordBytes,
    ) -> Result<Value, RedisStoreError> {
        let sealed = self.sealing.seal(name.as_str(), version, content);
        let Sealed { key, bytes } = sealed.map_err(|problem| seal(name, problem))?;
        let expected = expected.map(|version| version.0.to_string()).unwrap_or_default();
        let (record, versions) = (self.prefix.record(name), self.prefix.versions(name));
        let (version, last) = (version.0.to_string(), last.to_string());
        let arguments: [&[u8]; 7] = [
            name.as_str().as_bytes(),
            expected.as_bytes(),
            version.as_bytes(),
            last.as_bytes(),
            key.as_deref().unwrap_or_default().as_bytes(),
            bytes.as_ref(),
            self.channel.as_bytes(),
        ];
        self.run_once(&self.scripts.save, &[&record, &versions], &arguments, name.as_str()).await
    }

    /// Waits for replicas, if the options require it.
    async fn wait(&self, name: &RecordName) -> Result<(), RedisStoreError> {
        let Some(Wait { replicas, at_most }) = self.wait else { return Ok(()) };
        let mut command = cmd("WAIT");
        command.arg(replicas).arg(u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX).max(1));
        match self.send_once(&command, name.as_str()).await? {
            Value::Int(acknowledged) if acknowledged < i64::from(replicas) => {
                Err(RedisStoreError::NotReplicated { acknowledged, wanted: replicas })
            }
            _ => Ok(()),
        }
    }

    pub(crate) async fn claim(
        &self,
        name: &RecordName,
        owner: &str,
        ttl: Duration,
    ) -> Result<Claimed, RedisStoreError> {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 52).to_string();
        let (claim, arguments) = (self.prefix.claim(name), [owner.as_bytes(), ttl.as_bytes()]);
        match self.run(&self.scripts.claim, &[&claim], &arguments, name.as_str()).await? {
            Value::Nil => Ok(Claimed::Granted),
            Value::Int(left) => {
                Ok(Claimed::Held(Duration::from_millis(u64::try_from(left).unwrap_or(0).max(1))))
            }
            _ => Err(RedisStoreError::unexpected()),
        }
    }

    pub(crate) async fn release(&self, name: &RecordName, owner: &str) -> Result<(), RedisStoreError> {
        let claim = self.prefix.claim(name);
        self.run(&self.scripts.release, &[&claim], &[owner.as_bytes()], name.as_str()).await.map(drop)
    }

    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, RedisStoreError> {
        let mut command = cmd("SMEMBERS");
        command.arg(self.prefix.registrations());
        let mut names = Vec::new();
        for registration in texts(self.send(&command, "").await?)? {
            // The names of one registration share a prefix.
            if !registration.starts_with(prefix) && !prefix.starts_with(&registration) {
                continue;
            }
            let mut command = cmd("HKEYS");
            command.arg(self.prefix.versions_of(&registration));
            let found = texts(self.send(&command, "").await?)?;
            let found = found.iter().filter(|name| name.starts_with(prefix));
            names.extend(found.filter_map(|name| RecordName::parse(name).ok()));
        }
        Ok(names)
    }

    /// Removes the trace of a record that is gone.
    pub(crate) async fn forget(&self, name: &RecordName) -> Result<bool, RedisStoreError> {
        if self.held(name).await?.is_some() {
            return Ok(false);
        }
        let mut command = cmd("HDEL");
        command.arg(self.prefix.versions(name)).arg(name.as_str());
        Ok(self.send(&command, name.as_str()).await? == Value::Int(1))
    }

    pub(crate) async fn rekey(&self) -> Result<Rekeyed, RedisStoreError> {
        let mut rekeyed = Rekeyed::default();
        for name in self.list("").await? {
            match self.reseal(&name).await {
                Ok(true) => rekeyed.sealed += 1,
                Ok(false) => rekeyed.unchanged += 1,
                Err(error) => rekeyed.failed.push(error),
            }
        }
        Ok(rekeyed)
    }

    /// Seals a record again and keeps its version. Returns `false` if it is already sealed with the key that writes, or
    /// was changed meanwhile.
    async fn reseal(&self, name: &RecordName) -> Result<bool, RedisStoreError> {
        let Some(held) = self.held(name).await? else {
            return Err(RedisStoreError::Gone { name: name.to_string() });
        };
        if self.sealing.writing().is_none_or(|writing| writing == held.key) {
            return Ok(false);
        }
        let (version, key) = (held.version, held.key.clone());
        let content = if key.is_empty() { held.content } else { self.opened(name, held)?.content };
        let sealed = self.sealing.seal(name.as_str(), version, &content);
        let sealed = sealed.map_err(|problem| seal(name, problem))?;
        let (version, record) = (version.0.to_string(), self.prefix.record(name));
        let new = sealed.key.unwrap_or_default();
        let arguments: [&[u8]; 4] =
            [version.as_bytes(), key.as_bytes(), new.as_bytes(), sealed.bytes.as_ref()];
        let done = self.run(&self.scripts.reseal, &[&record], &arguments, name.as_str()).await?;
        Ok(done == Value::Int(1))
    }
}

/// Reads the fields `version`, `key` and `content` of a record.
fn held(name: &RecordName, answer: Value) -> Result<Option<Held>, RedisStoreError> {
    let Value::Array(fields) = answer else { return Err(malformed(name)) };
    let Ok([version, key, content]) = <[Value; 3]>::try_from(fields) else { return Err(malformed(name)) };
    match (version, key, content) {
        (Value::Nil, Value::Nil, Value::Nil) => Ok(None),
        (Value::BulkString(version), Value::BulkString(key), Value::BulkString(content)) => {
            let version = number(&version).map(Version).ok_or_else(|| malformed(name))?;
            let key = String::from_utf8(key).map_err(|_| malformed(name))?;
            Ok(Some(Held { version, key, content: content.into() }))
        }
        _ => Err(malformed(name)),
    }
}

/// Parses a number from 1 up to the largest signed 64-bit integer, in the form that this store writes.
fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let number = text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())?;
    (number > 0 && number.to_string() == text).then_some(number)
}

/// Reads a list or set of texts.
fn texts(answer: Value) -> Result<Vec<String>, RedisStoreError> {
    let (Value::Array(values) | Value::Set(values)) = answer else {
        return Err(RedisStoreError::unexpected());
    };
    let text = |value| match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    };
    Ok(values.into_iter().filter_map(text).collect())
}

fn malformed(name: &RecordName) -> RedisStoreError {
    RedisStoreError::Malformed { name: name.to_string() }
}

fn seal(name: &RecordName, problem: octo_auth_store_kit::SealError) -> RedisStoreError {
    RedisStoreError::Seal { name: name.to_string(), problem }
}
