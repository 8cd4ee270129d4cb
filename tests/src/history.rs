//! Histories of a store's operations, and a check whether they are linearizable.
//!
//! A history is linearizable if its operations can be put in an order, each at a time between its start and its end, in
//! which each result is right. An operation with an unknown result may have taken effect at any time after its start,
//! or never.
//!
//! No two writes of a history have the same content or version, and each write names the version that it replaces. So
//! the order of the writes is known, and the check takes each of them as early as possible.

mod recording;

use std::collections::HashMap;

use octo_auth_core::{Saved, StoreError, Stored, Version};

pub use recording::{Extent, name, record};

/// An operation and its result. A content is a number that no other operation writes. An operation expects only a
/// version that was seen before it began.
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

/// A write that took effect.
#[derive(Clone, Copy)]
struct Write {
    held: Held,
    begun: u64,
    ended: u64,
}

/// Returns whether the operations on one record, which did not exist at first, are linearizable.
#[must_use]
pub fn is_linearizable(operations: &[Operation]) -> bool {
    let Some(mut writes) = writes(operations) else { return false };
    let mut reads: HashMap<Option<Held>, Vec<&Operation>> = HashMap::new();
    // The time by which each version was replaced: a write against it was refused.
    let mut replaced: HashMap<Option<u64>, u64> = HashMap::new();
    for operation in operations {
        match operation.did {
            Did::Loaded(seen) => reads.entry(seen).or_default().push(operation),
            Did::Refused(expected) => {
                let by = replaced.entry(expected).or_insert(u64::MAX);
                *by = operation.ended.min(*by);
            }
            Did::Wrote(..) | Did::Maybe(..) => {}
        }
    }
    let (mut record, mut time): (Option<Held>, u64) = (None, 0);
    loop {
        let version = record.map(|held| held.version);
        // The next write follows all reads of this record.
        let mut next = time;
        for read in reads.remove(&record).into_iter().flatten() {
            if time > read.ended {
                return false;
            }
            next = next.max(read.begun);
        }
        let by = replaced.get(&version).copied();
        let Some(write) = writes.remove(&version) else {
            return by.is_none() && reads.is_empty() && writes.is_empty();
        };
        next = next.max(write.begun);
        if next > write.ended.min(by.unwrap_or(u64::MAX)) || Some(write.held.version) <= version {
            return false;
        }
        (record, time) = (Some(write.held), next);
    }
}

/// Returns the writes that took effect, by the version that each replaced. `None` if two replaced the same version.
///
/// A write with an unknown result took effect if its content was read. Otherwise nothing followed it, because a process
/// must see its version to replace it.
fn writes(operations: &[Operation]) -> Option<HashMap<Option<u64>, Write>> {
    let mut seen: HashMap<u64, (Held, u64)> = HashMap::new();
    for operation in operations {
        if let Did::Loaded(Some(held)) = operation.did {
            let (_, ended) = seen.entry(held.content).or_insert((held, u64::MAX));
            *ended = operation.ended.min(*ended);
        }
    }
    let mut writes = HashMap::new();
    for Operation { did, begun, ended } in operations.iter().copied() {
        let (expected, write) = match did {
            Did::Wrote(expected, held) => (expected, Write { held, begun, ended }),
            Did::Maybe(expected, content) => match seen.get(&content) {
                Some(&(held, ended)) => (expected, Write { held, begun, ended }),
                None => continue,
            },
            Did::Loaded(_) | Did::Refused(_) => continue,
        };
        if writes.insert(expected, write).is_some() {
            return None;
        }
    }
    Some(writes)
}
