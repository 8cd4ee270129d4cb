//! A store of OAuth tokens in Redis. Processes on many computers share each token, and one of them refreshes it.
//!
#![cfg_attr(feature = "async", doc = "```no_run")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! use octo_auth_store_redis::{Options, RedisStore};
//!
//! # fn open() -> Result<(), Box<dyn std::error::Error>> {
//! let redis = redis::Client::open("rediss://:password@redis.example/")?; // the crate `redis`, version 1
//! let store = RedisStore::connect(redis, Options::default())?; // connects with the first call
//! // octo_auth_async::TokenManager::builder(client).store(store)
//! # Ok(())
//! # }
//! ```
//!
//! `octo-auth-blocking` uses `blocking::RedisStore`, with the feature `blocking`. Both types read and write the same
//! keys. A program with its own connections passes them to `RedisStore::over` by the trait `Pool`. With the feature
//! `cluster`, a connection to a Redis Cluster implements that trait.
//!
//! # What Redis cannot promise
//!
//! A lost refresh token that rotates ends its consent: the user must sign in again. By default, Redis confirms a write
//! before it is on disk and before a replica has it:
//!
//! | event | lost | remedy |
//! |---|---|---|
//! | the process of Redis ends | what the append-only file does not contain | `appendonly yes` |
//! | the machine crashes | what was not synced: by default a second | `appendfsync always` |
//! | a failover to a replica | what the replica did not have yet | `min-replicas-to-write` and [`Options::wait`]; neither rules it out |
//! | memory is short | any record, if `maxmemory-policy` begins with `allkeys` | `noeviction` |
//!
//! The method `RedisStore::doctor` finds such settings. If this is not safe enough, use PostgreSQL:
//! `octo-auth-store-postgres`.
//!
//! # What is in the database
//!
//! All keys begin with a prefix, by default `octo-auth` ([`Options::prefix`]). The part in braces puts the keys of a
//! registration in one slot of a cluster.
//!
//! | key | type | content |
//! |---|---|---|
//! | `{octo-auth:REGISTRATION}:record:NAME` | hash | A record: its version, its content, and the id of its key if it is sealed. |
//! | `{octo-auth:REGISTRATION}:versions` | hash | The last version of each record of a registration. |
//! | `{octo-auth:REGISTRATION}:claim:NAME` | string | The process that refreshes the tokens of a record; it expires. |
//! | `octo-auth:registrations` | set | The registrations. |
//! | `octo-auth:changes` | channel | The names of records that were written. |
//!
//! A record that is gone although its last version is known was evicted or deleted. The store returns
//! [`RedisStoreError::Gone`] then, and does not treat the account as not signed in. A process that still has the tokens
//! in memory writes the record again. Otherwise call `RedisStore::forget`, so that the account can sign in again.
//!
//! # How data stays safe
//!
//! A write names the version that it replaces. One script compares the version and writes, which Redis runs atomically.
//! If the server does not know the script, for example after `SCRIPT FLUSH`, the store sends it with one more round
//! trip. A claim only saves requests.
//!
//! | event | reaction of the store |
//! |---|---|
//! | the connection ends during a read, a claim or a release | it repeats the step over a new connection |
//! | the connection ends during a write | it returns an error that says the outcome is unknown; the next read shows it |
//! | the server does not answer | it returns an error after 2.5 s and drops the connection |
//! | the server is in any other state | it returns a [`RedisStoreError`] that names the state and the remedy |
//!
//! # Rights
//!
//! ```text
//! ACL SETUSER octo on >PASSWORD ~{octo-auth:* ~octo-auth:* &octo-auth:changes +@hash +@set +@string +@scripting
//!     +publish +subscribe +pttl +del +wait +info
//! ```
//!
//! `+info` reveals evictions. Add `+config|get +time` for `doctor`, `+select` for a database other than 0, and
//! `+cluster|slots +ping +readonly` for a cluster.
//!
//! # Sealing
//!
//! With keys ([`Options::sealed`]), each content is encrypted and authenticated by ChaCha20-Poly1305. It cannot be read
//! or changed in the database, nor be moved to another name or version. The store does not detect an older record that
//! is restored as a whole. The names of records, which contain the names of accounts, are not encrypted. To retire a
//! key, configure the next key to write and the old key to read, and call `rekey`.

// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "blocking")]
pub mod blocking;
mod doctor;
mod engine;
mod error;
mod listen;
mod options;
mod own;
mod prefix;
mod scripts;
#[cfg(feature = "async")]
mod store;

pub use engine::{PoolError, Rekeyed};
pub use error::RedisStoreError;
pub use octo_auth_store_kit::{Finding, Key, Keys, SealError, SecretError, SecretSource, Severity};
pub use options::Options;
#[cfg(feature = "async")]
pub use store::{Pool, RedisStore};
