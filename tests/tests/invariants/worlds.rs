//! Whether an invariant holds in an arbitrary world.

pub(crate) use octo_auth_testkit::strategies::{Focus, plans, replies, setups};
use octo_auth_testkit::{Plan, World};
use proptest::test_runner::TestCaseError;

/// Fails unless an invariant holds in a world; the end of the world's trace is shown.
pub(crate) fn holds(invariant: &str, plan: &Plan) -> Result<(), TestCaseError> {
    let world = World::after(plan);
    let Some(violation) = world.violations_of(invariant).next() else { return Ok(()) };
    let from = world.trace().len().saturating_sub(40);
    let trace = world.trace()[from..].join("\n");
    Err(TestCaseError::fail(format!("{invariant}: {}\n{trace}", violation.what)))
}
