//! Redis.

use std::io;

use crate::server::{Folder, Server, free_port, program};

/// A running Redis, which writes each change to its log at once.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    settings: Vec<String>,
    port: u16,
    folder: Folder,
}

impl Redis {
    /// Returns whether Redis is installed.
    #[must_use]
    pub fn is_installed() -> bool {
        program("redis-server").is_some()
    }

    /// Starts a server whose log is written at once, but never synced.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn start() -> io::Result<Self> {
        Self::with_settings(&["--appendonly", "yes", "--appendfsync", "no"])
    }

    /// Starts a server with settings, such as `--maxmemory 10mb`, one word each.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn with_settings(settings: &[&str]) -> io::Result<Self> {
        let (folder, port) = (Folder::new()?, free_port()?);
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let server = launch(&folder, port, &settings)?;
        Ok(Self { server, settings, port, folder })
    }

    /// Returns its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
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
        self.server = launch(&self.folder, self.port, &self.settings)?;
        Ok(())
    }
}

fn launch(folder: &Folder, port: u16, settings: &[String]) -> io::Result<Server> {
    let program = program("redis-server").ok_or_else(|| io::Error::other("Redis is not installed"))?;
    let mut command = vec![program.display().to_string()];
    let place = folder.path().display().to_string();
    for (setting, value) in
        [("--port", port.to_string().as_str()), ("--bind", "127.0.0.1"), ("--dir", &place), ("--save", "")]
    {
        command.extend([setting.to_owned(), value.to_owned()]);
    }
    command.extend(settings.iter().cloned());
    Server::start(command, folder, "KILL", "Ready to accept connections")
}
