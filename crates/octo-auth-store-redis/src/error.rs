//! The errors of the Redis store.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use octo_auth_core::{Diagnostic, Remedy, StoreError};
use octo_auth_store_kit::SealError;
use redis::{ErrorKind, RedisError};

/// The limit of characters shown of a server's message.
const LONGEST_MESSAGE: usize = 256;

/// An error of the store, with the problem and the remedy. It contains no content of a record and no password: a
/// message of the server is cut before the arguments of a command that it quotes.
///
/// The methods of the store return it as the source of their [`StoreError`]; see [`RedisStoreError::of`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The connection failed. The command was not sent.
    #[error("Redis cannot be reached: {reason}")]
    Unreachable {
        /// The reason.
        reason: String,
    },
    /// The connection ended during a command, so it is unknown whether the command took effect.
    #[error("the connection to Redis ended during a command: {reason}")]
    Lost {
        /// The reason.
        reason: String,
    },
    /// The server did not answer in time, so it is unknown whether the command took effect.
    #[error("Redis did not answer in time")]
    Timeout,
    /// `LOADING`: the server has started and is reading its data.
    #[error("Redis has started and is loading its data")]
    Loading,
    /// `BUSY`: a script of another program is running.
    #[error("Redis is busy with a script of another program: end it with `SCRIPT KILL`")]
    Busy,
    /// `OOM`: the memory is full. Nothing was written.
    #[error("Redis has used its memory up: raise `maxmemory`, or remove what other programs keep there")]
    OutOfMemory,
    /// `READONLY`: the server is a replica. Nothing was written.
    #[error("Redis is a read-only replica here: connect to the primary")]
    ReadOnly,
    /// `NOAUTH` or `WRONGPASS`: the user or the password is missing or wrong.
    #[error("Redis refuses the connection: {message}: check user and password")]
    Refused {
        /// The message of the server.
        message: String,
    },
    /// `NOPERM`: the user lacks the permission for this operation.
    #[error(
        "the user of Redis has no right to do this: {message}: see the documentation for the rights needed"
    )]
    Forbidden {
        /// The message of the server.
        message: String,
    },
    /// `WRONGTYPE`: another program has written the key. It was left unchanged.
    #[error(
        "another program has written a key of the record `{name}`: remove it, or give the store another prefix"
    )]
    WrongType {
        /// The name of the record.
        name: String,
    },
    /// `MOVED`, `ASK` or `CROSSSLOT`: the server is a node of a cluster, and the record is on another one.
    #[error("Redis is a cluster, and the record is on another node: use a connection to a cluster")]
    Moved,
    /// `CLUSTERDOWN`, `MASTERDOWN` or `TRYAGAIN`: the cluster or its primary is not available at the moment.
    #[error("the cluster or the primary of Redis is down: {message}")]
    ClusterDown {
        /// The message of the server.
        message: String,
    },
    /// `MISCONF`: the server cannot write to its disk, and refuses writes.
    #[error("Redis cannot write to its disk and refuses writes: see its log")]
    NotDurable,
    /// `NOREPLICAS`: fewer replicas are connected than `min-replicas-to-write` requires. Nothing was written.
    #[error("fewer replicas follow Redis than `min-replicas-to-write` asks for")]
    NoReplicas,
    /// The primary has the write, but fewer replicas have confirmed it than [`Options::wait`](crate::Options::wait)
    /// requires. A failover can lose it.
    #[error("{acknowledged} of {wanted} replicas have confirmed the write: a failover can lose it")]
    NotReplicated {
        /// The count of replicas that have confirmed it.
        acknowledged: i64,
        /// The count of replicas that must confirm it.
        wanted: u32,
    },
    /// The record was written earlier and does not exist any more: it was evicted or deleted. This does not mean that
    /// the account is signed out.
    #[error(
        "the record `{name}` was written and is gone, as after an eviction: restore it from a backup, or call `forget` \
         and sign in again"
    )]
    Gone {
        /// The name of the record.
        name: String,
    },
    /// The record does not exist. The server evicts any key, so the record may have existed.
    #[error(
        "there is no record `{name}`, but Redis has evicted keys, so whether there was one is unknown: set \
         `maxmemory-policy noeviction`"
    )]
    Evicting {
        /// The name of the record.
        name: String,
    },
    /// A record was not written by this library. It was left unchanged.
    #[error(
        "the record `{name}` was not written by octo-auth: remove it and sign in again, or restore it from a backup"
    )]
    Malformed {
        /// The name of the record.
        name: String,
    },
    /// A record cannot be sealed or opened.
    #[error("the record `{name}` {problem}")]
    Seal {
        /// The name of the record.
        name: String,
        /// The error of the seal.
        problem: SealError,
    },
    /// The prefix is invalid.
    #[error("`{text}` cannot be the prefix: it has 1 to 64 characters of a-z, A-Z, 0-9, ':', '-' and '_'")]
    Prefix {
        /// The text, with control characters escaped, at most 64 characters.
        text: String,
    },
    /// Any other error of the server, or an answer that Redis never sends.
    #[error("Redis refuses a command with the error {code}: {message}")]
    Server {
        /// The first word of the server's error.
        code: String,
        /// The message of the server.
        message: String,
    },
}

impl RedisStoreError {
    /// Returns the Redis error inside a [`StoreError`]; `None` if it has another cause.
    #[must_use]
    pub fn of(error: &StoreError) -> Option<&Self> {
        Error::source(error)?.downcast_ref()
    }

    /// Returns the error's stable word, such as `out_of_memory`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Lost { .. } => "connection_lost",
            Self::Timeout => "timeout",
            Self::Loading => "loading",
            Self::Busy => "busy",
            Self::OutOfMemory => "out_of_memory",
            Self::ReadOnly => "read_only",
            Self::Refused { .. } => "refused",
            Self::Forbidden { .. } => "forbidden",
            Self::WrongType { .. } => "wrong_type",
            Self::Moved => "moved",
            Self::ClusterDown { .. } => "cluster_down",
            Self::NotDurable => "not_durable",
            Self::NoReplicas => "no_replicas",
            Self::NotReplicated { .. } => "not_replicated",
            Self::Gone { .. } => "record_gone",
            Self::Evicting { .. } => "evicting",
            Self::Malformed { .. } => "malformed",
            Self::Seal { problem, .. } => problem.code(),
            Self::Prefix { .. } => "config",
            Self::Server { .. } => "server",
        }
    }

    /// Returns whether the command may have taken effect in spite of the error.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Timeout | Self::NotReplicated { .. })
    }

    /// Returns the error of a command about a record.
    pub(crate) fn of_command(error: &RedisError, name: &str) -> Self {
        let code = error.code().unwrap_or_default();
        let message = shown(error.detail().unwrap_or_default());
        match (code, error.kind()) {
            ("LOADING", _) => Self::Loading,
            ("BUSY", _) => Self::Busy,
            ("OOM", _) => Self::OutOfMemory,
            ("READONLY", _) => Self::ReadOnly,
            ("NOAUTH" | "WRONGPASS", _) | (_, ErrorKind::AuthenticationFailed) => Self::Refused { message },
            ("NOPERM", _) => Self::Forbidden { message },
            ("WRONGTYPE", _) => Self::WrongType { name: name.to_owned() },
            ("MOVED" | "ASK" | "CROSSSLOT", _) => Self::Moved,
            ("CLUSTERDOWN" | "MASTERDOWN" | "TRYAGAIN", _) => Self::ClusterDown { message },
            ("MISCONF", _) => Self::NotDurable,
            ("NOREPLICAS", _) => Self::NoReplicas,
            (_, ErrorKind::InvalidClientConfig) => Self::Refused { message: shown(&error.to_string()) },
            (_, ErrorKind::ClusterConnectionNotFound) => {
                Self::ClusterDown { message: shown(&error.to_string()) }
            }
            _ if error.is_timeout() => Self::Timeout,
            _ if error.is_connection_refusal() => Self::Unreachable { reason: shown(&error.to_string()) },
            ("", _) => Self::Lost { reason: shown(&error.to_string()) },
            (code, _) => Self::Server { code: code.to_owned(), message },
        }
    }

    /// Returns the error of a connection that could not be made.
    pub(crate) fn of_connecting(error: &RedisError) -> Self {
        match Self::of_command(error, "") {
            Self::Lost { reason } => Self::Unreachable { reason },
            Self::Timeout => Self::Unreachable { reason: "no answer in time".to_owned() },
            refused => refused,
        }
    }

    /// Returns the error of an answer that Redis never sends.
    pub(crate) fn unexpected() -> Self {
        Self::Server { code: "unknown".to_owned(), message: "it does not answer as Redis does".to_owned() }
    }
}

/// Returns the part of a server's message that is shown, without the arguments that it quotes.
fn shown(message: &str) -> String {
    let end = ["with args", "script:"].iter().filter_map(|text| message.find(text)).min();
    let message = &message[..end.unwrap_or(message.len())];
    message.chars().filter(|letter| !letter.is_control()).take(LONGEST_MESSAGE).collect()
}

impl Diagnostic for RedisStoreError {
    fn code(&self) -> Cow<'static, str> {
        self.code().into()
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Timeout
            | Self::Loading
            | Self::Busy
            | Self::OutOfMemory
            | Self::ReadOnly
            | Self::ClusterDown { .. }
            | Self::NotDurable
            | Self::NoReplicas
            | Self::NotReplicated { .. } => Remedy::TryLater { after: Duration::from_secs(1) },
            _ => Remedy::FixConfiguration,
        }
    }
}

impl From<RedisStoreError> for StoreError {
    fn from(error: RedisStoreError) -> Self {
        Self::new("the Redis store failed").with_remedy(error.remedy()).with_source(error)
    }
}
