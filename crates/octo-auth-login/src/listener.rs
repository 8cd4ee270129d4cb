//! A listener on loopback for the callback of one sign-in (RFC 8252 sections 7.3 and 8.3).

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use octo_auth_core::PendingAuthorization;
use octo_auth_system::Clock;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::connections::{self, Served};
use crate::listen_error::ListenError;
use crate::redirect::Redirect;
use crate::sign_in::SignIn;
use crate::waiting::Waiting;

/// The default limit for a connection to send its request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections may wait to be accepted. A flood of them must not block the browser.
const BACKLOG: u32 = 4096;

/// How often to look for a port that is free in both address families.
const ATTEMPTS: usize = 16;

/// A bound listener on loopback that does not wait for a sign-in yet.
///
/// Programs and web pages on this machine can connect to it; at most one of them is the person's browser with the
/// callback. The others neither end nor delay the sign-in. At most 64 connections are kept, and a new one replaces the
/// oldest that has sent no request. Each has 10 s to send at most 64 KiB.
#[derive(Debug)]
pub struct CallbackListener {
    redirect: Redirect,
    port: u16,
    sockets: Vec<TcpListener>,
    runtime: Runtime,
    patience: Duration,
}

impl CallbackListener {
    /// Binds to a redirect URI: `http://127.0.0.1`, `http://[::1]` or `http://localhost`, with an optional path.
    ///
    /// Without a port, or with port 0, it takes a free port. For `localhost` it listens on both address families, for a
    /// literal address only on its own.
    ///
    /// # Errors
    ///
    /// Returns [`ListenError::Address`] for any other URI, and [`ListenError::PortInUse`] if another program uses the
    /// port. It never changes to another port silently.
    pub fn bind(redirect_uri: &str) -> Result<Self, ListenError> {
        let redirect = Redirect::read(redirect_uri)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ListenError::Start)?;
        let entered = runtime.enter();
        for attempt in 1.. {
            match sockets(&redirect.addresses, redirect.port.unwrap_or(0)) {
                Ok((port, sockets)) => {
                    drop(entered);
                    return Ok(Self { redirect, port, sockets, runtime, patience: TIMEOUT });
                }
                // The port of the first family may be in use in the second.
                Err(ListenError::PortInUse { .. }) if redirect.port.is_none() && attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("the attempts are counted")
    }

    /// Binds to a free port of 127.0.0.1, or of `[::1]` on a machine without IPv4. The path begins with `/`.
    ///
    /// # Errors
    ///
    /// Returns a [`ListenError`] if it can listen on neither.
    pub fn bind_any(path: &str) -> Result<Self, ListenError> {
        let first = Self::bind(&format!("http://127.0.0.1:0{path}"));
        first.or_else(|error| Self::bind(&format!("http://[::1]:0{path}")).map_err(|_| error))
    }

    /// Returns the redirect URI, with the port of the listener.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("http://{}{}", self.authority(), self.redirect.target)
    }

    /// Returns the addresses of the listener.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Sets the limit for a connection to send its request. The default is 10 s.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits on a separate thread for the callback of a sign-in that was started with [`Self::redirect_uri`].
    ///
    /// `provider` is the name shown on the pages, such as `Octorate`. Dropping the [`Waiting`] closes the port.
    ///
    /// # Errors
    ///
    /// Returns [`ListenError::Start`] if the operating system cannot start the thread.
    pub fn wait_for(
        self,
        pending: PendingAuthorization,
        provider: &str,
        clock: impl Clock + 'static,
    ) -> Result<Waiting, ListenError> {
        let (found, outcome) = mpsc::channel();
        let (answer, answered) = oneshot::channel();
        let sign_in = SignIn::new(self.authority(), self.redirect.path().to_owned(), pending);
        let served = Served { sign_in, provider: provider.to_owned(), patience: self.patience, clock };
        let Self { sockets, runtime, .. } = self;
        let run = move || runtime.block_on(connections::serve(sockets, served, &found, answered));
        let thread = thread::Builder::new()
            .name("octo-auth-login".to_owned())
            .spawn(run)
            .map_err(ListenError::Start)?;
        Ok(Waiting::new(outcome, answer, thread))
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.redirect.host, self.port)
    }
}

/// Binds each address with the same port. A machine may lack one of several address families.
fn sockets(addresses: &[IpAddr], port: u16) -> Result<(u16, Vec<TcpListener>), ListenError> {
    let mut port = port;
    let mut bound = Vec::new();
    let mut lacking = None;
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        match listen(address) {
            Ok(socket) => {
                port = socket
                    .local_addr()
                    .map_err(|source| ListenError::Unavailable { address, source })?
                    .port();
                bound.push(socket);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                return Err(ListenError::PortInUse { port });
            }
            Err(source) => lacking = Some(ListenError::Unavailable { address, source }),
        }
    }
    match lacking.filter(|_| bound.is_empty()) {
        Some(error) => Err(error),
        None => Ok((port, bound)),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Unix this makes the port available again at once. On Windows it would let two programs share the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
