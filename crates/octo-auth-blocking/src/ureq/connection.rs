//! A connection to a server, made by ureq: name lookup, proxy, TCP and TLS.

use std::io::{self, BufRead, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{self, Duration};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::time::Instant;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Error, Timeout};

use super::fault;

/// A connection to a server. After the deadline it writes nothing, and reads only what has already arrived.
///
/// A process may be suspended. When it resumes, the deadline has passed, although the answer is already in the
/// socket.
pub(super) struct Connection {
    transport: Box<dyn Transport>,
    deadline: time::Instant,
    looks: u32,
}

/// The limit for the name lookup, and again for connecting and the TLS handshake.
const CONNECT: Duration = Duration::from_secs(10);

/// The number of reads after the deadline, half a second in all. Each read has its own time limit, as the process
/// may be suspended during one of them.
const LOOKS: u32 = 20;

/// The time limit of one such read.
const LOOK: Duration = Duration::from_millis(25);

/// How long a kept connection is read to make sure that nothing has arrived.
const MOMENT: Duration = Duration::from_millis(1);

/// Connects to the server of a URL.
pub(super) fn connect(
    connector: &Arc<DefaultConnector>,
    config: &Config,
    url: &Uri,
    deadline: time::Instant,
) -> Result<Connection, Error> {
    let resolver = DefaultResolver::default();
    // Otherwise the proxy looks up the name.
    let is_local = config.proxy().is_none_or(|proxy| proxy.resolve_target() || proxy.is_no_proxy(url));
    let addrs = match is_local {
        // ureq starts a thread for a lookup that has a time limit.
        true if is_address(url) => resolver.resolve(url, config, NextTimeout::default())?,
        true => resolver.resolve(url, config, until(deadline, Timeout::Resolve))?,
        false => resolver.empty(),
    };
    let connector = Arc::clone(connector);
    let details = ConnectionDetails {
        uri: url,
        addrs,
        config,
        request_level: false,
        resolver: &resolver,
        now: Instant::now(),
        timeout: until(deadline, Timeout::Connect),
        current_time: Arc::new(Instant::now),
        // ureq connects to a proxy in the same way.
        run_connector: Arc::new(move |details| {
            connector.connect(details, None)?.ok_or(Error::ConnectionFailed)
        }),
        register_shutdown: Arc::new(|_| Ok(())),
    };
    let transport = (details.run_connector)(&details)?;
    Ok(Connection { transport, deadline, looks: LOOKS })
}

impl Connection {
    /// Sets the deadline for all following reads and writes.
    pub(super) fn end_by(&mut self, deadline: time::Instant) {
        (self.deadline, self.looks) = (deadline, LOOKS);
    }

    /// Returns whether the connection is open and nothing has arrived since the last response. It has to read,
    /// because ureq has its own buffers below and above TLS.
    pub(super) fn is_silent(&mut self) -> bool {
        if self.holds_input() || !self.transport.is_open() {
            return false;
        }
        (self.deadline, self.looks) = (time::Instant::now() + MOMENT, 0);
        matches!(self.fill_buf(), Err(error) if fault::is_timeout(&error))
    }

    /// Returns whether there are received bytes that were not read yet.
    pub(super) fn holds_input(&mut self) -> bool {
        !self.transport.buffers().input().is_empty()
    }

    fn timeout(&self) -> NextTimeout {
        NextTimeout { after: left(self.deadline).into(), ..NextTimeout::default() }
    }
}

impl BufRead for Connection {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while !self.holds_input() {
            match self.transport.await_input(self.timeout()).map_err(Error::into_io) {
                // The connection has ended.
                Ok(false) => break,
                Ok(true) => {}
                Err(error) if fault::is_timeout(&error) && self.looks > 0 => {
                    self.looks -= 1;
                    self.deadline = time::Instant::now() + LOOK;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.transport.buffers().input())
    }

    fn consume(&mut self, amount: usize) {
        self.transport.buffers().input_consume(amount);
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.transport.buffers().output().write(bytes)?;
        self.transport.transmit_output(written, self.timeout()).map_err(Error::into_io)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns whether the host of a URL is an IP address, which needs no lookup.
fn is_address(url: &Uri) -> bool {
    url.host().is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok())
}

/// Returns the time limit of a connecting step, and the reason to report when it has passed.
fn until(deadline: time::Instant, step: Timeout) -> NextTimeout {
    let left = left(deadline);
    let (after, reason) = if left < CONNECT { (left, Timeout::Global) } else { (CONNECT, step) };
    NextTimeout { after: after.into(), reason, ..NextTimeout::default() }
}

fn left(deadline: time::Instant) -> Duration {
    deadline.saturating_duration_since(time::Instant::now())
}
