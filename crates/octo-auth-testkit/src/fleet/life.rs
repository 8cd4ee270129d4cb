//! Lives: random worlds in which very many things happen, without regard to what is likely.

use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::Story;
use super::chance::derived;
use crate::registration::sound;
use crate::strategies::{Focus, events, setups};
use crate::world::{Defect, Plan, Trace, World};

const DAY: Duration = Duration::from_secs(86_400);

/// A random world of two to eight processes, and everything that happens in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// What everything in it is drawn from.
    pub seed: u64,
    /// What it looks at most.
    pub focus: Focus,
    /// How many things happen.
    pub events: usize,
}

impl Life {
    /// Returns the lives of a run in their order, each with the next focus.
    pub fn of_run(count: u64, seed: u64, events: usize) -> impl Iterator<Item = Self> {
        let focuses = Focus::ALL.into_iter().cycle();
        (0..count).zip(focuses).map(move |(part, focus)| Self { seed: derived(seed, part), focus, events })
    }

    /// Returns what happens, which is the same for the same life.
    ///
    /// # Panics
    ///
    /// Never: every draw is a world.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let mut setup = sound(setups(self.focus).new_tree(&mut runner)).current();
        setup.processes = 2 + u8::try_from(self.seed % 7).unwrap_or(0);
        let events = events(self.focus);
        // One by one: a tree that shrinks takes kilobytes for each.
        let events = (0..self.events).map(|_| sound(events.new_tree(&mut runner)).current());
        Plan { setup, events: events.collect() }
    }

    /// Lets it happen, up to the first contradiction to an invariant, with a known defect or without.
    #[must_use]
    pub fn play(&self, sabotage: Option<Defect>) -> Story {
        let Plan { setup, mut events } = self.plan();
        let mut world = World::sabotaged(setup, sabotage).with_trace(Trace::None);
        let begun = world.now().boot;
        let is_broken = |event| {
            world.happen(event);
            world.violation().is_some()
        };
        let broken = events.iter().position(is_broken);
        events.truncate(broken.map_or(events.len(), |place| place + 1));
        Story {
            tally: world.tally().clone(),
            examined: world.examined(),
            violation: world.violation().cloned(),
            days: (world.now().boot - begun).as_secs() / DAY.as_secs(),
            plan: Plan { setup, events },
        }
    }
}
