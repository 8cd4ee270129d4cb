//! Lives: random worlds with very many events, regardless of how likely they are.

use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::Story;
use super::chance::derived;
use crate::registration::sound;
use crate::strategies::{Focus, events, setups};
use crate::world::{Defect, Plan, Trace, World};

const DAY: Duration = Duration::from_secs(86_400);

/// A random world of two to eight processes, and all its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The seed of everything in it.
    pub seed: u64,
    /// Its focus.
    pub focus: Focus,
    /// The number of events.
    pub events: usize,
}

impl Life {
    /// Returns the lives of a run in order. The focus changes from one to the next.
    pub fn of_run(count: u64, seed: u64, events: usize) -> impl Iterator<Item = Self> {
        let focuses = Focus::ALL.into_iter().cycle();
        (0..count).zip(focuses).map(move |(part, focus)| Self { seed: derived(seed, part), focus, events })
    }

    /// Returns the plan, which is always the same for the same life.
    ///
    /// # Panics
    ///
    /// Never, because every generated value is a valid world.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let mut setup = sound(setups(self.focus).new_tree(&mut runner)).current();
        setup.processes = 2 + u8::try_from(self.seed % 7).unwrap_or(0);
        let events = events(self.focus);
        // Generated one by one: a tree that can shrink takes kilobytes for each event.
        let events = (0..self.events).map(|_| sound(events.new_tree(&mut runner)).current());
        Plan { setup, events: events.collect() }
    }

    /// Plays the life up to the first violation of an invariant, with or without a known defect.
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
