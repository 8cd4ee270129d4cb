//! Real servers for tests: PostgreSQL, PgBouncer and Redis as local processes, each with a separate empty folder, and a
//! proxy that cuts connections in the middle of a statement.
//!
//! A server ends when its value is dropped, or when the process that started it ends, even if that process is killed.

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
