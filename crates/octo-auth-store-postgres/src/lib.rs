//! A store of OAuth tokens in PostgreSQL. Processes on many computers share each token, and one of them refreshes it.
//!
#![cfg_attr(feature = "async", doc = "```no_run")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! use octo_auth_store_postgres::{Options, PostgresStore};
//!
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! let config = "postgres://octo@db.example/tokens?sslmode=require".parse()?;
//! let store = PostgresStore::connect(config, Options::default())?; // connects with the first call
//! store.migrate().await?; // creates the tables, once
//! // octo_auth_async::TokenManager::builder(client).store(store)
//! # Ok(())
//! # }
//! ```
//!
//! `octo-auth-blocking` uses `blocking::PostgresStore`, with the feature `blocking`. Both types read and write the same
//! rows. A program with its own pool passes it to `PostgresStore::over`: a `deadpool-postgres` pool with the feature
//! `deadpool`, any other pool by the trait `Pool`.
//!
//! # What is in the database
//!
//! All tables are in one schema, by default `octo_auth` ([`Options::schema`]).
//!
//! | table | content of a row |
//! |---|---|
//! | `record` | A record: its name, version and content, the id of its key if it is sealed, and the time of the write. |
//! | `claim` | The process that refreshes the tokens of a record, and the end of its claim by the server's clock. |
//! | `version` | The version of the tables. |
//!
//! `migrate` creates the tables; its user needs `CREATE` on the database. Afterwards the user of the program, here
//! `octo`, needs only these rights:
//!
//! ```sql
//! GRANT USAGE ON SCHEMA octo_auth TO octo;
//! GRANT SELECT, INSERT, UPDATE ON octo_auth.record TO octo;
//! GRANT SELECT, INSERT, UPDATE, DELETE ON octo_auth.claim TO octo;
//! GRANT SELECT ON octo_auth.version TO octo;
//! ```
//!
//! A later release first adds what it needs, then uses it, then removes what no release uses any more. So programs of
//! two successive releases can work on the same tables concurrently.
//!
//! # How data stays safe
//!
//! A write names the version that it replaces: `UPDATE ... WHERE name = $1 AND version = $4 RETURNING version`. If no
//! row is returned, another process was faster, and the store reads what that process wrote. This compare-and-swap
//! keeps the data safe whatever else fails. A claim only saves requests. It is a row with an end time, not a lock, so it
//! expires and holds no connection.
//!
//! Each step is one statement in its own transaction, sent without a name and with the types of its parameters. So the
//! store works behind PgBouncer in transaction mode and in all isolation levels. It takes no advisory lock and needs no
//! session state.
//!
//! | event | reaction of the store |
//! |---|---|
//! | the connection ends during a read, a claim or a release | it repeats the step over a new connection |
//! | the connection ends during a write | it returns an error that says the outcome is unknown; the next read shows it |
//! | the server does not answer | it returns an error after 2.5 s and drops the connection |
//! | a serialization failure or a deadlock | it sends the same statement again, three times in all |
//! | the server is in any other state | it returns a [`PostgresStoreError`] that names the state and the remedy |
//!
//! A confirmed write is lost only if the settings of the server permit it: with `fsync` or `synchronous_commit` off, or
//! by a failover to an asynchronous standby. A lost refresh token that rotates ends its consent. The method
//! `PostgresStore::doctor` finds such settings.
//!
//! # Change notices
//!
//! The store notifies each change (`NOTIFY`), and each store with listeners runs a thread that listens. So other
//! processes see a sign-in or sign-out at once. After a gap in its connection, the thread reads which records were
//! written meanwhile. Without notices ([`Options::without_notices`]) processes find a change when they poll, once a
//! minute.
//!
//! # Costs
//!
//! A cached token needs no statement. A refresh needs five: the claim, a read, the mark that a request is in flight, its
//! outcome, and the release. With 100,000 accounts of 1,500 bytes each, a row takes 2,731 bytes in the table and 193
//! bytes in the index. The table keeps free space, so that an update does not move the row. Reading 1,000 accounts one
//! after the other took 0.6 s, over loopback, in an unoptimised build. To measure another server, run the example
//! `measure_postgres`:
//! `cargo run --release --package octo-auth-store-postgres --features blocking --example measure_postgres -- postgres://user@host/db`.
//!
//! # Sealing
//!
//! With keys ([`Options::sealed`]), each content is encrypted and authenticated by ChaCha20-Poly1305. It cannot be read
//! or changed in the database, nor be moved to another name or version. The store does not detect an older row that is
//! restored as a whole. The names of records, which contain the names of accounts, are not encrypted. To retire a key,
//! configure the next key to write and the old key to read, and call `rekey`.

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
mod pool;
mod schema;
#[cfg(feature = "async")]
mod store;
mod target;

pub use engine::{Parameter, Rekeyed};
pub use error::PostgresStoreError;
pub use octo_auth_store_kit::{Finding, Key, Keys, SealError, SecretError, SecretSource, Severity};
pub use options::Options;
pub use pool::PoolError;
pub use schema::SCHEMA_VERSION;
#[cfg(feature = "async")]
pub use store::{Pool, PostgresStore};
