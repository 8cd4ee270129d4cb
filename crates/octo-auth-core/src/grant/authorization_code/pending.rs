//! [`PendingAuthorization`]: an authorization request that waits for its callback.

use std::fmt;
use std::time::Duration;

use serde::Serializer;

use crate::answer::members::{Members, Value};
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::time::{Now, Timestamp};

/// The members of a stored authorization request.
const MEMBERS: [&str; 10] = [
    "token_endpoint",
    "client_id",
    "redirect_uri",
    "scope",
    "begun_ms",
    "issuer",
    "state",
    "code_verifier",
    "issuer_optional",
    "account",
];

/// An authorization request that waits for its callback.
///
/// It contains the `state` and, with PKCE, the code verifier. A web application keeps it between two requests
/// by [`PendingAuthorization::to_json`] and [`PendingAuthorization::from_json`]. It must remove it from its
/// store when it reads it, so that a callback is accepted only once. An authorization request older than
/// [`PendingAuthorization::LONGEST_AGE`] yields no code, and can be removed.
pub struct PendingAuthorization {
    /// The URL of the profile's code exchange: the code and its verifier may be sent only there.
    pub(super) token_endpoint: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Scopes,
    pub(super) begun: Timestamp,
    pub(super) issuer: Option<String>,
    /// Whether a callback may omit the issuer.
    pub(super) issuer_optional: bool,
    /// The account that is signed in, by the application's own name.
    pub(super) account: Option<String>,
    pub(super) state: Secret,
    pub(super) verifier: Option<Secret>,
}

impl PendingAuthorization {
    /// The age from which an authorization request yields no code: one hour.
    pub const LONGEST_AGE: Duration = Duration::from_secs(3600);

    /// Sets the account that is signed in. An application with many accounts then gets it from the code
    /// ([`AuthorizationCode::account`](crate::AuthorizationCode::account)) and need not trust the browser.
    #[must_use]
    pub fn with_account(mut self, name: &str) -> Self {
        self.account = Some(name.to_owned());
        self
    }

    /// Returns the time since the user was sent to the provider, by the wall clock; zero if the clock was set
    /// back since.
    #[must_use]
    pub fn age(&self, now: Now) -> Duration {
        now.wall.saturating_since(self.begun)
    }

    /// Returns the `state` of this authorization request, by which a web application finds it.
    #[must_use]
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// Returns a copy for a store. Only one of both may receive the callback.
    pub(crate) fn copy(&self) -> Self {
        Self {
            token_endpoint: self.token_endpoint.clone(),
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            scopes: self.scopes.clone(),
            begun: self.begun,
            issuer: self.issuer.clone(),
            issuer_optional: self.issuer_optional,
            account: self.account.clone(),
            state: self.state.clone(),
            verifier: self.verifier.clone(),
        }
    }

    /// Returns the authorization request as JSON, for an application's own session store. It is secret: it
    /// contains the `state` and the code verifier.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        let scopes = self.scopes.to_string();
        let begun = self.begun.as_unix_millis().to_string();
        let values = [
            Some(self.token_endpoint.as_str()),
            Some(&self.client_id),
            Some(&self.redirect_uri),
            Some(&scopes),
            Some(&begun),
            self.issuer.as_deref(),
            Some(self.state.expose()),
            self.verifier.as_ref().map(Secret::expose),
            self.issuer_optional.then_some("true"),
            self.account.as_deref(),
        ];
        Secret::new(object(MEMBERS.into_iter().zip(values)))
    }

    /// Parses the text of [`PendingAuthorization::to_json`]; returns `None` for any other text.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        let members = Members::read(text, &MEMBERS).ok()?;
        let member = |place: usize| members.value(place).and_then(Value::text);
        Some(Self {
            token_endpoint: member(0)?,
            client_id: member(1)?,
            redirect_uri: member(2)?,
            scopes: Scopes::parse(&member(3)?).ok()?,
            begun: Timestamp::from_unix_millis(member(4)?.parse().ok()?),
            issuer: member(5),
            state: Secret::new(member(6).filter(|state| !state.is_empty())?),
            verifier: member(7).filter(|verifier| !verifier.is_empty()).map(Secret::new),
            issuer_optional: member(8).is_some_and(|word| word == "true"),
            account: member(9),
        })
    }
}

impl fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("token_endpoint", &self.token_endpoint.split('?').next().unwrap_or_default())
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("begun", &self.begun)
            .finish_non_exhaustive()
    }
}

/// Returns a JSON object of strings, written once into room for the worst case, so that growing leaves no
/// partial copy of a secret behind.
fn object<'a>(members: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone) -> String {
    // Each member needs four quotes, colon and comma. A character needs at most six bytes, as `\u001b`.
    let room = |(name, value): (&str, Option<&str>)| name.len() + 6 * value.map_or(4, str::len) + 6;
    let room = members.clone().map(room).sum::<usize>() + 2;
    let mut out = Vec::with_capacity(room);
    let written = serde_json::Serializer::new(&mut out).collect_map(members);
    debug_assert!(written.is_ok(), "texts can be written as JSON and a vector takes all bytes");
    debug_assert!(out.len() <= room, "the room is that of the worst case");
    String::from_utf8(out).unwrap_or_else(|_| unreachable!("JSON written from texts is UTF-8"))
}
