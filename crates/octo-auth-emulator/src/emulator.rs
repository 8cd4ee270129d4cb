//! Starting, asking and stopping the emulator.
//!
//! The server lives on a thread with a runtime of its own, so a test may block on it from inside any other runtime.
//! Dropping the [`Emulator`] closes the port and ends the thread.

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

/// A running emulator; it stops when it is dropped.
pub struct Emulator {
    address: SocketAddr,
    house: Arc<House>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How an emulator is to be started.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    port: u16,
    frozen_at: Option<i64>,
}

/// Why an emulator could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens on the port.
    #[error(
        "port {port} of 127.0.0.1 is in use: stop the program that holds it, or choose another port (0 takes a free one)"
    )]
    PortInUse {
        /// The port asked for.
        port: u16,
    },
    /// The port cannot be listened on for another reason, a missing permission for example.
    #[error("cannot listen on port {port} of 127.0.0.1")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system refused the thread or the runtime.
    #[error("cannot start the emulator's thread")]
    Thread(#[source] io::Error),
    /// The operating system gave no random bytes to make tokens from.
    #[error("the operating system gave no random bytes")]
    Randomness(#[source] getrandom::Error),
}

impl Builder {
    /// Listens on this port of 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Freezes the clock at an instant (milliseconds since 1970-01-01T00:00:00Z): it moves only by
    /// [`Emulator::advance`]. By default the clock is the system's, plus whatever it was advanced.
    pub fn frozen_at(mut self, unix_millis: i64) -> Self {
        self.frozen_at = Some(unix_millis);
        self
    }

    /// Starts the emulator.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the port, the thread or randomness cannot be had.
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
    /// Starts an emulator on a free port of 127.0.0.1, following the system's clock.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the port, the thread or randomness cannot be had.
    pub fn start() -> Result<Self, StartError> {
        Self::builder().start()
    }

    /// Returns a builder, to choose the port or freeze the clock.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its URL, `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.house.origin.clone()
    }

    /// Returns the URL that stands for an emulated host: `http://127.0.0.1:PORT/api.octorate.com`.
    #[must_use]
    pub fn base(&self, host: &str) -> String {
        format!("{}/{host}", self.house.origin)
    }

    /// Returns a redirect URI on loopback, `http://127.0.0.1:PORT/callback`, whose page shows what came back.
    ///
    /// The demo clients of OfficeRND and the generic server accept it; Octorate takes https alone.
    #[must_use]
    pub fn callback(&self) -> String {
        self.base("callback")
    }

    /// Moves its clock forward.
    pub fn advance(&self, by: Duration) {
        self.house.clock.advance(by);
    }

    /// Returns its time in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now_unix_millis(&self) -> i64 {
        self.house.clock.now()
    }

    /// Returns what was asked, oldest first, with every secret masked; the newest 20,000 requests are kept.
    ///
    /// A request is recorded when it arrives, also one that a fault strikes or a test holds.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.house.log.entries()
    }

    /// Forgets what was asked so far.
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
            // A panic of the server's thread has been printed already; a second one here would abort the test.
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
