//! What the store has held of each key.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use octo_auth_core::{FamilyId, Generation, Timestamp};

/// What the store has held of one key.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The last operation of each process start that was applied.
    pub(super) applied: HashMap<String, u64>,
    /// Which sign-in of the server each family comes from, and the other way round.
    pub(super) sign_ins: HashMap<FamilyId, usize>,
    pub(super) families: HashMap<usize, FamilyId>,
    /// The families that were replaced or signed out.
    pub(super) gone: HashMap<FamilyId, Gone>,
    /// What each generation is.
    pub(super) generations: HashMap<Generation, (String, Timestamp)>,
    /// Those that were stored.
    pub(super) stored: HashSet<Generation>,
    /// The pauses that the server asked for, from when until when in milliseconds of the wall clock.
    pub(super) pauses: HashMap<(i64, i64), AskedPause>,
    /// How many sign-ins, sign-outs and seeds have changed the record.
    pub(super) decisions: usize,
    /// How many writes the store had seen when each refresh token was stored first.
    pub(super) refresh_tokens: HashMap<String, u64>,
}

/// When the server asked for a pause, and its end, on the world's boot clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedPause {
    pub(super) at: Duration,
    pub(super) end: Duration,
}

/// When a family was replaced or signed out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    /// How many writes the store had seen then.
    pub(super) writes: u64,
    /// On the world's boot clock.
    pub(super) at: Duration,
    /// By a sign-in, a sign-out or a seed, rather than by a client grant, whose answers are families of their own.
    pub(super) by_decision: bool,
}

impl History {
    /// Returns when a user replaced or signed out a family, if one did.
    pub(super) fn gone(&self, family: FamilyId) -> Option<Gone> {
        self.gone.get(&family).filter(|gone| gone.by_decision).copied()
    }

    /// Returns whether a token was ever stored.
    pub(super) fn has_stored(&self, generation: Generation) -> bool {
        self.stored.contains(&generation)
    }

    /// Returns how many writes the store had seen when a refresh token was stored first.
    pub(super) fn stored_at(&self, refresh_token: &str) -> Option<u64> {
        self.refresh_tokens.get(refresh_token).copied()
    }
}
