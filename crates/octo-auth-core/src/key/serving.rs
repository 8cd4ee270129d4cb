//! The token that is served, its refusal by a resource server, and the token that handles may read without
//! asking.

use std::sync::Arc;
use std::time::Duration;

use super::record::{Generation, Record};
use super::token::{Issued, Published, Token};
use crate::answer::Deviation;
use crate::registration::{SharedState, doubled};
use crate::spec::TokenSpec;
use crate::time::Now;
use crate::token::TokenSet;
use crate::validity::{Freshness, Validity, ValidityTerms};

/// The first and the longest duration for which forced refreshes are blocked.
const FORCED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15 * 60));

/// If a token was accepted for half its lifetime, or for this duration, refusals are not the rule.
const PROVEN: Duration = Duration::from_secs(15 * 60);

/// The served token of one spec.
#[derive(Debug, Default)]
pub(crate) struct Serving {
    current: Option<Arc<Issued>>,
    published: Option<Arc<Published>>,
    beside: Option<Box<Beside>>,
    was_asked_for: bool,
}

/// Data besides the current token; usually `None` for an idle account.
#[derive(Debug, Default)]
struct Beside {
    /// The token that the next save stores. It has more exact times, from both clocks, than the record.
    incoming: Option<Arc<Issued>>,
    /// A token of the record that had expired when it was first seen, while the current one was still valid.
    over: Option<Arc<Issued>>,
    /// The token that was refused last.
    refused: Option<Arc<Issued>>,
    forced: ForcedRefreshLimit,
}

/// Limits the renewals caused by refusals of resource servers.
///
/// A forced renewal that the token endpoint answered blocks the next one for 60 s, doubling to 15 min. So a
/// resource server that refuses every token causes at first one renewal a minute. A temporary failure of the
/// token endpoint does not block, so a revoked token is still replaced.
#[derive(Debug, Default, PartialEq, Eq)]
struct ForcedRefreshLimit {
    blocked_until: Duration,
    blocked: u32,
}

impl Beside {
    fn is_void(&self) -> bool {
        let tokens = [&self.incoming, &self.over, &self.refused];
        tokens.iter().all(|token| token.is_none()) && self.forced == ForcedRefreshLimit::default()
    }
}

impl ForcedRefreshLimit {
    fn block(&mut self, now: Now) {
        let lasts = doubled(FORCED.0, self.blocked, FORCED.1);
        self.blocked = self.blocked.saturating_add(1);
        self.blocked_until = now.boot.saturating_add(lasts);
    }
}

impl Serving {
    pub(crate) fn current(&self) -> Option<&Arc<Issued>> {
        self.current.as_ref()
    }

    /// Returns whether a resource server refused the current token, or an earlier one with the same text.
    pub(crate) fn is_refused(&self) -> bool {
        let refused = self.current.as_ref().zip(self.beside.as_ref().and_then(|own| own.refused.as_ref()));
        refused.is_some_and(|(current, refused)| refused.is_same(current.tokens.access_token()))
    }

    pub(crate) fn freshness(&self, now: Now) -> Freshness {
        self.current.as_ref().map_or(Freshness::Expired, |issued| issued.validity.freshness(now))
    }

    /// Returns the current token while it can be served, flagged as suspect if it was refused.
    pub(crate) fn token(&self, now: Now) -> Option<Token> {
        let current = self.current.as_ref().filter(|_| self.freshness(now) != Freshness::Expired);
        current.map(|issued| Token::new(issued.clone(), self.is_refused()))
    }

    /// Returns until when on the boot clock no renewal is forced, although a resource server refused the
    /// token. This ends at the latest when the token expires: then it is renewed like any other.
    pub(crate) fn forced_until(&self, now: Now) -> Option<Duration> {
        let current = self.current.as_ref().filter(|_| self.is_refused())?;
        let opens = self.forced_opens();
        Some(current.validity.end_on_boot(now).map_or(opens, |end| end.min(opens)))
    }

    /// Returns when on the boot clock a refusal may force a renewal again.
    pub(crate) fn forced_opens(&self) -> Duration {
        self.beside.as_ref().map_or(Duration::ZERO, |own| own.forced.blocked_until)
    }

    /// Records that a forced renewal was answered.
    pub(crate) fn block_forced(&mut self, now: Now) {
        self.beside.get_or_insert_default().forced.block(now);
    }

    /// Stores a token from an answer until the record contains it.
    pub(crate) fn expect(&mut self, issued: Arc<Issued>) {
        self.beside.get_or_insert_default().incoming = Some(issued);
    }

    /// Serves the token of the record.
    pub(crate) fn follow(&mut self, record: &Record, spec: &TokenSpec, shared: &mut SharedState, now: Now) {
        let Some(tokens) = record.token.as_ref().filter(|_| !record.signed_out) else {
            (self.current, self.published) = (None, None);
            return;
        };
        let generation = record.generation();
        if self.current.as_ref().is_some_and(|current| current.generation == generation) {
            return;
        }
        let is_it = |known: &Arc<Issued>| known.generation == generation;
        let (incoming, over) =
            self.beside.as_ref().map_or((None, None), |own| (own.incoming.clone(), own.over.clone()));
        let incoming = incoming.filter(is_it);
        let is_ours = incoming.is_some();
        let next = incoming.or_else(|| over.filter(is_it)).unwrap_or_else(|| {
            let validity = self.known_validity(tokens).unwrap_or_else(|| validity(tokens, now, shared));
            let (deviations, grant) = (tolerated(record, now), spec.grant());
            let profile = shared.client.profile();
            Arc::new(Issued::new(tokens.clone(), generation, validity, deviations, grant, profile))
        });
        // Saving may have taken as long as the new token lived, while the old one is still valid.
        let is_over = next.validity.freshness(now) == Freshness::Expired;
        let keeps = |current: &Arc<Issued>| {
            let follows = is_ours || current.generation.family == generation.family;
            follows && current.validity.freshness(now) != Freshness::Expired
        };
        if is_over && self.current.as_ref().is_some_and(keeps) {
            self.beside.get_or_insert_default().over = Some(next);
            return;
        }
        self.was_asked_for = self.was_used() && !is_ours;
        if let Some(own) = &mut self.beside {
            own.incoming.take_if(|_| is_ours);
            own.over = None;
        }
        self.beside.take_if(|own| own.is_void());
        (self.current, self.published) = (Some(next), None);
    }

    /// Returns the validity of the current token, if the record has the same token under another generation.
    /// Both clocks have measured its age already.
    fn known_validity(&self, tokens: &TokenSet) -> Option<Validity> {
        let current = self.current.as_ref()?;
        (current.is_same(tokens.access_token()) && current.ends_as(tokens)).then_some(current.validity)
    }

    /// Records that a resource server refused a token. Returns whether this is the first refusal of the
    /// current token.
    pub(crate) fn refuse(&mut self, generation: Generation, now: Now) -> bool {
        // The refusal of an expired token says nothing.
        let is_meant = |current: &&Arc<Issued>| {
            current.generation == generation && current.validity.freshness(now) != Freshness::Expired
        };
        let Some(current) = self.current.as_ref().filter(is_meant) else { return false };
        if self.is_refused() {
            return false;
        }
        let half = current.validity.lifetime().map_or(PROVEN, |lifetime| (lifetime / 2).min(PROVEN));
        let own = self.beside.get_or_insert_default();
        if current.validity.age(now) >= half {
            own.forced = ForcedRefreshLimit::default();
        }
        own.refused = Some(current.clone());
        self.published = None;
        true
    }

    /// Forgets refusals of the tokens of an earlier family.
    pub(crate) fn forget_refusals(&mut self) {
        if let Some(own) = &mut self.beside {
            (own.refused, own.forced) = (None, ForcedRefreshLimit::default());
        }
        self.beside.take_if(|own| own.is_void());
        self.published = None;
    }

    pub(crate) fn published(&self, now: Now) -> Option<&Arc<Published>> {
        self.published.as_ref().filter(|published| published.serves(now))
    }

    /// Withdraws the published token: handles must ask the manager.
    pub(crate) fn unpublish(&mut self) {
        self.was_asked_for = self.was_used();
        self.published = None;
    }

    /// Publishes the current token for handles until a moment on the boot clock.
    pub(crate) fn publish(&mut self, until: Duration, now: Now) -> Option<Arc<Published>> {
        let token = Token::new(self.current.clone()?, false);
        self.unpublish();
        self.published = Some(Arc::new(Published::new(token, now, until)));
        self.published.clone()
    }

    pub(crate) fn note_asked(&mut self) {
        self.was_asked_for = true;
    }

    /// Returns whether the token was used since its last renewal here.
    pub(crate) fn was_used(&self) -> bool {
        self.was_asked_for || self.published.as_ref().is_some_and(|published| published.was_used())
    }
}

/// Returns the deviations tolerated while reading a stored token.
fn tolerated(record: &Record, now: Now) -> Vec<Deviation> {
    let is_in_future = record.token.as_ref().is_some_and(|token| token.issued_at() > now.wall);
    let tolerated =
        [(record.is_clamped, Deviation::ExpiresAtClamped), (is_in_future, Deviation::IssuedInFuture)];
    tolerated.into_iter().filter(|(is_so, _)| *is_so).map(|(_, deviation)| deviation).collect()
}

/// Returns the validity of a token that was requested, or first seen, at a moment. It draws the token's
/// jitter.
pub(crate) fn validity(tokens: &TokenSet, seen: Now, shared: &mut SharedState) -> Validity {
    let terms = ValidityTerms {
        lifetime: tokens.lifetime(),
        hint: tokens.renew_after(),
        lead: shared.policy.lead(),
        jitter: shared.rng.fraction(),
    };
    Validity::seen(tokens.issued_at(), seen, &terms)
}
