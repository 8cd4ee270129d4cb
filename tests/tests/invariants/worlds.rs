//! Whether an invariant holds in an arbitrary world, and all of them in long ones.

use octo_auth_testkit::fleet::{Life, Script, first_violation, shrunk};
pub(crate) use octo_auth_testkit::strategies::{Focus, plans, replies, setups};
use octo_auth_testkit::{Plan, World};
use proptest::prelude::*;

/// The variable that names the only seed of long worlds to be looked at.
const SEED: &str = "LONG_WORLDS_SEED";

/// The seeds of long worlds that are looked at otherwise.
const SEEDS: std::ops::Range<u64> = 1..5;

/// The number of events in a long world.
const EVENTS: usize = 2000;

/// Fails unless an invariant holds in a world; the end of the world's trace is shown.
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
/// A failure names its seed, which `LONG_WORLDS_SEED` looks at alone, and is written down as `cargo xtask simulate
/// --replay` reads it.
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
