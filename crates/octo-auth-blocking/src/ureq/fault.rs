//! Maps an error to a `TransportError`: certainly not sent, or perhaps processed.
//!
//! A request counts as not sent only in three cases: there was no connection, the request could not be written
//! completely, or the server refused the TLS session. For every other error on a connection the outcome is
//! unknown.

use std::io;

use octo_auth_core::{Delivery, TransportError};
use octo_auth_system::connecting::{self, NAME_NOT_FOUND};
use ureq::{Error, Timeout};

/// Returns the `TransportError` of a connecting error. If its text does not say everything, the error is its
/// source.
pub(super) fn of_connecting(error: Error) -> TransportError {
    let fault = match &error {
        Error::Timeout(timeout) if !is_of_connecting(*timeout) => {
            return TransportError::not_sent("no connection within the deadline");
        }
        Error::Timeout(_) => return TransportError::not_sent("no connection within 10 s"),
        Error::HostNotFound => return TransportError::not_sent(NAME_NOT_FOUND),
        Error::Rustls(error) => return connecting::not_agreed(error),
        Error::Tls(_) | Error::Pem(_) | Error::TlsRequired => {
            TransportError::misconfigured("TLS: handshake failed")
        }
        error if asks_for_credentials(error) => {
            TransportError::misconfigured("the proxy asks for other credentials")
        }
        Error::Io(error) if is_of_lookup(error) => return TransportError::not_sent(NAME_NOT_FOUND),
        Error::Io(error) => match held(error) {
            Some(error) => return connecting::not_agreed(error),
            None => match connecting::not_connected(error.kind()) {
                Some(fault) => return fault,
                None => TransportError::not_sent("no connection"),
            },
        },
        _ => TransportError::not_sent("no connection"),
    };
    match error {
        Error::Io(error) => fault.with_source(error),
        error => fault.with_source(error),
    }
}

/// Returns the `TransportError` of a deadline that passed while the request was written. A server that has not
/// read the whole request does not process it.
pub(super) fn in_writing(error: io::Error) -> TransportError {
    TransportError::not_sent("not written within the deadline").with_source(error)
}

/// Returns the `TransportError` of an error in reading the head of the response. `unwritten` is the earlier error
/// in writing the request, if any.
pub(super) fn before_the_body(unwritten: Option<&io::Error>, error: io::Error) -> TransportError {
    let errors = [Some(&error), unwritten];
    let tls = errors.into_iter().flatten().filter_map(held).find(|error| connecting::ends_handshake(error));
    if let Some(tls) = tls {
        return connecting::not_agreed(tls);
    }
    if errors.into_iter().flatten().any(is_timeout) {
        return TransportError::timed_out(NO_ANSWER).with_source(error);
    }
    // The server cannot have read a request completely that was not written completely.
    let delivery = if unwritten.is_some() { Delivery::NotSent } else { Delivery::Unknown };
    let closed = connecting::not_answered(error.kind(), delivery);
    closed.unwrap_or_else(|| {
        TransportError::malformed("the answer is not HTTP, or its head is malformed").with_source(error)
    })
}

/// Returns the `TransportError` of an error after the head of the response was read.
pub(super) fn in_the_body(error: io::Error) -> TransportError {
    let fault = match error.kind() {
        _ if is_timeout(&error) => TransportError::timed_out(NO_ANSWER),
        io::ErrorKind::InvalidData => {
            TransportError::malformed("the body of the answer is not framed as HTTP demands")
        }
        _ => TransportError::broken_off("the answer broke off"),
    };
    fault.with_source(error)
}

const NO_ANSWER: &str = "no answer within the deadline";

fn is_of_connecting(timeout: Timeout) -> bool {
    matches!(timeout, Timeout::Resolve | Timeout::Connect)
}

/// Returns whether ureq stopped reading or writing because the deadline had passed.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    held::<Error>(error).is_some_and(|error| matches!(error, Error::Timeout(_)))
}

/// Returns whether a proxy rejected its credentials, or requires some. ureq reports that only by these texts.
fn asks_for_credentials(error: &Error) -> bool {
    const OF_SOCKS: [&str; 3] =
        ["no acceptable auth methods", "unknown auth method", "password authentication failed"];
    match error {
        Error::ConnectProxyFailed(reason) => reason.starts_with("proxy server responded 407/"),
        Error::Io(error) => OF_SOCKS.contains(&error.to_string().as_str()),
        _ => false,
    }
}

/// Returns whether an IO error comes from a name lookup. The standard library has no kind for it. On Unix it uses
/// this text; on Windows it passes on the codes of Windows Sockets (`WSAHOST_NOT_FOUND` to `WSANO_DATA`).
fn is_of_lookup(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address information")
        || (cfg!(windows) && matches!(error.raw_os_error(), Some(11001..=11004)))
}

/// Returns the error of a type that an IO error contains.
fn held<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
    let held = error.get_ref()?;
    held.downcast_ref().or_else(|| held.source()?.downcast_ref())
}
