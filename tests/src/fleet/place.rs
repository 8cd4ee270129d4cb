//! The place of a fleet's records: a folder, or a server behind a proxy.

use std::str::FromStr;
use std::sync::Arc;

use octo_auth_core::Store;
use octo_auth_engines::{Postgres, Proxy, Redis};
use octo_auth_store_file::FileStore;
use octo_auth_store_postgres::blocking::PostgresStore;
use octo_auth_store_redis::blocking::RedisStore;

use crate::file_store::Folder;
use crate::registration::sound;

/// The engine of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A local folder.
    Files,
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

impl Engine {
    /// Returns whether it is installed.
    #[must_use]
    pub fn is_installed(self) -> bool {
        match self {
            Self::Files => true,
            Self::Postgres => Postgres::is_installed(),
            Self::Redis => Redis::is_installed(),
        }
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "files" => Ok(Self::Files),
            "postgres" => Ok(Self::Postgres),
            "redis" => Ok(Self::Redis),
            other => Err(format!("`{other}` is no engine: files, postgres or redis")),
        }
    }
}

/// The place of a fleet's records.
pub(super) enum Place {
    Files(Folder),
    Postgres(Postgres, Proxy),
    /// The second server was a replica, and has all but the last writes.
    Redis(Redis, Proxy, Option<Redis>),
}

impl Place {
    pub(super) fn new(engine: Engine) -> Result<Self, String> {
        let failed = |error: std::io::Error| error.to_string();
        Ok(match engine {
            Engine::Files => Self::Files(Folder::new()),
            Engine::Postgres => {
                let server = Postgres::start().map_err(failed)?;
                let config = sound(server.url().parse());
                let store = PostgresStore::connect(config, octo_auth_store_postgres::Options::default());
                store.and_then(|store| store.migrate()).map_err(|error| error.to_string())?;
                let proxy = Proxy::start(server.port()).map_err(failed)?;
                Self::Postgres(server, proxy)
            }
            Engine::Redis => {
                let server = Redis::start().map_err(failed)?;
                let proxy = Proxy::start(server.port()).map_err(failed)?;
                Self::Redis(server, proxy, None)
            }
        })
    }

    /// Returns the address for its processes.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Files(folder) => folder.path().display().to_string(),
            Self::Postgres(server, proxy) => server.url_at(proxy.port()),
            Self::Redis(_, proxy, _) => format!("redis://127.0.0.1:{}/", proxy.port()),
        }
    }

    /// Waits longer than any claim lasts. Claims in files end with their process. Servers have their own clock, which
    /// does not follow the fleet's.
    pub(super) fn end_claims(&self) -> Result<(), String> {
        match self {
            Self::Files(_) => Ok(()),
            Self::Postgres(server, _) => sent(server, "DELETE FROM octo_auth.claim"),
            Self::Redis(server, ..) => {
                let end =
                    "for _, claim in ipairs(redis.call('KEYS', '*:claim:*')) do redis.call('DEL', claim) end";
                execute(server, &["EVAL", end, "0"]).map(drop)
            }
        }
    }

    /// Cuts all connections. Returns whether there are any.
    pub(super) fn cut(&self) -> bool {
        match self {
            Self::Files(_) => false,
            Self::Postgres(_, proxy) | Self::Redis(_, proxy, _) => {
                proxy.cut_all();
                true
            }
        }
    }

    /// Crashes the server and starts it again. Returns whether there is one.
    pub(super) fn restart(&mut self) -> Result<bool, String> {
        let restarted = match self {
            Self::Files(_) => return Ok(false),
            Self::Postgres(server, _) => server.restart(),
            Self::Redis(server, ..) => server.restart(),
        };
        restarted.map(|()| true).map_err(|error| error.to_string())
    }

    /// Keeps a copy of the server as it is now, for [`Place::fail_over`]. Returns whether there is a server.
    pub(super) fn prepare_failover(&mut self) -> Result<bool, String> {
        match self {
            Self::Files(_) => return Ok(false),
            Self::Postgres(server, _) => {
                let copy = "DROP TABLE IF EXISTS standby; CREATE TABLE standby AS TABLE octo_auth.record";
                sent(server, copy)?;
            }
            Self::Redis(server, _, standby) => {
                let replica = Redis::start().map_err(|error| error.to_string())?;
                execute(server, &["CONFIG", "SET", "repl-diskless-sync-delay", "0"])?;
                execute(&replica, &["REPLICAOF", "127.0.0.1", &server.port().to_string()])?;
                while !execute(&replica, &["INFO", "replication"])?.contains("master_link_status:up") {}
                execute(&replica, &["REPLICAOF", "NO", "ONE"])?;
                *standby = Some(replica);
            }
        }
        Ok(true)
    }

    /// Continues with the copy. All writes after it are lost.
    pub(super) fn fail_over(&mut self) -> Result<(), String> {
        match self {
            Self::Files(_) => {}
            Self::Postgres(server, proxy) => {
                let back = "TRUNCATE octo_auth.record; INSERT INTO octo_auth.record TABLE standby";
                sent(server, back)?;
                proxy.cut_all();
            }
            Self::Redis(server, proxy, standby) => {
                *server = standby.take().ok_or("no failover was prepared")?;
                proxy.redirect(server.port());
            }
        }
        Ok(())
    }

    /// Removes everything from the server. Returns whether there is one.
    pub(super) fn flush(&self) -> Result<bool, String> {
        match self {
            Self::Files(_) => return Ok(false),
            Self::Postgres(server, _) => sent(server, "TRUNCATE octo_auth.record, octo_auth.claim")?,
            Self::Redis(server, ..) => drop(execute(server, &["FLUSHALL"])?),
        }
        Ok(true)
    }
}

/// Sends statements to the server.
fn sent(server: &Postgres, statements: &str) -> Result<(), String> {
    let client = postgres::Client::connect(&server.url(), postgres::NoTls);
    let sent = client.and_then(|mut client| client.batch_execute(statements));
    sent.map_err(|error| error.to_string())
}

/// Sends a command to the server. Returns the answer if it is a text.
fn execute(server: &Redis, words: &[&str]) -> Result<String, String> {
    let answer = redis::Client::open(server.url()).and_then(|client| {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query::<redis::Value>(&mut client.get_connection()?)
    });
    let answer = answer.map_err(|error| error.to_string())?;
    Ok(redis::from_redis_value::<String>(answer).unwrap_or_default())
}

/// Opens the store at an address.
#[must_use]
pub fn opened(address: &str) -> Arc<dyn Store> {
    if address.starts_with("postgres://") {
        let config = sound(address.parse());
        Arc::new(sound(PostgresStore::connect(config, octo_auth_store_postgres::Options::default())))
    } else if address.starts_with("redis://") {
        let client = sound(redis::Client::open(address));
        Arc::new(sound(RedisStore::connect(client, octo_auth_store_redis::Options::default())))
    } else {
        Arc::new(sound(FileStore::open(address)))
    }
}
