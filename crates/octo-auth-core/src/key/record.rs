//! The record of a token: the data with which a restart, or another process, continues.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::registration::SharedState;
use crate::secret::Secret;
use crate::store::Unknown;
use crate::time::Timestamp;
use crate::token::TokenSet;

/// Identifies a token family: one sign-in and every token renewed from it (RFC 9700 section 4.14.2). Random;
/// 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FamilyId([u8; 16]);

/// Identifies one token by the attempt that obtained it. Numbers of different families cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Generation {
    /// The family it belongs to.
    pub family: FamilyId,
    /// The number of the attempt that obtained it. It grows within a family and can skip numbers.
    pub number: u64,
}

/// Identifies a refresh token without revealing it: a SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

/// Identifies an operation: the process start that made it, and its sequence number there. The accounts of a
/// process share one sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OperationId {
    /// Random for each process start.
    pub(crate) writer: u64,
    pub(crate) sequence: u64,
}

/// The stored data of a token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    pub(crate) family: FamilyId,
    /// The number of the last attempt begun with this family.
    pub(crate) attempts: u64,
    /// The number of the last attempt that was answered with an access token or a refresh token.
    pub(crate) answered: u64,
    /// The access token, and the number of the attempt that obtained it.
    pub(crate) token: Option<Arc<TokenSet>>,
    pub(crate) number: u64,
    /// The refresh token to use next; `None` for client grants.
    pub(crate) refresh_token: Option<Secret>,
    /// The refresh token that the present one replaced.
    pub(crate) parent: Option<Fingerprint>,
    /// The attempt with the present refresh token that was begun and not ended.
    pub(crate) attempt: Option<Box<Attempt>>,
    /// Whether an earlier attempt with the present refresh token has an unknown outcome: the server may have
    /// replaced the token.
    pub(crate) in_doubt: bool,
    /// Whether the server refused the present refresh token for good.
    pub(crate) is_dead: bool,
    /// The server asked for no requests before this moment.
    pub(crate) pause: Option<Box<Pause>>,
    /// Whether the user signed out: no request is sent until the next sign-in.
    pub(crate) signed_out: bool,
    pub(crate) history: History,
    /// Whether the stored expiry of the token was more than ten years after its issue.
    pub(crate) is_clamped: bool,
    /// Members of the stored form that this release does not know.
    pub(crate) unknown: Unknown,
}

/// A renewal that was begun, written to the record before its request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) id: OperationId,
    pub(crate) number: u64,
    pub(crate) begun: Timestamp,
    /// The moment by which its exchange is over at the latest.
    pub(crate) deadline: Timestamp,
}

/// The pause that a server asked for by `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    /// Whether it holds for every account of the client.
    pub(crate) of_client: bool,
}

/// The history of operations and refresh tokens that must not be applied twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct History(Option<Box<Past>>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Past {
    /// Applied sign-ins, sign-outs and imports, oldest first: for each process start the highest sequence
    /// number.
    applied: Box<[OperationId]>,
    /// The first 64 bits of the fingerprints of refresh tokens that were in the record, oldest first.
    used: Box<[[u8; 8]]>,
    /// The first 64 bits of the fingerprints of imported refresh tokens, oldest first.
    seeds: Box<[[u8; 8]]>,
}

/// The number of process starts whose last sign-in, sign-out or import a record remembers.
///
/// An operation can be applied twice only under rare conditions. The answer to its first write was lost.
/// Then, before its process reached the store again, this many other process starts signed the same account
/// in or out.
pub(crate) const MOST_APPLIED: usize = 128;

/// The number of replaced refresh tokens that a record remembers.
const MOST_USED: usize = 32;

/// The number of imported refresh tokens that a record remembers.
const MOST_SEEDS: usize = 32;

impl History {
    /// Returns whether an operation was applied to the record.
    pub(crate) fn has_applied(&self, id: OperationId) -> bool {
        self.applied().iter().any(|own| own.writer == id.writer && own.sequence >= id.sequence)
    }

    /// Returns whether every operation that was applied to the other record was applied to this one.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.applied().iter().all(|id| self.has_applied(*id))
    }

    pub(crate) fn apply(&mut self, id: OperationId) {
        let past = self.0.get_or_insert_default();
        push(&mut past.applied, id, MOST_APPLIED, |own| own.writer == id.writer);
    }

    /// Returns whether a refresh token was in the record before.
    pub(crate) fn has_used(&self, refresh_token: &Secret) -> bool {
        let short = Fingerprint::of(refresh_token).short();
        self.used().contains(&short) || self.seeds().contains(&short)
    }

    /// Remembers a refresh token that a configuration may import at each start.
    pub(crate) fn note_seed(&mut self, refresh_token: &Secret) {
        let short = Fingerprint::of(refresh_token).short();
        if !self.seeds().contains(&short) {
            push(&mut self.0.get_or_insert_default().seeds, short, MOST_SEEDS, |own| *own == short);
        }
    }

    pub(crate) fn note_used(&mut self, refresh_token: &Secret) {
        let short = Fingerprint::of(refresh_token).short();
        push(&mut self.0.get_or_insert_default().used, short, MOST_USED, |own| *own == short);
    }

    pub(crate) fn applied(&self) -> &[OperationId] {
        self.0.as_ref().map_or(&[], |past| &past.applied)
    }

    pub(crate) fn used(&self) -> &[[u8; 8]] {
        self.0.as_ref().map_or(&[], |past| &past.used)
    }

    pub(crate) fn seeds(&self) -> &[[u8; 8]] {
        self.0.as_ref().map_or(&[], |past| &past.seeds)
    }

    /// Returns the history with the stored items, limited to the remembered counts.
    pub(crate) fn restored(applied: &[OperationId], used: &[[u8; 8]], seeds: &[[u8; 8]]) -> Self {
        let past = Past {
            applied: latest(applied, MOST_APPLIED),
            used: latest(used, MOST_USED),
            seeds: latest(seeds, MOST_SEEDS),
        };
        Self((past != Past::default()).then(|| Box::new(past)))
    }
}

/// Returns the last `most` items, each once.
fn latest<T: Copy + PartialEq>(items: &[T], most: usize) -> Box<[T]> {
    let mut kept = Vec::with_capacity(items.len().min(most));
    for item in items {
        kept.retain(|own| own != item);
        kept.drain(..(kept.len() + 1).saturating_sub(most));
        kept.push(*item);
    }
    kept.into()
}

/// Appends an item, removes the items that it replaces, and drops the oldest beyond `most`. The list is
/// allocated without spare room: each account has one, and most are short.
fn push<T: Copy>(items: &mut Box<[T]>, item: T, most: usize, is_replaced: impl Fn(&T) -> bool) {
    let kept = || items.iter().filter(|own| !is_replaced(own));
    let excess = (kept().count() + 1).saturating_sub(most);
    *items = kept().copied().skip(excess).chain([item]).collect();
}

impl OperationId {
    /// Returns an identity for the next operation of this process. An account that was evicted and comes back
    /// continues the numbers: its record may contain earlier ones.
    pub(crate) fn next(shared: &mut SharedState) -> Self {
        Self { writer: shared.writer, sequence: shared.next_operation() }
    }
}

impl Record {
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        self.refresh_token.as_ref().map(Fingerprint::of)
    }

    /// Returns whether the record is an earlier state of the other one: it lacks a decision or an answer that
    /// the other one has, and has no other decision or refresh token.
    pub(crate) fn is_behind(&self, other: &Self) -> bool {
        let is_known = |token| other.refresh_token.as_ref() == Some(token) || other.history.has_used(token);
        let lacks_answer = self.family == other.family && self.answered < other.answered;
        other.history.contains(&self.history)
            && self.refresh_token.as_ref().is_none_or(is_known)
            && (lacks_answer || !self.history.contains(&other.history))
    }

    /// Returns whether the record has a decision, an answer, an attempt or a refusal that the other one lacks.
    pub(crate) fn has_more_than(&self, other: &Self) -> bool {
        let begun = |record: &Self| record.attempt.as_ref().map(|open| open.id);
        let is_other = begun(self).is_some() && begun(self) != begun(other);
        let is_later = self.attempts > other.attempts || self.answered > other.answered;
        let is_refused = self.is_dead && !other.is_dead && self.fingerprint() == other.fingerprint();
        !other.history.contains(&self.history)
            || self.family == other.family && (is_later || is_refused)
            || is_other && self.attempts >= other.attempts
    }

    /// Returns which token is in the record.
    pub(crate) fn generation(&self) -> Generation {
        Generation { family: self.family, number: self.number }
    }
}

impl FamilyId {
    /// Returns the family of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Writes the first four bytes, which are enough for people.
impl fmt::Display for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FamilyId({self})")
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.number, self.family)
    }
}

impl Fingerprint {
    pub(crate) fn of(refresh_token: &Secret) -> Self {
        Self(Sha256::digest(refresh_token.expose()).into())
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn short(self) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        short
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(***)")
    }
}
