//! Checks one invariant in an arbitrary world, and all of them in long ones.

use octo_auth_testkit::fleet::{Life, Script, first_violation, shrunk};
pub(crate) use octo_auth_testkit::strategies::{Focus, plans, replies, setups};
use octo_auth_testkit::{Plan, World};
use proptest::prelude::*;

/// The variable with the only seed to test for long worlds.
const SEED: &str = "LONG_WORLDS_SEED";

/// The seeds of long worlds that are tested by default.
const SEEDS: std::ops::Range<u64> = 1..5;

/// The count of events in a long world.
const EVENTS: usize = 2000;

/// Checks an invariant in a world. A failure shows the end of the world's trace.
pub(crate) fn holds(invariant: &str, plan: &Plan) -> Result<(), TestCaseError> {
    let world = World::after(plan);
    let Some(violation) = world.violations_of(invariant).next() else { return Ok(()) };
    let from = world.trace().len().saturating_sub(40);
    let trace = world.trace()[from..].join("\n");
    Err(TestCaseError::fail(format!("{invariant}: {}\n{trace}", violation.what)))
}

/// Covers what sixty events do not reach: repeated sign-ins, stores that answer late, processes that no caller asks
/// for months.
///
/// A failure prints its seed, which `LONG_WORLDS_SEED` tests alone, and is written to a file for `cargo xtask simulate
/// --replay`.
#[test]
fn every_invariant_holds_in_long_worlds() {
    let named = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a seed is a number"));
    let seeds = named.map_or(SEEDS, |seed: u64| seed..seed + 1);
    for seed in seeds {
        for focus in Focus::ALL {
            let plan = Life { seed, focus, events: EVENTS }.plan();
            if let Some((_, violation)) = first_violation(&plan, None) {
                let script = Script { plan: shrunk(&plan, None), sabotage: None }.to_text();
                panic!("{SEED}={seed}, {focus:?}: {violation}\n{script}");
            }
        }
    }
}
