//! What the store holds from change to change: one chain of versions, in which a refresh token has one successor.

use octo_auth_core::{Fingerprint, LoadJob, Record, SaveJob, Saved, Secret, Stored};

use super::World;

/// More renewals than anybody makes while a store is away.
const MOST_AT_ONCE: usize = 1024;

impl World {
    /// A record is to be written over a version that this process has seen, or over nothing.
    pub(super) fn watch_expected(&mut self, process: usize, key: usize, job: &SaveJob) {
        let Some(expected) = job.expected() else { return };
        let is_seen = self.processes[process].callers[key].versions.contains(&expected);
        self.expect("I34", is_seen, || format!("{expected:?} is to be replaced, which it has not seen"));
    }

    pub(super) fn note_version(&mut self, process: usize, key: usize, saved: &Saved) {
        let version = match saved {
            Saved::Done(version) => Some(*version),
            Saved::Conflict(stored) => stored.as_ref().map(|stored| stored.version),
        };
        self.processes[process].callers[key].versions.extend(version);
    }

    /// A record took the place of another one: generations of one lineage go on, and what was got from a refresh
    /// token is what the server gave for it.
    pub(super) fn watch_chain(&mut self, before: Option<&Record>, record: &Record) {
        let (own, earlier) = (record.generation, before.map(|before| before.generation).unwrap_or_default());
        let goes_on = own.lineage != earlier.lineage || own.number >= earlier.number;
        self.expect("I34", goes_on, || format!("generation {own} was stored over {earlier}"));
        let replaced = before.and_then(|before| before.refresh_token.as_ref());
        let (Some(replaced), Some(new)) = (replaced, &record.refresh_token) else { return };
        if own.lineage != earlier.lineage || replaced == new {
            return;
        }
        let (replaced, new) = (replaced.expose().to_owned(), new.expose().to_owned());
        // Several at once where the store was away in between.
        let mut parent = replaced.clone();
        for _ in 0..MOST_AT_ONCE {
            match self.server.successor(&parent) {
                Some(successor) if successor != new => parent = successor.to_owned(),
                _ => break,
            }
        }
        let follows = self.server.successor(&parent) == Some(&new);
        let is_parent = record.parent == Some(Fingerprint::of(&Secret::from(parent.as_str())));
        self.expect("I34", follows && is_parent, || {
            format!("{new} was stored over {replaced}, from which {parent} is the last to follow: {follows}")
        });
    }

    /// A record was read. The first reading of a process gives it what is stored, as it stands there.
    pub(super) fn loaded(
        &mut self,
        process: usize,
        key: usize,
        job: LoadJob,
        stored: Option<Stored>,
        is_heard_of: bool,
    ) -> Option<usize> {
        let callers = &mut self.processes[process].callers[key];
        let is_first = callers.begun == 0 && is_heard_of;
        callers.versions.extend(stored.as_ref().map(|stored| stored.version));
        self.took_over(process, key, is_heard_of);
        let record = stored.as_ref().map(|stored| stored.record.clone());
        let next = self.report_without_handing(process, key, job.loaded(Ok(stored)));
        if let (true, Some(record)) = (is_first, record) {
            self.watch_read(process, key, &record);
        }
        self.hand(process, next)
    }

    fn watch_read(&mut self, process: usize, key: usize, record: &Record) {
        let status = self.processes[process].accounts.status(&self.keys[key], self.clock(process));
        let Some(status) = status else { return };
        let has_generation = status.token.is_none_or(|token| token.generation() == record.generation);
        let is_out = record.signed_out == (status.row == octo_auth_core::Row::SignedOut);
        let needs_sign_in = record.terminal.is_none() || status.sign_in_needed;
        self.expect("I35", has_generation && is_out && needs_sign_in, || {
            format!("{record:?} was read, and the process goes on in row {:?}", status.row)
        });
    }
}
