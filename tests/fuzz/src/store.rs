//! A store in memory, and machines that start with it.

use std::collections::HashMap;
use std::time::Duration;

use octo_auth_core::{
    TokenManager, Claimed, Client, Entropy, TransportError, Job, TokenSpec, Now, Policy, RecordBytes, RecordName, Saved,
    Storage, Stored, Verdict, Version,
};

use crate::NOW;

/// A store in memory.
#[derive(Default)]
pub struct Store(HashMap<RecordName, Stored>);

impl Store {
    /// Creates a store with one record.
    #[must_use]
    pub fn holding(name: RecordName, content: RecordBytes) -> Self {
        Self(HashMap::from([(name, Stored { version: Version(1), content })]))
    }

    /// Returns the content under a name.
    #[must_use]
    pub fn content(&self, name: &RecordName) -> Option<&RecordBytes> {
        self.0.get(name).map(|stored| &stored.content)
    }

    fn compare_and_swap(
        &mut self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Saved {
        let held = self.0.get(name);
        if held.map(|stored| stored.version) != expected {
            return Saved::Conflict(held.cloned());
        }
        let version = Version(expected.map_or(1, |version| version.0 + 1));
        self.0.insert(name.clone(), Stored { version, content: content.clone() });
        Saved::Done(version)
    }
}

/// A machine with a store. Its requests never reach the server.
pub struct Machine {
    /// The machine.
    pub manager: TokenManager,
    /// The store.
    pub store: Store,
    /// The current time.
    pub now: Now,
}

impl Machine {
    /// Starts a machine with a store.
    #[must_use]
    pub fn started(client: Client, storage: Storage, store: Store) -> Self {
        let manager = TokenManager::new(client, Policy::default(), storage, &Entropy::from_bytes([7; 64]));
        Self { manager, store, now: NOW }
    }

    /// Asks for a token several times, and executes the jobs.
    pub fn ask(&mut self, key: &TokenSpec) {
        for _ in 0..3 {
            match self.manager.decide(key, self.now).verdict {
                Verdict::UseAndRun(_, job) | Verdict::Run(job) => self.carry(Some(job)),
                _ => return,
            }
        }
    }

    /// Executes a job and its successors.
    pub fn carry(&mut self, mut next: Option<Job>) {
        // A request has few steps; an endless sequence would be a finding.
        for _ in 0..64 {
            let Some(job) = next else { return };
            let report = match job {
                Job::Load(job) => {
                    let stored = self.store.0.get(job.name()).cloned();
                    job.loaded(Ok(stored))
                }
                Job::Claim(job) => job.claimed(Ok(Claimed::Granted)),
                Job::Save(job) => {
                    let saved = self.store.compare_and_swap(job.name(), job.expected(), job.content());
                    job.saved(Ok(saved))
                }
                Job::Release(job) => job.released(),
                Job::Send(job) => job.failed(TransportError::not_sent("no route"), self.now),
            };
            next = self.manager.report(report, self.now);
        }
        panic!("a flight does not end");
    }

    /// Advances both clocks.
    pub fn pass_a_minute(&mut self) {
        let minute = Duration::from_secs(60);
        self.now = Now { wall: self.now.wall.saturating_add(minute), boot: self.now.boot + minute };
    }
}
