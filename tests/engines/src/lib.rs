//! Real servers for tests: PostgreSQL, PgBouncer and Redis as processes of this computer, each with an empty folder of its
//! own, and a proxy that cuts connections in the middle of a statement.
//!
//! A server ends with its value, and with the process that started it, even if that is killed.

mod pgbouncer;
mod postgres;
mod proxy;
mod redis;
mod server;

pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use proxy::{Cut, Proxy};
pub use redis::Redis;
pub use server::Folder;
