//! What an error says about the request: certainly not sent, or perhaps processed.
//!
//! The rule: not sent only if there was no connection. Every error on a connection leaves the question open, and so does
//! a deadline that ran out.

use std::io;

use octo_auth_core::Fault;
use ureq::{Error, Timeout};

/// The fault of an error in connecting, with the error as its source.
pub(super) fn of_connecting(error: Error) -> Fault {
    let fault = if matches!(&error, Error::Timeout(timeout) if !is_of_connecting(*timeout)) {
        Fault::timed_out(NO_ANSWER)
    } else if is_of_tls(&error) {
        Fault::misconfigured("the TLS handshake failed")
    } else if asks_for_credentials(&error) {
        Fault::misconfigured("the proxy asks for other credentials")
    } else {
        Fault::not_sent(without_connection(&error))
    };
    match error {
        Error::Io(error) => fault.with_source(error),
        error => fault.with_source(error),
    }
}

/// The fault of an error in sending the request or in reading the head of the response.
pub(super) fn before_the_body(error: io::Error) -> Fault {
    let fault = if is_timeout(&error) {
        Fault::timed_out(NO_ANSWER)
    } else {
        Fault::malformed("the answer is not HTTP, or its head is incomplete")
    };
    fault.with_source(error)
}

/// The fault of an error after the head of the response was read.
pub(super) fn in_the_body(error: io::Error) -> Fault {
    let fault = match error.kind() {
        _ if is_timeout(&error) => Fault::timed_out(NO_ANSWER),
        io::ErrorKind::InvalidData => {
            Fault::malformed("the body of the answer is not framed as HTTP demands")
        }
        _ => Fault::broken_off("the answer broke off"),
    };
    fault.with_source(error)
}

const NO_ANSWER: &str = "no answer within the deadline";

fn without_connection(error: &Error) -> &'static str {
    match error {
        Error::HostNotFound => "the host name could not be resolved",
        Error::Io(error) if is_of_lookup(error) => "the host name could not be resolved",
        Error::Timeout(_) => "no connection within 10 s",
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => "connection refused",
        _ => "no connection",
    }
}

fn is_of_connecting(timeout: Timeout) -> bool {
    matches!(timeout, Timeout::Resolve | Timeout::Connect)
}

/// Whether ureq ended reading or writing because the deadline had passed.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    held::<Error>(error).is_some_and(|error| matches!(error, Error::Timeout(_)))
}

fn is_of_tls(error: &Error) -> bool {
    match error {
        Error::Tls(_) | Error::Pem(_) | Error::Rustls(_) | Error::TlsRequired => true,
        Error::Io(error) => held::<rustls::Error>(error).is_some(),
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

/// The error of a type that an IO error holds.
fn held<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
    let held = error.get_ref()?;
    held.downcast_ref().or_else(|| held.source()?.downcast_ref())
}
