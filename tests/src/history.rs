//! Histories of a store's operations, and whether they are those of one record that changes one step at a time.
//!
//! A history is linearizable if its operations can be put in an order, each at a moment between its beginning and its end, in
//! which each outcome is right. An operation whose outcome is unknown may have taken effect at any moment after its
//! beginning, or never. The search tries the operations that can come next, and remembers what it has tried.

use std::collections::HashSet;

use octo_auth_core::{Saved, StoreError, Stored, Version};

/// What an operation was and what came of it. A content is a number that no other operation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// The record was read.
    Loaded(Option<Held>),
    /// The content was written in the place of a version.
    Wrote(Option<u64>, Held),
    /// Another version was there, so nothing was written.
    Refused(Option<u64>),
    /// Whether the content was written in the place of a version is unknown.
    Maybe(Option<u64>, u64),
}

/// A version and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    /// The version.
    pub version: u64,
    /// The content.
    pub content: u64,
}

/// An operation and the moments of its beginning and its end, as places in the order of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What it was.
    pub did: Did,
    /// Its beginning.
    pub begun: u64,
    /// Its end.
    pub ended: u64,
}

/// Returns what is held, with the content as a number.
#[must_use]
pub fn held(stored: &Stored) -> Held {
    let text = String::from_utf8_lossy(stored.content.as_ref());
    // A content that no process wrote equals that of no operation.
    Held { version: stored.version.0, content: text.parse().unwrap_or(u64::MAX) }
}

/// Returns what a write did. One that met another version may also have read the record, in a second step.
#[must_use]
pub fn written(
    expected: Option<Version>,
    content: u64,
    saved: &Result<Saved, StoreError>,
) -> (Did, Option<Did>) {
    let expected = expected.map(|version| version.0);
    match saved {
        Ok(Saved::Done(version)) => (Did::Wrote(expected, Held { version: version.0, content }), None),
        Ok(Saved::Conflict(stored)) => (Did::Refused(expected), Some(Did::Loaded(stored.as_ref().map(held)))),
        Err(_) => (Did::Maybe(expected, content), None),
    }
}

/// Returns whether the operations on one record, of which there was none at first, are linearizable.
#[must_use]
pub fn is_linearizable(operations: &[Operation]) -> bool {
    let mut search = Search { operations, tried: HashSet::new() };
    search.goes_on(&mut vec![false; operations.len()], None)
}

struct Search<'h> {
    operations: &'h [Operation],
    /// The operations that were done, and the record then.
    tried: HashSet<(Vec<bool>, Option<Held>)>,
}

impl Search<'_> {
    /// Returns whether the operations that are not done can follow on this record.
    fn goes_on(&mut self, done: &mut Vec<bool>, record: Option<Held>) -> bool {
        let is_left = |place: usize, done: &[bool]| !done[place];
        let must = |operation: &Operation| !matches!(operation.did, Did::Maybe(..));
        let left = || (0..self.operations.len()).filter(|place| is_left(*place, done));
        // The next operation began before each other that must still come has ended.
        let Some(end) = left().map(|place| self.operations[place]).filter(must).map(|next| next.ended).min()
        else {
            return true;
        };
        if !self.tried.insert((done.clone(), record)) {
            return false;
        }
        let next: Vec<usize> = left().filter(|place| self.operations[*place].begun <= end).collect();
        for place in next {
            let Some(after) = step(record, self.operations[place].did) else { continue };
            done[place] = true;
            if self.goes_on(done, after) {
                return true;
            }
            done[place] = false;
        }
        false
    }
}

/// Returns the record after an operation; `None` if its outcome is not right on this record.
fn step(record: Option<Held>, did: Did) -> Option<Option<Held>> {
    let version = record.map(|held| held.version);
    match did {
        Did::Loaded(seen) => (seen == record).then_some(record),
        Did::Wrote(expected, new) => {
            let is_right = expected == version && new.version == expected.unwrap_or(0) + 1;
            is_right.then_some(Some(new))
        }
        Did::Refused(expected) => (expected != version).then_some(record),
        Did::Maybe(expected, content) => {
            let new = Held { version: expected.unwrap_or(0) + 1, content };
            (expected == version).then_some(Some(new))
        }
    }
}
