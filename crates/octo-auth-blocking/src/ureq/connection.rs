//! A connection to a server, made by ureq: lookup of the name, proxy, TCP and TLS.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::{self, Duration};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::time::Instant;
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, DefaultConnector, NextTimeout, TransportAdapter,
};
use ureq::{Error, Timeout};

use super::fault;

/// A connection to a server, read through a buffer.
pub(super) type Connection = BufReader<Line>;

/// A connection to a server. Nothing is written after the deadline; reading looks once more for what has arrived by then.
///
/// A process may be stopped. When it goes on, the deadline has passed although the answer lies in the socket.
pub(super) struct Line {
    transport: TransportAdapter,
    looks: u32,
}

/// The time within which a host's name must be resolved, and then again a connection made and TLS agreed.
const CONNECT: Duration = Duration::from_secs(10);

/// How often the answer is looked for once the deadline has passed, half a second in all. Each look counts its own time, as
/// the process may be stopped during one of them.
const LOOKS: u32 = 20;

/// The time between two looks.
const LOOK: Duration = Duration::from_millis(25);

/// How long a kept connection is read to learn that nothing has come.
const MOMENT: Duration = Duration::from_millis(1);

/// Connects to the server of a URL.
pub(super) fn connect(
    connector: &Arc<DefaultConnector>,
    config: &Config,
    url: &Uri,
    deadline: time::Instant,
) -> Result<Connection, Error> {
    let resolver = DefaultResolver::default();
    // Else the proxy looks up the name.
    let is_local = config.proxy().is_none_or(|proxy| proxy.resolve_target() || proxy.is_no_proxy(url));
    let addrs = match is_local {
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
        // The connection to a proxy is made in the same way.
        run_connector: Arc::new(move |details| {
            connector.connect(details, None)?.ok_or(Error::ConnectionFailed)
        }),
        register_shutdown: Arc::new(|_| Ok(())),
    };
    let connection = (details.run_connector)(&details)?;
    let transport = TransportAdapter::new(connection, Arc::new(Instant::now));
    Ok(BufReader::new(Line { transport, looks: 0 }))
}

impl Line {
    /// Sets the deadline for what is read and written from now on.
    pub(super) fn end_by(&mut self, deadline: time::Instant) {
        self.end_after(left(deadline));
        self.looks = LOOKS;
    }

    fn end_after(&mut self, duration: Duration) {
        self.transport.set_timeout(NextTimeout { after: duration.into(), ..NextTimeout::default() });
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.transport.read(buffer) {
                Err(error) if fault::is_timeout(&error) && self.looks > 0 => {
                    self.looks -= 1;
                    self.end_after(LOOK);
                }
                result => return result,
            }
        }
    }
}

impl Write for Line {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.transport.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport.flush()
    }
}

/// Returns whether a connection is open and nothing has come over it since the last response. ureq has buffers of its own
/// below and above TLS, into which only reading looks.
pub(super) fn is_silent(connection: &mut Connection) -> bool {
    let is_empty = connection.buffer().is_empty();
    let line = connection.get_mut();
    if !is_empty || !line.transport.get_mut().is_open() {
        return false;
    }
    line.end_after(MOMENT);
    line.looks = 0;
    matches!(connection.fill_buf(), Err(error) if fault::is_timeout(&error))
}

/// The time for a step of connecting, and what to say when it is over.
fn until(deadline: time::Instant, step: Timeout) -> NextTimeout {
    let left = left(deadline);
    let (after, reason) = if left < CONNECT { (left, Timeout::Global) } else { (CONNECT, step) };
    NextTimeout { after: after.into(), reason, ..NextTimeout::default() }
}

fn left(deadline: time::Instant) -> Duration {
    deadline.saturating_duration_since(time::Instant::now())
}
