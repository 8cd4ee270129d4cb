//! A token endpoint that rotates refresh tokens and detects their reuse (RFC 9700 section 4.14.2), over a real socket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::socket::Socket;

/// The lifetime of the access tokens, in seconds.
pub const LIFETIME: u32 = 3600;

/// A token endpoint that answers each request at once.
#[derive(Debug)]
pub struct RotatingServer {
    socket: Socket,
    families: Arc<Mutex<Families>>,
}

#[derive(Debug, Default)]
struct Families {
    /// The family of each refresh token that was ever issued, and the count of its predecessors in the family.
    issued: HashMap<String, (String, u32)>,
    /// The count of used refresh tokens of a family; `None` after it was revoked.
    used: HashMap<String, Option<u32>>,
}

impl RotatingServer {
    /// Starts a server.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(|| ())
    }

    /// Starts a server that calls `before` before each answer.
    #[must_use]
    pub fn start_with(before: impl Fn() + Send + 'static) -> Self {
        let families = Arc::<Mutex<Families>>::default();
        let own = families.clone();
        let socket = Socket::replying(move |request| {
            let (_, body) = request.split_once("\r\n\r\n").unwrap_or_default();
            let mut parameters = body.split('&').filter_map(|parameter| parameter.split_once('='));
            let sent = parameters.find(|(name, _)| *name == "refresh_token");
            let answer = lock(&own).renew(sent.map(|(_, token)| token).unwrap_or_default());
            let (status, body) = match answer {
                Some(body) => ("200 OK", body),
                None => ("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned()),
            };
            before();
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: ");
            format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes()
        });
        Self { socket, families }
    }

    /// Returns the address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    /// Starts a family. Returns its first refresh token.
    #[must_use]
    pub fn sign_in(&self, family: &str) -> String {
        let mut families = lock(&self.families);
        families.used.insert(family.to_owned(), Some(0));
        families.issue(family, 0)
    }

    /// Returns how often the tokens of a family were refreshed; `None` after it was revoked.
    #[must_use]
    pub fn renewals(&self, family: &str) -> Option<u32> {
        lock(&self.families).used.get(family).copied().flatten()
    }

    /// Returns the count of requests read.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.socket.request_bytes().len()
    }
}

impl Families {
    fn issue(&mut self, family: &str, number: u32) -> String {
        let token = format!("rt-{family}-{number}");
        self.issued.insert(token.clone(), (family.to_owned(), number));
        token
    }

    /// Refreshes the tokens of a family, or revokes the family if its refresh token was used before.
    fn renew(&mut self, refresh_token: &str) -> Option<String> {
        let (family, number) = self.issued.get(refresh_token)?.clone();
        let used = self.used.get_mut(&family)?;
        if *used != Some(number) {
            *used = None;
            return None;
        }
        *used = Some(number + 1);
        let next = self.issue(&family, number + 1);
        Some(format!(
            r#"{{"access_token":"at-{family}-{number}","token_type":"Bearer","expires_in":{LIFETIME},"refresh_token":"{next}"}}"#
        ))
    }
}

fn lock(families: &Mutex<Families>) -> MutexGuard<'_, Families> {
    families.lock().unwrap_or_else(PoisonError::into_inner)
}
