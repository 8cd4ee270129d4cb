//! Tests that the failures of a few accounts do not affect the others.

use octo_auth_testkit::blame::{Kind, run};

#[test]
fn accounts_that_fail_cost_the_healthy_ones_no_token() {
    let mut denied = Vec::new();
    for kind in Kind::all().filter(|kind| !kind.is_of_all()) {
        for bad in [1, 5, 50] {
            let outcome = run(bad, kind, 1);
            if outcome.denied > 0 {
                denied.push(format!("{}, {bad} bad: {} of {}", kind.name(), outcome.denied, outcome.calls));
            }
        }
    }
    assert!(denied.is_empty(), "calls of healthy accounts were denied\n{}", denied.join("\n"));
}
