//! The state of the generic server: clients, codes, grants, the tokens issued under them, and the settings of the test.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::demo::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT_URI, PUBLIC_CLIENT_ID};
use crate::clock::{Clock, millis};
use crate::loopback::ANY_LOOPBACK;
use crate::material::Material;
use crate::registration::RegisteredApp;

pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) material: Material,
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) access: HashMap<String, Token>,
    pub(super) refresh: HashMap<String, Token>,
    pub(super) access_lifetime: i64,
    pub(super) announced_lifetime: AnnouncedLifetime,
    pub(super) repeats: bool,
    pub(super) rotation: Rotation,
    pub(super) families_revoked: u64,
    last_grant: u64,
}

pub(super) struct Client {
    pub(super) name: String,
    /// `None` for a public client.
    pub(super) secret: Option<String>,
    pub(super) redirect_uris: Vec<String>,
}

pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) challenge: Option<String>,
    pub(super) issued_at: i64,
    /// The grant for which the code was redeemed; a second attempt ends it.
    pub(super) redeemed: Option<u64>,
}

/// The grant of tokens without a person's consent: those of client credentials.
pub(super) const OWN_GRANT: u64 = 0;

/// An access or refresh token; all tokens of one consent share its grant.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) grant: u64,
    pub(super) issued_at: i64,
    /// `None` for a refresh token, which does not expire.
    pub(super) expires_at: Option<i64>,
    /// The time at which a refresh first replaced it; `None` for the current refresh token and for access tokens.
    pub(super) replaced_at: Option<i64>,
}

/// What a refresh does to the refresh token that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rotation {
    /// The answer contains no refresh token, and the old one stays valid.
    None,
    /// Each refresh returns a new one and ends the old one. Using an old one again is refused as `invalid_grant` and
    /// ends all tokens of its consent (RFC 9700 section 4.14.2).
    #[default]
    Strict,
    /// As [`Strict`](Self::Strict), with a grace period. Within this duration of the emulator's clock after it was
    /// first replaced, an old token is answered as before, with a further new refresh token, and ends nothing.
    Grace(Duration),
}

/// The lifetime of the access token that a token answer announces in `expires_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AnnouncedLifetime {
    /// The remaining lifetime, in whole seconds.
    #[default]
    Actual,
    /// The member is missing, which RFC 6749 section 5.1 allows.
    Omitted,
    /// This count of seconds, whatever the real lifetime; zero and negative numbers are sent unchanged.
    Seconds(i64),
}

impl State {
    pub(super) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        let mut confidential = Client::new("Demo Client", Some(DEMO_CLIENT_SECRET.to_owned()));
        let mut public = Client::new("Public Demo Client", None);
        for demo in [&mut confidential, &mut public] {
            demo.redirect_uris.push(ANY_LOOPBACK.to_owned());
        }
        Self {
            clock,
            material: Material::new(seed, "generic"),
            clients: BTreeMap::from([
                (DEMO_CLIENT_ID.to_owned(), confidential),
                (PUBLIC_CLIENT_ID.to_owned(), public),
            ]),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            access_lifetime: 3_600_000,
            announced_lifetime: AnnouncedLifetime::Actual,
            repeats: false,
            rotation: Rotation::Strict,
            families_revoked: 0,
            last_grant: 0,
        }
    }

    pub(super) fn register(&mut self, name: &str, confidential: bool) -> RegisteredApp {
        let client_id = self.material.alphanumerics(20);
        let secret = confidential.then(|| self.material.secret_alphanumerics(40));
        self.clients.insert(client_id.clone(), Client::new(name, secret.clone()));
        RegisteredApp { client_id, client_secret: secret.unwrap_or_default() }
    }

    pub(super) fn remove(&mut self, client_id: &str) {
        self.clients.remove(client_id);
        self.codes.retain(|_, code| code.client_id != client_id);
        self.access.retain(|_, token| token.client_id != client_id);
        self.refresh.retain(|_, token| token.client_id != client_id);
    }

    pub(super) fn new_grant(&mut self) -> u64 {
        self.last_grant += 1;
        self.last_grant
    }

    pub(super) fn end_grant(&mut self, grant: u64) {
        self.access.retain(|_, token| token.grant != grant);
        self.refresh.retain(|_, token| token.grant != grant);
    }

    /// Revokes a token. Revoking a refresh token also ends the access tokens of its grant (RFC 7009 section 2.1).
    pub(super) fn revoke(&mut self, token: &str) {
        if let Some(refresh) = self.refresh.get(token).filter(|refresh| self.is_good(refresh)) {
            self.end_grant(refresh.grant);
        }
        self.access.remove(token);
    }

    /// Returns a token that is known, has not expired, and was not replaced too long ago.
    pub(super) fn live(&self, token: &str) -> Option<&Token> {
        let known = self.access.get(token).or_else(|| self.refresh.get(token))?;
        self.is_good(known).then_some(known)
    }

    pub(super) fn is_good(&self, token: &Token) -> bool {
        let now = self.clock.now();
        token.expires_at.is_none_or(|end| now < end)
            && token.replaced_at.is_none_or(|at| self.rotation.forgives(at, now))
    }
}

impl Client {
    fn new(name: &str, secret: Option<String>) -> Self {
        Self { name: name.to_owned(), secret, redirect_uris: vec![DEMO_REDIRECT_URI.to_owned()] }
    }
}

impl Rotation {
    /// Whether a refresh token replaced at `replaced_at` may still be used at `now`, both in milliseconds.
    fn forgives(self, replaced_at: i64, now: i64) -> bool {
        match self {
            Self::Grace(window) => now < replaced_at.saturating_add(millis(window)),
            Self::None | Self::Strict => false,
        }
    }
}
