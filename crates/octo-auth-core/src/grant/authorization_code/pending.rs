//! A sign-in that waits for its callback.

use std::fmt;

use serde::Serializer;

use crate::answer::members::{Members, Value};
use crate::scope::Scopes;
use crate::secret::Secret;

/// The members of a stored sign-in.
const MEMBERS: [&str; 7] =
    ["token_endpoint", "client_id", "redirect_uri", "scope", "issuer", "state", "code_verifier"];

/// A sign-in that waits for its callback.
///
/// It holds the `state` and, with PKCE, the code verifier. A web application keeps it between two requests by
/// [`Pending::to_json`] and [`Pending::from_json`], removing it from its store in the moment it is read, so that
/// one callback is taken once.
pub struct Pending {
    /// The URL of the profile's code exchange: what a code and its verifier may be sent to.
    pub(super) token_endpoint: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Scopes,
    pub(super) issuer: Option<String>,
    pub(super) state: Secret,
    pub(super) verifier: Option<Secret>,
}

impl Pending {
    /// The `state` of this sign-in, by which a web application finds it again.
    #[must_use]
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// The sign-in as JSON, for an application's own session store. It is a secret: it holds the `state` and
    /// the code verifier.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        let scopes = self.scopes.to_string();
        let values = [
            Some(self.token_endpoint.as_str()),
            Some(&self.client_id),
            Some(&self.redirect_uri),
            Some(&scopes),
            self.issuer.as_deref(),
            Some(self.state.expose()),
            self.verifier.as_ref().map(Secret::expose),
        ];
        Secret::new(object(MEMBERS.into_iter().zip(values)))
    }

    /// Reads what [`Pending::to_json`] wrote; nothing if it is anything else.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        let members = Members::read(text, &MEMBERS).ok()?;
        let member = |place: usize| members.value(place).and_then(Value::text);
        Some(Self {
            token_endpoint: member(0)?,
            client_id: member(1)?,
            redirect_uri: member(2)?,
            scopes: Scopes::parse(&member(3)?).ok()?,
            issuer: member(4),
            state: Secret::new(member(5).filter(|state| !state.is_empty())?),
            verifier: member(6).map(Secret::new),
        })
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("token_endpoint", &self.token_endpoint.split('?').next().unwrap_or_default())
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// A JSON object of texts, written once into room for the worst case: no half-written copy of a secret is left
/// behind by growing.
fn object<'a>(members: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone) -> String {
    // Around a member stand six quotes, colon and comma; a character takes at most six, as `\u001b`.
    let room = |(name, value): (&str, Option<&str>)| name.len() + 6 * value.map_or(4, str::len) + 6;
    let room = members.clone().map(room).sum::<usize>() + 2;
    let mut out = Vec::with_capacity(room);
    let written = serde_json::Serializer::new(&mut out).collect_map(members);
    debug_assert!(written.is_ok(), "texts can be written as JSON and a vector takes all bytes");
    debug_assert!(out.len() <= room, "the room is that of the worst case");
    String::from_utf8(out).unwrap_or_else(|_| unreachable!("JSON written from texts is UTF-8"))
}
