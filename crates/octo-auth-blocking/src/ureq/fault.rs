//! What a ureq error says about the request: certainly not sent, or perhaps processed.
//!
//! The rule: not sent only if the body was never asked for, or, for a request without a body, if the error can
//! come from nothing but making the connection. Every other error, and a deadline that ran out anywhere but in
//! making the connection, leaves the question open.

use std::io;

use octo_auth_core::Fault;
use ureq::{Error, Timeout};

/// How far a request had come when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its body was not asked for yet.
    NotBegun,
    /// Its body was asked for.
    Begun,
    /// It has no body, so nothing was noticed.
    Unknown,
}

/// The fault an error amounts to, with the error as its source unless that shows the URL.
pub(super) fn of(error: Error, progress: Progress) -> Fault {
    let certainly_not_sent = match progress {
        _ if is_connect_timeout(&error) => true,
        _ if matches!(error, Error::Timeout(_)) => false,
        Progress::NotBegun => true,
        Progress::Begun => false,
        Progress::Unknown => is_of_connecting(&error),
    };
    let fault =
        if certainly_not_sent { Fault::not_sent(without_connection(&error)) } else { without_answer(&error) };
    match error {
        Error::BadUri(_) | Error::RequireHttpsOnly(_) => fault,
        Error::Io(error) => fault.with_source(error),
        error => fault.with_source(error),
    }
}

fn without_connection(error: &Error) -> &'static str {
    match error {
        Error::HostNotFound => "the host name could not be resolved",
        Error::Io(error) if is_of_lookup(error) => "the host name could not be resolved",
        Error::Timeout(_) => "no connection within 10 s",
        Error::Tls(_) | Error::Pem(_) | Error::Rustls(_) | Error::TlsRequired => "the TLS handshake failed",
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => "connection refused",
        Error::Io(error) if tls(error).is_some() => "the TLS handshake failed",
        Error::Http(_) | Error::BadUri(_) | Error::Protocol(_) | Error::RequireHttpsOnly(_) => {
            "the request could not be built"
        }
        _ => "no connection",
    }
}

fn without_answer(error: &Error) -> Fault {
    match error {
        Error::Timeout(_) => Fault::timed_out("no answer within the deadline"),
        Error::Protocol(_) | Error::LargeResponseHeader(..) => Fault::malformed("the answer is not HTTP"),
        _ => Fault::broken_off("the answer broke off"),
    }
}

fn is_connect_timeout(error: &Error) -> bool {
    matches!(error, Error::Timeout(Timeout::Resolve | Timeout::Connect))
}

/// Whether an error can come from making the connection alone.
fn is_of_connecting(error: &Error) -> bool {
    match error {
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::ConnectProxyFailed(_)
        | Error::InvalidProxyUrl
        | Error::BadUri(_)
        | Error::RequireHttpsOnly(_)
        | Error::Http(_)
        | Error::Pem(_)
        | Error::Rustls(_)
        | Error::Tls(_)
        | Error::TlsRequired => true,
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused || is_of_lookup(error) => true,
        Error::Io(error) => matches!(tls(error), Some(rustls::Error::InvalidCertificate(_))),
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
