//! Why a connection failed or was closed: the same one-line texts for every HTTP client.

use std::fmt::Debug;
use std::io::{self, ErrorKind};

use octo_auth_core::{Delivery, TransportError};
use rustls::{AlertDescription, CertificateError, Error};

/// The text for a host without an address.
pub const NAME_NOT_FOUND: &str = "name not found";

/// The text for a connection that was closed before an answer came.
const CLOSED: &str = "the connection was closed";

/// Returns the `TransportError` of a connection that could not be made, or `None` if the reason does not say why.
#[must_use]
pub fn not_connected(reason: ErrorKind) -> Option<TransportError> {
    let words = match reason {
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::NetworkUnreachable => "network not reachable",
        ErrorKind::HostUnreachable => "host not reachable",
        ErrorKind::TimedOut => "no connection in time",
        ErrorKind::PermissionDenied => "connection not permitted",
        ErrorKind::AddrNotAvailable => "no local address or port left",
        closed if is_closed(closed) => CLOSED,
        _ => return None,
    };
    Some(TransportError::not_sent(words))
}

/// Returns the `TransportError` of a connection that was closed before an answer came, or `None` if that is not
/// the reason.
#[must_use]
pub fn not_answered(reason: ErrorKind, delivery: Delivery) -> Option<TransportError> {
    is_closed(reason).then(|| TransportError::not_answered(CLOSED, delivery))
}

/// Returns the `TransportError` of a TLS handshake that failed, or whose certificate is not trusted.
#[must_use]
pub fn not_agreed(error: &Error) -> TransportError {
    let (words, name) = match error {
        Error::InvalidCertificate(error) => (of_certificate(error), certificate_error(error)),
        Error::AlertReceived(alert) => (of_alert(*alert), name(alert)),
        Error::InvalidMessage(_) => ("the server does not speak TLS", name(error)),
        Error::PeerIncompatible(reason) => ("no version or cipher in common", name(reason)),
        Error::General(_) | Error::Other(_) => return TransportError::misconfigured(format!("TLS: {error}")),
        _ => ("handshake failed", name(error)),
    };
    TransportError::misconfigured(format!("TLS: {words} ({name})"))
}

/// Returns whether an error on an open connection ends the handshake. A server rejects the client's certificate,
/// or its absence, after the client has sent its request (RFC 8446 section 4.4.2.4). It has then not read the
/// request.
#[must_use]
pub fn ends_handshake(error: &Error) -> bool {
    use AlertDescription as A;
    let Error::AlertReceived(alert) = error else { return false };
    matches!(
        alert,
        A::CertificateRequired
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::HandshakeFailure
    )
}

fn is_closed(reason: ErrorKind) -> bool {
    use io::ErrorKind as K;
    matches!(
        reason,
        K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::NotConnected
    )
}

fn of_certificate(error: &CertificateError) -> &'static str {
    use CertificateError as C;
    match error {
        // A certificate that names a trusted issuer that did not sign it has a bad signature.
        C::UnknownIssuer | C::BadSignature => "certificate not trusted",
        C::Expired | C::ExpiredContext { .. } => "certificate expired",
        C::NotValidYet | C::NotValidYetContext { .. } => "certificate not valid yet; check the clock",
        C::NotValidForName | C::NotValidForNameContext { .. } => "certificate of another name",
        C::Revoked => "certificate revoked",
        _ => "certificate not accepted",
    }
}

fn certificate_error(error: &CertificateError) -> String {
    match error {
        CertificateError::Other(other) => name(&other.0),
        error => name(error),
    }
}

fn of_alert(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => "the server demands a client certificate",
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => "the server does not accept the client certificate, or its absence",
        A::HandshakeFailure => "refused by the server, which may demand a client certificate",
        _ => "refused by the server",
    }
}

/// Returns the name of a variant, without its fields.
fn name(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}
