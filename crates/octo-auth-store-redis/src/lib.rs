//! A store of OAuth tokens in Redis: many processes on many computers share each token, and one of them renews it.
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
//! For `octo-auth-blocking` there is `blocking::RedisStore`, with the feature `blocking`. Both read and write the same keys. A
//! program with connections of its own passes them to `RedisStore::over` by the trait `Pool`; with the feature `cluster` a
//! connection to a Redis Cluster is one.
//!
//! # What Redis cannot promise
//!
//! A refresh token that rotates and is lost ends its consent: the user must sign in again. Redis answers before a write is on
//! its disk and before a replica has it, unless it is set up otherwise:
//!
//! | what happens | what is lost | what helps |
//! |---|---|---|
//! | the process of Redis ends | what the append-only file does not have | `appendonly yes` |
//! | the machine ends | what was not synced: by default a second | `appendfsync always` |
//! | a failover to a replica | what the replica did not have yet | `min-replicas-to-write` and [`Options::wait`]; neither rules it out |
//! | memory is short | any record, if `maxmemory-policy` begins with `allkeys` | `noeviction` |
//!
//! The method `RedisStore::doctor` finds such settings. Where that is not enough, PostgreSQL is the right place: `octo-auth-store-postgres`.
//!
//! # What is in the database
//!
//! All keys begin with `octo-auth` unless [`Options::prefix`] says otherwise; what is in braces puts the keys of a registration
//! in one slot of a cluster.
//!
//! | key | type | it is |
//! |---|---|---|
//! | `{octo-auth:REGISTRATION}:record:NAME` | hash | A record: its version, its content, and the id of its key if it is sealed. |
//! | `{octo-auth:REGISTRATION}:versions` | hash | The last version of each record of a registration. |
//! | `{octo-auth:REGISTRATION}:claim:NAME` | string | Who renews the tokens of a record at the moment; it ends by itself. |
//! | `octo-auth:registrations` | set | The registrations. |
//! | `octo-auth:changes` | channel | The names of records that were written. |
//!
//! A record that is gone although its last version is known was evicted or deleted: that is [`RedisStoreError::Gone`], and never
//! taken for an account that is not signed in. A process that still has its tokens in memory writes it again; otherwise `RedisStore::forget` lets the account sign in again.
//!
//! # How data stays safe
//!
//! A change names the version that it replaces; comparing and writing are one script, which Redis runs as a whole. A server that
//! does not know the script, as after `SCRIPT FLUSH`, is sent it with one more round trip. A claim only saves requests.
//!
//! | what happens | what the store does |
//! |---|---|
//! | the connection ends during a look, a claim or a release | it does the same again over a new connection |
//! | the connection ends during a write | an error that says the outcome is unknown; the next look shows it |
//! | the server does not answer | an error after 2.5 s; the connection is given up |
//! | the server is in any other state | [`RedisStoreError`] names it with its remedy |
//!
//! # Rights
//!
//! ```text
//! ACL SETUSER octo on >PASSWORD ~{octo-auth:* ~octo-auth:* &octo-auth:changes +@hash +@set +@string +@scripting
//!     +publish +subscribe +pttl +del +wait +info
//! ```
//!
//! `+info` shows evictions. Add `+config|get +time` for `doctor`, `+select` for another database than 0, and
//! `+cluster|slots +ping +readonly` for a cluster.
//!
//! # Sealing
//!
//! With keys ([`Options::sealed`]) each content is encrypted and authenticated by ChaCha20-Poly1305: it cannot be read or
//! changed in the database, nor be taken for the record of another name or version. An older record, put back as a whole, is not
//! noticed. Names of records, which hold the names of manager, are not encrypted. A key is retired by giving the next one as
//! the one that writes, the old one as one that reads, and `rekey`.

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
