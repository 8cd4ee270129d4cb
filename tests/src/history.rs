//! Histories of a store's operations, and a check whether they are linearizable.
//!
//! A history is linearizable if its operations can be put in an order, each at a time between its start and its end, in
//! which each result is right. An operation with an unknown result may have taken effect at any time after its start,
//! or never. The search tries the operations that can come next, and remembers what it has tried.

use std::collections::HashSet;

use octo_auth_core::{Saved, StoreError, Stored, Version};

/// An operation and its result. A content is a number that no other operation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// The record was read.
    Loaded(Option<Held>),
    /// The content replaced a version.
    Wrote(Option<u64>, Held),
    /// Another version was stored, so nothing was written.
    Refused(Option<u64>),
    /// It is unknown whether the content replaced a version.
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

/// An operation with its start and its end, as positions in the order of all events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The operation and its result.
    pub did: Did,
    /// Its beginning.
    pub begun: u64,
    /// Its end.
    pub ended: u64,
}

/// Returns a stored record, with its content as a number.
#[must_use]
pub fn held(stored: &Stored) -> Held {
    let text = String::from_utf8_lossy(stored.content.as_ref());
    // A content that no process wrote equals that of no operation.
    Held { version: stored.version.0, content: text.parse().unwrap_or(u64::MAX) }
}

/// Returns the operations of a write. If it met another version, it may also have read the record in a second step.
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

/// Returns whether the operations on one record, which did not exist at first, are linearizable.
#[must_use]
pub fn is_linearizable(operations: &[Operation]) -> bool {
    let mut search = Search { operations, tried: HashSet::new() };
    search.goes_on(&mut vec![false; operations.len()], None)
}

struct Search<'h> {
    operations: &'h [Operation],
    /// The sets of finished operations, with the record after them.
    tried: HashSet<(Vec<bool>, Option<Held>)>,
}

impl Search<'_> {
    /// Returns whether the remaining operations can follow on this record.
    fn goes_on(&mut self, done: &mut Vec<bool>, record: Option<Held>) -> bool {
        let is_left = |place: usize, done: &[bool]| !done[place];
        let must = |operation: &Operation| !matches!(operation.did, Did::Maybe(..));
        let left = || (0..self.operations.len()).filter(|place| is_left(*place, done));
        // The next operation must start before any other remaining operation has ended.
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

/// Returns the record after an operation; `None` if its result is wrong for this record.
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
