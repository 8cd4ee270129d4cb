//! What a reqwest error says about the request: certainly not sent, or perhaps processed.
//!
//! The rule: not sent only where reqwest fails before it has a connection to write on. Every other error leaves
//! the question open.

use std::error::Error;
use std::io;
use std::io::ErrorKind::{InvalidData, InvalidInput};

use octo_auth_core::Fault;

/// The fault an error amounts to, with the error as its source, its URL taken out.
pub(super) fn of(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let fault = if error.is_builder() {
        Fault::not_sent("the request could not be built")
    } else if error.is_connect() && caused_by::<rustls::Error>(&error).is_some() {
        Fault::misconfigured("the TLS handshake failed")
    } else if error.is_connect() && asks_for_credentials(&error) {
        Fault::misconfigured("the proxy asks for other credentials")
    } else if error.is_connect() {
        Fault::not_sent(without_connection(&error))
    } else if error.is_timeout() {
        Fault::timed_out("no answer within the deadline")
    } else if caused_by::<hyper::Error>(&error).is_some_and(is_no_response) {
        Fault::malformed("the answer is not HTTP, or its head is incomplete")
    } else if kind(&error).is_some_and(|kind| matches!(kind, InvalidData | InvalidInput)) {
        Fault::malformed("the body of the answer is not framed as HTTP demands")
    } else {
        Fault::broken_off("the answer broke off")
    };
    fault.with_source(error)
}

/// Says whether a proxy refused the credentials it was given, or asked for some. hyper-util does not export the types of
/// these errors, so their texts are compared.
fn asks_for_credentials(error: &reqwest::Error) -> bool {
    const TEXTS: [&str; 4] = [
        "tunnel error: proxy authorization required",
        "SOCKS error: server does not support user/pass authentication",
        "SOCKS error: server implements authentication incorrectly",
        "SOCKS error: credentials not accepted",
    ];
    causes(error).any(|cause| TEXTS.contains(&cause.to_string().as_str()))
}

/// Whether no head of a response was read: what came is none, or the connection closed before its end.
fn is_no_response(error: &hyper::Error) -> bool {
    error.is_parse() || error.is_incomplete_message()
}

fn without_connection(error: &reqwest::Error) -> &'static str {
    if error.is_dns() {
        "the host name could not be resolved"
    } else if error.is_timeout() {
        "no connection within 10 s"
    } else if kind(error) == Some(io::ErrorKind::ConnectionRefused) {
        "connection refused"
    } else {
        "no connection"
    }
}

/// An error and its causes. An [`io::Error`] hides the error it holds from `source`, so it is asked for it.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'e (dyn Error + 'static)| {
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// The first cause of a type.
fn caused_by<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    caused_by::<io::Error>(error).map(io::Error::kind)
}
