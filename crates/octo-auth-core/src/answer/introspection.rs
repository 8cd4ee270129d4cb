//! What a server says about a token (RFC 7662 section 2.2).

use super::created::close;
use super::members::Value;
use super::{Opened, open};
use crate::error::{ErrorKind, ExchangeError};
use crate::exchange::sealed::Read;
use crate::exchange::{Answer, Received};
use crate::reading::Reading;
use crate::scope::Scopes;
use crate::time::Timestamp;

/// The server's information about a token. A member that the server omitted is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Introspection {
    /// Whether the token is valid at the time of the answer.
    pub active: bool,
    /// The scopes of the token.
    pub scopes: Option<Scopes>,
    /// The client the token was issued to.
    pub client_id: Option<String>,
    /// The user who granted it.
    pub username: Option<String>,
    /// The subject of the token.
    pub subject: Option<String>,
    /// When it expires, by the server's clock.
    pub expires_at: Option<Timestamp>,
    /// When it was issued, by the server's clock.
    pub issued_at: Option<Timestamp>,
}

impl Read for Introspection {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        let opened = open(reading, received)?;
        let read = introspection(&opened);
        close(reading, received, opened.deviations, read)
    }
}

fn introspection(opened: &Opened<'_>) -> Result<Introspection, ErrorKind> {
    let members = opened.members(&["active", "scope", "client_id", "username", "sub", "exp", "iat"])?;
    let Some(Value::Bool(active)) = members.value(0) else {
        return Err(ErrorKind::MemberMissing("active".into()));
    };
    let text = |place: usize| members.value(place).and_then(Value::text);
    let instant = |place: usize| match members.value(place) {
        Some(Value::Number(raw)) => raw.parse().ok().map(Timestamp::from_unix_seconds),
        _ => None,
    };
    Ok(Introspection {
        active,
        scopes: text(1).and_then(|text| Scopes::parse(&text).ok()),
        client_id: text(2),
        username: text(3),
        subject: text(4),
        expires_at: instant(5),
        issued_at: instant(6),
    })
}
