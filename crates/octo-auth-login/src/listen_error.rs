//! Why this machine cannot listen for a callback.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use octo_auth_core::{Diagnostic, Remedy};

/// The error of a listener that could not be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// This machine cannot listen at the redirect URI.
    #[error(
        "no program can listen at {uri:?}; a listener needs http://127.0.0.1, http://[::1] or http://localhost, with or \
         without a port (RFC 8252 section 7.3)"
    )]
    Address {
        /// The redirect URI.
        uri: String,
    },
    /// Another program listens on the port.
    #[error(
        "port {port} is in use by another program; end that program, or register and name a redirect URI with another port"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The operating system refuses the address.
    #[error("{address} cannot be listened on")]
    Unavailable {
        /// The address and port; port 0 means any port.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The thread of the listener cannot be started.
    #[error("the listener cannot be started")]
    Start(#[source] io::Error),
}

impl Diagnostic for ListenError {
    fn code(&self) -> Cow<'static, str> {
        let word = match self {
            Self::Address { .. } => "redirect_uri_not_loopback",
            Self::PortInUse { .. } => "port_unavailable",
            Self::Unavailable { .. } => "address_unavailable",
            Self::Start(_) => "listener_not_started",
        };
        Cow::Borrowed(word)
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Start(_) => Remedy::TryLater { after: Duration::from_secs(1) },
            _ => Remedy::FixConfiguration,
        }
    }
}
