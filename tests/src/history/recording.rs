//! Records the history of processes that use one record concurrently.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use octo_auth_core::{RecordName, Saved, Store, Version};

use super::{Did, Operation, held, written};
use crate::registration::sound;

/// The processes of a history, and the count of operations of each.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// The count of processes.
    pub processes: u64,
    /// The count of operations of each process.
    pub operations: u64,
}

/// Returns the name of a record that no other number has.
#[must_use]
pub fn name(number: u64) -> RecordName {
    sound(RecordName::parse(&format!("history-{number}.{}", "0".repeat(32))))
}

/// Runs processes that use a record concurrently: each reads it, and writes against the last version it saw. The
/// processes take the stores in turn. Before each operation `disturb` is called with its number.
#[must_use]
pub fn record(
    stores: &[Arc<dyn Store>],
    name: &RecordName,
    extent: Extent,
    disturb: &(dyn Fn(u64) + Sync),
) -> Vec<Operation> {
    let Extent { processes, operations } = extent;
    let (clock, content, seen) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
    let tick = || clock.fetch_add(1, Ordering::SeqCst);
    thread::scope(|scope| {
        for (process, store) in (0..processes).zip(stores.iter().cycle()) {
            let (seen, content, tick) = (&seen, &content, &tick);
            scope.spawn(move || {
                let note = |did, begun| {
                    let operation = Operation { did, begun, ended: tick() };
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
                };
                let mut known: Option<Version> = None;
                for step in 0..operations {
                    disturb(step * processes + process);
                    let begun = tick();
                    if (step + process) % 3 == 0 {
                        if let Ok(stored) = store.load(name) {
                            note(Did::Loaded(stored.as_ref().map(held)), begun);
                            known = stored.map(|stored| stored.version);
                        }
                        continue;
                    }
                    let own = content.fetch_add(1, Ordering::SeqCst);
                    let saved = store.compare_and_swap(name, known, &own.to_string().into_bytes().into());
                    let (did, shown) = written(known, own, &saved);
                    note(did, begun);
                    if let Some(shown) = shown {
                        note(shown, begun);
                    }
                    known = match saved {
                        Ok(Saved::Done(version)) => Some(version),
                        Ok(Saved::Conflict(stored)) => stored.map(|stored| stored.version),
                        Err(_) => known,
                    };
                }
            });
        }
    });
    seen.into_inner().unwrap_or_else(PoisonError::into_inner)
}
