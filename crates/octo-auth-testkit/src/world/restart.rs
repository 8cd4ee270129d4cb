//! Processes that die and are started again on what the store holds.

use std::time::Duration;

use octo_auth_core::{Job, Record, Storage, Verdict};

use super::books::{Ended, Exchange};
use super::plan::{Reply, StoreEnd};
use super::process::Process;
use super::{World, client};

/// How soon a claim is had after it is free.
const SOON: Duration = Duration::from_secs(1);

/// More steps than there are readings while another's claim lasts.
const STEPS: usize = 1024;

impl World {
    /// The process dies and another takes its place on the same store.
    pub(super) fn crash(&mut self, process: usize) {
        let incarnation = self.processes[process].incarnation + 1;
        self.tally.fault("crashes");
        let client = client(self.setup.provider, self.sabotage);
        let keys = self.keys.len();
        self.processes[process] = Process::new(process, incarnation, &client, &self.policy, self.setup, keys);
        self.exchanges_of_the_dead(process);
    }

    /// The process dies with records on their way to a store that takes each of them.
    pub(super) fn crash_while_saving(&mut self, process: usize) {
        let mut on_their_way = Vec::new();
        for carried in std::mem::take(&mut self.processes[process].carried) {
            if let Job::Save(job) = carried.job {
                on_their_way.push((carried.key, job));
            }
        }
        for (key, job) in on_their_way {
            let before = self.shelf.record(job.key()).cloned();
            self.write(process, key, &job);
            let stored = self.shelf.record(job.key()).cloned();
            let is_whole = stored == before || stored.as_ref() == Some(job.record());
            self.expect("I35", is_whole, || format!("{stored:?} is stored, neither old nor new"));
        }
        self.crash(process);
    }

    /// Lets a process that was started again ask until it knows what to do, while no other one does anything: it
    /// reads what is stored, and has the claim within a second of the moment at which it is free. `process` and `key`
    /// count modulo how many there are.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    pub fn restart(&mut self, process: u8, key: u8) -> Result<(), String> {
        let (process, key) = (self.process(process), usize::from(key) % self.keys.len());
        let begun = self.now.boot;
        let free = self.shelf.leases.until(&self.keys[key]).max(begun).saturating_add(SOON);
        let mut place: Option<usize> = None;
        for _ in 0..STEPS {
            if self.now.boot > free {
                return Err(format!("{:?} after the start it still has no claim", self.now.boot - begun));
            }
            if let Some(here) = place {
                let wait = match &self.processes[process].carried[here].job {
                    Job::Load(job) => job.wait(),
                    // It writes, sends, or gives back what it has: nothing stands in the way.
                    Job::Save(_) | Job::Send(_) | Job::Release(_) => return Ok(()),
                    Job::Claim(_) => Duration::ZERO,
                };
                self.pass(wait);
                place = self.end(process, here, &Reply::token(3600), StoreEnd::Works);
                continue;
            }
            let (now, name) = (self.clock(process), self.keys[key].clone());
            let decision = self.processes[process].accounts.decide(&name, now);
            self.note(|| format!("started again: {decision:?}"));
            match decision.verdict {
                Verdict::Use(_) | Verdict::UseAndRun(..) | Verdict::GiveUp(_) => return Ok(()),
                Verdict::Run(job) => place = self.hand(process, Some(job)),
                Verdict::Wait { until } => self.pass(until.saturating_sub(now.boot)),
            }
        }
        Err("it goes round in circles".to_owned())
    }

    /// What the store holds of a key, whose number counts modulo how many there are; nothing where there is no store.
    #[must_use]
    pub fn stored(&self, key: u8) -> Option<&Record> {
        let name = &self.keys[usize::from(key) % self.keys.len()];
        self.shelf.record(name).filter(|_| self.setup.storage != Storage::None)
    }

    /// A process that died will hear of none of its requests.
    fn exchanges_of_the_dead(&mut self, process: usize) {
        let under_way =
            |exchange: &&mut Exchange| exchange.process == process && exchange.end == Ended::UnderWay;
        self.exchanges.iter_mut().filter(under_way).for_each(|exchange| exchange.end = Ended::InDoubt);
    }
}
