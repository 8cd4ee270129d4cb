//! The backend of the bare core: one machine for each process, over the driver. It plays callers and jobs one after
//! the other.

mod job_runner;
mod process;

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Entropy, TokenManager};

use super::step::Act;
use super::{Backend, Environment};
use process::Process;

/// The backend of the bare core.
pub struct Bare {
    environment: Arc<Environment>,
    seed: u8,
    processes: Vec<Option<Process>>,
}

impl Bare {
    /// Returns a backend without processes. Only the seed determines what is random. A scenario plays the same with
    /// every seed.
    #[must_use]
    pub fn new(environment: &Arc<Environment>, seed: u8) -> Self {
        let processes = environment.setup().processes.iter().map(|_| None).collect();
        Self { environment: environment.clone(), seed, processes }
    }
}

impl Backend for Bare {
    fn start(&mut self, place: usize) {
        let named = self.environment.start(place);
        // A different seed for each process, so that no two of them use the same owner name for claims.
        self.seed = self.seed.wrapping_add(101);
        let entropy = Entropy::from_bytes([self.seed; 64]);
        let setup = self.environment.setup();
        let manager = TokenManager::new(setup.client(), setup.policy.clone(), setup.storage, &entropy);
        self.processes[place] = Some(Process::new(&self.environment, named, manager));
    }

    fn crash(&mut self, place: usize) {
        self.environment.crash(place);
        self.processes[place] = None;
    }

    fn act(&mut self, place: usize, act: &Act) {
        if let Some(process) = &mut self.processes[place] {
            process.act(act);
        }
    }

    fn rest(&mut self) {
        while self.processes.iter_mut().flatten().any(Process::go_on) {}
    }

    fn pass(&mut self, _: Duration) {
        self.rest();
    }

    fn hear(&mut self) {
        self.processes.iter_mut().flatten().for_each(Process::hear);
    }
}
