//! A token as it is served: what a caller gets, and what a handle may read without asking the machine.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderValue;

use super::record::Generation;
use crate::answer::Deviation;
use crate::profile::Profile;
use crate::secret::same_secret;
use crate::spec::Grant;
use crate::time::{Now, Timestamp};
use crate::token::{AccessToken, AdminToken, TokenSet};
use crate::validity::Validity;

/// A token that was published.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) tokens: Arc<TokenSet>,
    header: OnceLock<HeaderValue>,
    pub(crate) generation: Generation,
    pub(crate) validity: Validity,
    pub(crate) deviations: Box<[Deviation]>,
    /// How it was got.
    pub(crate) grant: Grant,
}

/// A token for a caller. Cheap to clone.
#[derive(Clone)]
pub struct Token {
    issued: Arc<Issued>,
    suspect: bool,
}

/// What a handle may serve without asking the machine, and until when.
///
/// Its end is the earliest moment at which any row of the table could change by time alone; whatever changes by an
/// event replaces or withdraws it.
pub struct Published {
    token: Token,
    until: Duration,
    wall: (Timestamp, Timestamp),
    used: AtomicBool,
}

impl Issued {
    pub(crate) fn new(
        tokens: Arc<TokenSet>,
        generation: Generation,
        validity: Validity,
        deviations: Vec<Deviation>,
        grant: Grant,
        profile: &Profile,
    ) -> Self {
        let header = OnceLock::new();
        if profile.document().token_header.is_some() {
            // It is another than that of the token itself, which the first caller makes.
            let _ = header.set(profile.token_header_value(tokens.access_token()));
        }
        Self { header, tokens, generation, validity, deviations: deviations.into(), grant }
    }

    /// Whether it is the same access token, compared in constant time.
    pub(crate) fn is_same(&self, other: &AccessToken) -> bool {
        same_secret(self.tokens.access_token().expose(), other.expose())
    }

    /// Whether a record tells the same of its end.
    pub(crate) fn ends_as(&self, other: &TokenSet) -> bool {
        let end = |tokens: &TokenSet| (tokens.issued_at(), tokens.lifetime());
        end(&self.tokens) == end(other)
    }
}

impl Token {
    pub(crate) fn new(issued: Arc<Issued>, suspect: bool) -> Self {
        Self { issued, suspect }
    }

    /// The value of the header that carries the token, marked sensitive: `Bearer …` for `Authorization`, unless the profile
    /// has another ([`Document::token_header`](crate::profile::Document::token_header)).
    #[must_use]
    pub fn authorization(&self) -> &HeaderValue {
        self.issued.header.get_or_init(|| self.access_token().authorization())
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.issued.tokens.access_token()
    }

    /// The token with what the server said of it; its refresh token is kept by the machine.
    #[must_use]
    pub fn tokens(&self) -> &TokenSet {
        &self.issued.tokens
    }

    /// The token as one for administration, if Octorate's ApiLogin brought it; nothing for any other.
    #[must_use]
    pub fn admin_token(&self) -> Option<AdminToken> {
        (self.issued.grant == Grant::ApiLogin).then(|| AdminToken(TokenSet::clone(&self.issued.tokens)))
    }

    /// Which token it is: to be named when a resource server refuses it.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.issued.generation
    }

    /// Until when it is served and when its renewal is due.
    #[must_use]
    pub fn validity(&self) -> &Validity {
        &self.issued.validity
    }

    /// Whether a resource server has refused it, or an earlier token of the same text, and no better one can be had now. A
    /// process remembers the text that was refused last here, until the next sign-in here or until it ends.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// The departures from the provider's document in the answer that brought it.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.issued.deviations
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("generation", &self.issued.generation)
            .field("validity", &self.issued.validity)
            .field("suspect", &self.suspect)
            .finish_non_exhaustive()
    }
}

impl Published {
    pub(crate) fn new(token: Token, now: Now, until: Duration) -> Self {
        let wall = token.issued.validity.steady_wall(now);
        Self { token, until, wall, used: AtomicBool::new(false) }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Whether it may be served by both clocks.
    #[must_use]
    pub fn serves(&self, now: Now) -> bool {
        self.serves_by_boot(now.boot) && self.serves_by_wall(now.wall)
    }

    /// Whether it may be served by the boot clock alone.
    #[must_use]
    pub fn serves_by_boot(&self, boot: Duration) -> bool {
        boot < self.until
    }

    /// Whether it may be served by the wall clock alone, at which a handle need look once a second at most.
    #[must_use]
    pub fn serves_by_wall(&self, wall: Timestamp) -> bool {
        self.wall.0 <= wall && wall < self.wall.1
    }

    /// Notes that it was served, so that keeping warm knows which keys are in use.
    pub fn note_use(&self) {
        // Read first: a written cache line would be passed from core to core with each call.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was served.
    pub(crate) fn was_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("token", &self.token)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
