//! What a simulated world knows of every token by its own books: when it was asked for, how long it lives, whose.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use octo_auth_core::{AccessToken, LONGEST_LIFETIME, Now, Profile, Secret, Timestamp, TokenSet};

use super::recent::Tokens;
use crate::registration::sound;

/// Everything that is known of tokens.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// What is known of each access token, by the key it was issued for.
    tokens: HashMap<Option<usize>, HashMap<String, Vec<Grant>>>,
    /// The tokens of a key that a machine has taken certainly.
    certain: HashMap<usize, Vec<String>>,
    /// Access tokens that a user brought.
    pub(super) brought: Tokens,
    /// Answers are counted as they come.
    answers: u64,
    /// Refresh tokens that a machine was given, in an answer or by a user.
    pub(super) refresh_tokens: Tokens,
}

/// So many tokens of one key are known before those that are long over are forgotten.
const MANY: usize = 256;

/// For so long what is over is known all the same: longer than any step of a clock.
const LONG_OVER: Duration = Duration::from_secs(30 * 86_400);

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
    /// Answers are counted as they come.
    number: u64,
}

/// An exchange that was sent.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) process: usize,
    pub(super) incarnation: u32,
    /// How many exchanges had begun before it.
    pub(super) number: usize,
    /// The refresh token that the server gave for it.
    pub(super) successor: Option<String>,
    /// How many exchanges had begun when a machine was given that.
    pub(super) delivered: Option<usize>,
    pub(super) refresh_token: Option<String>,
    /// When it is over at the latest, on the world's boot clock.
    pub(super) deadline: Duration,
    /// When the claim it was sent under ends, on that clock.
    pub(super) lease: Duration,
    pub(super) end: Ended,
}

/// The exchanges that were begun last, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    begun: usize,
    kept: BTreeMap<usize, Exchange>,
    /// The numbers of the last ones with a refresh token.
    with_token: Tokens<Vec<usize>>,
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
    /// Whether it is so long ago that nobody holds its token any more. One of unknown lifetime is held by a process
    /// that nobody asks for years.
    fn is_long_over(&self, now: Now) -> bool {
        let age = now.boot.saturating_sub(self.sent.boot);
        self.lifetime.is_some_and(|lifetime| age > lifetime.saturating_add(LONG_OVER))
    }

    /// Whether this answer allows by itself that its token is served.
    fn serves(&self, process: (usize, u32), first_served: Duration, now: Now) -> bool {
        let since = if self.process == process { self.sent.boot } else { first_served };
        let age = now.wall.saturating_since(self.sent.wall).max(now.boot.saturating_sub(since));
        self.lifetime.is_none_or(|lifetime| age < lifetime - guard(lifetime))
    }
}

impl Exchanges {
    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.begun
    }

    /// Takes note of an exchange; its number.
    pub(super) fn begin(&mut self, exchange: Exchange) -> usize {
        let number = self.begun;
        if let Some(refresh_token) = &exchange.refresh_token {
            let mut numbers = self.with_token.get(refresh_token).cloned().unwrap_or_default();
            numbers.drain(..numbers.len().saturating_sub(MANY));
            numbers.push(number);
            self.with_token.insert(refresh_token.clone(), numbers);
        }
        self.kept.insert(number, exchange);
        if self.kept.len() > 16 * MANY {
            self.kept.pop_first();
        }
        self.begun += 1;
        number
    }

    /// The exchanges with a refresh token, oldest first.
    pub(super) fn with(&self, refresh_token: &str) -> impl Iterator<Item = &Exchange> {
        let numbers = self.with_token.get(refresh_token).into_iter().flatten();
        numbers.filter_map(|number| self.kept.get(number))
    }

    pub(super) fn get(&self, number: Option<usize>) -> Option<&Exchange> {
        self.kept.get(&number?)
    }

    pub(super) fn get_mut(&mut self, number: Option<usize>) -> Option<&mut Exchange> {
        self.kept.get_mut(&number?)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Exchange> {
        self.kept.values_mut()
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
        self.answers += 1;
        let number = self.answers;
        let mut grant = Grant { process, sent, lifetime, is_too_late: false, is_certain, number };
        grant.is_too_late = !grant.serves(process, now.boot, now);
        let key = super::server::key_of(token);
        if let (Some(key), true) = (key, is_certain) {
            self.certain.entry(key).or_default().push(token.to_owned());
        }
        let tokens = self.tokens.entry(key).or_default();
        if tokens.len() >= MANY && tokens.len().is_power_of_two() {
            tokens.retain(|_, grants| !grants.iter().all(|grant| grant.is_long_over(now)));
            let certain = key.and_then(|key| self.certain.get_mut(&key));
            certain.into_iter().for_each(|certain| certain.retain(|token| tokens.contains_key(token)));
        }
        tokens.entry(token.to_owned()).or_default().push(grant);
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
        self.brought.insert(token.to_owned(), ());
        self.granted(token, (process, incarnation), now, now, Some(lifetime), true);
    }

    /// A key was begun anew: what its machine knew of tokens, it may have forgotten.
    pub(super) fn forgotten(&mut self, key: usize) {
        let Some(tokens) = self.tokens.get_mut(&Some(key)) else { return };
        for token in self.certain.remove(&key).unwrap_or_default() {
            tokens.get_mut(&token).into_iter().flatten().for_each(|grant| grant.is_certain = false);
        }
    }

    /// The number of the last answer that brought a token.
    pub(super) fn last_answer(&self, token: &str) -> u64 {
        self.grants(token).last().map_or(0, |grant| grant.number)
    }

    /// The number of the answer that a record tells of, which brought a token that was asked for at that moment; of the
    /// last one, if that is not known.
    pub(super) fn answer_of(&self, token: &str, issued_at: Timestamp) -> u64 {
        let told = self.grants(token).iter().rfind(|grant| grant.sent.wall == issued_at);
        told.map_or_else(|| self.last_answer(token), |grant| grant.number)
    }

    /// Whether this process got the last answer that brought a token.
    pub(super) fn was_told_last(&self, token: &str, process: (usize, u32)) -> bool {
        self.grants(token).last().is_some_and(|grant| grant.process == process)
    }

    /// Whether a token was ever given out in an answer that can be used.
    pub(super) fn knows(&self, token: &str) -> bool {
        !self.grants(token).is_empty()
    }

    /// The answers that brought a token.
    fn grants(&self, token: &str) -> &[Grant] {
        let of_key = self.tokens.get(&super::server::key_of(token));
        of_key.and_then(|tokens| tokens.get(token)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether each answer that brought a token allows by itself that it is served.
    pub(super) fn surely_serves(
        &self,
        token: &str,
        process: (usize, u32),
        first_served: Duration,
        now: Now,
    ) -> bool {
        let grants = self.grants(token);
        !grants.is_empty() && grants.iter().all(|grant| grant.serves(process, first_served, now))
    }

    /// Whether so little of a token's lifetime has passed that nothing can make its renewal due.
    pub(super) fn is_young(&self, token: &str, process: (usize, u32), now: Now) -> bool {
        let grants = self.grants(token);
        let [Grant { process: own, sent, lifetime: Some(lifetime), .. }] = grants else { return false };
        let age = now.wall.saturating_since(sent.wall).max(now.boot.saturating_sub(sent.boot));
        *own == process && now.wall >= sent.wall && age < *lifetime * 2 / 5
    }

    /// Whether a token may be served, less its guard: as long as any of the answers that brought it allows by both
    /// clocks. `first_served` is when it was first seen here, if another process got it, and the number of the last
    /// answer that was heard of by then: what others were told of the same token since is not known here.
    pub(super) fn may_serve(
        &self,
        token: &str,
        process: (usize, u32),
        (first_served, heard_of): (Duration, u64),
        now: Now,
    ) -> bool {
        let is_known = |grant: &Grant| grant.process == process || grant.number <= heard_of;
        let taken = || self.grants(token).iter().filter(|grant| !grant.is_too_late && is_known(grant));
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
