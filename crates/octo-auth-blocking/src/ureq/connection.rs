//! A connection to a server, made by ureq: lookup of the name, proxy, TCP and TLS.

use std::io::{BufRead, BufReader};
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

/// A connection to a server.
pub(super) type Connection = BufReader<TransportAdapter>;

/// The time within which a host's name must be resolved, and then again a connection made and TLS agreed.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a kept connection is read to learn that nothing has come.
const MOMENT: Duration = Duration::from_millis(1);

/// Connects to the server of a URL.
pub(super) fn connect(
    connector: &Arc<DefaultConnector>,
    config: &Config,
    url: &Uri,
    deadline: time::Instant,
) -> Result<TransportAdapter, Error> {
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
    Ok(TransportAdapter::new(connection, Arc::new(Instant::now)))
}

/// What is read and written from now on fails once the deadline has passed.
pub(super) fn end_by(connection: &mut TransportAdapter, deadline: time::Instant) {
    connection.set_timeout(NextTimeout { after: left(deadline).into(), ..NextTimeout::default() });
}

/// Returns whether a connection is open and nothing has come over it since the last response. ureq has buffers of its own
/// below and above TLS, into which only reading looks.
pub(super) fn is_silent(connection: &mut Connection) -> bool {
    if !connection.buffer().is_empty() || !connection.get_mut().get_mut().is_open() {
        return false;
    }
    connection.get_mut().set_timeout(NextTimeout { after: MOMENT.into(), ..NextTimeout::default() });
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
