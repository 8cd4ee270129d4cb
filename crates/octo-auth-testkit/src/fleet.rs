//! A small fleet that lives through bad days: outages, throttling, lost and late answers, clocks that are set,
//! machines that stand still, processes that die between any two steps, users who sign out and in.
//!
//! A run of many days is cut into [`Episode`]s, each with a seed of its own, so that each can be played alone. What
//! happens in one is a list of plain events, a [`Plan`]: [`first_violation`] plays it again, [`shrunk`] leaves out
//! what a violation does not need, and [`Script`] writes it down and reads it back.
//!
//! The rule kept here: an episode is what its seed says, on every machine and in any order.

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

/// The days of one episode.
const DAYS: u64 = 4;

/// Some days of a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// What everything in it is drawn from.
    pub seed: u64,
    /// How many days it lasts.
    pub days: u64,
    /// How many processes share the store at most.
    pub processes: u8,
}

/// What an episode or a life was like.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Story {
    /// What happened.
    pub plan: Plan,
    /// What was counted.
    pub tally: Tally,
    /// How often each invariant was looked at, by its number.
    pub examined: BTreeMap<&'static str, u64>,
    /// The first contradiction to an invariant, at which the story ended.
    pub violation: Option<Violation>,
    /// The days that have passed, the last one counted whole.
    pub days: u64,
}

impl Episode {
    /// The episodes of a run of so many days, in order; the last one may be shorter than the others.
    pub fn of_run(days: u64, seed: u64, processes: u8) -> impl Iterator<Item = Self> {
        let begun = (0..).map(|part| (part, part * DAYS)).take_while(move |(_, begun)| *begun < days);
        begun.map(move |(part, begun)| Self {
            seed: derived(seed, part),
            days: DAYS.min(days - begun),
            processes,
        })
    }

    /// Lets the episode happen, up to the first contradiction to an invariant, with a known defect or without.
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

    /// Most fleets share a store; where one does not, there is one process.
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
