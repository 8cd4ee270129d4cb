//! Whether a world can go on: from whatever has happened, with what everybody is asked to do, to a token.

use std::time::Duration;

use octo_auth_core::{Job, Remedy, Verdict};

use super::World;
use super::plan::{Reply, StoreEnd};

/// More steps than any state needs.
const STEPS: usize = 64;

impl World {
    /// Lets everybody do what they are told, at a server and a store that work, until a caller is served; all that
    /// was in flight is lost. What stands in the way, if a token is not reached.
    ///
    /// # Errors
    ///
    /// What the last caller was told.
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
            let decision = self.processes[process].accounts.decide(&name, now);
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

    /// Somebody does what a failure asks for.
    fn act(&mut self, process: usize, key: usize, remedy: Remedy, after: Option<Duration>) {
        match (remedy, after) {
            (Remedy::SignInAgain, _) => {
                self.adopt(process, key, None);
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

    /// Carries a flight to its end.
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
}
