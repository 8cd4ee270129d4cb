//! What a simulated world knows for certain: which answers the server gave, what each exchange came to, and what each
//! process was told since its start. The state of a machine is never guessed at.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use octo_auth_core::{
    AccessToken, FamilyId, Generation, LONGEST_LIFETIME, Now, Profile, Secret, Stored, Timestamp, Token,
    TokenSet,
};

use super::server::key_of;
use crate::registration::sound;

/// All answers that brought an access token, by its text.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<String, Vec<Answer>>);

/// One answer that brought an access token, or one sign-in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// The process that got it, and which of its starts.
    pub(super) process: (usize, u32),
    /// When its request was sent, on the clocks of that process.
    pub(super) sent: Now,
    pub(super) lifetime: Option<Duration>,
    /// A user brought it; it is served before it is stored.
    pub(super) is_sign_in: bool,
}

/// A request that was sent.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) process: usize,
    pub(super) incarnation: u32,
    /// How many exchanges had begun before it.
    pub(super) number: usize,
    pub(super) sign_in: SignIn,
    /// How many writes the store had seen before it was written ahead.
    pub(super) written_ahead: u64,
    pub(super) refresh_token: Option<String>,
    /// The refresh token that the server gave for it.
    pub(super) successor: Option<String>,
    /// How many exchanges had begun when the process was given that.
    pub(super) delivered: Option<usize>,
    /// When it is over at the latest, on the world's boot clock.
    pub(super) deadline: Duration,
    pub(super) end: Ended,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It did not end yet.
    UnderWay,
    /// The server has given tokens, and the process has them.
    WithTokens,
    /// The server has certainly done nothing.
    Refused,
    /// The server may have replaced the refresh token.
    InDoubt,
    /// Its carrier was lost, so that the server may still be at it.
    Lost,
}

/// All exchanges.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    all: Vec<Exchange>,
    by_refresh_token: HashMap<String, Vec<usize>>,
}

/// What one process was told of one key since its start.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// The token served last and the one before it.
    pub(super) last: Option<Token>,
    pub(super) earlier: Option<Token>,
    /// The token served last, while it is certain that the machine still has it and that it was not refused.
    pub(super) hand: Option<Token>,
    /// The greatest number served, by family, and the families that were left for another one.
    pub(super) seen: HashMap<FamilyId, u64>,
    pub(super) left: HashSet<FamilyId>,
    /// The generations that were refused.
    pub(super) refused_generations: HashSet<Generation>,
    /// The text of the access token that was refused last, and its family: another sign-in is another family.
    pub(super) refused: Option<(String, FamilyId)>,
    /// No renewal begins before this moment, unless something else was heard since.
    pub(super) closed: Option<Duration>,
    /// Until when the server wants no further request of the sign-in that it answered so.
    pub(super) asked_to_wait: Option<(SignIn, Duration)>,
    /// The ends of renewals that a refusal caused and the server answered.
    pub(super) forced: Vec<(Generation, Duration)>,
    /// The user is signed out as far as the process can know, and whether that is stored.
    pub(super) signed_out: Option<bool>,
    /// How many sign-ins and sign-outs there were here, and how many of them are known to be stored.
    pub(super) decisions: (u64, u64),
    /// How many answers with tokens there were here.
    pub(super) answers: u64,
    /// A refresh token that the server has refused, or that is stored as dead.
    pub(super) dead: Option<String>,
    /// Refresh tokens for which the process was given another one.
    pub(super) replaced: HashSet<String>,
    /// When a token of another process was first read, on the clocks of this one.
    pub(super) loaded: HashMap<Generation, FirstReading>,
    /// Tokens and refresh tokens in a record that could not be saved, and access tokens that waited for it to be saved: when a save
    /// has failed, all that waits is served.
    pub(super) unsaved: HashSet<String>,
    /// Access tokens of answers since the last save that failed.
    pub(super) came: HashSet<String>,
    /// How many writes the store had seen when this process heard of it last.
    pub(super) known: u64,
    /// When the store was asked last, on the world's boot clock.
    pub(super) asked_store: Duration,
    /// The store's record was read or written.
    pub(super) is_begun: bool,
    /// How many writes the store had seen before the last record was written ahead.
    pub(super) written_ahead: u64,
    /// A request failed since the last success.
    pub(super) has_failed: bool,
    /// The carrier of a job was lost, and the machine was not asked since: what is to be saved waits for the next question.
    pub(super) is_interrupted: bool,
    /// The store has counted the request that is about to be sent.
    pub(super) is_counted: bool,
    /// What defects need.
    pub(super) defect: DefectState,
}

/// Which sign-in a request was about: that of the server, and how many sign-ins and sign-outs the store had seen.
pub(super) type SignIn = (Option<usize>, usize);

/// When a token of another process can have been read first; the last of these moments is certain, if any is.
#[derive(Debug, Default)]
pub(super) struct FirstReading {
    pub(super) moments: Vec<Now>,
    pub(super) is_certain: bool,
}

/// What defects remember of a key.
#[derive(Debug, Default)]
pub(super) struct DefectState {
    /// What was read of the key last.
    pub(super) read: Option<Option<Stored>>,
    /// The last answer held no refresh token.
    pub(super) lacked_refresh_token: bool,
    /// A refresh token of the key was refused as dead.
    pub(super) was_refused: bool,
    /// The refresh token that the last answer brought.
    pub(super) brought: Option<String>,
    /// The operations of the process that its records named as applied.
    pub(super) applied: HashSet<String>,
}

impl Answer {
    /// Returns whether the token is served now by a process that saw it first at a moment: it was as old then as the wall
    /// clock said, and its age goes on from there by both clocks.
    fn serves(&self, seen: Now, now: Now) -> bool {
        let by_boot = seen.wall.saturating_since(self.sent.wall) + now.boot.saturating_sub(seen.boot);
        let age = now.wall.saturating_since(self.sent.wall).max(by_boot);
        self.lifetime.is_none_or(|lifetime| age < lifetime - Duration::from_secs(10).min(lifetime / 10))
    }
}

impl Answers {
    pub(super) fn add(&mut self, token: &str, answer: Answer) {
        let lifetime = answer.lifetime.map(|lifetime| lifetime.min(LONGEST_LIFETIME));
        self.0.entry(token.to_owned()).or_default().push(Answer { lifetime, ..answer });
    }

    /// Returns whether a text was ever given out as an access token.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.0.contains_key(text)
    }

    /// Returns the answers that can have brought a token: those with its text whose request was sent at that moment.
    pub(super) fn of(&self, text: &str, issued_at: Timestamp) -> impl Iterator<Item = &Answer> {
        self.0.get(text).into_iter().flatten().filter(move |answer| answer.sent.wall == issued_at)
    }

    /// Returns whether a token may be served by a process: what another one got counts from one of the moments at which it
    /// can have been read here first.
    pub(super) fn may_serve(&self, token: &Token, process: (usize, u32), read: &[Now], now: Now) -> bool {
        self.of_token(token).any(|answer| match answer.process == process {
            true => answer.serves(answer.sent, now),
            false => read.iter().any(|read| answer.serves(*read, now)),
        })
    }

    /// Returns whether a token must be served by a process, whenever it was read first.
    pub(super) fn must_serve(&self, token: &Token, process: (usize, u32), read: &[Now], now: Now) -> bool {
        self.of_token(token).all(|answer| match answer.process == process {
            true => answer.serves(answer.sent, now),
            false => read.iter().all(|read| answer.serves(*read, now)),
        })
    }

    /// Returns whether so little of a token's lifetime has passed that no renewal can be due.
    pub(super) fn is_young(&self, token: &Token, process: (usize, u32), now: Now) -> bool {
        self.of_token(token).all(|answer| {
            let Answer { process: own, sent, lifetime: Some(lifetime), .. } = *answer else { return false };
            let age = now.wall.saturating_since(sent.wall).max(now.boot.saturating_sub(sent.boot));
            own == process && now.wall >= sent.wall && age < lifetime * 2 / 5
        })
    }

    /// Returns how many renewals in a minute the tokens of a key can need, each of which lives 0.4 of its lifetime at least.
    /// One that lives less than two seconds is of no use.
    pub(super) fn renewals_in_a_minute(&self, key: usize) -> usize {
        let of_key = self.0.iter().filter(|(token, _)| is_of(token, key)).flat_map(|(_, answers)| answers);
        let lifetimes = of_key.filter_map(|answer| answer.lifetime);
        let shortest = lifetimes.map(|lifetime| lifetime.as_secs()).filter(|seconds| *seconds >= 2).min();
        shortest.map_or(0, |seconds| usize::try_from(305 / (2 * seconds) + 1).unwrap_or(usize::MAX))
    }

    fn of_token(&self, token: &Token) -> impl Iterator<Item = &Answer> {
        self.of(token.access_token().expose(), token.tokens().issued_at())
    }
}

impl Exchanges {
    /// Returns how many there were.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn begin(&mut self, exchange: Exchange) -> usize {
        let number = self.all.len();
        if let Some(refresh_token) = &exchange.refresh_token {
            self.by_refresh_token.entry(refresh_token.clone()).or_default().push(number);
        }
        self.all.push(exchange);
        number
    }

    /// Returns the exchanges with a refresh token, oldest first.
    pub(super) fn with(&self, refresh_token: &str) -> impl DoubleEndedIterator<Item = &Exchange> {
        let numbers = self.by_refresh_token.get(refresh_token).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.all.get(*number))
    }

    pub(super) fn get(&self, number: Option<usize>) -> Option<&Exchange> {
        self.all.get(number?)
    }

    pub(super) fn get_mut(&mut self, number: Option<usize>) -> Option<&mut Exchange> {
        self.all.get_mut(number?)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Exchange> {
        self.all.iter_mut()
    }
}

impl Expected {
    /// A user signed in or out here: what was held against the tokens before is forgotten.
    pub(super) fn decided(&mut self, signed_out: bool) {
        self.decisions.0 += 1;
        self.signed_out = signed_out.then_some(false);
        (self.hand, self.closed, self.asked_to_wait, self.dead) = (None, None, None, None);
        self.refused = None;
        self.refused_generations.clear();
        self.forced.clear();
        self.has_failed = false;
    }

    /// Records that a token was read, if the process heard of it.
    pub(super) fn note_reading(&mut self, token: Generation, is_certain: bool, now: Now) {
        let reading = self.loaded.entry(token).or_default();
        if !reading.is_certain {
            reading.moments.push(now);
            reading.is_certain = is_certain;
        }
    }

    /// Returns whether a sign-in or sign-out here may not be stored yet.
    pub(super) fn is_decided(&self) -> bool {
        self.decisions.0 > self.decisions.1
    }
}

/// Returns tokens as a sign-in brings them.
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

/// Returns whether a token was issued for a key, by its name.
pub(super) fn is_of(token: &str, key: usize) -> bool {
    key_of(token) == Some(key)
}
