//! The certain knowledge of a simulated world: the answers of the server, the outcome of each exchange, and what each
//! process has learned since its start. The world never guesses the state of a machine.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use octo_auth_core::{
    AccessToken, FamilyId, Generation, LONGEST_LIFETIME, Now, Profile, Secret, Stored, Timestamp, Token,
    TokenSet,
};

use super::server::key_of;
use crate::registration::sound;

/// All answers with an access token, by its text.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<String, Vec<Answer>>);

/// One answer with an access token, or one sign-in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// The process that received it, and the number of its start.
    pub(super) process: (usize, u32),
    /// When its request was sent, on the clocks of that process.
    pub(super) sent: Now,
    pub(super) lifetime: Option<Duration>,
    /// Whether a user brought it. It is then served before it is stored.
    pub(super) is_sign_in: bool,
}

/// A request that was sent.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) process: usize,
    pub(super) incarnation: u32,
    /// The number of exchanges that had begun before it.
    pub(super) number: usize,
    pub(super) sign_in: SignIn,
    /// The number of writes that the store had seen before this exchange was recorded (write-ahead).
    pub(super) written_ahead: u64,
    pub(super) refresh_token: Option<String>,
    /// The refresh token that the server issued for it.
    pub(super) successor: Option<String>,
    /// The number of exchanges that had begun when the process received the successor.
    pub(super) delivered: Option<usize>,
    /// Its latest end, on the world's boot clock.
    pub(super) deadline: Duration,
    pub(super) end: Ended,
}

/// The end of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It has not ended yet.
    UnderWay,
    /// The server has issued tokens, and the process has them.
    WithTokens,
    /// The server has certainly done nothing.
    Refused,
    /// The server may have replaced the refresh token.
    InDoubt,
    /// Its carrier was lost. The server may still be processing it.
    Lost,
}

/// All exchanges.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    all: Vec<Exchange>,
    by_refresh_token: HashMap<String, Vec<usize>>,
}

/// What one process has learned about one spec since its start.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// The token served last. `earlier` is the one before it.
    pub(super) last: Option<Token>,
    pub(super) earlier: Option<Token>,
    /// The token served last, while the machine certainly still has it and it was not refused.
    pub(super) hand: Option<Token>,
    /// The greatest number served, by family. `left` has the families that were left for another one.
    pub(super) seen: HashMap<FamilyId, u64>,
    pub(super) left: HashSet<FamilyId>,
    /// The generations that were refused.
    pub(super) refused_generations: HashSet<Generation>,
    /// The text of the access token that was refused last, and its family. Another sign-in is another family.
    pub(super) refused: Option<(String, FamilyId)>,
    /// No renewal begins before this time, unless the process learns something new.
    pub(super) closed: Option<Duration>,
    /// Until when the server wants no further request of the given sign-in.
    pub(super) asked_to_wait: Option<(SignIn, Duration)>,
    /// The ends of answered renewals that a refusal caused.
    pub(super) forced: Vec<(Generation, Duration)>,
    /// Whether the sign-out is stored, if the user is signed out as far as the process can know.
    pub(super) signed_out: Option<bool>,
    /// The number of sign-ins and sign-outs in this process, and how many of them are known to be stored.
    pub(super) decisions: (u64, u64),
    /// The number of answers with tokens in this process.
    pub(super) answers: u64,
    /// A refresh token that the server has refused, or that is stored as dead.
    pub(super) dead: Option<String>,
    /// The refresh tokens whose successor the process has received.
    pub(super) replaced: HashSet<String>,
    /// When a token of another process was first read, on the clocks of this one.
    pub(super) loaded: HashMap<Generation, FirstReading>,
    /// Tokens and refresh tokens of a record that could not be saved, and access tokens that waited for the save.
    /// When a save has failed, all waiting tokens are served.
    pub(super) unsaved: HashSet<String>,
    /// The access tokens of answers since the last failed save.
    pub(super) came: HashSet<String>,
    /// The number of writes that the store had seen when this process last heard of it.
    pub(super) known: u64,
    /// When the process last asked the store, on the world's boot clock.
    pub(super) asked_store: Duration,
    /// Whether the stored record was read or written.
    pub(super) is_begun: bool,
    /// The number of writes that the store had seen before the last write-ahead.
    pub(super) written_ahead: u64,
    /// Whether a request has failed since the last success.
    pub(super) has_failed: bool,
    /// Whether a job's carrier was lost and the machine was not asked since. Saving then waits for the next call.
    pub(super) is_interrupted: bool,
    /// Whether the store has counted the request that is about to be sent.
    pub(super) is_counted: bool,
    /// The state of defects.
    pub(super) defect: DefectState,
}

/// The sign-in that a request concerns: the number at the server, and the count of sign-ins and sign-outs that the
/// store had seen.
pub(super) type SignIn = (Option<usize>, usize);

/// When a token of another process may first have been read. If any of these times is certain, it is the last one.
#[derive(Debug, Default)]
pub(super) struct FirstReading {
    pub(super) moments: Vec<Now>,
    pub(super) is_certain: bool,
}

/// The state of defects for a spec.
#[derive(Debug, Default)]
pub(super) struct DefectState {
    /// The last reading of the spec's record.
    pub(super) read: Option<Option<Stored>>,
    /// Whether the last answer had no refresh token.
    pub(super) lacked_refresh_token: bool,
    /// Whether a refresh token of the spec was refused as dead.
    pub(super) was_refused: bool,
    /// The refresh token of the last answer.
    pub(super) brought: Option<String>,
    /// The operations of the process that its records named as applied.
    pub(super) applied: HashSet<String>,
}

impl Answer {
    /// Returns whether a process that first saw the token at `seen` may serve it now. The wall clock gives its age at
    /// `seen`. From then on the age grows by both clocks.
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

    /// Returns whether a text was ever issued as an access token.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.0.contains_key(text)
    }

    /// Returns the answers that a token can come from: those with its text whose request was sent at that time.
    pub(super) fn of(&self, text: &str, issued_at: Timestamp) -> impl Iterator<Item = &Answer> {
        self.0.get(text).into_iter().flatten().filter(move |answer| answer.sent.wall == issued_at)
    }

    /// Returns whether a process may serve a token. The age of another process's token counts from one of the times
    /// at which this process can have read it first.
    pub(super) fn may_serve(&self, token: &Token, process: (usize, u32), read: &[Now], now: Now) -> bool {
        self.of_token(token).any(|answer| match answer.process == process {
            true => answer.serves(answer.sent, now),
            false => read.iter().any(|read| answer.serves(*read, now)),
        })
    }

    /// Returns whether a process must serve a token, whenever it was first read.
    pub(super) fn must_serve(&self, token: &Token, process: (usize, u32), read: &[Now], now: Now) -> bool {
        self.of_token(token).all(|answer| match answer.process == process {
            true => answer.serves(answer.sent, now),
            false => read.iter().all(|read| answer.serves(*read, now)),
        })
    }

    /// Returns whether a token is so young that no renewal can be due.
    pub(super) fn is_young(&self, token: &Token, process: (usize, u32), now: Now) -> bool {
        self.of_token(token).all(|answer| {
            let Answer { process: own, sent, lifetime: Some(lifetime), .. } = *answer else { return false };
            let age = now.wall.saturating_since(sent.wall).max(now.boot.saturating_sub(sent.boot));
            own == process && now.wall >= sent.wall && age < lifetime * 2 / 5
        })
    }

    /// Returns how many renewals in a minute the tokens of a spec can need. Each token lives at least 0.4 of its
    /// lifetime. A lifetime below two seconds does not count.
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
    /// Returns the number of exchanges.
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
    /// Records that a user signed in or out here. Earlier errors of the tokens are forgotten.
    pub(super) fn decided(&mut self, signed_out: bool) {
        self.decisions.0 += 1;
        self.signed_out = signed_out.then_some(false);
        (self.hand, self.closed, self.asked_to_wait, self.dead) = (None, None, None, None);
        self.refused = None;
        self.refused_generations.clear();
        self.forced.clear();
        self.has_failed = false;
    }

    /// Records that a token was read, if the process received the result.
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

/// Returns the tokens of a sign-in.
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

/// Returns whether a token was issued for a spec, according to its name.
pub(super) fn is_of(token: &str, key: usize) -> bool {
    key_of(token) == Some(key)
}
