//! PgBouncer, a connection pooler for PostgreSQL.

use std::io;

use crate::postgres::Postgres;
use crate::server::{Folder, Server, free_port, program};

/// A running PgBouncer in transaction mode.
#[derive(Debug)]
pub struct PgBouncer {
    _server: Server,
    port: u16,
    _folder: Folder,
}

impl PgBouncer {
    /// Returns whether PgBouncer is installed.
    #[must_use]
    pub fn is_installed() -> bool {
        program("pgbouncer").is_some()
    }

    /// Starts a pooler with this count of connections to a server.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn start(postgres: &Postgres, connections: u32) -> io::Result<Self> {
        let program = program("pgbouncer").ok_or_else(|| io::Error::other("PgBouncer is not installed"))?;
        let (folder, port) = (Folder::new()?, free_port()?);
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=octo\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\nunix_socket_dir =\n\
             logfile =\npidfile =\nmax_client_conn = 200\n",
            postgres.port()
        );
        let command = vec![program.display().to_string(), folder.write("pgbouncer.ini", &text)?];
        let server = Server::start(command, &folder, "KILL", "process up")?;
        Ok(Self { _server: server, port, _folder: folder })
    }

    /// Returns its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}
