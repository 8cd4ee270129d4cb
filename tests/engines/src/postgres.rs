//! PostgreSQL.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::server::{Folder, Server, free_port, run};

/// A running PostgreSQL with the superuser `octo` and the database `postgres`. Every user of this computer may
/// connect.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    programs: PathBuf,
    settings: Vec<String>,
    port: u16,
    folder: Folder,
}

impl Postgres {
    /// Returns whether PostgreSQL is installed.
    #[must_use]
    pub fn is_installed() -> bool {
        programs().is_some()
    }

    /// Starts a server. A crash of the machine loses its unwritten data, but no other data is lost.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn start() -> io::Result<Self> {
        Self::with_settings(&["fsync=off"])
    }

    /// Starts a server with settings, such as `fsync=off`.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn with_settings(settings: &[&str]) -> io::Result<Self> {
        Self::create(Folder::new()?, settings)
    }

    /// Starts a server that offers TLS with a certificate and its key, both as PEM.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn with_tls(certificate: &str, key: &str) -> io::Result<Self> {
        let folder = Folder::new()?;
        let certificate = format!("ssl_cert_file={}", folder.write("server.crt", certificate)?);
        let key = format!("ssl_key_file={}", folder.write("server.key", key)?);
        Self::create(folder, &["fsync=off", "ssl=on", &certificate, &key])
    }

    fn create(folder: Folder, settings: &[&str]) -> io::Result<Self> {
        let programs = programs().ok_or_else(|| io::Error::other("PostgreSQL is not installed"))?;
        let port = free_port()?;
        let data = folder.path().join("data");
        let (initdb, data) = (programs.join("initdb"), data.display().to_string());
        let options = ["--username=octo", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8"];
        run(&[&[&*initdb.display().to_string(), "-D", &data], &options[..]].concat())?;
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let server = launch(&programs, &folder, port, &settings)?;
        Ok(Self { server, programs, settings, port, folder })
    }

    /// Returns its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// Returns the URL of its database at another port, such as that of a proxy.
    #[must_use]
    pub fn url_at(&self, port: u16) -> String {
        format!("postgres://octo@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    /// Returns the connection string over its socket, without TCP.
    #[must_use]
    pub fn socket(&self) -> String {
        format!("host={} port={} user=octo dbname=postgres", self.folder.path().display(), self.port)
    }

    /// Stops the process temporarily: the server does not answer, and its connections stay open.
    pub fn stop(&self) {
        self.server.signal("STOP");
    }

    /// Resumes a stopped process.
    pub fn go_on(&self) {
        self.server.signal("CONT");
    }

    /// Crashes the server and starts it again at the same port.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.server.pause();
        self.server = launch(&self.programs, &self.folder, self.port, &self.settings)?;
        Ok(())
    }
}

fn launch(programs: &std::path::Path, folder: &Folder, port: u16, settings: &[String]) -> io::Result<Server> {
    let text = |path: PathBuf| path.display().to_string();
    let mut command =
        vec![text(programs.join("postgres")), "-D".to_owned(), text(folder.path().join("data"))];
    command.extend(["-p".to_owned(), port.to_string(), "-k".to_owned(), text(folder.path().to_owned())]);
    for setting in ["listen_addresses=127.0.0.1", "max_connections=200", "logging_collector=off"] {
        command.extend(["-c".to_owned(), setting.to_owned()]);
    }
    for setting in settings {
        command.extend(["-c".to_owned(), setting.clone()]);
    }
    Server::start(command, folder, "QUIT", "ready to accept connections")
}

/// Returns the folder of the programs of the newest release.
fn programs() -> Option<PathBuf> {
    let releases = fs::read_dir("/usr/lib/postgresql").ok()?;
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = releases.filter_map(|release| Some(release.ok()?.path())).max_by_key(number)?;
    Some(newest.join("bin")).filter(|programs| programs.join("initdb").is_file())
}
