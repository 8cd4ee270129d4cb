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

/// How long a connection may take to send its request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections may wait to be accepted: a flood of them must not keep the browser out.
const BACKLOG: u32 = 4096;

/// How often a free port is looked for that both address families have.
const ATTEMPTS: usize = 16;

/// A listener on loopback that is bound and waits for no sign-in yet.
///
/// Connections to it come from programs and web pages on this machine, of which at most one is the person's browser
/// with the callback. None of the others ends the sign-in or delays it: at most 64 connections are kept, the oldest
/// that has sent no request makes room for a new one, and each has 10 s to send at most 64 KiB.
#[derive(Debug)]
pub struct CallbackListener {
    redirect: Redirect,
    port: u16,
    sockets: Vec<TcpListener>,
    runtime: Runtime,
    patience: Duration,
}

impl CallbackListener {
    /// Binds to a redirect URI: `http://127.0.0.1`, `http://[::1]` or `http://localhost`, with a path if you wish.
    ///
    /// Without a port, or with port 0, a free one is taken. `localhost` is listened on at both address families, a
    /// literal at its own alone.
    ///
    /// # Errors
    ///
    /// [`ListenError::Address`] for any other URI, [`ListenError::PortInUse`] if another program has the port: there is
    /// no silent change to another port.
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
                // The second family may lack the port that the first one got.
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
    /// A [`ListenError`] if neither can be listened on.
    pub fn bind_any(path: &str) -> Result<Self, ListenError> {
        let first = Self::bind(&format!("http://127.0.0.1:0{path}"));
        first.or_else(|error| Self::bind(&format!("http://[::1]:0{path}")).map_err(|_| error))
    }

    /// The redirect URI, with the port that is listened on.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("http://{}{}", self.authority(), self.redirect.target)
    }

    /// The addresses that are listened on.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Sets how long a connection may take to send its request; 10 s if it is not set.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits for the callback of a sign-in that was started with [`Self::redirect_uri`], on a thread of its own.
    ///
    /// `provider` is the name for the pages, such as `Octorate`. The port is closed when the [`Waiting`] is dropped.
    ///
    /// # Errors
    ///
    /// [`ListenError::Start`] if the operating system refuses the thread.
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
    // Elsewhere a port can be had again at once; on Windows this would let two programs share it.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
