//! A small simulated fleet through bad days: outages, throttling, lost and late answers, clock steps, suspended
//! machines, processes that die between any two steps, users who sign out and in.
//!
//! A run of many days consists of [`Episode`]s. Each episode has its own seed and can be played alone. An episode is
//! recorded as a list of plain events, a [`Plan`]. [`first_violation`] replays a plan, [`shrunk`] removes the events
//! that a violation does not need, and [`Script`] writes a plan as text and reads it back.
//!
//! The seed alone determines an episode, on every machine and in any order.

pub(crate) mod chance;
mod drive;
mod explore;
mod life;
mod script;
mod shrink;
mod weather;

use std::collections::BTreeMap;

use octo_auth_core::Storage;

pub use explore::{Explored, explore};
pub use life::Life;
pub use script::{Script, ScriptError};
pub use shrink::{first_violation, shrunk};

use crate::world::{Defect, Plan, Provider, Rotation, Setup, Tally, Trace, Violation, World};
use chance::{Chance, derived};
use drive::Drive;

/// The length of one episode in days.
const DAYS: u64 = 4;

/// A few days of a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// The seed of everything in it.
    pub seed: u64,
    /// The length in days.
    pub days: u64,
    /// The largest number of processes that share the store.
    pub processes: u8,
}

/// The record of a played episode or life.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Story {
    /// The events.
    pub plan: Plan,
    /// The counts.
    pub tally: Tally,
    /// How often each invariant was checked, by its number.
    pub examined: BTreeMap<&'static str, u64>,
    /// The first violation of an invariant, at which the story ended.
    pub violation: Option<Violation>,
    /// The number of days that have passed. The last day counts as a whole one.
    pub days: u64,
}

impl Episode {
    /// Returns the episodes of a run of `days` days, in order. The last episode may be shorter than the others.
    pub fn of_run(days: u64, seed: u64, processes: u8) -> impl Iterator<Item = Self> {
        let begun = (0..).map(|part| (part, part * DAYS)).take_while(move |(_, begun)| *begun < days);
        begun.map(move |(part, begun)| Self {
            seed: derived(seed, part),
            days: DAYS.min(days - begun),
            processes,
        })
    }

    /// Plays the episode up to the first violation of an invariant, with or without a known defect.
    #[must_use]
    pub fn play(&self, sabotage: Option<Defect>) -> Story {
        let mut chance = Chance::new(self.seed);
        let setup = self.setup(&mut chance);
        let world = World::sabotaged(setup, sabotage).with_trace(Trace::None);
        let mut drive = Drive::new(world, chance);
        drive.run(self.days);
        let days = drive.days().min(self.days);
        let Drive { world, events, .. } = drive;
        let (tally, examined) = (world.tally().clone(), world.examined());
        let violation = world.violation().cloned();
        Story { plan: Plan { setup, events }, tally, examined, violation, days }
    }

    /// Most fleets share a store. A fleet that does not has one process.
    fn setup(&self, chance: &mut Chance) -> Setup {
        use Provider as P;
        let providers = [P::Standard, P::OfficeRnd, P::OfficeRnd, P::Octorate, P::Octorate, P::NoReplay];
        let provider = chance.pick(P::Standard, &providers);
        let storage = match chance.below(20) {
            0 => Storage::None,
            1 | 2 => Storage::SingleProcess,
            _ => Storage::MultiProcess,
        };
        let processes = if chance.hits(7000) { self.processes } else { chance.byte() % 8 + 1 };
        let processes = processes.min(self.processes);
        let rotation = chance.pick(Rotation::Strict, &[Rotation::Strict, Rotation::Grace, Rotation::None]);
        Setup { provider, storage, processes, rotation, seed: chance.next() }
    }
}
