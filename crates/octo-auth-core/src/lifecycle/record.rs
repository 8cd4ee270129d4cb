//! What is kept of a key: everything another start, or another process, needs to go on.

use std::collections::VecDeque;
use std::fmt;

use sha2::{Digest, Sha256};

use super::failure::FailureKind;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::TokenSet;

/// One sign-in or adoption and everything renewed from it. Random, so that two of them never look alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lineage([u8; 16]);

/// Which token it is: its lineage, and its number in it. Numbers of different lineages do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Generation {
    /// The sign-in or adoption it comes from.
    pub lineage: Lineage,
    /// One more for each token published.
    pub number: u64,
}

/// A version of a stored record: a counter, never a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// What tells two refresh tokens apart without showing either: a SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// What a store keeps of a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// The generation of the token last published.
    pub generation: Generation,
    /// That token; nothing before the first.
    pub token: Option<TokenSet>,
    /// The refresh token to use next; nothing for client grants.
    pub refresh_token: Option<Secret>,
    /// The refresh token from which the present one was got, where the server replaced it.
    pub parent: Option<Fingerprint>,
    /// A renewal that was begun and of whose end nothing is known yet.
    pub pending: Option<Attempt>,
    /// The refresh token is dead: only a new sign-in helps.
    pub terminal: Option<Terminal>,
    /// The user signed out: nothing is asked for until a new sign-in.
    pub signed_out: bool,
    /// When requests were sent at the latest, all of which still count, if it is the record of
    /// [`Key::requests`](crate::Key::requests); empty in the record of a token.
    pub sent: Vec<Timestamp>,
}

/// A renewal that was begun, written down before its request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The refresh token it uses.
    pub refresh_token: Fingerprint,
    /// Which attempt with this refresh token it is, counted from one.
    pub number: u32,
    /// When it was begun.
    pub begun: Timestamp,
    /// When it is over at the latest.
    pub deadline: Timestamp,
    /// Whether the server may have replaced the refresh token.
    pub ambiguous: bool,
    /// Whether it may have done so in an earlier attempt already.
    pub after_doubt: bool,
}

/// Why a refresh token is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Terminal {
    /// The server said so (`invalid_grant`).
    Refused,
    /// The server said so after an earlier renewal had been lost: it may have replaced the refresh token then.
    RefusedAfterDoubt,
}

/// A record as a store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// Its version.
    pub version: Version,
}

impl Lineage {
    /// A lineage from 16 random bytes, or those of a stored one.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The first bytes, which are enough for people.
impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lineage({self})")
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.number, self.lineage)
    }
}

impl Fingerprint {
    /// The fingerprint of a refresh token.
    #[must_use]
    pub fn of(refresh_token: &Secret) -> Self {
        Self(Sha256::digest(refresh_token.expose()).into())
    }

    /// A stored fingerprint.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(***)")
    }
}

impl Terminal {
    pub(crate) fn failure_kind(self) -> FailureKind {
        match self {
            Self::Refused => FailureKind::ConsentLost,
            Self::RefusedAfterDoubt => FailureKind::ConsentInDoubt,
        }
    }
}

/// How sure it is that a failed attempt did not use the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    Clearly,
    Probably,
    InDoubt,
}

/// A sign-in or sign-out made in this process that is not known to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    /// The lineages it is known to take the place of, if anything was known of the store: the newest last.
    over: Option<VecDeque<Lineage>>,
    /// Which token the store held when it was heard of last, if any is known.
    stored: Option<Generation>,
    /// It was handed out to be written.
    is_written: bool,
    /// Writing it failed, which it may have been all the same.
    may_be_stored: bool,
    /// The refresh token of the stored record whose place it takes, and the parent of that.
    met: (Option<Secret>, Option<Fingerprint>),
}

/// So many lineages are known that a decision takes the place of; whoever signs in more often while the store is away
/// has long been done with the others.
const MOST_REPLACED: usize = 16;

impl Decided {
    /// A decision in the place of this token, if one is or may be stored, and of all that the one `before` it, which may
    /// reach the store yet, took the place of; `is_read` says whether what the store holds is known.
    pub(crate) fn new(replaced: Option<Generation>, is_read: bool, before: Option<Self>) -> Self {
        let (over, stored) = match before {
            Some(before) => (before.over, before.stored),
            None => (is_read.then(VecDeque::new), replaced),
        };
        let mut decided = Self { over, stored, is_written: false, may_be_stored: false, met: (None, None) };
        if let (Some(replaced), true) = (replaced, decided.over.is_some()) {
            decided.replaces(replaced.lineage);
        }
        decided
    }

    /// Takes note that it is handed out to be written.
    pub(crate) fn note_writing(&mut self) {
        self.is_written = true;
    }

    /// Takes note that writing failed.
    pub(crate) fn note_failed(&mut self) {
        self.may_be_stored |= self.is_written;
    }

    /// Takes note that the store holds something else, whose place it takes too.
    pub(crate) fn replaces_stored(&mut self, stored: &Record) {
        self.stored = Some(stored.generation);
        self.met = (stored.refresh_token.clone(), stored.parent);
        self.replaces(stored.generation.lineage);
    }

    /// The refresh token that was stored before it, and the parent of that: what a sign-out has ended once it is stored.
    pub(crate) fn into_met(self) -> (Option<Secret>, Option<Fingerprint>) {
        self.met
    }

    /// What a sign-out counts on from that follows it unstored, so that others know what it ended.
    pub(crate) fn stored(&self) -> Option<Generation> {
        self.stored
    }

    fn replaces(&mut self, lineage: Lineage) {
        let over = self.over.get_or_insert_default();
        over.retain(|known| *known != lineage);
        if over.len() == MOST_REPLACED {
            over.pop_front();
        }
        over.push_back(lineage);
    }

    /// Whether it, which is the record `own`, wins over a stored record of another lineage.
    ///
    /// Once it may have been stored, a lineage that was not known when it was made is taken for a later sign-in: ours
    /// may have been stored, renewed and replaced since. A sign-out is kept in doubt, and so is a sign-in where what is
    /// stored is dead; not against a sign-out, which bears the lineage of what it ended: ours may be what went before it.
    pub(crate) fn wins_over(&self, own: &Record, stored: &Record) -> bool {
        !self.may_have_been_replaced_by(stored) || own.signed_out || stored.terminal.is_some()
    }

    /// Whether it may have been stored, renewed and replaced by that record, which it is not known to take the place of.
    pub(crate) fn may_have_been_replaced_by(&self, stored: &Record) -> bool {
        let is_known = self.over.as_ref().is_none_or(|over| over.contains(&stored.generation.lineage));
        self.may_be_stored && !is_known
    }
}

/// Which of two records of a key is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Winner {
    Ours,
    Theirs,
}

impl Record {
    /// The fingerprint of the refresh token to use next.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        self.refresh_token.as_ref().map(Fingerprint::of)
    }

    /// Whether a renewal with the present refresh token may have reached the server without our knowing its end.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.attempt().is_some_and(|attempt| attempt.ambiguous)
    }

    /// Takes note that an attempt has brought a token, and perhaps no other refresh token. What a later one left in doubt
    /// stays so: it may have been replaced by that.
    pub(crate) fn attempt_succeeded(&mut self, attempt: Option<Attempt>) {
        let is_the_last = |pending: &mut Attempt| {
            attempt.is_none_or(|own| {
                own.refresh_token != pending.refresh_token
                    || (own.number, own.begun) == (pending.number, pending.begun)
            })
        };
        self.pending.take_if(is_the_last);
    }

    /// Takes note that the attempt under way has failed; what an earlier one left in doubt stays so.
    pub(crate) fn attempt_failed(&mut self, how: Failed) {
        let Some(pending) = &mut self.pending else { return };
        match how {
            Failed::InDoubt => pending.ambiguous = true,
            Failed::Clearly | Failed::Probably if pending.after_doubt => pending.ambiguous = true,
            Failed::Probably => pending.ambiguous = false,
            Failed::Clearly => self.pending = None,
        }
    }

    /// The renewal that was begun with the present refresh token.
    pub(crate) fn attempt(&self) -> Option<&Attempt> {
        self.pending.as_ref().filter(|pending| Some(pending.refresh_token) == self.fingerprint())
    }

    /// Which wins when the store holds another record than was expected. `decided_here` says that ours is a
    /// sign-in or sign-out made in this process that wins over it, see [`Decided`].
    ///
    /// Such a one wins over another lineage, which wins otherwise. In one lineage a sign-out wins, else the newer
    /// generation; in one generation the stored record, unless ours has the same refresh token or was got from it.
    pub(crate) fn winner(&self, theirs: &Self, decided_here: bool) -> Winner {
        let (own, other) = (self.generation, theirs.generation);
        if own.lineage != other.lineage {
            return if decided_here { Winner::Ours } else { Winner::Theirs };
        }
        if theirs.signed_out != self.signed_out {
            return if self.signed_out { Winner::Ours } else { Winner::Theirs };
        }
        match other.number.cmp(&own.number) {
            std::cmp::Ordering::Greater => Winner::Theirs,
            std::cmp::Ordering::Less => Winner::Ours,
            std::cmp::Ordering::Equal if theirs.fingerprint() == self.fingerprint() => Winner::Ours,
            std::cmp::Ordering::Equal => {
                let child = self.parent.is_some() && self.parent == theirs.fingerprint();
                if child { Winner::Ours } else { Winner::Theirs }
            }
        }
    }
}
