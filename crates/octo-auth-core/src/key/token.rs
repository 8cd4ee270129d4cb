//! A served token: what a caller gets, and what a handle may read without asking the manager.

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

/// A token with its validity, its generation and the grant.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) tokens: Arc<TokenSet>,
    header: OnceLock<HeaderValue>,
    pub(crate) generation: Generation,
    pub(crate) validity: Validity,
    pub(crate) deviations: Box<[Deviation]>,
    /// The grant that was used to obtain it.
    pub(crate) grant: Grant,
}

/// A token for a caller. Cheap to clone.
#[derive(Clone)]
pub struct Token {
    issued: Arc<Issued>,
    suspect: bool,
}

/// A token that a handle may serve without asking the manager, and until when.
///
/// It ends at the earliest moment at which any row of the decision table could change by time alone. Every
/// event that changes a row replaces or withdraws it.
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
            // The header differs from that of the token itself, which the first caller creates.
            let _ = header.set(profile.token_header_value(tokens.access_token()));
        }
        Self { header, tokens, generation, validity, deviations: deviations.into(), grant }
    }

    /// Returns whether it is the same access token, compared in constant time.
    pub(crate) fn is_same(&self, other: &AccessToken) -> bool {
        same_secret(self.tokens.access_token().expose(), other.expose())
    }

    /// Returns whether a record states the same expiry.
    pub(crate) fn ends_as(&self, other: &TokenSet) -> bool {
        let end = |tokens: &TokenSet| (tokens.issued_at(), tokens.lifetime());
        end(&self.tokens) == end(other)
    }
}

impl Token {
    pub(crate) fn new(issued: Arc<Issued>, suspect: bool) -> Self {
        Self { issued, suspect }
    }

    /// Returns the value of the header that carries the token, marked sensitive: `Bearer …` for
    /// `Authorization`, unless the profile defines another one
    /// ([`Document::token_header`](crate::profile::Document::token_header)).
    #[must_use]
    pub fn authorization(&self) -> &HeaderValue {
        self.issued.header.get_or_init(|| self.access_token().authorization())
    }

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.issued.tokens.access_token()
    }

    /// Returns the token with its data from the answer. The manager keeps its refresh token.
    #[must_use]
    pub fn tokens(&self) -> &TokenSet {
        &self.issued.tokens
    }

    /// Returns the token as an administration token, if Octorate's ApiLogin issued it; `None` for any other.
    #[must_use]
    pub fn admin_token(&self) -> Option<AdminToken> {
        (self.issued.grant == Grant::ApiLogin).then(|| AdminToken(TokenSet::clone(&self.issued.tokens)))
    }

    /// Returns which token it is. Pass this when you report that a resource server refused it.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.issued.generation
    }

    /// Returns until when it can be served and when its renewal is due.
    #[must_use]
    pub fn validity(&self) -> &Validity {
        &self.issued.validity
    }

    /// Returns whether a resource server has refused this token, or an earlier one with the same text, and no
    /// better one is available now. The process remembers the last refused text until the next sign-in in
    /// this process or until it ends.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// Returns the deviations from the provider's document in the answer that contained it.
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

    /// Returns the token.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Returns whether it may be served by both clocks.
    #[must_use]
    pub fn serves(&self, now: Now) -> bool {
        self.serves_by_boot(now.boot) && self.serves_by_wall(now.wall)
    }

    /// Returns whether it may be served by the boot clock alone.
    #[must_use]
    pub fn serves_by_boot(&self, boot: Duration) -> bool {
        boot < self.until
    }

    /// Returns whether it may be served by the wall clock alone. A handle needs to check this at most once a
    /// second.
    #[must_use]
    pub fn serves_by_wall(&self, wall: Timestamp) -> bool {
        self.wall.0 <= wall && wall < self.wall.1
    }

    /// Records that it was served, so that refreshing ahead knows which tokens are in use.
    pub fn note_use(&self) {
        // Read before writing: a written cache line would move from core to core with each call.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether it was served.
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
