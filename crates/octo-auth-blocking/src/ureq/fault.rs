//! What a ureq error says about the request: certainly not sent, or perhaps processed.
//!
//! The rule: not sent only if there was no connection, if the body was never asked for, or, for a request without a body,
//! if the error can come from nothing but agreeing on TLS. Every other error, and a deadline that ran out anywhere but in
//! making the connection, leaves the question open.

use std::io;

use octo_auth_core::Fault;
use ureq::{Error, Timeout};

use super::veil::Veil;

/// How far a request had come when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There was no connection, or its body was not asked for yet.
    NotBegun,
    /// Its body was asked for.
    Begun,
    /// It has no body, or one without bytes, so nothing was noticed.
    Unknown,
}

impl Progress {
    /// The progress, as far as it depends on whether there was a connection.
    pub(super) fn with(self, veil: &Veil) -> Self {
        if veil.is_connected() { self } else { Self::NotBegun }
    }
}

/// The fault an error amounts to, with the error as its source unless that shows the URL.
pub(super) fn of(error: Error, progress: Progress) -> Fault {
    let certainly_not_sent = match progress {
        _ if is_connect_timeout(&error) => true,
        _ if matches!(error, Error::Timeout(_)) => false,
        Progress::NotBegun => true,
        Progress::Begun => false,
        Progress::Unknown => is_of_handshake(&error),
    };
    let fault = match certainly_not_sent {
        true if is_of_tls(&error) => Fault::misconfigured("the TLS handshake failed"),
        true if asks_for_credentials(&error) => Fault::misconfigured("the proxy asks for other credentials"),
        true => Fault::not_sent(without_connection(&error)),
        false => without_answer(&error),
    };
    match error {
        Error::BadUri(_) | Error::RequireHttpsOnly(_) => fault,
        Error::Io(error) => fault.with_source(error),
        error => fault.with_source(error),
    }
}

/// The fault of an error after the head of the response was read.
pub(super) fn in_the_body(error: Error) -> Fault {
    let invalid =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
    let fault = match &error {
        Error::Timeout(_) => Fault::timed_out("no answer within the deadline"),
        Error::Protocol(_) => Fault::malformed(NOT_FRAMED),
        Error::Io(error) if invalid(error) || holds_protocol_error(error) => Fault::malformed(NOT_FRAMED),
        _ => Fault::broken_off("the answer broke off"),
    };
    fault.with_source(error)
}

const NOT_FRAMED: &str = "the body of the answer is not framed as HTTP demands";

/// Whether an IO error wraps an error of the protocol, as it does when a body is read.
fn holds_protocol_error(error: &io::Error) -> bool {
    let held = error.get_ref().and_then(|held| held.downcast_ref::<Error>());
    matches!(held, Some(Error::Protocol(_)))
}

fn without_connection(error: &Error) -> &'static str {
    match error {
        Error::HostNotFound => "the host name could not be resolved",
        Error::Io(error) if is_of_lookup(error) => "the host name could not be resolved",
        Error::Timeout(_) => "no connection within 10 s",
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => "connection refused",
        Error::Http(_) | Error::BadUri(_) | Error::Protocol(_) | Error::RequireHttpsOnly(_) => {
            "the request could not be built"
        }
        _ => "no connection",
    }
}

fn without_answer(error: &Error) -> Fault {
    match error {
        Error::Timeout(_) => Fault::timed_out("no answer within the deadline"),
        _ => Fault::malformed("the answer is not HTTP, or its head is incomplete"),
    }
}

fn is_of_tls(error: &Error) -> bool {
    match error {
        Error::Tls(_) | Error::Pem(_) | Error::Rustls(_) | Error::TlsRequired => true,
        Error::Io(error) => tls(error).is_some(),
        _ => false,
    }
}

fn is_connect_timeout(error: &Error) -> bool {
    matches!(error, Error::Timeout(Timeout::Resolve | Timeout::Connect))
}

/// Whether an error can come from agreeing on TLS alone.
fn is_of_handshake(error: &Error) -> bool {
    match error {
        Error::Pem(_) | Error::Rustls(_) | Error::Tls(_) | Error::TlsRequired => true,
        Error::Io(error) => matches!(tls(error), Some(rustls::Error::InvalidCertificate(_))),
        _ => false,
    }
}

/// Says whether a proxy refused the credentials it was given, or asked for some. ureq tells it by these texts alone.
fn asks_for_credentials(error: &Error) -> bool {
    const OF_SOCKS: [&str; 3] =
        ["no acceptable auth methods", "unknown auth method", "password authentication failed"];
    match error {
        Error::ConnectProxyFailed(reason) => reason.starts_with("proxy server responded 407/"),
        Error::Io(error) => OF_SOCKS.contains(&error.to_string().as_str()),
        _ => false,
    }
}

/// Whether an IO error comes from looking up a name, for which the standard library has no kind: it words it so on
/// Unix, and passes on the codes of Windows Sockets (`WSAHOST_NOT_FOUND` to `WSANO_DATA`).
fn is_of_lookup(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address information")
        || (cfg!(windows) && matches!(error.raw_os_error(), Some(11001..=11004)))
}

/// The error of TLS that an IO error holds.
fn tls(error: &io::Error) -> Option<&rustls::Error> {
    let held = error.get_ref()?;
    held.downcast_ref().or_else(|| held.source()?.downcast_ref())
}
