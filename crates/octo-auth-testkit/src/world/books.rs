//! What a simulated world knows of every token by its own books: when it was asked for, how long it lives, whose.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use octo_auth_core::{AccessToken, LONGEST_LIFETIME, Now, Profile, Secret, Timestamp, TokenSet};

use crate::registration::sound;

/// Everything that is known of tokens.
#[derive(Debug, Default)]
pub(super) struct Books {
    tokens: HashMap<String, Vec<Grant>>,
    /// Access tokens that a user brought.
    pub(super) brought: HashSet<String>,
    /// Refresh tokens that a machine was given, in an answer or by a user.
    pub(super) refresh_tokens: HashSet<String>,
}

/// One answer that brought a token.
#[derive(Debug, Clone, Copy)]
struct Grant {
    process: (usize, u32),
    sent: Now,
    lifetime: Option<Duration>,
    /// It had expired when it arrived, so that the machine did not take it.
    is_too_late: bool,
    /// Nothing came between, so that the machine took it certainly.
    is_certain: bool,
}

/// An exchange that was sent.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) process: usize,
    pub(super) refresh_token: Option<String>,
    /// When it is over at the latest, on the world's boot clock.
    pub(super) deadline: Duration,
    /// When the claim it was sent under ends, on that clock.
    pub(super) lease: Duration,
    pub(super) end: Ended,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It did not end yet.
    UnderWay,
    /// The server has certainly done something or nothing.
    Clearly,
    /// The server may have replaced the refresh token.
    InDoubt,
    /// Its carrier was lost, so that the server may still be at it.
    Lost,
}

impl Grant {
    /// Whether this answer allows by itself that its token is served.
    fn serves(&self, process: (usize, u32), first_served: Duration, now: Now) -> bool {
        let since = if self.process == process { self.sent.boot } else { first_served };
        let age = now.wall.saturating_since(self.sent.wall).max(now.boot.saturating_sub(since));
        self.lifetime.is_none_or(|lifetime| age < lifetime - guard(lifetime))
    }
}

impl Books {
    /// An answer brought a token.
    pub(super) fn granted(
        &mut self,
        token: &str,
        process: (usize, u32),
        sent: Now,
        now: Now,
        lifetime: Option<Duration>,
        is_certain: bool,
    ) {
        let lifetime = lifetime.map(|lifetime| lifetime.min(LONGEST_LIFETIME));
        let mut grant = Grant { process, sent, lifetime, is_too_late: false, is_certain };
        grant.is_too_late = !grant.serves(process, now.boot, now);
        self.tokens.entry(token.to_owned()).or_default().push(grant);
    }

    /// A user brought a token.
    pub(super) fn adopted(
        &mut self,
        token: &str,
        process: usize,
        incarnation: u32,
        now: Now,
        lifetime: Duration,
    ) {
        self.brought.insert(token.to_owned());
        self.granted(token, (process, incarnation), now, now, Some(lifetime), true);
    }

    /// A key was begun anew: what its machine knew of tokens, it may have forgotten.
    pub(super) fn forgotten(&mut self, key: usize) {
        let tokens = self.tokens.iter_mut().filter(|(token, _)| super::server::key_of(token) == Some(key));
        tokens.flat_map(|(_, grants)| grants).for_each(|grant| grant.is_certain = false);
    }

    /// Whether a token was ever given out in an answer that can be used.
    pub(super) fn knows(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    /// Whether each answer that brought a token allows by itself that it is served.
    pub(super) fn surely_serves(
        &self,
        token: &str,
        process: (usize, u32),
        first_served: Duration,
        now: Now,
    ) -> bool {
        let grants = self.tokens.get(token).map(Vec::as_slice).unwrap_or_default();
        !grants.is_empty() && grants.iter().all(|grant| grant.serves(process, first_served, now))
    }

    /// Whether so little of a token's lifetime has passed that nothing can make its renewal due.
    pub(super) fn is_young(&self, token: &str, process: (usize, u32), now: Now) -> bool {
        let grants = self.tokens.get(token).map(Vec::as_slice).unwrap_or_default();
        let [Grant { process: own, sent, lifetime: Some(lifetime), .. }] = grants else { return false };
        let age = now.wall.saturating_since(sent.wall).max(now.boot.saturating_sub(sent.boot));
        *own == process && now.wall >= sent.wall && age < *lifetime * 2 / 5
    }

    /// Whether a token may be served, less its guard: as long as any of the answers that brought it allows by both
    /// clocks. `first_served` is when it was first seen here, if another process got it.
    pub(super) fn may_serve(
        &self,
        token: &str,
        process: (usize, u32),
        first_served: Duration,
        now: Now,
    ) -> bool {
        let grants = self.tokens.get(token).map(Vec::as_slice).unwrap_or_default();
        let taken = || grants.iter().filter(|grant| !grant.is_too_late);
        let known = || taken().filter_map(|grant| grant.lifetime.map(|lifetime| (grant, lifetime)));
        let is_unknown = |grant: &Grant| {
            grant.lifetime.is_none()
                && known().all(|(other, _)| !other.is_certain || other.process != grant.process)
        };
        if taken().any(is_unknown) {
            return true;
        }
        let Some((last, _)) = known().next_back() else { return false };
        let wall = known().map(|(grant, lifetime)| grant.sent.wall.saturating_add(lifetime)).max();
        let wall = wall.unwrap_or(last.sent.wall);
        let on_boot = |(grant, lifetime): (&Grant, Duration)| {
            let since = if grant.process == process { grant.sent.boot } else { first_served };
            since.saturating_add(lifetime)
        };
        let boot = known().map(on_boot).max().unwrap_or_default();
        let left = match last.process == process {
            true => boot.saturating_sub(last.sent.boot),
            false => wall.saturating_since(last.sent.wall),
        };
        before(now.wall, wall, wall.saturating_since(last.sent.wall))
            && now.boot < boot.saturating_sub(guard(left))
    }
}

/// The margin before the end of a lifetime.
fn guard(lifetime: Duration) -> Duration {
    Duration::from_secs(10).min(lifetime / 10)
}

fn before(now: Timestamp, hard: Timestamp, lifetime: Duration) -> bool {
    now < hard.saturating_sub(guard(lifetime))
}

/// Tokens as a sign-in brings them.
pub(super) fn token_set(
    profile: &Profile,
    token: &str,
    now: Now,
    lifetime: Duration,
    refresh_token: Option<&str>,
) -> TokenSet {
    let token = sound(AccessToken::new(token).ok_or("the world names its tokens by letters and digits"));
    TokenSet::restore(profile, token, now.wall, Some(lifetime), refresh_token.map(Secret::from))
}
