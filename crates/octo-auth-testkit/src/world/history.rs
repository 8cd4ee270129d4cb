//! The past contents of the store.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use octo_auth_core::{FamilyId, Generation, Timestamp};

/// The past records of one spec.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The last applied operation of each process start.
    pub(super) applied: HashMap<String, u64>,
    /// The sign-in at the server of each family. `families` is the reverse.
    pub(super) sign_ins: HashMap<FamilyId, usize>,
    pub(super) families: HashMap<usize, FamilyId>,
    /// The families that were replaced or signed out.
    pub(super) gone: HashMap<FamilyId, Gone>,
    /// The access token and its issue time, by generation.
    pub(super) generations: HashMap<Generation, (String, Timestamp)>,
    /// The generations that were stored.
    pub(super) stored: HashSet<Generation>,
    /// The back-offs that the server asked for, by beginning and end in milliseconds of the wall clock.
    pub(super) pauses: HashMap<(i64, i64), AskedPause>,
    /// The number of sign-ins, sign-outs and seeds that have changed the record.
    pub(super) decisions: usize,
    /// The number of writes that the store had seen when each refresh token was first stored.
    pub(super) refresh_tokens: HashMap<String, u64>,
}

/// When the server asked for a back-off, and its end, on the world's boot clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedPause {
    pub(super) at: Duration,
    pub(super) end: Duration,
}

/// When a family was replaced or signed out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    /// The number of writes that the store had seen then.
    pub(super) writes: u64,
    /// The time on the world's boot clock.
    pub(super) at: Duration,
    /// Whether a sign-in, a sign-out or a seed did it, and not a client grant, each of whose answers is a family of
    /// its own.
    pub(super) by_decision: bool,
}

impl History {
    /// Returns when a user replaced or signed out a family, or `None`.
    pub(super) fn gone(&self, family: FamilyId) -> Option<Gone> {
        self.gone.get(&family).filter(|gone| gone.by_decision).copied()
    }

    /// Returns whether a token was ever stored.
    pub(super) fn has_stored(&self, generation: Generation) -> bool {
        self.stored.contains(&generation)
    }

    /// Returns the number of writes that the store had seen when a refresh token was first stored.
    pub(super) fn stored_at(&self, refresh_token: &str) -> Option<u64> {
        self.refresh_tokens.get(refresh_token).copied()
    }
}
