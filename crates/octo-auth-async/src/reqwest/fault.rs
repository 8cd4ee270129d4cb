//! Maps a reqwest error to a `TransportError`: certainly not sent, or perhaps processed.
//!
//! A request counts as not sent only in three cases: reqwest failed before it had a connection, the request could
//! not be written completely, or the server refused the TLS session. For every other error the outcome is unknown.

use std::error::Error;
use std::io;
use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};

use octo_auth_core::{Delivery, TransportError};
use octo_auth_system::connecting::{self, NAME_NOT_FOUND};

/// Returns the `TransportError` of an error. If its text does not say everything, the innermost cause is its
/// source.
pub(super) fn of(error: reqwest::Error) -> TransportError {
    let error = &error.without_url();
    let tls = caused_by::<rustls::Error>(error);
    match (tls, caused_by::<hyper::Error>(error)) {
        (Some(tls), _) if error.is_connect() || connecting::ends_handshake(tls) => {
            connecting::not_agreed(tls)
        }
        _ if error.is_builder() => because(TransportError::not_sent("the request could not be built"), error),
        _ if error.is_connect() => without_connection(error),
        _ if error.is_timeout() => because(TransportError::timed_out("no answer within the deadline"), error),
        (_, Some(hyper)) if hyper.is_parse() => {
            because(TransportError::malformed("the answer is not HTTP, or its head is malformed"), error)
        }
        _ if error.is_request() => without_answer(error),
        _ if kinds(error).any(|kind| matches!(kind, InvalidData | InvalidInput)) => {
            because(TransportError::malformed("the body of the answer is not framed as HTTP demands"), error)
        }
        _ => because(TransportError::broken_off("the answer broke off"), error),
    }
}

/// Returns the `TransportError` of a connection that ended before the head of a response.
fn without_answer(error: &reqwest::Error) -> TransportError {
    let hyper = caused_by::<hyper::Error>(error);
    // The server cannot have read a request completely that was not written completely.
    let delivery = match hyper.is_some_and(|hyper| hyper.is_canceled() || is_unwritten(hyper)) {
        true => Delivery::NotSent,
        false => Delivery::Unknown,
    };
    let is_over = hyper.is_some_and(|hyper| hyper.is_canceled() || hyper.is_incomplete_message());
    let mut reasons = is_over.then_some(UnexpectedEof).into_iter().chain(kinds(error));
    let closed = reasons.find_map(|reason| connecting::not_answered(reason, delivery));
    closed.unwrap_or_else(|| because(TransportError::broken_off("the answer broke off"), error))
}

/// Returns whether a connection ended before the request was written, and the error does not say why.
pub(super) fn is_unexplained(error: &reqwest::Error) -> bool {
    caused_by::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled)
}

/// Returns whether the error happened while writing the request. hyper has no method for that, so the text is
/// compared.
fn is_unwritten(error: &hyper::Error) -> bool {
    error.to_string() == "error writing a body to connection"
}

/// Attaches the innermost cause of an error.
fn because(fault: TransportError, error: &reqwest::Error) -> TransportError {
    match innermost(error) {
        Some(cause) => fault.with_source(cause),
        None => fault,
    }
}

/// Returns the text of the innermost cause, or `None` if there is none.
pub(super) fn innermost(error: &reqwest::Error) -> Option<String> {
    causes(error).skip(1).last().map(ToString::to_string)
}

/// Returns whether a proxy rejected its credentials, or requires some. hyper-util does not export the types of
/// these errors, so the texts are compared.
fn asks_for_credentials(error: &reqwest::Error) -> bool {
    const TEXTS: [&str; 4] = [
        "tunnel error: proxy authorization required",
        "SOCKS error: server does not support user/pass authentication",
        "SOCKS error: server implements authentication incorrectly",
        "SOCKS error: credentials not accepted",
    ];
    causes(error).any(|cause| TEXTS.contains(&cause.to_string().as_str()))
}

fn without_connection(error: &reqwest::Error) -> TransportError {
    if asks_for_credentials(error) {
        TransportError::misconfigured("the proxy asks for other credentials")
    } else if error.is_dns() {
        TransportError::not_sent(NAME_NOT_FOUND)
    } else if error.is_timeout() {
        TransportError::not_sent("no connection within 10 s")
    } else {
        let known = kinds(error).find_map(connecting::not_connected);
        known.unwrap_or_else(|| because(TransportError::not_sent("no connection"), error))
    }
}

/// Returns an error and its causes. The `source` of an [`io::Error`] skips the error that it contains, so that one
/// is added.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'e (dyn Error + 'static)| {
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// Returns the first cause of a type.
fn caused_by<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Returns the kinds of all IO errors among the causes.
fn kinds(error: &reqwest::Error) -> impl Iterator<Item = io::ErrorKind> {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}
