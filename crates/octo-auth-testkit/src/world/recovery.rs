//! Whether a world can go on: after any events of a token, and from a crash to the next claim.

use std::time::Duration;

use octo_auth_core::{Job, Remedy, Storage, Verdict};

use super::expectations::Ended;
use super::plan::{Reply, StoreEnd};
use super::process::Process;
use super::{World, client};
use crate::StoredRecord;

/// A limit above the number of steps of any recovery.
const STEPS: usize = 64;

/// How soon a process goes on once it is not blocked any more.
const SOON: Duration = Duration::from_secs(1);

/// A limit above the number of readings while another process may be renewing.
const READINGS: usize = 1024;

impl World {
    /// Drops all jobs in flight, then asks as a caller and follows the remedies of all errors until a token is
    /// served. The server and the store work.
    ///
    /// # Errors
    ///
    /// The last decision, if no token is reached.
    pub fn recover(&mut self, process: u8, key: u8) -> Result<(), String> {
        let (process, key) = (self.process(process), usize::from(key) % self.keys.len());
        for own in 0..self.processes.len() {
            while !self.processes[own].carried.is_empty() {
                self.lose_some(0, false);
                self.processes.iter_mut().for_each(|own| own.orphans.clear());
            }
        }
        let mut said = String::new();
        for _ in 0..STEPS {
            let (now, name) = (self.local(process), self.keys[key].clone());
            let decision = self.processes[process].manager.decide(&name, now);
            said = format!("{decision:?}");
            self.note(|| said.clone());
            match decision.verdict {
                Verdict::Use(_) | Verdict::UseAndRun(..) => return Ok(()),
                Verdict::Run(job) => self.carry_on(process, job),
                Verdict::Wait { until } => self.pass(until.saturating_sub(now.boot)),
                Verdict::GiveUp(failure) => {
                    let next = decision.next_change.map(|next| next.saturating_sub(now.boot));
                    let after = failure.retry_after().or(next);
                    self.act(process, key, failure.remedy(), after);
                }
            }
        }
        Err(said)
    }

    /// Follows the remedy of an error.
    fn act(&mut self, process: usize, key: usize, remedy: Remedy, after: Option<Duration>) {
        match (remedy, after) {
            (Remedy::SignInAgain, _) => {
                self.import(process, key, None);
            }
            (Remedy::FixConfiguration, None) => self.replace_client(process),
            (_, Some(after)) => self.pass(after),
            (_, None) => self.pass(Duration::from_secs(1)),
        }
        while !self.processes[process].carried.is_empty() {
            let carried = self.processes[process].carried.remove(0);
            self.carry_on(process, carried.job);
        }
    }

    /// Runs a flight to its end.
    fn carry_on(&mut self, process: usize, job: Job) {
        let mut place = self.hand(process, Some(job));
        for _ in 0..STEPS * 8 {
            let Some(here) = place else { return };
            if let Job::Load(job) = &self.processes[process].carried[here].job {
                let wait = job.wait();
                self.pass(wait);
            }
            place = self.end(process, here, &Reply::token(3600), StoreEnd::Works);
        }
    }

    /// Kills the process and starts another one in its place, on the same store.
    pub(super) fn crash(&mut self, process: usize) {
        let incarnation = self.processes[process].incarnation + 1;
        // Half of the stores learn when a process ends, as a file lock does.
        if self.setup.seed % 2 == 0 {
            self.store.leases.owner_has_ended(&self.processes[process].owner);
        }
        self.stats.fault("crashes");
        let client = client(self.setup.provider, self.sabotage);
        let keys = self.keys.len();
        self.processes[process] = Process::new(process, incarnation, &client, &self.policy, self.setup, keys);
        self.exchanges_of_the_dead(process);
    }

    /// Kills the process while its records are on their way to the store, which takes each of them.
    pub(super) fn crash_while_saving(&mut self, process: usize) {
        let mut on_their_way = Vec::new();
        for carried in std::mem::take(&mut self.processes[process].carried) {
            if let Job::Save(job) = carried.job {
                on_their_way.push((carried.key, job, carried.record));
            }
        }
        for (key, job, record) in on_their_way {
            let content = |world: &Self| world.store.load(job.name()).map(|stored| stored.content);
            let before = content(self);
            self.write(process, key, &job, record.as_ref());
            let stored = content(self);
            let is_whole = stored == before || stored.as_ref() == Some(job.content());
            self.expect("I35", is_whole, || format!("{stored:?} is stored, neither old nor new"));
        }
        self.crash(process);
    }

    /// Lets a restarted process ask until it has a decision, while all other processes are idle. It must proceed
    /// within a second after no claim and no attempt of another process blocks it. Returns how long that took.
    /// `process` and `key` are taken modulo the number of processes and specs.
    ///
    /// # Errors
    ///
    /// What blocks the process.
    pub fn restart(&mut self, process: u8, key: u8) -> Result<Duration, String> {
        let (process, key) = (self.process(process), usize::from(key) % self.keys.len());
        let begun = self.now.boot;
        let record = self.store.record(&self.names[key]);
        let attempt = record.and_then(|record| record.attempt_lasts()).unwrap_or_default();
        let attempt = if self.is_attempt_over(key) { Duration::ZERO } else { attempt };
        let claim = self.store.leases.until(&self.names[key]);
        let free = claim.max(begun.saturating_add(attempt)).saturating_add(SOON);
        let mut place: Option<usize> = None;
        for _ in 0..READINGS {
            if self.now.boot > free {
                return Err(format!("{:?} after the start it still waits", self.now.boot - begun));
            }
            if let Some(here) = place {
                let wait = match &self.processes[process].carried[here].job {
                    Job::Load(job) => job.wait(),
                    // It writes, sends or releases, so nothing blocks it.
                    Job::Save(_) | Job::Send(_) | Job::Release(_) => return Ok(self.now.boot - begun),
                    Job::Claim(_) => Duration::ZERO,
                };
                self.pass(wait);
                place = self.end(process, here, &Reply::token(3600), StoreEnd::Works);
                continue;
            }
            let (now, name) = (self.clock(process), self.keys[key].clone());
            let decision = self.processes[process].manager.decide(&name, now);
            self.note(|| format!("started again: {decision:?}"));
            match decision.verdict {
                Verdict::Use(_) | Verdict::UseAndRun(..) | Verdict::GiveUp(_) => {
                    return Ok(self.now.boot - begun);
                }
                Verdict::Run(job) => place = self.hand(process, Some(job)),
                Verdict::Wait { until } => self.pass(until.saturating_sub(now.boot)),
            }
        }
        Err("it goes round in circles".to_owned())
    }

    /// Returns whether the store knows that the process of a spec's open attempt has ended.
    fn is_attempt_over(&self, key: usize) -> bool {
        let name = &self.names[key];
        let writer = self.store.record(name).and_then(|record| record.attempt_writer());
        writer.is_some() && writer == self.store.leases.ended_owner(name)
    }

    /// Returns the stored record of a spec, or `None` without a store. `key` is taken modulo the number of specs.
    #[must_use]
    pub fn stored(&self, key: u8) -> Option<&StoredRecord> {
        let name = &self.names[usize::from(key) % self.names.len()];
        self.store.record(name).map(|record| &**record).filter(|_| self.setup.storage != Storage::None)
    }

    /// Records that a process that died receives none of its answers.
    fn exchanges_of_the_dead(&mut self, process: usize) {
        for exchange in self.exchanges.iter_mut().filter(|own| own.process == process) {
            if matches!(exchange.end, Ended::UnderWay | Ended::Lost) {
                exchange.end = Ended::InDoubt;
            }
        }
    }
}
