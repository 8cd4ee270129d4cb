//! Starts, queries and stops the emulator.
//!
//! The server has its own thread and runtime, so a test may block on it from inside any other runtime. Dropping the
//! [`Emulator`] closes the port and ends the thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::generic::Generic;
use crate::log::Entry;
use crate::octorate::Octorate;
use crate::octotable::OctoTable;
use crate::officernd::OfficeRnd;

mod hosts;
mod house;
mod line;
mod server;
mod visit;

pub use hosts::HOSTS;

use house::House;

/// A running emulator. Dropping it stops it.
pub struct Emulator {
    address: SocketAddr,
    house: Arc<House>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The options for starting an emulator.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct EmulatorBuilder {
    port: u16,
    frozen_at: Option<i64>,
}

/// The error of an emulator that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens on the port.
    #[error(
        "port {port} of 127.0.0.1 is in use: stop the program that holds it, or choose another port (0 takes a free one)"
    )]
    PortInUse {
        /// The requested port.
        port: u16,
    },
    /// The port cannot be used for another reason, for example a missing permission.
    #[error("cannot listen on port {port} of 127.0.0.1")]
    Listen {
        /// The requested port.
        port: u16,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system could not start the thread or the runtime.
    #[error("cannot start the emulator's thread")]
    Thread(#[source] io::Error),
    /// The operating system provided no random bytes for the tokens.
    #[error("the operating system gave no random bytes")]
    Randomness(#[source] getrandom::Error),
}

impl EmulatorBuilder {
    /// Sets the port of 127.0.0.1 to listen on. The default, 0, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Freezes the clock at an instant (milliseconds since 1970-01-01T00:00:00Z). Only [`Emulator::advance`] moves it
    /// then. By default the clock is the system's, plus all advances.
    pub fn frozen_at(mut self, unix_millis: i64) -> Self {
        self.frozen_at = Some(unix_millis);
        self
    }

    /// Starts the emulator.
    ///
    /// # Errors
    ///
    /// Returns a [`StartError`] if the port, the thread or random bytes are not available.
    pub fn start(self) -> Result<Emulator, StartError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(StartError::Randomness)?;
        let listener = listen(self.port)?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { port: self.port, source })?;
        let house = Arc::new(House::new(address, Clock::new(self.frozen_at), &seed));
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let inside = Arc::clone(&house);
        let thread = thread::Builder::new()
            .name("octo-auth-emulator".to_owned())
            .spawn(move || server::run(inside, listener, stopped, &ready))
            .map_err(StartError::Thread)?;
        let outcome = started.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")));
        outcome.map_err(StartError::Thread)?;
        Ok(Emulator { address, house, stop: Some(stop), thread: Some(thread) })
    }
}

impl Emulator {
    /// Starts an emulator on a free port of 127.0.0.1, with the system's clock.
    ///
    /// # Errors
    ///
    /// Returns a [`StartError`] if the port, the thread or random bytes are not available.
    pub fn start() -> Result<Self, StartError> {
        Self::builder().start()
    }

    /// Returns a builder, which sets the port or freezes the clock.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    /// Returns the address on which the emulator listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of the emulator, `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.house.origin.clone()
    }

    /// Returns the URL of an emulated host: `http://127.0.0.1:PORT/api.octorate.com`.
    #[must_use]
    pub fn base(&self, host: &str) -> String {
        format!("{}/{host}", self.house.origin)
    }

    /// Returns a redirect URI on loopback, `http://127.0.0.1:PORT/callback`, whose page shows the received parameters.
    ///
    /// The demo clients of OfficeRND and of the generic server accept it; Octorate only accepts https.
    #[must_use]
    pub fn callback(&self) -> String {
        self.base("callback")
    }

    /// Moves the clock of the emulator forward.
    pub fn advance(&self, by: Duration) {
        self.house.clock.advance(by);
    }

    /// Returns the emulator's time in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now_unix_millis(&self) -> i64 {
        self.house.clock.now()
    }

    /// Returns the logged requests, oldest first, with every secret masked. The log keeps the newest 20,000 requests.
    ///
    /// A request is logged when it arrives, even if a fault strikes it or a test holds it.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.house.log.entries()
    }

    /// Clears the log of requests.
    pub fn clear_log(&self) {
        self.house.log.clear();
    }

    /// Returns the control handle of the faults, which strike every emulated host.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.house.faults
    }

    /// Returns the control handle of Octorate.
    #[must_use]
    pub fn octorate(&self) -> &Octorate {
        &self.house.octorate
    }

    /// Returns the control handle of OctoTable.
    #[must_use]
    pub fn octotable(&self) -> &OctoTable {
        &self.house.octotable
    }

    /// Returns the control handle of OfficeRND.
    #[must_use]
    pub fn officernd(&self) -> &OfficeRnd {
        &self.house.officernd
    }

    /// Returns the control handle of the generic RFC 6749 server.
    #[must_use]
    pub fn generic(&self) -> &Generic {
        &self.house.generic
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The panic of the server's thread has already been printed; a second panic here would abort the test.
            let _ = thread.join();
        }
    }
}

fn listen(port: u16) -> Result<TcpListener, StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port },
        _ => StartError::Listen { port, source },
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}
