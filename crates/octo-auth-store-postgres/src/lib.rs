//! A store of OAuth tokens in PostgreSQL: many processes on many computers share each token, and one of them renews it.
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
//! For `octo-auth-blocking` there is `blocking::PostgresStore`, with the feature `blocking`. Both read and write the same
//! rows. A program with a pool of its own passes it to `PostgresStore::over`: a `deadpool-postgres` pool with the feature
//! `deadpool`, any other by the trait `Pool`.
//!
//! # What is in the database
//!
//! All tables are in a schema of their own, `octo_auth` unless [`Options::schema`] says otherwise.
//!
//! | table | a row is |
//! |---|---|
//! | `record` | A record: its name, version and content, the id of its key if it is sealed, and when it was written. |
//! | `claim` | Who renews the tokens of a record at the moment, and until when, by the clock of the server. |
//! | `version` | The version of the tables. |
//!
//! `migrate` creates them; its user needs `CREATE` on the database. Afterwards the user of the program, here `octo`, needs
//! these rights only:
//!
//! ```sql
//! GRANT USAGE ON SCHEMA octo_auth TO octo;
//! GRANT SELECT, INSERT, UPDATE ON octo_auth.record TO octo;
//! GRANT SELECT, INSERT, UPDATE, DELETE ON octo_auth.claim TO octo;
//! GRANT SELECT ON octo_auth.version TO octo;
//! ```
//!
//! A later release first adds what it needs, then uses it, then removes what no release uses any more. So programs of two
//! releases that follow each other work on the same tables side by side.
//!
//! # How data stays safe
//!
//! A change names the version that it replaces: `UPDATE ... WHERE name = $1 AND version = $4 RETURNING version`. If no row
//! comes back, another process was faster, and what it wrote is read. That keeps data safe whatever else goes wrong. A claim
//! only saves requests: it is a row with a time, not a lock, so it ends by itself and holds no connection.
//!
//! Each step is one statement in a transaction of its own, sent without a name and with the types of its parameters. So the
//! store works behind PgBouncer in transaction mode, takes no advisory lock, needs no session state, and works in all
//! isolation levels.
//!
//! | what happens | what the store does |
//! |---|---|
//! | the connection ends during a look, a claim or a release | it does the same again over a new connection |
//! | the connection ends during a write | an error that says the outcome is unknown; the next look shows it |
//! | the server does not answer | an error after 2.5 s; the connection is given up |
//! | a serialization failure or a deadlock | the same statement again, three times in all |
//! | the server is in any other state | [`PostgresStoreError`] names it with its remedy |
//!
//! What the server has confirmed is lost only where the server is set up to lose it: with `fsync` or `synchronous_commit`
//! off, or by a failover to a standby that follows asynchronously. A refresh token that rotates and is lost ends its consent.
//! The method `PostgresStore::doctor` finds such settings.
//!
//! # Notices of changes
//!
//! Each change is notified (`NOTIFY`), and a thread of each store that has listeners listens, so that other processes see a
//! sign-in or sign-out at once. After a gap in its connection it asks which records were written meanwhile. Without notices
//! ([`Options::without_notices`]) processes find changes when they look again, which they do every minute.
//!
//! # What it costs
//!
//! A token in memory takes no statement. A renewal takes five: the claim, a look, the mark that a request is under way, its
//! outcome, and the release. With 100,000 manager of 1,500 bytes each, a row takes 2,731 bytes in the table and 193 bytes in
//! the index. The table keeps free space, so that an update does not move the row. Reading 1,000 manager one after the other
//! took 0.6 s, over loopback, in an unoptimised build. The example `measure_postgres` measures it elsewhere:
//! `cargo run --release --package octo-auth-store-postgres --features blocking --example measure_postgres -- postgres://user@host/db`.
//!
//! # Sealing
//!
//! With keys ([`Options::sealed`]) each content is encrypted and authenticated by ChaCha20-Poly1305: it cannot be read or
//! changed in the database, nor be taken for the record of another name or version. An older row, put back as a whole, is not
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
