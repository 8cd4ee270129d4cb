//! The budget that processes with one store keep together: what the store makes of it, and whether it is kept.

use std::time::Duration;

use octo_auth_core::{Grant, Job, Report, SaveJob, Saved, Storage, Version};

use super::World;
use super::carriage::{broke_off, full};
use super::plan::{Provider, StoreEnd};
use super::sabotage::Sabotage;

/// So long after a step of the wall clock, which is all that processes share, a record may count for less than it is.
const SETTLED: Duration = Duration::from_secs(70);

/// Whether what is written is a request that is counted, not the record of a token.
pub(super) fn counts(job: &SaveJob) -> bool {
    job.key().grant() == Grant::None
}

/// The job, if it saves the record of a token.
pub(super) fn saving(job: &Job) -> Option<&SaveJob> {
    match job {
        Job::Save(job) if !counts(job) => Some(job),
        _ => None,
    }
}

impl World {
    /// Has the store count a request.
    pub(super) fn count(&mut self, process: usize, key: usize, job: SaveJob, end: StoreEnd) -> Report {
        self.processes[process].callers[key].is_counted = false;
        if end == StoreEnd::Fails {
            return job.saved(Err(full()));
        }
        let saved = self.count_in_store(&job);
        if end == StoreEnd::FailsAfterwards {
            return job.saved(Err(broke_off()));
        }
        self.processes[process].callers[key].is_counted = matches!(saved, Saved::Done(_));
        job.saved(Ok(saved))
    }

    pub(super) fn count_in_store(&mut self, job: &SaveJob) -> Saved {
        if self.has(Sabotage::BudgetNotShared) {
            return Saved::Done(Version(job.expected().map_or(0, |version| version.0) + 1));
        }
        self.shelf.compare_and_swap(job.key(), job.expected(), job.record(), self.exchanges.count())
    }

    /// No more requests of all processes in a minute than the provider allows; what was sent while the store failed is
    /// counted by each process alone.
    pub(super) fn watch_budget_of_all(&mut self, process: usize, key: usize) {
        if !std::mem::take(&mut self.processes[process].callers[key].is_counted) {
            return;
        }
        let sent = self.counted.sent(self.now.boot);
        let is_settled =
            self.stepped_at.is_none_or(|stepped| self.now.boot.saturating_sub(stepped) > SETTLED);
        if self.setup.storage == Storage::Shared && self.setup.provider == Provider::OfficeRnd && is_settled {
            self.expect("I21", sent <= 4, || format!("{sent} requests of all processes in a minute"));
        }
    }
}
